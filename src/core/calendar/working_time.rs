//! Work calendars: the working time between two times, and the time at which an amount of it has passed.
//!
//! Civil hours become instants one year (of UTC) at a time, on the first use of that year, and stay so: prefix sums
//! within the year make every query a binary search.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use jiff::ToSpan;
use jiff::civil::date;

use super::CivilHours;
use crate::core::model::{TimeDelta, Timestamp, fnv1a};

const FIRST_YEAR: i16 = 1970;
const YEARS: usize = 131;
/// Search limit for working time; a calendar that is closed for longer has none.
const YEARS_AHEAD: usize = 20;

/// Work calendars by name. A missing one counts as 7×24, so that no clock is lost with it.
pub type Calendars = BTreeMap<String, WorkCalendar>;

/// Working time as half-open spans. From 1970 to 2100; outside of that there is none, unless always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkCalendar {
    pub name: String,
    /// Changes with everything that decides the open hours; clocks keep the version that they ran on.
    pub version: u64,
    hours: Hours,
    /// By how many microseconds civil time is ahead of the moments that are asked about.
    ahead: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hours {
    Always,
    /// Shared by clones, with the years computed so far.
    Civil(Arc<Years>),
}

/// The civil hours, and the instants of the years used so far.
#[derive(Debug)]
struct Years {
    civil: CivilHours,
    years: Vec<OnceLock<YearOfWork>>,
}

impl PartialEq for Years {
    fn eq(&self, other: &Self) -> bool {
        self.civil == other.civil
    }
}

impl Eq for Years {}

/// The stretches of one year in order, disjoint.
#[derive(Debug)]
struct YearOfWork {
    spans: Vec<WorkSpan>,
    total: TimeDelta,
}

/// One stretch of work, with the working time before it in its year.
#[derive(Clone, Copy, Debug)]
struct WorkSpan {
    from: Timestamp,
    to: Timestamp,
    before: TimeDelta,
}

impl WorkCalendar {
    /// 7×24.
    pub fn always(name: &str) -> WorkCalendar {
        WorkCalendar { name: name.to_owned(), version: 0, hours: Hours::Always, ahead: 0 }
    }

    /// Costs nothing before the first use.
    pub fn civil(name: &str, civil: CivilHours) -> WorkCalendar {
        let version = fnv1a(civil.canonical().as_bytes());
        let years = (0..YEARS).map(|_| OnceLock::new()).collect();
        WorkCalendar { name: name.to_owned(), version, hours: Hours::Civil(Arc::new(Years { civil, years })), ahead: 0 }
    }

    /// The same calendar for a service whose wall clock is that many microseconds ahead of its moments.
    pub fn set_ahead(&mut self, micros: i64) {
        self.ahead = micros;
        if let Hours::Civil(years) = &self.hours {
            self.version = fnv1a(format!("{} {micros}", years.civil.canonical()).as_bytes());
        }
    }

    /// The IANA name of the zone of its hours; `None` when it is always open.
    pub fn zone(&self) -> Option<&str> {
        match &self.hours {
            Hours::Always => None,
            Hours::Civil(years) => Some(years.civil.zone()),
        }
    }

    fn civil_time(&self, at: Timestamp) -> Timestamp {
        at.shifted(self.ahead)
    }

    fn moment_of(&self, civil_time: Timestamp) -> Timestamp {
        civil_time.shifted(self.ahead.saturating_neg())
    }

    pub fn is_open(&self, at: Timestamp) -> bool {
        let at = self.civil_time(at);
        match &self.hours {
            Hours::Always => true,
            Hours::Civil(years) => years.year(index_of(at)).last_begun(at).is_some_and(|span| at < span.to),
        }
    }

