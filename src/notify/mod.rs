//! Notify: delivers the outbox by channel, with retries and an idempotency key.
//!
//! Must never block intake, and never decide who is told. A notice is delivered at least once (after a crash perhaps
//! again, with the same `Idempotency-Key`) and recorded exactly once: its last result is handed to the driver until the
//! driver says that it is committed.

mod attempt;
mod carrier;
mod chat;
mod courier;
mod lane;
mod links;
mod mail;
mod mqtt;
mod payload;
mod reach;
mod retry;
mod secrets;
mod template;
mod text;

pub use attempt::{Publish, webhook_client};
pub use courier::{Courier, Report};
pub use links::Links;
pub use mail::{BadMailServer, MailServer};
pub use mqtt::{MqttPublisher, MqttPublishing, PublishError};
pub use reach::{Now, Reach};
pub use retry::RetryPolicy;
pub use secrets::{NoSecret, Secrets};
