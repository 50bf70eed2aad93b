//! Retention: the parts of the journal that may be deleted, and their order.
//!
//! Only below the older of two manifests, oldest first, so that each partition's journal has no gap. Rulebooks,
//! settings and records are never deleted.

use std::collections::VecDeque;

use super::columns::Value;
use super::statements as sql;
use super::writer::{Session, Writer};
use super::{CommitError, Lease};
use crate::core::model::Timestamp;

/// Number of a partition's blocks that one transaction examines.
const BLOCKS_A_SLICE: i64 = 500;
/// Number of dead letters kept.
const DEAD_LETTERS_KEPT: i64 = 10_000;

pub(super) struct Bounds {
    pub(super) older_than: Timestamp,
    pub(super) max_bytes: i64,
}

/// Result of one deleting transaction.
pub(super) struct Slice {
    pub(super) gone: u64,
    pub(super) bytes_left: u64,
}

/// The oldest deletable blocks of one partition.
struct Oldest {
    partition: i64,
    /// First offset, bytes, written at.
    blocks: VecDeque<(i64, i64, Timestamp)>,
    /// True if there may be more behind them.
    more: bool,
    /// The last block to delete, and the bytes to delete.
    doomed: Option<(i64, i64)>,
}

/// Deletes some of the oldest blocks beyond the limits; none if nothing is left to delete.
pub(super) async fn slice<S: Session>(
    writer: &Writer<S>,
    lease: &Lease,
    bounds: &Bounds,
) -> Result<Slice, CommitError> {
    let mut transaction = writer.begin_leased(lease).await?;
    let outcome = delete(&mut transaction.session, bounds).await;
    transaction.finish(outcome).await
}

async fn delete<S: Session>(session: &mut S, bounds: &Bounds) -> Result<Slice, CommitError> {
    session.run(sql::DROP_DEAD_LETTERS, vec![Value::Int(DEAD_LETTERS_KEPT)]).await?;
    let mut partitions = Vec::new();
    for row in session.integers(sql::RETENTION_BOUNDS, Vec::new()).await? {
        let values = vec![Value::Int(row[0]), Value::Int(row[1]), Value::Int(BLOCKS_A_SLICE)];
        let blocks = session.integers(sql::OLDEST_BLOCKS, values).await?;
        partitions.push(Oldest {
            partition: row[0],
            more: blocks.len() as i64 == BLOCKS_A_SLICE,
            blocks: blocks.iter().map(|row| (row[0], row[1], Timestamp::from_micros(row[2]))).collect(),
            doomed: None,
        });
    }
    let bytes = session.integers(sql::JOURNAL_BYTES, Vec::new()).await?;
    let bytes = bytes.first().map_or(0, |row| row[0]);
    let (gone, bytes_left) = condemn(&mut partitions, bounds, bytes);
    for oldest in &partitions {
        if let Some((last, bytes)) = oldest.doomed {
            session.run(sql::DROP_BLOCKS, vec![Value::Int(oldest.partition), Value::Int(last)]).await?;
            session.run(sql::SHRINK_HEAD, vec![Value::Int(oldest.partition), Value::Int(bytes)]).await?;
        }
    }
    Ok(Slice { gone, bytes_left: bytes_left.max(0).cast_unsigned() })
}

/// Marks the oldest blocks of all partitions in order of age, while they are too old or too many. Stops at the end of a
/// partition's examined blocks, because later ones may be older than those of others.
fn condemn(partitions: &mut [Oldest], bounds: &Bounds, mut bytes: i64) -> (u64, i64) {
    let mut gone = 0;
    while !partitions.iter().any(|oldest| oldest.blocks.is_empty() && oldest.more) {
        let front = |oldest: &&mut Oldest| oldest.blocks.front().map(|(_, _, written_at)| *written_at);
        let candidates = partitions.iter_mut().filter(|oldest| !oldest.blocks.is_empty());
        let Some(oldest) = candidates.min_by_key(front) else { break };
        let Some((first, size, written_at)) = oldest.blocks.pop_front() else { break };
        if written_at >= bounds.older_than && bytes <= bounds.max_bytes {
            break;
        }
        let before = oldest.doomed.map_or(0, |(_, bytes)| bytes);
        oldest.doomed = Some((first, before + size));
        bytes -= size;
        gone += 1;
    }
    (gone, bytes)
}
