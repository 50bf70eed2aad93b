//! What was taken from a broker's session and is not known to be acknowledged, kept with the commit that took it.
//!
//! An acknowledgement of MQTT is never answered, so after a crash nobody knows which of the last ones arrived; the broker
//! sends the others again, and this memory is how they are recognised.

use std::collections::BTreeMap;

use super::columns::Value;
use super::statements as sql;
use crate::core::model::SessionProgress;

/// A message's bytes in a row: number, packet id, digest.
pub(super) const MESSAGE_BYTES: usize = 8 + 2 + 16;

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
pub(super) fn facts_setting(session: &str) -> String {
    format!("mqtt_session/{session}")
}
