//! Events of a connection, the same for both protocol versions.

use bytes::Bytes;

/// An event of a connection.
#[derive(Debug)]
pub enum Signal {
    Connected {
        session_present: bool,
    },
    Message(Incoming),
    /// The answer to one subscribe request: for each filter, in order, true if the broker accepted it.
    Subscribed(Vec<bool>),
    /// The next publish in order of the requests was written, under this packet id.
    PublishSent(u16),
    /// The broker has it, or gives the reason why not (only MQTT 5 can).
    PublishAnswered {
        packet_id: u16,
        refusal: Option<String>,
    },
    /// An acknowledgement was written.
    Acknowledged(Ack),
    /// A ping was written; its answer shows that the broker has read everything written before it.
    PingSent,
    PingAnswered,
    Other,
}

/// A received message.
#[derive(Debug)]
pub struct Incoming {
    pub topic: String,
    pub payload: Bytes,
    /// To be acknowledged once it is kept; `None` for QoS 0.
    pub ack: Option<Ack>,
    /// The broker sends it again because it saw no acknowledgement.
    pub dup: bool,
    /// The broker retained it from earlier and sends it because of a subscription.
    pub retained: bool,
}

/// A message's packet id on its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack(pub(super) u16);

impl Ack {
    /// The acknowledgement of a message with that packet id.
    #[cfg(test)]
    pub(crate) fn of(packet_id: u16) -> Ack {
        Ack(packet_id)
    }

    pub fn packet_id(self) -> u16 {
        self.0
    }
}

/// End of a connection.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("the broker refuses the connection: {0}")]
    Refused(String),
    #[error("{0}")]
    Lost(String),
    #[error("the connection gave no sign for {seconds} s")]
    Silent { seconds: u64 },
    /// The link that this handle belongs to was dropped.
    #[error("the connection is gone")]
    Gone,
}

/// Our own written packets, in terms common to both versions.
pub(super) fn outgoing(outgoing: &rumqttc::Outgoing) -> Signal {
    use rumqttc::Outgoing;
    match outgoing {
        Outgoing::Publish(packet_id) => Signal::PublishSent(*packet_id),
        Outgoing::PubAck(packet_id) => Signal::Acknowledged(Ack(*packet_id)),
        Outgoing::PingReq => Signal::PingSent,
        Outgoing::Subscribe(_)
        | Outgoing::Unsubscribe(_)
        | Outgoing::PubRec(_)
        | Outgoing::PubRel(_)
        | Outgoing::PubComp(_)
        | Outgoing::Disconnect
        | Outgoing::PingResp
        | Outgoing::AwaitAck(_) => Signal::Other,
    }
}
