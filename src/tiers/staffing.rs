//! Who can act on a ladder's steps at a moment.

use std::collections::BTreeMap;

use crate::calendar::WorkCalendar;
use crate::rules::{Step, Team};

/// What a climb must know of people besides its ladder.
#[derive(Clone, Debug)]
pub struct Staffing<'a> {
    /// By name.
    pub teams: &'a BTreeMap<String, Team>,
    /// By name, as the rulebook holds them.
    pub calendars: &'a BTreeMap<String, WorkCalendar>,
    /// The teams that cannot act now although people are in them, and why: nobody on duty, all absent, all at their limit.
    pub closed: BTreeMap<String, String>,
}

impl<'a> Staffing<'a> {
    /// Every team that has people or a channel can act.
    pub fn all(teams: &'a BTreeMap<String, Team>, calendars: &'a BTreeMap<String, WorkCalendar>) -> Staffing<'a> {
        Staffing { teams, calendars, closed: BTreeMap::new() }
    }

    /// Why a step must be passed over now; `None` when its team can act.
    pub fn missing(&self, step: &Step) -> Option<String> {
        match self.teams.get(&step.team) {
            None => Some(format!("there is no team {}", step.team)),
            Some(team) if team.is_empty() => Some(format!("nobody is in the team {}", step.team)),
            Some(_) => self.closed.get(&step.team).cloned(),
        }
    }
}
