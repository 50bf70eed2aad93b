//! The sections `rules:` and `inhibitions:`.

use super::pattern::SECOND;
use super::pattern::WINDOW_MAX;
use serde_saphyr::Location;

use super::reader::{ClosedSet, RefKind, SectionReader, each, place_of_brace};
use super::{actions, rule_fingerprint, suppression, time_interval};
use crate::core::model::{Matchers, Priority, Status, TimeDelta};
use crate::core::rules::defaults::LADDER;
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::file::{InhibitionSyntax, RuleSyntax};
use crate::core::rules::syntax::spanned::Spanned;
use crate::core::rules::{CATCH_ALL, Counts, Flap, Inhibition, Pattern, Rule};

const BY_MAX: usize = 16;
const UNLESS_MAX: usize = 1_000;

const SETTLE: TimeDelta = TimeDelta::from_seconds(30);
const SETTLE_MAX: TimeDelta = TimeDelta::from_hours(1);
const RESOLVE_AFTER: TimeDelta = TimeDelta::from_minutes(5);
const REOPEN_WITHIN: TimeDelta = TimeDelta::from_hours(1);
/// Time for which the desk remembers a closed incident.
const REOPEN_WITHIN_MAX: TimeDelta = TimeDelta::from_days(7);
const CLOSE_AFTER_MAX: TimeDelta = TimeDelta::from_days(90);
/// Maximum time that a rule without an own setting owns a firing alert before it passes it on.
const OTHERWISE_AFTER_MAX: TimeDelta = TimeDelta::from_minutes(15);
pub(super) fn rule(reader: &mut SectionReader<'_>, entry: RuleSyntax) -> Rule {
    let name = reader.name(&entry.name);
    if name == CATCH_ALL {
        reader.mistake(entry.name.referenced, format!("{name:?} is the built-in rule's name"), "another name");
    }
    let matchers = reader.matchers(entry.matches.as_ref(), ClosedSet::OfEvents);
    let unless = unless(reader, &entry);
    let when = entry.when.as_ref().and_then(|when| reader.condition(when));
    let (by, one_group) = key(reader, &entry);
    let pattern = super::pattern::pattern(reader, entry.pattern.as_ref(), &matchers);
    let semantics = super::pattern::semantics(reader, entry.semantics.as_ref(), &pattern);
    let guard = actions::guard(reader, entry.context.as_ref());
    let opens_incident = opens_incident(reader, &entry, &pattern, &matchers);
    let counts = counts(reader, entry.on.as_ref(), &pattern);
    let (because, otherwise_after) = holding(reader, &entry, &pattern, &matchers);
    let quiet = quiet(reader, &entry, &pattern, &matchers);
    let severity = entry.severity.as_ref().and_then(|word| reader.word(word));
    let priority: Option<Priority> = entry.priority.as_ref().and_then(|word| reader.word(word));
    let Delays { settle, resolve_after, close_after, reopen_within } = delays(reader, &entry, priority);
    let parts = rule_fingerprint::FingerprintInput {
        matchers: &matchers,
        unless: &unless,
        when: when.as_ref(),
        by: &by,
        one_group,
        pattern: &pattern,
        counts,
        semantics,
        guard: guard.as_ref(),
    };
    let shape = rule_fingerprint::of(&parts);
    Rule {
        title: title(reader, entry.title.as_ref()),
        ladder: entry.tiers.as_ref().map_or_else(|| LADDER.to_owned(), |ladder| reader.refer(RefKind::Ladder, ladder)),
        after_hours: entry.after_hours.as_ref().map(|text| super::calendar::after_hours(reader, text)),
        pages: entry.paging.unwrap_or(true),
        notify_times: time_interval::notify_times(reader, &entry),
        tells_new_alerts: entry.notify_new_alerts,
        runbook: entry.runbook.as_ref().map(|runbook| reader.text(runbook)),
        playbook: entry.playbook.as_ref().map(|playbook| reader.refer(RefKind::Playbook, playbook)),
        continues: entry.continues.unwrap_or(false),
        name,
        matchers,
        unless,
        when,
        by,
        one_group,
        pattern,
        counts,
        semantics,
        guard,
        actions: actions::actions(reader, &entry),
        grading: super::sla_target::grading(reader, &entry),
        opens_incident,
        because,
        severity,
        priority,
        settle,
        resolve_after,
        close_after,
        reopen_within,
        quiet,
        otherwise_after,
        groups: entry.group.unwrap_or(true),
        shape,
    }
}

/// When incidents of a rule are told, resolve, close and reopen.
struct Delays {
    settle: TimeDelta,
    resolve_after: TimeDelta,
    close_after: Option<TimeDelta>,
    reopen_within: TimeDelta,
}

