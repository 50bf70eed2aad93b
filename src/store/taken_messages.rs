//! What was taken from a broker's session and is not known to be acknowledged, kept with the commit that took it.
//!
//! An acknowledgement of MQTT is never answered, so after a crash nobody knows which of the last ones arrived; the broker
//! sends the others again, and this memory is how they are recognised.

use std::collections::BTreeMap;

use super::columns::Value;
use super::query_builder::QueryBuilder;
use super::{Store, StoreError, statements as sql};
use crate::core::model::{SessionFacts, SessionProgress, TakenMessage};

/// A message's bytes in a row: number, packet id, digest.
const MESSAGE_BYTES: usize = 8 + 2 + 16;

/// The statements that keep a batch's progress.
pub(super) fn statements(progress: &[SessionProgress]) -> Vec<(&'static str, Vec<Value>)> {
    let mut sessions: BTreeMap<&str, (u64, u64, Vec<u8>)> = BTreeMap::new();
    for one in progress {
        let (settled_before, newest, body) = sessions.entry(&one.session).or_default();
        *settled_before = one.settled_before.max(*settled_before);
        if let Some(taken) = &one.taken {
            *newest = taken.number.max(*newest);
            body.extend(taken.number.to_be_bytes());
            body.extend(taken.packet_id.to_be_bytes());
            body.extend(taken.digest.to_be_bytes());
        }
    }
    let mut statements = Vec::new();
    for one in progress {
        let facts = one.facts.and_then(|facts| serde_json::to_string(&facts).ok());
        statements
            .extend(facts.map(|facts| (sql::PUT_SETTING, vec![facts_setting(&one.session).into(), facts.into()])));
    }
    for (session, (settled_before, newest, body)) in sessions {
        let session = || Value::Text(session.to_owned());
        statements.push((sql::DROP_TAKEN, vec![session(), Value::Int(settled_before.cast_signed())]));
        if !body.is_empty() {
            statements.push((sql::PUT_TAKEN, vec![session(), Value::Int(newest.cast_signed()), Value::Bytes(body)]));
        }
    }
    statements
}

/// Name of the setting that holds a session's facts.
fn facts_setting(session: &str) -> String {
    format!("mqtt_session/{session}")
}

impl Store {
    /// What an earlier run of the service knew of the session; `None` if it had none.
    pub async fn session_facts(&self, session: &str) -> Result<Option<SessionFacts>, StoreError> {
        let setting = facts_setting(session);
        let facts = self.setting(&setting).await?;
        facts.map(|facts| super::records::decode("settings", &setting, &facts)).transpose()
    }

    /// The messages of that session that are not known to be acknowledged, in order of arrival; perhaps some more before
    /// them.
    pub async fn taken_messages(&self, session: &str) -> Result<Vec<TakenMessage>, StoreError> {
        let question = QueryBuilder::fixed(sql::TAKEN, vec![session.to_owned().into()]);
        let rows: Vec<(i64, Vec<u8>)> = self.fetch(question).await?;
        let mut messages = BTreeMap::new();
        for (id, body) in rows {
            let (whole, rest) = body.as_chunks::<MESSAGE_BYTES>();
            if !rest.is_empty() {
                let reason = format!("{} bytes are no whole number of messages", body.len());
                return Err(StoreError::Corrupt { table: "taken_messages", row: id.to_string(), reason });
            }
            messages.extend(whole.iter().map(message).map(|message| (message.number, message)));
        }
        Ok(messages.into_values().collect())
    }
}

fn message(bytes: &[u8; MESSAGE_BYTES]) -> TakenMessage {
    let number =
        |range: std::ops::Range<usize>| bytes[range].iter().fold(0, |sum, byte| (sum << 8) | u128::from(*byte));
    TakenMessage { number: number(0..8) as u64, packet_id: number(8..10) as u16, digest: number(10..MESSAGE_BYTES) }
}
