//! The journal: committing a batch, and reading back what was committed.

use super::columns::{ColumnRows, Value};
use super::encode_batch::{EncodedBlock, Prepared};
use super::query_builder::QueryBuilder;
use super::statements as sql;
use super::writer::{Session, Writer};
use super::{BlockRow, CommitError, Lease, Store, StoreError, audit_chain, codec, taken_messages};
use crate::core::engine::{ENGINE_VERSION, JournalEntry};
use crate::core::model::{Offset, Partition, Timestamp};
use crate::core::rules::{RuleText, RulebookHash};

/// Number of blocks that one statement reads.
const BLOCKS_A_READ: i64 = 64;

pub(super) async fn commit<S: Session>(
    writer: &Writer<S>,
    lease: &Lease,
    prepared: Prepared,
) -> Result<(), CommitError> {
    let mut transaction = writer.begin_leased(lease).await?;
    let outcome = write(&mut transaction.session, prepared).await;
    transaction.finish(outcome).await
}

async fn write<S: Session>(session: &mut S, mut prepared: Prepared) -> Result<(), CommitError> {
    follow(&prepared.blocks, &session.integers(sql::HEADS, Vec::new()).await?)?;
    for (statement, values) in statements(&prepared) {
        session.run(statement, values).await?;
    }
    link_audit(session, &mut prepared.rows).await?;
    for rows in prepared.rows {
        session.write(rows).await?;
    }
    Ok(())
}

/// Links new entries of the audit to the newest one. Under the lock of every writer only.
pub(super) async fn link_audit<S: Session>(session: &mut S, rows: &mut [ColumnRows]) -> Result<(), CommitError> {
    let Some(rows) = audit_chain::of(rows) else { return Ok(()) };
    let head = session.text(sql::SETTING, vec![audit_chain::HEAD.to_owned().into()]).await?;
    let head = audit_chain::link(rows, head.as_deref())?;
    session.run(sql::PUT_SETTING, vec![audit_chain::HEAD.to_owned().into(), head.into()]).await.map(drop)
}

/// Checks that the blocks begin at the journal's heads, given as rows of partition and offset.
pub(super) fn follow(blocks: &[EncodedBlock], heads: &[Vec<i64>]) -> Result<(), CommitError> {
    for block in blocks {
        let number = i64::from(block.partition.number());
        let head = heads.iter().find(|row| row[0] == number).map_or(0, |row| row[1]);
        let head = Offset(head.cast_unsigned());
        if head != block.first {
            return Err(CommitError::OutOfStep { partition: block.partition, head, first: block.first });
        }
    }
    Ok(())
}

/// Statements in addition to the rows of records: blocks, heads, rulebooks, taken messages.
pub(super) fn statements(prepared: &Prepared) -> impl Iterator<Item = (&'static str, Vec<Value>)> {
    let blocks = prepared.blocks.iter().flat_map(|block| put_block(block, &prepared.effects_hash));
    let rulebooks = prepared.rulebooks.iter();
    blocks
        .chain(rulebooks.map(|(hash, texts)| (sql::PUT_RULEBOOK, vec![hash.clone().into(), texts.clone().into()])))
        .chain(taken_messages::statements(&prepared.progress))
}

