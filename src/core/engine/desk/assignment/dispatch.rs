//! Dispatch: the work of a team finds one of its people, or waits where it is seen.
//!
//! Whoever changes an incident need not know of it: what an input touched is looked at once before the input ends.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::engine::desk::{Desk, DeskContext, DeskIncident};
use crate::core::engine::{CommandRefusal, Metric, NotificationKind};
use crate::core::escalation::TeamAvailability;
use crate::core::incidents::{Incident, TimelineKind};
use crate::core::model::{IncidentId, Timestamp, Waiting};
use crate::core::on_call::{Assignment, OnCallShift, WorkRequirements, choose, on_duty, responders};
use crate::core::rules::{Dispatch, EscalationPolicy, LIMIT_DEFAULT, Rulebook, Team, UnavailablePolicy};

/// The actor of what dispatch does.
const DISPATCH: &str = "dispatch";

/// Labels and facts that say where work is, and what it takes.
const SITE: &str = "site";
const SKILL: &str = "skill";

/// Whom dispatch gave an incident, and for which team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Responder {
    pub team: String,
    pub person: String,
}

impl Desk {
    /// Before a team is told: its incident gets a responder, or a place in the queue. True: the step was passed over
    /// instead, and the next team has been told.
    pub(crate) fn dispatch(&mut self, id: IncidentId, step: &mut DeskContext<'_>) -> bool {
        self.take_from_other_team(id, step);
        let Some((team, record)) = self.undispatched(id, step.rulebook) else { return false };
        let wanted = self.wanted(&record, step.rulebook);
        match self.choice(team, &wanted, step.rulebook, step.now) {
            Assignment::Take { person, why } => self.assign(id, &person, &why, step),
            Assignment::Wait { reason } => self.wait(id, reason, step),
            Assignment::Skip { reason } => return self.pass_over(id, reason, step),
        }
        false
    }

    /// At the end of an input: what it touched, then the queue if somebody may take more.
    pub(crate) fn give_out(&mut self, step: &mut DeskContext<'_>) {
        let mut looked_at = 0;
        loop {
            // What is given out here is touched too, and looked at in its turn.
            while let Some(id) = step.touched.get(looked_at).copied() {
                looked_at += 1;
                self.look_at(id, step);
            }
            if !std::mem::take(&mut self.state.hands.freed) {
                return;
            }
            self.serve_queue(step);
        }
    }

    fn look_at(&mut self, id: IncidentId, step: &mut DeskContext<'_>) {
        self.note(id, false);
        self.stop_waiting(id, step);
        if self.is_lost(id, step.rulebook) {
            self.dispatch(id, step);
        } else {
            // It may ask for something else by now, or be free again.
            self.serve_waiting(id, step);
        }
    }

    /// From the most urgent on, by age.
    fn serve_queue(&mut self, step: &mut DeskContext<'_>) {
        let queue: Vec<IncidentId> = self.state.hands.queue().map(|place| place.id).collect();
        let mut full: Vec<String> = Vec::new();
        for id in queue {
            let team = self.state.get(id).map(|incident| &incident.record.team);
            if team.is_some_and(|team| full.contains(team)) {
                continue;
            }
            let Some(team) = self.serve_waiting(id, step) else { continue };
            if !self.has_free(&team, step) {
                full.push(team);
            }
        }
    }

    /// Gives one that waits to somebody, or passes it on; the team for which it goes on waiting.
    fn serve_waiting(&mut self, id: IncidentId, step: &mut DeskContext<'_>) -> Option<String> {
        let incident = self.state.get(id).filter(|incident| is_served(incident))?;
        let team = step.rulebook.teams.get(&incident.record.team)?;
        let wanted = self.wanted(&incident.record, step.rulebook);
        match self.choice(team, &wanted, step.rulebook, step.now) {
            Assignment::Take { person, why } => self.assign_waiting(id, &person, &why, step),
            Assignment::Skip { reason } => drop(self.pass_over(id, reason, step)),
            Assignment::Wait { .. } => return Some(team.name.clone()),
        }
        None
    }

