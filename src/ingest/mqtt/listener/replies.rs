//! What we answer, in the words of the version that a client speaks.

use bytes::{BufMut, BytesMut};

use super::packets::Version;
use super::refusal::ConnectRefusal;

const NOT_AUTHORISED: u8 = 0x87;
/// What version 3.1.1 has for every refused filter.
const SUBSCRIPTION_FAILED: u8 = 0x80;
const NO_SUBSCRIPTION_EXISTED: u8 = 0x11;
const SERVER_SHUTTING_DOWN: u8 = 0x8B;

// Properties of a CONNACK.
const SESSION_EXPIRY_INTERVAL: u8 = 17;
const ASSIGNED_CLIENT_ID: u8 = 18;
const RECEIVE_MAXIMUM: u8 = 33;
const MAXIMUM_QOS: u8 = 36;
const WILDCARD_SUBSCRIPTION_AVAILABLE: u8 = 40;
const SUBSCRIPTION_IDENTIFIERS_AVAILABLE: u8 = 41;
const SHARED_SUBSCRIPTION_AVAILABLE: u8 = 42;

/// One packet to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// It is in.
    Welcome(Welcome),
    /// It stays outside.
    Refused(ConnectRefusal),
    /// A message is kept.
    Kept {
        packet_id: u16,
    },
    /// A message is not: its sender has no right to the topic. Version 5 alone can say so.
    NotPermitted {
        packet_id: u16,
    },
    /// None of so many filters.
    SubscribedToNothing {
        packet_id: u16,
        filters: usize,
    },
    Unsubscribed {
        packet_id: u16,
        filters: usize,
    },
    PingResp,
    /// The end, and why; version 3.1.1 has no word for it.
    Disconnect(Farewell),
}

/// What a client hears at its coming; version 3.1.1 has no words for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Welcome {
    /// The name that it has here, when it gave none.
    pub assigned_client_id: Option<String>,
    /// How many messages it may have sent without our confirmation.
    pub receive_maximum: u16,
}

/// Why we end a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    Refused(ConnectRefusal),
    /// The service stops.
    ShuttingDown,
}

impl Reply {
    pub fn encode(&self, version: Version, buffer: &mut BytesMut) {
        match (self, version) {
            (Reply::Welcome(_), Version::V4) => buffer.put_slice(&[0x20, 2, 0, 0]),
            (Reply::Welcome(welcome), Version::V5) => welcome.encode(buffer),
            (Reply::Refused(refusal), Version::V4) => {
                if let Some(code) = refusal.connect_code() {
                    buffer.put_slice(&[0x20, 2, 0, code]);
                }
            }
            (Reply::Refused(refusal), Version::V5) => buffer.put_slice(&[0x20, 3, 0, refusal.reason_code(), 0]),
            (Reply::Kept { packet_id }, _) => {
                let [high, low] = packet_id.to_be_bytes();
                buffer.put_slice(&[0x40, 2, high, low]);
            }
            // Never said: a connection of that version is closed instead.
            (Reply::NotPermitted { .. }, Version::V4) => {}
            (Reply::NotPermitted { packet_id }, Version::V5) => {
                let [high, low] = packet_id.to_be_bytes();
                buffer.put_slice(&[0x40, 3, high, low, NOT_AUTHORISED]);
            }
            (Reply::SubscribedToNothing { packet_id, filters }, Version::V4) => {
                encode_codes(0x90, *packet_id, &[], SUBSCRIPTION_FAILED, *filters, buffer);
            }
            (Reply::SubscribedToNothing { packet_id, filters }, Version::V5) => {
                encode_codes(0x90, *packet_id, &[0], NOT_AUTHORISED, *filters, buffer);
            }
            (Reply::Unsubscribed { packet_id, .. }, Version::V4) => {
                encode_codes(0xB0, *packet_id, &[], NO_SUBSCRIPTION_EXISTED, 0, buffer);
            }
            (Reply::Unsubscribed { packet_id, filters }, Version::V5) => {
                encode_codes(0xB0, *packet_id, &[0], NO_SUBSCRIPTION_EXISTED, *filters, buffer);
            }
            (Reply::PingResp, _) => buffer.put_slice(&[0xD0, 0]),
            (Reply::Disconnect(_), Version::V4) => {}
            (Reply::Disconnect(farewell), Version::V5) => {
                let code = match farewell {
                    Farewell::Refused(refusal) => refusal.reason_code(),
                    Farewell::ShuttingDown => SERVER_SHUTTING_DOWN,
                };
                buffer.put_slice(&[0xE0, 2, code, 0]);
            }
        }
    }
}

impl Welcome {
    fn encode(&self, buffer: &mut BytesMut) {
        let mut properties = BytesMut::new();
        // No session outlives its connection, whatever was asked for.
        properties.put_u8(SESSION_EXPIRY_INTERVAL);
        properties.put_u32(0);
        properties.put_u8(RECEIVE_MAXIMUM);
        properties.put_u16(self.receive_maximum);
        let never =
            [WILDCARD_SUBSCRIPTION_AVAILABLE, SUBSCRIPTION_IDENTIFIERS_AVAILABLE, SHARED_SUBSCRIPTION_AVAILABLE];
        for property in never {
            properties.put_slice(&[property, 0]);
        }
        properties.put_slice(&[MAXIMUM_QOS, 1]);
        if let Some(name) = &self.assigned_client_id {
            properties.put_u8(ASSIGNED_CLIENT_ID);
            // One of ours: short.
            properties.put_u16(name.len() as u16);
            properties.put_slice(name.as_bytes());
        }
        buffer.put_u8(0x20);
        encode_length(2 + encoded_length(properties.len()) + properties.len(), buffer);
        buffer.put_slice(&[0, 0]);
        encode_length(properties.len(), buffer);
        buffer.put_slice(&properties);
    }
}

