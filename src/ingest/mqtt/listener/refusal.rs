//! Why the listener refuses a connection or a packet.

/// The words of the metric's label, all of them.
pub const REFUSAL_REASONS: [&str; ConnectRefusal::ALL.len()] = {
    let mut words = [""; ConnectRefusal::ALL.len()];
    let mut index = 0;
    while index < words.len() {
        words[index] = ConnectRefusal::ALL[index].as_str();
        index += 1;
    }
    words
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectRefusal {
    TooManyConnections,
    /// No CONNECT in time, or the connection closed before it.
    NoConnect,
    /// Another version than 3.1.1.
    ProtocolVersion,
    /// An empty client id that asks for a session.
    ClientId,
    BadCredentials,
    NotAuthorised,
    /// Who may come in cannot be looked up now.
    Unavailable,
    /// Bytes that are no MQTT.
    Malformed,
    /// A packet other than PUBLISH that is longer than any honest one.
    TooLarge,
    /// A packet that a publisher has no business to send.
    UnexpectedPacket,
    Qos2,
    /// A topic with wildcards, or none.
    Topic,
    /// A subscription: there is nothing to subscribe to.
    Subscribe,
    /// Silent for more than one and a half keep-alives.
    KeepAlive,
    /// A packet that was begun and not gone on with.
    SlowSender,
    /// Our answers are not taken.
    SlowReceiver,
    /// Another connection came with the same client id.
    TakenOver,
}

impl ConnectRefusal {
    const ALL: [ConnectRefusal; 17] = [
        ConnectRefusal::TooManyConnections,
        ConnectRefusal::NoConnect,
        ConnectRefusal::ProtocolVersion,
        ConnectRefusal::ClientId,
        ConnectRefusal::BadCredentials,
        ConnectRefusal::NotAuthorised,
        ConnectRefusal::Unavailable,
        ConnectRefusal::Malformed,
        ConnectRefusal::TooLarge,
        ConnectRefusal::UnexpectedPacket,
        ConnectRefusal::Qos2,
        ConnectRefusal::Topic,
        ConnectRefusal::Subscribe,
        ConnectRefusal::KeepAlive,
        ConnectRefusal::SlowSender,
        ConnectRefusal::SlowReceiver,
        ConnectRefusal::TakenOver,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            ConnectRefusal::TooManyConnections => "too_many_connections",
            ConnectRefusal::NoConnect => "no_connect",
            ConnectRefusal::ProtocolVersion => "protocol_version",
            ConnectRefusal::ClientId => "client_id",
            ConnectRefusal::BadCredentials => "bad_credentials",
            ConnectRefusal::NotAuthorised => "not_authorised",
            ConnectRefusal::Unavailable => "unavailable",
            ConnectRefusal::Malformed => "malformed",
            ConnectRefusal::TooLarge => "too_large",
            ConnectRefusal::UnexpectedPacket => "unexpected_packet",
            ConnectRefusal::Qos2 => "qos2",
            ConnectRefusal::Topic => "topic",
            ConnectRefusal::Subscribe => "subscribe",
            ConnectRefusal::KeepAlive => "keep_alive",
            ConnectRefusal::SlowSender => "slow_sender",
            ConnectRefusal::SlowReceiver => "slow_receiver",
            ConnectRefusal::TakenOver => "taken_over",
        }
    }
}
