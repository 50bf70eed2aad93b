//! Who is at work: heartbeats, overrides, shifts, and people who leave.

use serde::{Deserialize, Serialize};

use crate::core::engine::desk::{Desk, DeskContext};
use crate::core::engine::{Command, CommandRefusal, Effect, Outcome, StaffAction, StaffChange};
use crate::core::model::{Heartbeat, HeartbeatWord, IncidentId, TimeDelta, Timestamp};
use crate::core::on_call::{Attendance, NewOverride, OverrideError, Overrides, PresenceStatus, next_change, on_duty};
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

/// What the desk knows of people at work.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::core::engine) struct Staff {
    pub attendance: Attendance,
    pub overrides: Overrides,
    /// When somebody's duty next begins or ends.
    shift_at: Option<Timestamp>,
}

impl Staff {
    pub fn next_deadline(&self) -> Option<Timestamp> {
        [self.attendance.next_expiry(), self.overrides.next_end(), self.shift_at].into_iter().flatten().min()
    }
}

impl Desk {
    pub(crate) fn staff_command(
        &mut self,
        action: &StaffAction,
        command: &Command,
        step: &mut DeskContext<'_>,
    ) -> Result<Outcome, CommandRefusal> {
        match action {
            StaffAction::Presence(heartbeat) => self.heartbeat(heartbeat, step),
            StaffAction::PutOverride { roster, asked } => self.put_override(roster, asked, &command.actor, step),
            StaffAction::DeleteOverride { roster, id } => self.delete_override(roster, *id, step),
            StaffAction::Remove { people, rules } => {
                self.may_remove(people)?;
                Ok(Outcome::Rulebook { hash: *rules, changed: true })
            }
        }
    }

    fn heartbeat(&mut self, heartbeat: &Heartbeat, step: &mut DeskContext<'_>) -> Result<Outcome, CommandRefusal> {
        let Heartbeat { person, word } = heartbeat;
        if !step.rulebook.names(person) {
            return Err(CommandRefusal::NotFound { what: format!("person {person}") });
        }
        let lifetime = || lifetime_of(step.rulebook, person);
        let attendance = &mut self.state.kept.core.staff.attendance;
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
        self.tell_presence(person, step);
        if is_news {
            self.staff_changed(step);
        }
        Ok(Outcome::Staff { id: None })
    }

    /// Whether a word on somebody's presence says what was known: then it is no line of the audit.
    pub(crate) fn is_renewal(&self, action: &StaffAction) -> bool {
        let StaffAction::Presence(Heartbeat { person, word }) = action else { return false };
        let standing = match word {
            HeartbeatWord::Here { .. } | HeartbeatWord::Connected => PresenceStatus::Present,
            HeartbeatWord::Away => PresenceStatus::Away,
            HeartbeatWord::Lost => PresenceStatus::Lost,
        };
        self.state.kept.core.staff.attendance.of(person).is_some_and(|known| known.standing == standing)
    }

    fn tell_presence(&self, person: &str, step: &mut DeskContext<'_>) {
        if let Some(presence) = self.state.kept.core.staff.attendance.of(person) {
            step.effects.push(Effect::Staff(Box::new(StaffChange::Presence(presence.clone()))));
        }
    }

    fn put_override(
        &mut self,
        roster: &str,
        asked: &NewOverride,
        actor: &str,
        step: &mut DeskContext<'_>,
    ) -> Result<Outcome, CommandRefusal> {
        let roster = known_roster(step.rulebook, roster)?;
        if !step.rulebook.names(&asked.person) {
            return Err(CommandRefusal::NotFound { what: format!("person {}", asked.person) });
        }
        let overrides = &mut self.state.kept.core.staff.overrides;
        let id = overrides.put(roster, asked.clone(), actor, step.now).map_err(refusal)?;
        if let Some(put) = overrides.get(id) {
            step.effects.push(Effect::Staff(Box::new(StaffChange::Override(put.clone()))));
        }
        self.rosters_changed(step);
        Ok(Outcome::Staff { id: Some(id) })
    }

    fn delete_override(
        &mut self,
        roster: &str,
        id: u64,
        step: &mut DeskContext<'_>,
    ) -> Result<Outcome, CommandRefusal> {
        let overrides = &mut self.state.kept.core.staff.overrides;
        if overrides.get(id).is_none_or(|one| one.roster != roster) {
            return Err(CommandRefusal::NotFound { what: format!("override {id} of the roster {roster}") });
        }
        overrides.remove(id);
        step.effects.push(Effect::Staff(Box::new(StaffChange::OverrideGone { id })));
        self.rosters_changed(step);
        Ok(Outcome::Staff { id: Some(id) })
    }

