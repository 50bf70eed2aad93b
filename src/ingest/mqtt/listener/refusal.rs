//! Why the listener refuses a connection or a packet.

/// The words of the metric's label, all of them.
pub const REFUSAL_REASONS: [&str; Refusal::ALL.len()] = {
    let mut words = [""; Refusal::ALL.len()];
    let mut index = 0;
    while index < words.len() {
        words[index] = Refusal::ALL[index].as_str();
        index += 1;
    }
    words
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
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

impl Refusal {
    const ALL: [Refusal; 17] = [
        Refusal::TooManyConnections,
        Refusal::NoConnect,
        Refusal::ProtocolVersion,
        Refusal::ClientId,
        Refusal::BadCredentials,
        Refusal::NotAuthorised,
        Refusal::Unavailable,
        Refusal::Malformed,
        Refusal::TooLarge,
        Refusal::UnexpectedPacket,
        Refusal::Qos2,
        Refusal::Topic,
        Refusal::Subscribe,
        Refusal::KeepAlive,
        Refusal::SlowSender,
        Refusal::SlowReceiver,
        Refusal::TakenOver,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Refusal::TooManyConnections => "too_many_connections",
            Refusal::NoConnect => "no_connect",
            Refusal::ProtocolVersion => "protocol_version",
            Refusal::ClientId => "client_id",
            Refusal::BadCredentials => "bad_credentials",
            Refusal::NotAuthorised => "not_authorised",
            Refusal::Unavailable => "unavailable",
            Refusal::Malformed => "malformed",
            Refusal::TooLarge => "too_large",
            Refusal::UnexpectedPacket => "unexpected_packet",
            Refusal::Qos2 => "qos2",
            Refusal::Topic => "topic",
            Refusal::Subscribe => "subscribe",
            Refusal::KeepAlive => "keep_alive",
            Refusal::SlowSender => "slow_sender",
            Refusal::SlowReceiver => "slow_receiver",
            Refusal::TakenOver => "taken_over",
        }
    }
}
