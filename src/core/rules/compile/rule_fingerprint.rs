//! The fingerprint of a rule: a number that is stable while its windows keep their meaning, across reloads and
//! releases.

use crate::core::model::{Matchers, TimeDelta, fnv1a};
use crate::core::rules::{ContextGuard, CountWithin, Counts, Expression, Flap, Pattern, Semantics};

/// The parts of a rule that decide the meaning of its windows.
pub(super) struct FingerprintInput<'a> {
    pub matchers: &'a Matchers,
    pub unless: &'a [Matchers],
    pub when: Option<&'a Expression>,
    pub by: &'a [String],
    pub one_group: bool,
    pub pattern: &'a Pattern,
    pub counts: Counts,
    pub semantics: Semantics,
    pub guard: Option<&'a ContextGuard>,
}

pub(super) fn of(parts: &FingerprintInput<'_>) -> u64 {
    let counts = match parts.counts {
        Counts::Transitions => "transitions",
        Counts::Messages => "message",
    };
    let mut by: Vec<&str> = parts.by.iter().map(String::as_str).collect();
    by.sort_unstable();
    let when = parts.when.map_or("", Expression::text);
    let mut text = format!("{}\n{when}\n{by:?}\n{}\n{counts}", sorted(parts.matchers), pattern(parts.pattern));
    // Only if set, so that rules of former releases keep their number.
    match parts.semantics {
        Semantics::Own => {}
        Semantics::Sec => text.push_str("\nsec"),
    }
    if let Some(guard) = parts.guard {
        text.push_str(&format!("\ncontext {guard}"));
    }
    for set in parts.unless {
        text.push_str(&format!("\nunless {}", sorted(set)));
    }
    if parts.one_group {
        text.push_str("\none group");
    }
    fnv1a(text.as_bytes())
}

fn pattern(pattern: &Pattern) -> String {
    let span = |span: TimeDelta| span.as_micros();
    let counted = |count: &CountWithin| format!("{} {}", count.count, span(count.within));
    match pattern {
        Pattern::Each => "each".to_owned(),
        Pattern::Suppress { within } => format!("suppress {}", span(*within)),
        Pattern::Threshold { count, within, clear, distinct: None } => {
            format!("threshold {count} {} {clear}", span(*within))
        }
        Pattern::Threshold { count, within, clear, distinct: Some(label) } => {
            format!("threshold {count} {} {clear} distinct {label:?}", span(*within))
        }
        Pattern::Rate(rate) => format!("rate {} {}", rate.count, span(rate.within)),
        Pattern::Thresholds { rise, fall } => format!("thresholds {} {}", counted(rise), counted(fall)),
        Pattern::Pair { until, within } => format!("pair {} {:?}", sorted(until), within.map(span)),
        Pattern::PairWindow { until, within } => format!("pair_window {} {}", sorted(until), span(*within)),
        Pattern::Absence { within } => format!("absence {}", span(*within)),
        Pattern::Sequence(sequence) => {
            let steps = sequence.steps.iter().map(|step| format!("\n{} {:?}", sorted(&step.matchers), step.captures));
            format!("sequence {}{}", span(sequence.within), steps.collect::<String>())
        }
        Pattern::Group(group) => {
            let classes = group.classes.iter().map(|class| format!("\n{} {}", sorted(&class.matchers), class.count));
            format!("group {} {}{}", span(group.within), group.repeat, classes.collect::<String>())
        }
        Pattern::Flap(Flap::Timed { start, stop }) => format!("flap {} {}", counted(start), counted(stop)),
        Pattern::Flap(Flap::Nagios) => "flap nagios".to_owned(),
        Pattern::Flap(Flap::Icinga) => "flap icinga".to_owned(),
        Pattern::Calendar { schedule } => format!("calendar {schedule}"),
    }
}

/// Sorted, because their order means nothing.
fn sorted(matchers: &Matchers) -> String {
    let mut texts: Vec<String> = matchers.iter().map(ToString::to_string).collect();
    texts.sort_unstable();
    texts.join(",")
}
