//! A whole set of doors without a network: router, store, live view, clock, and the two ends of the queues.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use watchfire::api::{
    ApiSettings, ApiState, CommandError, CommandQueue, DriverRequest, Now, TokenCache, router, token_digest,
};
use watchfire::core::engine::{Action, Effect, Outcome, SilenceChange};
use watchfire::core::model::{DeadLetter, Timestamp};
use watchfire::core::rules::Rulebook;
use watchfire::ingest::http::HttpIntake;
use watchfire::ingest::{EventVerdict, Intake};
use watchfire::metrics::Metrics;
use watchfire::store::{Batch, Lease, LiveView, Readiness, Store, TokenRole, TokenRow};

/// The moment at which every test begins: 2026-11-21T10:00:00Z.
pub const START: Timestamp = Timestamp::from_seconds(1_795_255_200);

type Driver = Box<dyn FnMut(&DriverRequest) -> Result<Outcome, CommandError> + Send>;

pub struct House {
    pub router: Router,
    pub store: Store,
    pub live: Arc<LiveView>,
    pub keyring: Arc<TokenCache>,
    pub stop: CancellationToken,
    lease: Lease,
    clock: Arc<AtomicI64>,
    wishes: Arc<Mutex<Vec<DriverRequest>>>,
    driver: Arc<Mutex<Driver>>,
    _dir: tempfile::TempDir,
}

/// What came back.
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl House {
    /// Open to everybody, as on loopback without tokens.
    pub async fn open() -> House {
        House::with(Rulebook::empty(), |_| {}).await
    }

    pub async fn with(rulebook: Rulebook, change: impl FnOnce(&mut ApiSettings)) -> House {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}/w.db", dir.path().display())).await.unwrap();
        let lease = store.take_lease("test").await.unwrap();
        let live = Arc::new(LiveView::new(Arc::new(rulebook)));
        live.set_readiness(Readiness::Ready);
        let clock = Arc::new(AtomicI64::new(START.as_micros()));
        let ticking = Arc::clone(&clock);
        let now: Now = Arc::new(move || match ticking.load(Ordering::SeqCst) {
            i64::MIN => panic!("the clock fails, as this test asked for"),
            micros => Timestamp::from_micros(micros),
        });
        let metrics = Arc::new(Metrics::new());
        let keyring = Arc::new(TokenCache::new(store.clone(), Arc::clone(&now), true));
        let (commands, mut asked) = CommandQueue::new();
        let wishes: Arc<Mutex<Vec<DriverRequest>>> = Arc::default();
        let driver: Arc<Mutex<Driver>> = Arc::new(Mutex::new(Box::new(agree)));
        let (seen, answering) = (Arc::clone(&wishes), Arc::clone(&driver));
        tokio::spawn(async move {
            // An engine that has seen nothing.
            let engine = watchfire::core::engine::Engine::new(None);
            while let Some(asked) = asked.recv().await {
                if let DriverRequest::Question { question, answer } = asked.wish {
                    let _ = answer.send(engine.explain(START, &question));
                    continue;
                }
                let answer = answering.lock().unwrap()(&asked.wish);
                seen.lock().unwrap().push(asked.wish);
                let _ = asked.reply.send(answer);
            }
        });
        let mut settings = ApiSettings::new(START);
        change(&mut settings);
        let stop = CancellationToken::new();
        let state = ApiState {
            store: store.clone(),
            live: Arc::clone(&live),
            commands,
            intake: intake(&live, &metrics, &now),
            metrics,
            keyring: Arc::clone(&keyring),
            steady: Arc::clone(&now),
            now,
            stop: stop.clone(),
            settings,
        };
        let router = router(state, watchfire::console::endpoints());
        House { router, store, live, keyring, stop, lease, clock, wishes, driver, _dir: dir }
    }

    /// As the driver does: commit, then show.
    pub async fn commit(&self, effects: Vec<Effect>) {
        let batch = Batch { effects, ..Batch::default() };
        self.store.commit(&self.lease, &batch).await.unwrap();
        self.live.apply(batch.effects);
    }

    pub async fn bury(&self, letter: DeadLetter) {
        let batch = Batch { dead_letters: vec![letter], ..Batch::default() };
        self.store.commit(&self.lease, &batch).await.unwrap();
    }

    /// A token of that name and role; its secret is `secret-NAME`.
    pub async fn token(&self, name: &str, role: TokenRole) -> String {
        let secret = format!("secret-{name}");
        let sha256 = token_digest(&secret);
        let row = TokenRow { name: name.to_owned(), role, sha256, created_at: START, revoked_at: None };
        self.store.add_token(&row).await.unwrap();
        secret
    }

    pub fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    pub fn break_clock(&self) {
        self.clock.store(i64::MIN, Ordering::SeqCst);
    }

    pub fn answer_with(&self, driver: impl FnMut(&DriverRequest) -> Result<Outcome, CommandError> + Send + 'static) {
        *self.driver.lock().unwrap() = Box::new(driver);
    }

    /// The wishes since the last time this was asked.
    pub fn wishes(&self) -> Vec<DriverRequest> {
        std::mem::take(&mut self.wishes.lock().unwrap())
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], "").await
    }

    pub async fn post(&self, path: &str, body: &str) -> Reply {
        self.send("POST", path, &[("content-type", "application/json")], body).await
    }

    /// A header of an empty name changes nothing; `host` is 127.0.0.1 unless given.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        self.send_bytes(method, path, headers, body.as_bytes().to_vec()).await
    }

    pub async fn send_bytes(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Reply {
        let response = self.respond(method, path, headers, body).await;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    pub async fn respond(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> axum::response::Response {
        let mut request = Request::builder().method(method).uri(path);
        if headers.iter().all(|(name, _)| *name != "host") {
            request = request.header("host", "127.0.0.1:7247");
        }
        for (name, value) in headers.iter().filter(|(name, _)| !name.is_empty()) {
            request = request.header(*name, *value);
        }
        let peer: SocketAddr = "127.0.0.1:40000".parse().unwrap();
        let request = request.extension(ConnectInfo(peer)).body(Body::from(body)).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }
}

impl Reply {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// A problem+json of that status whose detail holds the words.
    #[track_caller]
    pub fn is_problem(&self, status: u16, words: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], "about:blank");
        assert!(problem["title"].is_string());
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{detail:?} does not hold {words:?}");
    }
}