fn delays(reader: &mut SectionReader<'_>, entry: &RuleSyntax, priority: Option<Priority>) -> Delays {
    let settle = if priority == Some(Priority::P1) { TimeDelta::ZERO } else { SETTLE };
    let mut optional = |text: &Option<Spanned<String>>, least, most| reader.optional_span(text.as_ref(), least, most);
    Delays {
        settle: optional(&entry.notify_delay, TimeDelta::ZERO, SETTLE_MAX).unwrap_or(settle),
        resolve_after: optional(&entry.resolve_after, TimeDelta::ZERO, WINDOW_MAX).unwrap_or(RESOLVE_AFTER),
        close_after: optional(&entry.close_after, SECOND, CLOSE_AFTER_MAX),
        reopen_within: optional(&entry.reopen_within, TimeDelta::ZERO, REOPEN_WITHIN_MAX).unwrap_or(REOPEN_WITHIN),
    }
}

/// Each text is a set of its own, unlike those of `match`, which must all hold.
fn unless(reader: &mut SectionReader<'_>, entry: &RuleSyntax) -> Vec<Matchers> {
    let mut sets = Vec::new();
    for (text, at) in entry.unless.as_ref().map(each).unwrap_or_default() {
        let one = Spanned::new(OneOrMore::One(text.to_owned()), at);
        let before = reader.mistakes.len();
        let set = reader.matchers(Some(&one), ClosedSet::OfEvents);
        if set.0.is_empty() && reader.mistakes.len() == before {
            reader.mistake(at, "a set without a matcher fits everything", "at least one matcher");
        }
        sets.push(set);
    }
    if sets.len() > UNLESS_MAX {
        reader.mistake(
            entry.name.referenced,
            format!("{} sets in unless", sets.len()),
            format!("at most {UNLESS_MAX}"),
        );
    }
    sets
}

/// The labels of the key; and true for `by: []`, which is one key for all.
fn key(reader: &mut SectionReader<'_>, entry: &RuleSyntax) -> (Vec<String>, bool) {
    let by = reader.label_names(entry.by.as_ref());
    if by.len() > BY_MAX {
        reader.mistake(entry.name.referenced, format!("{} labels in by", by.len()), format!("at most {BY_MAX}"));
    }
    let one_group = entry.by.is_some() && by.is_empty();
    (by, one_group)
}

fn counts(reader: &mut SectionReader<'_>, on: Option<&Spanned<String>>, pattern: &Pattern) -> Counts {
    let Some(on) = on else { return Counts::Transitions };
    let counts = match on.value.as_str() {
        "transitions" => Counts::Transitions,
        "message" => Counts::Messages,
        other => {
            reader.mistake(on.referenced, format!("{other:?} is not something to count"), "transitions or message");
            Counts::Transitions
        }
    };
    let looks_at = match pattern {
        Pattern::Suppress { .. }
        | Pattern::Threshold { .. }
        | Pattern::Rate(_)
        | Pattern::Thresholds { .. }
        | Pattern::Pair { .. }
        | Pattern::PairWindow { .. }
        | Pattern::Sequence(_)
        | Pattern::Group(_)
        | Pattern::Flap(Flap::Timed { .. }) => return counts,
        Pattern::Each | Pattern::Calendar { .. } => format!("pattern {} counts nothing", pattern.name()),
        Pattern::Absence { .. } => "absence looks at every message".to_owned(),
        Pattern::Flap(Flap::Nagios | Flap::Icinga) => "flap by results looks at every message".to_owned(),
    };
    reader.mistake(on.referenced, looks_at, "no on:");
    counts
}

fn holding(
    reader: &mut SectionReader<'_>,
    entry: &RuleSyntax,
    pattern: &Pattern,
    matchers: &Matchers,
) -> (Option<String>, TimeDelta) {
    let because = entry.justification.as_ref().map(|because| reader.text(because));
    let otherwise = reader.optional_span(entry.pass_on_after.as_ref(), SECOND, WINDOW_MAX);
    let Some(within) = pattern.waits() else {
        let only_acts = entry.incident.as_ref().is_some_and(|incident| !incident.value);
        let because_key = entry.justification.as_ref().filter(|_| !only_acts);
        for key in [because_key, entry.pass_on_after.as_ref()].into_iter().flatten() {
            let message = format!("pattern {} holds nothing back", pattern.name());
            reader.mistake(
                key.referenced,
                message,
                "justification: and pass_on_after: with patterns that count or wait",
            );
        }
        return (because, TimeDelta::ZERO);
    };
    if let (Some(_), Some(otherwise)) = (&because, &entry.pass_on_after) {
        let message = "justification: keeps alerts for good, so pass_on_after: says nothing";
        reader.mistake(otherwise.referenced, message, "one of the two");
    }
    let swallows = matches!(pattern, Pattern::Absence { .. }) && !entry.continues.unwrap_or(false);
    if swallows && because.is_none() && statuses(matchers).contains(&Status::Firing) {
        let hint = "an alert that is the sign of life goes on to the next rule after pass_on_after: and opens an \
                    incident there; say justification: to keep it, or match @status=\"point\"";
        reader.warning(entry.name.referenced, hint);
    }
    (because, otherwise.unwrap_or(within.min(OTHERWISE_AFTER_MAX)))
}

