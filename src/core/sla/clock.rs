//! One SLA clock: its running intervals, its limit, and its next due event.

use crate::core::calendar::Calendars;

use serde::{Deserialize, Serialize};

use crate::core::model::{ClockState, TimeDelta, Timestamp};

/// Maximum number of intervals per clock; beyond it, the oldest two become one with the same working time.
const INTERVALS_MAX: usize = 1_000;

/// Terms that a clock runs against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockTerms {
    /// In working time.
    pub limit: TimeDelta,
    pub calendar: String,
    /// Percentages of the limit, ascending.
    pub warnings: Vec<u8>,
}

/// An interval in which a clock ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningInterval {
    pub from: Timestamp,
    /// `None`: it still runs.
    pub to: Option<Timestamp>,
    pub calendar: String,
    /// Version of the calendar; a later one does not change the time elapsed under this one.
    pub version: u64,
    /// Its working time, once it is over.
    pub worked: TimeDelta,
}

/// The course that a clock should take now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClockDirective {
    Run,
    /// Pauses for that reason.
    Pause(String),
    /// Met at that time, unless the clock had breached.
    End(Timestamp),
    /// No target applies, or the record ended otherwise.
    Rest,
}

/// Idle → running ⇄ paused → met or breached; breached is for good, and it keeps counting.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SlaClock {
    /// In order; only the last may still run.
    log: Vec<RunningInterval>,
    terms: Option<ClockTerms>,
    /// Start of these terms: nothing is due before it.
    since: Timestamp,
    paused: Option<String>,
    /// The highest percentage that was reported.
    warned: u8,
    breached_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    next: Option<Timestamp>,
}

/// A due event of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// So many percent of the limit have run.
    Warned(u8),
    Breached(Timestamp),
}

impl SlaClock {
    pub fn state(&self) -> ClockState {
        if self.breached_at.is_some() {
            ClockState::Breached
        } else if self.ended_at.is_some() {
            ClockState::Met
        } else if self.paused.is_some() {
            ClockState::Paused
        } else if self.open().is_some() {
            ClockState::Running
        } else {
            ClockState::Idle
        }
    }

