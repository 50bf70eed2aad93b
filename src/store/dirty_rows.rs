//! The rows that wait behind the journal.

use super::columns::ColumnRows;
use super::encode_batch;
use super::encode_batch::Membership;
use super::{CommitError, Lease};
use crate::core::engine::{AlertRecord, Effect, RecordChange};
use crate::core::incidents::Incident;
use crate::core::model::{Fingerprint, IncidentId, TimeDelta, Timestamp};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Maximum delay of a row without reads.
const LATE_BY: TimeDelta = TimeDelta::from_seconds(1);

/// Maximum number of delayed rows, to limit memory.
pub(super) const LATE_MAX: usize = 50_000;

/// Rows per transaction: between two of them the journal continues.
const SLICE_ROWS: usize = 2_000;

/// The rows still to be written.
#[derive(Default)]
pub(super) struct WriteBehind {
    waiting: Mutex<DirtyRows>,
    /// One writer at a time, so that an older state never overwrites a newer one.
    pub(super) writing: tokio::sync::Mutex<()>,
    /// True if a task was started to write due rows.
    pub(super) sent: AtomicBool,
    /// The lease for writing; before it no row is delayed.
    pub(super) lease: Mutex<Option<Lease>>,
}

#[derive(Default)]
pub(super) struct DirtyRows {
    alerts: BTreeMap<Fingerprint, Arc<AlertRecord>>,
    incidents: BTreeMap<IncidentId, Arc<Incident>>,
    /// Firing, and linked only.
    memberships: BTreeMap<(IncidentId, Fingerprint), (bool, bool)>,
    /// Time since which rows wait.
    since: Option<Timestamp>,
}

impl DirtyRows {
    pub(super) fn len(&self) -> usize {
        self.alerts.len() + self.incidents.len() + self.memberships.len()
    }

    pub(super) fn is_due(&mut self, now: Timestamp) -> bool {
        self.len() > 0 && (self.len() >= LATE_MAX / 2 || now.since(*self.since.get_or_insert(now)) >= LATE_BY)
    }

    /// Returns unwritten rows, unless they changed meanwhile.
    pub(super) fn take_back(&mut self, unwritten: DirtyRows) {
        for (key, record) in unwritten.alerts {
            self.alerts.entry(key).or_insert(record);
        }
        for (key, record) in unwritten.incidents {
            self.incidents.entry(key).or_insert(record);
        }
        for (key, state) in unwritten.memberships {
            self.memberships.entry(key).or_insert(state);
        }
    }

    /// The next rows in the order of their keys, and their number.
    pub(super) fn slice(&self) -> Result<Vec<ColumnRows>, CommitError> {
        let mut room = SLICE_ROWS;
        let mut few = |count: usize| {
            let taken = count.min(room);
            room -= taken;
            taken
        };
        let incidents = self.incidents.values().take(few(self.incidents.len())).map(AsRef::as_ref).collect::<Vec<_>>();
        let alerts = self.alerts.values().take(few(self.alerts.len())).map(AsRef::as_ref).collect::<Vec<_>>();
        let memberships = self.memberships.iter().take(few(self.memberships.len()));
        let membership =
            |(&(incident, fingerprint), &(firing, link_only))| Membership { incident, fingerprint, firing, link_only };
        let memberships: Vec<Membership> = memberships.map(membership).collect();
        Ok(vec![
            encode_batch::incidents(&incidents)?,
            encode_batch::alerts(&alerts)?,
            encode_batch::memberships(&memberships),
        ])
    }

    /// Forgets the rows of a written slice.
    pub(super) fn written(&mut self) {
        let mut room = SLICE_ROWS;
        drop_first(&mut self.incidents, &mut room);
        drop_first(&mut self.alerts, &mut room);
        drop_first(&mut self.memberships, &mut room);
    }
}

fn drop_first<K: Ord + Copy, V>(map: &mut BTreeMap<K, V>, room: &mut usize) {
    let taken = map.len().min(*room);
    *room -= taken;
    match map.keys().nth(taken).copied() {
        Some(next) => *map = map.split_off(&next),
        None => map.clear(),
    }
}

impl WriteBehind {
    pub(super) fn waiting(&self) -> MutexGuard<'_, DirtyRows> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take(&self, effects: &[Effect]) {
        let mut waiting = self.waiting();
        let changes = effects.iter().filter_map(|effect| match effect {
            Effect::Record(change) => Some(change),
            Effect::Live(_) | Effect::Do(_) | Effect::Count(_) => None,
        });
        for change in changes {
            match change {
                RecordChange::Alert(record) => drop(waiting.alerts.insert(record.fingerprint, Arc::clone(record))),
                RecordChange::Incident(record) => drop(waiting.incidents.insert(record.id, Arc::clone(record))),
                RecordChange::Membership { incident, fingerprint, firing, link_only } => {
                    waiting.memberships.insert((*incident, *fingerprint), (*firing, *link_only));
                }
                RecordChange::Timeline(_)
                | RecordChange::Evidence { .. }
                | RecordChange::Problem(_)
                | RecordChange::Run(_)
                | RecordChange::Silence(_)
                | RecordChange::Audit(_)
                | RecordChange::Delivery(_) => {}
            }
        }
    }
}
