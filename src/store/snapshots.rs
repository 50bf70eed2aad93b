//! Snapshots: sections by content, and the manifests that make them valid.

use super::codec;
use super::columns::{BulkTable, Column, ColumnRows, Value};
use super::query_builder::QueryBuilder;
use super::statements as sql;
use super::writer::{Session, Writer};
use super::{CommitError, Lease, Manifest, SectionRef, Store, StoreError};
use crate::core::model::{Offset, Partition, Timestamp};
use crate::core::rules::RulebookHash;

/// Number of manifests kept.
const KEPT: usize = 2;
/// Bytes of sections per transaction.
const PART_BYTES: usize = 1 << 20;

/// A section ready to be written: name, digest, sealed bytes.
pub(super) struct Sealed {
    partition: Partition,
    name: String,
    digest: String,
    body: Vec<u8>,
}

/// Seals the sections, and cuts them into parts of one transaction each.
pub(super) fn parts(partition: Partition, new: &[(SectionRef, Vec<u8>)]) -> Result<Vec<Vec<Sealed>>, CommitError> {
    let mut parts: Vec<Vec<Sealed>> = Vec::new();
    let mut room = 0;
    for (section, bytes) in new {
        if codec::sha256(bytes) != section.digest {
            let reason = format!("section {} of partition {partition} is not what its digest says", section.name);
            return Err(CommitError::Content { reason });
        }
        let body = codec::seal(bytes);
        if body.len() > room {
            parts.push(Vec::new());
            room = PART_BYTES;
        }
        room = room.saturating_sub(body.len());
        let sealed = Sealed { partition, name: section.name.clone(), digest: codec::hex(&section.digest), body };
        if let Some(part) = parts.last_mut() {
            part.push(sealed);
        }
    }
    Ok(parts)
}

pub(super) async fn put_sections<S: Session>(
    writer: &Writer<S>,
    lease: &Lease,
    part: &[Sealed],
) -> Result<(), CommitError> {
    let mut transaction = writer.begin_leased(lease).await?;
    let mut outcome = Ok(());
    for section in part {
        let values = vec![
            Value::Int(i64::from(section.partition.number())),
            section.name.clone().into(),
            section.digest.clone().into(),
            Value::Bytes(section.body.clone()),
        ];
        outcome = transaction.session.run(sql::PUT_SECTION, values).await.map(drop);
        if outcome.is_err() {
            break;
        }
    }
    transaction.finish(outcome).await
}

pub(super) async fn put_manifest<S: Session>(
    writer: &Writer<S>,
    lease: &Lease,
    manifest: &Manifest,
) -> Result<(), CommitError> {
    let mut transaction = writer.begin_leased(lease).await?;
    let outcome = write_manifest(&mut transaction.session, manifest).await;
    transaction.finish(outcome).await
}

async fn write_manifest<S: Session>(session: &mut S, manifest: &Manifest) -> Result<(), CommitError> {
    let partition = Value::Int(i64::from(manifest.partition.number()));
    let next_offset = Value::Int(manifest.next_offset.0.cast_signed());
    let head = session.integers(sql::HEAD, vec![partition.clone()]).await?;
    let head = Offset(head.first().map_or(0, |row| row[0].cast_unsigned()));
    if manifest.next_offset > head {
        return Err(CommitError::OutOfStep { partition: manifest.partition, head, first: manifest.next_offset });
    }
    session.run(sql::CLEAR_MANIFEST_SECTIONS, vec![partition.clone(), next_offset.clone()]).await?;
    session.write(named_sections(manifest)).await?;
    let present = session.integers(sql::PRESENT_SECTIONS, vec![partition.clone(), next_offset.clone()]).await?;
    let present = present.first().map_or(0, |row| row[0]);
    if present != manifest.sections.len() as i64 {
        let (partition, named) = (manifest.partition, manifest.sections.len());
        let reason = format!(
            "the manifest of partition {partition} names {named} sections, {present} are there; write all of them"
        );
        return Err(CommitError::Content { reason });
    }
    let values = vec![
        partition,
        next_offset,
        Value::Int(manifest.taken_at.as_micros()),
        Value::Int(i64::from(manifest.engine_version)),
        manifest.rulebook.to_string().into(),
    ];
    session.run(sql::PUT_MANIFEST, values).await?;
    Ok(())
}

