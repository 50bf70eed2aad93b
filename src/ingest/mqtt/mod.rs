//! MQTT intake: a client of a real broker, and a small listener of our own for sites without one.
//!
//! Both receive a message, submit its events to the driver and acknowledge it after the commit, in order of arrival. A
//! message that cannot be kept now is left with the sender, never dropped; a message that can never be read is kept as
//! a dead letter and acknowledged, so that it does not loop for ever. Must never decide the meaning of a message, and
//! never acknowledge one that was not kept.

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
    AuthError, Authenticate, Binding, ClientCertificate, Credentials, ListenError, ListenerSettings, MqttListener,
    PublishPermission, REFUSAL_REASONS, TlsInForce,
};
pub use presence::topic_of as presence_topic;
pub use topic::{ParseTopicFilterError, TopicFilters};

/// The transport's knowledge of a message's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DupFlag {
    /// The sender marks it as sent before.
    pub dup: bool,
}

/// Decodes a message into a submission: its events, or a dead letter with the reason why it cannot be read.
pub type Decode = Arc<dyn Fn(&str, &[u8], DupFlag) -> Submission + Send + Sync>;

/// The present, from the one clock of the service.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Services that every MQTT intake needs.
#[derive(Clone)]
pub struct IntakeContext {
    pub decode: Decode,
    pub intake: Intake,
    pub metrics: Arc<Metrics>,
    pub now: Now,
    /// The topics of the sources; changes with the rulebook.
    pub filters: tokio::sync::watch::Receiver<Arc<TopicFilters>>,
}
