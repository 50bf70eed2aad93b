//! The live view: what is active now, in memory, changed only after a commit.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::engine::{AlertRecord, Effect};
use crate::incidents::Incident;
use crate::model::{Fingerprint, IncidentId, Moment, Silence};
use crate::rules::Rulebook;

/// Whether the service can take work, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    NotReady { reason: String },
}

/// An active alert with what the desk made of it.
#[derive(Clone, Debug)]
pub struct LiveAlert {
    pub alert: AlertRecord,
    /// Its open incident, if any, and that incident's team: the v2 receiver.
    pub incident: Option<IncidentId>,
    pub team: Option<String>,
}

/// What a subscriber of the stream is told.
#[derive(Clone, Debug)]
pub enum Change {
    Alert(Arc<AlertRecord>),
    Incident(Arc<Incident>),
    Problem(Arc<crate::problems::Problem>),
    Run(Arc<crate::inspections::Run>),
}

/// Shared by the driver (writes) and the doors (read). Cheap to clone an `Arc` of.
pub struct Live {}

impl Live {
    pub fn new(_rulebook: Arc<Rulebook>) -> Live {
        todo!()
    }
    /// Starts over from an engine's state, after a start or a restore.
    pub fn rebuild(
        &self,
        _alerts: Vec<AlertRecord>,
        _silences: Vec<Silence>,
        _incidents: Vec<Incident>,
        _members: Vec<(IncidentId, Fingerprint)>,
    ) {
        todo!()
    }
    /// Takes over what was just committed, and tells the subscribers.
    pub fn apply(&self, _effects: &[Effect]) {
        todo!()
    }
    pub fn set_rulebook(&self, _rulebook: Arc<Rulebook>) {
        todo!()
    }
    pub fn rulebook(&self) -> Arc<Rulebook> {
        todo!()
    }
    pub fn set_readiness(&self, _readiness: Readiness) {
        todo!()
    }
    pub fn readiness(&self) -> Readiness {
        todo!()
    }
    /// The `now` of the newest committed input.
    pub fn set_now(&self, _now: Moment) {
        todo!()
    }
    pub fn now(&self) -> Moment {
        todo!()
    }
    /// Active alerts that pass, sorted by fingerprint. The lock is held only while they are picked.
    pub fn alerts(&self, _wanted: impl Fn(&LiveAlert) -> bool) -> Vec<Arc<LiveAlert>> {
        todo!()
    }
    pub fn silences(&self) -> Vec<Arc<Silence>> {
        todo!()
    }
    pub fn open_incidents(&self) -> Vec<Arc<Incident>> {
        todo!()
    }
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        todo!()
    }
}
