//! Reads of the journal, and of what is stored beside it.

use super::columns::Value;
use super::journal::BLOCKS_A_READ;
use super::query_builder::QueryBuilder;
use super::statements as sql;
use super::{BlockRow, Store, StoreError, codec};
use crate::core::engine::JournalEntry;
use crate::core::model::{Offset, Partition, Timestamp};
use crate::core::rules::{RuleText, RulebookHash};

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
