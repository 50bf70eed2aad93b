//! The way in: HTTP and MQTT intake, payload decoding by source file, the bounded queue to the driver.
//!
//! Decodes and normalises; never correlates, never writes, and never acknowledges what was not committed.

pub mod alertmanager;
pub mod decode;
mod decoded;
pub mod http;
mod intake;
mod json_pairs;
pub mod mqtt;
pub mod native;
pub mod problem_json;
mod unreadable;

pub use decoded::{Decoded, Rejected};
pub use intake::{Delivery, Intake, Parcel, Refused, Verdict};
pub use unreadable::Unreadable;
