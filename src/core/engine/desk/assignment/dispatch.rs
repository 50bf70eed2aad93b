//! Dispatch: the work of a team finds one of its people, or waits where it is seen.
//!
//! Whoever changes an incident need not know of it: what an input touched is looked at before the input ends.

use super::workload::Workload;
use crate::core::engine::desk::availability;
use crate::core::engine::desk::context::{DISPATCH, DeskContext};
use crate::core::engine::desk::incident::{DeskIncident, Responder};
use crate::core::engine::desk::requests::{NotificationDraft, Page, Unstaffed};
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::notification::NotificationKind;
use crate::core::engine::{CommandRefusal, Metric};
use crate::core::incidents::{Incident, TimelineKind};
use crate::core::model::{IncidentId, Timestamp, Waiting};
use crate::core::on_call::{Assignment, responders};
use crate::core::rules::{Dispatch, LIMIT_DEFAULT, Rulebook, Team};

/// Looks for somebody for what is to be told, then at one thing that changed, then at the queue: at each call at one of
/// them, so that what comes of it is done before the next.
pub fn run(desk: &mut DeskState, step: &mut DeskContext<'_>) {
    if let Some(Unstaffed { incident, reason, page }) = step.requests.waits.pop_front() {
        wait(desk, incident, format!("{reason}; no further step has anybody"), step);
        step.requests.tellings.extend(page.map(NotificationDraft::Team));
    } else if let Some(page) = step.requests.pages.pop_front() {
        staff(desk, page, step);
    } else if let Some(id) = step.requests.unsettled.pop_front() {
        look_at(desk, id, step);
    } else if std::mem::take(&mut desk.hands.freed) {
        serve_queue(desk, step);
    }
}

/// Whether there is nothing left to look at.
pub fn is_settled(desk: &DeskState) -> bool {
    !desk.hands.freed
}

/// A person gives it to somebody.
pub fn assign_by_hand(
    desk: &mut DeskState,
    id: IncidentId,
    assignee: &str,
    actor: &str,
    step: &mut DeskContext<'_>,
) -> Result<(), CommandRefusal> {
    may_assign(desk, id, assignee, step)?;
    desk.change(id, |record| record.assign(assignee))?;
    step.timeline(id, TimelineKind::Assigned, actor, format!("to {assignee}"));
    Ok(())
}

/// Whether somebody may be given an incident by hand: dispatching teams keep everybody within their limit.
fn may_assign(desk: &DeskState, id: IncidentId, assignee: &str, step: &DeskContext<'_>) -> Result<(), CommandRefusal> {
    let record = desk.get(id).map(|incident| &incident.record);
    let Some(record) = record.filter(|record| record.assignee.as_deref() != Some(assignee)) else { return Ok(()) };
    let team = step.rulebook.teams.get(&record.team);
    if team.is_none_or(|team| team.dispatch == Dispatch::ByHand) {
        return Ok(());
    }
    let (load, limit) = (desk.hands.load(assignee), limit_of(step.rulebook, assignee));
    if load < limit {
        return Ok(());
    }
    let reason = format!("{assignee} holds {load} of {limit} already; hand one of theirs on first");
    Err(CommandRefusal::NotAllowed { reason })
}

/// Others are on duty or there than before: who went and had not begun gives back what they were given, and what
/// waits is looked at again.
pub fn staff_changed(desk: &mut DeskState, step: &mut DeskContext<'_>) {
    let held: Vec<(IncidentId, String)> = desk.hands.holders().map(|(id, person)| (id, person.to_owned())).collect();
    for (id, person) in held {
        if let Some(why) = has_gone(desk, id, &person, step) {
            take_back(desk, id, &person, &why, step);
        }
    }
    desk.hands.freed = true;
}

