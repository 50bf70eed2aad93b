//! What random inputs of fixed seeds lead to, held against what they led to before: a change of structure changes none of
//! it, and a change of behaviour changes this file, where a reviewer sees it.
//!
//! Of each script three hashes stand in `golden.txt`: of its journal, of its records as they end, and of everything else,
//! input by input; `GOLDEN_DUMP=folder` writes the lines themselves, to be compared. Within one input the order of lines, and the running number of a notice or an audit line, say nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde::Serialize;
use serde_json::Value;

use super::generator;
use super::generator::{Script, rulebooks, script};
use super::stage;
use crate::core::engine::{
    AuditEntry, BatchOutput, CorrelatorInput, DeskInput, Effect, Input, JournalEntry, Notification, RecordChange,
    Request, Task,
};
use crate::core::incidents::{TimelineEntry, TimelineKind};
use crate::core::model::fnv1a;

/// How many scripts are played; each eighth by domain, which costs 64 times as much.
const SCRIPTS: usize = 48;

#[test]
fn fixed_inputs_lead_to_what_they_led_to_before() {
    let mut runner = TestRunner::deterministic();
    let mut found = String::new();
    for number in 0..SCRIPTS {
        let choices = generator::choices().new_tree(&mut runner).expect("choices").current();
        let script = script(number % 8 == 7, &choices);
        let (journal, records, rest) = told(&script);
        if let Ok(dir) = std::env::var("GOLDEN_DUMP") {
            let text = [&journal, &records, &rest].map(|lines| lines.join("\n")).join("\n----\n");
            std::fs::write(format!("{dir}/{number}.txt"), text).expect("a folder to write into");
        }
        let hash = |lines: &[String]| fnv1a(lines.join("\n").as_bytes());
        let (inputs, journal, records, rest) = (journal.len(), hash(&journal), hash(&records), hash(&rest));
        writeln!(found, "{number} {inputs} {journal:016x} {records:016x} {rest:016x}").expect("a string takes all");
    }
    let expected = include_str!("golden.txt");
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected, "script, its inputs, and the hashes of journal, records and rest");
    }
    assert_eq!(found.lines().count(), expected.lines().count());
}

/// The journal, the records as they end, and the rest, each as lines.
fn told(script: &Script) -> (Vec<String>, Vec<String>, Vec<String>) {
    let inputs = input_by_input(script);
    let mut records = BTreeMap::new();
    let (mut journal, mut rest) = (Vec::new(), Vec::new());
    for work in &inputs {
        journal.extend(work.entries.iter().map(|(partition, entry)| format!("{partition} {}", entry_line(entry))));
        let mut lines: Vec<String> = work.effects.iter().filter_map(|effect| line(effect, &mut records)).collect();
        lines.sort();
        rest.push("input".to_owned());
        rest.extend(lines);
    }
    (journal, records.into_iter().map(|(name, record)| format!("{name} {record}")).collect(), rest)
}

/// What each input, and each tick before it, led to by itself.
fn input_by_input(script: &Script) -> Vec<BatchOutput> {
    let mut engine = stage::engine(script.domain, rulebooks());
    let mut each = Vec::new();
    for (now, request) in &script.given {
        if !matches!(request, Request::Resumed { .. } | Request::ClockStepped { .. }) {
            stage::serve(&mut engine, *now, &mut BatchOutput::default(), |_, _, work| each.push(std::mem::take(work)));
        }
        let mut work = BatchOutput::default();
        engine.handle(*now, request.clone(), &mut work).expect("everything due was served");
        each.push(work);
    }
    each
}

fn entry_line(entry: &JournalEntry) -> String {
    let mut entry = entry.clone();
    match &mut entry.input {
        // How a command is hashed, and how many notices came before, is nobody's business.
        Input::Desk(DeskInput::SilenceOnce(once)) => once.once.asked.clear(),
        Input::Desk(DeskInput::Delivery(result)) => result.notice.n = 0,
        Input::Desk(DeskInput::Command(_) | DeskInput::Decision { .. } | DeskInput::Probe(_))
        | Input::Correlator(CorrelatorInput::Event(_) | CorrelatorInput::Resend(_) | CorrelatorInput::Silence(_))
        | Input::Control(_) => {}
    }
    json(&entry).to_string()
}

/// One effect in a line; a record goes among the records instead.
fn line(effect: &Effect, records: &mut BTreeMap<String, Value>) -> Option<String> {
    let mut keep = |name: &str, id: &dyn std::fmt::Display, record: Value| {
        records.insert(format!("{name} {id}"), record);
        None
    };
    match effect {
        Effect::Record(change) => match change {
            RecordChange::Alert(alert) => keep("alert", &alert.fingerprint, json(alert)),
            RecordChange::Incident(record) => keep("incident", &record.id, json(record)),
            RecordChange::Problem(record) => keep("problem", &record.id, json(record)),
            RecordChange::Run(record) => keep("run", &record.id, json(record)),
            RecordChange::Silence(record) => keep("silence", &record.id, json(record)),
            RecordChange::Timeline(entry) => Some(timeline_line(entry)),
            RecordChange::Audit(entry) => Some(audit_line(entry)),
            RecordChange::Delivery(result) => {
                Some(format!("delivery {} {} {:?}", result.subject, result.attempt, result.outcome))
            }
            RecordChange::Membership { .. } | RecordChange::Evidence { .. } => Some(json(change).to_string()),
        },
        Effect::Live(change) => Some(json(change).to_string()),
        Effect::Do(Task::Notice(notice)) => Some(notice_line(notice)),
        Effect::Do(task @ Task::Probe(_)) => Some(json(task).to_string()),
        Effect::Count(counted) => Some(format!("count {counted:?}")),
    }
}

fn timeline_line(entry: &TimelineEntry) -> String {
    let TimelineEntry { incident, at, kind, actor, text, tier, outage, .. } = entry;
    // The name of a notice holds its running number.
    let is_delivery = [TimelineKind::Delivered, TimelineKind::DeliveryFailed].contains(kind);
    let text = if is_delivery { text.split(" at ").last().unwrap_or_default() } else { text };
    format!("timeline {incident} {at} {kind:?} {actor:?} {text:?} {tier:?} {outage:?}")
}

fn audit_line(entry: &AuditEntry) -> String {
    let AuditEntry { cause: _, at, actor, role, action, subject, detail, refused, .. } = entry;
    format!("audit {at} {actor:?} {role} {action} {subject:?} {detail:?} {refused:?}")
}

fn notice_line(notice: &Notification) -> String {
    let Notification { cause: _, at, kind, channel, team, person, tier, subject, title, body, language } = notice;
    let body: Value = serde_json::from_str(body).expect("a record as JSON");
    format!(
        "notice {at} {} {channel:?} {team} {person:?} {tier:?} {subject} {title:?} {language:?} {body}",
        kind.as_str()
    )
}

/// With its keys in order, whatever the order of the fields.
fn json(what: &impl Serialize) -> Value {
    serde_json::to_value(what).expect("plain data")
}
