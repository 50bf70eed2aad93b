//! MQTT 5 in the terms of [`super::BrokerLink`].

use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    Filter, LastWill, Packet, PubAckReason, Publish, RetainForwardRule, SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions};
use rumqttc::{NetworkOptions, TlsConfiguration, Transport};

use super::options::{
    CONNECT_SECONDS_MAX, LinkOptions, PACKET_MAX_BYTES, PUBLISHES_MAX, REQUESTS_WAITING_MAX, SESSION_EXPIRY_SECONDS,
};
use super::signal::{Ack, Incoming, LinkError, Signal, outgoing};

pub(super) fn open(options: &LinkOptions) -> (AsyncClient, EventLoop) {
    let address = &options.address;
    let mut mqtt = MqttOptions::new(&options.client_id, &address.host, address.port);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    mqtt.set_keep_alive(options.keep_alive)
        .set_clean_start(!options.persistent)
        .set_session_expiry_interval(options.persistent.then_some(SESSION_EXPIRY_SECONDS))
        .set_receive_maximum(Some(options.receive_maximum.max(1)))
        .set_manual_acks(true)
        .set_max_packet_size(Some(PACKET_MAX_BYTES))
        .set_outgoing_inflight_upper_limit(PUBLISHES_MAX)
        .set_connection_timeout(CONNECT_SECONDS_MAX)
        .set_network_options(network);
    if !address.user.is_empty() || !address.password.is_empty() {
        mqtt.set_credentials(&address.user, &address.password);
    }
    if let Some(will) = &options.will {
        mqtt.set_last_will(LastWill::new(&will.topic, will.payload, QoS::AtLeastOnce, true, None));
    }
    if let Some(tls) = &options.tls {
        mqtt.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls.clone())));
    }
    AsyncClient::new(mqtt, REQUESTS_WAITING_MAX)
}

pub(super) fn signal(event: Event) -> Signal {
    let packet = match event {
        Event::Incoming(packet) => packet,
        Event::Outgoing(written) => return outgoing(&written),
    };
    match packet {
        Packet::ConnAck(answer) => Signal::Connected { session_present: answer.session_present },
        Packet::Publish(publish) => Signal::Message(Incoming {
            topic: String::from_utf8_lossy(&publish.topic).into_owned(),
            payload: publish.payload,
            ack: (publish.qos != QoS::AtMostOnce).then_some(Ack(publish.pkid)),
            dup: publish.dup,
            retained: publish.retain,
        }),
        Packet::SubAck(answer) => {
            let taken = |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
            Signal::Subscribed(answer.return_codes.iter().map(taken).collect())
        }
        Packet::PubAck(answer) => {
            let refusal = match answer.reason {
                PubAckReason::Success | PubAckReason::NoMatchingSubscribers => None,
                PubAckReason::UnspecifiedError
                | PubAckReason::ImplementationSpecificError
                | PubAckReason::NotAuthorized
                | PubAckReason::TopicNameInvalid
                | PubAckReason::PacketIdentifierInUse
                | PubAckReason::QuotaExceeded
                | PubAckReason::PayloadFormatInvalid => Some(format!("{:?}", answer.reason)),
            };
            Signal::PublishAnswered { packet_id: answer.pkid, refusal }
        }
        Packet::PingResp(_) => Signal::PingAnswered,
        Packet::Connect(..)
        | Packet::PubRec(_)
        | Packet::PubRel(_)
        | Packet::PubComp(_)
        | Packet::Subscribe(_)
        | Packet::Unsubscribe(_)
        | Packet::UnsubAck(_)
        | Packet::PingReq(_)
        | Packet::Disconnect(_)
        | Packet::Auth(_) => Signal::Other,
    }
}

pub(super) fn error(error: &ConnectionError) -> LinkError {
    if let ConnectionError::ConnectionRefused(code) = error {
        return LinkError::Refused(format!("{code:?}"));
    }
    LinkError::Lost(error.to_string())
}

/// Retained messages come only with a new subscription, because a repeated subscription must not bring old messages.
pub(super) async fn subscribe(client: &AsyncClient, filters: &[String]) -> Result<(), LinkError> {
    let filters = filters.iter().map(|filter| Filter {
        retain_forward_rule: RetainForwardRule::OnNewSubscribe,
        ..Filter::new(filter.clone(), QoS::AtLeastOnce)
    });
    client.subscribe_many(filters).await.map_err(|_| LinkError::Gone)
}

pub(super) async fn acknowledge(client: &AsyncClient, ack: Ack) -> Result<(), LinkError> {
    let mut publish = Publish::new(String::new(), QoS::AtLeastOnce, Bytes::new(), None);
    publish.pkid = ack.0;
    client.ack(&publish).await.map_err(|_| LinkError::Gone)
}
