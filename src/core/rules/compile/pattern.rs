//! The key `pattern:` of a rule.

use crate::core::rules::syntax::pattern::COUNT_MAX;
use serde_saphyr::Location;

use super::reader::{ClosedSet, SectionReader};
use crate::core::calendar::Schedule;
use crate::core::model::{Matcher, MatcherOp, Matchers, TimeDelta};
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::pattern::{
    CalendarSyntax, CountWithinSyntax, FlapSyntax, GroupSyntax, PatternSyntax, RateSyntax, SequenceSyntax,
    ThresholdSyntax,
};
use crate::core::rules::syntax::spanned::Spanned;
use crate::core::rules::{
    Capture, CountWithin, Flap, GroupClass, GroupPattern, Pattern, Rate, Semantics, Sequence, SequenceStep,
};

/// Maximum count of a rate; above [`COUNT_MAX`] it uses buckets.
const RATE_COUNT_MAX: u32 = 10_000_000;
/// Maximum number of steps or classes in a pattern.
const PARTS_MAX: usize = 16;
/// Maximum sum of the counts of all classes of a group.
const GROUP_COUNT_MAX: u32 = 1000;
const MILLION: f64 = 1e6;

const FLAP_START: CountWithin = CountWithin { count: 5, within: TimeDelta::from_minutes(10) };
const FLAP_STOP: CountWithin = CountWithin { count: 1, within: TimeDelta::from_minutes(15) };

/// The pattern of a rule whose own matchers are `own`.
pub(super) fn pattern(
    reader: &mut SectionReader<'_>,
    text: Option<&Spanned<PatternSyntax>>,
    own: &Matchers,
) -> Pattern {
    let Some(text) = text else { return Pattern::Each };
    let within = |reader: &mut SectionReader<'_>, text| reader.span(text, SECOND, WINDOW_MAX);
    match &text.value {
        PatternSyntax::Each => Pattern::Each,
        PatternSyntax::Suppress(text) => Pattern::Suppress { within: within(reader, &text.within) },
        PatternSyntax::Threshold(text) => threshold(reader, text),
        PatternSyntax::Rate(text) => Pattern::Rate(rate(reader, text)),
        PatternSyntax::Hysteresis(text) => {
            let rise = count_within(reader, &text.rise, 1);
            Pattern::Thresholds { rise, fall: count_within(reader, &text.fall, 0) }
        }
        PatternSyntax::Pair(text) => {
            let until = until(reader, &text.until);
            Pattern::Pair { until, within: reader.optional_span(text.within.as_ref(), SECOND, WINDOW_MAX) }
        }
        PatternSyntax::MissingFollowup(text) => {
            let until = until(reader, &text.until);
            Pattern::PairWindow { until, within: within(reader, &text.within) }
        }
        PatternSyntax::Absence(text) => Pattern::Absence { within: within(reader, &text.within) },
        PatternSyntax::Sequence(text) => Pattern::Sequence(sequence(reader, text, own)),
        PatternSyntax::Group(text) => Pattern::Group(group(reader, text)),
        PatternSyntax::Flap(text) => Pattern::Flap(flap(reader, text)),
        PatternSyntax::Calendar(calendar) => self::calendar(reader, calendar, text.referenced),
    }
}

/// Reads `semantics:`, and checks that the pattern supports it.
pub(super) fn semantics(
    reader: &mut SectionReader<'_>,
    text: Option<&Spanned<String>>,
    pattern: &Pattern,
) -> Semantics {
    let Some(text) = text else { return Semantics::Own };
    if text.value != "sec" {
        reader.mistake(text.referenced, format!("{:?} is not a semantics", text.value), "sec, or leave the key out");
        return Semantics::Own;
    }
    let is_known = match pattern {
        Pattern::Threshold { distinct, clear, .. } => distinct.is_none() && *clear == 1,
        Pattern::Each
        | Pattern::Suppress { .. }
        | Pattern::Thresholds { .. }
        | Pattern::Pair { .. }
        | Pattern::PairWindow { .. }
        | Pattern::Group(_) => true,
        Pattern::Rate(_)
        | Pattern::Absence { .. }
        | Pattern::Sequence(_)
        | Pattern::Flap(_)
        | Pattern::Calendar { .. } => false,
    };
    if !is_known {
        let expected =
            "each, suppress, threshold without clear and distinct, hysteresis, pair, missing_followup or group";
        reader.mistake(text.referenced, format!("SEC has no such pattern {}", pattern.name()), expected);
    }
    Semantics::Sec
}

