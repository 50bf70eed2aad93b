//! Reads back what was taken from a broker's session.

use super::query_builder::QueryBuilder;
use super::taken_messages::MESSAGE_BYTES;
use super::taken_messages::facts_setting;
use super::{Store, StoreError, statements as sql};
use crate::core::model::{SessionFacts, TakenMessage};
use std::collections::BTreeMap;

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
