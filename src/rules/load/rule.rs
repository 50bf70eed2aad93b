//! The sections `rules:` and `inhibitions:`.

use serde_saphyr::{Location, Spanned};

use super::holding;
use super::reader::{Named, Reader, Words};
use super::shape;
use super::text::{InhibitionEntry, PatternText, RuleEntry};
use crate::model::{Matchers, Priority, Span, Status};
use crate::rules::defaults::LADDER;
use crate::rules::{CATCH_ALL, Counts, Inhibition, Pattern, Rule};

/// The longest window: what a correlator must remember.
const WINDOW_MAX: Span = Span::from_days(7);
/// The highest count: a window keeps that many times exactly.
const COUNT_MAX: u32 = 1000;
const BY_MAX: usize = 16;

const SETTLE: Span = Span::from_seconds(30);
const SETTLE_MAX: Span = Span::from_hours(1);
const RESOLVE_AFTER: Span = Span::from_minutes(5);
const REOPEN_WITHIN: Span = Span::from_hours(1);
/// How long the desk remembers a closed incident.
const REOPEN_WITHIN_MAX: Span = Span::from_days(7);
const CLOSE_AFTER_MAX: Span = Span::from_days(90);
/// How long a firing alert may be held when its rule does not say.
const OTHERWISE_AFTER_MAX: Span = Span::from_minutes(15);
const SECOND: Span = Span::from_seconds(1);

pub(super) fn rule(reader: &mut Reader<'_>, entry: RuleEntry) -> Rule {
    let name = reader.name(&entry.name);
    if name == CATCH_ALL {
        reader.mistake(entry.name.referenced, format!("{name:?} is the built-in rule's name"), "another name");
    }
    let matchers = reader.matchers(entry.matches.as_ref(), Words::OfEvents);
    let when = entry.when.as_ref().and_then(|when| reader.condition(when));
    let by = reader.label_names(entry.by.as_ref());
    if by.len() > BY_MAX {
        reader.mistake(entry.name.referenced, format!("{} labels in by", by.len()), format!("at most {BY_MAX}"));
    }
    let pattern = pattern(reader, entry.pattern.as_ref());
    let counts = counts(reader, entry.on.as_ref(), &pattern);
    let (because, otherwise_after) = holding(reader, &entry, &pattern, &matchers);
    let quiet = quiet(reader, &entry, &pattern, &matchers);
    let severity = entry.severity.as_ref().and_then(|word| reader.word(word));
    let priority: Option<Priority> = entry.priority.as_ref().and_then(|word| reader.word(word));
    let settle_default = if priority == Some(Priority::P1) { Span::ZERO } else { SETTLE };
    let mut optional = |text: &Option<Spanned<String>>, least, most| reader.optional_span(text.as_ref(), least, most);
    let settle = optional(&entry.settle, Span::ZERO, SETTLE_MAX).unwrap_or(settle_default);
    let resolve_after = optional(&entry.resolve_after, Span::ZERO, WINDOW_MAX).unwrap_or(RESOLVE_AFTER);
    let close_after = optional(&entry.close_after, SECOND, CLOSE_AFTER_MAX);
    let reopen_within = optional(&entry.reopen_within, Span::ZERO, REOPEN_WITHIN_MAX).unwrap_or(REOPEN_WITHIN);
    let shape = shape::of(&matchers, when.as_ref(), &by, &pattern, counts);
    Rule {
        title: title(reader, entry.title.as_ref()),
        ladder: entry.tiers.as_ref().map_or_else(|| LADDER.to_owned(), |ladder| reader.refer(Named::Ladder, ladder)),
        pages: entry.pages.unwrap_or(true),
        runbook: entry.runbook.as_ref().map(|runbook| reader.text(runbook)),
        continues: entry.continues.unwrap_or(false),
        name,
        matchers,
        when,
        by,
        pattern,
        counts,
        because,
        severity,
        priority,
        settle,
        resolve_after,
        close_after,
        reopen_within,
        quiet,
        otherwise_after,
        shape,
    }
}

fn pattern(reader: &mut Reader<'_>, pattern: Option<&Spanned<PatternText>>) -> Pattern {
    match pattern.map(|pattern| &pattern.value) {
        None | Some(PatternText::Each) => Pattern::Each,
        Some(PatternText::Threshold(text)) => {
            let count = reader.count(&text.count, 1, COUNT_MAX);
            let clear = text.clear.as_ref().map_or(1, |clear| reader.count(clear, 1, count.max(1)));
            Pattern::Threshold { count, within: reader.span(&text.within, SECOND, WINDOW_MAX), clear }
        }
        Some(PatternText::Pair(text)) => {
            let until = reader.matchers(Some(&text.until), Words::OfEvents);
            if until.0.is_empty() {
                reader.mistake(text.until.referenced, "until fits everything", "matchers of the event that ends it");
            }
            Pattern::Pair { until, within: reader.optional_span(text.within.as_ref(), SECOND, WINDOW_MAX) }
        }
        Some(PatternText::Absence(text)) => Pattern::Absence { within: reader.span(&text.within, SECOND, WINDOW_MAX) },
    }
}