    /// PresenceStatus were typed as civil times: they follow the wall clock.
    pub(crate) fn override_ends_follow(&mut self, micros: i64, step: &mut DeskContext<'_>) {
        for moved in self.state.kept.core.staff.overrides.follow_clock(micros) {
            step.effects.push(Effect::Staff(Box::new(StaffChange::Override(moved))));
        }
    }

    /// Nobody leaves with open work: it must have a new owner first.
    fn may_remove(&self, people: &[String]) -> Result<(), CommandRefusal> {
        let held = |person: &String| {
            let ids: Vec<String> =
                self.state.hands.held_by(person).take(NAMED_MAX).map(|id: IncidentId| id.to_string()).collect();
            (!ids.is_empty()).then(|| format!("{person} holds {}", ids.join(", ")))
        };
        let holders: Vec<String> = people.iter().filter_map(held).collect();
        if holders.is_empty() {
            return Ok(());
        }
        let reason = format!("people who hold open work cannot be removed: {}; hand it on first", holders.join("; "));
        Err(CommandRefusal::NotAllowed { reason })
    }

    /// Heartbeats that are too old, overrides that are over, shifts that change.
    pub(crate) fn serve_staff(&mut self, step: &mut DeskContext<'_>) {
        if self.state.kept.core.staff.next_deadline().is_none_or(|at| at > step.now) {
            return;
        }
        for person in self.state.kept.core.staff.attendance.expire(step.now) {
            let presence = self.state.kept.core.staff.attendance.of(&person);
            let seen = presence.map_or(step.now, |presence| presence.seen_at);
            step.audit(ROSTER, "system", "presence.lost", &person, &format!("no heartbeat since {seen}"), None);
            self.tell_presence(&person, step);
        }
        if self.state.kept.core.staff.shift_at.is_some_and(|at| at <= step.now) {
            self.audit_shifts(step);
        }
        let over: Vec<u64> = {
            let overrides = self.state.kept.core.staff.overrides.iter();
            overrides.filter(|one| one.until <= step.now).map(|one| one.id).collect()
        };
        for id in over {
            self.state.kept.core.staff.overrides.remove(id);
            step.effects.push(Effect::Staff(Box::new(StaffChange::OverrideGone { id })));
        }
        self.rosters_changed(step);
    }

    /// Who went and who came, on every roster that changes just now.
    fn audit_shifts(&self, step: &mut DeskContext<'_>) {
        let overrides = &self.state.kept.core.staff.overrides;
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
    fn rosters_changed(&mut self, step: &mut DeskContext<'_>) {
        self.arm_shifts(step.rulebook, step.now);
        self.staff_changed(step);
    }

    fn arm_shifts(&mut self, rulebook: &Rulebook, now: Timestamp) {
        let staff = &mut self.state.kept.core.staff;
        let next = |roster: &Roster| {
            next_change(roster, &rulebook.calendars, &staff.overrides, now).unwrap_or(now + LOOK_AGAIN)
        };
        staff.shift_at = rulebook.rosters.values().map(next).min();
    }

    /// After other rules: overrides of rosters that are gone end, and people who are gone are named with what they hold.
    pub(crate) fn change_rosters(&mut self, old: &Rulebook, step: &mut DeskContext<'_>) {
        let gone: Vec<u64> = {
            let overrides = self.state.kept.core.staff.overrides.iter();
            let is_gone = |name: &String| !step.rulebook.rosters.contains_key(name);
            overrides.filter(|one| is_gone(&one.roster)).map(|one| one.id).collect()
        };
        for id in gone {
            self.state.kept.core.staff.overrides.remove(id);
            step.audit(ROSTER, "system", "override.end", &id.to_string(), "its roster is gone from the rules", None);
            step.effects.push(Effect::Staff(Box::new(StaffChange::OverrideGone { id })));
        }
        for person in old.everybody().difference(&step.rulebook.everybody()) {
            let held: Vec<String> = self.state.hands.held_by(person).map(|id| id.to_string()).collect();
            if !held.is_empty() {
                let detail = format!("gone from the rules, and still holds {}", held.join(", "));
                step.audit(ROSTER, "system", "person.gone", person, &detail, None);
            }
        }
        self.arm_shifts(step.rulebook, step.now);
        self.dispatch_anew(step);
    }

    /// The service was away: no heartbeat could be heard, so each holds a little longer.
    pub(crate) fn resume_staff(&mut self, step: &mut DeskContext<'_>) {
        self.state.kept.core.staff.attendance.hold_on(step.now, GRACE);
        let people: Vec<String> =
            self.state.kept.core.staff.attendance.iter().map(|presence| presence.person.clone()).collect();
        for person in people {
            self.tell_presence(&person, step);
        }
        self.serve_staff(step);
    }
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

/// The verb and the words of such a command, as the audit keeps them, and whom or what it is about.
pub(crate) fn describe(action: &StaffAction) -> (&'static str, String, String) {
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