    /// Whether anybody of the team could take anything.
    fn has_free(&self, team: &str, step: &DeskContext<'_>) -> bool {
        let Some(team) = step.rulebook.teams.get(team) else { return false };
        let anything = Team { sites: Vec::new(), skills: Vec::new(), ..team.clone() };
        let choice = self.choice(&anything, &WorkRequirements::default(), step.rulebook, step.now);
        matches!(choice, Assignment::Take { .. })
    }

    fn choice(&self, team: &Team, wanted: &WorkRequirements, rulebook: &Rulebook, now: Timestamp) -> Assignment {
        let staff = &self.state.kept.core.staff;
        let duty = self.duty(team, rulebook, now);
        choose(rulebook, team, duty.as_ref(), &staff.attendance, wanted, |person| self.state.hands.load(person))
    }

    /// Who of a team with a roster is on duty.
    pub(crate) fn duty(&self, team: &Team, rulebook: &Rulebook, now: Timestamp) -> Option<OnCallShift> {
        let roster = team.roster.as_ref().and_then(|name| rulebook.rosters.get(name))?;
        Some(on_duty(roster, &rulebook.calendars, &self.state.kept.core.staff.overrides, now))
    }

    /// The teams whose steps are passed over now for such work, and why.
    fn closed(&self, wanted: &WorkRequirements, rulebook: &Rulebook, now: Timestamp) -> BTreeMap<String, String> {
        let may_skip = |team: &&Team| {
            let roster = team.roster.as_ref().and_then(|name| rulebook.rosters.get(name));
            let skips = |otherwise| otherwise == UnavailablePolicy::Skip;
            roster.is_some_and(|roster| skips(roster.when_absent) || skips(roster.when_full))
        };
        let reason = |team: &Team| match self.choice(team, wanted, rulebook, now) {
            Assignment::Skip { reason } => Some((team.name.clone(), reason)),
            Assignment::Take { .. } | Assignment::Wait { .. } => None,
        };
        rulebook.teams.values().filter(may_skip).filter_map(reason).collect()
    }

