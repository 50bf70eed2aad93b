//! The audit is a chain: each entry's hash covers the entry before it, so that changed, removed or inserted entries are
//! detected.
//!
//! Linked inside the transaction, under the lock that every writer needs. The newest link is kept as a setting too, so
//! that the end cannot be cut off. Entries from before the chain have no link.

use super::batch::StoreError;
use sha2::{Digest, Sha256};

use super::columns::{BulkTable, Column, ColumnRows};
use super::{CommitError, codec};

/// The setting that holds the newest entry's number and hash.
pub(super) const HEAD: &str = "audit_head";
/// The setting that holds the newest archived entry's number and hash: the chain in the table begins after it.
pub(super) const ARCHIVED: &str = "audit_archived";

/// Number of entries read at once.
pub(super) const READ_ENTRIES: i64 = 5_000;

/// One link: its number, and the hash over all entries up to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLink {
    /// Counted from 1.
    pub seq: i64,
    pub hash: [u8; 32],
}

impl AuditLink {
    pub(super) const BEGIN: AuditLink = AuditLink { seq: 0, hash: [0; 32] };

    /// The next link, for an entry's JSON.
    pub fn next(&self, body: &str) -> AuditLink {
        let seq = self.seq + 1;
        let mut hash = Sha256::new();
        hash.update(self.hash);
        hash.update(seq.to_be_bytes());
        hash.update(body.as_bytes());
        AuditLink { seq, hash: hash.finalize().into() }
    }

    pub(super) fn parse(text: &str) -> Option<AuditLink> {
        let (seq, hash) = text.split_once(' ')?;
        Some(AuditLink { seq: seq.parse().ok()?, hash: codec::from_hex(hash)? })
    }
}

impl std::fmt::Display for AuditLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.seq, codec::hex(&self.hash))
    }
}

/// The rows of the audit among the rows to write.
pub(super) fn of(rows: &mut [ColumnRows]) -> Option<&mut ColumnRows> {
    rows.iter_mut().find(|rows| rows.table == BulkTable::Audit)
}

/// Links the rows to the newest entry, and returns the new newest link.
pub(super) fn link(rows: &mut ColumnRows, head: Option<&str>) -> Result<String, CommitError> {
    let mut newest = begin(head).map_err(|error| CommitError::Content { reason: error.to_string() })?;
    let Some(Column::Text(bodies)) = rows.columns.last() else { return Ok(newest.to_string()) };
    let (mut numbers, mut hashes) = (Vec::with_capacity(bodies.len()), Vec::with_capacity(bodies.len()));
    for body in bodies {
        newest = newest.next(body);
        numbers.push(newest.seq);
        hashes.push(codec::hex(&newest.hash));
    }
    rows.columns.extend([Column::Int(numbers), Column::Text(hashes)]);
    Ok(newest.to_string())
}

pub(super) fn begin(setting: Option<&str>) -> Result<AuditLink, StoreError> {
    let Some(text) = setting.filter(|text| !text.is_empty()) else { return Ok(AuditLink::BEGIN) };
    AuditLink::parse(text).ok_or_else(|| StoreError::Corrupt {
        table: "settings",
        row: HEAD.to_owned(),
        reason: "it is no link of the audit's chain".to_owned(),
    })
}
