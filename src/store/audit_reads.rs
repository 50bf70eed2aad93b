//! Reads and verifies the audit's hash chain.

use super::audit_chain::ARCHIVED;
use super::audit_chain::AuditLink;
use super::audit_chain::HEAD;
use super::audit_chain::READ_ENTRIES;
use super::audit_chain::begin;
use super::query_builder::QueryBuilder;
use super::statements as sql;
use super::{Store, StoreError, codec};

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
    use super::super::audit_chain::link;
    use super::super::columns::{BulkTable, Column, ColumnRows};
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
