//! Floods from one address: the others come in, and are confirmed, while it lasts. All of 127/8 is this machine, so an
//! attacker has an address of its own.

use std::net::SocketAddr;

use bytes::BytesMut;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Connect, ConnectReturnCode, Packet, Publish};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use watchfire::ingest::mqtt::{AuthError, PublishPermission};

use super::driver::{Driver, eventually};
use super::listener::{Listener, authenticate, refused};

/// A connection from an address that is not everybody else's.
pub async fn from_elsewhere(to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    socket.connect(to).await.unwrap()
}

fn encoded(packet: Packet) -> BytesMut {
    let mut bytes = BytesMut::new();
    packet.write(&mut bytes, usize::MAX).unwrap();
    bytes
}

async fn honest(listener: &Listener) {
    let mut device = listener.connected("honest").await;
    device.publish(1, "alarm").await;
    device.is_confirmed(1).await;
}

#[tokio::test]
async fn silent_connections_of_one_address_leave_room_for_everybody_else() {
    let driver = Driver::new(100);
    let listener = Listener::start(&driver, |settings| {
        settings.connections_max = 40;
        settings.connections_per_address_max = 30;
    })
    .await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(from_elsewhere(listener.address).await);
    }
    eventually("most are turned away", || refused(&driver, "address_handshakes") == 84.0).await;
    honest(&listener).await;
    assert_eq!(refused(&driver, "too_many_connections"), 0.0);
    // Those who said who they are have more places, and not all of them.
    drop(silent);
    eventually("their places are free again", || refused(&driver, "no_connect") == 16.0).await;
    listener.stop().await;
}

#[tokio::test]
async fn an_address_has_its_share_of_the_places_and_no_more() {
    let driver = Driver::new(100);
    let listener = Listener::start(&driver, |settings| {
        settings.connections_max = 40;
        settings.connections_per_address_max = 20;
    })
    .await;
    let mut talking = Vec::new();
    for number in 0..30 {
        let mut stream = from_elsewhere(listener.address).await;
        stream.write_all(&encoded(Packet::Connect(Connect::new(format!("bot {number}"))))).await.unwrap();
        let mut welcome = [0_u8; 4];
        if stream.read_exact(&mut welcome).await.is_ok() {
            talking.push(stream);
        }
    }
    assert_eq!(talking.len(), 20);
    assert_eq!(refused(&driver, "address_connections"), 10.0);
    honest(&listener).await;
    listener.stop().await;
}

#[tokio::test]
async fn large_packets_that_never_end_delay_nobody_at_another_address() {
    let driver = Driver::new(100);
    let listener = Listener::start(&driver, |_| ()).await;
    let mut slow = Vec::new();
    for number in 0..50 {
        let mut stream = from_elsewhere(listener.address).await;
        stream.write_all(&encoded(Packet::Connect(Connect::new(format!("slow {number}"))))).await.unwrap();
        let mut welcome = [0_u8; 4];
        stream.read_exact(&mut welcome).await.unwrap();
        let mut publish = Publish::new("t/slow", QoS::AtLeastOnce, vec![b'x'; 1_000_000]);
        publish.pkid = 1;
        // All of it but the last byte.
        let bytes = encoded(Packet::Publish(publish));
        let (mut reading, mut writing) = stream.into_split();
        slow.push(tokio::spawn(async move {
            writing.write_all(&bytes[..bytes.len() - 1]).await?;
            reading.read_u8().await
        }));
    }
    let mut device = listener.connected("honest").await;
    device.publish(1, &"大".repeat(300_000)).await;
    device.is_confirmed(1).await;
    assert_eq!(refused(&driver, "slow_sender"), 0.0, "it did not wait until they were given up");
    assert!(slow.iter().all(|stream| !stream.is_finished()));
    slow.iter().for_each(tokio::task::JoinHandle::abort);
    listener.stop().await;
}

#[tokio::test]
async fn a_packet_that_comes_byte_by_byte_has_its_time_and_no_more() {
    let driver = Driver::new(100);
    let listener = Listener::start(&driver, |settings| settings.patience = std::time::Duration::from_millis(500)).await;
    let mut device = listener.connected("drop by drop").await;
    let mut publish = Publish::new("t/x", QoS::AtLeastOnce, vec![b'x'; 1_000]);
    publish.pkid = 1;
    let bytes = encoded(Packet::Publish(publish));
    let mut dripping = tokio::time::interval(std::time::Duration::from_millis(50));
    let dripped = async {
        for byte in bytes.chunks(1) {
            dripping.tick().await;
            if device.try_send_bytes(byte).await.is_err() {
                return;
            }
        }
        panic!("a thousand bytes at twenty a second were waited for");
    };
    dripped.await;
    eventually("it is counted", || refused(&driver, "slow_sender") == 1.0).await;
    listener.stop().await;
}

#[tokio::test]
async fn guessing_slows_the_guesser_down_and_nobody_else() {
    let driver = Driver::new(100);
    let authenticate = authenticate(|password| match password {
        "令牌" => Ok(PublishPermission::everything("token 1")),
        _ => Err(AuthError::BadCredentials),
    });
    let listener = Listener::start(&driver, |settings| settings.authenticate = authenticate).await;
    let guess = |number: usize| {
        let address = listener.address;
        async move {
            let mut stream = from_elsewhere(address).await;
            let mut connect = Connect::new("guesser");
            connect.set_login("admin", format!("guess {number}"));
            // It may be turned away before it could say anything.
            stream.write_all(&encoded(Packet::Connect(connect))).await?;
            let mut answer = [0_u8; 4];
            stream.read_exact(&mut answer).await.map(|_| answer[3])
        }
    };
    let mut guessing = tokio::task::JoinSet::new();
    for number in 0..2_000 {
        guessing.spawn(guess(number));
        if number % 50 == 0 {
            tokio::task::yield_now().await;
        }
    }
    eventually("most are turned away unheard", || refused(&driver, "address_handshakes") >= 1_000.0).await;
    let mut connect = Connect::new("honest");
    connect.set_login("", "令牌");
    let mut device = listener.connected_with(connect).await;
    device.publish(1, "alarm").await;
    device.is_confirmed(1).await;
    let heard = refused(&driver, "bad_credentials");
    assert!(heard < 500.0, "{heard} of 2,000 guesses were heard");
    let mut answers = Vec::new();
    while let Some(answer) = guessing.try_join_next() {
        answers.extend(answer.unwrap().ok());
    }
    assert!(answers.iter().all(|code| *code == ConnectReturnCode::BadUserNamePassword as u8), "{answers:?}");
    guessing.abort_all();
    listener.stop().await;
}
