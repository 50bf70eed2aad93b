//! A batch encoded before the transaction begins: blocks sealed, and only the final state of each record.
//!
//! Writing only the last of several changes of a row gives the same rows as writing all, so that the cutting of inputs
//! into batches shows in no record.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::Serialize;

use super::codec;
use super::columns::{BulkTable, Column, ColumnRows, key_text, search_text};
use super::{Batch, CommitError};
use crate::core::engine::{
    AlertRecord, AuditEntry, CountedEvent, DeliveryOutcome, DeliveryResult, DeskInput, Effect, Input, JournalEntry,
    Notification, RecordChange, Task,
};
use crate::core::incidents::{Incident, TimelineEntry};
use crate::core::inspections::Run;
use crate::core::model::{
    Cause, Fingerprint, IncidentId, Labels, Offset, Partition, ProblemId, RunId, SessionProgress, Silence, SilenceId,
    Status, Timestamp,
};
use crate::core::problems::Problem;

/// The content of the transaction.
pub(super) struct Prepared {
    /// By partition.
    pub(super) blocks: Vec<EncodedBlock>,
    pub(super) effects_hash: [u8; 32],
    /// Tables with at least one row, in the required order of writing.
    pub(super) rows: Vec<ColumnRows>,
    /// Hash and texts.
    pub(super) rulebooks: Vec<(String, String)>,
    /// Of brokers' sessions.
    pub(super) progress: Vec<SessionProgress>,
}

impl Prepared {
    /// Nothing but rows.
    pub(super) fn of_rows(rows: Vec<ColumnRows>) -> Prepared {
        Prepared { blocks: Vec::new(), effects_hash: [0; 32], rows, rulebooks: Vec::new(), progress: Vec::new() }
    }
}

/// A batch's entries of one partition.
pub(super) struct EncodedBlock {
    pub(super) partition: Partition,
    pub(super) first: Offset,
    /// The offset after its last entry.
    pub(super) next: Offset,
    /// The `now` of its newest entry.
    pub(super) written_at: Timestamp,
    pub(super) body: Vec<u8>,
}

/// An alert of an incident.
pub(super) struct Membership {
    pub(super) incident: IncidentId,
    pub(super) fingerprint: Fingerprint,
    pub(super) firing: bool,
    pub(super) link_only: bool,
}

pub(super) fn prepare(batch: &Batch) -> Result<Prepared, CommitError> {
    let mut last = LatestPerKey::default();
    for effect in &batch.effects {
        last.take(effect);
    }
    let mut rows = last.rows(batch)?;
    let letters = each(&batch.dead_letters, "dead_letters", |letter| letter.at)?;
    rows.push(ColumnRows { table: BulkTable::DeadLetters, columns: vec![letters] });
    rows.retain(|rows| rows.len() > 0);
    let rulebook = |book: &std::sync::Arc<crate::core::rules::Rulebook>| {
        Ok((book.hash.to_string(), body("rulebooks", book.hash, &book.texts)?))
    };
    Ok(Prepared {
        blocks: blocks(batch)?,
        effects_hash: codec::effects_hash(&batch.effects).map_err(|error| refused("effects", "batch", error))?,
        rows,
        rulebooks: batch.rulebooks.iter().map(rulebook).collect::<Result<_, CommitError>>()?,
        progress: batch.progress.clone(),
    })
}

fn blocks(batch: &Batch) -> Result<Vec<EncodedBlock>, CommitError> {
    let mut by_partition: BTreeMap<Partition, Vec<&JournalEntry>> = BTreeMap::new();
    for (partition, entry) in &batch.entries {
        by_partition.entry(*partition).or_default().push(entry);
    }
    by_partition.into_iter().map(|(partition, entries)| block(partition, &entries)).collect()
}

