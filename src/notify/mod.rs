//! Notify: delivers the outbox by channel, with retries and an idempotency key.
//!
//! Must never block intake, and never choose recipients. A notification is delivered at least once (after a crash
//! perhaps again, with the same `Idempotency-Key`) and recorded exactly once: its last result is handed to the driver
//! until the driver has committed it.

mod alertmanager;
mod attempt_outcome;
mod channels;
mod chat;
mod delivery;
mod dispatcher;
mod http_attempt;
mod links;
mod mail;
mod mqtt;
mod payload;
mod receiver_limit;
mod retry;
mod secrets;
mod template;
mod wording;

pub use self::delivery::DeliveryReport;
pub use channels::{ChannelConfig, MayTell, Now};
pub use dispatcher::NotificationDispatcher;
pub use http_attempt::{Publish, webhook_client};
pub use links::Links;
pub use mail::{MailServer, MailServerError};
pub use mqtt::{MqttPublisher, MqttPublishing, PublishError};
pub use retry::RetryPolicy;
pub use secrets::{SecretError, Secrets};
