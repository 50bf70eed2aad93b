//! Notify: delivers the outbox by channel, with retries and an idempotency key.
//!
//! Must never block intake, and never decide who is told. A notice is delivered at least once (after a crash perhaps
//! again, with the same `Idempotency-Key`) and recorded exactly once: its last result is handed to the driver until the
//! driver says that it is committed.

mod attempt;
mod carrier;
mod courier;
mod lane;
mod mqtt;
mod payload;
mod retry;

pub use attempt::{Publish, webhook_client};
pub use courier::{Courier, Report};
pub use mqtt::{MqttPublisher, MqttPublishing, PublishError};
pub use retry::RetryPolicy;