fn block(partition: Partition, entries: &[&JournalEntry]) -> Result<EncodedBlock, CommitError> {
    let first = entries.first().map_or(Offset(0), |entry| entry.offset);
    let mut next = first;
    for entry in entries {
        if entry.offset != next {
            return Err(CommitError::OutOfStep { partition, head: next, first: entry.offset });
        }
        next = next.next();
    }
    let body = codec::seal_entries(entries).map_err(|error| refused("blocks", first, error))?;
    let written_at = entries.iter().map(|entry| entry.now).max().unwrap_or(Timestamp::EPOCH);
    Ok(EncodedBlock { partition, first, next, written_at, body })
}

/// The effects with a row, each row once; append-only ones in their order.
#[derive(Default)]
struct LatestPerKey<'a> {
    timeline: Vec<&'a TimelineEntry>,
    evidence: BTreeMap<(IncidentId, u32), &'a CountedEvent>,
    problems: BTreeMap<ProblemId, &'a Problem>,
    runs: BTreeMap<RunId, &'a Run>,
    silences: BTreeMap<SilenceId, &'a Silence>,
    audit: Vec<&'a AuditEntry>,
    notices: Vec<&'a Notification>,
    deliveries: BTreeMap<Cause, &'a DeliveryResult>,
}

impl<'a> LatestPerKey<'a> {
    fn take(&mut self, effect: &'a Effect) {
        match effect {
            Effect::Record(change) => self.take_record(change),
            Effect::Do(Task::Notice(notice)) => self.notices.push(notice),
            Effect::Do(Task::Probe(_)) | Effect::Live(_) | Effect::Count(_) => {}
        }
    }

    fn take_record(&mut self, change: &'a RecordChange) {
        match change {
            RecordChange::Timeline(entry) => self.timeline.push(entry),
            RecordChange::Evidence { incident, n, evidence } => {
                self.evidence.insert((*incident, *n), evidence);
            }
            RecordChange::Problem(record) => {
                self.problems.insert(record.id, record);
            }
            RecordChange::Run(record) => {
                self.runs.insert(record.id, record);
            }
            RecordChange::Silence(record) => {
                self.silences.insert(record.id, record);
            }
            RecordChange::Audit(entry) => self.audit.push(entry),
            RecordChange::Delivery(result) => self.take_delivery(result),
            // Their rows follow (`write_behind.rs`).
            RecordChange::Alert(_) | RecordChange::Incident(_) | RecordChange::Membership { .. } => {}
        }
    }

    /// A final delivery state (delivered or dead-lettered) is kept, here as in the statement that updates the row.
    fn take_delivery(&mut self, result: &'a DeliveryResult) {
        let earlier = self.deliveries.entry(result.notice).or_insert(result);
        if !is_settled(&earlier.outcome) {
            *earlier = result;
        }
    }

    fn rows(&self, batch: &Batch) -> Result<Vec<ColumnRows>, CommitError> {
        Ok(vec![
            timeline(&self.timeline)?,
            evidence(&self.evidence)?,
            problems(&self.problems)?,
            runs(&self.runs)?,
            silences(&self.silences)?,
            audit(&self.audit)?,
            outbox(&self.notices)?,
            // After the outbox: a notification and its delivery may be in one batch.
            deliveries(&self.deliveries, batch)?,
        ])
    }
}

pub(super) fn alerts(records: &[&AlertRecord]) -> Result<ColumnRows, CommitError> {
    let all = || records.iter();
    let search = |record: &&AlertRecord| search_of(&record.summary, [&record.labels]);
    Ok(ColumnRows {
        table: BulkTable::Alerts,
        columns: vec![
            Column::ints(all().map(|record| record.fingerprint.0.cast_signed())),
            Column::ints(all().map(|record| i64::from(record.status == Status::Firing))),
            Column::texts(all().map(|record| key_text(&record.source))),
            Column::texts(all().map(|record| key_text(&record.rule))),
            Column::ints(all().map(|record| record.updated_at.as_micros())),
            Column::texts(all().map(search)),
            each(all().copied(), "alerts", |record| record.fingerprint)?,
        ],
    })
}

