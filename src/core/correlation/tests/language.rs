//! The small language of the scenarios.
//!
//! Rules, one a line: `name: matchers | pattern | options`; inhibitions: `inhibit: source -> target | a,b | through=8`;
//! the bar has blanks around it. Items of the inventory: `item: name < what,it,depends,on`. `holding_language` reads the
//! lines for suppression. Steps, one a line: `10s firing LinkDown site=GZ01 !at=8s`. Names beginning with `!` are no
//! labels.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::{CorrelationMetric, Normalised, Output, Refused, SilenceInput, Verdict};
use crate::core::model::{
    Cause, Event, Expiry, Fingerprint, Labels, Matchers, Offset, Partition, Severity, Silence, SilenceId, Stamp,
    Status, TimeDelta, Timestamp,
};
use crate::core::rules::{
    Actions, Counts, Expression, Inhibition, Pattern, Rule, RuleText, Rulebook, Semantics, Through, load,
};

/// Start of every scenario: 2026-02-13T00:00:00Z.
pub(super) const START: Timestamp = Timestamp::from_seconds(1_770_940_800);

pub(super) struct Step {
    pub at: Timestamp,
    pub verb: Verb,
}

pub(super) enum Verb {
    Event(Box<Event>),
    Silence(SilenceInput),
    Tick,
    Resumed(TimeDelta),
    Rules(usize),
}

pub(super) fn rulebook(text: &str) -> Arc<Rulebook> {
    if let Some(files) = text.strip_prefix("--- ") {
        return rulebook_of_files(files);
    }
    let mut rulebook = Rulebook::empty();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, rest) = line.split_once(':').unwrap();
        let parts: Vec<&str> = rest.split(" | ").map(str::trim).collect();
        if super::holding_language::read(&mut rulebook, name, &parts) {
            continue;
        }
        if name == "inhibit" {
            let (source, target) = parts[0].split_once("->").unwrap();
            let equal = parts.get(1).unwrap_or(&"").split(',').filter(|name| !name.is_empty());
            rulebook.inhibitions.push(Inhibition {
                name: line.to_owned(),
                source: Matchers::parse(source.trim()).unwrap(),
                target: Matchers::parse(target.trim()).unwrap(),
                equal: equal.map(str::to_owned).collect(),
                through: parts
                    .get(2)
                    .map(|hops| Through { hops: hops.trim_start_matches("through=").parse().unwrap() }),
            });
        } else {
            rulebook.rules.push(rule(name, parts[0], parts[1], parts.get(2).unwrap_or(&"")));
        }
    }
    Arc::new(rulebook)
}

/// A rule as rule files write it: `{pattern: …}` or `yaml` as the pattern, further keys as the options; `-` for no match.
fn written(name: &str, matchers: &str, pattern: &str, options: &str) -> Rule {
    let matches = if matchers == "-" { String::new() } else { format!(", match: '{matchers}'") };
    let pattern = if pattern == "yaml" { String::new() } else { format!(", pattern: {pattern}") };
    let options = if options.is_empty() { String::new() } else { format!(", {options}") };
    let text = format!("rules:\n  - {{name: {name}{matches}{pattern}{options}}}\n");
    let file = RuleText { path: "x.yaml".to_owned(), text };
    let loaded = load(vec![file.clone()]).unwrap_or_else(|mistakes| panic!("{}\n{mistakes:?}", file.text));
    loaded.rulebook.rules[0].clone()
}

/// Whole rule files, each after a line `--- path`.
fn rulebook_of_files(files: &str) -> Arc<Rulebook> {
    let texts = files.split("\n--- ").map(|file| {
        let (path, text) = file.split_once('\n').unwrap();
        RuleText { path: path.to_owned(), text: format!("{text}\n") }
    });
    Arc::new(load(texts.collect()).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).rulebook)
}

