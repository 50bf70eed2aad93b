//! The section `tests:`.

use crate::core::rules::syntax::json_schema::STATES;
use crate::core::rules::syntax::test_case::{AlertSyntax, ExpectSyntax, IncidentSyntax, InputSyntax, TestSyntax};
use std::collections::BTreeMap;

use serde_saphyr::Location;

use super::reader::{ClosedSet, SectionReader, place};
use crate::core::model::{
    BoundedPairs, Event, Expiry, Labels, PairsOf, Priority, Severity, Stamp, Status, TEXT_MAX_BYTES, Tier, TimeDelta,
    Timestamp, bounded_text,
};
use crate::core::rules::syntax::spanned::{Spanned, Text};
use crate::core::rules::test_case::{Expectation, ExpectedAlert, ExpectedIncident, TestCase, TestInput, TestStep};

/// Default start of tests: a Friday, eight in the morning in Shanghai.
const START: Timestamp = Timestamp::from_seconds(1_770_940_800);
const AT_MAX: TimeDelta = TimeDelta::from_days(400);
const STEPS_MAX: usize = 10_000;
const PAYLOAD_MAX_BYTES: usize = 1 << 20;
/// As Alertmanager's API, whose alerts end by themselves.
const V2: &str = "v2";
const NATIVE: &str = "native";
/// The number of the repeat, from 1, in a repeated input.
const NUMBER: &str = "{n}";

pub(super) fn test(reader: &mut SectionReader<'_>, entry: &TestSyntax) -> TestCase {
    let (line, _) = place(entry.name.referenced);
    let start = entry.start.as_ref().map_or(START, |text| moment(reader, text));
    let mut steps = Vec::new();
    for input in &entry.input {
        steps_of(reader, input, start, &mut steps);
    }
    if steps.len() > STEPS_MAX {
        reader.mistake(entry.name.referenced, format!("{} inputs", steps.len()), format!("at most {STEPS_MAX}"));
    }
    steps.sort_by_key(|step| step.at);
    let last = steps.last().map_or(TimeDelta::ZERO, |step| step.at);
    if entry.expect.is_empty() {
        reader.mistake(
            entry.name.referenced,
            "a test that expects nothing cannot fail",
            "at least one entry in expect:",
        );
    }
    let mut expectations: Vec<Expectation> = entry.expect.iter().map(|one| expectation(reader, one, last)).collect();
    expectations.sort_by_key(|one| one.at);
    TestCase { name: reader.name(&entry.name), path: reader.file.path.clone(), line, start, steps, expectations }
}

fn moment(reader: &mut SectionReader<'_>, text: &Text) -> Timestamp {
    text.value.parse::<Stamp>().map_or_else(
        |bad| {
            reader.mistake(
                text.referenced,
                format!("{:?} is not a time", bad.text),
                "for example 2026-02-13T08:00:00+08:00",
            );
            START
        },
        |stamp| stamp.at,
    )
}

fn span(reader: &mut SectionReader<'_>, text: Option<&Text>) -> Option<TimeDelta> {
    reader.optional_span(text, TimeDelta::ZERO, AT_MAX)
}

/// One entry of `input:`, with its repeats and their resolved messages.
fn steps_of(reader: &mut SectionReader<'_>, entry: &Spanned<InputSyntax>, start: Timestamp, steps: &mut Vec<TestStep>) {
    let (entry, location) = (&entry.value, entry.referenced);
    let (line, _) = place(location);
    let at = span(reader, entry.at.as_ref()).unwrap_or(TimeDelta::ZERO);
    let kinds = [entry.labels.is_some(), entry.payload.is_some(), entry.silence.is_some()];
    if kinds.into_iter().filter(|given| *given).count() != 1 {
        return reader.mistake(
            location,
            "an input of no kind, or of several",
            "exactly one of labels, payload, silence",
        );
    }
    let every = span(reader, entry.every.as_ref());
    let repeat = entry.repeat.as_ref().map_or(1, |repeat| reader.count(repeat, 1, 10_000));
    if repeat > 1 && every.is_none() {
        reader.mistake(location, "repeated, but how far apart?", "every:, for example every: 10s");
    }
    let clears = span(reader, entry.resolved_after.as_ref());
    for number in 0..i64::from(repeat) {
        let at = at + TimeDelta::from_micros(every.unwrap_or(TimeDelta::ZERO).as_micros() * number);
        let Some(input) = input(reader, entry, location, start + at, number + 1) else { return };
        let cleared = clears.and_then(|after| cleared(reader, entry, &input, after, start + at));
        steps.push(TestStep { at, line, input });
        steps.extend(cleared.map(|(after, input)| TestStep { at: at + after, line, input }));
    }
}

