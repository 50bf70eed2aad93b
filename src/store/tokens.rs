//! Tokens: stored by their SHA-256 only, one valid token per name, each change audited. A revoked name may be given
//! again; its old secret stays invalid, because its hash is deleted.

use super::codec;
use super::columns::Value;
use super::encode_batch::audit;
use super::journal::{into_store_error, link_audit};
use super::query_builder::QueryBuilder;
use super::statements as sql;
use super::writer::{Session, Writer};
use super::{CommitError, Store, StoreError, TokenRole, TokenRow};
use crate::core::engine::AuditEntry;
use crate::core::model::{Cause, Offset, Partition, Timestamp};

/// A person who may run commands on the machine is its operator.
const ACTOR: &str = "operator";

pub(super) async fn add<S: Session>(writer: &Writer<S>, token: &TokenRow) -> Result<(), StoreError> {
    let values = vec![
        token.name.clone().into(),
        word(&token.role).into(),
        codec::hex(&token.sha256).into(),
        Value::Int(token.created_at.as_micros()),
        Value::MaybeInt(token.revoked_at.map(Timestamp::as_micros)),
    ];
    let change =
        TokenChange { action: "token.add", name: &token.name, at: token.created_at, detail: word(&token.role) };
    if apply(writer, sql::PUT_TOKEN, values, change).await? {
        Ok(())
    } else {
        Err(StoreError::NameTaken { name: token.name.clone() })
    }
}

pub(super) async fn revoke<S: Session>(writer: &Writer<S>, name: &str, at: Timestamp) -> Result<bool, StoreError> {
    let values = vec![name.to_owned().into(), Value::Int(at.as_micros())];
    let change = TokenChange { action: "token.revoke", name, at, detail: String::new() };
    apply(writer, sql::REVOKE_TOKEN, values, change).await
}

struct TokenChange<'a> {
    action: &'static str,
    name: &'a str,
    at: Timestamp,
    detail: String,
}

/// Changes one token and audits it, in one transaction. False, and not audited, if no row was touched.
async fn apply<S: Session>(
    writer: &Writer<S>,
    statement: &'static str,
    values: Vec<Value>,
    change: TokenChange<'_>,
) -> Result<bool, StoreError> {
    let mut transaction = writer.begin().await?;
    let outcome = change_and_audit(&mut transaction.session, statement, values, change).await;
    transaction.finish(outcome).await.map_err(into_store_error)
}

async fn change_and_audit<S: Session>(
    session: &mut S,
    statement: &'static str,
    values: Vec<Value>,
    change: TokenChange<'_>,
) -> Result<bool, CommitError> {
    // The lock of every writer first: the audit is one chain.
    session.integers(S::EPOCH, Vec::new()).await?;
    if session.run(statement, values).await? == 0 {
        return Ok(false);
    }
    // It has no input of its own: it records the head of the desk's journal.
    let head = session.integers(sql::HEAD, vec![Value::Int(i64::from(Partition::DESK.number()))]).await?;
    let offset = Offset(head.first().map_or(0, |row| row[0].cast_unsigned()));
    let entry = AuditEntry {
        cause: Cause { partition: Partition::DESK, offset, n: 0 },
        at: change.at,
        actor: ACTOR.to_owned(),
        role: TokenRole::Admin.as_str().to_owned(),
        action: change.action.to_owned(),
        subject: change.name.to_owned(),
        detail: change.detail,
        refused: None,
        fact: None,
    };
    let mut rows = [audit(&[&entry])?];
    link_audit(session, &mut rows).await?;
    let [rows] = rows;
    session.write(rows).await?;
    Ok(true)
}

/// As [`TokenRole::parse`] reads it.
fn word(role: &TokenRole) -> String {
    match role {
        TokenRole::Ingest { source } => format!("ingest:{source}"),
        TokenRole::Monitoring { source } => format!("monitoring:{source}"),
        TokenRole::Viewer
        | TokenRole::FirstLine
        | TokenRole::SecondLine
        | TokenRole::ThirdLine
        | TokenRole::IncidentManager
        | TokenRole::ProblemManager
        | TokenRole::ChangeManager
        | TokenRole::ConfigurationManager
        | TokenRole::ProcessManager
        | TokenRole::Admin => role.as_str().to_owned(),
    }
}

impl Store {
    /// Every name that ever had a token, with its newest one, by name.
    pub async fn tokens(&self) -> Result<Vec<TokenRow>, StoreError> {
        let rows: Vec<(String, String, String, i64, Option<i64>)> =
            self.fetch(QueryBuilder::fixed(sql::TOKENS, Vec::new())).await?;
        let token = |(name, role, sha256, created_at, revoked_at): (String, String, String, i64, Option<i64>)| {
            let corrupt = |reason: String| StoreError::Corrupt { table: "tokens", row: name.clone(), reason };
            Ok(TokenRow {
                role: TokenRole::parse(&role).map_err(|error| corrupt(error.to_string()))?,
                sha256: codec::from_hex(&sha256).ok_or_else(|| corrupt("its hash cannot be read".to_owned()))?,
                created_at: Timestamp::from_micros(created_at),
                revoked_at: revoked_at.map(Timestamp::from_micros),
                name,
            })
        };
        let mut tokens = rows.into_iter().map(token).collect::<Result<Vec<_>, StoreError>>()?;
        // In one order on both databases, whatever their collations.
        tokens.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(tokens)
    }
}
