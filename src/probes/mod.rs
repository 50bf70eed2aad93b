//! Probes: run the automated inspection items and return their observations.
//!
//! Must never decide the meaning of a result for a run.

mod http;
mod mqtt;
mod observation;
mod promql;
mod tls;

use self::observation::EVIDENCE_MAX_CHARS;
use self::observation::Observation;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Client;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::core::inspections::{ProbeRequest, ProbeResult};
use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::Check;
use crate::metrics::{Metrics, Stopwatch};
use crate::mqtt::LinkOptions;
use tls::CertificateReader;

/// Maximum number of checks at once.
const RUNNING_MAX: usize = 16;
/// Maximum number of listening checks at once: separate, because they wait long and cost little.
const LISTENING_MAX: usize = 16;
/// Maximum number of running and waiting checks; further requests stay in the channel.
const TAKEN_MAX: usize = 256;
/// Runs checks.
pub struct Prober {
    client: Client,
    certificates: CertificateReader,
    broker: Option<LinkOptions>,
    metrics: Arc<Metrics>,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    running: Semaphore,
    listening: Semaphore,
    listeners: AtomicU64,
}

impl Prober {
    /// `broker`: for MQTT checks; without one they are not done. `now`: for comparison with certificates. The error
    /// concerns the HTTP client's own resources (threads, sockets), not the configuration.
    pub fn new(
        broker: Option<LinkOptions>,
        metrics: Arc<Metrics>,
        now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> Result<Prober, reqwest::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(system.certs);
        if roots.is_empty() {
            tracing::warn!(errors = ?system.errors, "no certificates found on this system; checks of https will fail");
        }
        let tls = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(rustls::ALL_VERSIONS)
            .expect("ring has cipher suites of every version")
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        Ok(Prober {
            client: http::client(tls)?,
            certificates: CertificateReader::new(&provider, roots),
            broker,
            metrics,
            now,
            running: Semaphore::new(RUNNING_MAX),
            listening: Semaphore::new(LISTENING_MAX),
            listeners: AtomicU64::new(0),
        })
    }

    /// Runs requested checks until `cancel`, or until all senders are gone and all requests are answered. A check cut
    /// short by `cancel` gives no result, because the desk requests it again.
    pub async fn serve(
        self: Arc<Self>,
        mut requests: mpsc::UnboundedReceiver<ProbeRequest>,
        results: mpsc::Sender<ProbeResult>,
        cancel: CancellationToken,
    ) {
        let mut taken = JoinSet::new();
        let mut open = true;
        while open || !taken.is_empty() {
            tokio::select! {
                () = cancel.cancelled() => return,
                Some(ended) = taken.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a check ended without a result");
                    }
                }
                request = requests.recv(), if open && taken.len() < TAKEN_MAX => match request {
                    None => open = false,
                    Some(request) => {
                        let (prober, results) = (Arc::clone(&self), results.clone());
                        taken.spawn(async move {
                            // A closed channel means that the driver is gone; the next one requests it again.
                            let _ = results.send(prober.run(request).await).await;
                        });
                    }
                },
            }
        }
    }

    /// Runs one check, after those before it.
    pub async fn run(&self, request: ProbeRequest) -> ProbeResult {
        let turns = match &request.check {
            Check::Mqtt { .. } => &self.listening,
            Check::Manual { .. }
            | Check::Http { .. }
            | Check::Tcp { .. }
            | Check::Tls { .. }
            | Check::Promql { .. } => &self.running,
        };
        let _turn = turns.acquire().await.expect("the semaphores are never closed");
        let watch = Stopwatch::start();
        let seen = self.look(&request.check).await;
        self.metrics.probe(request.check.kind(), seen.outcome.as_str(), watch.seconds());
        ProbeResult {
            run: request.run,
            item: request.item,
            outcome: seen.outcome,
            evidence: seen.evidence.chars().take(EVIDENCE_MAX_CHARS).collect(),
            value: seen.value,
            found: seen.found,
        }
    }

    async fn look(&self, check: &Check) -> Observation {
        match check {
            Check::Manual { .. } => Observation::not_done("a person must look at it"),
            Check::Http { url, status, contains, json, timeout } => {
                let wanted =
                    http::ExpectedResponse { status: *status, contains: contains.as_deref(), json: json.as_deref() };
                within(*timeout, &http::name(url), http::check(&self.client, url, wanted)).await
            }
            Check::Tcp { address, timeout } => within(*timeout, address, connect(address)).await,
            Check::Tls { address, warn_below, fail_below, timeout } => {
                let look = self.certificates.check(address, *warn_below, *fail_below, (self.now)());
                within(*timeout, address, look).await
            }
            Check::Promql { server, query, warn, fail, timeout } => {
                within(*timeout, &http::name(server), promql::check(&self.client, server, query, *warn, *fail)).await
            }
            Check::Mqtt { topic, within } => match self.listener() {
                Some(options) => mqtt::check(&options, topic, *within).await,
                None => Observation::not_done("no broker configured (--mqtt-url)"),
            },
        }
    }

    /// A broker ends the older of two sessions with one name, so each check has its own.
    fn listener(&self) -> Option<LinkOptions> {
        let mut options = self.broker.clone()?;
        let n = self.listeners.fetch_add(1, Ordering::Relaxed);
        options.client_id = format!("{}-probe-{n}", options.client_id);
        options.persistent = false;
        options.will = None;
        Some(options)
    }
}

/// A check that takes longer fails.
async fn within(limit: TimeDelta, subject: &str, look: impl Future<Output = Observation>) -> Observation {
    let late = |_| Observation::fail(format!("{subject} gave no answer within {limit}"));
    tokio::time::timeout(limit.to_std(), look).await.unwrap_or_else(late)
}

async fn connect(address: &str) -> Observation {
    let watch = Stopwatch::start();
    match TcpStream::connect(address).await {
        Ok(_) => {
            let milliseconds = (watch.seconds() * 1_000.0).round();
            Observation::pass(format!("connected to {address} in {milliseconds} ms")).with_value(milliseconds)
        }
        Err(error) => Observation::fail(format!("cannot connect to {address}: {error}")),
    }
}