fn input(
    reader: &mut SectionReader<'_>,
    entry: &InputSyntax,
    location: Location,
    now: Timestamp,
    number: i64,
) -> Option<TestInput> {
    if let Some(silence) = &entry.silence {
        let texts = Spanned::new(crate::core::rules::source::OneOrMore::One(silence.value.clone()), silence.referenced);
        let matchers = reader.matchers(Some(&texts), ClosedSet::None);
        let length = span(reader, entry.length.as_ref()).unwrap_or(TimeDelta::from_hours(1));
        return Some(TestInput::Silence { matchers, length });
    }
    if let Some(payload) = &entry.payload {
        let Some(source) = &entry.source else {
            reader.mistake(payload.referenced, "a payload of which tool?", "source:, the name of a source");
            return None;
        };
        if payload.value.len() > PAYLOAD_MAX_BYTES {
            let expected = format!("at most {PAYLOAD_MAX_BYTES}");
            reader.mistake(payload.referenced, format!("a payload of {} bytes", payload.value.len()), expected);
        }
        let topic = entry.topic.as_ref().map(|topic| topic.value.clone()).unwrap_or_default();
        return Some(TestInput::Payload { source: source.value.clone(), payload: payload.value.clone(), topic });
    }
    Some(TestInput::Event(Box::new(event(reader, entry, location, now, number))))
}

fn event(
    reader: &mut SectionReader<'_>,
    entry: &InputSyntax,
    location: Location,
    now: Timestamp,
    number: i64,
) -> Event {
    let numbered = |text: &str| text.replace(NUMBER, &number.to_string());
    let labels = pairs(reader, entry.labels.as_ref(), PairsOf::Labels, location, numbered);
    if labels.is_empty() {
        reader.mistake(location, "an event without labels", "labels: {alertname: …}");
    }
    let status = entry.status.as_ref().map_or(Status::Firing, |text| status(reader, text));
    let source = entry.source.as_ref().map_or(NATIVE, |source| source.value.as_str());
    let is_v2 = source == V2;
    let happened = match span(reader, entry.happened.as_ref()) {
        // The times of `happened` count from the start, as those of `at` do.
        Some(after) => Some(now - span(reader, entry.at.as_ref()).unwrap_or(TimeDelta::ZERO) + after),
        None => Some(now).filter(|_| !is_v2),
    };
    Event {
        id: entry.id.as_ref().map(|id| numbered(&id.value)),
        severity: entry.severity.as_ref().and_then(|word| reader.word::<Severity>(word)),
        summary: entry
            .summary
            .as_ref()
            .map(|text| bounded_text(&numbered(&text.value), TEXT_MAX_BYTES).into_owned())
            .unwrap_or_default(),
        annotations: pairs(reader, entry.annotations.as_ref(), PairsOf::Annotations, location, numbered),
        value: entry.value.as_ref().map(|value| value.value),
        occurred_at: happened,
        expiry: if is_v2 { Expiry::AlertmanagerV2 } else { Expiry::Never },
        starts_at: Some(Stamp::utc(now)).filter(|_| is_v2 && status == Status::Firing),
        ends_at: Some(Stamp::utc(now)).filter(|_| is_v2 && status == Status::Resolved),
        ..Event::new(source, status, labels)
    }
}

/// The resolved message that follows a firing one.
fn cleared(
    reader: &mut SectionReader<'_>,
    entry: &InputSyntax,
    input: &TestInput,
    after: TimeDelta,
    now: Timestamp,
) -> Option<(TimeDelta, TestInput)> {
    let firing = match input {
        TestInput::Event(event) if event.status == Status::Firing => event,
        TestInput::Event(_) | TestInput::Payload { .. } | TestInput::Silence { .. } => {
            if let Some(text) = &entry.resolved_after {
                reader.mistake(
                    text.referenced,
                    "only a firing alert is resolved",
                    "resolved_after: beside labels: of a firing alert",
                );
            }
            return None;
        }
    };
    let mut event = firing.clone();
    event.status = Status::Resolved;
    event.occurred_at = event.occurred_at.map(|at| at + after);
    if event.expiry == Expiry::AlertmanagerV2 {
        event.ends_at = Some(Stamp::utc(now + after));
    }
    Some((after, TestInput::Event(event)))
}

fn pairs(
    reader: &mut SectionReader<'_>,
    texts: Option<&BTreeMap<String, Text>>,
    of: PairsOf,
    location: Location,
    numbered: impl Fn(&str) -> String,
) -> Labels {
    let mut pairs = BoundedPairs::new(of);
    for (name, value) in texts.into_iter().flatten() {
        pairs.push(name, &numbered(&value.value));
    }
    pairs.finish().unwrap_or_else(|wrong| {
        reader.mistake(location, wrong, "");
        Labels::empty()
    })
}

