//! On-call schedules: shifts in layers of rotations, and the policy for work that no one on duty can take.

use jiff::tz::TimeZone;

use crate::core::model::TimeDelta;

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
}

/// A stretch of the local day, in minutes after midnight; `until` is beyond 1,440 when it ends on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DutyHours {
    pub from: i64,
    pub until: i64,
}

impl Layer {
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
