//! MQTT 3.1.1 in the terms of [`super::BrokerLink`].

use rumqttc::mqttbytes::v4::{LastWill, Packet, Publish, SubscribeFilter, SubscribeReasonCode};
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, NetworkOptions, QoS, TlsConfiguration, Transport,
};

use super::options::{CONNECT_SECONDS_MAX, LinkOptions, PACKET_MAX_BYTES, PUBLISHES_MAX, REQUESTS_WAITING_MAX};
use super::signal::{Ack, Incoming, LinkError, Signal, outgoing};

pub(super) fn open(options: &LinkOptions) -> (AsyncClient, EventLoop) {
    let address = &options.address;
    let mut mqtt = MqttOptions::new(&options.client_id, &address.host, address.port);
    mqtt.set_keep_alive(options.keep_alive)
        .set_clean_session(!options.persistent)
        .set_manual_acks(true)
        .set_max_packet_size(PACKET_MAX_BYTES as usize, PACKET_MAX_BYTES as usize)
        .set_inflight(PUBLISHES_MAX);
    if !address.user.is_empty() || !address.password.is_empty() {
        mqtt.set_credentials(&address.user, &address.password);
    }
    if let Some(will) = &options.will {
        mqtt.set_last_will(LastWill::new(&will.topic, will.payload, QoS::AtLeastOnce, true));
    }
    if let Some(tls) = &options.tls {
        mqtt.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls.clone())));
    }
    let (client, mut event_loop) = AsyncClient::new(mqtt, REQUESTS_WAITING_MAX);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(CONNECT_SECONDS_MAX);
    event_loop.set_network_options(network);
    (client, event_loop)
}

pub(super) fn signal(event: Event) -> Signal {
    let packet = match event {
        Event::Incoming(packet) => packet,
        Event::Outgoing(written) => return outgoing(&written),
    };
    match packet {
        Packet::ConnAck(answer) => Signal::Connected { session_present: answer.session_present },
        Packet::Publish(publish) => Signal::Message(Incoming {
            topic: publish.topic,
            payload: publish.payload,
            ack: (publish.qos != QoS::AtMostOnce).then_some(Ack(publish.pkid)),
            dup: publish.dup,
            retained: publish.retain,
        }),
        Packet::SubAck(answer) => {
            let taken = |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
            Signal::Subscribed(answer.return_codes.iter().map(taken).collect())
        }
        Packet::PubAck(answer) => Signal::PublishAnswered { packet_id: answer.pkid, refusal: None },
        Packet::PingResp => Signal::PingAnswered,
        Packet::Connect(_)
        | Packet::PubRec(_)
        | Packet::PubRel(_)
        | Packet::PubComp(_)
        | Packet::Subscribe(_)
        | Packet::Unsubscribe(_)
        | Packet::UnsubAck(_)
        | Packet::PingReq
        | Packet::Disconnect => Signal::Other,
    }
}

pub(super) fn error(error: &ConnectionError) -> LinkError {
    if let ConnectionError::ConnectionRefused(code) = error {
        return LinkError::Refused(format!("{code:?}"));
    }
    LinkError::Lost(error.to_string())
}

pub(super) async fn subscribe(client: &AsyncClient, filters: &[String]) -> Result<(), LinkError> {
    let filters = filters.iter().map(|filter| SubscribeFilter::new(filter.clone(), QoS::AtLeastOnce));
    client.subscribe_many(filters).await.map_err(|_| LinkError::Gone)
}

pub(super) async fn acknowledge(client: &AsyncClient, ack: Ack) -> Result<(), LinkError> {
    let mut publish = Publish::new(String::new(), QoS::AtLeastOnce, Vec::new());
    publish.pkid = ack.0;
    client.ack(&publish).await.map_err(|_| LinkError::Gone)
}
