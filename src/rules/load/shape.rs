//! The shape of a rule: a number that stays while its windows keep their meaning, across reloads and releases.

use crate::model::{Matchers, fnv1a};
use crate::rules::{Counts, Expression, Pattern};

pub(super) fn of(
    matchers: &Matchers,
    when: Option<&Expression>,
    by: &[String],
    pattern: &Pattern,
    counts: Counts,
) -> u64 {
    let pattern = match pattern {
        Pattern::Each => "each".to_owned(),
        Pattern::Threshold { count, within, clear } => format!("threshold {count} {} {clear}", within.as_micros()),
        Pattern::Pair { until, within } => {
            format!("pair {} {:?}", sorted(until), within.map(crate::model::Span::as_micros))
        }
        Pattern::Absence { within } => format!("absence {}", within.as_micros()),
    };
    let counts = match counts {
        Counts::Transitions => "transitions",
        Counts::Messages => "message",
    };
    let mut by: Vec<&str> = by.iter().map(String::as_str).collect();
    by.sort_unstable();
    let when = when.map_or("", Expression::text);
    fnv1a(format!("{}\n{when}\n{by:?}\n{pattern}\n{counts}", sorted(matchers)).as_bytes())
}

/// Their order means nothing.
fn sorted(matchers: &Matchers) -> String {
    let mut texts: Vec<String> = matchers.iter().map(ToString::to_string).collect();
    texts.sort_unstable();
    texts.join(",")
}