/// After other rules: limits, teams and rosters may be others, so everything open is looked at.
pub fn dispatch_anew(desk: &mut DeskState, step: &mut DeskContext<'_>) {
    desk.hands.admit_all();
    let is_changed = |incident: &&DeskIncident| incident.record.waiting.is_some() || is_lost(incident, step.rulebook);
    let ids: Vec<IncidentId> = desk.incidents().filter(is_changed).map(|incident| incident.record.id).collect();
    for id in ids {
        let is_waiting = |incident: &DeskIncident| incident.record.waiting.is_some();
        stop_waiting(desk, id, step);
        if !desk.get(id).is_some_and(is_waiting) {
            step.touch(id);
        }
    }
    staff_changed(desk, step);
}

/// What dispatch must keep, in words; empty when all is well.
pub fn broken_dispatch(desk: &DeskState, rulebook: &Rulebook, now: Timestamp) -> Vec<String> {
    let mut broken = Vec::new();
    let hands = &desk.hands;
    if !hands.agrees_with(&Workload::of(&desk.kept.incidents)) {
        broken.push("the index of who holds what disagrees with the incidents".to_owned());
    }
    for (person, load) in hands.loads() {
        let most = limit_of(rulebook, person).max(hands.admitted(person));
        if load > most {
            broken.push(format!("{person} holds {load}, dispatch may give them up to {most}"));
        }
    }
    for incident in desk.incidents() {
        let record = &incident.record;
        if is_lost(incident, rulebook) {
            broken.push(format!("{} has neither a responder nor a place in the queue", record.id));
        }
        let Some(team) = rulebook.teams.get(&record.team).filter(|_| is_served(incident)) else { continue };
        if !hands.is_queued(record.id) {
            broken.push(format!("{} waits, and is not in the queue", record.id));
        }
        let wanted = availability::wanted(desk, record, rulebook);
        if let Assignment::Take { person, .. } = availability::choice(desk, team, &wanted, rulebook, now) {
            broken.push(format!("{} waits although {person} could take it", record.id));
        }
    }
    broken
}

/// What goes to another step is that step's team's; then that team's person is looked for.
fn staff(desk: &mut DeskState, page: Page, step: &mut DeskContext<'_>) {
    let id = page.incident;
    match page.kind {
        NotificationKind::Escalated | NotificationKind::HandedBack => leave_to_team(desk, id, step),
        NotificationKind::Page
        | NotificationKind::PageAgain
        | NotificationKind::Resolved
        | NotificationKind::ManagersTold
        | NotificationKind::ReviewDue
        | NotificationKind::TargetWarning
        | NotificationKind::TargetBreached
        | NotificationKind::ProblemOpened
        | NotificationKind::ProblemReopened
        | NotificationKind::InspectionMissed
        | NotificationKind::Digest
        | NotificationKind::Unreached => {}
    }
    match dispatch(desk, id, step) {
        Some(reason) => step.requests.skips.push_back(Unstaffed { incident: id, reason, page: Some(page) }),
        None => step.requests.tellings.push_back(NotificationDraft::Team(page)),
    }
}

/// The team cannot act, and nobody waits to be told.
fn pass_over(id: IncidentId, reason: String, step: &mut DeskContext<'_>) {
    step.requests.skips.push_back(Unstaffed { incident: id, reason, page: None });
}

/// Before a team is told: its incident gets one of its people, or a place in the queue. Answers why neither: its roster says
/// that its step is passed over then.
fn dispatch(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) -> Option<String> {
    take_from_other_team(desk, id, step);
    let (team, record) = undispatched(desk, id, step.rulebook)?;
    let wanted = availability::wanted(desk, &record, step.rulebook);
    match availability::choice(desk, team, &wanted, step.rulebook, step.now) {
        Assignment::Take { person, why } => assign(desk, id, &person, &why, step),
        Assignment::Wait { reason } => wait(desk, id, reason, step),
        Assignment::Skip { reason } => return Some(reason),
    }
    None
}