fn rule(name: &str, matchers: &str, pattern_text: &str, options: &str) -> Rule {
    if pattern_text.starts_with('{') || pattern_text == "yaml" {
        return written(name, matchers, pattern_text, options);
    }
    let pattern = pattern(pattern_text);
    let within = pattern.waits().unwrap_or(TimeDelta::ZERO);
    let mut rule = Rule {
        name: name.to_owned(),
        matchers: Matchers::parse(matchers).unwrap(),
        unless: Vec::new(),
        when: None,
        by: Vec::new(),
        one_group: false,
        pattern,
        counts: Counts::Transitions,
        semantics: Semantics::Own,
        guard: None,
        actions: Actions::default(),
        opens_incident: true,
        continues: false,
        because: None,
        title: "{alertname} at {site}, {count}".to_owned(),
        severity: None,
        priority: None,
        ladder: "default".to_owned(),
        after_hours: None,
        pages: true,
        notify_times: Default::default(),
        tells_new_alerts: None,
        runbook: None,
        playbook: None,
        settle: TimeDelta::ZERO,
        resolve_after: TimeDelta::ZERO,
        close_after: None,
        reopen_within: TimeDelta::ZERO,
        quiet: None,
        otherwise_after: within.min(TimeDelta::from_minutes(15)),
        groups: true,
        grading: Default::default(),
        shape: 0,
    };
    let mut shape = format!("{matchers}|{pattern_text}");
    for option in options.split_whitespace() {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        match name {
            "by" => rule.by = value.split(',').map(str::to_owned).collect(),
            "continue" => rule.continues = true,
            "messages" => rule.counts = Counts::Messages,
            "because" => rule.because = Some("it means to".to_owned()),
            "quiet" => rule.quiet = Some(value.parse().unwrap()),
            "otherwise" => rule.otherwise_after = value.parse().unwrap(),
            "severity" => rule.severity = Some(value.parse().unwrap()),
            "when" => rule.when = Some(Expression::condition(value).unwrap()),
            "title" => rule.title = value.to_owned(),
            other => panic!("unknown option {other}"),
        }
        if !["title", "because", "otherwise", "severity"].contains(&name) {
            shape.push_str(option);
        }
    }
    rule.shape = Labels::from_pairs([("shape", &shape)]).fingerprint().0;
    rule
}

fn pattern(text: &str) -> Pattern {
    let words: Vec<&str> = text.split_whitespace().collect();
    let span = |word: &str| word.parse::<TimeDelta>().unwrap();
    match words.as_slice() {
        ["each"] => Pattern::Each,
        ["threshold", count, "in", within] => {
            Pattern::Threshold { count: count.parse().unwrap(), within: span(within), clear: 1, distinct: None }
        }
        ["threshold", count, "in", within, "clear", clear] => Pattern::Threshold {
            count: count.parse().unwrap(),
            within: span(within),
            clear: clear.parse().unwrap(),
            distinct: None,
        },
        ["pair", "until", until] => Pattern::Pair { until: Matchers::parse(until).unwrap(), within: None },
        ["pair", "until", until, "within", within] => {
            Pattern::Pair { until: Matchers::parse(until).unwrap(), within: Some(span(within)) }
        }
        ["absence", within] => Pattern::Absence { within: span(within) },
        other => panic!("unknown pattern {other:?}"),
    }
}

pub(super) fn scenario(text: &str) -> Vec<Step> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(step).collect()
}

pub(super) fn at(text: &str) -> Timestamp {
    START + text.parse::<TimeDelta>().unwrap()
}

fn step(line: &str) -> Step {
    let words: Vec<&str> = line.split_whitespace().collect();
    let verb = match words[1] {
        "firing" => Verb::Event(event(Status::Firing, Expiry::Never, "native", &words[2..])),
        "resolved" => Verb::Event(event(Status::Resolved, Expiry::Never, "native", &words[2..])),
        "point" => Verb::Event(event(Status::Point, Expiry::Never, "trap", &words[2..])),
        "v2" => Verb::Event(event(Status::Firing, Expiry::AlertmanagerV2, "v2", &words[2..])),
        "silence" => Verb::Silence(silence(&words[2..])),
        "expire" => Verb::Silence(SilenceInput::Expire(silence_id(words[2]))),
        "tick" => Verb::Tick,
        "resumed" => Verb::Resumed(words[2].parse().unwrap()),
        "rules" => Verb::Rules(words[2].parse().unwrap()),
        other => panic!("unknown verb {other}"),
    };
    Step { at: at(words[0]), verb }
}

