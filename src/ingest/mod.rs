//! Ingest: HTTP and MQTT intake, payload decoding by source file, the bounded queue to the driver.
//!
//! Decodes and normalises; never correlates, never writes, and never acknowledges uncommitted messages.

pub mod alertmanager;
pub mod decode;
mod decode_error;
mod decoded;
pub mod http;
mod lenient_json;
pub mod mqtt;
pub mod native;
pub mod problem_json;
mod queue;

pub use decode_error::DecodeError;
pub use decoded::{Decoded, Rejected};
pub use queue::{EventVerdict, Intake, QueuedSubmission, Submission, SubmitError};
