//! Which of many matcher sets can fit a label set: by one equality matcher each, the rest one by one.
//!
//! Only sets that cannot fit are left out, so the answer after a full match is that of a linear scan.

use std::collections::BTreeMap;

use crate::model::{Labels, Matcher, MatcherOp, Matchers};

#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// Label name → value → the sets that demand it.
    by_value: BTreeMap<String, BTreeMap<String, Vec<u32>>>,
    /// Sets without an equality on a label.
    others: Vec<u32>,
}

impl Candidates {
    /// Of numbered sets; a number may stand for several sets.
    pub fn new<'a>(sets: impl Iterator<Item = (u32, &'a Matchers)> + Clone) -> Candidates {
        let mut shared: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        for matcher in sets.clone().flat_map(|(_, matchers)| matchers.iter()).filter(|matcher| is_indexable(matcher)) {
            *shared.entry((matcher.name(), matcher.value())).or_default() += 1;
        }
        let mut candidates = Candidates::default();
        for (number, matchers) in sets {
            let rarest = matchers
                .iter()
                .filter(|matcher| is_indexable(matcher))
                .min_by_key(|matcher| shared.get(&(matcher.name(), matcher.value())));
            match rarest {
                Some(matcher) => candidates
                    .by_value
                    .entry(matcher.name().to_owned())
                    .or_default()
                    .entry(matcher.value().to_owned())
                    .or_default()
                    .push(number),
                None => candidates.others.push(number),
            }
        }
        candidates
    }

    /// Puts the numbers of all sets that can fit into `found`, in order, each once.
    pub fn find(&self, labels: &Labels, found: &mut Vec<u32>) {
        found.clear();
        found.extend_from_slice(&self.others);
        for (name, value) in labels.iter() {
            if let Some(numbers) = self.by_value.get(name).and_then(|values| values.get(value)) {
                found.extend_from_slice(numbers);
            }
        }
        found.sort_unstable();
        found.dedup();
    }

    pub fn is_empty(&self) -> bool {
        self.by_value.is_empty() && self.others.is_empty()
    }
}

/// A label must be there with that value. Names with `@` are not labels; an empty value fits an absent one.
fn is_indexable(matcher: &Matcher) -> bool {
    matcher.op() == MatcherOp::Equal && !matcher.value().is_empty() && !matcher.name().starts_with('@')
}
