//! Work calendars: how much working time lies between two moments, and when so much of it has passed.

use crate::model::{Moment, Span};

/// When somebody works: half-open spans of time, sorted and apart, with the working time before each.
///
/// Outside the first and the last of its spans nobody works; one that is always open has no spans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkCalendar {
    pub name: String,
    /// Changes with whatever decides when it is open; clocks keep the version that they ran on.
    pub version: u64,
    hours: Hours,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hours {
    Always,
    Spans(Vec<WorkSpan>),
}

/// One stretch of work, and how much there was before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct WorkSpan {
    from: Moment,
    to: Moment,
    before: Span,
}

impl WorkCalendar {
    /// 7×24.
    pub fn always(name: &str) -> WorkCalendar {
        WorkCalendar { name: name.to_owned(), version: 0, hours: Hours::Always }
    }

    /// From stretches of work in any order; what overlaps or touches is joined.
    pub fn of_spans(name: &str, version: u64, mut spans: Vec<(Moment, Moment)>) -> WorkCalendar {
        spans.retain(|(from, to)| from < to);
        spans.sort_unstable();
        let mut joined: Vec<WorkSpan> = Vec::with_capacity(spans.len());
        for (from, to) in spans {
            match joined.last_mut() {
                Some(last) if from <= last.to => last.to = last.to.max(to),
                Some(last) => {
                    let before = last.before + last.to.since(last.from);
                    joined.push(WorkSpan { from, to, before });
                }
                None => joined.push(WorkSpan { from, to, before: Span::ZERO }),
            }
        }
        WorkCalendar { name: name.to_owned(), version, hours: Hours::Spans(joined) }
    }

    pub fn is_open(&self, at: Moment) -> bool {
        match &self.hours {
            Hours::Always => true,
            Hours::Spans(spans) => last_begun(spans, at).is_some_and(|span| at < span.to),
        }
    }

    /// The working time in `[from, to)`; zero when `to` is not after `from`.
    pub fn between(&self, from: Moment, to: Moment) -> Span {
        if to <= from {
            return Span::ZERO;
        }
        match &self.hours {
            Hours::Always => to.since(from),
            Hours::Spans(spans) => worked_before(spans, to).saturating_sub(worked_before(spans, from)),
        }
    }

    /// When `work` of working time has passed since `from`: the earliest such moment, so that a deadline at the end of a
    /// stretch stays there. `None` when the calendar does not hold so much.
    pub fn add(&self, from: Moment, work: Span) -> Option<Moment> {
        let spans = match &self.hours {
            Hours::Always => return Some(from + work),
            Hours::Spans(spans) => spans,
        };
        if work.is_zero() {
            return Some(from);
        }
        let until = worked_before(spans, from) + work;
        let index = spans.partition_point(|span| span.before + span.to.since(span.from) < until);
        spans.get(index).map(|span| span.from + until.saturating_sub(span.before))
    }

    /// The first moment not before `at` at which somebody works.
    pub fn next_open(&self, at: Moment) -> Option<Moment> {
        match &self.hours {
            Hours::Always => Some(at),
            Hours::Spans(spans) => spans.get(spans.partition_point(|span| span.to <= at)).map(|span| span.from.max(at)),
        }
    }
}

/// The last stretch that began at or before `at`.
fn last_begun(spans: &[WorkSpan], at: Moment) -> Option<&WorkSpan> {
    spans.partition_point(|span| span.from <= at).checked_sub(1).map(|index| &spans[index])
}

fn worked_before(spans: &[WorkSpan], at: Moment) -> Span {
    last_begun(spans, at).map_or(Span::ZERO, |span| span.before + at.min(span.to).since(span.from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(hours: i64) -> Moment {
        Moment::EPOCH + Span::from_hours(hours)
    }

    /// 08–12 and 14–18 on two days.
    #[test]
    fn a_deadline_at_the_end_of_a_stretch_stays_there() {
        let spans = [(32, 36), (8, 12), (14, 18), (38, 42)].map(|(from, to)| (hour(from), hour(to))).to_vec();
        let calendar = WorkCalendar::of_spans("白班", 1, spans);
        assert_eq!(calendar.add(hour(8), Span::from_hours(4)), Some(hour(12)));
        assert_eq!(calendar.add(hour(12), Span::from_hours(1)), Some(hour(15)));
        assert_eq!(calendar.add(hour(17), Span::from_hours(8)), Some(hour(41)));
        assert_eq!(calendar.add(hour(41), Span::from_hours(2)), None);
        assert_eq!(calendar.between(hour(0), hour(50)), Span::from_hours(16));
        assert_eq!(calendar.between(hour(11), hour(15)), Span::from_hours(2));
        assert_eq!(calendar.next_open(hour(12)), Some(hour(14)));
        assert!(calendar.is_open(hour(8)) && !calendar.is_open(hour(12)));
    }
}