/// A driver to whom everything is allowed.
fn agree(wish: &DriverRequest) -> Result<Outcome, CommandError> {
    Ok(match wish {
        DriverRequest::Command(command) => match &command.action {
            Action::Incident { id, .. } => Outcome::Incident { id: *id, version: 2 },
            Action::Problem { id, .. } => Outcome::Problem { id: *id, version: 2 },
            Action::Run { id, .. } => Outcome::Run { id: *id, version: 2 },
            Action::Staff(_) => Outcome::Staff { id: Some(1) },
            Action::StartRun { .. } => Outcome::Run { id: watchfire::core::model::RunId(7), version: 1 },
        },
        DriverRequest::Silence { change, .. } => match change {
            SilenceChange::Put { id, .. } => Outcome::Silence { id: id.unwrap_or(super::samples::silence_id(99)) },
            SilenceChange::Expire(id) => Outcome::Silence { id: *id },
        },
        DriverRequest::Question { .. } => unreachable!("the house answers questions by itself"),
        DriverRequest::Reload { .. } => {
            Outcome::Rulebook { hash: watchfire::core::rules::RulebookHash([0; 32]), changed: false }
        }
    })
}

/// An intake whose driver keeps everything.
fn intake(live: &Arc<LiveView>, metrics: &Arc<Metrics>, now: &Now) -> HttpIntake {
    let (intake, mut deliveries) = Intake::new(1000);
    tokio::spawn(async move {
        while let Some(delivery) = deliveries.recv().await {
            let (parcel, reply, _room) = delivery.into_parts();
            let events = match parcel {
                watchfire::ingest::Submission::Events(events)
                | watchfire::ingest::Submission::Partly { events, .. } => events.len(),
                watchfire::ingest::Submission::DeadLetter(_) | watchfire::ingest::Submission::Presence(_) => 1,
            };
            let _ = reply.send(Ok(vec![EventVerdict::Accepted; events]));
        }
    });
    let live = Arc::clone(live);
    let rulebook = Arc::new(move || live.rulebook());
    HttpIntake { intake, metrics: Arc::clone(metrics), rulebook, now: Arc::clone(now), body_max_bytes: 1 << 20 }
}
