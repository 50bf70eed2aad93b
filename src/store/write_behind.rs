//! Rows that follow their journal a moment later: alerts, incidents and memberships.
//!
//! Of these only the newest state counts, so what changes many times in a moment is written once, and neighbouring rows
//! together. Nothing can be lost by it: the journal has their inputs before anybody is answered, a snapshot is valid only
//! after them, and a start replays what came later. Whoever reads those tables has them written first.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::columns::ColumnRows;
use super::encode_batch;
use super::encode_batch::{Membership, Prepared};
use super::{CommitError, Lease, Store, journal, sqlite_writer, within};
use crate::core::engine::{AlertRecord, Effect};
use crate::core::incidents::Incident;
use crate::core::model::{Fingerprint, IncidentId, TimeDelta, Timestamp};

/// How late a row may be while nobody asks for it.
const LATE_BY: TimeDelta = TimeDelta::from_seconds(1);
/// Rows that may be late, lest they fill the memory.
const LATE_MAX: usize = 50_000;
/// Rows in one transaction: between two of them the journal goes on.
const SLICE_ROWS: usize = 2_000;

/// What is still to be written.
#[derive(Default)]
pub(super) struct WriteBehind {
    waiting: Mutex<DirtyRows>,
    /// One writes at a time, so that an older state never comes after a newer one.
    writing: tokio::sync::Mutex<()>,
    /// Whether somebody was sent to write what is due.
    sent: AtomicBool,
    /// Under which they are written; before it nothing is late.
    lease: Mutex<Option<Lease>>,
}

#[derive(Default)]
struct DirtyRows {
    alerts: BTreeMap<Fingerprint, Arc<AlertRecord>>,
    incidents: BTreeMap<IncidentId, Arc<Incident>>,
    /// Firing, and whether it is only linked.
    memberships: BTreeMap<(IncidentId, Fingerprint), (bool, bool)>,
    /// When somebody first saw that rows wait.
    since: Option<Timestamp>,
}

impl DirtyRows {
    fn len(&self) -> usize {
        self.alerts.len() + self.incidents.len() + self.memberships.len()
    }

    fn is_due(&mut self, now: Timestamp) -> bool {
        self.len() > 0 && (self.len() >= LATE_MAX / 2 || now.since(*self.since.get_or_insert(now)) >= LATE_BY)
    }

    /// Takes back what was not written, unless it changed meanwhile.
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

    /// The next rows in the order of their keys, and how many they are.
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

    /// Forgets what a slice held.
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
        for effect in effects {
            match effect {
                Effect::Alert(record) => drop(waiting.alerts.insert(record.fingerprint, Arc::clone(record))),
                Effect::Incident(record) => drop(waiting.incidents.insert(record.id, Arc::clone(record))),
                Effect::Membership { incident, fingerprint, firing, link_only } => {
                    waiting.memberships.insert((*incident, *fingerprint), (*firing, *link_only));
                }
                Effect::AlertTouched { .. }
                | Effect::AlertForgotten { .. }
                | Effect::Timeline(_)
                | Effect::Evidence { .. }
                | Effect::Problem(_)
                | Effect::Run(_)
                | Effect::Staff(_)
                | Effect::Silence(_)
                | Effect::SilenceForgotten { .. }
                | Effect::Audit(_)
                | Effect::Notice(_)
                | Effect::Delivery(_)
                | Effect::Probe(_)
                | Effect::Answer(_)
                | Effect::Count(_)
                | Effect::Normalised(_) => {}
            }
        }
    }
}

impl Store {
    /// Notes the rows of effects whose inputs are committed. [`Store::commit`] does so by itself; this is for those of a
    /// commit whose answer was lost, and of a replay.
    pub fn enqueue(&self, effects: &[Effect]) {
        self.late().take(effects);
    }

    /// Writes every late row now. Without a lease there is none to be written.
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

    /// Whether any row is still to be written.
    pub fn has_late_rows(&self) -> bool {
        self.late().waiting().len() > 0
    }

    /// As `settle`, in a task of its own: when nothing else is to be done, when the oldest row waits for long, or many do.
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

    /// Waits while so many rows are late that more would fill the memory.
    pub(super) async fn apply_backpressure(&self) -> Result<(), CommitError> {
        if self.late().waiting().len() < LATE_MAX { Ok(()) } else { self.flush().await }
    }

    /// Before somebody reads; waits for rows that are being written, too. What cannot be written now is read as it last
    /// was.
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
