//! The driver on a clock of the test's own, with a real store: a step of the wall clock is journaled, and time never
//! runs backwards.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::*;
use crate::core::engine::{Control, Input, JournalEntry};
use crate::core::model::{Event, Labels, Offset, Partition, Status, Timestamp};
use crate::ingest::{Intake, Submission};

struct Desk {
    wall: Arc<AtomicI64>,
    store: Store,
    intake: Intake,
    cancel: CancellationToken,
    _directory: tempfile::TempDir,
}

impl Desk {
    /// A driver whose wall clock stands at that second until it is set; nothing ever elapses.
    async fn start(second: i64) -> (Desk, Driver) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}", directory.path().join("钟.db").display())).await.unwrap();
        let lease = store.take_lease("test").await.unwrap();
        let wall = Arc::new(AtomicI64::new(second));
        let read = Arc::clone(&wall);
        let clock = Clock::new(
            Arc::new(move || Timestamp::from_seconds(read.load(Ordering::SeqCst))),
            Arc::new(|| TimeDelta::from_seconds(0)),
        );
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
            inputs: Inputs { events, commands, probes: probe_results, deliveries },
            snapshots: Snapshots::new(TimeDelta::from_days(1), 1 << 30, metrics),
            mark: HighWaterMark::default(),
            rule_reading: RuleReading::new(Arc::new(|| Err("no rules here".to_owned()))),
            domain_label: None,
            cancel: cancel.clone(),
        };
        (Desk { wall, store, intake, cancel, _directory: directory }, driver)
    }

    /// Sets the wall clock, and waits until an event was taken after that.
    async fn at(&self, second: i64) {
        self.wall.store(second, Ordering::SeqCst);
        let labels = Labels::from_pairs([("alertname", "钟"), ("n", second.to_string().as_str())]);
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
async fn steps_of_the_wall_clock_are_journaled_and_time_never_runs_backwards() {
    let (desk, driver) = Desk::start(1_000_000).await;
    let running = tokio::spawn(driver.run());
    for second in [1_000_000, 1_003_600, 1_001_800, 1_003_700] {
        desk.at(second).await;
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
    let seconds = TimeDelta::from_seconds;
    assert_eq!(steps, [(true, seconds(3_600)), (false, seconds(1_800)), (true, seconds(1_900))]);
    let taken: Vec<Timestamp> =
        journal.iter().filter(|entry| matches!(entry.input, Input::Correlator(_))).map(|entry| entry.now).collect();
    // Set back, it stands still until the wall clock has caught up.
    assert_eq!(taken, [1_000_000, 1_003_600, 1_003_600, 1_003_700].map(Timestamp::from_seconds));
    // What was journaled replays.
    recovery::recover(&desk.store, None).await.unwrap();
}
