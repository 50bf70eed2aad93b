//! What the parts of a running service share.

use crate::api::{CommandQueue, Now};
use crate::app::config::Config;
use crate::app::runtime::clock::Clock;
use crate::core::incidents::AckKey;
use crate::core::rules::Rulebook;
use crate::ingest::Intake;
use crate::metrics::Metrics;
use crate::mqtt::BrokerAddress;
use crate::store::{LiveView, Store};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What the doors are made of.
#[derive(Clone)]
pub struct Services {
    pub config: Config,
    pub store: Store,
    pub live: Arc<LiveView>,
    pub metrics: Arc<Metrics>,
    pub clock: Clock,
    pub intake: Intake,
    pub commands: CommandQueue,
    /// What signs the links of notices.
    pub ack_key: AckKey,
    /// What tells this installation's notices from another's.
    pub installation: String,
    pub stop: CancellationToken,
}

impl Services {
    /// The real broker, if one is configured.
    pub fn broker(&self) -> Result<Option<BrokerAddress>, String> {
        let url = self.config.mqtt_url.as_deref();
        url.map(|url| url.parse::<BrokerAddress>().map_err(|bad| format!("mqtt_url: {bad}"))).transpose()
    }

    /// What the wall clock shows, as far as its steps count.
    pub fn now(&self) -> Now {
        let clock = self.clock.clone();
        Arc::new(move || clock.civil())
    }

    /// The monotonic clock.
    pub fn steady(&self) -> Now {
        let clock = self.clock.clone();
        Arc::new(move || clock.steady())
    }

    pub(super) fn rulebook(&self) -> Arc<dyn Fn() -> Arc<Rulebook> + Send + Sync> {
        let live = Arc::clone(&self.live);
        Arc::new(move || live.rulebook())
    }
}

/// Where the setting that fixes the correlation domain is kept.
pub const DOMAIN_SETTING: &str = "domain_label";
