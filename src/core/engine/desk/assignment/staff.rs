//! Who is at work: heartbeats, overrides, shifts, and people who leave.

use super::dispatch;
use crate::core::engine::desk::context::DeskContext;
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::{Command, CommandRefusal, Effect, LiveChange, Outcome, StaffAction, StaffChange};
use crate::core::model::{Heartbeat, HeartbeatWord, IncidentId, TimeDelta, Timestamp};
use crate::core::on_call::{NewOverride, OverrideError, PresenceStatus, next_change, on_duty};
use crate::core::rules::{Roster, Rulebook};

/// The actor of what the passing of time does to rosters.
const ROSTER: &str = "roster";

/// How long a heartbeat of somebody on no roster holds.
const LIFETIME_DEFAULT: TimeDelta = TimeDelta::from_minutes(5);

/// When rosters without any change in sight are looked at again.
const LOOK_AGAIN: TimeDelta = TimeDelta::from_days(7);

/// After downtime every heartbeat holds at least that long: it could not have been heard.
const GRACE: TimeDelta = TimeDelta::from_minutes(5);

/// How many incidents a refusal names.
const NAMED_MAX: usize = 20;

pub fn staff_command(
    desk: &mut DeskState,
    action: &StaffAction,
    command: &Command,
    step: &mut DeskContext<'_>,
) -> Result<Outcome, CommandRefusal> {
    match action {
        StaffAction::Presence(word) => heartbeat(desk, word, step),
        StaffAction::PutOverride { roster, asked } => put_override(desk, roster, asked, &command.actor, step),
        StaffAction::DeleteOverride { roster, id } => delete_override(desk, roster, *id, step),
        StaffAction::Remove { people, rules } => {
            may_remove(desk, people)?;
            Ok(Outcome::Rulebook { hash: *rules, changed: true })
        }
    }
}

/// Whether a word on somebody's presence says what was known: then it is no line of the audit.
pub fn is_renewal(desk: &DeskState, action: &StaffAction) -> bool {
    let StaffAction::Presence(Heartbeat { person, word }) = action else { return false };
    let standing = match word {
        HeartbeatWord::Here { .. } | HeartbeatWord::Connected => PresenceStatus::Present,
        HeartbeatWord::Away => PresenceStatus::Away,
        HeartbeatWord::Lost => PresenceStatus::Lost,
    };
    desk.kept.core.staff.attendance.of(person).is_some_and(|known| known.standing == standing)
}

/// Heartbeats that are too old, overrides that are over, shifts that change.
pub fn serve_staff(desk: &mut DeskState, step: &mut DeskContext<'_>) {
    if desk.kept.core.staff.next_deadline().is_none_or(|at| at > step.now) {
        return;
    }
    for person in desk.kept.core.staff.attendance.expire(step.now) {
        let presence = desk.kept.core.staff.attendance.of(&person);
        let seen = presence.map_or(step.now, |presence| presence.seen_at);
        step.audit(ROSTER, "system", "presence.lost", &person, &format!("no heartbeat since {seen}"), None);
        tell_presence(desk, &person, step);
    }
    if desk.kept.core.staff.shift_at.is_some_and(|at| at <= step.now) {
        audit_shifts(desk, step);
    }
    let over: Vec<u64> = {
        let overrides = desk.kept.core.staff.overrides.iter();
        overrides.filter(|one| one.until <= step.now).map(|one| one.id).collect()
    };
    for id in over {
        desk.kept.core.staff.overrides.remove(id);
        step.effects.push(Effect::Live(LiveChange::Staff(Box::new(StaffChange::OverrideGone { id }))));
    }
    rosters_changed(desk, step);
}

/// After other rules: overrides of rosters that are gone end, and people who are gone are named with what they hold.
pub fn change_rosters(desk: &mut DeskState, old: &Rulebook, step: &mut DeskContext<'_>) {
    let gone: Vec<u64> = {
        let overrides = desk.kept.core.staff.overrides.iter();
        let is_gone = |name: &String| !step.rulebook.rosters.contains_key(name);
        overrides.filter(|one| is_gone(&one.roster)).map(|one| one.id).collect()
    };
    for id in gone {
        desk.kept.core.staff.overrides.remove(id);
        step.audit(ROSTER, "system", "override.end", &id.to_string(), "its roster is gone from the rules", None);
        step.effects.push(Effect::Live(LiveChange::Staff(Box::new(StaffChange::OverrideGone { id }))));
    }
    for person in old.everybody().difference(&step.rulebook.everybody()) {
        let held: Vec<String> = desk.hands.held_by(person).map(|id| id.to_string()).collect();
        if !held.is_empty() {
            let detail = format!("gone from the rules, and still holds {}", held.join(", "));
            step.audit(ROSTER, "system", "person.gone", person, &detail, None);
        }
    }
    arm_shifts(desk, step.rulebook, step.now);
    dispatch::dispatch_anew(desk, step);
}

