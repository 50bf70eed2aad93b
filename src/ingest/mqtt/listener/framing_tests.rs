//! The framer on honest bytes in pieces of any size, and on bytes of chance.

use proptest::prelude::*;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Connect, Packet as V4, Publish, Subscribe};
use rumqttc::v5::mqttbytes::v5;

use super::*;

const PAYLOAD_MAX: usize = 100;

fn encoded(packet: &V4) -> Vec<u8> {
    let mut buffer = BytesMut::new();
    packet.write(&mut buffer, usize::MAX).unwrap();
    buffer.to_vec()
}

fn publish(topic: &str, qos: QoS, payload: &[u8]) -> V4 {
    let mut publish = Publish::new(topic, qos, payload);
    publish.pkid = if qos == QoS::AtMostOnce { 0 } else { 7 };
    V4::Publish(publish)
}

/// Feeds the bytes in pieces of that size; every frame, and the refusal that ended it.
fn frames(bytes: &[u8], piece: usize) -> (Vec<Frame>, Option<ConnectRefusal>) {
    let mut framer = Framer::new(PAYLOAD_MAX);
    let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
    for piece in bytes.chunks(piece) {
        buffer.extend_from_slice(piece);
        loop {
            match framer.next(&mut buffer) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(refusal) => return (frames, Some(refusal)),
            }
        }
    }
    (frames, None)
}

fn encoded_v5(packet: &v5::Packet) -> Vec<u8> {
    let mut buffer = BytesMut::new();
    packet.write(&mut buffer, None).unwrap();
    buffer.to_vec()
}

fn connect_v5() -> Vec<u8> {
    let mut properties = v5::ConnectProperties::new();
    properties.session_expiry_interval = Some(3_600);
    properties.user_properties = vec![("厂家".to_owned(), "x".repeat(300))];
    let connect = v5::Connect {
        keep_alive: 60,
        client_id: "交换机".to_owned(),
        clean_start: false,
        properties: Some(properties),
    };
    encoded_v5(&v5::Packet::Connect(connect, None, Some(v5::Login::new("任何人", "令牌"))))
}

fn publish_v5(payload: &[u8], properties: v5::PublishProperties) -> Vec<u8> {
    let mut publish =
        v5::Publish::new("t/告警", rumqttc::v5::mqttbytes::QoS::AtLeastOnce, payload.to_vec(), Some(properties));
    publish.pkid = 7;
    encoded_v5(&v5::Packet::Publish(publish))
}

fn user_properties(bytes: usize) -> v5::PublishProperties {
    let user_properties = vec![("k".to_owned(), "v".repeat(bytes))];
    v5::PublishProperties { user_properties, ..v5::PublishProperties::default() }
}

#[test]
fn packets_come_out_as_they_went_in_whatever_the_pieces() {
    let mut connect = Connect::new("交换机");
    connect.set_login("任何人", "令牌");
    let packets = [
        V4::Connect(connect),
        publish("t/广州", QoS::AtLeastOnce, "链路中断".as_bytes()),
        publish("t", QoS::AtMostOnce, b""),
        V4::PingReq,
        V4::Subscribe(Subscribe::new("a/#", QoS::AtLeastOnce)),
        V4::Disconnect,
    ];
    let bytes: Vec<u8> = packets.iter().flat_map(encoded).collect();
    for piece in [1, 2, 3, 7, 64, bytes.len()] {
        let (frames, refusal) = frames(&bytes, piece);
        assert_eq!(refusal, None, "pieces of {piece}");
        let Frame::Packet(Packet::Connect(connect)) = &frames[0] else { panic!("{:?}", frames[0]) };
        assert_eq!((connect.version, connect.client_id.as_str()), (Version::V4, "交换机"));
        assert_eq!((connect.user.as_str(), connect.password.as_str()), ("任何人", "令牌"));
        let expected = [
            Packet::Publish(packets::Publish {
                topic: "t/广州".to_owned(),
                payload: Bytes::from("链路中断"),
                packet_id: Some(7),
                dup: false,
            }),
            Packet::Publish(packets::Publish {
                topic: "t".to_owned(),
                payload: Bytes::new(),
                packet_id: None,
                dup: false,
            }),
            Packet::PingReq,
            Packet::Subscribe { packet_id: 0, filters: 1 },
            Packet::Disconnect { with_will: false },
        ];
        assert_eq!(frames[1..], expected.map(Frame::Packet), "pieces of {piece}");
    }
}

#[test]
fn version_5_is_read_with_its_properties_whatever_the_pieces() {
    let mut bytes = connect_v5();
    bytes.extend(publish_v5("链路中断".as_bytes(), user_properties(200)));
    bytes.extend([0xC0, 0, 0xE0, 0]);
    for piece in [1, 2, 3, 7, 64, bytes.len()] {
        let (frames, refusal) = frames(&bytes, piece);
        assert_eq!((frames.len(), refusal), (4, None), "pieces of {piece}");
        let Frame::Packet(Packet::Connect(connect)) = &frames[0] else { panic!("{:?}", frames[0]) };
        assert_eq!((connect.version, connect.clean, connect.password.as_str()), (Version::V5, false, "令牌"));
        let Frame::Packet(Packet::Publish(publish)) = &frames[1] else { panic!("{:?}", frames[1]) };
        assert_eq!((publish.topic.as_str(), &publish.payload[..]), ("t/告警", "链路中断".as_bytes()));
        assert_eq!(frames[3], Frame::Packet(Packet::Disconnect { with_will: false }));
    }
}

