//! The connection to a real MQTT broker: its address, TLS, and MQTT 3.1.1 and 5 behind one interface.
//!
//! Shared by the consumer (`ingest`) and the publisher (`notify`), which never share a connection: an acknowledgement
//! must not wait behind a publish. Must never know the meaning of a message, and never show a password.

mod address;
mod back_off;
mod link;
mod tls;

pub use address::{BrokerAddress, ParseAddressError, Version};
pub use back_off::BackOff;
pub use link::{Ack, BrokerLink, Handle, Incoming, LinkError, LinkOptions, Signal, Will};
pub use tls::TlsError;

/// Topic of the service's retained online status.
pub const STATUS_TOPIC: &str = "watchfire/status";
