//! The state of a correlator, and its division into snapshot sections.
//!
//! Everything else (indexes, the compiled rulebook) is derived from it, so equal states have equal bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::alerts::alert::Alert;
use super::alerts::dedup::{EventId, SeenId};
use super::alerts::nonconforming_names::Quarantine;
use super::conditions::condition::Condition;
use super::conditions::shared_context::{ContextName, SharedContext};
use super::grouping::GroupingState;
use super::keys::StormKey;
use super::keys::{ConditionKey, RuleId};
use super::suppression::maintenance_window::KeptWindow;
use super::suppression::storm_detector::StormSite;
use super::templates::Templates;
use crate::core::model::{Fingerprint, SECTION_COUNT, ShardedMap, Silence, SilenceId, Timestamp};
use crate::core::rules::{CATCH_ALL, Rulebook};

/// A clone shares everything until one side changes it.
#[derive(Clone, Default)]
pub(super) struct CorrelatorState {
    /// Values are shared too: copying a section that a snapshot holds copies pointers.
    pub alerts: ShardedMap<Fingerprint, Arc<Alert>>,
    pub conditions: ShardedMap<ConditionKey, Arc<Condition>>,
    pub event_ids: ShardedMap<EventId, SeenId>,
    pub silences: Arc<BTreeMap<SilenceId, StoredSilence>>,
    /// By name.
    pub maintenance: Arc<BTreeMap<String, KeptWindow>>,
    pub storms: Arc<BTreeMap<Arc<StormKey>, Arc<StormSite>>>,
    pub names: Arc<RuleNames>,
    pub contexts: ShardedMap<ContextName, SharedContext>,
    pub groups: Arc<GroupingState>,
    pub quarantine: Arc<Quarantine>,
    pub templates: Arc<Templates>,
}

/// A silence and the stage of its life that was handled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct StoredSilence {
    pub silence: Silence,
    pub stage: AlertStage,
    /// Until resolved: the alerts that resolved under it, which it no longer suppresses.
    pub done: BTreeSet<Fingerprint>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum AlertStage {
    Pending,
    Active,
    Expired,
}

impl AlertStage {
    pub fn of(silence: &Silence, now: Timestamp) -> AlertStage {
        if silence.is_expired(now) {
            AlertStage::Expired
        } else if silence.is_pending(now) {
            AlertStage::Pending
        } else {
            AlertStage::Active
        }
    }
}

impl StoredSilence {
    /// Time at which its stage ends.
    pub fn due(&self) -> Timestamp {
        match self.stage {
            AlertStage::Pending => self.silence.starts_at.at,
            AlertStage::Active => self.silence.ends_at.at,
            AlertStage::Expired => self.silence.ends_at.at + super::SILENCE_RETENTION,
        }
    }
}

/// The numbers assigned to rules' names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct RuleNames {
    pub ids: BTreeMap<String, RuleId>,
    next: u32,
}

impl RuleNames {
    /// Numbers for that rulebook: known names keep theirs, others get new ones in file order.
    pub fn of(&self, rulebook: &Rulebook) -> RuleNames {
        let mut names = RuleNames { ids: BTreeMap::new(), next: self.next.max(RuleId::CATCH_ALL.0 + 1) };
        names.ids.insert(CATCH_ALL.to_owned(), RuleId::CATCH_ALL);
        for rule in &rulebook.rules {
            if names.ids.contains_key(&rule.name) {
                continue;
            }
            let id = self.ids.get(&rule.name).copied().unwrap_or_else(|| {
                names.next += 1;
                RuleId(names.next - 1)
            });
            names.ids.insert(rule.name.clone(), id);
        }
        names
    }

    /// Drops the numbers of rules whose windows do not survive, so that old state is never taken for theirs.
    pub fn without(&self, gone: &[RuleId]) -> RuleNames {
        let ids = self.ids.iter().filter(|(_, id)| !gone.contains(id));
        RuleNames { ids: ids.map(|(name, id)| (name.clone(), *id)).collect(), next: self.next }
    }
}

/// A frozen state, to be encoded while the correlator continues.
#[derive(Clone)]
pub struct Frozen(pub(super) CorrelatorState);

/// Reason why a section cannot be read back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseSectionError {
    #[error("section {name}: {reason}")]
    Unreadable { name: String, reason: postcard::Error },
    #[error("section {name} is not one of a correlator's")]
    Unknown { name: String },
}

