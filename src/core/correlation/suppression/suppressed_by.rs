//! Suppressors of one alert, by kind: each suppressed alert names them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::core::correlation::keys::StormKey;
use crate::core::correlation::output::AlertSuppressor;
use crate::core::model::{Fingerprint, SilenceId};

/// Never stored empty: a free alert has none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SuppressedBy {
    /// Active silences, in their order.
    pub silenced_by: Vec<SilenceId>,
    /// Open maintenance windows, in the order of the files.
    pub maintained_by: Vec<Arc<str>>,
    /// True if one of them pauses the clocks.
    pub pauses: bool,
    /// The lowest source of the first inhibition that applies.
    pub inhibited_by: Option<Fingerprint>,
    /// The first alert that fired on the nearest dependency.
    pub explained_by: Option<Fingerprint>,
    pub storm: Option<Arc<StormKey>>,
}

impl SuppressedBy {
    pub fn is_empty(&self) -> bool {
        let SuppressedBy { silenced_by, maintained_by, pauses: _, inhibited_by, explained_by, storm } = self;
        silenced_by.is_empty()
            && maintained_by.is_empty()
            && inhibited_by.is_none()
            && explained_by.is_none()
            && storm.is_none()
    }

    /// True if people suppressed it on purpose: then it makes no storm either.
    pub fn is_meant(&self) -> bool {
        !self.silenced_by.is_empty() || !self.maintained_by.is_empty()
    }

    /// The kinds, in the order of naming.
    pub fn kinds(&self) -> impl Iterator<Item = AlertSuppressor> {
        [
            (AlertSuppressor::Silence, !self.silenced_by.is_empty()),
            (AlertSuppressor::Maintenance, !self.maintained_by.is_empty()),
            (AlertSuppressor::Inhibition, self.inhibited_by.is_some()),
            (AlertSuppressor::Dependency, self.explained_by.is_some()),
            (AlertSuppressor::Storm, self.storm.is_some()),
        ]
        .into_iter()
        .filter_map(|(kind, holds)| holds.then_some(kind))
    }

    /// Description: a person's intent before a rule's conclusion.
    pub fn words(&self) -> String {
        if let Some(silence) = self.silenced_by.first() {
            return format!("silence {silence}");
        }
        if let Some(maintenance) = self.maintained_by.first() {
            return format!("maintenance {maintenance}");
        }
        match (self.inhibited_by, self.explained_by, &self.storm) {
            (Some(source), _, _) => format!("inhibition by alert {source}"),
            (None, Some(parent), _) => format!("dependency on alert {parent}"),
            (None, None, Some(storm)) => storm.words(),
            (None, None, None) => String::new(),
        }
    }

    /// `None` if empty.
    pub fn kept(self) -> Option<Box<SuppressedBy>> {
        if self.is_empty() { None } else { Some(Box::new(self)) }
    }
}
