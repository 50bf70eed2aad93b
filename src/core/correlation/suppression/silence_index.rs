//! The active silences by the values that they name, and the alerts under each.

use crate::core::model::{Fingerprint, Labels, Matcher, Silence, SilenceId};
use std::collections::{BTreeMap, BTreeSet};

/// The active silences, by the values that a matcher of each spells out; silences without such a matcher are tried on
/// every alert.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActiveSilences {
    by_value: BTreeMap<String, BTreeMap<String, BTreeSet<SilenceId>>>,
    others: BTreeSet<SilenceId>,
    all: BTreeSet<SilenceId>,
}

impl ActiveSilences {
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn contains(&self, id: &SilenceId) -> bool {
        self.all.contains(id)
    }

    pub fn insert(&mut self, silence: &Silence) {
        self.all.insert(silence.id);
        let Some((name, values)) = silence.matchers.iter().find_map(spelled_out) else {
            self.others.insert(silence.id);
            return;
        };
        let by_value = self.by_value.entry(name.to_owned()).or_default();
        for value in values {
            by_value.entry(value.to_owned()).or_default().insert(silence.id);
        }
    }

    pub fn remove(&mut self, silence: &Silence) {
        self.all.remove(&silence.id);
        self.others.remove(&silence.id);
        let Some((name, values)) = silence.matchers.iter().find_map(spelled_out) else { return };
        let Some(by_value) = self.by_value.get_mut(name) else { return };
        for value in values {
            if let Some(ids) = by_value.get_mut(value) {
                ids.remove(&silence.id);
            }
        }
        by_value.retain(|_, ids| !ids.is_empty());
        if by_value.is_empty() {
            self.by_value.remove(name);
        }
    }

    /// The silences that can match, in their order.
    pub fn candidates(&self, labels: &Labels) -> BTreeSet<SilenceId> {
        let mut found = self.others.clone();
        for (name, value) in labels.iter() {
            if let Some(ids) = self.by_value.get(name).and_then(|values| values.get(value)) {
                found.extend(ids);
            }
        }
        found
    }
}

/// The values of which a label must have one; an empty value fits an absent label, so it finds nothing.
fn spelled_out(matcher: &Matcher) -> Option<(&str, Vec<&str>)> {
    matcher.values().map(|values| (matcher.name(), values))
}

/// The firing alerts under each silence.
#[derive(Clone, Debug, Default)]
pub(crate) struct Silenced(BTreeMap<SilenceId, BTreeSet<Fingerprint>>);

impl Silenced {
    /// Moves an alert from some silences to others.
    pub fn moved(&mut self, fingerprint: Fingerprint, before: &[SilenceId], after: &[SilenceId]) {
        for id in before.iter().filter(|id| !after.contains(id)) {
            if let Some(held) = self.0.get_mut(id) {
                held.remove(&fingerprint);
                if held.is_empty() {
                    self.0.remove(id);
                }
            }
        }
        for id in after {
            self.0.entry(*id).or_default().insert(fingerprint);
        }
    }

    pub fn by(&self, id: &SilenceId) -> BTreeSet<Fingerprint> {
        self.0.get(id).cloned().unwrap_or_default()
    }
}
