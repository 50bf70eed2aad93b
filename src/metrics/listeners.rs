//! The listeners themselves: certificates, HTTP connections and what was refused at the door.

use prometheus::{Gauge, GaugeVec, IntCounterVec, IntGauge, Registry};

use super::names;
use super::registration::{begin, counters, fractional_gauges, gauge};

/// What others connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    Http,
    Mqtt,
}

impl Listener {
    pub const ALL: [Listener; 2] = [Listener::Http, Listener::Mqtt];

    pub const fn as_str(self) -> &'static str {
        match self {
            Listener::Http => "http",
            Listener::Mqtt => "mqtt",
        }
    }
}

/// Why an HTTP connection was closed before its peer wished it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionCut {
    /// It let us wait longest when a newer one needed a place.
    MadeRoom,
    /// Every place is taken by a request under way.
    Full,
    /// Its peer did not read what it had asked for.
    WriteTimeout,
    /// Its peer sent no whole head of a request in time: half of one, or nothing between two.
    IdleTimeout,
    /// The TLS handshake failed or did not end in time.
    Handshake,
}

impl ConnectionCut {
    pub const ALL: [ConnectionCut; 5] = [
        ConnectionCut::MadeRoom,
        ConnectionCut::Full,
        ConnectionCut::WriteTimeout,
        ConnectionCut::IdleTimeout,
        ConnectionCut::Handshake,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            ConnectionCut::MadeRoom => "made_room",
            ConnectionCut::Full => "full",
            ConnectionCut::WriteTimeout => "write_timeout",
            ConnectionCut::IdleTimeout => "idle_timeout",
            ConnectionCut::Handshake => "handshake",
        }
    }
}

/// Why an HTTP request did not reach what it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpRefusal {
    /// A Host that is not this service's name.
    Host,
    /// A page of another site.
    Origin,
    /// No token, or one that is not known.
    Credentials,
    /// Too many wrong tokens from one address.
    Guessing,
    /// The role may not do it.
    Permission,
    /// Too many requests of one caller in a second.
    Rate,
    /// Too many requests of one caller at once.
    Concurrency,
    /// Too many streams, of one caller or altogether.
    Streams,
}

impl HttpRefusal {
    pub const ALL: [HttpRefusal; 8] = [
        HttpRefusal::Host,
        HttpRefusal::Origin,
        HttpRefusal::Credentials,
        HttpRefusal::Guessing,
        HttpRefusal::Permission,
        HttpRefusal::Rate,
        HttpRefusal::Concurrency,
        HttpRefusal::Streams,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            HttpRefusal::Host => "host",
            HttpRefusal::Origin => "origin",
            HttpRefusal::Credentials => "credentials",
            HttpRefusal::Guessing => "guessing",
            HttpRefusal::Permission => "permission",
            HttpRefusal::Rate => "rate",
            HttpRefusal::Concurrency => "concurrency",
            HttpRefusal::Streams => "streams",
        }
    }
}

pub(super) struct ListenerMetrics {
    pub(super) certificate_expiry: GaugeVec,
    pub(super) certificate_loads: IntCounterVec,
    pub(super) connections: IntGauge,
    pub(super) connections_cut: IntCounterVec,
    pub(super) refused: IntCounterVec,
    pub(super) streams: IntGauge,
}

impl ListenerMetrics {
    pub fn new(registry: &Registry) -> ListenerMetrics {
        let listeners = ListenerMetrics {
            certificate_expiry: fractional_gauges(registry, &names::CERTIFICATE_EXPIRY, &["listener"]),
            certificate_loads: counters(registry, &names::CERTIFICATE_LOADS, &["listener", "outcome"]),
            connections: gauge(registry, &names::HTTP_CONNECTIONS),
            connections_cut: counters(registry, &names::HTTP_CONNECTIONS_CUT, &["reason"]),
            refused: counters(registry, &names::HTTP_REFUSED, &["reason"]),
            streams: gauge(registry, &names::HTTP_STREAMS),
        };
        for listener in Listener::ALL {
            listeners.expiry(listener).set(f64::INFINITY);
            for is_good in [true, false] {
                listeners.certificate_loads.with_label_values(&[listener.as_str(), outcome(is_good)]);
            }
        }
        begin(&listeners.connections_cut, ConnectionCut::ALL.map(ConnectionCut::as_str));
        begin(&listeners.refused, HttpRefusal::ALL.map(HttpRefusal::as_str));
        listeners
    }

    pub(super) fn expiry(&self, listener: Listener) -> Gauge {
        self.certificate_expiry.with_label_values(&[listener.as_str()])
    }
}

pub(super) const fn outcome(is_good: bool) -> &'static str {
    if is_good { "success" } else { "failure" }
}
