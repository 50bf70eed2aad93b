//! How far apart alerts of different rules may be, in time and in what depends on what, to be one incident.

use super::{Inventory, ItemIndex};
use crate::core::model::{Labels, Matchers, Severity, TimeDelta};

/// The section `grouping:`. Without it, the defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    /// Whether alerts of different rules are joined at all.
    pub enabled: bool,
    /// Alerts of one item that begin no further apart belong together at once.
    pub same_item_within: TimeDelta,
    /// What depends on a failed item belongs to it if it begins no later than that after it, and for each further
    /// dependency a quarter more.
    pub neighbours_within: TimeDelta,
    /// How much later than its effect a cause may be seen, for each further dependency a quarter more.
    pub cause_late_by: TimeDelta,
    /// Over how many dependencies causes are looked for.
    pub hops: u32,
    /// How many items in a row may be silent on that way: their alarms may be lost.
    pub silent_hops: u32,
    /// A failure that begins that much earlier or later than another one nearby was a part of it if both end together.
    pub stragglers_within: TimeDelta,
    /// How far apart the alerts of one failure end, a large failure's as a whole half of that.
    pub ends_within: TimeDelta,
    /// How far apart the failures of what depends on one silent item, or of one site, may be to be one outage.
    pub siblings_within: TimeDelta,
    /// An item that says nothing has failed if at least two and that many of a hundred of what depends on it have.
    pub siblings_percent: u32,
    /// When an alert without an explanation is looked at again, from when it was received; then after three times that.
    pub look_again_after: TimeDelta,
    /// Alerts of one incident begin no further apart than that.
    pub lasts_at_most: TimeDelta,
    /// How many alerts are grouped into one incident; what comes later is a storm and stays by itself.
    pub alerts_at_most: u32,
    /// That many warnings, and more than there is of anything worse but outages, are chatter: nothing worse is among them.
    pub chatter: u32,
    /// Kinds of alerts that never show one failure: what cannot be reached is not slow.
    pub apart: Vec<Matchers>,
    /// Labels whose equal values say that alerts belong together, wherever they come from.
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
    /// For how long an alert can still be joined by something that happened after it began, or after it ended.
    pub fn memory(&self) -> TimeDelta {
        let spans = [self.same_item_within, self.neighbours_within, self.stragglers_within, self.siblings_within];
        let longest = spans.into_iter().max().unwrap_or_default();
        let after_end = self.ends_within + self.ends_within;
        longest.max(self.last_look_after()).max(after_end) + TimeDelta::from_minutes(1)
    }

    /// Of which of the kinds that are kept apart an alert is: the first that it fits.
    pub fn kind(&self, labels: &Labels) -> Option<u32> {
        self.apart.iter().position(|kind| kind.matches(labels)).map(|place| place as u32)
    }

    /// When an alert is looked at for the last time, from when it was received.
    pub fn last_look_after(&self) -> TimeDelta {
        TimeDelta::from_micros(self.look_again_after.as_micros().saturating_mul(3))
    }
}

/// How bad an alert is, as coarsely as failures follow from one another: what takes nothing down explains no outage, and
/// an outage is not what a mere warning next to it is about.
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

    /// Whether both may show one failure of one item.
    pub const fn goes_with(self, other: FailureMode) -> bool {
        !matches!((self, other), (FailureMode::Warning, FailureMode::Down) | (FailureMode::Down, FailureMode::Warning))
    }

    /// Whether a failure of that gravity may have caused `effect` in what depends on it.
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
    /// Which item an alert is about: the one at the far end that another of its labels names (`interface="to-sw3"`), else
    /// the one that raised it.
    pub fn concerned(&self, labels: &Labels) -> Option<ItemIndex> {
        let own = self.entity_of(labels)?;
        let others = labels.iter().filter(|(_, value)| self.find(value) != Some(own));
        let named = others.filter_map(|(_, value)| self.named_in(value)).find(|other| *other != own);
        Some(named.unwrap_or(own))
    }

    /// The item whose name ends that text, after a word of its own.
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
