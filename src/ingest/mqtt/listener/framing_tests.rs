//! The framer on honest bytes in pieces of any size, and on bytes of chance.

use proptest::prelude::*;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Connect, Publish, Subscribe};

use super::*;

const PAYLOAD_MAX: usize = 100;

fn encoded(packet: &Packet) -> Vec<u8> {
    let mut buffer = BytesMut::new();
    packet.write(&mut buffer, usize::MAX).unwrap();
    buffer.to_vec()
}

fn publish(topic: &str, qos: QoS, payload: &[u8]) -> Packet {
    let mut publish = Publish::new(topic, qos, payload);
    publish.pkid = if qos == QoS::AtMostOnce { 0 } else { 7 };
    Packet::Publish(publish)
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

#[test]
fn packets_come_out_as_they_went_in_whatever_the_pieces() {
    let mut connect = Connect::new("交换机");
    connect.set_login("任何人", "令牌");
    let packets = [
        Packet::Connect(connect),
        publish("t/广州", QoS::AtLeastOnce, "链路中断".as_bytes()),
        publish("t", QoS::AtMostOnce, b""),
        Packet::PingReq,
        Packet::Subscribe(Subscribe::new("a/#", QoS::AtLeastOnce)),
        Packet::Disconnect,
    ];
    let bytes: Vec<u8> = packets.iter().flat_map(encoded).collect();
    for piece in [1, 2, 3, 7, 64, bytes.len()] {
        let (frames, refusal) = frames(&bytes, piece);
        assert_eq!(frames, packets.clone().map(Frame::Packet), "pieces of {piece}");
        assert_eq!(refusal, None);
    }
}

#[test]
fn a_long_publish_is_skipped_but_for_its_beginning_and_the_next_packet_is_read() {
    for (qos, packet_id) in [(QoS::AtLeastOnce, Some(7)), (QoS::AtMostOnce, None)] {
        let payload: Vec<u8> = (0..300_000_u32).map(|index| index as u8).collect();
        let mut bytes = encoded(&publish("t/告警", qos, &payload));
        bytes.extend(encoded(&Packet::PingReq));
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
    check(b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01a", 5);
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
        bytes in proptest::collection::vec(any::<u8>(), 200),
    ) {
        let mut packet = vec![kind];
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
    ) {
        let mut connect = Connect::new("sw3");
        connect.set_login("user", "token");
        let mut bytes: Vec<u8> = [
            Packet::Connect(connect),
            publish("t/广州", QoS::AtLeastOnce, b"payload"),
            Packet::Subscribe(Subscribe::new("a/#", QoS::AtLeastOnce)),
        ].iter().flat_map(encoded).collect();
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        frames(&bytes, piece);
    }
}