    /// The working time in `[from, to)`; zero if `to` is not after `from`.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> TimeDelta {
        let (from, to) = (self.civil_time(from), self.civil_time(to));
        let years = match &self.hours {
            _ if to <= from => return TimeDelta::ZERO,
            Hours::Always => return to.since(from),
            Hours::Civil(years) => years,
        };
        let (first, last) = (index_of(from), index_of(to));
        let whole = (first..last).fold(TimeDelta::ZERO, |sum, index| sum + years.year(index).total);
        (whole + years.year(last).worked_before(to)).saturating_sub(years.year(first).worked_before(from))
    }

    /// The time in `[from, to)` without work.
    pub fn outside(&self, from: Timestamp, to: Timestamp) -> TimeDelta {
        to.since(from).saturating_sub(self.between(from, to))
    }

    /// The earliest time at which `work` of working time has passed since `from`, so that a deadline at the end of a
    /// stretch stays there. `None` if the next twenty years have less.
    pub fn add(&self, from: Timestamp, work: TimeDelta) -> Option<Timestamp> {
        self.add_civil(self.civil_time(from), work).map(|found| self.moment_of(found))
    }

    fn add_civil(&self, from: Timestamp, work: TimeDelta) -> Option<Timestamp> {
        let years = match &self.hours {
            Hours::Always => return Some(from + work),
            Hours::Civil(_) if work.is_zero() => return Some(from),
            Hours::Civil(years) => years,
        };
        let mut rest = work + years.year(index_of(from)).worked_before(from);
        for index in years.ahead_of(from) {
            let year = years.year(index);
            if rest <= year.total {
                let found = year.spans.partition_point(|span| span.before + span.to.since(span.from) < rest);
                return year.spans.get(found).map(|span| span.from + rest.saturating_sub(span.before));
            }
            rest = rest.saturating_sub(year.total);
        }
        None
    }

    /// The first working time not before `at`; `None` if there is none in the next twenty years.
    pub fn next_open(&self, at: Timestamp) -> Option<Timestamp> {
        let years = match &self.hours {
            Hours::Always => return Some(at),
            Hours::Civil(years) => years,
        };
        let at = self.civil_time(at);
        let found = years.ahead_of(at).find_map(|index| {
            let spans = &years.year(index).spans;
            spans.get(spans.partition_point(|span| span.to <= at)).map(|span| span.from.max(at))
        });
        found.map(|found| self.moment_of(found))
    }

    /// The first time not before `at` without work; `None` if there is none in the next twenty years.
    pub fn next_closed(&self, at: Timestamp) -> Option<Timestamp> {
        let years = match &self.hours {
            Hours::Always => return None,
            Hours::Civil(years) => years,
        };
        let at = self.civil_time(at);
        let mut closed = at;
        // A stretch that goes on over New Year is two that touch.
        for index in years.ahead_of(at) {
            match years.year(index).last_begun(closed).filter(|span| closed < span.to) {
                Some(span) => closed = span.to,
                None => return Some(self.moment_of(closed)),
            }
        }
        None
    }

    /// The year whose statutory holidays the calendar lacks at `at` (in December the next one too).
    pub fn lacks_statutory_year(&self, at: Timestamp) -> Option<i16> {
        match &self.hours {
            Hours::Always => None,
            Hours::Civil(years) => years.civil.lacks_year(self.civil_time(at)),
        }
    }

    /// Time of the next check of that; `None` for a calendar without statutory holidays.
    pub fn next_statutory_look(&self, at: Timestamp) -> Option<Timestamp> {
        match &self.hours {
            Hours::Always => None,
            Hours::Civil(years) => years.civil.next_look(self.civil_time(at)).map(|look| self.moment_of(look)),
        }
    }
}

impl Years {
    fn year(&self, index: usize) -> &YearOfWork {
        // The index is clamped at its creation; a year outside the range has no work.
        static NONE: YearOfWork = YearOfWork { spans: Vec::new(), total: TimeDelta::ZERO };
        let Some(year) = self.years.get(index) else { return &NONE };
        year.get_or_init(|| YearOfWork::of(&self.civil, index))
    }

    fn ahead_of(&self, at: Timestamp) -> impl Iterator<Item = usize> + use<> {
        let first = index_of(at);
        first..(first + YEARS_AHEAD).min(YEARS)
    }
}

impl YearOfWork {
    fn of(civil: &CivilHours, index: usize) -> YearOfWork {
        let number = FIRST_YEAR + i16::try_from(index).unwrap_or_default();
        // Civil days extend beyond the ends of a year of UTC.
        let (first, last) = (date(number, 1, 1) - 2.days(), date(number, 12, 31) + 2.days());
        let (begin, end) = (begin_of(number), begin_of(number + 1));
        let clip = |(from, to): (Timestamp, Timestamp)| (from.max(begin), to.min(end));
        let mut stretches: Vec<_> = civil.spans(first, last).into_iter().map(clip).collect();
        stretches.retain(|(from, to)| from < to);
        stretches.sort_unstable();
        let mut spans: Vec<WorkSpan> = Vec::with_capacity(stretches.len());
        for (from, to) in stretches {
            match spans.last_mut() {
                Some(last) if from <= last.to => last.to = last.to.max(to),
                Some(last) => {
                    let before = last.before + last.to.since(last.from);
                    spans.push(WorkSpan { from, to, before });
                }
                None => spans.push(WorkSpan { from, to, before: TimeDelta::ZERO }),
            }
        }
        let total = spans.last().map_or(TimeDelta::ZERO, |last| last.before + last.to.since(last.from));
        YearOfWork { spans, total }
    }

    /// The last stretch that began at or before `at`.
    fn last_begun(&self, at: Timestamp) -> Option<&WorkSpan> {
        self.spans.partition_point(|span| span.from <= at).checked_sub(1).map(|index| &self.spans[index])
    }

    fn worked_before(&self, at: Timestamp) -> TimeDelta {
        self.last_begun(at).map_or(TimeDelta::ZERO, |span| span.before + at.min(span.to).since(span.from))
    }
}

/// Index of a time's year of UTC; the first or the last for times beyond them.
fn index_of(at: Timestamp) -> usize {
    let year = jiff::tz::TimeZone::UTC.to_datetime(at.to_timestamp()).year();
    usize::try_from(year - FIRST_YEAR).unwrap_or_default().min(YEARS - 1)
}

fn begin_of(year: i16) -> Timestamp {
    let begin = jiff::tz::Offset::UTC.to_timestamp(date(year, 1, 1).to_datetime(jiff::civil::Time::midnight()));
    begin.map_or(Timestamp::FAR_FUTURE, Timestamp::from_timestamp)
}
