//! An escalation, a dispatch and a run, killed at every step: whatever snapshot and tail a life goes on from, its
//! records, notices and audit are those of the life that was never interrupted.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::stage;
use super::stage::{Bytes, Given, START};
use crate::core::engine::{
    Action, BatchOutput, Command, DeskInput, Effect, Engine, IncidentAction, JournalEntry, RecordChange, Request,
    RunAction, Task,
};
use crate::core::inspections::{ItemOutcome, ProbeResult};
use crate::core::model::{Event, IncidentId, Labels, Partition, RunId, Status, TimeDelta, Timestamp};
use crate::core::rules::Rulebook;

const RULES: &str = r#"
people:
  - { name: 一线甲, limit: 1 }
  - { name: 一线乙, limit: 1 }
teams:
  - { name: first, members: [一线甲, 一线乙], dispatch: least_loaded, notify: [{ webhook: { url: "http://127.0.0.1:1/first" } }] }
  - { name: second, members: [专家], notify: [{ webhook: { url: "http://127.0.0.1:1/second" } }] }
tiers:
  - name: default
    steps:
      - { tier: 1, team: first, respond_by: 60s, page_every: 25s, resolve_by: 5m }
      - { tier: 2, team: second, respond_by: 90s, page_every: 40s }
rules:
  - { name: link, match: alertname="LinkDown", by: [site], title: "{site} 链路中断", notify_delay: 5s, resolve_after: 20s, reopen_within: 2m }
  - { name: found, match: '@source="inspection"', by: [alertname, plan, item], notify_delay: 0s, resolve_after: 5s }
inspections:
  - name: 巡检
    schedule: "*/10 * * * *"
    zone: Asia/Shanghai
    team: first
    due_within: 4m
    missed_after: 8m
    sign_off: true
    slots: { every: 2m, for: 4m, within: 90s }
    items:
      - { name: 电压, warn: "> 230", fail: "> 240", tcp: { address: "127.0.0.1:1" } }
      - { name: 外观, title: 机房外观, manual: { evidence: true } }
"#;

static RULEBOOK: LazyLock<Arc<Rulebook>> = LazyLock::new(|| stage::rulebook(RULES));

/// What the outside does next, and after how many seconds.
#[derive(Clone, Debug)]
enum Step {
    Alert { site: u8, fires: bool },
    Incident { which: u8, verb: u8 },
    Run { which: u8, verb: u8, outcome: u8 },
    Probe { which: u8, value: u8 },
    Quiet,
}

fn steps() -> impl Strategy<Value = Vec<(u8, Step)>> {
    let step = prop_oneof![
        3 => (0..3_u8, any::<bool>()).prop_map(|(site, fires)| Step::Alert { site, fires }),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(which, verb)| Step::Incident { which, verb }),
        3 => (any::<u8>(), any::<u8>(), any::<u8>()).prop_map(|(which, verb, outcome)| Step::Run { which, verb, outcome }),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(which, value)| Step::Probe { which, value }),
        2 => Just(Step::Quiet),
    ];
    prop::collection::vec((any::<u8>(), step), 8..28)
}

/// A life that nothing interrupted: every input with its ticks, and what had come of them after each.
struct Life {
    inputs: Vec<Given>,
    /// How many entries and effects there were, and the state: before the first input and after each.
    marks: Vec<(usize, usize, Vec<Bytes>)>,
    work: BatchOutput,
    end: Engine,
}

fn mark(engine: &Engine, work: &BatchOutput) -> (usize, usize, Vec<Bytes>) {
    (work.entries.len(), work.effects.len(), stage::bytes(engine))
}

fn live(steps: &[(u8, Step)]) -> Life {
    let (mut engine, mut work) = (stage::engine(None, &[Arc::clone(&RULEBOOK)]), BatchOutput::default());
    let mut life = Vec::new();
    let mut inputs = Vec::new();
    let mut give = |engine: &mut Engine, work: &mut BatchOutput, given: Given| {
        // First with its ticks on a copy of the outside's word, then one by one, so that a kill falls between any two.
        let mut probe = BatchOutput::default();
        let mut ahead = copy(engine);
        let with_ticks = stage::play_telling(&mut ahead, &given, &mut probe);
        for one in with_ticks {
            life.push(mark(engine, work));
            stage::give_exactly(engine, std::slice::from_ref(&one), work);
            inputs.push(one);
        }
    };
    let mut now = START;
    give(&mut engine, &mut work, (now, Request::Rulebook(RULEBOOK.hash)));
    for (wait, step) in steps {
        now = now + TimeDelta::from_seconds(i64::from(*wait % 100));
        let request = request(step, now, &engine);
        give(&mut engine, &mut work, (now, request));
    }
    life.push(mark(&engine, &work));
    Life { inputs, marks: life, work, end: engine }
}

fn restore(bytes: &[Bytes]) -> Engine {
    let saved = bytes.iter().map(stage::saved).collect();
    Engine::restore(None, vec![Arc::clone(&RULEBOOK)], saved).expect("a snapshot that reads back")
}

fn copy(engine: &Engine) -> Engine {
    let mut copy = restore(&stage::bytes(engine));
    copy.settle_rulebook();
    copy
}

fn command(actor: &str, action: Action) -> Request {
    let (actor, role) = (actor.to_owned(), "first_line".to_owned());
    Request::Desk(DeskInput::Command(Box::new(Command { actor, role, idempotency_key: None, if_match: None, action })))
}

