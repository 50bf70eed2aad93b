//! One clock: when it ran, against which limit, and what of it is due next.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::calendar::WorkCalendar;
use crate::core::model::{ClockState, TimeDelta, Timestamp};

/// How many stretches one clock keeps apart; of more, the oldest two become one that has worked as long.
const INTERVALS_MAX: usize = 1_000;

/// By name. One that is gone counts as 7×24, so that no promise is lost with it.
pub type Calendars = BTreeMap<String, WorkCalendar>;

/// What a clock runs against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockTerms {
    /// In working time.
    pub limit: TimeDelta,
    pub calendar: String,
    /// Percentages of the limit, ascending.
    pub warnings: Vec<u8>,
}

/// A stretch in which a clock ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningInterval {
    pub from: Timestamp,
    /// `None`: it still runs.
    pub to: Option<Timestamp>,
    pub calendar: String,
    /// Of the calendar; a later one does not change what has run under this.
    pub version: u64,
    /// The working time in it, once it is over.
    pub worked: TimeDelta,
}

/// What a clock should do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClockDirective {
    Run,
    /// Stands still for that reason.
    Pause(String),
    /// The promise was kept then, unless the clock had breached.
    End(Timestamp),
    /// Nothing is promised, or the item ended otherwise.
    Rest,
}

/// Idle → running ⇄ paused → met or breached; breached is for good, and it keeps counting.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SlaClock {
    /// In order; only the last may still run.
    log: Vec<RunningInterval>,
    terms: Option<ClockTerms>,
    /// Since when these terms hold: nothing is due before it.
    since: Timestamp,
    paused: Option<String>,
    /// The highest percentage that was told of.
    warned: u8,
    breached_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    next: Option<Timestamp>,
}

/// What became due on a clock.
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

    /// When `tick` has something to do.
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

    /// The working time that has run until `now`: that of the log, whatever happened in between.
    pub fn elapsed(&self, now: Timestamp, calendars: &Calendars) -> TimeDelta {
        let open = self.open().map_or(TimeDelta::ZERO, |open| between(calendars, &open.calendar, open.from, now));
        self.closed() + open
    }

    /// When the limit is reached if it goes on as now. A deadline at the end of a working span stays there.
    pub fn deadline(&self, calendars: &Calendars) -> Option<Timestamp> {
        self.reaches(self.terms.as_ref()?.limit, calendars)
    }

    /// When it broke, else when it would if it ran from now on: which of two promises is the sooner one. `None` once the
    /// promise was kept, and without one.
    pub fn falls_due(&self, now: Timestamp, calendars: &Calendars) -> Option<Timestamp> {
        if self.breached_at.is_some() || self.ended_at.is_some() {
            return self.breached_at;
        }
        let terms = self.terms.as_ref()?;
        let left = terms.limit.saturating_sub(self.elapsed(now, calendars));
        calendars.get(&terms.calendar).map_or(Some(now + left), |calendar| calendar.add(now, left))
    }

    /// Takes a course under these terms. What has run stays; so does a breach.
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

    /// The calendars are others from now on: what has run keeps the working time of the old ones.
    pub fn change_calendars(&mut self, now: Timestamp, old: &Calendars, new: &Calendars) {
        let Some(name) = self.open().map(|open| open.calendar.clone()) else { return };
        if version(old, &name) == version(new, &name) {
            return;
        }
        self.close(now, old);
        self.begin(now, name, new);
        self.arm(now, new);
    }

    /// What has become due by `now`, the most telling only: a breach, else the highest warning.
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

    /// When the elapsed time is that much, if the clock runs.
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
