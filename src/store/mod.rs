//! The store: journal, snapshots, records, outbox and the committed views of them; SQLite and PostgreSQL.
//!
//! Knows what was decided, never decides. Nothing leaves it that is not committed.

mod batch;
mod live;
mod query;

pub use batch::{Batch, CommitError, Lease, Manifest, SectionRef, StoreError};
pub use live::{Change, Live, LiveAlert, Readiness};
pub use query::{
    AlertFilter, AuditFilter, DeadLetterRow, DeliveryRow, IncidentFilter, OutboxRow, Page, PageRequest, ProblemFilter,
    Role, RunFilter, TokenRow,
};

use crate::engine::{AlertRecord, AuditEntry, Entry, Evidence};
use crate::incidents::{Incident, TimelineEntry};
use crate::inspections::Run;
use crate::model::{Cause, Fingerprint, IncidentId, Moment, Offset, Partition, ProblemId, RunId, Span};
use crate::problems::Problem;
use crate::rules::{RuleText, RulebookHash};

/// One of two databases behind one interface. Cloning shares the pools.
#[derive(Clone)]
pub enum Store {}

impl Store {
    /// Opens and migrates: `sqlite:PATH` or `postgres://…`.
    pub async fn open(_url: &str) -> Result<Store, StoreError> {
        todo!()
    }
    /// Takes the one writer's lease: raises the epoch, so that an older holder's commits are refused.
    pub async fn take_lease(&self, _holder: &str) -> Result<Lease, StoreError> {
        todo!()
    }
    /// One transaction: epoch check, journal blocks, records, outbox, dead letters, rulebooks.
    pub async fn commit(&self, _lease: &Lease, _batch: &Batch) -> Result<(), CommitError> {
        todo!()
    }
    /// The offset that the partition's next input gets.
    pub async fn head(&self, _partition: Partition) -> Result<Offset, StoreError> {
        todo!()
    }
    /// Entries from `from` on, whole blocks, at least one block if there is any, stopping past `limit` entries.
    pub async fn read_journal(
        &self,
        _partition: Partition,
        _from: Offset,
        _limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        todo!()
    }
    /// Partitions that have a journal.
    pub async fn partitions(&self) -> Result<Vec<Partition>, StoreError> {
        todo!()
    }
    pub async fn rulebook(&self, _hash: RulebookHash) -> Result<Option<Vec<RuleText>>, StoreError> {
        todo!()
    }
    /// A small named value that outlives restarts (the correlation domain's label, the format of the data).
    pub async fn setting(&self, _name: &str) -> Result<Option<String>, StoreError> {
        todo!()
    }
    pub async fn put_setting(&self, _name: &str, _value: &str) -> Result<(), StoreError> {
        todo!()
    }

    /// Newest first, at most two are kept.
    pub async fn manifests(&self, _partition: Partition) -> Result<Vec<Manifest>, StoreError> {
        todo!()
    }
    pub async fn section(&self, _partition: Partition, _section: &SectionRef) -> Result<Vec<u8>, StoreError> {
        todo!()
    }
    /// Sections first, then the manifest that makes them valid, then what no kept manifest names is deleted.
    pub async fn save_snapshot(
        &self,
        _lease: &Lease,
        _manifest: &Manifest,
        _new: &[(SectionRef, Vec<u8>)],
    ) -> Result<(), CommitError> {
        todo!()
    }
    /// Deletes blocks below the older manifest that are older than `keep`, then oldest first while over `max_bytes`.
    /// Answers how many blocks went and how many bytes of journal are left.
    pub async fn retain(
        &self,
        _lease: &Lease,
        _now: Moment,
        _keep: Span,
        _max_bytes: u64,
    ) -> Result<(u64, u64), CommitError> {
        todo!()
    }

    pub async fn incidents(&self, _filter: &IncidentFilter, _page: &PageRequest) -> Result<Page<Incident>, StoreError> {
        todo!()
    }
    pub async fn incident(&self, _id: IncidentId) -> Result<Option<Incident>, StoreError> {
        todo!()
    }
    pub async fn timeline(&self, _id: IncidentId) -> Result<Vec<TimelineEntry>, StoreError> {
        todo!()
    }
    pub async fn evidence(&self, _id: IncidentId) -> Result<Vec<Evidence>, StoreError> {
        todo!()
    }
    /// The alerts of an incident as they stand, with whether each is only linked.
    pub async fn members(&self, _id: IncidentId) -> Result<Vec<(AlertRecord, bool)>, StoreError> {
        todo!()
    }
    pub async fn alerts(&self, _filter: &AlertFilter, _page: &PageRequest) -> Result<Page<AlertRecord>, StoreError> {
        todo!()
    }
    pub async fn alert(&self, _fingerprint: Fingerprint) -> Result<Option<AlertRecord>, StoreError> {
        todo!()
    }
    pub async fn problems(&self, _filter: &ProblemFilter, _page: &PageRequest) -> Result<Page<Problem>, StoreError> {
        todo!()
    }
    pub async fn problem(&self, _id: ProblemId) -> Result<Option<Problem>, StoreError> {
        todo!()
    }
    pub async fn runs(&self, _filter: &RunFilter, _page: &PageRequest) -> Result<Page<Run>, StoreError> {
        todo!()
    }
    pub async fn run(&self, _id: RunId) -> Result<Option<Run>, StoreError> {
        todo!()
    }
    pub async fn audit(&self, _filter: &AuditFilter, _page: &PageRequest) -> Result<Page<AuditEntry>, StoreError> {
        todo!()
    }
    pub async fn dead_letters(&self, _page: &PageRequest) -> Result<Page<DeadLetterRow>, StoreError> {
        todo!()
    }
    /// Notices not yet delivered nor dead-lettered, oldest first, beginning after the one of that cause.
    pub async fn outbox(&self, _after: Option<Cause>, _limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        todo!()
    }
    /// Every notice of a subject with its delivery state: the delivery log of an incident.
    pub async fn deliveries(&self, _subject: &str) -> Result<Vec<DeliveryRow>, StoreError> {
        todo!()
    }

    pub async fn tokens(&self) -> Result<Vec<TokenRow>, StoreError> {
        todo!()
    }
    /// Adds a token (by its SHA-256) and its audit entry. The one write beside the driver's: it must work before a
    /// service that refuses to start without tokens has ever started.
    pub async fn add_token(&self, _token: &TokenRow) -> Result<(), StoreError> {
        todo!()
    }
    /// Revokes by name; false when there is none.
    pub async fn revoke_token(&self, _name: &str, _at: Moment) -> Result<bool, StoreError> {
        todo!()
    }
}