fn request(step: &Step, now: Timestamp, engine: &Engine) -> Request {
    match step {
        Step::Alert { site, fires } => {
            let labels = Labels::from_pairs([
                ("alertname", "LinkDown"),
                ("site", ["广州01", "深圳02", "佛山03"][usize::from(*site)]),
            ]);
            let status = if *fires { Status::Firing } else { Status::Resolved };
            let mut event = Event::new("tools", status, labels);
            event.occurred_at = Some(now);
            Request::Event(Box::new(event))
        }
        Step::Incident { which, verb } => {
            let id = IncidentId(u64::from(*which % 4) + 1);
            let text = || "已处理".to_owned();
            let action = match verb % 6 {
                0 => IncidentAction::Acknowledge { note: None },
                1 => IncidentAction::Escalate { diagnosis: text() },
                2 => IncidentAction::Assign { assignee: "一线甲".to_owned() },
                3 => IncidentAction::Comment { text: text() },
                4 => IncidentAction::Reopen { reason: text() },
                _ => IncidentAction::Close { note: None },
            };
            command("一线甲", Action::Incident { id, action })
        }
        Step::Run { which, verb, outcome } => {
            let id = RunId(u64::from(*which % 3) + 1);
            let slot =
                ["外观@08:00", "外观@08:02", "外观@08:10", "外观@08:12", "外观@08:20"][usize::from(*outcome) % 5];
            let action = match verb % 6 {
                0..=2 => RunAction::RecordItem {
                    item: slot.to_owned(),
                    outcome: ItemOutcome::ALL[usize::from(*verb) % 3],
                    evidence: "照片".to_owned(),
                    value: None,
                    found: None,
                },
                3 => RunAction::SignOff { note: None },
                4 => RunAction::Reject { reason: "重做".to_owned() },
                _ => RunAction::Skip { reason: "停电".to_owned() },
            };
            command("一线乙", Action::Run { id, action })
        }
        Step::Probe { which, value } => {
            let asked = engine.pending_probes();
            let (run, item) = match asked.get(usize::from(*which) % asked.len().max(1)) {
                Some(probe) => (probe.run, probe.item.clone()),
                None => (RunId(9), "电压@08:00".to_owned()),
            };
            let (outcome, evidence, value) =
                (ItemOutcome::Pass, "电压表".to_owned(), Some(200.0 + f64::from(*value % 60)));
            Request::Desk(DeskInput::Probe(ProbeResult { run, item, outcome, evidence, value, found: None }))
        }
        Step::Quiet => command("一线甲", Action::StartRun { plan: "没有".to_owned() }),
    }
}

/// Goes on from a kill before input `at`, out of the snapshot taken before input `from`: what was committed is replayed
/// and its effects are not made again; what comes after is made once.
fn killed(life: &Life, from: usize, at: usize) -> (Engine, Vec<Effect>) {
    let mut engine = restore(&life.marks[from].2);
    let tail: Vec<(Partition, JournalEntry)> = life.work.entries[life.marks[from].0..life.marks[at].0].to_vec();
    let order = stage::order(&engine, 0);
    stage::replay(&mut engine, &tail, &order);
    let mut work = BatchOutput::default();
    stage::give_exactly(&mut engine, &life.inputs[at..], &mut work);
    let committed = life.work.effects[..life.marks[at].1].iter().cloned();
    (engine, committed.chain(work.effects).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn a_kill_at_any_step_of_an_escalation_a_dispatch_or_a_run_changes_no_outcome(steps in steps(), seed: usize) {
        let life = live(&steps);
        for at in 0..=life.inputs.len() {
            // A snapshot at, or some way before, the kill.
            let from = at - (seed.wrapping_mul(at + 7) >> 5) % (at + 1);
            let (engine, effects) = killed(&life, from, at);
            stage::assert_same_state(&engine, &life.end);
            prop_assert_eq!(effects.len(), life.work.effects.len(), "killed before input {}, from {}", at, from);
            for (n, (found, expected)) in effects.iter().zip(&life.work.effects).enumerate() {
                prop_assert_eq!(found, expected, "killed before input {}, from {}: effect {}", at, from, n);
            }
            let mut told = BTreeSet::new();
            for effect in &effects {
                if let Effect::Do(Task::Notice(notice)) = effect {
                    prop_assert!(told.insert(notice.cause), "{} told twice", notice.cause);
                }
            }
        }
    }
}

/// The random lives must reach what they are killed in.
#[test]
fn lives_that_are_killed_hold_escalations_dispatches_and_runs() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut escalated, mut assigned, mut ended, mut found, mut inputs) = (0, 0, 0, 0, 0);
    for _ in 0..12 {
        let life = live(&steps().new_tree(&mut runner).expect("steps").current());
        inputs += life.inputs.len();
        for effect in &life.work.effects {
            match effect {
                Effect::Record(RecordChange::Incident(incident)) => {
                    escalated += usize::from(incident.escalations > 0);
                    assigned += usize::from(incident.assignee.is_some());
                    found += usize::from(!incident.findings.is_empty());
                }
                Effect::Record(RecordChange::Run(run)) => ended += usize::from(run.state.is_ended()),
                _ => {}
            }
        }
    }
    println!(
        "{inputs} kill points: {escalated} escalated, {assigned} assigned, {ended} runs ended, {found} found by runs"
    );
    assert!(
        [escalated, assigned, ended, found].iter().all(|count| *count > 0),
        "{escalated} {assigned} {ended} {found}"
    );
}