pub(super) fn incidents(records: &[&Incident]) -> Result<ColumnRows, CommitError> {
    let all = || records.iter();
    let assignees = all().map(|record| record.assignee.as_deref().map(key_text)).collect();
    let problems = all().map(|record| record.problem.map(|problem| problem.0.cast_signed())).collect();
    let search = |record: &&Incident| search_of(&record.title, [&record.labels, &record.key]);
    Ok(ColumnRows {
        table: BulkTable::Incidents,
        columns: vec![
            Column::ints(all().map(|record| record.id.0.cast_signed())),
            Column::texts(all().map(|record| record.state.as_str().to_owned())),
            Column::ints(all().map(|record| i64::from(record.tier.number()))),
            Column::texts(all().map(|record| record.priority.as_str().to_owned())),
            Column::texts(all().map(|record| key_text(&record.team))),
            Column::MaybeText(assignees),
            Column::texts(all().map(|record| key_text(&record.rule))),
            Column::MaybeInt(problems),
            Column::ints(all().map(|record| record.opened_at.as_micros())),
            Column::texts(all().map(search)),
            each(all().copied(), "incidents", |record| record.id)?,
        ],
    })
}

pub(super) fn memberships(records: &[Membership]) -> ColumnRows {
    ColumnRows {
        table: BulkTable::Memberships,
        columns: vec![
            Column::ints(records.iter().map(|record| record.incident.0.cast_signed())),
            Column::ints(records.iter().map(|record| record.fingerprint.0.cast_signed())),
            Column::ints(records.iter().map(|record| i64::from(record.firing))),
            Column::ints(records.iter().map(|record| i64::from(record.link_only))),
        ],
    }
}

fn timeline(entries: &[&TimelineEntry]) -> Result<ColumnRows, CommitError> {
    let incidents = Column::ints(entries.iter().map(|entry| entry.incident.0.cast_signed()));
    let bodies = each(entries.iter().copied(), "timeline", |entry| entry.incident)?;
    Ok(ColumnRows { table: BulkTable::Timeline, columns: vec![incidents, bodies] })
}

fn evidence(records: &BTreeMap<(IncidentId, u32), &CountedEvent>) -> Result<ColumnRows, CommitError> {
    Ok(ColumnRows {
        table: BulkTable::Evidence,
        columns: vec![
            Column::ints(records.keys().map(|(incident, _)| incident.0.cast_signed())),
            Column::ints(records.keys().map(|(_, n)| i64::from(*n))),
            each(records.values().copied(), "evidence", |record| record.cause)?,
        ],
    })
}

fn problems(records: &BTreeMap<ProblemId, &Problem>) -> Result<ColumnRows, CommitError> {
    let all = || records.values();
    Ok(ColumnRows {
        table: BulkTable::Problems,
        columns: vec![
            Column::ints(all().map(|record| record.id.0.cast_signed())),
            Column::texts(all().map(|record| record.state.as_str().to_owned())),
            Column::texts(all().map(|record| key_text(&record.team))),
            Column::texts(all().map(|record| search_of(&record.title, [&record.key]))),
            each(all().copied(), "problems", |record| record.id)?,
        ],
    })
}

fn runs(records: &BTreeMap<RunId, &Run>) -> Result<ColumnRows, CommitError> {
    let all = || records.values();
    Ok(ColumnRows {
        table: BulkTable::Runs,
        columns: vec![
            Column::ints(all().map(|record| record.id.0.cast_signed())),
            Column::texts(all().map(|record| record.state.as_str().to_owned())),
            Column::texts(all().map(|record| key_text(&record.plan))),
            each(all().copied(), "runs", |record| record.id)?,
        ],
    })
}

fn silences(records: &BTreeMap<SilenceId, &Silence>) -> Result<ColumnRows, CommitError> {
    let all = || records.values();
    Ok(ColumnRows {
        table: BulkTable::Silences,
        columns: vec![
            Column::texts(all().map(|record| record.id.to_string())),
            Column::ints(all().map(|record| record.ends_at.at.as_micros())),
            each(all().copied(), "silences", |record| record.id)?,
        ],
    })
}