#[test]
fn version_5_may_send_what_is_too_long_and_is_refused_what_it_was_told_not_to_send() {
    let after_connect = |more: &[u8]| {
        let (mut frames, refusal) = frames(&[&connect_v5()[..], more].concat(), 1_000);
        frames.remove(0);
        (frames, refusal)
    };
    let payload: Vec<u8> = (0..300_000_u32).map(|index| index as u8).collect();
    let (frames, refusal) = after_connect(&publish_v5(&payload, user_properties(9_000)));
    let [Frame::LongPublish(long)] = &frames[..] else { panic!("{frames:?} {refusal:?}") };
    assert_eq!((long.topic.as_str(), long.packet_id, long.payload_bytes), ("t/告警", Some(7), 300_000));
    assert_eq!(long.beginning, payload[..DeadLetter::PAYLOAD_MAX_BYTES]);
    let too_much = vec![("k".to_owned(), "v".repeat(60_000)), ("k".to_owned(), "v".repeat(60_000))];
    let too_much = v5::PublishProperties { user_properties: too_much, ..v5::PublishProperties::default() };
    assert_eq!(after_connect(&publish_v5(&payload, too_much)), (vec![], Some(ConnectRefusal::TooLarge)));
    let alias = v5::PublishProperties { topic_alias: Some(1), ..v5::PublishProperties::default() };
    assert_eq!(after_connect(&publish_v5(b"x", alias)), (vec![], Some(ConnectRefusal::TopicAlias)));
    assert_eq!(after_connect(&[0xF0, 0x02, 0x18, 0x00]), (vec![], Some(ConnectRefusal::UnexpectedPacket)));
}

#[test]
fn a_long_publish_is_skipped_but_for_its_beginning_and_the_next_packet_is_read() {
    for (qos, packet_id) in [(QoS::AtLeastOnce, Some(7)), (QoS::AtMostOnce, None)] {
        let payload: Vec<u8> = (0..300_000_u32).map(|index| index as u8).collect();
        let mut bytes = encoded(&publish("t/告警", qos, &payload));
        bytes.extend(encoded(&V4::PingReq));
        for piece in [1_000, 65_536, bytes.len()] {
            let (frames, refusal) = frames(&bytes, piece);
            assert_eq!((frames.len(), refusal), (2, None), "pieces of {piece}");
            let Frame::LongPublish(long) = &frames[0] else { panic!("{:?}", frames[0]) };
            assert_eq!((long.topic.as_str(), long.packet_id, long.payload_bytes), ("t/告警", packet_id, 300_000));
            assert_eq!(long.beginning, payload[..DeadLetter::PAYLOAD_MAX_BYTES]);
            assert_eq!(frames[1], Frame::Packet(Packet::PingReq));
        }
    }
}

#[test]
fn what_is_no_packet_for_us_is_refused_with_its_reason() {
    let check =
        |bytes: &[u8], expected: ConnectRefusal| assert_eq!(frames(bytes, bytes.len()), (vec![], Some(expected)));
    check(&[0x00, 0x00], ConnectRefusal::UnexpectedPacket);
    check(&[0x40, 0x02, 0, 1], ConnectRefusal::UnexpectedPacket);
    check(&[0xF0, 0x00], ConnectRefusal::UnexpectedPacket);
    check(&[0x30, 0x80, 0x80, 0x80, 0x80, 0x01], ConnectRefusal::Malformed);
    check(&[0x30, 0x02, 0x00, 0x05], ConnectRefusal::Malformed);
    check(&[0x32, 0x05, 0x00, 0x01, b't', 0, 0], ConnectRefusal::Malformed);
    check(&[0x30, 0x04, 0x00, 0x02, 0xFF, 0xFE], ConnectRefusal::Malformed);
    check(&[0x10, 0x80, 0x80, 0x08], ConnectRefusal::TooLarge);
    check(b"\x10\x10GET / HTTP/1.1\r\n\r\n", ConnectRefusal::Malformed);
    check(&encoded(&publish("t", QoS::ExactlyOnce, &vec![0; 200_000])), ConnectRefusal::Qos2);
}

#[test]
fn a_connect_of_another_version_is_known_by_its_level() {
    let check = |bytes: &[u8], level: u8| {
        assert_eq!(frames(bytes, bytes.len()), (vec![Frame::ForeignConnect(level)], None));
    };
    check(b"\x10\x0e\x00\x04MQTT\x06\x02\x00\x3c\x00\x00\x01a", 6);
    check(b"\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01a", 3);
}

proptest! {
    #[test]
    fn bytes_of_chance_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), piece in 1_usize..100) {
        frames(&bytes, piece);
    }

    #[test]
    fn packets_with_bytes_of_chance_never_panic(
        kind in 0_u8..=255,
        length in 0_usize..200,
        version_5: bool,
        bytes in proptest::collection::vec(any::<u8>(), 200),
    ) {
        let mut packet = if version_5 { connect_v5() } else { Vec::new() };
        packet.push(kind);
        if length >= 128 {
            packet.extend([(length % 128) as u8 | 0x80, (length / 128) as u8]);
        } else {
            packet.push(length as u8);
        }
        packet.extend(&bytes[..length]);
        frames(&packet, packet.len());
    }

    #[test]
    fn honest_packets_with_bytes_changed_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        piece in 1_usize..100,
        version_5: bool,
    ) {
        let mut connect = Connect::new("sw3");
        connect.set_login("user", "token");
        let mut bytes: Vec<u8> = [
            V4::Connect(connect),
            publish("t/广州", QoS::AtLeastOnce, b"payload"),
            V4::Subscribe(Subscribe::new("a/#", QoS::AtLeastOnce)),
        ].iter().flat_map(encoded).collect();
        if version_5 {
            bytes = [connect_v5(), publish_v5(b"payload", user_properties(9)), vec![0xE0, 2, 4, 0]].concat();
        }
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        frames(&bytes, piece);
    }
}
