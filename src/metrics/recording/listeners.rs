//! Counts connections and refusals of the listeners.

use super::super::Metrics;
use crate::core::model::Timestamp;
use crate::metrics::listeners::ConnectionCut;
use crate::metrics::listeners::HttpRefusal;
use crate::metrics::listeners::Listener;
use crate::metrics::listeners::outcome;

impl Metrics {
    /// The end of the certificate in use.
    pub fn certificate_ends(&self, listener: Listener, at: Timestamp) {
        self.listeners.expiry(listener).set(at.as_micros() as f64 / 1e6);
    }

    /// Changed files were loaded, or could not be.
    pub fn certificate_loaded(&self, listener: Listener, is_good: bool) {
        self.listeners.certificate_loads.with_label_values(&[listener.as_str(), outcome(is_good)]).inc();
    }

    pub fn http_connections(&self, open: usize) {
        self.listeners.connections.set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    pub fn http_connection_cut(&self, reason: ConnectionCut) {
        self.listeners.connections_cut.with_label_values(&[reason.as_str()]).inc();
    }

    /// How many so far.
    pub fn http_connections_cut(&self, reason: ConnectionCut) -> u64 {
        self.listeners.connections_cut.with_label_values(&[reason.as_str()]).get()
    }

    pub fn http_refused(&self, reason: HttpRefusal) {
        self.listeners.refused.with_label_values(&[reason.as_str()]).inc();
    }

    /// How many so far.
    pub fn http_refusals(&self, reason: HttpRefusal) -> u64 {
        self.listeners.refused.with_label_values(&[reason.as_str()]).get()
    }

    pub fn http_streams(&self, open: usize) {
        self.listeners.streams.set(i64::try_from(open).unwrap_or(i64::MAX));
    }
}