/// Ends of overrides were typed as civil times: they follow the wall clock.
pub fn override_ends_follow(desk: &mut DeskState, micros: i64, step: &mut DeskContext<'_>) {
    for moved in desk.kept.core.staff.overrides.follow_clock(micros) {
        step.effects.push(Effect::Live(LiveChange::Staff(Box::new(StaffChange::Override(moved)))));
    }
}

/// The service was away: no heartbeat could be heard, so each holds a little longer.
pub fn resume_staff(desk: &mut DeskState, step: &mut DeskContext<'_>) {
    desk.kept.core.staff.attendance.hold_on(step.now, GRACE);
    let people: Vec<String> = desk.kept.core.staff.attendance.iter().map(|presence| presence.person.clone()).collect();
    for person in people {
        tell_presence(desk, &person, step);
    }
    serve_staff(desk, step);
}

/// The verb and the words of such a command, as the audit keeps them, and whom or what it is about.
pub fn describe(action: &StaffAction) -> (&'static str, String, String) {
    match action {
        StaffAction::Presence(Heartbeat { person, word }) => {
            let word = match word {
                HeartbeatWord::Here { lifetime: Some(lifetime) } => format!("present for {lifetime}"),
                HeartbeatWord::Here { lifetime: None } => "present".to_owned(),
                HeartbeatWord::Connected => "connected".to_owned(),
                HeartbeatWord::Away => "away".to_owned(),
                HeartbeatWord::Lost => "connection lost".to_owned(),
            };
            ("presence.set", person.clone(), word)
        }
        StaffAction::PutOverride { roster, asked } => {
            let NewOverride { person, instead_of, from, until, reason } = asked;
            let of = instead_of.as_ref().map(|name| format!(" instead of {name}")).unwrap_or_default();
            ("override.put", roster.clone(), format!("{person}{of} from {from} until {until}: {reason}"))
        }
        StaffAction::DeleteOverride { roster, id } => ("override.delete", roster.clone(), format!("override {id}")),
        StaffAction::Remove { people, rules } => ("people.remove", rules.to_string(), people.join(", ")),
    }
}

fn heartbeat(
    desk: &mut DeskState,
    heartbeat: &Heartbeat,
    step: &mut DeskContext<'_>,
) -> Result<Outcome, CommandRefusal> {
    let Heartbeat { person, word } = heartbeat;
    if !step.rulebook.names(person) {
        return Err(CommandRefusal::NotFound { what: format!("person {person}") });
    }
    let lifetime = || lifetime_of(step.rulebook, person);
    let attendance = &mut desk.kept.core.staff.attendance;
    let news = match word {
        HeartbeatWord::Here { lifetime: given } => {
            attendance.here(person, Some(given.unwrap_or_else(lifetime)), step.now)
        }
        HeartbeatWord::Connected => attendance.here(person, None, step.now),
        HeartbeatWord::Away => attendance.gone(person, PresenceStatus::Away, step.now),
        HeartbeatWord::Lost => attendance.gone(person, PresenceStatus::Lost, step.now),
    };
    let Some(is_news) = news else {
        let most = crate::core::on_call::PEOPLE_MAX;
        return Err(CommandRefusal::NotAllowed {
            reason: format!("{most} people are told apart, {person} is one too many"),
        });
    };
    tell_presence(desk, person, step);
    if is_news {
        dispatch::staff_changed(desk, step);
    }
    Ok(Outcome::Staff { id: None })
}

fn tell_presence(desk: &DeskState, person: &str, step: &mut DeskContext<'_>) {
    if let Some(presence) = desk.kept.core.staff.attendance.of(person) {
        step.effects.push(Effect::Live(LiveChange::Staff(Box::new(StaffChange::Presence(presence.clone())))));
    }
}

