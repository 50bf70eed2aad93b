//! Lists: filtered, newest first, by page.

use std::fmt::Display;

use serde::de::DeserializeOwned;

use super::columns::{Value, key_text};
use super::query_builder::{List, QueryBuilder};
use super::records::decode;
use super::{
    AlertFilter, AuditFilter, DeadLetterRow, IncidentFilter, Page, PageRequest, ProblemFilter, RunFilter, Store,
    StoreError,
};
use crate::core::engine::{AlertRecord, AuditEntry};
use crate::core::incidents::Incident;
use crate::core::inspections::Run;
use crate::core::model::{Fingerprint, IncidentId, ProblemId, RunId};
use crate::core::problems::Problem;

impl Store {
    /// Newest first.
    pub async fn incidents(&self, filter: &IncidentFilter, page: &PageRequest) -> Result<Page<Incident>, StoreError> {
        self.flush_before_read().await;
        let mut question = QueryBuilder::new("SELECT id, body FROM incidents WHERE true");
        question
            .and_in(" AND state IN", words(filter.states.iter().map(|state| state.as_str())))
            .and_in(" AND tier IN", filter.tiers.iter().map(|tier| Value::Int(i64::from(tier.number()))))
            .and_in(" AND priority IN", words(filter.priorities.iter().map(|priority| priority.as_str())))
            .and(" AND team = ", text(&filter.team))
            .and(" AND assignee = ", text(&filter.assignee))
            .and(" AND rule = ", text(&filter.rule))
            .and(" AND problem = ", filter.problem.map(|problem| problem.0.cast_signed()))
            .and(" AND opened_at > ", filter.opened_after.map(|moment| moment.as_micros()))
            .and(" AND opened_at < ", filter.opened_before.map(|moment| moment.as_micros()))
            .and_search(filter.text.as_deref());
        if let Some(alert) = filter.alert {
            question
                .push(" AND id IN (SELECT incident FROM memberships WHERE fingerprint = ")
                .bind(alert.0.cast_signed())
                .push(")");
        }
        self.by_id(List::Incidents, "incidents", question, page, |id| IncidentId(id.cast_unsigned())).await
    }

    /// Latest transition first.
    pub async fn alerts(&self, filter: &AlertFilter, page: &PageRequest) -> Result<Page<AlertRecord>, StoreError> {
        self.flush_before_read().await;
        let mut question = QueryBuilder::new("SELECT updated_at, fingerprint, body FROM alerts WHERE true");
        // Literals, not values, because only then is the index of firing alerts used.
        match filter.firing {
            Some(true) => question.push(" AND firing = 1"),
            Some(false) => question.push(" AND firing = 0"),
            None => &mut question,
        };
        question
            .and(" AND rule = ", text(&filter.rule))
            .and(" AND source = ", text(&filter.source))
            .and_search(filter.text.as_deref());
        if let Some([updated_at, fingerprint]) = List::Alerts.after(page)? {
            question.push(" AND (updated_at, fingerprint) < (").bind(updated_at).push(",").bind(fingerprint).push(")");
        }
        question.page(" ORDER BY updated_at DESC, fingerprint DESC", page);
        let rows: Vec<(i64, i64, String)> = self.fetch(question).await?;
        let row = |(updated_at, fingerprint, body): (i64, i64, String)| {
            let alert = decode("alerts", Fingerprint(fingerprint.cast_unsigned()), &body)?;
            Ok(([updated_at, fingerprint], alert))
        };
        Ok(List::Alerts.page(rows.into_iter().map(row).collect::<Result<_, StoreError>>()?, page))
    }

    /// Newest first.
    pub async fn problems(&self, filter: &ProblemFilter, page: &PageRequest) -> Result<Page<Problem>, StoreError> {
        let mut question = QueryBuilder::new("SELECT id, body FROM problems WHERE true");
        question
            .and_in(" AND state IN", words(filter.states.iter().map(|state| state.as_str())))
            .and(" AND team = ", text(&filter.team))
            .and_search(filter.text.as_deref());
        self.by_id(List::Problems, "problems", question, page, |id| ProblemId(id.cast_unsigned())).await
    }

    /// Newest first.
    pub async fn runs(&self, filter: &RunFilter, page: &PageRequest) -> Result<Page<Run>, StoreError> {
        let mut question = QueryBuilder::new("SELECT id, body FROM runs WHERE true");
        question
            .and_in(" AND state IN", words(filter.states.iter().map(|state| state.as_str())))
            .and(" AND plan = ", text(&filter.plan));
        self.by_id(List::Runs, "runs", question, page, |id| RunId(id.cast_unsigned())).await
    }

    /// Newest first.
    pub async fn audit(&self, filter: &AuditFilter, page: &PageRequest) -> Result<Page<AuditEntry>, StoreError> {
        let mut question = QueryBuilder::new("SELECT id, body FROM audit WHERE true");
        question
            .and(" AND actor = ", text(&filter.actor))
            .and(" AND subject = ", text(&filter.subject))
            .and(" AND action = ", text(&filter.action));
        self.by_id(List::Audit, "audit", question, page, |id| id).await
    }

    /// Newest first.
    pub async fn dead_letters(&self, page: &PageRequest) -> Result<Page<DeadLetterRow>, StoreError> {
        let question = QueryBuilder::new("SELECT id, body FROM dead_letters WHERE true");
        let rows = self.rows_by_id(List::DeadLetters, question, page).await?;
        let row =
            |(id, body): (i64, String)| Ok(([id], DeadLetterRow { id, letter: decode("dead_letters", id, &body)? }));
        Ok(List::DeadLetters.page(rows.into_iter().map(row).collect::<Result<_, StoreError>>()?, page))
    }

    /// A page of a table ordered by id, with a record as each row's body. `name` gives the name of a row.
    async fn by_id<T: DeserializeOwned, Name: Display>(
        &self,
        list: List,
        table: &'static str,
        question: QueryBuilder,
        page: &PageRequest,
        name: impl Fn(i64) -> Name,
    ) -> Result<Page<T>, StoreError> {
        let rows = self.rows_by_id(list, question, page).await?;
        let row = |(id, body): (i64, String)| Ok(([id], decode(table, name(id), &body)?));
        Ok(list.page(rows.into_iter().map(row).collect::<Result<_, StoreError>>()?, page))
    }

    async fn rows_by_id(
        &self,
        list: List,
        mut question: QueryBuilder,
        page: &PageRequest,
    ) -> Result<Vec<(i64, String)>, StoreError> {
        let after = list.after(page)?.map(|[id]| id);
        question.and(" AND id < ", after).page(" ORDER BY id DESC", page);
        self.fetch(question).await
    }
}

fn words<'a>(words: impl Iterator<Item = &'a str>) -> impl Iterator<Item = Value> {
    words.map(|word| Value::Text(word.to_owned()))
}

fn text(text: &Option<String>) -> Option<String> {
    text.as_deref().map(key_text)
}
