//! Why the service does not start.

use std::net::SocketAddr;

use super::tls_server::BadTls;
use crate::app::config::ConfigError;
use crate::app::runtime::driver::Stopped;
use crate::app::runtime::integrity;
use crate::app::runtime::recovery::NotRecovered;
use crate::store::StoreError;

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the rules have mistakes, and there is no earlier rulebook to go on with:\n{report}")]
    Rules { report: String },
    #[error("the state cannot be put back: {0}")]
    NotRecovered(#[from] NotRecovered),
    #[error(transparent)]
    NotWhole(#[from] integrity::NotWhole),
    #[error("this database was begun with the domain label {stored:?}, not {wanted:?}; it is fixed at the first start")]
    DomainChanged { stored: String, wanted: String },
    #[error(
        "{listen} is reachable from other machines, and nobody has a token: make one with `watchfire token create NAME --role admin`, or listen on 127.0.0.1"
    )]
    OpenToTheWorld { listen: SocketAddr },
    #[error("cannot listen on {address}: {reason}")]
    Listen { address: String, reason: String },
    #[error("TLS of the HTTP listener: {0}")]
    Tls(#[from] BadTls),
    #[error("{what}: {reason}")]
    Part { what: &'static str, reason: String },
    #[error(transparent)]
    Stopped(#[from] Stopped),
}