    /// Time of the next work for `tick`.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.next
    }

    /// Also after a breach.
    pub fn is_running(&self) -> bool {
        self.open().is_some()
    }

    pub fn terms(&self) -> Option<&ClockTerms> {
        self.terms.as_ref()
    }

    pub fn breached_at(&self) -> Option<Timestamp> {
        self.breached_at
    }

    pub fn ended_at(&self) -> Option<Timestamp> {
        self.ended_at
    }

    pub fn paused(&self) -> Option<&str> {
        self.paused.as_deref()
    }

    pub fn log(&self) -> &[RunningInterval] {
        &self.log
    }

    /// The working time elapsed until `now`: the sum of the log.
    pub fn elapsed(&self, now: Timestamp, calendars: &Calendars) -> TimeDelta {
        let open = self.open().map_or(TimeDelta::ZERO, |open| between(calendars, &open.calendar, open.from, now));
        self.closed() + open
    }

    /// Time of the limit if the clock continues. A deadline at the end of a working span stays there.
    pub fn deadline(&self, calendars: &Calendars) -> Option<Timestamp> {
        self.reaches(self.terms.as_ref()?.limit, calendars)
    }

    /// Time of its breach, else of the limit if it ran from now on: decides which of two clocks is due sooner. `None`
    /// once met, and without terms.
    pub fn falls_due(&self, now: Timestamp, calendars: &Calendars) -> Option<Timestamp> {
        if self.breached_at.is_some() || self.ended_at.is_some() {
            return self.breached_at;
        }
        let terms = self.terms.as_ref()?;
        let left = terms.limit.saturating_sub(self.elapsed(now, calendars));
        calendars.get(&terms.calendar).map_or(Some(now + left), |calendar| calendar.add(now, left))
    }

    /// Takes a course under these terms. The elapsed time stays; so does a breach.
    pub fn steer(
        &mut self,
        now: Timestamp,
        course: &ClockDirective,
        terms: Option<&ClockTerms>,
        calendars: &Calendars,
    ) {
        if self.terms.as_ref() != terms {
            self.terms = terms.cloned();
            self.since = now;
        }
        let runs = match (course, terms) {
            (ClockDirective::Run, Some(terms)) => Some(terms.calendar.clone()),
            (ClockDirective::Run | ClockDirective::Pause(_) | ClockDirective::End(_) | ClockDirective::Rest, _) => None,
        };
        (self.paused, self.ended_at) = match course {
            ClockDirective::Run | ClockDirective::Rest => (None, None),
            ClockDirective::Pause(why) => (Some(why.clone()), None),
            ClockDirective::End(at) => (None, self.ended_at.or(Some(*at))),
        };
        let goes_on = self.open().is_some_and(|open| {
            runs.as_deref() == Some(open.calendar.as_str()) && open.version == version(calendars, &open.calendar)
        });
        if !goes_on {
            self.close(now, calendars);
            if let Some(calendar) = runs {
                self.begin(now, calendar, calendars);
            }
        }
        self.arm(now, calendars);
    }

    /// Switches the calendars: the elapsed time keeps the working time of the old ones.
    pub fn change_calendars(&mut self, now: Timestamp, old: &Calendars, new: &Calendars) {
        let Some(name) = self.open().map(|open| open.calendar.clone()) else { return };
        if version(old, &name) == version(new, &name) {
            return;
        }
        self.close(now, old);
        self.begin(now, name, new);
        self.arm(now, new);
    }

    /// The most important due event by `now`: a breach, else the highest warning.
    pub(super) fn tick(&mut self, now: Timestamp, calendars: &Calendars) -> Option<Due> {
        if self.next.is_none_or(|next| next > now) {
            return None;
        }
        let due = self.due(now, calendars);
        match due {
            Some(Due::Breached(at)) => self.breached_at = Some(at),
            Some(Due::Warned(percent)) => self.warned = percent,
            None => {}
        }
        self.arm(now, calendars);
        due
    }

    fn due(&self, now: Timestamp, calendars: &Calendars) -> Option<Due> {
        let terms = self.terms.as_ref()?;
        let passed = |goal: TimeDelta| self.reaches(goal, calendars).filter(|at| *at <= now);
        if let Some(at) = passed(terms.limit) {
            return Some(Due::Breached(at.max(self.since)));
        }
        let warnings = terms.warnings.iter().rev().copied().filter(|percent| *percent > self.warned);
        warnings.into_iter().find(|percent| passed(share(terms.limit, *percent)).is_some()).map(Due::Warned)
    }

    fn arm(&mut self, now: Timestamp, calendars: &Calendars) {
        self.next = self.next_due(calendars).map(|at| at.max(now).max(self.since));
    }

    fn next_due(&self, calendars: &Calendars) -> Option<Timestamp> {
        let terms = self.terms.as_ref().filter(|_| self.breached_at.is_none() && self.open().is_some())?;
        let warning = terms.warnings.iter().find(|percent| **percent > self.warned);
        let warning = warning.and_then(|percent| self.reaches(share(terms.limit, *percent), calendars));
        warning.into_iter().chain(self.reaches(terms.limit, calendars)).min()
    }

    /// Time at which the elapsed time is that much, if the clock runs.
    fn reaches(&self, goal: TimeDelta, calendars: &Calendars) -> Option<Timestamp> {
        let open = self.open()?;
        let left = goal.saturating_sub(self.closed());
        match calendars.get(&open.calendar) {
            Some(calendar) => calendar.add(open.from, left),
            None => Some(open.from + left),
        }
    }

    fn open(&self) -> Option<&RunningInterval> {
        self.log.last().filter(|last| last.to.is_none())
    }

    fn closed(&self) -> TimeDelta {
        self.log.iter().filter(|one| one.to.is_some()).fold(TimeDelta::ZERO, |sum, one| sum + one.worked)
    }

    fn begin(&mut self, now: Timestamp, calendar: String, calendars: &Calendars) {
        let version = version(calendars, &calendar);
        if self.log.len() >= INTERVALS_MAX {
            let first = self.log.remove(0);
            if let Some(second) = self.log.first_mut() {
                second.from = first.from;
                second.worked = second.worked + first.worked;
            }
        }
        self.log.push(RunningInterval { from: now, to: None, calendar, version, worked: TimeDelta::ZERO });
    }

    fn close(&mut self, now: Timestamp, calendars: &Calendars) {
        let Some(open) = self.log.last_mut().filter(|last| last.to.is_none()) else { return };
        open.to = Some(now);
        open.worked = between(calendars, &open.calendar, open.from, now);
    }
}

/// That many percent of a span, rounded up, so that no warning comes early.
fn share(limit: TimeDelta, percent: u8) -> TimeDelta {
    TimeDelta::from_micros((limit.as_micros() * i64::from(percent) + 99) / 100)
}

fn between(calendars: &Calendars, name: &str, from: Timestamp, to: Timestamp) -> TimeDelta {
    calendars.get(name).map_or_else(|| to.since(from), |calendar| calendar.between(from, to))
}

fn version(calendars: &Calendars, name: &str) -> u64 {
    calendars.get(name).map_or(0, |calendar| calendar.version)
}
