//! The delivery log: what was sent to whom, without the secrets that an address may hold.

use serde::{Deserialize, Serialize};

use crate::core::engine::{DeliveryOutcome, NotificationKind};
use crate::core::model::{Tier, Timestamp};
use crate::store::DeliveryRow;

/// One notice and what became of it.
#[derive(Serialize)]
pub struct DeliveryView {
    /// The idempotency key that its receiver saw.
    pub id: String,
    pub kind: NotificationKind,
    pub at: Timestamp,
    pub title: String,
    pub team: String,
    /// The person whom it told, if it was not for the whole team.
    pub person: Option<String>,
    pub tier: Option<Tier>,
    pub channel: &'static str,
    /// The receiver, cut where a secret may begin.
    pub to: String,
    pub attempts: u32,
    pub state: DeliveryState,
    pub error: Option<String>,
    pub delivered_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    Waiting,
    Delivered,
    /// Will be tried again.
    Failed,
    DeadLettered,
}

impl From<DeliveryRow> for DeliveryView {
    fn from(row: DeliveryRow) -> DeliveryView {
        let (state, error) = match row.outcome {
            None => (DeliveryState::Waiting, None),
            Some(DeliveryOutcome::Delivered) => (DeliveryState::Delivered, None),
            Some(DeliveryOutcome::Failed { error }) => (DeliveryState::Failed, Some(error)),
            Some(DeliveryOutcome::DeadLettered { error }) => (DeliveryState::DeadLettered, Some(error)),
            Some(DeliveryOutcome::Unreached(unreached)) => (DeliveryState::DeadLettered, Some(unreached.error)),
        };
        let channel = &row.notice.channel;
        let (channel, to) = (channel.kind(), channel.shown());
        DeliveryView {
            id: row.notice.cause.to_string(),
            kind: row.notice.kind,
            at: row.notice.at,
            title: row.notice.title,
            team: row.notice.team,
            person: row.notice.person,
            tier: row.notice.tier,
            channel,
            to,
            attempts: row.attempts,
            state,
            error,
            delivered_at: row.delivered_at,
        }
    }
}
