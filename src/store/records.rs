//! Single records, and the rows that belong to one.

use std::fmt::Display;

use serde::de::DeserializeOwned;

use super::columns::{Value, key_text};
use super::query_builder::QueryBuilder;
use super::statements as sql;
use super::{DeliveryRow, OutboxRow, Store, StoreError};
use crate::core::engine::{AlertRecord, CountedEvent};
use crate::core::incidents::{Incident, TimelineEntry};
use crate::core::inspections::Run;
use crate::core::model::{Cause, Fingerprint, IncidentId, ProblemId, RunId, Timestamp};
use crate::core::problems::Problem;

/// Maximum number of dependent rows read at once.
const PARTS_MAX: i64 = 10_000;

/// Cause, attempts, outcome, time of delivery, notification.
type Delivered = (String, i64, Option<String>, Option<i64>, String);

impl Store {
    pub async fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        self.flush_before_read().await;
        self.one(sql::INCIDENT, "incidents", id, id.0).await
    }

    pub async fn alert(&self, fingerprint: Fingerprint) -> Result<Option<AlertRecord>, StoreError> {
        self.flush_before_read().await;
        self.one(sql::ALERT, "alerts", fingerprint, fingerprint.0).await
    }

    pub async fn problem(&self, id: ProblemId) -> Result<Option<Problem>, StoreError> {
        self.one(sql::PROBLEM, "problems", id, id.0).await
    }

    pub async fn run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        self.one(sql::RUN, "runs", id, id.0).await
    }

    /// Its history, oldest first; the newest 10,000 lines.
    pub async fn timeline(&self, id: IncidentId) -> Result<Vec<TimelineEntry>, StoreError> {
        let rows: Vec<(i64, String)> = self.parts(sql::TIMELINE, id).await?;
        rows.into_iter().map(|(row, body)| decode("timeline", row, &body)).collect()
    }

    /// The events that counted when it opened, in their order.
    pub async fn evidence(&self, id: IncidentId) -> Result<Vec<CountedEvent>, StoreError> {
        let rows: Vec<(i64, String)> = self.parts(sql::EVIDENCE, id).await?;
        rows.into_iter().map(|(n, body)| decode("evidence", format_args!("{id}, {n}"), &body)).collect()
    }

    /// The alerts of an incident in their current state, each with a flag if it is only linked; the first 10,000 by
    /// fingerprint.
    pub async fn members(&self, id: IncidentId) -> Result<Vec<(AlertRecord, bool)>, StoreError> {
        self.flush_before_read().await;
        let rows: Vec<(i64, String, i64)> = self.parts(sql::MEMBERS, id).await?;
        let member = |(fingerprint, body, link_only): (i64, String, i64)| {
            Ok((decode("alerts", Fingerprint(fingerprint.cast_unsigned()), &body)?, link_only != 0))
        };
        rows.into_iter().map(member).collect()
    }

    /// Notifications neither delivered nor dead-lettered, oldest first; only those after the given one, if any.
    pub async fn outbox(&self, after: Option<Cause>, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        let after = after.map(|cause| cause.to_string()).unwrap_or_default();
        let question = QueryBuilder::fixed(sql::OUTBOX, vec![Value::Int(i64::from(limit)), after.into()]);
        let rows: Vec<(String, i64, String)> = self.fetch(question).await?;
        let row = |(cause, attempts, body): (String, i64, String)| {
            Ok(OutboxRow { notice: decode("outbox", &cause, &body)?, attempts: number("outbox", &cause, attempts)? })
        };
        rows.into_iter().map(row).collect()
    }

    /// Every notification of a subject with its delivery state, oldest first: the delivery log of an incident. The
    /// newest 10,000.
    pub async fn deliveries(&self, subject: &str) -> Result<Vec<DeliveryRow>, StoreError> {
        let question = QueryBuilder::fixed(sql::DELIVERIES, vec![key_text(subject).into(), Value::Int(PARTS_MAX)]);
        let rows: Vec<Delivered> = self.fetch(question).await?;
        let row = |(cause, attempts, outcome, delivered_at, body): Delivered| {
            Ok(DeliveryRow {
                notice: decode("outbox", &cause, &body)?,
                attempts: number("outbox", &cause, attempts)?,
                outcome: outcome.map(|outcome| decode("outbox", &cause, &outcome)).transpose()?,
                delivered_at: delivered_at.map(Timestamp::from_micros),
            })
        };
        rows.into_iter().map(row).collect()
    }

    async fn one<T: DeserializeOwned>(
        &self,
        statement: &'static str,
        table: &'static str,
        id: impl Display,
        key: u64,
    ) -> Result<Option<T>, StoreError> {
        let question = QueryBuilder::fixed(statement, vec![Value::Int(key.cast_signed())]);
        let rows: Vec<(String,)> = self.fetch(question).await?;
        rows.first().map(|(body,)| decode(table, id, body)).transpose()
    }

    async fn parts<T>(&self, statement: &'static str, id: IncidentId) -> Result<Vec<T>, StoreError>
    where
        T: Send
            + Unpin
            + for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow>
            + for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>,
    {
        self.fetch(QueryBuilder::fixed(statement, vec![Value::Int(id.0.cast_signed()), Value::Int(PARTS_MAX)])).await
    }
}

/// A record from its JSON, or an error with table and row.
pub(super) fn decode<T: DeserializeOwned>(table: &'static str, row: impl Display, body: &str) -> Result<T, StoreError> {
    serde_json::from_str(body).map_err(|error| StoreError::Corrupt {
        table,
        row: row.to_string(),
        reason: error.to_string(),
    })
}

/// A count that must fit its type.
fn number(table: &'static str, row: &str, value: i64) -> Result<u32, StoreError> {
    u32::try_from(value).map_err(|error| StoreError::Corrupt { table, row: row.to_owned(), reason: error.to_string() })
}
