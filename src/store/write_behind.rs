//! Write-behind cache for alert, incident and membership rows.
//!
//! Only their newest state counts, so a row with many changes is written once, and neighbouring rows together. No data
//! can be lost by it: the journal has their inputs before any answer, a snapshot is valid only after them, and a start
//! replays later inputs. A read of those tables writes them first.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::columns::ColumnRows;
use super::encode_batch;
use super::encode_batch::{Membership, Prepared};
use super::{CommitError, Lease, Store, journal, sqlite_writer, within};
use crate::core::engine::{AlertRecord, Effect, RecordChange};
use crate::core::incidents::Incident;
use crate::core::model::{Fingerprint, IncidentId, TimeDelta, Timestamp};

/// Maximum delay of a row without reads.
const LATE_BY: TimeDelta = TimeDelta::from_seconds(1);
/// Maximum number of delayed rows, to limit memory.
const LATE_MAX: usize = 50_000;
/// Rows per transaction: between two of them the journal continues.
const SLICE_ROWS: usize = 2_000;

/// The rows still to be written.
#[derive(Default)]
pub(super) struct WriteBehind {
    waiting: Mutex<DirtyRows>,
    /// One writer at a time, so that an older state never overwrites a newer one.
    writing: tokio::sync::Mutex<()>,
    /// True if a task was started to write due rows.
    sent: AtomicBool,
    /// The lease for writing; before it no row is delayed.
    lease: Mutex<Option<Lease>>,
}

#[derive(Default)]
struct DirtyRows {
    alerts: BTreeMap<Fingerprint, Arc<AlertRecord>>,
    incidents: BTreeMap<IncidentId, Arc<Incident>>,
    /// Firing, and linked only.
    memberships: BTreeMap<(IncidentId, Fingerprint), (bool, bool)>,
    /// Time since which rows wait.
    since: Option<Timestamp>,
}

impl DirtyRows {
    fn len(&self) -> usize {
        self.alerts.len() + self.incidents.len() + self.memberships.len()
    }

    fn is_due(&mut self, now: Timestamp) -> bool {
        self.len() > 0 && (self.len() >= LATE_MAX / 2 || now.since(*self.since.get_or_insert(now)) >= LATE_BY)
    }

    /// Returns unwritten rows, unless they changed meanwhile.
    fn take_back(&mut self, unwritten: DirtyRows) {
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
    fn slice(&self) -> Result<Vec<ColumnRows>, CommitError> {
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
    fn written(&mut self) {
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
    fn waiting(&self) -> MutexGuard<'_, DirtyRows> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, effects: &[Effect]) {
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

impl Store {
    /// Records the rows of effects whose inputs are committed. [`Store::commit`] does so by itself; this is for a
    /// commit whose answer was lost, and for a replay.
    pub fn enqueue(&self, effects: &[Effect]) {
        self.late().take(effects);
    }

    /// Writes every delayed row now. Without a lease there are no delayed rows.
    pub async fn flush(&self) -> Result<(), CommitError> {
        let late = self.late();
        let lease = late.lease.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(lease) = lease else { return Ok(()) };
        let _alone = late.writing.lock().await;
        let mut taken = std::mem::take(&mut *late.waiting());
        while taken.len() > 0 {
            if let Err(error) = self.write_slice(&lease, &taken).await {
                late.waiting().take_back(taken);
                return Err(error);
            }
            taken.written();
        }
        Ok(())
    }

    /// Forgets every late row: the state is about to be put back, and a replay notes again what is in the journal. Those of
    /// inputs that the database has lost must not reach it.
    pub async fn forget_late_rows(&self) {
        let late = self.late();
        let _alone = late.writing.lock().await;
        *late.waiting() = DirtyRows::default();
    }

    /// True if any row is still to be written.
    pub fn has_late_rows(&self) -> bool {
        self.late().waiting().len() > 0
    }

    /// Like `flush`, in a separate task: if idle, if the oldest row has waited long, or if many wait.
    pub fn flush_if_due(&self, now: Timestamp, quiet: bool) {
        let due = self.late().waiting().is_due(now) || (quiet && self.has_late_rows());
        if !due || self.late().sent.swap(true, Ordering::Relaxed) {
            return;
        }
        let store = self.clone();
        tokio::spawn(async move {
            if let Err(error) = store.flush().await {
                tracing::error!(%error, "rows of alerts and incidents are late; the journal has everything");
            }
            store.late().sent.store(false, Ordering::Relaxed);
        });
    }

    /// Waits while so many rows are delayed that more would fill the memory.
    pub(super) async fn apply_backpressure(&self) -> Result<(), CommitError> {
        if self.late().waiting().len() < LATE_MAX { Ok(()) } else { self.flush().await }
    }

    /// Called before a read; also waits for rows being written. Rows that cannot be written now are read in their last
    /// written state.
    pub(super) async fn flush_before_read(&self) {
        if let Err(error) = self.flush().await {
            tracing::warn!(%error, "reading alerts and incidents as they were last written");
        }
    }

    async fn write_slice(&self, lease: &Lease, waiting: &DirtyRows) -> Result<(), CommitError> {
        let mut rows = waiting.slice()?;
        rows.retain(|rows| rows.len() > 0);
        let prepared = Prepared::of_rows(rows);
        match self {
            Store::Sqlite(store) => {
                within(store.patience, "late rows", sqlite_writer::commit(&store.writer, lease, prepared)).await
            }
            Store::Postgres(store) => {
                within(store.patience, "late rows", journal::commit(&store.writer, lease, prepared)).await
            }
        }
    }

    pub(super) fn hold(&self, lease: &Lease) {
        *self.late().lease.lock().unwrap_or_else(PoisonError::into_inner) = Some(lease.clone());
    }

    /// The lease is another's: what was still to be written is theirs to write, from the journal.
    pub fn let_go(&self) {
        *self.late().lease.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.late().waiting() = DirtyRows::default();
    }

    fn late(&self) -> &WriteBehind {
        match self {
            Store::Sqlite(store) => &store.late,
            Store::Postgres(store) => &store.late,
        }
    }
}