fn put_block(block: &EncodedBlock, effects_hash: &[u8; 32]) -> [(&'static str, Vec<Value>); 2] {
    let partition = Value::Int(i64::from(block.partition.number()));
    let bytes = Value::Int(block.body.len() as i64);
    let values = vec![
        partition.clone(),
        Value::Int(block.first.0.cast_signed()),
        Value::Int((block.next.0 - block.first.0).cast_signed()),
        Value::Int(i64::from(ENGINE_VERSION)),
        Value::Bytes(effects_hash.to_vec()),
        Value::Int(block.written_at.as_micros()),
        bytes.clone(),
        Value::Bytes(block.body.clone()),
    ];
    let head = vec![partition, Value::Int(block.next.0.cast_signed()), bytes];
    [(sql::PUT_BLOCK, values), (sql::MOVE_HEAD, head)]
}

pub(super) async fn head<S: Session>(writer: &Writer<S>, partition: Partition) -> Result<Offset, StoreError> {
    let mut transaction = writer.begin().await?;
    // The lock first, so that the next statement sees the effects of a commit under way.
    transaction.session.integers(S::EPOCH, Vec::new()).await.map_err(into_store_error)?;
    let head = read_head(&mut transaction.session, partition).await.map_err(into_store_error)?;
    transaction.undo().await;
    Ok(head)
}

/// As `head`, for the holder of that lease alone.
pub(super) async fn head_as<S: Session>(
    writer: &Writer<S>,
    lease: &Lease,
    partition: Partition,
) -> Result<Offset, CommitError> {
    let mut transaction = writer.begin_leased(lease).await?;
    let head = read_head(&mut transaction.session, partition).await?;
    transaction.undo().await;
    Ok(head)
}

async fn read_head<S: Session>(session: &mut S, partition: Partition) -> Result<Offset, CommitError> {
    let rows = session.integers(sql::HEAD, vec![Value::Int(i64::from(partition.number()))]).await?;
    Ok(Offset(rows.first().map_or(0, |row| row[0].cast_unsigned())))
}

pub(super) async fn put_setting<S: Session>(writer: &Writer<S>, name: &str, value: &str) -> Result<(), StoreError> {
    let mut transaction = writer.begin().await?;
    let put = transaction.session.run(sql::PUT_SETTING, vec![name.to_owned().into(), value.to_owned().into()]).await;
    transaction.finish(put.map(drop)).await.map_err(into_store_error)
}

pub(super) async fn put_setting_once<S: Session>(
    writer: &Writer<S>,
    name: &str,
    value: &str,
) -> Result<(), StoreError> {
    let mut transaction = writer.begin().await?;
    let values = vec![name.to_owned().into(), value.to_owned().into()];
    let put = transaction.session.run(sql::PUT_SETTING_ONCE, values).await;
    transaction.finish(put.map(drop)).await.map_err(into_store_error)
}

pub(super) async fn durability<S: Session>(writer: &Writer<S>) -> Result<String, StoreError> {
    let mut transaction = writer.begin().await?;
    let setting = transaction.session.durability().await?;
    transaction.undo().await;
    Ok(setting)
}

pub(super) async fn check_schema<S: Session>(writer: &Writer<S>) -> Result<usize, StoreError> {
    let mut transaction = writer.begin().await?;
    let mut checked = 0;
    for statements in [sql::ALL, S::OWN_STATEMENTS] {
        for statement in statements {
            transaction.session.prepare(statement).await?;
        }
        checked += statements.len();
    }
    transaction.undo().await;
    Ok(checked)
}

/// For writes without lease and offsets, which can only fail by the database.
pub(super) fn into_store_error(error: CommitError) -> StoreError {
    match error {
        CommitError::Unavailable(error) => error,
        refused @ (CommitError::Fenced { .. } | CommitError::OutOfStep { .. } | CommitError::Content { .. }) => {
            StoreError::Database(sqlx::Error::Protocol(refused.to_string()))
        }
    }
}

impl Store {
    /// Entries from `from` on, whole blocks, at least one block if there is any, stopping past `limit` entries.
    /// Gapless, with every block's checksum verified; `Trimmed` if retention deleted `from`.
    pub async fn read_journal(
        &self,
        partition: Partition,
        from: Offset,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        let mut entries: Vec<JournalEntry> = Vec::new();
        let mut next = from;
        loop {
            let number = i64::from(partition.number());
            let question = QueryBuilder::fixed(
                sql::READ_BLOCKS,
                vec![Value::Int(number), Value::Int(next.0.cast_signed()), Value::Int(BLOCKS_A_READ)],
            );
            let blocks: Vec<(i64, Vec<u8>)> = self.fetch(question).await?;
            let before = next;
            for (first, body) in blocks {
                let first = Offset(first.cast_unsigned());
                if first > next {
                    return Err(StoreError::Trimmed { partition, from: next, earliest: first });
                }
                let block = open_block(partition, first, &body)?;
                entries.extend(block.into_iter().filter(|entry| entry.offset >= next));
                next = entries.last().map_or(next, |entry| entry.offset.next());
                if entries.len() >= limit {
                    return Ok(entries);
                }
            }
            if next == before {
                return self.end_of_journal(partition, next).await.map(|()| entries);
            }
        }
    }

    /// Metadata of a partition's blocks, from the first that begins at `from` or later; at most `limit`.
    pub async fn blocks(&self, partition: Partition, from: Offset, limit: u32) -> Result<Vec<BlockRow>, StoreError> {
        let values = vec![
            Value::Int(i64::from(partition.number())),
            Value::Int(from.0.cast_signed()),
            Value::Int(i64::from(limit)),
        ];
        let rows: Vec<(i64, i64, i64, Vec<u8>, i64, i64)> =
            self.fetch(QueryBuilder::fixed(sql::READ_BLOCK_ROWS, values)).await?;
        let row = |(first, entries, version, hash, written_at, bytes): (i64, i64, i64, Vec<u8>, i64, i64)| {
            let first = Offset(first.cast_unsigned());
            let corrupt = |reason: &str| corrupt_block(partition, first, reason.to_owned());
            Ok(BlockRow {
                first,
                entries: entries.cast_unsigned(),
                engine_version: u32::try_from(version).map_err(|_| corrupt("its engine version is no version"))?,
                effects_hash: hash.try_into().map_err(|_| corrupt("its effects' hash is not of 32 bytes"))?,
                written_at: Timestamp::from_micros(written_at),
                bytes: bytes.cast_unsigned(),
            })
        };
        rows.into_iter().map(row).collect()
    }

    /// Number of blocks in a partition's journal.
    pub async fn count_blocks(&self, partition: Partition) -> Result<u64, StoreError> {
        let question = QueryBuilder::fixed(sql::COUNT_BLOCKS, vec![Value::Int(i64::from(partition.number()))]);
        let rows: Vec<(i64,)> = self.fetch(question).await?;
        Ok(rows.first().map_or(0, |(count,)| count.cast_unsigned()))
    }

    /// Partitions that have a journal.
    pub async fn partitions(&self) -> Result<Vec<Partition>, StoreError> {
        Ok(self.heads().await?.into_iter().map(|(partition, _)| partition).collect())
    }

    /// Partitions that have a journal, each with the offset of its next input.
    pub async fn heads(&self) -> Result<Vec<(Partition, Offset)>, StoreError> {
        let rows: Vec<(i64, i64)> = self.fetch(QueryBuilder::fixed(sql::HEADS, Vec::new())).await?;
        let head = |(number, next): (i64, i64)| {
            let partition = u8::try_from(number).ok().and_then(Partition::new).ok_or_else(|| StoreError::Corrupt {
                table: "heads",
                row: number.to_string(),
                reason: "it is not a partition".to_owned(),
            })?;
            Ok((partition, Offset(next.cast_unsigned())))
        };
        rows.into_iter().map(head).collect()
    }

    pub async fn rulebook(&self, hash: RulebookHash) -> Result<Option<Vec<RuleText>>, StoreError> {
        let question = QueryBuilder::fixed(sql::RULEBOOK, vec![hash.to_string().into()]);
        let rows: Vec<(String,)> = self.fetch(question).await?;
        rows.first().map(|(texts,)| super::records::decode("rulebooks", hash, texts)).transpose()
    }

    /// The value written by `put_setting`.
    pub async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let rows: Vec<(String,)> = self.fetch(QueryBuilder::fixed(sql::SETTING, vec![name.to_owned().into()])).await?;
        Ok(rows.into_iter().next().map(|(value,)| value))
    }

    /// Handles the end of entries at `next`: complete at the head, a gap before it.
    async fn end_of_journal(&self, partition: Partition, next: Offset) -> Result<(), StoreError> {
        let rows: Vec<(i64,)> =
            self.fetch(QueryBuilder::fixed(sql::HEAD, vec![Value::Int(i64::from(partition.number()))])).await?;
        let head = Offset(rows.first().map_or(0, |(head,)| head.cast_unsigned()));
        if next >= head {
            return Ok(());
        }
        // A commit may have landed between the two reads; then its block is there now.
        let question = QueryBuilder::fixed(
            sql::READ_BLOCK_ROWS,
            vec![Value::Int(i64::from(partition.number())), Value::Int(next.0.cast_signed()), Value::Int(1)],
        );
        let found: Vec<(i64, i64, i64, Vec<u8>, i64, i64)> = self.fetch(question).await?;
        match found.first() {
            Some((first, ..)) if first.cast_unsigned() == next.0 => Ok(()),
            Some((first, ..)) => {
                Err(StoreError::Trimmed { partition, from: next, earliest: Offset(first.cast_unsigned()) })
            }
            None => Err(StoreError::Trimmed { partition, from: next, earliest: head }),
        }
    }
}

fn open_block(partition: Partition, first: Offset, body: &[u8]) -> Result<Vec<JournalEntry>, StoreError> {
    let entries = codec::unseal_entries(body).map_err(|reason| corrupt_block(partition, first, reason))?;
    let gapless = entries.iter().zip(first.0..).all(|(entry, offset)| entry.offset.0 == offset);
    if gapless {
        Ok(entries)
    } else {
        Err(corrupt_block(partition, first, "its entries do not follow its first offset".to_owned()))
    }
}

fn corrupt_block(partition: Partition, first: Offset, reason: String) -> StoreError {
    StoreError::Corrupt { table: "blocks", row: format!("partition {partition}, offset {first}"), reason }
}
