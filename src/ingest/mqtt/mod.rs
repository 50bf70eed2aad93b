//! MQTT intake: a client of a real broker, and a small listener of our own for sites without one.
//!
//! Both take a message, hand its events to the driver and acknowledge it after the commit, in the order of arrival. What
//! cannot be kept now is held back from the sender, never dropped; what can never be read is kept as a dead letter and
//! acknowledged, so that no message comes round for ever. Must never decide what a message means, and never acknowledge
//! what was not kept.

mod client;
mod decoding;
mod dedup;
#[cfg(test)]
mod fakes;
mod in_flight;
mod listener;
mod ordered_intake;
mod presence;
mod reader;
mod topic;

use std::sync::Arc;

use crate::core::model::Timestamp;
use crate::ingest::{Intake, Submission};
use crate::metrics::Metrics;

pub use client::{ClientSettings, ClientState, MqttClient};
pub use decoding::{NATIVE_FILTER, decoder, filters};
pub use listener::{
    AuthError, Authenticate, Binding, ListenError, ListenerSettings, MqttListener, PublishPermission, REFUSAL_REASONS,
};
pub use presence::topic_of as presence_topic;
pub use topic::{ParseTopicFilterError, TopicFilters};

/// What the transport knows of a message's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DupFlag {
    /// The sender marks it as sent before.
    pub dup: bool,
}

/// Turns a message into what the driver keeps: its events, or a dead letter that says why it cannot be read.
pub type Decode = Arc<dyn Fn(&str, &[u8], DupFlag) -> Submission + Send + Sync>;

/// The present, from the one clock of the service.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What every MQTT door needs of the house.
#[derive(Clone)]
pub struct IntakeContext {
    pub decode: Decode,
    pub intake: Intake,
    pub metrics: Arc<Metrics>,
    pub now: Now,
    /// The topics that sources take; changes with the rulebook.
    pub filters: tokio::sync::watch::Receiver<Arc<TopicFilters>>,
}