fn exact(reader: &mut SectionReader<'_>, texts: Option<&BTreeMap<String, Text>>, location: Location) -> Labels {
    pairs(reader, texts, PairsOf::Labels, location, str::to_owned)
}

fn status(reader: &mut SectionReader<'_>, text: &Text) -> Status {
    Status::from_word(&text.value).unwrap_or_else(|| {
        reader.mistake(text.referenced, format!("{:?} is not a status", text.value), "firing, resolved or point");
        Status::Firing
    })
}

fn expectation(reader: &mut SectionReader<'_>, entry: &Spanned<ExpectSyntax>, last: TimeDelta) -> Expectation {
    let (entry, location) = (&entry.value, entry.referenced);
    let expects_alerts = entry.alerts.as_ref().is_some_and(|alerts| !alerts.is_empty());
    if entry.incidents.is_none() && entry.problems.is_none() && !expects_alerts {
        let expected = "incidents: (all that are open; [] for none), alerts: or problems:";
        reader.mistake(location, "this expects nothing", expected);
    }
    let incidents = entry.incidents.as_ref();
    let incidents = incidents.map(|all| all.iter().map(|one| expected_incident(reader, one)).collect());
    let alerts = entry.alerts.iter().flatten().map(|one| expected_alert(reader, one)).collect();
    let problems = entry.problems.as_ref().map(|count| reader.count(count, 0, 1_000_000));
    let at = span(reader, entry.at.as_ref()).unwrap_or(last);
    Expectation { problems, at, line: place(location).0, incidents, alerts }
}

fn expected_incident(reader: &mut SectionReader<'_>, entry: &Spanned<IncidentSyntax>) -> ExpectedIncident {
    let (entry, location) = (&entry.value, entry.referenced);
    let mut count = |count: &Option<Spanned<u64>>| count.as_ref().map(|count| reader.count(count, 0, 1_000_000));
    let (alerts, firing, reopened) = (count(&entry.alerts), count(&entry.firing), count(&entry.reopened));
    if let Some(state) = entry.state.as_ref().filter(|state| !STATES.contains(&state.value.as_str())) {
        let expected = format!("one of {}", STATES.join(", "));
        reader.mistake(state.referenced, format!("{:?} is not a state", state.value), expected);
    }
    let tier = entry.tier.as_ref().and_then(|tier| {
        let known = u8::try_from(tier.value).ok().and_then(Tier::from_number);
        if known.is_none() {
            reader.mistake(tier.referenced, format!("{} is not a tier", tier.value), "1, 2 or 3");
        }
        known
    });
    let text = |text: &Option<Text>| text.as_ref().map(|text| text.value.clone());
    ExpectedIncident {
        line: place(location).0,
        rule: text(&entry.rule),
        key: exact(reader, entry.key.as_ref(), location),
        title: text(&entry.title),
        severity: entry.severity.as_ref().and_then(|word| reader.word(word)),
        priority: entry.priority.as_ref().and_then(|word| reader.word::<Priority>(word)),
        state: text(&entry.state),
        tier,
        team: text(&entry.team),
        alerts,
        firing,
        reopened,
        paged: entry.paged,
        held: text(&entry.held),
    }
}

fn expected_alert(reader: &mut SectionReader<'_>, entry: &Spanned<AlertSyntax>) -> ExpectedAlert {
    let (entry, location) = (&entry.value, entry.referenced);
    ExpectedAlert {
        line: place(location).0,
        labels: exact(reader, Some(&entry.labels), location),
        status: entry.status.as_ref().map_or(Status::Firing, |text| status(reader, text)),
        severity: entry.severity.as_ref().and_then(|word| reader.word(word)),
        rule: entry.rule.as_ref().map(|text| text.value.clone()),
        held: entry.held.as_ref().map(|text| text.value.clone()),
        silenced: entry.silenced,
        inhibited: entry.inhibited,
    }
}

/// Undefined rules that tests name: worth a warning, but never a reason to refuse good rules.
pub(super) fn unknown_rules(tests: &[TestCase], known: impl Fn(&str) -> bool) -> Vec<(&TestCase, usize, &str)> {
    let mut unknown = Vec::new();
    for test in tests {
        for expectation in &test.expectations {
            let incidents = expectation.incidents.iter().flatten().map(|one| (one.line, one.rule.as_deref()));
            let named = incidents.chain(expectation.alerts.iter().map(|one| (one.line, one.rule.as_deref())));
            unknown.extend(named.filter_map(|(line, rule)| Some((test, line, rule.filter(|rule| !known(rule))?))));
        }
    }
    unknown
}