fn look_at(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    note(desk, id, false);
    stop_waiting(desk, id, step);
    if is_lost_now(desk, id, step.rulebook) {
        if let Some(reason) = dispatch(desk, id, step) {
            pass_over(id, reason, step);
        }
    } else {
        // It may ask for something else by now, or be free again.
        serve_waiting(desk, id, step);
    }
}

/// From the most urgent on, by age.
fn serve_queue(desk: &mut DeskState, step: &mut DeskContext<'_>) {
    let queue: Vec<IncidentId> = desk.hands.queue().map(|place| place.id).collect();
    let mut full: Vec<String> = Vec::new();
    for id in queue {
        let team = desk.get(id).map(|incident| &incident.record.team);
        if team.is_some_and(|team| full.contains(team)) {
            continue;
        }
        let Some(team) = serve_waiting(desk, id, step) else { continue };
        if !availability::has_free(desk, &team, step) {
            full.push(team);
        }
    }
}

/// Gives one that waits to somebody, or passes it on; the team for which it goes on waiting.
fn serve_waiting(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) -> Option<String> {
    let incident = desk.get(id).filter(|incident| is_served(incident))?;
    let team = step.rulebook.teams.get(&incident.record.team)?;
    let wanted = availability::wanted(desk, &incident.record, step.rulebook);
    match availability::choice(desk, team, &wanted, step.rulebook, step.now) {
        Assignment::Take { person, why } => assign_waiting(desk, id, &person, &why, step),
        Assignment::Skip { reason } => pass_over(id, reason, step),
        Assignment::Wait { .. } => return Some(team.name.clone()),
    }
    None
}

/// The team that must find somebody for an incident, if it still must.
fn undispatched<'a>(desk: &DeskState, id: IncidentId, rulebook: &'a Rulebook) -> Option<(&'a Team, Incident)> {
    let record = &desk.get(id)?.record;
    let is_free = record.state.is_open() && !record.unpaged && record.assignee.is_none();
    let team = rulebook.teams.get(&record.team).filter(|team| team.dispatch == Dispatch::LeastLoaded)?;
    (is_free && record.waiting.is_none()).then(|| (team, record.clone()))
}

/// Told of, of a dispatching team, and neither with somebody nor in the queue.
fn is_lost_now(desk: &DeskState, id: IncidentId, rulebook: &Rulebook) -> bool {
    desk.get(id).is_some_and(|incident| is_lost(incident, rulebook))
}

/// What was given to somebody for another team leaves their hands.
fn take_from_other_team(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    let Some(incident) = desk.get_mut(id) else { return };
    let Some(responder) = incident.responder.take_if(|responder| responder.team != incident.record.team) else {
        return;
    };
    if incident.record.assignee.as_deref() == Some(responder.person.as_str()) {
        incident.record.release();
        note(desk, id, false);
        step.touch(id);
    }
}

/// On another step it is the present team's: whoever had it for another one has it no longer, or that team's people
/// would neither be told nor be its owners once they take it.
fn leave_to_team(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    let Some(record) = desk.get(id).map(|incident| &incident.record) else { return };
    let Some(person) = record.assignee.clone() else { return };
    let team = step.rulebook.teams.get(&record.team);
    let is_of = |team: &Team| {
        let duty = availability::duty(desk, team, step.rulebook, step.now);
        responders(team, duty.as_ref()).contains(&person.as_str())
    };
    if team.is_some_and(is_of) {
        return;
    }
    let why = format!("taken from {person}: it is for {} now", record.team);
    if let Some(incident) = desk.get_mut(id) {
        incident.record.release();
    }
    note(desk, id, false);
    step.timeline(id, TimelineKind::Assigned, DISPATCH, why);
    step.touch(id);
}

fn assign(desk: &mut DeskState, id: IncidentId, person: &str, why: &str, step: &mut DeskContext<'_>) {
    let Some(incident) = desk.get_mut(id) else { return };
    if incident.record.assign(person).is_err() {
        return;
    }
    incident.record.waiting = None;
    incident.responder = Some(Responder { team: incident.record.team.clone(), person: person.to_owned() });
    note(desk, id, true);
    step.timeline(id, TimelineKind::Assigned, DISPATCH, format!("to {person}: {why}"));
    step.count(Metric::Dispatched);
    step.touch(id);
}