fn event(status: Status, expiry: Expiry, source: &str, words: &[&str]) -> Box<Event> {
    let mut labels = vec![("alertname", words[0])];
    let mut event = Event::new(source, status, Labels::empty());
    event.expiry = expiry;
    for word in &words[1..] {
        let (name, value) = word.split_once('=').unwrap();
        match name {
            "!at" => event.occurred_at = Some(at(value)),
            "!starts" => event.starts_at = Some(Stamp::utc(at(value))),
            "!ends" => event.ends_at = Some(Stamp::utc(at(value))),
            "!expires" => event.expiry = Expiry::After(value.parse().unwrap()),
            "!id" => event.id = Some(value.to_owned()),
            "!source" => event.source = value.to_owned(),
            "!severity" => event.severity = Some(value.parse::<Severity>().unwrap()),
            "!summary" => event.summary = value.replace('~', " "),
            "!note" => event.annotations = Labels::from_pairs([("note", value)]),
            "!value" => event.value = Some(value.parse().unwrap()),
            "!raw" => event.raw = Some(value.to_owned()),
            _ => labels.push((name, value)),
        }
    }
    event.labels = Labels::from_pairs(labels);
    Box::new(event)
}

/// `S1 matchers 10s..60s` creates, `S1>S2 …` changes S1 and offers S2 as the new id.
fn silence(words: &[&str]) -> SilenceInput {
    let (old, new) = words[0].split_once('>').map_or((None, words[0]), |(old, new)| (Some(silence_id(old)), new));
    let (starts, ends) = words[2].split_once("..").unwrap();
    let matchers = Matchers::parse(words[1]).unwrap();
    let silence = Silence {
        id: silence_id(new),
        matchers,
        starts_at: Stamp::utc(at(starts)),
        ends_at: Stamp::utc(at(ends)),
        updated_at: START,
        created_by: "运维".to_owned(),
        comment: String::new(),
        annotations: Labels::empty(),
        until_resolved: words.get(3) == Some(&"until_resolved"),
    };
    SilenceInput::Put { id: old, silence }
}

pub(super) fn silence_id(name: &str) -> SilenceId {
    let number: u64 = name.trim_start_matches('S').parse().unwrap();
    SilenceId::from_cause(Cause { partition: Partition::DEFAULT, offset: Offset(number), n: 0 })
}

/// Labels by fingerprint, so that the output is readable.
#[derive(Default)]
pub(super) struct Names(BTreeMap<Fingerprint, String>);

impl Names {
    pub fn learn(&mut self, labels: &Labels) {
        self.0.insert(labels.fingerprint(), short(labels));
    }

    fn name(&self, fingerprint: Fingerprint) -> String {
        self.0.get(&fingerprint).cloned().unwrap_or_else(|| fingerprint.to_string())
    }

    fn readable(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (fingerprint, name) in &self.0 {
            text = text.replace(&fingerprint.to_string(), name);
        }
        for number in 0..10 {
            text = text.replace(&silence_id(&number.to_string()).to_string(), &format!("S{number}"));
        }
        text
    }

