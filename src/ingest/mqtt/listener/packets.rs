//! What clients send, in one shape for both versions of the protocol.

use bytes::{Bytes, BytesMut};
use rumqttc::mqttbytes::QoS as QosV4;
use rumqttc::mqttbytes::v4::{self, LastWill};
use rumqttc::v5::mqttbytes::QoS as QosV5;
use rumqttc::v5::mqttbytes::v5;

use super::refusal::ConnectRefusal;

/// Which version a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// 3.1.1.
    V4,
    V5,
}

/// A packet that a publisher may send.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Packet {
    Connect(Box<Connect>),
    Publish(Publish),
    Subscribe { packet_id: u16, filters: usize },
    Unsubscribe { packet_id: u16, filters: usize },
    PingReq,
    Disconnect { with_will: bool },
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Connect {
    pub version: Version,
    pub client_id: String,
    /// Asks for no session of an earlier connection; we keep none whatever it asks for.
    pub clean: bool,
    /// In seconds; 0: none.
    pub keep_alive: u16,
    pub will: Option<Will>,
    /// Both empty when not given.
    pub user: String,
    pub password: String,
    /// Wants to prove who it is by a method of its own, which no version of ours knows.
    pub extended_authentication: bool,
}

/// What its sender wants said when it vanishes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Will {
    pub topic: String,
    pub message: Bytes,
    /// Asked for at QoS 2, which only version 5 lets us refuse.
    pub exactly_once: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Publish {
    pub topic: String,
    pub payload: Bytes,
    /// `None`: QoS 0.
    pub packet_id: Option<u16>,
    pub dup: bool,
}

const DISCONNECT: u8 = 0xE0;

/// Takes a whole packet out of the buffer, whose fixed header has that length and says that so much follows.
pub(super) fn read(
    version: Version,
    buffer: &mut BytesMut,
    header: usize,
    remaining: usize,
) -> Result<Packet, ConnectRefusal> {
    match version {
        Version::V4 => read_v4(v4::Packet::read(buffer, remaining).map_err(|_| ConnectRefusal::Malformed)?),
        // The codec misses the short forms of this one: without its properties, and without its reason.
        Version::V5 if buffer[0] == DISCONNECT => {
            let packet = buffer.split_to(header + remaining);
            Ok(Packet::Disconnect { with_will: packet.get(header).is_some_and(|reason| *reason != 0) })
        }
        Version::V5 => read_v5(v5::Packet::read(buffer, None).map_err(|_| ConnectRefusal::Malformed)?),
    }
}

fn read_v4(packet: v4::Packet) -> Result<Packet, ConnectRefusal> {
    match packet {
        v4::Packet::Connect(connect) => {
            let (user, password) = connect.login.map(|login| (login.username, login.password)).unwrap_or_default();
            let will = connect.last_will.map(|LastWill { topic, message, qos, .. }| {
                let exactly_once = qos == QosV4::ExactlyOnce;
                Will { topic, message, exactly_once }
            });
            Ok(Packet::Connect(Box::new(Connect {
                version: Version::V4,
                client_id: connect.client_id,
                clean: connect.clean_session,
                keep_alive: connect.keep_alive,
                will,
                user,
                password,
                extended_authentication: false,
            })))
        }
        v4::Packet::Publish(publish) => {
            let packet_id = match publish.qos {
                QosV4::AtMostOnce => None,
                QosV4::AtLeastOnce => Some(publish.pkid),
                QosV4::ExactlyOnce => return Err(ConnectRefusal::Qos2),
            };
            let (topic, payload, dup) = (publish.topic, publish.payload, publish.dup);
            Ok(Packet::Publish(Publish { topic, payload, packet_id, dup }))
        }
        v4::Packet::Subscribe(subscribe) => {
            Ok(Packet::Subscribe { packet_id: subscribe.pkid, filters: subscribe.filters.len() })
        }
        v4::Packet::Unsubscribe(unsubscribe) => {
            Ok(Packet::Unsubscribe { packet_id: unsubscribe.pkid, filters: unsubscribe.topics.len() })
        }
        v4::Packet::PingReq => Ok(Packet::PingReq),
        v4::Packet::Disconnect => Ok(Packet::Disconnect { with_will: false }),
        v4::Packet::ConnAck(_)
        | v4::Packet::PubAck(_)
        | v4::Packet::PubRec(_)
        | v4::Packet::PubRel(_)
        | v4::Packet::PubComp(_)
        | v4::Packet::SubAck(_)
        | v4::Packet::UnsubAck(_)
        | v4::Packet::PingResp => Err(ConnectRefusal::UnexpectedPacket),
    }
}

fn read_v5(packet: v5::Packet) -> Result<Packet, ConnectRefusal> {
    match packet {
        v5::Packet::Connect(connect, will, login) => connect_v5(connect, will, login),
        v5::Packet::Publish(publish) => publish_v5(publish),
        v5::Packet::Subscribe(subscribe) => {
            Ok(Packet::Subscribe { packet_id: subscribe.pkid, filters: subscribe.filters.len() })
        }
        v5::Packet::Unsubscribe(unsubscribe) => {
            Ok(Packet::Unsubscribe { packet_id: unsubscribe.pkid, filters: unsubscribe.filters.len() })
        }
        v5::Packet::PingReq(_) => Ok(Packet::PingReq),
        v5::Packet::Auth(_)
        | v5::Packet::Disconnect(_)
        | v5::Packet::ConnAck(_)
        | v5::Packet::PubAck(_)
        | v5::Packet::PubRec(_)
        | v5::Packet::PubRel(_)
        | v5::Packet::PubComp(_)
        | v5::Packet::SubAck(_)
        | v5::Packet::UnsubAck(_)
        | v5::Packet::PingResp(_) => Err(ConnectRefusal::UnexpectedPacket),
    }
}

fn connect_v5(
    connect: v5::Connect,
    will: Option<v5::LastWill>,
    login: Option<v5::Login>,
) -> Result<Packet, ConnectRefusal> {
    let will = will.map(|will| {
        let topic = text(&will.topic)?;
        Ok(Will { topic, message: will.message, exactly_once: will.qos == QosV5::ExactlyOnce })
    });
    let (user, password) = login.map(|login| (login.username, login.password)).unwrap_or_default();
    Ok(Packet::Connect(Box::new(Connect {
        version: Version::V5,
        client_id: connect.client_id,
        clean: connect.clean_start,
        keep_alive: connect.keep_alive,
        will: will.transpose()?,
        user,
        password,
        extended_authentication: connect.properties.is_some_and(|given| given.authentication_method.is_some()),
    })))
}

fn publish_v5(publish: v5::Publish) -> Result<Packet, ConnectRefusal> {
    let packet_id = match publish.qos {
        QosV5::AtMostOnce => None,
        QosV5::AtLeastOnce => Some(publish.pkid),
        QosV5::ExactlyOnce => return Err(ConnectRefusal::Qos2),
    };
    // We said that we know no aliases, by not speaking of them.
    if publish.properties.is_some_and(|given| given.topic_alias.is_some()) {
        return Err(ConnectRefusal::TopicAlias);
    }
    let topic = text(&publish.topic)?;
    Ok(Packet::Publish(Publish { topic, payload: publish.payload, packet_id, dup: publish.dup }))
}

fn text(bytes: &Bytes) -> Result<String, ConnectRefusal> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| ConnectRefusal::Malformed)
}
