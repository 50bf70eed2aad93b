//! Selection and deletion of records that are old enough to leave the tables. The caller has written them elsewhere
//! first.
//!
//! Keeps every record that is in work, that a review needs, or that the engine may still change.

use super::audit_chain;
use super::audit_chain::AuditLink;
use super::columns::Value;
use super::handle::within;
use super::journal::into_store_error;
use super::query_builder::QueryBuilder;
use super::records::decode;
use super::statements as sql;
use super::writer::{Session, Writer};
use super::{CommitError, Store, StoreError, codec, with_writer};
use crate::core::engine::AlertRecord;
use crate::core::incidents::Incident;
use crate::core::model::{Fingerprint, IncidentId, Timestamp};

/// Ended states of incidents: only a comment or a link still changes them.
const OVER: [&str; 3] = ["closed", "merged", "cancelled"];
/// Reviewed states of problems: no one has to act on them.
const REVIEWED: [&str; 3] = ["closed", "accepted_risk", "duplicate"];

impl Store {
    /// Incidents that ended before that time, with a reviewed problem and final notifications only; by id, those after
    /// `after`. Also returns the last examined id, `None` at the end.
    pub async fn old_incidents(
        &self,
        before: Timestamp,
        after: IncidentId,
        limit: u32,
    ) -> Result<(Vec<Incident>, Option<IncidentId>), StoreError> {
        self.flush_before_read().await;
        let mut question = QueryBuilder::new("SELECT id, body FROM incidents WHERE true");
        question
            .and(" AND id > ", Some(after.0.cast_signed()))
            .and(" AND opened_at < ", Some(before.as_micros()))
            .and_in(" AND state IN", OVER.map(|state| Value::Text(state.to_owned())))
            .push(" AND NOT EXISTS (SELECT 1 FROM problems p WHERE p.id = incidents.problem")
            .and_in(" AND p.state NOT IN", REVIEWED.map(|state| Value::Text(state.to_owned())))
            .push(") ORDER BY id LIMIT ")
            .bind(i64::from(limit));
        let rows: Vec<(i64, String)> = self.fetch(question).await?;
        let looked_at = rows.last().map(|(id, _)| IncidentId(id.cast_unsigned()));
        let mut old = Vec::new();
        for (id, body) in rows {
            let incident: Incident = decode("incidents", IncidentId(id.cast_unsigned()), &body)?;
            let over = incident.closed_at.unwrap_or(incident.updated_at).max(incident.updated_at);
            if over < before && self.is_told(incident.id).await? {
                old.push(incident);
            }
        }
        Ok((old, looked_at))
    }

    /// True if none of its notifications waits.
    async fn is_told(&self, id: IncidentId) -> Result<bool, StoreError> {
        let question = QueryBuilder::fixed(sql::UNSETTLED, vec![id.to_string().into()]);
        let waiting: Vec<(i64,)> = self.fetch(question).await?;
        Ok(waiting.first().is_none_or(|(count,)| *count == 0))
    }

    /// Alerts that do not fire, are unchanged since that time, and belong to no kept incident.
    pub async fn old_alerts(&self, before: Timestamp, limit: u32) -> Result<Vec<AlertRecord>, StoreError> {
        self.flush_before_read().await;
        let values = vec![before.as_micros().into(), i64::from(limit).into()];
        let rows: Vec<(i64, String)> = self.fetch(QueryBuilder::fixed(sql::OLD_ALERTS, values)).await?;
        rows.into_iter()
            .map(|(fingerprint, body)| decode("alerts", Fingerprint(fingerprint.cast_unsigned()), &body))
            .collect()
    }

    /// The oldest entries of the audit, each with its link and its JSON.
    pub async fn oldest_audit(&self, limit: u32) -> Result<Vec<(AuditLink, String)>, StoreError> {
        let archived = self.audit_archived().await?;
        let values = vec![archived.seq.into(), i64::MAX.into(), i64::from(limit).into()];
        let rows: Vec<(i64, String, String)> = self.fetch(QueryBuilder::fixed(sql::AUDIT_LINKS, values)).await?;
        let entry = |(seq, hash, body): (i64, String, String)| {
            let hash = codec::from_hex(&hash).ok_or_else(|| StoreError::Corrupt {
                table: "audit",
                row: seq.to_string(),
                reason: "its hash is no hash; run `watchfire verify`".to_owned(),
            })?;
            Ok((AuditLink { seq, hash }, body))
        };
        rows.into_iter().map(entry).collect()
    }

    /// Deletes incidents, with their timeline, evidence, memberships and final notifications.
    pub async fn drop_incidents(&self, ids: &[IncidentId]) -> Result<(), StoreError> {
        let mut work = Vec::new();
        for id in ids {
            let number = Value::Int(id.0.cast_signed());
            for statement in [sql::DROP_TIMELINE, sql::DROP_EVIDENCE, sql::DROP_MEMBERSHIPS, sql::DROP_INCIDENT] {
                work.push((statement, vec![number.clone()]));
            }
            work.push((sql::DROP_NOTICES, vec![id.to_string().into()]));
        }
        self.apply(work).await
    }

    pub async fn drop_alerts(&self, alerts: &[Fingerprint]) -> Result<(), StoreError> {
        let one = |alert: &Fingerprint| (sql::DROP_ALERT, vec![Value::Int(alert.0.cast_signed())]);
        self.apply(alerts.iter().map(one).collect()).await
    }

    /// Deletes the audit's entries up to that one; the chain continues from it.
    pub async fn drop_audit(&self, last: &AuditLink) -> Result<(), StoreError> {
        let setting = vec![audit_chain::ARCHIVED.to_owned().into(), last.to_string().into()];
        self.apply(vec![(sql::PUT_SETTING, setting), (sql::DROP_AUDIT, vec![last.seq.into()])]).await
    }

    /// Returns the space of deleted rows to the disk; in steps, so that commits pass between. PostgreSQL's own vacuum
    /// does that in the background.
    pub async fn give_back_room(&self) -> Result<(), StoreError> {
        match self {
            Store::Sqlite(store) => {
                while within(store.patience, "giving room back", super::sqlite_writer::give_back(&store.writer)).await?
                {
                }
                within(store.patience, "cutting the log", super::sqlite_writer::fold_log(&store.writer)).await
            }
            Store::Postgres(_) => Ok(()),
        }
    }

    async fn apply(&self, work: Vec<(&'static str, Vec<Value>)>) -> Result<(), StoreError> {
        with_writer!(self, "taking old records out", writer => apply(writer, work))
    }
}

async fn apply<S: Session>(writer: &Writer<S>, work: Vec<(&'static str, Vec<Value>)>) -> Result<(), StoreError> {
    let mut transaction = writer.begin().await?;
    let done = run(&mut transaction.session, work).await;
    transaction.finish(done).await.map_err(into_store_error)
}

async fn run<S: Session>(session: &mut S, work: Vec<(&'static str, Vec<Value>)>) -> Result<(), CommitError> {
    // The lock of every writer first.
    session.integers(S::EPOCH, Vec::new()).await?;
    for (statement, values) in work {
        session.run(statement, values).await?;
    }
    Ok(())
}