pub(super) fn audit(entries: &[&AuditEntry]) -> Result<ColumnRows, CommitError> {
    let all = || entries.iter();
    Ok(ColumnRows {
        table: BulkTable::Audit,
        columns: vec![
            Column::texts(all().map(|entry| key_text(&entry.actor))),
            Column::texts(all().map(|entry| key_text(&entry.subject))),
            Column::texts(all().map(|entry| key_text(&entry.action))),
            each(all().copied(), "audit", |entry| entry.cause)?,
        ],
    })
}

fn outbox(notices: &[&Notification]) -> Result<ColumnRows, CommitError> {
    let all = || notices.iter();
    Ok(ColumnRows {
        table: BulkTable::Outbox,
        columns: vec![
            Column::texts(all().map(|notice| notice.cause.to_string())),
            Column::texts(all().map(|notice| key_text(&notice.subject))),
            each(all().copied(), "outbox", |notice| notice.cause)?,
        ],
    })
}

fn deliveries(results: &BTreeMap<Cause, &DeliveryResult>, batch: &Batch) -> Result<ColumnRows, CommitError> {
    let times = if results.is_empty() { BTreeMap::new() } else { delivery_times(batch) };
    let delivered_at = |result: &&DeliveryResult| match result.outcome {
        DeliveryOutcome::Delivered => times.get(&(result.notice, result.attempt)).map(|at| at.as_micros()),
        DeliveryOutcome::Failed { .. } | DeliveryOutcome::DeadLettered { .. } | DeliveryOutcome::Unreached(_) => None,
    };
    let all = || results.values();
    let outcomes = all().map(|result| body("outbox", result.notice, &result.outcome)).collect::<Result<_, _>>()?;
    Ok(ColumnRows {
        table: BulkTable::Deliveries,
        columns: vec![
            Column::texts(all().map(|result| result.notice.to_string())),
            Column::ints(all().map(|result| i64::from(is_settled(&result.outcome)))),
            Column::ints(all().map(|result| i64::from(result.attempt))),
            Column::Text(outcomes),
            Column::MaybeInt(all().map(delivered_at).collect()),
        ],
    })
}

/// Time at which each attempt was journaled, because the effect itself carries none.
fn delivery_times(batch: &Batch) -> BTreeMap<(Cause, u32), Timestamp> {
    let time = |(_, entry): &(Partition, JournalEntry)| match &entry.input {
        Input::Desk(DeskInput::Delivery(result)) => Some(((result.notice, result.attempt), entry.now)),
        Input::Desk(
            DeskInput::Command(_) | DeskInput::Decision { .. } | DeskInput::Probe(_) | DeskInput::SilenceOnce(_),
        )
        | Input::Correlator(_)
        | Input::Control(_) => None,
    };
    batch.entries.iter().filter_map(time).collect()
}

fn is_settled(outcome: &DeliveryOutcome) -> bool {
    match outcome {
        DeliveryOutcome::Delivered | DeliveryOutcome::DeadLettered { .. } | DeliveryOutcome::Unreached(_) => true,
        DeliveryOutcome::Failed { .. } => false,
    }
}

fn search_of<'a>(title: &str, labels: impl IntoIterator<Item = &'a Labels>) -> String {
    let mut text = title.to_owned();
    for (name, value) in labels.into_iter().flat_map(Labels::iter) {
        text.extend(["\n", name, "=", value]);
    }
    search_text(&text)
}

/// The JSON of every record as one column.
fn each<'a, T: Serialize + 'a, Id: Display>(
    records: impl IntoIterator<Item = &'a T>,
    table: &'static str,
    id: impl Fn(&T) -> Id,
) -> Result<Column, CommitError> {
    let bodies = records.into_iter().map(|record| body(table, id(record), record));
    Ok(Column::Text(bodies.collect::<Result<_, _>>()?))
}

fn body(table: &'static str, id: impl Display, record: &impl Serialize) -> Result<String, CommitError> {
    codec::json(record).map_err(|error| refused(table, id, error))
}

fn refused(table: &'static str, id: impl Display, error: impl Display) -> CommitError {
    CommitError::Content { reason: format!("{table}: {id} cannot be encoded: {error}") }
}
