//! How far apart alerts of different rules may be, in time and in what depends on what, to be one incident.

use super::{Inventory, ItemIndex};
use crate::model::{Labels, Severity, Span};

/// The section `grouping:`. Without it, the defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    /// Whether alerts of different rules are joined at all.
    pub enabled: bool,
    /// Alerts of one item that begin no further apart belong together.
    pub same_item_within: Span,
    /// What depends on a failed item belongs to it if both begin no further apart.
    pub neighbours_within: Span,
    /// How many dependencies may lie between the two; the items in between must be silent: their alarm may be lost.
    pub hops: u32,
    /// What depends on a failed item and begins that much later, while the item still fires, is a straggler of it.
    pub stragglers_within: Span,
    /// An item that says nothing has failed if at least two and that many of a hundred of what depends on it have.
    pub siblings_percent: u32,
    /// Alerts of one incident begin no further apart than that.
    pub lasts_at_most: Span,
    /// How many alerts are grouped into one incident; what comes later is a storm and stays by itself.
    pub alerts_at_most: u32,
    /// A group with that many warnings is chatter: nothing worse is taken into it.
    pub chatter: u32,
    /// How far apart producers' clocks may be: among the alerts that begin within it of the first, the topmost item is
    /// the root candidate.
    pub skew: Span,
    /// Labels whose equal values say that alerts belong together, wherever they come from.
    pub by: Vec<String>,
}

impl Default for Grouping {
    fn default() -> Grouping {
        Grouping {
            enabled: true,
            same_item_within: Span::from_minutes(5),
            neighbours_within: Span::from_seconds(60),
            hops: 2,
            stragglers_within: Span::from_minutes(7),
            siblings_percent: 50,
            lasts_at_most: Span::from_hours(4),
            alerts_at_most: 5_000,
            chatter: 12,
            skew: Span::from_seconds(60),
            by: Vec::new(),
        }
    }
}

impl Grouping {
    /// For how long an alert can still be joined by something that happened later.
    pub fn memory(&self) -> Span {
        self.same_item_within.max(self.neighbours_within).max(self.stragglers_within)
    }
}

/// How bad an alert is, as coarsely as failures follow from one another: what takes nothing down explains no outage, and
/// an outage is not what a mere warning next to it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Gravity {
    /// Warning or not determined.
    Warning,
    /// Minor: may go with an outage or with a warning.
    Impaired,
    /// Critical or major.
    Down,
}

impl Gravity {
    pub const fn of(severity: Severity) -> Gravity {
        match severity {
            Severity::Critical | Severity::Major => Gravity::Down,
            Severity::Minor => Gravity::Impaired,
            Severity::Warning | Severity::Indeterminate | Severity::Cleared => Gravity::Warning,
        }
    }

    /// Whether both may show one failure of one item.
    pub const fn goes_with(self, other: Gravity) -> bool {
        !matches!((self, other), (Gravity::Warning, Gravity::Down) | (Gravity::Down, Gravity::Warning))
    }

    /// Whether a failure of that gravity may have caused `effect` in what depends on it.
    pub const fn explains(self, effect: Gravity) -> bool {
        match (self, effect) {
            (Gravity::Down, Gravity::Down | Gravity::Impaired) => true,
            (Gravity::Impaired | Gravity::Warning, Gravity::Impaired | Gravity::Warning) => true,
            (Gravity::Down, Gravity::Warning) | (Gravity::Impaired | Gravity::Warning, Gravity::Down) => false,
        }
    }
}

impl Inventory {
    /// Which item an alert is about: the one at the far end that another of its labels names (`interface="to-sw3"`), else
    /// the one that raised it.
    pub fn concerned(&self, labels: &Labels) -> Option<ItemIndex> {
        let own = self.entity_of(labels)?;
        let named = || {
            let others = labels.iter().filter(|(_, value)| self.find(value) != Some(own));
            others.filter_map(|(_, value)| self.named_in(value)).find(|other| self.is_edge(own, *other))
        };
        Some(named().unwrap_or(own))
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

    fn is_edge(&self, one: ItemIndex, other: ItemIndex) -> bool {
        self.parents(one).contains(&other) || self.children(one).contains(&other)
    }
}