fn counts(reader: &mut Reader<'_>, on: Option<&Spanned<String>>, pattern: &Pattern) -> Counts {
    let Some(on) = on else { return Counts::Transitions };
    let counts = match on.value.as_str() {
        "transitions" => Counts::Transitions,
        "message" => Counts::Messages,
        other => {
            reader.mistake(on.referenced, format!("{other:?} is not something to count"), "transitions or message");
            Counts::Transitions
        }
    };
    match pattern {
        Pattern::Threshold { .. } | Pattern::Pair { .. } => {}
        Pattern::Each => reader.mistake(on.referenced, "pattern each counts nothing", "no on:"),
        Pattern::Absence { .. } => reader.mistake(on.referenced, "absence looks at every message", "no on:"),
    }
    counts
}

/// Whether alerts wait in this rule's window for others, and how long.
const fn window(pattern: &Pattern) -> Option<Span> {
    match pattern {
        Pattern::Threshold { within, .. } | Pattern::Absence { within } => Some(*within),
        Pattern::Each | Pattern::Pair { .. } => None,
    }
}

fn holding(
    reader: &mut Reader<'_>,
    entry: &RuleEntry,
    pattern: &Pattern,
    matchers: &Matchers,
) -> (Option<String>, Span) {
    let because = entry.because.as_ref().map(|because| reader.text(because));
    let otherwise = reader.optional_span(entry.otherwise_after.as_ref(), SECOND, WINDOW_MAX);
    let Some(within) = window(pattern) else {
        for key in [&entry.because, &entry.otherwise_after].into_iter().flatten() {
            let message = format!("pattern {} holds nothing back", pattern.name());
            reader.mistake(key.referenced, message, "because: and otherwise_after: with threshold or absence only");
        }
        return (because, Span::ZERO);
    };
    if let (Some(_), Some(otherwise)) = (&because, &entry.otherwise_after) {
        let message = "because: keeps alerts for good, so otherwise_after: says nothing";
        reader.mistake(otherwise.referenced, message, "one of the two");
    }
    let swallows = matches!(pattern, Pattern::Absence { .. }) && !entry.continues.unwrap_or(false);
    if swallows && because.is_none() && statuses(matchers).contains(&Status::Firing) {
        let hint = "an alert that is the sign of life goes on to the next rule after otherwise_after: and opens an \
                    incident there; say because: to keep it, or match @status=\"point\"";
        reader.warning(entry.name.referenced, hint);
    }
    (because, otherwise.unwrap_or(within.min(OTHERWISE_AFTER_MAX)))
}

/// Points have no end of their own, so a rule for nothing but points must say when it is quiet again.
fn quiet(reader: &mut Reader<'_>, entry: &RuleEntry, pattern: &Pattern, matchers: &Matchers) -> Option<Span> {
    let quiet = reader.optional_span(entry.quiet.as_ref(), SECOND, WINDOW_MAX);
    let seen = statuses(matchers);
    let at = entry.name.referenced;
    match pattern {
        Pattern::Each if seen.as_slice() == [Status::Point] && quiet.is_none() => {
            reader.mistake(
                at,
                "points have no end, so this rule's incidents would have none",
                "quiet:, for example 10m",
            );
        }
        Pattern::Each if seen.is_empty() => {
            reader.mistake(at, "pattern each sees no resolved events, and this rule no others", "another @status");
        }
        Pattern::Each => {}
        Pattern::Threshold { .. } | Pattern::Pair { .. } | Pattern::Absence { .. } => {
            if let Some(text) = &entry.quiet {
                let message = format!("pattern {} has its own end", pattern.name());
                reader.mistake(text.referenced, message, "quiet: with pattern each only");
            }
        }
    }
    quiet
}

/// Firing and point, as far as the matchers let them through.
fn statuses(matchers: &Matchers) -> Vec<Status> {
    [Status::Firing, Status::Point]
        .into_iter()
        .filter(|status| {
            let mut on_status = matchers.iter().filter(|matcher| matcher.name() == "@status");
            on_status.all(|matcher| matcher.matches_value(status.as_str()))
        })
        .collect()
}

/// The title; empty when the alert's own summary is to be it.
fn title(reader: &mut Reader<'_>, title: Option<&Spanned<String>>) -> String {
    let Some(title) = title else { return String::new() };
    if let Some(byte) = brace_without_other(&title.value) {
        let column = title.value[..byte].chars().count() + 1;
        let at = reader.inside(title.referenced, 1, column);
        reader.mistake_at(at, "a brace without its other", "{label}, {summary} or {count}");
    }
    reader.text(title)
}

/// The byte of a brace that is not part of a place such as `{site}`.
fn brace_without_other(title: &str) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = title[at..].find(['{', '}']) {
        let brace = at + found;
        let place = title[brace..].strip_prefix('{').and_then(|after| after.split_once('}'));
        match place {
            Some((name, _)) if !name.trim().is_empty() && !name.contains('{') => at = brace + name.len() + 2,
            Some(_) | None => return Some(brace),
        }
    }
    None
}

pub(super) fn inhibition(reader: &mut Reader<'_>, entry: &InhibitionEntry, number: usize) -> Inhibition {
    let mut side = |texts, at: Location| {
        let matchers = reader.matchers(Some(texts), Words::OfEvents);
        if matchers.0.is_empty() {
            reader.mistake(at, "this side fits everything", "at least one matcher");
        }
        matchers
    };
    let source = side(&entry.source, entry.source.referenced);
    let target = side(&entry.target, entry.target.referenced);
    let name = entry.name.as_ref().map_or_else(|| format!("inhibition {number}"), |name| reader.name(name));
    let equal = reader.label_names(entry.equal.as_ref());
    Inhibition { name, source, target, equal, through: holding::through(reader, entry) }
}
