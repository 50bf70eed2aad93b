//! The connection to a real MQTT broker: its address, TLS, and MQTT 3.1.1 and 5 behind one set of words.
//!
//! Shared by what consumes (`ingest`) and what publishes (`notify`), which never share a connection: an acknowledgement
//! must not wait behind a publish. Must never know what a message means, and never show a password.

mod address;
mod back_off;
mod link;
mod tls;

pub use address::{BrokerAddress, ParseAddressError, Version};
pub use back_off::BackOff;
pub use link::{Ack, BrokerLink, Handle, Incoming, LinkError, LinkOptions, Signal, Will};
pub use tls::TlsError;

/// Where the service says, retained, whether it is there.
pub const STATUS_TOPIC: &str = "watchfire/status";
