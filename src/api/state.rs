//! What the doors are made of: the committed views, the queues, the keyring, and the settings.

use super::now::Now;
use axum::extract::State;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::auth::{BucketRate, Hosts, Places, Proxies, Rates, TokenCache};
use super::commands::CommandQueue;
use super::http::error::ApiError;
use super::silence_bounds::SilenceBounds;
use crate::core::incidents::AckKey;
use crate::core::model::{IncidentId, Timestamp};
use crate::ingest::http::HttpIntake;
use crate::metrics::{HttpRefusal, Metrics};
use crate::store::{LiveView, Store};

/// What the configuration says of the doors.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// Names under which this service is reached, beside loopback names, `listen` and the external URL's.
    pub allowed_hosts: Vec<String>,
    /// Pages of other sites that may use the API: `https://portal.example.org`.
    pub allowed_origins: Vec<String>,
    /// The address of the listener; `None`: any address is its own.
    pub listen: Option<IpAddr>,
    pub proxies: Proxies,
    /// How people reach this service from outside, if they do: `https://watch.example.org`.
    pub external_url: Option<String>,
    pub requests: RequestLimits,
    pub silences: SilenceBounds,
    /// What signs the links by which people acknowledge; `None`: no such link is good.
    pub ack_key: Option<AckKey>,
    /// When the service started, for v2's `uptime`.
    pub started_at: Timestamp,
}

impl ApiSettings {
    pub fn new(started_at: Timestamp) -> ApiSettings {
        ApiSettings {
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            listen: None,
            proxies: Proxies::default(),
            external_url: None,
            requests: RequestLimits::STANDARD,
            silences: SilenceBounds::standard(),
            ack_key: None,
            started_at,
        }
    }
}

/// What one caller at one address may ask for. Reads and writes are counted apart; pushed events are not counted.
#[derive(Clone, Copy, Debug)]
pub struct RequestLimits {
    /// For good; twice as many after a rest. 1 or more.
    pub per_second: u32,
    /// Under way, or answered and not yet read; 1 or more.
    pub at_once: usize,
    /// Streams open altogether.
    pub streams: usize,
    /// Of one caller.
    pub streams_each: usize,
}

impl RequestLimits {
    pub const STANDARD: RequestLimits =
        RequestLimits { per_second: 1_000, at_once: 128, streams: 256, streams_each: 64 };
}

/// By whom the bounds of requests are kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallerKey {
    pub address: IpAddr,
    pub name: String,
    pub is_write: bool,
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

/// The extractor of a handler that needs the state.
pub type Api = State<Arc<ApiContext>>;

/// The state with the bounds that belong to one router.
pub struct ApiContext {
    pub api: ApiState,
    pub hosts: Hosts,
    /// Requests by caller.
    pub requests: Rates<CallerKey>,
    /// Requests whose answer is not read yet.
    pub under_way: Places<CallerKey>,
    /// Wrong tokens by address.
    pub failures: Rates<IpAddr>,
    /// Pushed bodies that may be large: each is held in memory.
    pub large_bodies: Places<CallerKey>,
    /// Bad links followed, by address.
    pub bad_links: Rates<IpAddr>,
    /// Good ones, by what they are for.
    pub links: Rates<(IncidentId, String)>,
    /// By the caller's name.
    pub streams: Places<String>,
    /// Reads of v2 under way at once: each may hold an answer of many megabytes.
    pub v2_reads: Semaphore,
    /// The OpenAPI document, rendered once.
    pub openapi: String,
}

/// How many callers and addresses are told apart.
const CALLERS_MAX: usize = 10_000;
/// Wrong tokens from one address: a person's typing mistakes, not a guesser's work.
const FAILURES: BucketRate = BucketRate { burst: 20, per_second: 1 };
/// Links followed: a finger that slips, not a guesser.
const LINKS: BucketRate = BucketRate { burst: 60, per_second: 5 };
const V2_READS_MAX: usize = 16;
/// Pushed bodies that may be large, all together: a GiB of memory with the largest that ingest takes.
const LARGE_BODIES_MAX: usize = 64;
/// Requests under way of all callers together: as many as there are connections by default.
const UNDER_WAY_MAX: usize = 4_096;

impl ApiContext {
    pub fn new(api: ApiState, openapi: String) -> ApiContext {
        let limits = api.settings.requests;
        let per_second = limits.per_second.max(1);
        let requests = BucketRate { burst: per_second.saturating_mul(2), per_second };
        ApiContext {
            hosts: Hosts::new(
                &api.settings.allowed_hosts,
                &api.settings.allowed_origins,
                api.settings.external_url.as_deref(),
                api.settings.listen,
            ),
            requests: Rates::new(requests, CALLERS_MAX),
            under_way: Places::new(UNDER_WAY_MAX, limits.at_once),
            failures: Rates::new(FAILURES, CALLERS_MAX),
            large_bodies: Places::new(LARGE_BODIES_MAX, LARGE_BODIES_MAX / 2),
            bad_links: Rates::new(LINKS, CALLERS_MAX),
            links: Rates::new(LINKS, CALLERS_MAX),
            streams: Places::new(limits.streams, limits.streams_each),
            v2_reads: Semaphore::new(V2_READS_MAX),
            openapi,
            api,
        }
    }

    /// Counts a refusal.
    pub(super) fn refused(&self, reason: HttpRefusal, failure: ApiError) -> ApiError {
        self.api.metrics.http_refused(reason);
        failure
    }
}
