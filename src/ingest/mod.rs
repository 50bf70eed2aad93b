//! The way in: HTTP and MQTT intake, payload decoding by source file, the bounded queue to the driver.
//!
//! Decodes and normalises; never correlates, never writes, and never acknowledges what was not committed.

pub mod alertmanager;
mod alertmanager_body;
mod intake;
mod json_pairs;
pub mod native;
mod native_body;
mod unreadable;

pub use intake::{Delivery, Intake, Parcel, Refused, Verdict};
pub use unreadable::Unreadable;
