//! Two processes on one database: one holds the lease, the other waits; the holder is killed, stopped, cut off or taken
//! from. Nothing acknowledged is lost, nobody is told twice but with the same key, and both say the truth of themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Mutex;

use super::{client, event, post};
use crate::support::postgres;
use crate::support::service::{PATIENCE, Service, Setup, rounds, signal, until};

/// How soon the other must have taken over; asked on a quiet machine only, in the long run.
const SOON: Duration = Duration::from_secs(5);

fn rules(receiver: &str) -> String {
    format!(
        r#"
teams:
  - {{ name: first-line, members: [desk], notify: [{{ webhook: {{ url: "http://{receiver}/" }} }}] }}
tiers:
  - {{ name: default, steps: [{{ tier: 1, team: first-line, respond_by: 1h, page_every: 1h }}] }}
rules:
  - {{ name: one-each, match: alertname="Adversity", by: [n], pattern: each, title: "第 {{n}} 件", settle: 0s }}
"#
    )
}

/// What a receiver got: the keys under which each incident was told, and how often each.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<BTreeMap<String, BTreeMap<String, u32>>>>);

impl Told {
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let told = self.clone();
        let app = Router::new().fallback(move |headers: HeaderMap, body: Bytes| async move {
            let notice: Value = serde_json::from_slice(&body).unwrap();
            let key = headers["idempotency-key"].to_str().unwrap().to_owned();
            assert_eq!(notice["id"], key, "{notice}");
            let subject = notice["subject"].as_str().unwrap().to_owned();
            *told.0.lock().await.entry(subject).or_default().entry(key).or_default() += 1;
        });
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        address
    }

    /// Each incident was told under one key, whatever happened; answers how many tellings were repeats.
    async fn check(&self, incidents: usize) -> u32 {
        until("every incident is told", async || (self.0.lock().await.len() >= incidents).then_some(())).await;
        let told = self.0.lock().await;
        let twice: Vec<_> = told.iter().filter(|(_, keys)| keys.len() > 1).collect();
        assert!(twice.is_empty(), "told under two keys: {twice:?}");
        told.values().flat_map(BTreeMap::values).map(|times| times - 1).sum()
    }
}

/// Two services on one database.
struct Pair {
    setups: [Setup; 2],
    /// Number of the next event, and those that were acknowledged.
    next: Arc<AtomicU64>,
    acknowledged: Arc<Mutex<BTreeSet<u64>>>,
    told: Told,
}

impl Pair {
    async fn new(database: Option<String>) -> Pair {
        let told = Told::default();
        let rules = rules(&told.listen().await);
        let first = Setup::new(&[("rules.yaml", &rules)]);
        let url = database.unwrap_or_else(|| format!("sqlite:{}", first.path("data/watchfire.db").display()));
        let second = Setup::new(&[("rules.yaml", &rules)]);
        let setups = [first, second].map(|setup| setup.with(&["--database-url", &url]));
        Pair { setups, next: Arc::default(), acknowledged: Arc::default(), told }
    }

    /// Sends event after event, each to one after the other until one of them acknowledges it.
    fn load(&self, stop: Arc<AtomicBool>) -> tokio::task::JoinHandle<()> {
        let (next, acknowledged) = (Arc::clone(&self.next), Arc::clone(&self.acknowledged));
        let bases = [0, 1].map(|number: usize| format!("http://{}", self.setups[number].http));
        tokio::spawn(async move {
            let impatient = reqwest::Client::builder().timeout(Duration::from_millis(500)).build().unwrap();
            let mut turn = tokio::time::interval(Duration::from_millis(5));
            while !stop.load(Ordering::Relaxed) {
                let n = next.fetch_add(1, Ordering::Relaxed);
                for base in bases.iter().cycle() {
                    turn.tick().await;
                    let sent = impatient.post(format!("{base}/api/v1/events")).json(&event(n)).send().await;
                    if sent.is_ok_and(|answer| answer.status() == 200) {
                        acknowledged.lock().await.insert(n);
                        break;
                    }
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                }
            }
        })
    }

    /// All that was acknowledged is there once.
    async fn check(&self, holder: &Service) {
        let acknowledged = self.acknowledged.lock().await;
        let there = super::numbers(holder).await;
        let lost: Vec<&u64> = acknowledged.iter().filter(|n| !there.contains_key(n)).collect();
        let doubled: Vec<_> = there.iter().filter(|(_, count)| **count != 1).collect();
        assert!(lost.is_empty() && doubled.is_empty(), "lost {lost:?}, doubled {doubled:?}");
        let repeats = self.told.check(there.len()).await;
        println!("{} acknowledged, {} there, {repeats} tellings repeated", acknowledged.len(), there.len());
    }
}