    /// Who can act on an incident: without the teams whose steps are passed over now.
    pub(crate) fn with_closed<'a>(
        &self,
        record: &Incident,
        staffing: TeamAvailability<'a>,
        step: &DeskContext<'a>,
    ) -> TeamAvailability<'a> {
        let wanted = self.wanted(record, step.rulebook);
        TeamAvailability { closed: self.closed(&wanted, step.rulebook, step.now), ..staffing }
    }

    /// What an incident asks for: by its own labels, else by the items that it is about.
    fn wanted(&self, record: &Incident, rulebook: &Rulebook) -> WorkRequirements {
        let affected = self.state.get(record.id).into_iter().flat_map(|incident| incident.affected.keys());
        let root = record.root.as_ref().map(|root| &root.entity);
        wanted_of(record, root.into_iter().chain(affected).map(String::as_str), rulebook)
    }

    /// The team that must find somebody for an incident, if it still must.
    fn undispatched<'a>(&self, id: IncidentId, rulebook: &'a Rulebook) -> Option<(&'a Team, Incident)> {
        let record = &self.state.get(id)?.record;
        let is_free = record.state.is_open() && !record.unpaged && record.assignee.is_none();
        let team = rulebook.teams.get(&record.team).filter(|team| team.dispatch == Dispatch::LeastLoaded)?;
        (is_free && record.waiting.is_none()).then(|| (team, record.clone()))
    }

    /// Told of, of a dispatching team, and neither with somebody nor in the queue.
    fn is_lost(&self, id: IncidentId, rulebook: &Rulebook) -> bool {
        self.state.get(id).is_some_and(|incident| is_lost(incident, rulebook))
    }

    /// What was given to somebody for another team leaves their hands.
    fn take_from_other_team(&mut self, id: IncidentId, step: &mut DeskContext<'_>) {
        let Some(incident) = self.state.get_mut(id) else { return };
        let Some(responder) = incident.responder.take_if(|responder| responder.team != incident.record.team) else {
            return;
        };
        if incident.record.assignee.as_deref() == Some(responder.person.as_str()) {
            incident.record.release();
            self.note(id, false);
            step.touch(id);
        }
    }

    /// On another step it is the present team's: whoever had it for another one has it no longer, or that team's people
    /// would neither be told nor be its owners once they take it.
    pub(crate) fn leave_to_team(&mut self, id: IncidentId, step: &mut DeskContext<'_>) {
        let Some(record) = self.state.get(id).map(|incident| &incident.record) else { return };
        let Some(person) = record.assignee.clone() else { return };
        let team = step.rulebook.teams.get(&record.team);
        let is_of = |team: &Team| {
            let duty = self.duty(team, step.rulebook, step.now);
            responders(team, duty.as_ref()).contains(&person.as_str())
        };
        if team.is_some_and(is_of) {
            return;
        }
        let why = format!("taken from {person}: it is for {} now", record.team);
        if let Some(incident) = self.state.get_mut(id) {
            incident.record.release();
        }
        self.note(id, false);
        step.timeline(id, TimelineKind::Assigned, DISPATCH, why);
        step.touch(id);
    }

    fn assign(&mut self, id: IncidentId, person: &str, why: &str, step: &mut DeskContext<'_>) {
        let Some(incident) = self.state.get_mut(id) else { return };
        if incident.record.assign(person).is_err() {
            return;
        }
        incident.record.waiting = None;
        incident.responder = Some(Responder { team: incident.record.team.clone(), person: person.to_owned() });
        self.note(id, true);
        step.timeline(id, TimelineKind::Assigned, DISPATCH, format!("to {person}: {why}"));
        step.count(Metric::Dispatched);
        step.touch(id);
    }

    fn assign_waiting(&mut self, id: IncidentId, person: &str, why: &str, step: &mut DeskContext<'_>) {
        let since = self.state.get(id).and_then(|incident| incident.record.waiting.as_ref()).map(|one| one.since);
        self.assign(id, person, why, step);
        let waited = since.map(|since| step.now.since(since)).unwrap_or_default();
        self.tell(id, NotificationKind::PageAgain, &format!("it is {person}'s now, after waiting for {waited}"), step);
    }

    fn wait(&mut self, id: IncidentId, reason: String, step: &mut DeskContext<'_>) {
        let Some(incident) = self.state.get_mut(id) else { return };
        if incident.record.waiting.is_none() {
            step.timeline(id, TimelineKind::Queued, DISPATCH, &reason);
            incident.record.waiting = Some(Waiting { since: step.now, reason });
            self.note(id, false);
            step.touch(id);
        }
    }

    /// Out of the queue when somebody took it by hand, when it ended, or when its team finds people otherwise.
    fn stop_waiting(&mut self, id: IncidentId, step: &mut DeskContext<'_>) {
        let Some(incident) = self.state.get_mut(id) else { return };
        let record = &mut incident.record;
        let dispatches =
            |name: &str| step.rulebook.teams.get(name).is_some_and(|team| team.dispatch == Dispatch::LeastLoaded);
        let stays = record.state.is_open() && !record.unpaged && record.assignee.is_none() && dispatches(&record.team);
        if !stays && record.waiting.take().is_some() {
            self.note(id, false);
        }
    }

    /// The team cannot act and its roster says that it is passed over then: the next step has it at once. False: there
    /// is no further step that can, so it waits here.
    fn pass_over(&mut self, id: IncidentId, reason: String, step: &mut DeskContext<'_>) -> bool {
        let staffing = self.staffing_of(id, step);
        let Some(incident) = self.state.get_mut(id) else { return false };
        let (tier, team) = (incident.record.tier, incident.record.team.clone());
        let ladder = step.rulebook.ladder(&incident.climb.ladder);
        let Some(moves) = ladder.and_then(|ladder| incident.climb.escalate(step.now, ladder, &staffing)) else {
            self.wait(id, format!("{reason}; no further step has anybody"), step);
            return false;
        };
        incident.record.waiting = None;
        self.note(id, false);
        let text = format!("tier {tier} skipped: {reason}");
        step.timeline(id, TimelineKind::StepSkipped, DISPATCH, &text);
        step.audit(DISPATCH, "system", "step.skip", &id.to_string(), &format!("team {team}: {reason}"), None);
        step.count(Metric::StepSkipped { tier });
        self.carry_out(id, moves, step);
        true
    }

    /// Whether somebody may be given an incident by hand: dispatching teams keep everybody within their limit.
    pub(crate) fn may_assign(
        &self,
        id: IncidentId,
        assignee: &str,
        step: &DeskContext<'_>,
    ) -> Result<(), CommandRefusal> {
        let record = self.state.get(id).map(|incident| &incident.record);
        let Some(record) = record.filter(|record| record.assignee.as_deref() != Some(assignee)) else { return Ok(()) };
        let team = step.rulebook.teams.get(&record.team);
        if team.is_none_or(|team| team.dispatch == Dispatch::ByHand) {
            return Ok(());
        }
        let (load, limit) = (self.state.hands.load(assignee), limit_of(step.rulebook, assignee));
        if load < limit {
            return Ok(());
        }
        let reason = format!("{assignee} holds {load} of {limit} already; hand one of theirs on first");
        Err(CommandRefusal::NotAllowed { reason })
    }

    /// Others are on duty or there than before: who went and had not begun gives back what they were given, and what
    /// waits is looked at again.
    pub(crate) fn staff_changed(&mut self, step: &mut DeskContext<'_>) {
        let held: Vec<(IncidentId, String)> =
            self.state.hands.holders().map(|(id, person)| (id, person.to_owned())).collect();
        for (id, person) in held {
            if let Some(why) = self.has_gone(id, &person, step) {
                self.take_back(id, &person, &why, step);
            }
        }
        self.state.hands.freed = true;
    }

    /// Why somebody who was given an incident and has not taken it yet cannot any more.
    fn has_gone(&self, id: IncidentId, person: &str, step: &DeskContext<'_>) -> Option<String> {
        let incident = self.state.get(id)?;
        let given = incident.responder.as_ref().filter(|responder| responder.person == person)?;
        if incident.record.acknowledged || given.team != incident.record.team {
            return None;
        }
        let team = step.rulebook.teams.get(&given.team)?;
        let duty = self.duty(team, step.rulebook, step.now);
        if !responders(team, duty.as_ref()).contains(&person) {
            return Some("no longer on duty".to_owned());
        }
        let roster = team.roster.as_ref().and_then(|name| step.rulebook.rosters.get(name));
        let required = roster.is_some_and(|roster| roster.presence_required);
        self.state.kept.core.staff.attendance.absence(person, required)
    }

    fn take_back(&mut self, id: IncidentId, person: &str, why: &str, step: &mut DeskContext<'_>) {
        let Some(incident) = self.state.get_mut(id) else { return };
        incident.record.release();
        incident.responder = None;
        self.note(id, false);
        step.timeline(id, TimelineKind::Assigned, DISPATCH, format!("taken from {person}: {why}"));
        step.audit(DISPATCH, "system", "dispatch.take_back", &id.to_string(), &format!("{person}: {why}"), None);
        step.touch(id);
        let next_was_told = self.dispatch(id, step);
        let assignee = self.state.get(id).and_then(|incident| incident.record.assignee.clone());
        if let Some(next) = assignee.filter(|_| !next_was_told) {
            self.tell(id, NotificationKind::PageAgain, &format!("it is {next}'s now: {person} is gone, {why}"), step);
        }
    }

    fn note(&mut self, id: IncidentId, by_dispatch: bool) {
        let got = self.state.hands.note(id, self.state.kept.incidents.get(&id));
        if let Some(person) = got.filter(|_| !by_dispatch) {
            self.state.hands.admit(&person);
        }
    }

    /// After other rules: limits, teams and rosters may be others, so everything open is looked at.
    pub(crate) fn dispatch_anew(&mut self, step: &mut DeskContext<'_>) {
        self.state.hands.admit_all();
        let is_changed =
            |incident: &&DeskIncident| incident.record.waiting.is_some() || is_lost(incident, step.rulebook);
        let ids: Vec<IncidentId> = self.incidents().filter(is_changed).map(|incident| incident.record.id).collect();
        for id in ids {
            let is_waiting = |incident: &DeskIncident| incident.record.waiting.is_some();
            self.stop_waiting(id, step);
            if !self.state.get(id).is_some_and(is_waiting) {
                step.touch(id);
            }
        }
        self.staff_changed(step);
    }

    /// What dispatch must keep, in words; empty when all is well.
    pub fn broken_dispatch(&self, rulebook: &Rulebook, now: Timestamp) -> Vec<String> {
        let mut broken = Vec::new();
        let hands = &self.state.hands;
        if !hands.agrees_with(&super::workload::Workload::of(&self.state.kept.incidents)) {
            broken.push("the index of who holds what disagrees with the incidents".to_owned());
        }
        for (person, load) in hands.loads() {
            let most = limit_of(rulebook, person).max(hands.admitted(person));
            if load > most {
                broken.push(format!("{person} holds {load}, dispatch may give them up to {most}"));
            }
        }
        for incident in self.incidents() {
            let record = &incident.record;
            if is_lost(incident, rulebook) {
                broken.push(format!("{} has neither a responder nor a place in the queue", record.id));
            }
            let Some(team) = rulebook.teams.get(&record.team).filter(|_| is_served(incident)) else { continue };
            if !hands.is_queued(record.id) {
                broken.push(format!("{} waits, and is not in the queue", record.id));
            }
            let wanted = self.wanted(record, rulebook);
            if let Assignment::Take { person, .. } = self.choice(team, &wanted, rulebook, now) {
                broken.push(format!("{} waits although {person} could take it", record.id));
            }
        }
        broken
    }
}