/// One section of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Alerts(usize),
    Conditions(usize),
    EventIds(usize),
    Contexts(usize),
    Silences,
    Maintenance,
    Storms,
    Rules,
    Groups,
    Quarantine,
    Templates,
}

impl Section {
    fn all() -> impl Iterator<Item = Section> {
        let parts = |part: fn(usize) -> Section| (0..SECTION_COUNT).map(part);
        parts(Section::Alerts)
            .chain(parts(Section::Conditions))
            .chain(parts(Section::EventIds))
            .chain(parts(Section::Contexts))
            .chain([Section::Silences, Section::Maintenance, Section::Storms, Section::Rules, Section::Groups])
            .chain([Section::Quarantine, Section::Templates])
    }

    fn name(self) -> String {
        match self {
            Section::Alerts(index) => format!("alerts-{index:02}"),
            Section::Conditions(index) => format!("conditions-{index:02}"),
            Section::EventIds(index) => format!("event-ids-{index:02}"),
            Section::Contexts(index) => format!("contexts-{index:02}"),
            Section::Silences => "silences".to_owned(),
            Section::Maintenance => "maintenance".to_owned(),
            Section::Storms => "storms".to_owned(),
            Section::Rules => "rules".to_owned(),
            Section::Groups => "groups".to_owned(),
            Section::Quarantine => "quarantine".to_owned(),
            Section::Templates => "templates".to_owned(),
        }
    }

    fn named(name: &str) -> Result<Section, ParseSectionError> {
        let unknown = || ParseSectionError::Unknown { name: name.to_owned() };
        let (kind, index) = match name.rsplit_once('-') {
            Some((kind, index)) => (kind, index.parse().ok().filter(|index| *index < SECTION_COUNT)),
            None => (name, None),
        };
        match (kind, index) {
            ("alerts", Some(index)) => Ok(Section::Alerts(index)),
            ("conditions", Some(index)) => Ok(Section::Conditions(index)),
            ("event-ids", Some(index)) => Ok(Section::EventIds(index)),
            ("contexts", Some(index)) => Ok(Section::Contexts(index)),
            ("silences", None) => Ok(Section::Silences),
            ("maintenance", None) => Ok(Section::Maintenance),
            ("storms", None) => Ok(Section::Storms),
            ("rules", None) => Ok(Section::Rules),
            ("groups", None) => Ok(Section::Groups),
            ("quarantine", None) => Ok(Section::Quarantine),
            ("templates", None) => Ok(Section::Templates),
            _ => Err(unknown()),
        }
    }
}

impl Frozen {
    /// The names of all sections, in a fixed order.
    pub fn section_names() -> impl Iterator<Item = String> {
        Section::all().map(Section::name)
    }

    /// The canonical bytes of one section.
    pub fn encode_section(&self, name: &str) -> Result<Vec<u8>, ParseSectionError> {
        let state = &self.0;
        let encoded = match Section::named(name)? {
            Section::Alerts(index) => state.alerts.encode_section(index),
            Section::Conditions(index) => state.conditions.encode_section(index),
            Section::EventIds(index) => state.event_ids.encode_section(index),
            Section::Contexts(index) => state.contexts.encode_section(index),
            Section::Silences => postcard::to_allocvec(&*state.silences),
            Section::Maintenance => postcard::to_allocvec(&*state.maintenance),
            Section::Storms => postcard::to_allocvec(&*state.storms),
            Section::Rules => postcard::to_allocvec(&*state.names),
            Section::Groups => postcard::to_allocvec(&*state.groups),
            Section::Quarantine => postcard::to_allocvec(&*state.quarantine),
            Section::Templates => postcard::to_allocvec(&*state.templates),
        };
        encoded.map_err(|reason| ParseSectionError::Unreadable { name: name.to_owned(), reason })
    }

    /// Drops the content; only [`Frozen::same_section`] still works.
    pub fn drop_contents(&mut self) {
        let CorrelatorState {
            alerts,
            conditions,
            event_ids,
            contexts,
            silences: _,
            maintenance: _,
            storms: _,
            names: _,
            groups: _,
            quarantine: _,
            templates: _,
        } = &mut self.0;
        alerts.drop_contents();
        conditions.drop_contents();
        event_ids.drop_contents();
        contexts.drop_contents();
    }