fn threshold(reader: &mut SectionReader<'_>, text: &ThresholdSyntax) -> Pattern {
    let count = reader.count(&text.count, 1, COUNT_MAX);
    let clear = text.clear.as_ref().map_or(1, |clear| reader.count(clear, 1, count.max(1)));
    let within = reader.span(&text.within, SECOND, WINDOW_MAX);
    let distinct = text.distinct.as_ref().map(|name| reader.label_name(name));
    Pattern::Threshold { count, within, clear, distinct }
}

fn rate(reader: &mut SectionReader<'_>, text: &RateSyntax) -> Rate {
    let per = reader.span(&text.per, SECOND, WINDOW_MAX);
    let within = reader.span(&text.within, SECOND, WINDOW_MAX);
    let above = text.above.value;
    let at = text.above.referenced;
    if !(0.0..=1e9).contains(&above) {
        reader.mistake(at, format!("{above} is out of bounds"), "a number from 0 to 1000000000");
        return Rate { above: 0.0, per, within, count: 1 };
    }
    // In millionths and whole numbers, because 0.29 times 100 must be 29.
    let most = (above * MILLION).round() as i128 * i128::from(within.as_micros());
    let count = most / (i128::from(per.as_micros()) * 1_000_000) + 1;
    let count = u32::try_from(count).ok().filter(|count| *count <= RATE_COUNT_MAX).unwrap_or_else(|| {
        let message = format!("more than {count} matches within {within} would have to be counted");
        reader.mistake(at, message, format!("at most {RATE_COUNT_MAX}: a shorter within or a lower rate"));
        1
    });
    Rate { above, per, within, count }
}

fn count_within(reader: &mut SectionReader<'_>, text: &CountWithinSyntax, least: u32) -> CountWithin {
    let count = reader.count(&text.count, least, COUNT_MAX);
    CountWithin { count, within: reader.span(&text.within, SECOND, WINDOW_MAX) }
}

fn until(reader: &mut SectionReader<'_>, text: &Spanned<OneOrMore>) -> Matchers {
    let until = reader.matchers(Some(text), ClosedSet::OfEvents);
    if until.0.is_empty() {
        reader.mistake(text.referenced, "until fits everything", "matchers of the event that ends it");
    }
    until
}

fn sequence(reader: &mut SectionReader<'_>, text: &SequenceSyntax, own: &Matchers) -> Sequence {
    let first = SequenceStep { matchers: own.clone(), captures: Vec::new() };
    let count = text.steps.value.len();
    if count == 0 || count >= PARTS_MAX {
        let expected = format!("1 to {} steps after the rule's own match", PARTS_MAX - 1);
        reader.mistake(text.steps.referenced, format!("a sequence of {count} steps"), expected);
    }
    let mut steps = vec![first];
    for entry in text.steps.value.iter().take(PARTS_MAX) {
        let matchers = reader.matchers(Some(entry), ClosedSet::OfEvents);
        if matchers.0.is_empty() {
            reader.mistake(entry.referenced, "this step fits everything", "at least one matcher");
        }
        let number = steps.len();
        steps.push(step(reader, matchers, number, entry.referenced));
    }
    let captures = steps.iter().flat_map(|step| &step.captures);
    let mut captured: Vec<String> = captures.flat_map(|capture| [&capture.label, &capture.of]).cloned().collect();
    captured.sort_unstable();
    captured.dedup();
    Sequence { steps, within: reader.span(&text.within, SECOND, WINDOW_MAX), captured }
}

/// Removes the captures, `device="{1.device}"`, from the matchers of step `number` (from 0).
fn step(reader: &mut SectionReader<'_>, matchers: Matchers, number: usize, at: Location) -> SequenceStep {
    let mut step = SequenceStep { matchers: Matchers::default(), captures: Vec::new() };
    for matcher in matchers.0 {
        let Some((place, of)) = capture_place(&matcher) else {
            step.matchers.0.push(matcher);
            continue;
        };
        if matcher.op() != MatcherOp::Equal {
            reader.mistake(at, format!("{matcher}: a capture is compared by = only"), "label=\"{1.label}\"");
        }
        match place {
            1.. if place <= number => {
                let (label, of) = (matcher.name().to_owned(), of.to_owned());
                step.captures.push(Capture { label, step: place - 1, of });
            }
            _ => {
                let expected = format!("a step from 1 (the rule's own match) to {number}");
                reader.mistake(at, format!("{matcher} names step {place}, which is not before this one"), expected);
            }
        }
    }
    step
}

