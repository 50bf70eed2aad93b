//! The connection state of the client, for who watches it.

/// Connection state of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientState {
    Away,
    Connected,
    /// The broker confirmed every topic filter of the rulebook.
    Subscribed,
}