async fn ready(service: &Service) -> Option<(u16, String)> {
    let answer = service.client.get(format!("{}/-/ready", service.base)).timeout(Duration::from_secs(1)).send().await;
    let answer = answer.ok()?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}

async fn stands_by(service: &Service) {
    until("it stands by", async || {
        ready(service).await.filter(|(status, text)| *status == 503 && text.contains("standby"))
    })
    .await;
    let (status, ..) = post(&service.base, "/api/v1/events", &event(1_000_000)).await.unwrap();
    assert_eq!(status, 503, "a standby acknowledges nothing");
    let metrics = service.text("/metrics").await;
    assert!(metrics.contains("\nwatchfire_ready 0\n") && metrics.contains("\nwatchfire_cluster_is_lead 0\n"));
}

/// What becomes of the holder.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Killed,
    Stopped,
    /// As an administrator does it.
    Ended,
}

async fn take_turns(database: Option<String>) {
    let on_sqlite = database.is_none();
    let pair = Pair::new(database).await;
    let mut holder = pair.setups[0].start().await;
    let mut waiting = pair.setups[1].spawn();
    stands_by(&waiting).await;
    let stop = Arc::new(AtomicBool::new(false));
    let load = pair.load(Arc::clone(&stop));
    let rounds = rounds();
    let mut took = Vec::new();
    for round in 0..rounds {
        let so_far = pair.acknowledged.lock().await.len();
        until("events are taken", async || (pair.acknowledged.lock().await.len() > so_far + 20).then_some(())).await;
        let fault = [Fault::Killed, Fault::Stopped, Fault::Ended][round as usize % 3];
        #[expect(clippy::disallowed_methods, reason = "the take-over time is printed")]
        let watch = Instant::now();
        match fault {
            Fault::Killed => signal(&holder, "KILL"),
            Fault::Stopped => signal(&holder, "STOP"),
            Fault::Ended => signal(&holder, "TERM"),
        }
        until("the other takes over", async || ready(&waiting).await.filter(|(status, _)| *status == 200)).await;
        took.push((fault, watch.elapsed()));
        let metrics = waiting.text("/metrics").await;
        assert!(metrics.contains("\nwatchfire_cluster_is_lead 1\n"), "{fault:?}");
        if fault == Fault::Stopped && !on_sqlite {
            signal(&holder, "CONT");
        } else {
            // On SQLite a stopped holder was ended: it may have held the file's lock.
            tokio::time::timeout(PATIENCE, holder.process.wait()).await.expect("it is gone").unwrap();
            let number = usize::from(holder.base == format!("http://{}", pair.setups[1].http));
            holder = pair.setups[number].spawn();
        }
        stands_by(&holder).await;
        std::mem::swap(&mut holder, &mut waiting);
    }
    stop.store(true, Ordering::Relaxed);
    load.await.unwrap();
    pair.check(&holder).await;
    println!("took over after {took:.1?}");
    if rounds >= 50 {
        let late: Vec<_> = took.iter().filter(|(_, after)| *after > SOON).collect();
        assert!(late.is_empty(), "{late:?}");
    }
    for (service, words) in [(&holder, "took over from process"), (&waiting, "standby: process")] {
        assert!(service.log().contains(words), "{words:?} in {}", service.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_takes_over_from_a_holder_that_is_killed_stopped_or_ended_on_sqlite() {
    take_turns(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_takes_over_from_a_holder_that_is_killed_stopped_or_ended_on_postgres() {
    take_turns(Some(postgres::database().await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_holder_is_never_robbed_but_by_a_persons_word() {
    let pair = Pair::new(None).await;
    let first = pair.setups[0].start().await;
    let stop = Arc::new(AtomicBool::new(false));
    let load = pair.load(Arc::clone(&stop));
    let second = pair.setups[1].spawn();
    stands_by(&second).await;
    // Restarted again and again, as a supervisor does.
    signal(&second, "KILL");
    let second = pair.setups[1].spawn();
    stands_by(&second).await;
    let so_far = pair.acknowledged.lock().await.len();
    until("the first goes on", async || (pair.acknowledged.lock().await.len() > so_far + 50).then_some(())).await;
    assert_eq!(ready(&first).await.map(|(status, _)| status), Some(200));
    assert!(first.text("/metrics").await.contains("\nwatchfire_cluster_fenced_total 0\n"));
    assert!(second.terminate().await.success(), "a standby ends when it is told to");

    let mut forced = Setup::new(&[]);
    forced.arguments = pair.setups[1].arguments.clone();
    forced.arguments.push("--take-over".to_owned());
    let forced = forced.start().await;
    stands_by(&first).await;
    stop.store(true, Ordering::Relaxed);
    load.await.unwrap();
    pair.check(&forced).await;
}

/// A line to a server that the test cuts: bytes wait, connections stay.
struct Line {
    port: u16,
    is_cut: tokio::sync::watch::Sender<bool>,
}

impl Line {
    async fn to(port: u16) -> Line {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = Line { port: listener.local_addr().unwrap().port(), is_cut: tokio::sync::watch::Sender::new(false) };
        let cut = line.is_cut.subscribe();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let cut = cut.clone();
                tokio::spawn(async move {
                    let far = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                    tokio::join!(carry(near_in, far_out, cut.clone()), carry(far_in, near_out, cut));
                });
            }
        });
        line
    }
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut cut: tokio::sync::watch::Receiver<bool>,
) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if cut.wait_for(|cut| !cut).await.is_err() || to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_is_cut_off_is_followed_and_waits_when_the_line_is_back() {
    let url = postgres::database().await;
    let mut pair = Pair::new(Some(url.clone())).await;
    let parsed = reqwest::Url::parse(&url).unwrap();
    let line = Line::to(parsed.port().unwrap()).await;
    let mut through = parsed.clone();
    through.set_port(Some(line.port)).unwrap();
    *pair.setups[0].arguments.last_mut().unwrap() = through.to_string();
    let first = pair.setups[0].start().await;
    let second = pair.setups[1].spawn();
    stands_by(&second).await;
    let stop = Arc::new(AtomicBool::new(false));
    let load = pair.load(Arc::clone(&stop));
    until("events are taken", async || (pair.acknowledged.lock().await.len() > 20).then_some(())).await;
    line.is_cut.send_replace(true);
    until("the other takes over", async || ready(&second).await.filter(|(status, _)| *status == 200)).await;
    let (status, words) = ready(&first).await.unwrap();
    assert_eq!(status, 503, "{words}");
    assert!(first.text("/metrics").await.contains("\nwatchfire_ready 0\n"));
    line.is_cut.send_replace(false);
    stands_by(&first).await;
    assert!(first.text("/metrics").await.contains("\nwatchfire_cluster_fenced_total 1\n"));
    stop.store(true, Ordering::Relaxed);
    load.await.unwrap();
    pair.check(&second).await;
}

/// A start by mistake fails before it touches the service that runs: on a port, on a rule, on a mail server.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_start_ends_before_it_takes_anything() {
    let pair = Pair::new(None).await;
    let first = pair.setups[0].start().await;
    let ends = async |change: &dyn Fn(&mut Setup), words: &str| {
        let mut setup = Setup::new(&[("rules.yaml", super::RULES)]);
        setup.arguments.extend(pair.setups[1].arguments[4..].iter().cloned());
        change(&mut setup);
        let mut service = setup.spawn();
        let ended = tokio::time::timeout(PATIENCE, service.process.wait()).await.expect("it ends").unwrap();
        assert_eq!(ended.code(), Some(1), "{words}: {}", service.log());
        assert!(service.log().contains(words), "{words:?} in {}", service.log());
        let (status, ..) = post(&first.base, "/api/v1/events", &event(1)).await.unwrap();
        assert_eq!(status, 200, "{words}: the first goes on");
    };
    ends(&|setup| setup.http = pair.setups[0].http, "cannot listen on").await;
    ends(&|setup| setup.mqtt = pair.setups[0].mqtt, "built-in MQTT intake").await;
    ends(
        &|setup| {
            setup.arguments.extend(["--smtp-url", "smtp://{title}@x", "--smtp-from", "a@b.example"].map(String::from))
        },
        "smtp:",
    )
    .await;
    ends(&|setup| setup.arguments.extend(["--domain-label", "site"].map(String::from)), "domain label").await;
    assert!(!client().get(format!("{}/-/ready", first.base)).send().await.unwrap().status().is_server_error());
}
