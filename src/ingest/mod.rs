//! The way in: HTTP and MQTT intake, payload decoding by source file, the bounded queue to the driver.
//!
//! Decodes and normalises; never correlates, never writes, and never acknowledges what was not committed.

mod intake;
pub mod mqtt;

pub use intake::{Delivery, Intake, Parcel, Refused, Verdict};
