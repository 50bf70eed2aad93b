//! The driver on clocks of the test's own, with a real store: what a step of the wall clock and a gap leave in the journal.

use super::super::service_manager::Pulse;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::super::clock::Reading;
use super::*;
use crate::core::engine::{Control, Input, JournalEntry};
use crate::core::model::{Event, Labels, Offset, Partition, Status, Timestamp};
use crate::ingest::{Intake, Submission};

struct Desk {
    elapsed: Arc<AtomicI64>,
    wrong: Arc<AtomicI64>,
    store: Store,
    intake: Intake,
    cancel: CancellationToken,
    _directory: tempfile::TempDir,
}

impl Desk {
    /// A driver whose clocks stand at that second until they are set.
    async fn start(second: i64) -> (Desk, Driver) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}", directory.path().join("钟.db").display())).await.unwrap();
        let lease = store.take_lease("test").await.unwrap();
        let (elapsed, wrong) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
        let (e, w) = (Arc::clone(&elapsed), Arc::clone(&wrong));
        let clock = Clock::new(Arc::new(move || Reading {
            wall: Timestamp::from_seconds(second + e.load(Ordering::SeqCst) + w.load(Ordering::SeqCst)),
            elapsed: TimeDelta::from_seconds(e.load(Ordering::SeqCst)),
        }));
        let engine = recovery::recover(&store, None).await.unwrap().engine;
        let (intake, events) = Intake::new(100);
        let (_, commands) = mpsc::channel(1);
        let (_, probe_results) = mpsc::channel(1);
        let (_, deliveries) = mpsc::channel(1);
        let metrics = Arc::new(Metrics::new());
        let cancel = CancellationToken::new();
        let driver = Driver {
            outputs: Outputs {
                live: Arc::new(LiveView::new(Arc::clone(engine.rulebook()))),
                metrics: Arc::clone(&metrics),
                probes: mpsc::unbounded_channel().0,
                notices: Arc::new(Notify::new()),
                self_monitoring: SelfMonitoring::new().0,
                pulse: Pulse::default(),
            },
            engine,
            store: store.clone(),
            lease,
            clock,
            inputs: Inputs {
                doors: Queues { events, commands, pulse: Pulse::default() },
                probes: probe_results,
                deliveries,
            },
            snapshots: Snapshots::new(TimeDelta::from_days(1), 1 << 30, metrics),
            mark: HighWaterMark::default(),
            rule_reading: RuleReading::new(Arc::new(|| Err("no rules here".to_owned()))),
            domain_label: None,
            last_round: None,
            fenced: CancellationToken::new(),
            cancel: cancel.clone(),
        };
        (Desk { elapsed, wrong, store, intake, cancel, _directory: directory }, driver)
    }

    /// So many seconds after the start, with the wall clock that far off, an event was taken.
    async fn at(&self, elapsed: i64, wrong: i64) {
        self.wrong.store(wrong, Ordering::SeqCst);
        self.elapsed.store(elapsed, Ordering::SeqCst);
        let labels = Labels::from_pairs([("alertname", "钟"), ("n", elapsed.to_string().as_str())]);
        let event = Event::new("native", Status::Firing, labels);
        self.intake.offer(Submission::Events(vec![event])).await.unwrap();
    }

    async fn journal(&self) -> Vec<JournalEntry> {
        let mut all = Vec::new();
        for partition in self.store.partitions().await.unwrap() {
            let entries = self.store.read_journal(partition, Offset(0), 1_000).await.unwrap();
            assert!(entries.is_sorted_by_key(|entry| entry.now), "time ran backwards in partition {partition}");
            if partition != Partition::DESK {
                all.extend(entries);
            }
        }
        all
    }
}

#[tokio::test]
async fn a_step_that_stands_is_journaled_once_and_time_goes_on_at_its_own_speed() {
    let (desk, mut driver) = Desk::start(1_000_000).await;
    let running = tokio::spawn(async move { driver.run().await });
    // A lasting step of an hour, a glitch of a day, a lasting step back.
    let seconds = [0, 1, 12, 13, 14, 15, 26, 27];
    for (elapsed, wrong) in seconds.into_iter().zip([0, 3_600, 3_600, 90_000, 3_600, -1_800, -1_800, -1_800]) {
        desk.at(elapsed, wrong).await;
    }
    desk.cancel.cancel();
    tokio::time::timeout(Duration::from_secs(60), running).await.unwrap().unwrap().unwrap();
    let journal = desk.journal().await;
    let steps: Vec<(bool, TimeDelta)> = journal
        .iter()
        .filter_map(|entry| match entry.input {
            Input::Control(Control::ClockStepped { forward, by }) => Some((forward, by)),
            _ => None,
        })
        .collect();
    assert_eq!(steps, [(true, TimeDelta::from_seconds(3_600)), (false, TimeDelta::from_seconds(5_400))]);
    let taken: Vec<Timestamp> =
        journal.iter().filter(|entry| matches!(entry.input, Input::Correlator(_))).map(|entry| entry.now).collect();
    let at = |elapsed: i64| Timestamp::from_seconds(1_000_000 + elapsed);
    // The desk says of each step that it happened: an event of its own behind it.
    let told = [at(12), at(26)];
    assert_eq!(taken.iter().filter(|now| !told.contains(now)).count() + 2 * told.len(), taken.len());
    assert!(seconds.iter().all(|elapsed| taken.contains(&at(*elapsed))), "{taken:?}");
    // What was journaled replays, with the offset.
    assert_eq!(recovery::recover(&desk.store, None).await.unwrap().engine.ahead(), -1_800_000_000);
}

#[tokio::test]
async fn a_loop_that_was_stopped_journals_its_gap() {
    let (desk, mut driver) = Desk::start(1_000_000).await;
    let running = tokio::spawn(async move { driver.run().await });
    for elapsed in [0, 10, 70, 80] {
        desk.at(elapsed, 0).await;
    }
    desk.cancel.cancel();
    tokio::time::timeout(Duration::from_secs(60), running).await.unwrap().unwrap().unwrap();
    let gaps: Vec<TimeDelta> = desk
        .journal()
        .await
        .iter()
        .filter_map(|entry| match entry.input {
            Input::Control(Control::Resumed { gap }) => Some(gap),
            _ => None,
        })
        .collect();
    assert_eq!(gaps, [TimeDelta::from_seconds(60)]);
}
