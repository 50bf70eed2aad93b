//! The audit is a chain: each entry's hash covers the entry before it, so that changed, removed or inserted entries are
//! detected.
//!
//! Linked inside the transaction, under the lock that every writer needs. The newest link is kept as a setting too, so
//! that the end cannot be cut off. Entries from before the chain have no link.

use sha2::{Digest, Sha256};

use super::columns::{BulkTable, Column, ColumnRows};
use super::query_builder::QueryBuilder;
use super::statements as sql;
use super::{CommitError, Store, StoreError, codec};

/// The setting that holds the newest entry's number and hash.
pub(super) const HEAD: &str = "audit_head";
/// The setting that holds the newest archived entry's number and hash: the chain in the table begins after it.
pub(super) const ARCHIVED: &str = "audit_archived";

/// Number of entries read at once.
const READ_ENTRIES: i64 = 5_000;

/// One link: its number, and the hash over all entries up to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLink {
    /// Counted from 1.
    pub seq: i64,
    pub hash: [u8; 32],
}

impl AuditLink {
    const BEGIN: AuditLink = AuditLink { seq: 0, hash: [0; 32] };

    /// The next link, for an entry's JSON.
    pub fn next(&self, body: &str) -> AuditLink {
        let seq = self.seq + 1;
        let mut hash = Sha256::new();
        hash.update(self.hash);
        hash.update(seq.to_be_bytes());
        hash.update(body.as_bytes());
        AuditLink { seq, hash: hash.finalize().into() }
    }

    fn parse(text: &str) -> Option<AuditLink> {
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

fn begin(setting: Option<&str>) -> Result<AuditLink, StoreError> {
    let Some(text) = setting.filter(|text| !text.is_empty()) else { return Ok(AuditLink::BEGIN) };
    AuditLink::parse(text).ok_or_else(|| StoreError::Corrupt {
        table: "settings",
        row: HEAD.to_owned(),
        reason: "it is no link of the audit's chain".to_owned(),
    })
}

/// Result of checking the audit's chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditVerdict {
    /// Entries whose link holds.
    pub linked: u64,
    /// Entries from before the chain.
    pub unlinked: u64,
    /// Changed, missing or misplaced entries; in the order of the chain.
    pub broken: Vec<String>,
}

/// Walks the chain; describes each break.
struct ChainWalk {
    before: AuditLink,
    verdict: AuditVerdict,
}

impl ChainWalk {
    fn entry(&mut self, seq: i64, hash: &str, body: &str) {
        let missing = seq - self.before.seq - 1;
        if missing > 0 {
            let (from, to) = (self.before.seq + 1, seq - 1);
            self.verdict.broken.push(format!("audit entries {from} to {to} are missing"));
        }
        let Some(written) = codec::from_hex(hash) else {
            self.verdict.broken.push(format!("audit entry {seq}: its hash is no hash"));
            self.before.seq = seq;
            return;
        };
        // After a gap the former hash is unknown; later entries verify this one.
        if missing == 0 {
            if self.before.next(body).hash == written {
                self.verdict.linked += 1;
            } else {
                self.verdict.broken.push(format!("audit entry {seq} was changed after it was written"));
            }
        }
        self.before = AuditLink { seq, hash: written };
    }

    fn end(mut self, head: &AuditLink) -> AuditVerdict {
        if self.before.seq < head.seq {
            let (from, to) = (self.before.seq + 1, head.seq);
            self.verdict.broken.push(format!("audit entries {from} to {to} are missing at the end"));
        } else if self.before != *head {
            self.verdict.broken.push(format!("audit entry {} is not the one that was written last", self.before.seq));
        }
        self.verdict
    }
}

impl Store {
    /// The newest link of the audit's chain.
    pub async fn audit_head(&self) -> Result<AuditLink, StoreError> {
        begin(self.setting(HEAD).await?.as_deref())
    }

    /// The newest entry that was archived: the chain in the table begins after it.
    pub async fn audit_archived(&self) -> Result<AuditLink, StoreError> {
        begin(self.setting(ARCHIVED).await?.as_deref())
    }

    /// Walks the whole chain, except entries written meanwhile.
    pub async fn verify_audit(&self) -> Result<AuditVerdict, StoreError> {
        let head = self.audit_head().await?;
        let archived = self.audit_archived().await?;
        let mut walk = ChainWalk { before: archived, verdict: AuditVerdict::default() };
        let unlinked: Vec<(i64,)> = self.fetch(QueryBuilder::fixed(sql::UNLINKED_AUDIT, Vec::new())).await?;
        walk.verdict.unlinked = unlinked.first().map_or(0, |(count,)| count.cast_unsigned());
        loop {
            let values = vec![walk.before.seq.into(), head.seq.into(), READ_ENTRIES.into()];
            let rows: Vec<(i64, String, String)> = self.fetch(QueryBuilder::fixed(sql::AUDIT_LINKS, values)).await?;
            if rows.is_empty() {
                return Ok(walk.end(&head));
            }
            for (seq, hash, body) in rows {
                walk.entry(seq, &hash, &body);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_gap_and_cut_is_named() {
        let bodies = ["甲", "乙", "丙", "丁"];
        let mut rows = ColumnRows { table: BulkTable::Audit, columns: vec![Column::texts(bodies.map(str::to_owned))] };
        let head = AuditLink::parse(&link(&mut rows, None).unwrap()).unwrap();
        let [_, Column::Int(numbers), Column::Text(hashes)] = rows.columns.as_slice() else { panic!("{rows:?}") };
        let written: Vec<(i64, &str, &str)> =
            numbers.iter().zip(hashes).zip(bodies).map(|((seq, hash), body)| (*seq, hash.as_str(), body)).collect();
        let check = |entries: &[(i64, &str, &str)], broken: &[&str]| {
            let mut walk = ChainWalk { before: AuditLink::BEGIN, verdict: AuditVerdict::default() };
            entries.iter().for_each(|(seq, hash, body)| walk.entry(*seq, hash, body));
            assert_eq!(walk.end(&head).broken, broken);
        };
        check(&written, &[]);
        let mut edited = written.clone();
        edited[1].2 = "已";
        check(&edited, &["audit entry 2 was changed after it was written"]);
        check(&[written[0], written[3]], &["audit entries 2 to 3 are missing"]);
        check(&written[1..], &["audit entries 1 to 1 are missing"]);
        check(&written[..3], &["audit entries 4 to 4 are missing at the end"]);
        let forged = AuditLink { seq: 3, hash: codec::from_hex(written[2].1).unwrap() }.next("戊");
        let forged_hash = codec::hex(&forged.hash);
        let replaced = [written[0], written[1], written[2], (4, forged_hash.as_str(), "戊")];
        check(&replaced, &["audit entry 4 is not the one that was written last"]);
        // A second batch continues where the first ended.
        let mut more = ColumnRows { table: BulkTable::Audit, columns: vec![Column::texts(["戊".to_owned()])] };
        let next = AuditLink::parse(&link(&mut more, Some(&head.to_string())).unwrap()).unwrap();
        assert_eq!((next.clone(), next.seq), (head.next("戊"), 5));
    }
}
