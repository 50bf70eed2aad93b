//! The journal: committing a batch, and reading back what was committed.

use super::columns::{ColumnRows, Value};
use super::encode_batch::{EncodedBlock, Prepared};
use super::statements as sql;
use super::writer::{Session, Writer};
use super::{CommitError, Lease, StoreError, audit_chain, taken_messages};
use crate::core::engine::ENGINE_VERSION;
use crate::core::model::{Offset, Partition};

/// Number of blocks that one statement reads.
pub(super) const BLOCKS_A_READ: i64 = 64;

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