fn wanted_of<'a>(record: &Incident, items: impl Iterator<Item = &'a str>, rulebook: &Rulebook) -> WorkRequirements {
    let inventory = &rulebook.inventory;
    let of_labels = |name: &str| record.labels.get(name).or_else(|| record.key.get(name)).map(str::to_owned);
    let concerned = inventory.concerned(&record.labels).into_iter();
    let known: Vec<_> = items.filter_map(|name| inventory.find(name)).chain(concerned).collect();
    let of_items = |name: &str| known.iter().find_map(|index| inventory.facts(*index).get(name)).map(str::to_owned);
    let value = |name: &str| of_labels(name).filter(|value| !value.is_empty()).or_else(|| of_items(name));
    WorkRequirements { site: value(SITE), skill: value(SKILL) }
}

/// Whether it is its turn once somebody can take it: what is silenced or clear waits on.
fn is_served(incident: &DeskIncident) -> bool {
    incident.record.waiting.is_some() && incident.held_by().is_none() && !incident.is_clear()
}

/// With everybody away a ladder begins at its first step, and waits there for whoever comes first.
pub(crate) fn at_start<'a>(ladder: &EscalationPolicy, staffing: &TeamAvailability<'a>) -> TeamAvailability<'a> {
    let nobody = ladder.steps.iter().all(|one| staffing.team_of(one).is_err());
    let closed = if nobody { BTreeMap::new() } else { staffing.closed.clone() };
    TeamAvailability { closed, ..staffing.clone() }
}

fn limit_of(rulebook: &Rulebook, person: &str) -> u32 {
    rulebook.people.get(person).map_or(LIMIT_DEFAULT, |person| person.limit)
}

fn is_lost(incident: &DeskIncident, rulebook: &Rulebook) -> bool {
    let record = &incident.record;
    let is_free = record.assignee.is_none() && record.waiting.is_none() && incident.climb.pages() > 0;
    let dispatches = || rulebook.teams.get(&record.team).is_some_and(|team| team.dispatch == Dispatch::LeastLoaded);
    is_free
        && record.state.is_open()
        && !record.unpaged
        && incident.held_by().is_none()
        && !incident.is_clear()
        && dispatches()
}
