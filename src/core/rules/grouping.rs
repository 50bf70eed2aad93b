//! Grouping settings: the distance in time and in dependencies within which alerts of different rules are one incident.

use super::Inventory;
use super::item_index::ItemIndex;
use crate::core::model::{Labels, Matchers, Severity, TimeDelta};

/// The section `grouping:`. Without it, the defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    /// True if alerts of different rules are joined at all.
    pub enabled: bool,
    /// Alerts of one item that begin no further apart belong together at once.
    pub same_item_within: TimeDelta,
    /// A dependent item's failure belongs to its dependency's failure if it begins within that time, plus a quarter for
    /// each further dependency.
    pub neighbours_within: TimeDelta,
    /// Maximum delay of a cause's alert after its effect's, plus a quarter for each further dependency.
    pub cause_late_by: TimeDelta,
    /// Maximum number of dependencies between a failure and its cause.
    pub hops: u32,
    /// Maximum number of consecutive silent items on that path, because their alarms may be lost.
    pub silent_hops: u32,
    /// A failure that begins that much earlier or later than a near one is part of it if both end together.
    pub stragglers_within: TimeDelta,
    /// Maximum time between the ends of one failure's alerts; half of that for a large failure as a whole.
    pub ends_within: TimeDelta,
    /// Maximum time between the failures of one silent item's dependents, or of one site, to be one outage.
    pub siblings_within: TimeDelta,
    /// Percentage of a silent item's dependents, at least two, that must have failed for the item to count as failed.
    pub siblings_percent: u32,
    /// Delay after which an unexplained alert is evaluated again, from its receipt; then after three times that.
    pub look_again_after: TimeDelta,
    /// Maximum time between the starts of one incident's alerts.
    pub lasts_at_most: TimeDelta,
    /// Maximum number of alerts grouped into one incident; later ones are a storm and stay apart.
    pub alerts_at_most: u32,
    /// Number of warnings from which a group with fewer minor alerts counts as noise: the two are not joined.
    pub chatter: u32,
    /// Kinds of alerts that never belong to one failure: an unreachable item is not slow.
    pub apart: Vec<Matchers>,
    /// Labels whose equal values join alerts of any items.
    pub by: Vec<String>,
}

impl Default for Grouping {
    fn default() -> Grouping {
        Grouping {
            enabled: true,
            same_item_within: TimeDelta::from_seconds(30),
            neighbours_within: TimeDelta::from_seconds(60),
            cause_late_by: TimeDelta::from_seconds(30),
            hops: 4,
            silent_hops: 1,
            stragglers_within: TimeDelta::from_minutes(6),
            ends_within: TimeDelta::from_seconds(60),
            siblings_within: TimeDelta::from_seconds(45),
            siblings_percent: 60,
            look_again_after: TimeDelta::from_seconds(25),
            lasts_at_most: TimeDelta::from_hours(4),
            alerts_at_most: 5_000,
            chatter: 12,
            apart: Vec::new(),
            by: Vec::new(),
        }
    }
}

impl Grouping {
    /// Time for which an alert can still be joined by an event after its start or its end.
    pub fn memory(&self) -> TimeDelta {
        let spans = [self.same_item_within, self.neighbours_within, self.stragglers_within, self.siblings_within];
        let longest = spans.into_iter().max().unwrap_or_default();
        let after_end = self.ends_within + self.ends_within;
        longest.max(self.last_look_after()).max(after_end) + TimeDelta::from_minutes(1)
    }

    /// The kind of an alert among those kept apart: the first that it fits.
    pub fn kind(&self, labels: &Labels) -> Option<u32> {
        self.apart.iter().position(|kind| kind.matches(labels)).map(|place| place as u32)
    }

    /// Time of an alert's last evaluation, from its receipt.
    pub fn last_look_after(&self) -> TimeDelta {
        TimeDelta::from_micros(self.look_again_after.as_micros().saturating_mul(3))
    }
}

/// Severity in the coarse classes that decide causes: an alert that takes nothing down explains no outage, and an
/// outage does not belong to a mere warning next to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum FailureMode {
    /// Warning or not determined.
    Warning,
    /// Minor: may go with an outage or with a warning.
    Impaired,
    /// Critical or major.
    Down,
}

impl FailureMode {
    pub const fn of(severity: Severity) -> FailureMode {
        match severity {
            Severity::Critical | Severity::Major => FailureMode::Down,
            Severity::Minor => FailureMode::Impaired,
            Severity::Warning | Severity::Indeterminate | Severity::Cleared => FailureMode::Warning,
        }
    }

    /// True if both may belong to one failure of one item.
    pub const fn goes_with(self, other: FailureMode) -> bool {
        !matches!((self, other), (FailureMode::Warning, FailureMode::Down) | (FailureMode::Down, FailureMode::Warning))
    }

    /// True if a failure of that mode may have caused `effect` in a dependent item.
    pub const fn explains(self, effect: FailureMode) -> bool {
        match (self, effect) {
            (FailureMode::Down, FailureMode::Down | FailureMode::Impaired) => true,
            (FailureMode::Impaired | FailureMode::Warning, FailureMode::Impaired | FailureMode::Warning) => true,
            (FailureMode::Down, FailureMode::Warning)
            | (FailureMode::Impaired | FailureMode::Warning, FailureMode::Down) => false,
        }
    }
}

impl Inventory {
    /// The item that an alert concerns: the one at the far end that another of its labels names (`interface="to-sw3"`),
    /// else the one that raised it.
    pub fn concerned(&self, labels: &Labels) -> Option<ItemIndex> {
        let own = self.entity_of(labels)?;
        let others = labels.iter().filter(|(_, value)| self.find(value) != Some(own));
        let named = others.filter_map(|(_, value)| self.named_in(value)).find(|other| *other != own);
        Some(named.unwrap_or(own))
    }

    /// The item whose name ends that text, after a separate word.
    fn named_in(&self, text: &str) -> Option<ItemIndex> {
        let is_joint = |character: char| matches!(character, '-' | '_' | ':' | '/' | ' ' | '>');
        let mut rest = text;
        for _ in 0..4 {
            let (_, after) = rest.split_once(is_joint)?;
            if let Some(found) = self.find(after) {
                return Some(found);
            }
            rest = after;
        }
        None
    }
}
