//! On-call schedules: shifts in layers of rotations, and the policy for work that no one on duty can take.

use jiff::tz::TimeZone;

use crate::core::model::TimeDelta;

const DAY_MINUTES: i64 = 24 * 60;
const WEEK_MINUTES: i64 = 7 * DAY_MINUTES;

/// Layers of rotations; at any time the highest layer with a person on duty counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Roster {
    pub name: String,
    pub title: String,
    /// The IANA name of the zone of all its local times, and the zone itself.
    pub zone_name: String,
    pub zone: TimeZone,
    /// By how many microseconds civil time is ahead of the moments that are asked about.
    pub ahead: i64,
    /// The calendar during which a person must be on duty.
    pub covers: String,
    /// Minimum number of people on duty in that calendar; 1 or more.
    pub at_least: u32,
    /// True if a person without any presence report counts as absent.
    pub presence_required: bool,
    /// Lifetime of a heartbeat that gives none.
    pub absent_after: TimeDelta,
    /// Policy if no suitable person is present.
    pub when_absent: UnavailablePolicy,
    /// Policy if every present person is at the limit.
    pub when_full: UnavailablePolicy,
    /// From the lowest to the highest.
    pub layers: Vec<Layer>,
}

/// Policy for work that no responder can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnavailablePolicy {
    /// It goes to the next escalation step at once.
    Skip,
    /// It waits in the queue.
    Wait,
}

impl UnavailablePolicy {
    pub const ALL: [UnavailablePolicy; 2] = [UnavailablePolicy::Skip, UnavailablePolicy::Wait];

    pub const fn as_str(self) -> &'static str {
        match self {
            UnavailablePolicy::Skip => "skip",
            UnavailablePolicy::Wait => "wait",
        }
    }
}

/// One rotation: shifts of one length, taken in turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    pub name: String,
    /// Start of the first shift, in local minutes since 1970-01-01T00:00 of the schedule's zone.
    pub start: i64,
    /// Length of a shift on the local clock, in minutes; 1 or more.
    pub shift_minutes: i64,
    /// The crews in turn; several people together are one crew. Never empty, and no crew is.
    pub crews: Vec<Vec<String>>,
    /// Only within these hours; empty: all day.
    pub hours: Vec<DutyHours>,
    /// Only on these days, Monday first; an overnight stretch belongs to the day on which it begins.
    pub days: [bool; 7],
    /// Only while this calendar is open.
    pub calendar: Option<String>,
    pub turns: Turns,
}

/// The shifts that take a turn of a rotation.
#[derive(Debug, Clone, PartialEq)]
pub enum Turns {
    /// Every shift of the clock, worked or not.
    All,
    /// Those that the layer's days and hours touch.
    Worked(WorkedShifts),
}

/// The shifts that are worked, in the pattern that repeats after whole weeks of whole shifts.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkedShifts {
    /// By shift of the period: how many before it are worked; with the number in all at the end.
    before: Vec<u32>,
}

impl Turns {
    pub const WORDS: [&str; 2] = ["worked", "all"];

    /// The number of the turn that a shift takes, from 0.
    pub fn turn(&self, shift: i64) -> i64 {
        match self {
            Turns::All => shift,
            Turns::Worked(worked) => {
                let period = worked.period();
                let index = shift.rem_euclid(period) as usize;
                let (whole, before) = (worked.before[worked.before.len() - 1], worked.before[index]);
                shift.div_euclid(period) * i64::from(whole) + i64::from(before)
            }
        }
    }
}

impl WorkedShifts {
    /// `days`: Monday first; no `hours`: the whole of each day. The calendar of a layer is not asked.
    pub fn new(start: i64, shift_minutes: i64, hours: &[DutyHours], days: [bool; 7]) -> WorkedShifts {
        let length = shift_minutes.max(1);
        let period = WEEK_MINUTES / greatest_common_divisor(WEEK_MINUTES, length);
        let mut before = vec![0_u32];
        for shift in 0..period {
            let from = start + shift * length;
            let worked = is_worked(from, from + length, hours, days);
            before.push(before[before.len() - 1] + u32::from(worked));
        }
        WorkedShifts { before }
    }

    /// After how many shifts the pattern repeats.
    pub fn period(&self) -> i64 {
        (self.before.len() - 1) as i64
    }

    pub fn is_worked(&self, shift: i64) -> bool {
        let index = shift.rem_euclid(self.period()) as usize;
        self.before[index] < self.before[index + 1]
    }
}

/// True if a stretch of the days touches the local minutes `[from, until)`.
fn is_worked(from: i64, until: i64, hours: &[DutyHours], days: [bool; 7]) -> bool {
    const ALL_DAY: &[DutyHours] = &[DutyHours { from: 0, until: DAY_MINUTES }];
    let hours = if hours.is_empty() { ALL_DAY } else { hours };
    // A stretch reaches at most into the second day after its own; eight days hold every weekday.
    let first = from.div_euclid(DAY_MINUTES) - 2;
    let last = (until - 1).div_euclid(DAY_MINUTES).min(first + 10);
    // 1970-01-01 was a Thursday.
    (first..=last).filter(|day| days[(day + 3).rem_euclid(7) as usize]).any(|day| {
        let midnight = day * DAY_MINUTES;
        hours.iter().any(|stretch| midnight + stretch.from < until && from < midnight + stretch.until)
    })
}

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// A stretch of the local day, in minutes after midnight; `until` is beyond 1,440 when it ends on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DutyHours {
    pub from: i64,
    pub until: i64,
}

impl Layer {
    /// The crew of a shift, by its place in the rotation from 0.
    pub fn crew_of(&self, shift: i64) -> usize {
        self.turns.turn(shift).rem_euclid(self.crews.len().max(1) as i64) as usize
    }

    /// The people whom no shift that is worked ever brings on.
    pub fn never_on(&self) -> Vec<&str> {
        let worked = WorkedShifts::new(self.start, self.shift_minutes, &self.hours, self.days);
        let crews = self.crews.len().max(1) as i64;
        let shifts = (0..worked.period() * crews).filter(|shift| worked.is_worked(*shift));
        let on: std::collections::BTreeSet<usize> = shifts.map(|shift| self.crew_of(shift)).collect();
        let people = |index: &usize| self.crews[*index].iter().map(String::as_str);
        let known: std::collections::BTreeSet<&str> = on.iter().flat_map(people).collect();
        let mut never: Vec<&str> = self.people().filter(|person| !known.contains(person)).collect();
        never.dedup();
        never
    }

    /// Every person in it.
    pub fn people(&self) -> impl Iterator<Item = &str> {
        self.crews.iter().flatten().map(String::as_str)
    }

    /// True if it is restricted to hours of the day or to days.
    pub fn is_restricted(&self) -> bool {
        !self.hours.is_empty() || self.days.contains(&false)
    }
}

impl Roster {
    /// Every person in it, some more than once.
    pub fn people(&self) -> impl Iterator<Item = &str> {
        self.layers.iter().flat_map(Layer::people)
    }
}
