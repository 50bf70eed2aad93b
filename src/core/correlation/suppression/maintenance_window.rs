//! A maintenance window: the stage that was handled, and its items.

use crate::core::correlation::match_target::MatchTarget;
use crate::core::model::Timestamp;
use crate::core::rules::{Inventory, ItemIndex, Maintenance};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The stage of a window that was handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptWindow {
    pub is_open: bool,
    /// Time of its next possible change; `None`: never again.
    pub due: Option<Timestamp>,
}

impl KeptWindow {
    pub(super) fn at(window: &Maintenance, now: Timestamp) -> KeptWindow {
        let (is_open, due) = window.time.state(now);
        KeptWindow { is_open, due }
    }
}

/// A window with its items looked up in the inventory.
#[derive(Debug)]
pub(crate) struct Scope {
    pub name: Arc<str>,
    items: BTreeSet<ItemIndex>,
}

impl Scope {
    pub fn new(window: &Maintenance, inventory: &Inventory) -> Scope {
        let items = window.items.iter().filter_map(|name| inventory.find(name)).collect();
        Scope { name: Arc::from(window.name.as_str()), items }
    }

    pub fn covers(&self, window: &Maintenance, inventory: &Inventory, subject: &MatchTarget<'_>) -> bool {
        subject.fits(&window.matchers) && (self.is_everywhere(window) || self.is_there(window, inventory, subject))
    }

    pub(super) fn is_everywhere(&self, window: &Maintenance) -> bool {
        window.items.is_empty() && window.sites.is_empty()
    }

    pub(super) fn is_there(&self, window: &Maintenance, inventory: &Inventory, subject: &MatchTarget<'_>) -> bool {
        let is_site = |site: &str| window.sites.iter().any(|named| named == site);
        let entity = inventory.entity_of(subject.labels);
        entity
            .is_some_and(|item| self.items.contains(&item) || inventory.item(item).site.as_deref().is_some_and(is_site))
            || subject.labels.get("site").is_some_and(is_site)
    }
}