/// Points have no end of their own, so a rule for points only must set `quiet`.
fn quiet(
    reader: &mut SectionReader<'_>,
    entry: &RuleSyntax,
    pattern: &Pattern,
    matchers: &Matchers,
) -> Option<TimeDelta> {
    let quiet = reader.optional_span(entry.clear_after.as_ref(), SECOND, WINDOW_MAX);
    let seen = statuses(matchers);
    let at = entry.name.referenced;
    let is_endless = match pattern {
        Pattern::Each if seen.is_empty() => {
            reader.mistake(at, "pattern each sees no resolved events, and this rule no others", "another @status");
            return quiet;
        }
        Pattern::Each | Pattern::Group(_) => seen.as_slice() == [Status::Point],
        Pattern::Sequence(sequence) => {
            sequence.steps.iter().all(|step| statuses(&step.matchers).as_slice() == [Status::Point])
        }
        Pattern::Calendar { .. } => {
            sees_no_events(reader, entry);
            true
        }
        Pattern::Flap(Flap::Nagios | Flap::Icinga) => false,
        Pattern::Suppress { .. }
        | Pattern::Threshold { .. }
        | Pattern::Rate(_)
        | Pattern::Thresholds { .. }
        | Pattern::Pair { .. }
        | Pattern::PairWindow { .. }
        | Pattern::Absence { .. }
        | Pattern::Flap(Flap::Timed { .. }) => {
            if let Some(text) = &entry.clear_after {
                let message = format!("pattern {} has its own end", pattern.name());
                let expected = "clear_after: with each, sequence, group, calendar or flap by results";
                reader.mistake(text.referenced, message, expected);
            }
            return quiet;
        }
    };
    if is_endless && quiet.is_none() {
        if entry.incident.as_ref().is_some_and(|incident| !incident.value) {
            return Some(SECOND);
        }
        let what = if matches!(pattern, Pattern::Calendar { .. }) { "a moment has" } else { "points have" };
        let message = format!("{what} no end, so this rule's incidents would have none");
        reader.mistake(at, message, "clear_after:, for example 10m");
    }
    quiet
}

fn sees_no_events(reader: &mut SectionReader<'_>, entry: &RuleSyntax) {
    let lists = [&entry.matches, &entry.by].into_iter().flatten().map(|list| list.referenced);
    let when = entry.when.iter().map(|when| when.referenced);
    for at in lists.chain(when) {
        reader.mistake(at, "pattern calendar sees no events", "no match, when and by");
    }
}

/// `incident: false`: the alerts it owns raise nothing, so it must continue or give the reason.
fn opens_incident(reader: &mut SectionReader<'_>, entry: &RuleSyntax, pattern: &Pattern, matchers: &Matchers) -> bool {
    let Some(incident) = entry.incident.as_ref().filter(|incident| !incident.value) else { return true };
    let owns = !entry.continues.unwrap_or(false) && !matches!(pattern, Pattern::Calendar { .. });
    if owns && entry.justification.is_none() && statuses(matchers).contains(&Status::Firing) {
        let message = "a rule without incidents would hide the alerts that it matches";
        reader.mistake(incident.referenced, message, "continue: true, justification:, or match @status=\"point\"");
    }
    false
}

/// Firing and point, as far as the matchers allow them.
fn statuses(matchers: &Matchers) -> Vec<Status> {
    [Status::Firing, Status::Point]
        .into_iter()
        .filter(|status| {
            let mut on_status = matchers.iter().filter(|matcher| matcher.name() == "@status");
            on_status.all(|matcher| matcher.matches_value(status.as_str()))
        })
        .collect()
}

/// The title; empty if the alert's own summary is used.
fn title(reader: &mut SectionReader<'_>, title: Option<&Spanned<String>>) -> String {
    let Some(title) = title else { return String::new() };
    if let Some(byte) = place_of_brace(&title.value) {
        let column = title.value[..byte].chars().count() + 1;
        let at = reader.inside(title.referenced, 1, column);
        reader.mistake_at(at, "a brace without its other", "{label}, {summary} or {count}");
    }
    reader.text(title)
}

pub(super) fn inhibition(reader: &mut SectionReader<'_>, entry: &InhibitionSyntax, number: usize) -> Inhibition {
    let mut side = |texts: Option<&Spanned<OneOrMore>>| {
        let matchers = reader.matchers(texts, ClosedSet::OfEvents);
        if let Some(texts) = texts.filter(|_| matchers.0.is_empty()) {
            reader.mistake(texts.referenced, "this side fits everything", "at least one matcher");
        }
        matchers
    };
    let (source, target) = (side(entry.source.as_ref()), side(entry.target.as_ref()));
    if entry.source.is_none() && entry.target.is_none() {
        reader.mistake(place_of(entry), "both sides fit everything", "at least one matcher in source or target");
    }
    let name = entry.name.as_ref().map_or_else(|| format!("inhibition {number}"), |name| reader.name(name));
    let equal = reader.label_names(entry.equal.as_ref());
    Inhibition { name, source, target, equal, through: suppression::through(reader, entry) }
}

/// The place of an inhibition in its file.
pub(super) fn place_of(entry: &InhibitionSyntax) -> Location {
    let sides = [&entry.source, &entry.target].into_iter().flatten().map(|side| side.referenced);
    entry.name.iter().map(|name| name.referenced).chain(sides).next().unwrap_or(Location::UNKNOWN)
}
