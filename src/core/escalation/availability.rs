//! Availability of the teams on a policy's steps, and the calendar in which a delay counts.

use crate::core::calendar::Calendars;
use std::collections::BTreeMap;

use crate::core::calendar::WorkCalendar;
use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::{EscalationStep, Team};

/// The data about teams that an escalation needs in addition to its policy.
#[derive(Clone, Debug)]
pub struct TeamAvailability<'a> {
    /// By name.
    pub teams: &'a BTreeMap<String, Team>,
    pub calendars: &'a Calendars,
    /// The teams that cannot act now although they have members, with the reason: no one on duty, all absent, all at
    /// their limit.
    pub closed: BTreeMap<String, String>,
    /// The team that represents the vendor of the failed item, or the reason why there is none.
    pub vendor: Result<String, String>,
}

impl<'a> TeamAvailability<'a> {
    /// Every team that has people or a channel can act; no vendor is known.
    pub fn all(teams: &'a BTreeMap<String, Team>, calendars: &'a Calendars) -> TeamAvailability<'a> {
        let vendor = Err("nothing is known of a vendor".to_owned());
        TeamAvailability { teams, calendars, closed: BTreeMap::new(), vendor }
    }

    /// Reason to skip a step now; `None` if its team can act.
    pub fn missing(&self, step: &EscalationStep) -> Option<String> {
        self.team_of(step).err()
    }

    /// The team that can act on a step now, or the reason to skip the step.
    pub fn team_of<'b>(&'b self, step: &'b EscalationStep) -> Result<&'b str, String> {
        let name = if step.vendor { self.vendor.as_deref().map_err(Clone::clone)? } else { step.team.as_str() };
        match (self.teams.get(name), self.closed.get(name)) {
            (None, _) => Err(format!("there is no team {name}")),
            (Some(team), _) if team.is_empty() => Err(format!("nobody is in the team {name}")),
            (Some(_), Some(reason)) => Err(reason.clone()),
            (Some(_), None) => Ok(name),
        }
    }
}

/// The time in which a delay counts.
#[derive(Clone, Copy)]
pub(super) struct Time<'a>(Option<&'a WorkCalendar>);

impl<'a> Time<'a> {
    /// The time of that calendar; wall time without a name, or if the calendar is gone.
    pub fn of(calendars: &'a Calendars, name: Option<&str>) -> Time<'a> {
        Time(name.and_then(|name| calendars.get(name)))
    }

    /// The time at which that much of it has passed. If the calendar does not reach so far, wall time is used, so that
    /// no deadline is lost.
    pub fn add(self, from: Timestamp, span: TimeDelta) -> Timestamp {
        self.0.and_then(|calendar| calendar.add(from, span)).unwrap_or(from + span)
    }

    pub fn between(self, from: Timestamp, to: Timestamp) -> TimeDelta {
        match self.0 {
            Some(calendar) => calendar.between(from, to),
            None => to.since(from),
        }
    }

    /// A due time armed before a pause from `since` to `now`: as far ahead as it was.
    pub fn moved(self, at: Timestamp, since: Timestamp, now: Timestamp) -> Timestamp {
        self.add(now, self.between(since, at))
    }
}