fn named_sections(manifest: &Manifest) -> ColumnRows {
    let all = || manifest.sections.iter();
    ColumnRows {
        table: BulkTable::ManifestSections,
        columns: vec![
            Column::ints(all().map(|_| i64::from(manifest.partition.number()))),
            Column::ints(all().map(|_| manifest.next_offset.0.cast_signed())),
            Column::ints((0..).take(manifest.sections.len())),
            Column::texts(all().map(|section| section.name.clone())),
            Column::texts(all().map(|section| codec::hex(&section.digest))),
        ],
    }
}

/// Deletes all manifests but the newest two, and the sections that neither names.
pub(super) async fn prune<S: Session>(
    writer: &Writer<S>,
    lease: &Lease,
    partition: Partition,
) -> Result<(), CommitError> {
    let mut transaction = writer.begin_leased(lease).await?;
    let mut outcome = Ok(());
    for statement in [sql::DROP_MANIFEST_SECTIONS, sql::DROP_MANIFESTS, sql::DROP_SECTIONS] {
        let values = vec![Value::Int(i64::from(partition.number()))];
        outcome = transaction.session.run(statement, values).await.map(drop);
        if outcome.is_err() {
            break;
        }
    }
    transaction.finish(outcome).await
}

type ManifestRow = (i64, i64, i64, String, Option<String>, Option<String>);

impl Store {
    /// Newest first, at most two are kept.
    pub async fn manifests(&self, partition: Partition) -> Result<Vec<Manifest>, StoreError> {
        let question = QueryBuilder::fixed(sql::MANIFESTS, vec![Value::Int(i64::from(partition.number()))]);
        let rows: Vec<ManifestRow> = self.fetch(question).await?;
        let mut manifests: Vec<Manifest> = Vec::new();
        for (next_offset, taken_at, engine_version, rulebook, name, digest) in rows {
            let next_offset = Offset(next_offset.cast_unsigned());
            let corrupt = |what: &'static str| StoreError::Corrupt {
                table: "manifests",
                row: format!("partition {partition}, offset {next_offset}"),
                reason: format!("its {what} cannot be read"),
            };
            if manifests.last().is_none_or(|last| last.next_offset != next_offset) {
                manifests.push(Manifest {
                    partition,
                    next_offset,
                    taken_at: Timestamp::from_micros(taken_at),
                    engine_version: u32::try_from(engine_version).map_err(|_| corrupt("engine version"))?,
                    rulebook: RulebookHash(codec::from_hex(&rulebook).ok_or_else(|| corrupt("rulebook's hash"))?),
                    sections: Vec::new(),
                });
            }
            if let (Some(manifest), Some(name), Some(digest)) = (manifests.last_mut(), name, digest) {
                let digest = codec::from_hex(&digest).ok_or_else(|| corrupt("sections' digests"))?;
                manifest.sections.push(SectionRef { name, digest });
            }
        }
        manifests.truncate(KEPT);
        Ok(manifests)
    }

    /// A section's bytes, verified against its digest.
    pub async fn section(&self, partition: Partition, section: &SectionRef) -> Result<Vec<u8>, StoreError> {
        let digest = codec::hex(&section.digest);
        let corrupt = |reason: String| StoreError::Corrupt {
            table: "sections",
            row: format!("partition {partition}, {}, {digest}", section.name),
            reason,
        };
        let values =
            vec![Value::Int(i64::from(partition.number())), section.name.clone().into(), digest.clone().into()];
        let rows: Vec<(Vec<u8>,)> = self.fetch(QueryBuilder::fixed(sql::SECTION, values)).await?;
        let (body,) = rows.first().ok_or_else(|| corrupt("it is missing".to_owned()))?;
        let bytes = codec::unseal(body).map_err(&corrupt)?;
        if codec::sha256(&bytes) == section.digest {
            Ok(bytes)
        } else {
            Err(corrupt("its bytes are not what its digest says".to_owned()))
        }
    }
}