    /// True if that section was not touched since `earlier`, so that its bytes are equal. False proves nothing.
    pub fn same_section(&self, earlier: &Frozen, name: &str) -> bool {
        let (now, before) = (&self.0, &earlier.0);
        match Section::named(name) {
            Ok(Section::Alerts(index)) => now.alerts.same_section(&before.alerts, index),
            Ok(Section::Conditions(index)) => now.conditions.same_section(&before.conditions, index),
            Ok(Section::EventIds(index)) => now.event_ids.same_section(&before.event_ids, index),
            Ok(Section::Contexts(index)) => now.contexts.same_section(&before.contexts, index),
            Ok(Section::Silences) => Arc::ptr_eq(&now.silences, &before.silences),
            Ok(Section::Maintenance) => Arc::ptr_eq(&now.maintenance, &before.maintenance),
            Ok(Section::Storms) => Arc::ptr_eq(&now.storms, &before.storms),
            Ok(Section::Rules) => Arc::ptr_eq(&now.names, &before.names),
            Ok(Section::Groups) => Arc::ptr_eq(&now.groups, &before.groups),
            Ok(Section::Quarantine) => Arc::ptr_eq(&now.quarantine, &before.quarantine),
            Ok(Section::Templates) => Arc::ptr_eq(&now.templates, &before.templates),
            Err(_) => false,
        }
    }
}

impl CorrelatorState {
    /// The alert for in-place changes; copied first if a snapshot shares it.
    pub fn alert_mut(&mut self, fingerprint: &Fingerprint) -> Option<&mut Alert> {
        self.alerts.get_mut(fingerprint).map(Arc::make_mut)
    }

    /// The condition for in-place changes; copied first if a snapshot shares it.
    pub fn condition_mut(&mut self, key: &ConditionKey) -> Option<&mut Condition> {
        self.conditions.get_mut(key).map(Arc::make_mut)
    }

    pub fn restore_section(&mut self, name: &str, bytes: &[u8]) -> Result<(), ParseSectionError> {
        let restored = match Section::named(name)? {
            Section::Alerts(index) => self.alerts.restore_section(index, bytes),
            Section::Conditions(index) => self.conditions.restore_section(index, bytes),
            Section::EventIds(index) => self.event_ids.restore_section(index, bytes),
            Section::Contexts(index) => self.contexts.restore_section(index, bytes),
            Section::Silences => postcard::from_bytes(bytes).map(|silences| self.silences = Arc::new(silences)),
            Section::Maintenance => postcard::from_bytes(bytes).map(|windows| self.maintenance = Arc::new(windows)),
            Section::Storms => postcard::from_bytes(bytes).map(|storms| self.storms = Arc::new(storms)),
            Section::Rules => postcard::from_bytes(bytes).map(|names| self.names = Arc::new(names)),
            Section::Groups => postcard::from_bytes(bytes).map(|groups| self.groups = Arc::new(groups)),
            Section::Quarantine => postcard::from_bytes(bytes).map(|names| self.quarantine = Arc::new(names)),
            Section::Templates => postcard::from_bytes(bytes).map(|kept| self.templates = Arc::new(kept)),
        };
        restored.map_err(|reason| ParseSectionError::Unreadable { name: name.to_owned(), reason })
    }

    /// Shares the one label set between an alert and its own condition after a restore.
    pub fn share_labels(&mut self) {
        for (key, condition) in self.conditions.iter() {
            for fingerprint in condition.members.iter() {
                let shares = |alert: &Alert| alert.owner.as_ref() == Some(key) && alert.labels == key.key;
                if self.alerts.get(&fingerprint).is_some_and(|alert| shares(alert))
                    && let Some(alert) = self.alerts.get_mut(&fingerprint).map(Arc::make_mut)
                {
                    alert.labels = key.key.clone();
                    alert.owner = Some(key.clone());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_is_known_by_its_name_and_nothing_else_is() {
        for section in Section::all() {
            assert_eq!(Section::named(&section.name()), Ok(section));
        }
        for name in ["alerts", "alerts-64", "alerts-x", "silences-1", "desk-01", ""] {
            assert!(Section::named(name).is_err(), "{name:?}");
        }
        let state = &mut CorrelatorState::default();
        assert!(state.restore_section("alerts-00", &[0xFF]).is_err());
    }
}