fn assign_waiting(desk: &mut DeskState, id: IncidentId, person: &str, why: &str, step: &mut DeskContext<'_>) {
    let since = desk.get(id).and_then(|incident| incident.record.waiting.as_ref()).map(|one| one.since);
    assign(desk, id, person, why, step);
    let waited = since.map(|since| step.now.since(since)).unwrap_or_default();
    step.page(id, NotificationKind::PageAgain, format!("it is {person}'s now, after waiting for {waited}"));
}

fn wait(desk: &mut DeskState, id: IncidentId, reason: String, step: &mut DeskContext<'_>) {
    let Some(incident) = desk.get_mut(id) else { return };
    if incident.record.waiting.is_none() {
        step.timeline(id, TimelineKind::Queued, DISPATCH, &reason);
        incident.record.waiting = Some(Waiting { since: step.now, reason });
        note(desk, id, false);
        step.touch(id);
    }
}

/// Out of the queue when somebody took it by hand, when it ended, or when its team finds people otherwise.
fn stop_waiting(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    let Some(incident) = desk.get_mut(id) else { return };
    let record = &mut incident.record;
    let dispatches =
        |name: &str| step.rulebook.teams.get(name).is_some_and(|team| team.dispatch == Dispatch::LeastLoaded);
    let stays = record.state.is_open() && !record.unpaged && record.assignee.is_none() && dispatches(&record.team);
    if !stays && record.waiting.take().is_some() {
        note(desk, id, false);
    }
}

/// Why somebody who was given an incident and has not taken it yet cannot any more.
fn has_gone(desk: &DeskState, id: IncidentId, person: &str, step: &DeskContext<'_>) -> Option<String> {
    let incident = desk.get(id)?;
    let given = incident.responder.as_ref().filter(|responder| responder.person == person)?;
    if incident.record.acknowledged || given.team != incident.record.team {
        return None;
    }
    let team = step.rulebook.teams.get(&given.team)?;
    let duty = availability::duty(desk, team, step.rulebook, step.now);
    if !responders(team, duty.as_ref()).contains(&person) {
        return Some("no longer on duty".to_owned());
    }
    let roster = team.roster.as_ref().and_then(|name| step.rulebook.rosters.get(name));
    let required = roster.is_some_and(|roster| roster.presence_required);
    desk.kept.core.staff.attendance.absence(person, required)
}

fn take_back(desk: &mut DeskState, id: IncidentId, person: &str, why: &str, step: &mut DeskContext<'_>) {
    let Some(incident) = desk.get_mut(id) else { return };
    incident.record.release();
    incident.responder = None;
    note(desk, id, false);
    step.timeline(id, TimelineKind::Assigned, DISPATCH, format!("taken from {person}: {why}"));
    step.audit(DISPATCH, "system", "dispatch.take_back", &id.to_string(), &format!("{person}: {why}"), None);
    step.touch(id);
    if let Some(reason) = dispatch(desk, id, step) {
        pass_over(id, reason, step);
    } else if let Some(next) = desk.get(id).and_then(|incident| incident.record.assignee.clone()) {
        step.page(id, NotificationKind::PageAgain, format!("it is {next}'s now: {person} is gone, {why}"));
    }
}

fn note(desk: &mut DeskState, id: IncidentId, by_dispatch: bool) {
    let got = desk.hands.note(id, desk.kept.incidents.get(&id));
    if let Some(person) = got.filter(|_| !by_dispatch) {
        desk.hands.admit(&person);
    }
}

/// Whether it is its turn once somebody can take it: what is silenced or clear waits on.
fn is_served(incident: &DeskIncident) -> bool {
    incident.record.waiting.is_some() && incident.held_by().is_none() && !incident.is_clear()
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
