//! What the doors are made of: the committed views, the queues, the keyring, and the settings.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::auth::{BucketRate, Hosts, Rates, TokenCache};
use super::commands::CommandQueue;
use crate::core::incidents::AckKey;
use crate::core::model::Timestamp;
use crate::ingest::http::HttpIntake;
use crate::metrics::Metrics;
use crate::store::{LiveView, Store};

/// The service's clock as the doors see it: real, monotonic, injected.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the configuration says of the doors.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// Names under which writes may reach us, beside `localhost` and IP addresses.
    pub allowed_hosts: Vec<String>,
    /// How people reach this service from outside, if they do: `https://watch.example.org`.
    pub external_url: Option<String>,
    /// Requests per second that one caller at one address may keep up (pushed events are not counted); 1 or more.
    pub requests_per_second: u32,
    /// Streams open at once.
    pub streams_max: u32,
    /// What signs the links by which people acknowledge; `None`: no such link is good.
    pub ack_key: Option<AckKey>,
    /// When the service started, for v2's `uptime`.
    pub started_at: Timestamp,
}

impl ApiSettings {
    pub fn new(started_at: Timestamp) -> ApiSettings {
        ApiSettings {
            allowed_hosts: Vec::new(),
            external_url: None,
            requests_per_second: 1_000,
            streams_max: 256,
            ack_key: None,
            started_at,
        }
    }
}

/// Everything that the router needs. Cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    pub store: Store,
    pub live: Arc<LiveView>,
    pub commands: CommandQueue,
    /// What takes pushed events.
    pub intake: HttpIntake,
    pub metrics: Arc<Metrics>,
    pub keyring: Arc<TokenCache>,
    pub now: Now,
    /// The monotonic clock, for rate limits and the lease: no step of the wall clock moves it.
    pub steady: Now,
    /// Ends the streams, so that a shutdown need not wait for them.
    pub stop: CancellationToken,
    pub settings: ApiSettings,
}

/// The state with the bounds that belong to one router.
pub struct ApiContext {
    pub api: ApiState,
    pub hosts: Hosts,
    /// Requests by address and caller.
    pub requests: Rates<(std::net::IpAddr, String)>,
    /// Wrong tokens by address.
    pub failures: Rates<std::net::IpAddr>,
    /// Links followed, by address.
    pub links: Rates<std::net::IpAddr>,
    pub streams: Arc<Semaphore>,
    /// Reads of v2 under way at once: each may hold an answer of many megabytes.
    pub v2_reads: Semaphore,
    /// The OpenAPI document, rendered once.
    pub openapi: String,
}

/// How many callers and addresses are told apart.
const CALLERS_MAX: usize = 10_000;
/// Wrong tokens from one address: a person's typing mistakes, not a guesser's work.
const FAILURES: BucketRate = BucketRate { burst: 20, per_second: 1 };
/// Links followed from one address: a shift behind one gateway, not a guesser.
const LINKS: BucketRate = BucketRate { burst: 60, per_second: 5 };
const V2_READS_MAX: usize = 16;

impl ApiContext {
    pub fn new(api: ApiState, openapi: String) -> ApiContext {
        let per_second = api.settings.requests_per_second.max(1);
        let requests = BucketRate { burst: per_second.saturating_mul(2), per_second };
        ApiContext {
            hosts: Hosts::new(&api.settings.allowed_hosts, api.settings.external_url.as_deref()),
            requests: Rates::new(requests, CALLERS_MAX),
            failures: Rates::new(FAILURES, CALLERS_MAX),
            links: Rates::new(LINKS, CALLERS_MAX),
            streams: Arc::new(Semaphore::new(api.settings.streams_max as usize)),
            v2_reads: Semaphore::new(V2_READS_MAX),
            openapi,
            api,
        }
    }
}
