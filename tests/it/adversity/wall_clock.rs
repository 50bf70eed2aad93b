//! The wall clock is set while the service runs (libfaketime under the real binary; the monotonic clock stays true), and
//! the process is stopped and continued.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::service::{Service, Setup, is_long, program, signal, until};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const TEN_YEARS: i64 = 3_653 * DAY;

const RULES: &str = r#"
teams:
  - { name: first-line, members: [desk] }
  - { name: second-line, members: [experts] }
tiers:
  - name: default
    steps:
      - { tier: 1, team: first-line, respond_by: 6s, page_every: 10m }
      - { tier: 2, team: second-line, respond_by: 1h, page_every: 1h }
rules:
  - { name: link, match: alertname="LinkDown", by: [n], settle: 0s }
"#;

/// A machine whose wall clock the test sets.
struct Machine {
    setup: Setup,
    offset: PathBuf,
}

fn library() -> PathBuf {
    let found = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
        .map(|machine| PathBuf::from(format!("/usr/lib/{machine}/faketime/libfaketimeMT.so.1")));
    found.into_iter().find(|path| path.is_file()).expect("libfaketime is not installed; `tests/run` installs it")
}

impl Machine {
    fn new() -> Machine {
        let mut setup = Setup::new(&[("rules.yaml", RULES)]);
        let offset = setup.path("offset");
        setup.environment.extend(Machine::environment(&offset));
        let machine = Machine { setup, offset };
        machine.set(0);
        machine
    }

    fn environment(offset: &std::path::Path) -> [(String, String); 4] {
        [
            ("LD_PRELOAD", library().display().to_string()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("FAKETIME_TIMESTAMP_FILE", offset.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
    }

    /// Sets the wall clock that many seconds off.
    fn set(&self, seconds: i64) {
        // In one go: the library reads the file at every look at the clock.
        let new = self.offset.with_extension("new");
        std::fs::write(&new, format!("{seconds:+}")).unwrap();
        std::fs::rename(new, &self.offset).unwrap();
    }

    /// What both clocks show to a process on this machine.
    fn clocks(&self) -> (f64, f64) {
        let script = "print clock_gettime(CLOCK_REALTIME), ' ', clock_gettime(CLOCK_MONOTONIC)";
        let perl = std::process::Command::new(program("perl"))
            .args(["-MTime::HiRes=clock_gettime,CLOCK_REALTIME,CLOCK_MONOTONIC", "-e", script])
            .envs(Machine::environment(&self.offset))
            .output()
            .unwrap();
        let shown = String::from_utf8(perl.stdout).unwrap();
        let (wall, monotonic) = shown.split_once(' ').unwrap_or_else(|| panic!("{shown:?}"));
        (wall.parse().unwrap(), monotonic.parse().unwrap())
    }
}

async fn open(service: &Service, n: i64) -> Value {
    service.must_post("/api/v1/events", &json!({ "labels": { "alertname": "LinkDown", "n": n.to_string() } })).await;
    let n = n.to_string();
    service.incident("it opens", |one| one["key"]["n"] == n.as_str()).await
}

/// The ladder goes on: nobody responded, so the incident climbs.
async fn climbs(service: &Service, n: i64) {
    let n = n.to_string();
    service.incident("it climbs", |one| one["key"]["n"] == n.as_str() && one["tier"] == 2).await;
}

fn count(service: &Service, words: &str) -> usize {
    service.log().matches(words).count()
}

async fn offset(service: &Service) -> f64 {
    let metrics = service.text("/metrics").await;
    let line = metrics.lines().find_map(|line| line.strip_prefix("watchfire_clock_offset_seconds ")).unwrap();
    line.parse().unwrap()
}

/// Everything that people and tools need of it works.
async fn serves(service: &Service) {
    assert_eq!(super::status(service, "/-/ready").await, 200);
    for _ in 0..20 {
        assert_eq!(super::status(service, "/api/v1/incidents?limit=1").await, 200, "no bucket stays empty");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_glitch_of_the_wall_clock_stops_no_deadline_and_no_door() {
    let machine = Machine::new();
    let service = machine.setup.start().await;
    let before = machine.clocks();
    machine.set(TEN_YEARS);
    let after = machine.clocks();
    assert!(after.0 - before.0 > 9.9 * 365.0 * 86_400.0, "the wall clock is set: {before:?} {after:?}");
    assert!((0.0..60.0).contains(&(after.1 - before.1)), "the monotonic clock did not jump: {before:?} {after:?}");
    machine.set(0);
    for (n, step) in [3, -3, HOUR, -HOUR, DAY, TEN_YEARS].into_iter().enumerate() {
        let n = n as i64;
        open(&service, n).await;
        let (seen, over) = (count(&service, "the wall clock was stepped"), count(&service, "a glitch"));
        machine.set(step);
        until("it is seen", async || (count(&service, "the wall clock was stepped") > seen).then_some(())).await;
        serves(&service).await;
        machine.set(0);
        until("it is over", async || (count(&service, "a glitch") > over).then_some(())).await;
    }
    for n in 0..6 {
        climbs(&service, n).await;
    }
    serves(&service).await;
    assert_eq!(offset(&service).await, 0.0);
    assert_eq!(count(&service, "was stepped; civil time follows"), 0, "{}", service.log());
    assert!(service.terminate().await.success());
    machine.setup.start().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_stands_moves_civil_time_and_no_deadline() {
    let machine = Machine::new();
    let service = machine.setup.start().await;
    let steps: &[i64] = if is_long() { &[3, -3, HOUR, -HOUR, DAY, -DAY, TEN_YEARS] } else { &[DAY, -HOUR] };
    for (n, step) in steps.iter().enumerate() {
        let n = n as i64;
        let opened = open(&service, n).await;
        machine.set(*step);
        climbs(&service, n).await;
        until("it counts", async || ((offset(&service).await - *step as f64).abs() < 2.0).then_some(())).await;
        serves(&service).await;
        let timeline = service.get(&format!("/api/v1/incidents/{}/timeline", opened["id"].as_str().unwrap())).await;
        let lines = timeline["items"].as_array().unwrap();
        assert_eq!(lines.iter().filter(|line| line["kind"] == "escalated").count(), 1, "once: {timeline}");
    }
    let audit = service.get("/api/v1/audit?action=clock.step").await;
    assert_eq!(audit["items"].as_array().unwrap().len(), steps.len(), "{audit}");
    // The journal is not ahead of a clock that was set back for good.
    assert!(service.terminate().await.success());
    let service = machine.setup.start().await;
    assert!((offset(&service).await - steps[steps.len() - 1] as f64).abs() < 2.0);
    open(&service, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_stopped_goes_on_where_it_was() {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let service = setup.start().await;
    open(&service, 1).await;
    signal(&service, "STOP");
    let stopped_for = Duration::from_secs(if is_long() { 60 } else { 4 });
    tokio::time::timeout(stopped_for, std::future::pending::<()>()).await.unwrap_err();
    signal(&service, "CONT");
    climbs(&service, 1).await;
    until("it is ready again", async || (super::status(&service, "/-/ready").await == 200).then_some(())).await;
    open(&service, 2).await;
    assert_eq!(count(&service, "nothing was taken meanwhile"), usize::from(is_long()), "{}", service.log());
    assert!(service.text("/metrics").await.contains("\nwatchfire_cluster_fenced_total 0\n"));
}
