//! Notify: delivers the outbox by channel, with retries and an idempotency key.
//!
//! Must never block intake, and never decide who is told.

mod mqtt;

pub use mqtt::{MqttPublisher, MqttPublishing, PublishError};