fn put_override(
    desk: &mut DeskState,
    roster: &str,
    asked: &NewOverride,
    actor: &str,
    step: &mut DeskContext<'_>,
) -> Result<Outcome, CommandRefusal> {
    let roster = known_roster(step.rulebook, roster)?;
    if !step.rulebook.names(&asked.person) {
        return Err(CommandRefusal::NotFound { what: format!("person {}", asked.person) });
    }
    let overrides = &mut desk.kept.core.staff.overrides;
    let id = overrides.put(roster, asked.clone(), actor, step.now).map_err(refusal)?;
    if let Some(put) = overrides.get(id) {
        step.effects.push(Effect::Live(LiveChange::Staff(Box::new(StaffChange::Override(put.clone())))));
    }
    rosters_changed(desk, step);
    Ok(Outcome::Staff { id: Some(id) })
}

fn delete_override(
    desk: &mut DeskState,
    roster: &str,
    id: u64,
    step: &mut DeskContext<'_>,
) -> Result<Outcome, CommandRefusal> {
    let overrides = &mut desk.kept.core.staff.overrides;
    if overrides.get(id).is_none_or(|one| one.roster != roster) {
        return Err(CommandRefusal::NotFound { what: format!("override {id} of the roster {roster}") });
    }
    overrides.remove(id);
    step.effects.push(Effect::Live(LiveChange::Staff(Box::new(StaffChange::OverrideGone { id }))));
    rosters_changed(desk, step);
    Ok(Outcome::Staff { id: Some(id) })
}

/// Nobody leaves with open work: it must have a new owner first.
fn may_remove(desk: &DeskState, people: &[String]) -> Result<(), CommandRefusal> {
    let held = |person: &String| {
        let ids: Vec<String> =
            desk.hands.held_by(person).take(NAMED_MAX).map(|id: IncidentId| id.to_string()).collect();
        (!ids.is_empty()).then(|| format!("{person} holds {}", ids.join(", ")))
    };
    let holders: Vec<String> = people.iter().filter_map(held).collect();
    if holders.is_empty() {
        return Ok(());
    }
    let reason = format!("people who hold open work cannot be removed: {}; hand it on first", holders.join("; "));
    Err(CommandRefusal::NotAllowed { reason })
}

/// Who went and who came, on every roster that changes just now.
fn audit_shifts(desk: &DeskState, step: &mut DeskContext<'_>) {
    let overrides = &desk.kept.core.staff.overrides;
    let calendars = &step.rulebook.calendars;
    let mut changed = Vec::new();
    for roster in step.rulebook.rosters.values() {
        let at = |moment| on_duty(roster, calendars, overrides, moment);
        let (before, after) = (at(step.now - TimeDelta::from_micros(1)), at(step.now));
        if before.people != after.people {
            let shown = |names: Vec<String>| if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
            let detail = format!("{} → {}: {}", shown(before.names()), shown(after.names()), after.why);
            changed.push((roster.name.clone(), detail));
        }
    }
    for (roster, detail) in changed {
        step.audit(ROSTER, "system", "roster.shift", &roster, &detail, None);
    }
}

/// Others may be on duty now, and at other times than before.
fn rosters_changed(desk: &mut DeskState, step: &mut DeskContext<'_>) {
    arm_shifts(desk, step.rulebook, step.now);
    dispatch::staff_changed(desk, step);
}

fn arm_shifts(desk: &mut DeskState, rulebook: &Rulebook, now: Timestamp) {
    let staff = &mut desk.kept.core.staff;
    let next =
        |roster: &Roster| next_change(roster, &rulebook.calendars, &staff.overrides, now).unwrap_or(now + LOOK_AGAIN);
    staff.shift_at = rulebook.rosters.values().map(next).min();
}

/// As long as their rosters say; the shortest of several.
fn lifetime_of(rulebook: &Rulebook, person: &str) -> TimeDelta {
    let of = rulebook.rosters.values().filter(|roster| roster.people().any(|name| name == person));
    of.map(|roster| roster.absent_after).min().unwrap_or(LIFETIME_DEFAULT)
}

fn known_roster<'a>(rulebook: &'a Rulebook, name: &str) -> Result<&'a Roster, CommandRefusal> {
    rulebook.rosters.get(name).ok_or_else(|| CommandRefusal::NotFound { what: format!("roster {name}") })
}

fn refusal(bad: OverrideError) -> CommandRefusal {
    match bad {
        OverrideError::Taken { .. } | OverrideError::TooMany | OverrideError::Over { .. } => {
            CommandRefusal::NotAllowed { reason: bad.to_string() }
        }
        OverrideError::Backwards { .. }
        | OverrideError::TooLong
        | OverrideError::Oneself { .. }
        | OverrideError::NotOnRoster { .. } => CommandRefusal::Invalid { reason: bad.to_string() },
    }
}