/// `{2.device}` as (2, device).
fn capture_place(matcher: &Matcher) -> Option<(usize, &str)> {
    let inside = matcher.value().strip_prefix('{')?.strip_suffix('}')?;
    let (place, of) = inside.split_once('.')?;
    let is_label = !of.is_empty() && !of.contains(['{', '}']);
    Some((place.parse().ok()?, of)).filter(|_| is_label)
}

fn group(reader: &mut SectionReader<'_>, text: &GroupSyntax) -> GroupPattern {
    let count = text.all.value.len();
    if count == 0 || count > PARTS_MAX {
        let expected = format!("1 to {PARTS_MAX} classes");
        reader.mistake(text.all.referenced, format!("a group of {count} classes"), expected);
    }
    let mut classes = Vec::new();
    for class in text.all.value.iter().take(PARTS_MAX) {
        let matchers = reader.matchers(Some(&class.matches), ClosedSet::OfEvents);
        if matchers.0.is_empty() && classes.len() + 1 < count {
            let message = "this class fits everything, so the ones after it get nothing";
            reader.mistake(class.matches.referenced, message, "at least one matcher, but for the last class");
        }
        let count = class.count.as_ref().map_or(1, |count| reader.count(count, 1, COUNT_MAX));
        classes.push(GroupClass { matchers, count });
    }
    let all: u32 = classes.iter().map(|class| class.count).sum();
    if all > GROUP_COUNT_MAX {
        let expected = format!("at most {GROUP_COUNT_MAX} in all classes together");
        reader.mistake(text.all.referenced, format!("{all} events are asked for"), expected);
    }
    let within = reader.span(&text.within, SECOND, WINDOW_MAX);
    GroupPattern { classes, within, repeat: text.repeat.unwrap_or(false) }
}

fn flap(reader: &mut SectionReader<'_>, text: &FlapSyntax) -> Flap {
    let mode = text.mode.as_ref().map(|mode| (mode.value.as_str(), mode.referenced));
    let weighted = match mode {
        None | Some(("time", _)) => None,
        Some(("nagios", _)) => Some(Flap::Nagios),
        Some(("icinga", _)) => Some(Flap::Icinga),
        Some((other, at)) => {
            reader.mistake(at, format!("{other:?} is not a way to see flapping"), "time, nagios or icinga");
            None
        }
    };
    if let Some(weighted) = weighted {
        let numbers = [&text.start, &text.stop].into_iter().flatten().map(|number| number.referenced);
        let spans = [&text.within, &text.stop_within].into_iter().flatten().map(|span| span.referenced);
        for at in numbers.chain(spans).collect::<Vec<_>>() {
            reader.mistake(at, "this mode has its own numbers", "start, within, stop and stop_within with mode time");
        }
        return weighted;
    }
    let start = CountWithin {
        count: text.start.as_ref().map_or(FLAP_START.count, |start| reader.count(start, 2, COUNT_MAX)),
        within: reader.optional_span(text.within.as_ref(), SECOND, WINDOW_MAX).unwrap_or(FLAP_START.within),
    };
    let stop = CountWithin {
        count: text.stop.as_ref().map_or(FLAP_STOP.count, |stop| reader.count(stop, 0, start.count - 1)),
        within: reader
            .optional_span(text.stop_within.as_ref(), SECOND, WINDOW_MAX)
            .unwrap_or(FLAP_STOP.within.max(start.within)),
    };
    if let Some(at) = text.stop_within.as_ref().filter(|_| stop.within < start.within) {
        reader.mistake(
            at.referenced,
            format!("stop_within {} is shorter than within", stop.within),
            format!("at least {}", start.within),
        );
    }
    Flap::Timed { start, stop }
}

fn calendar(reader: &mut SectionReader<'_>, text: &CalendarSyntax, at: Location) -> Pattern {
    match Schedule::parse(&text.schedule.value, &text.zone.value) {
        Ok(schedule) => Pattern::Calendar { schedule },
        Err(bad) => {
            let is_zone = bad.reason.starts_with("unknown time zone");
            let place = if is_zone { text.zone.referenced } else { text.schedule.referenced };
            reader.mistake(if place.line() == 0 { at } else { place }, bad.reason, "");
            Pattern::Each
        }
    }
}

/// Maximum window, because a correlator must remember that long.
pub(super) const WINDOW_MAX: TimeDelta = TimeDelta::from_days(7);

pub(super) const SECOND: TimeDelta = TimeDelta::from_seconds(1);
