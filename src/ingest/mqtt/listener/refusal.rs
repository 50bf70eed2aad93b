//! Why the listener refuses a connection or a packet, and what each version of the protocol calls it.

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
    /// As many as one address may have.
    AddressConnections,
    /// As many of one address as may wait with saying who they are.
    AddressHandshakes,
    /// No TLS, or none that we could agree on.
    Tls,
    /// No CONNECT in time, or the connection closed before it.
    NoConnect,
    /// Another version than 3.1.1 and 5.
    ProtocolVersion,
    /// An empty client id that asks for a session.
    ClientId,
    BadCredentials,
    /// Not refused yet: wrong passwords of its address make this login wait.
    LoginDelayed,
    /// Wants to prove who it is by a method of its own.
    ExtendedAuthentication,
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
    /// A number in place of a topic; we said that we know none.
    TopicAlias,
    /// A publish on a topic that the sender has no right to.
    NotPermitted,
    /// A subscription: there is nothing to subscribe to.
    Subscribe,
    /// Silent for more than one and a half keep-alives.
    KeepAlive,
    /// A packet that was begun and not completed in its time.
    SlowSender,
    /// Our answers are not taken.
    SlowReceiver,
    /// Another connection came with the same client id.
    TakenOver,
}

impl ConnectRefusal {
    pub(super) const ALL: [ConnectRefusal; 24] = [
        ConnectRefusal::TooManyConnections,
        ConnectRefusal::AddressConnections,
        ConnectRefusal::AddressHandshakes,
        ConnectRefusal::Tls,
        ConnectRefusal::NoConnect,
        ConnectRefusal::ProtocolVersion,
        ConnectRefusal::ClientId,
        ConnectRefusal::BadCredentials,
        ConnectRefusal::LoginDelayed,
        ConnectRefusal::ExtendedAuthentication,
        ConnectRefusal::NotAuthorised,
        ConnectRefusal::Unavailable,
        ConnectRefusal::Malformed,
        ConnectRefusal::TooLarge,
        ConnectRefusal::UnexpectedPacket,
        ConnectRefusal::Qos2,
        ConnectRefusal::Topic,
        ConnectRefusal::TopicAlias,
        ConnectRefusal::NotPermitted,
        ConnectRefusal::Subscribe,
        ConnectRefusal::KeepAlive,
        ConnectRefusal::SlowSender,
        ConnectRefusal::SlowReceiver,
        ConnectRefusal::TakenOver,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            ConnectRefusal::TooManyConnections => "too_many_connections",
            ConnectRefusal::AddressConnections => "address_connections",
            ConnectRefusal::AddressHandshakes => "address_handshakes",
            ConnectRefusal::Tls => "tls",
            ConnectRefusal::NoConnect => "no_connect",
            ConnectRefusal::ProtocolVersion => "protocol_version",
            ConnectRefusal::ClientId => "client_id",
            ConnectRefusal::BadCredentials => "bad_credentials",
            ConnectRefusal::LoginDelayed => "login_delayed",
            ConnectRefusal::ExtendedAuthentication => "extended_authentication",
            ConnectRefusal::NotAuthorised => "not_authorised",
            ConnectRefusal::Unavailable => "unavailable",
            ConnectRefusal::Malformed => "malformed",
            ConnectRefusal::TooLarge => "too_large",
            ConnectRefusal::UnexpectedPacket => "unexpected_packet",
            ConnectRefusal::Qos2 => "qos2",
            ConnectRefusal::Topic => "topic",
            ConnectRefusal::TopicAlias => "topic_alias",
            ConnectRefusal::NotPermitted => "not_permitted",
            ConnectRefusal::Subscribe => "subscribe",
            ConnectRefusal::KeepAlive => "keep_alive",
            ConnectRefusal::SlowSender => "slow_sender",
            ConnectRefusal::SlowReceiver => "slow_receiver",
            ConnectRefusal::TakenOver => "taken_over",
        }
    }

    /// The return code of a CONNACK in version 3.1.1, where it has one.
    pub(super) const fn connect_code(self) -> Option<u8> {
        match self {
            ConnectRefusal::ProtocolVersion => Some(1),
            ConnectRefusal::ClientId => Some(2),
            ConnectRefusal::Unavailable | ConnectRefusal::TooManyConnections => Some(3),
            ConnectRefusal::BadCredentials => Some(4),
            ConnectRefusal::NotAuthorised => Some(5),
            ConnectRefusal::AddressConnections
            | ConnectRefusal::AddressHandshakes
            | ConnectRefusal::Tls
            | ConnectRefusal::NoConnect
            | ConnectRefusal::LoginDelayed
            | ConnectRefusal::ExtendedAuthentication
            | ConnectRefusal::Malformed
            | ConnectRefusal::TooLarge
            | ConnectRefusal::UnexpectedPacket
            | ConnectRefusal::Qos2
            | ConnectRefusal::Topic
            | ConnectRefusal::TopicAlias
            | ConnectRefusal::NotPermitted
            | ConnectRefusal::Subscribe
            | ConnectRefusal::KeepAlive
            | ConnectRefusal::SlowSender
            | ConnectRefusal::SlowReceiver
            | ConnectRefusal::TakenOver => None,
        }
    }

    /// The reason code of version 5.
    pub(super) const fn reason_code(self) -> u8 {
        match self {
            ConnectRefusal::Malformed => 0x81,
            ConnectRefusal::UnexpectedPacket
            | ConnectRefusal::Subscribe
            | ConnectRefusal::NoConnect
            | ConnectRefusal::Tls => 0x82,
            ConnectRefusal::ProtocolVersion => 0x84,
            ConnectRefusal::ClientId => 0x85,
            ConnectRefusal::BadCredentials => 0x86,
            ConnectRefusal::NotAuthorised | ConnectRefusal::NotPermitted => 0x87,
            ConnectRefusal::Unavailable => 0x88,
            ConnectRefusal::ExtendedAuthentication => 0x8C,
            ConnectRefusal::KeepAlive => 0x8D,
            ConnectRefusal::TakenOver => 0x8E,
            ConnectRefusal::Topic => 0x90,
            ConnectRefusal::TopicAlias => 0x94,
            ConnectRefusal::TooLarge => 0x95,
            ConnectRefusal::TooManyConnections
            | ConnectRefusal::AddressConnections
            | ConnectRefusal::AddressHandshakes
            | ConnectRefusal::LoginDelayed
            | ConnectRefusal::SlowSender
            | ConnectRefusal::SlowReceiver => 0x97,
            ConnectRefusal::Qos2 => 0x9B,
        }
    }
}