    pub fn show(&self, output: &Output) -> String {
        let text = match output {
            Output::AlertChanged(view) => {
                let held = view.held.as_deref().map(|held| format!(" ({held})")).unwrap_or_default();
                let by: Vec<String> = view.silenced_by.iter().map(|id| id.to_string()).collect();
                let over: Vec<String> =
                    view.inhibited_by.iter().chain(&view.explained_by).map(|by| self.name(*by)).collect();
                let others: Vec<String> = view.maintained_by.iter().chain(&view.storm).cloned().collect();
                let by = [by, over, others].concat().join("+");
                let by = if by.is_empty() { by } else { format!(" by {by}") };
                let (status, severity, labels) = (view.status.as_str(), view.severity, short(&view.labels));
                format!("alert {labels} {status} {severity} of {}{held}{by}", view.rule)
            }
            Output::AlertTouched { fingerprint, ends_at, .. } => {
                format!("touched {} until {}", self.name(*fingerprint), moment(ends_at.at))
            }
            Output::AlertForgotten { fingerprint } => format!("forgotten {}", self.name(*fingerprint)),
            Output::Decision(decision) => {
                let place = format!("{}{{{}}}", decision.rule, short(&decision.key));
                match &decision.verdict {
                    Verdict::Raised(raised) => {
                        let (members, evidence) = (raised.members.len(), raised.evidence.len());
                        let joins = raised.joins.as_ref().map(|joins| {
                            let because = joins.because.as_ref().map(|link| format!(": {link}")).unwrap_or_default();
                            format!(" with {}{{{}}}{because}", joins.rule, short(&joins.key))
                        });
                        let held = raised.held.as_ref().map(|by| format!(" held by {by}")).unwrap_or_default();
                        let joins = joins.unwrap_or_default();
                        let severity = raised.severity;
                        let unseen = if raised.counts_for_recurrence { "" } else { " (no recurrence)" };
                        format!("raised {place} {severity} {members} alerts {evidence} events{joins}{held}{unseen}")
                    }
                    Verdict::Joined { alert } => format!("joined {place} {} {}", short(&alert.labels), alert.severity),
                    Verdict::Left { fingerprint } => format!("left {place} {}", self.name(*fingerprint)),
                    Verdict::Held { by, pauses: false } => format!("held {place} by {by}"),
                    Verdict::Held { by, pauses: true } => format!("held {place} by {by}, paused"),
                    Verdict::Released => format!("released {place}"),
                    Verdict::Cleared => format!("cleared {place}"),
                    Verdict::Retired => format!("retired {place}"),
                    Verdict::Grouped(joins) => {
                        let because = joins.because.as_ref().map(|link| format!(": {link}")).unwrap_or_default();
                        format!("grouped {place} with {}{{{}}}{because}", joins.rule, short(&joins.key))
                    }
                }
            }
            Output::SilenceChanged(silence) => {
                format!("silence {} {}..{}", silence.id, moment(silence.starts_at.at), moment(silence.ends_at.at))
            }
            Output::SilenceForgotten { id } => format!("unsilence {id}"),
            Output::Answer(Ok(id)) => format!("answer {id}"),
            Output::Answer(Err(Refused::NotFound { what })) => format!("refused 404 {what}"),
            Output::Answer(Err(Refused::Invalid { reason })) => format!("refused 400 {reason}"),
            Output::WindowsDropped { rule, windows } => format!("dropped {rule} {windows}"),
            Output::Normalised(Normalised::NameQuarantined { name, .. }) => format!("quarantined {}", name.name),
            Output::Normalised(Normalised::NameForgotten { name, .. }) => format!("unquarantined {}", name.name),
            Output::Normalised(Normalised::TemplateSeen { id, text, .. }) => {
                format!("template {id} {}", text.as_deref().unwrap_or("again"))
            }
            Output::Normalised(Normalised::TemplateForgotten { id, .. }) => format!("untemplate {id}"),
            Output::Count(counted) => format!("count {}", count(counted)),
        };
        self.readable(&text)
    }
}

fn count(counted: &CorrelationMetric) -> String {
    match counted {
        CorrelationMetric::Resent => "resent".to_owned(),
        CorrelationMetric::Duplicate { source } => format!("duplicate {source}"),
        CorrelationMetric::Clamped => "clamped".to_owned(),
        CorrelationMetric::Unmatched { source } => format!("unmatched {source}"),
        CorrelationMetric::Suppressed { by } => format!("suppressed {by:?}"),
        CorrelationMetric::Bound { which } => format!("bound {which:?}"),
    }
}

fn moment(at: Timestamp) -> String {
    if at == Timestamp::FAR_FUTURE { "ever".to_owned() } else { at.since(START).to_string() }
}

/// `LinkDown,site=GZ01`
pub(super) fn short(labels: &Labels) -> String {
    let name = labels.get("alertname").map(str::to_owned);
    let others = labels.iter().filter(|(name, _)| *name != "alertname").map(|(name, value)| format!("{name}={value}"));
    name.into_iter().chain(others).collect::<Vec<_>>().join(",")
}