fn encode_codes(kind: u8, packet_id: u16, properties: &[u8], code: u8, codes: usize, buffer: &mut BytesMut) {
    buffer.put_u8(kind);
    encode_length(2 + properties.len() + codes, buffer);
    buffer.put_u16(packet_id);
    buffer.put_slice(properties);
    buffer.put_bytes(code, codes);
}

fn encode_length(mut length: usize, buffer: &mut BytesMut) {
    loop {
        let low = (length % 128) as u8;
        length /= 128;
        buffer.put_u8(if length > 0 { low | 0x80 } else { low });
        if length == 0 {
            return;
        }
    }
}

const fn encoded_length(length: usize) -> usize {
    if length < 128 { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use rumqttc::mqttbytes::v4;
    use rumqttc::v5::mqttbytes::v5;

    use super::*;

    fn bytes(answer: &Reply, version: Version) -> BytesMut {
        let mut buffer = BytesMut::new();
        answer.encode(version, &mut buffer);
        buffer
    }

    fn v4_shown(answer: &Reply) -> String {
        format!("{:?}", v4::Packet::read(&mut bytes(answer, Version::V4), 1_000).unwrap())
    }

    fn v5_read(answer: &Reply) -> v5::Packet {
        let mut buffer = bytes(answer, Version::V5);
        let packet = v5::Packet::read(&mut buffer, None).unwrap();
        assert!(buffer.is_empty(), "{answer:?}");
        packet
    }

    #[test]
    fn both_versions_read_our_answers() {
        for (answer, expected) in [
            (Reply::Welcome(Welcome { assigned_client_id: None, receive_maximum: 7 }), "Success"),
            (Reply::Refused(ConnectRefusal::BadCredentials), "BadUserNamePassword"),
            (Reply::Refused(ConnectRefusal::NotAuthorised), "NotAuthorized"),
            (Reply::Refused(ConnectRefusal::Unavailable), "ServiceUnavailable"),
            (Reply::Kept { packet_id: 515 }, "PubAck(PubAck { pkid: 515 })"),
            (Reply::SubscribedToNothing { packet_id: 2, filters: 3 }, "[Failure, Failure, Failure]"),
            (Reply::Unsubscribed { packet_id: 2, filters: 3 }, "UnsubAck(UnsubAck { pkid: 2 })"),
            (Reply::PingResp, "PingResp"),
        ] {
            assert!(v4_shown(&answer).contains(expected), "{}", v4_shown(&answer));
        }
        for (answer, expected) in [
            (Reply::Refused(ConnectRefusal::BadCredentials), "BadUserNamePassword"),
            (Reply::Refused(ConnectRefusal::Qos2), "QoSNotSupported"),
            (Reply::Refused(ConnectRefusal::ExtendedAuthentication), "BadAuthenticationMethod"),
            (Reply::Kept { packet_id: 515 }, "pkid: 515, reason: Success"),
            (Reply::NotPermitted { packet_id: 515 }, "pkid: 515, reason: NotAuthorized"),
            (Reply::SubscribedToNothing { packet_id: 2, filters: 3 }, "[NotAuthorized, NotAuthorized, NotAuthorized]"),
            (Reply::Unsubscribed { packet_id: 2, filters: 2 }, "[NoSubscriptionExisted, NoSubscriptionExisted]"),
            (Reply::PingResp, "PingResp"),
            (Reply::Disconnect(Farewell::ShuttingDown), "ServerShuttingDown"),
            (Reply::Disconnect(Farewell::Refused(ConnectRefusal::TopicAlias)), "TopicAliasInvalid"),
        ] {
            let shown = format!("{:?}", v5_read(&answer));
            assert!(shown.contains(expected), "{shown}");
        }
    }

    #[test]
    fn the_welcome_of_version_5_says_what_we_do_not_do() {
        let welcome = Welcome { assigned_client_id: Some("watchfire-7".to_owned()), receive_maximum: 1_000 };
        let v5::Packet::ConnAck(welcome) = v5_read(&Reply::Welcome(welcome)) else { panic!("no CONNACK") };
        assert_eq!(welcome.code, v5::ConnectReturnCode::Success);
        let said = welcome.properties.unwrap();
        assert_eq!((said.receive_max, said.max_qos, said.session_expiry_interval), (Some(1_000), Some(1), Some(0)));
        assert_eq!(said.topic_alias_max, None, "none said means none allowed");
        assert_eq!(said.assigned_client_identifier.as_deref(), Some("watchfire-7"));
        assert_eq!(said.wildcard_subscription_available, Some(0));
    }

    #[test]
    fn every_refusal_has_words_that_version_5_can_read() {
        let is_read = |answer: Reply| v5::Packet::read(&mut bytes(&answer, Version::V5), None).is_ok();
        for refusal in ConnectRefusal::ALL {
            let at_the_door = is_read(Reply::Refused(refusal));
            let later = is_read(Reply::Disconnect(Farewell::Refused(refusal)));
            assert!(at_the_door || later, "{refusal:?}");
        }
    }
}
