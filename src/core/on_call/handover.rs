//! The handover sheet (交接班): open and waiting work at the end of a shift, running SLA clocks and escalations, and the
//! proposed assignees.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::{Assignment, Attendance, OnCallShift, Overrides, WorkRequirements, choose, next_change, on_duty};
use crate::core::calendar::on_the_wall_in;
use crate::core::model::{ClockFace, ClockKind, ClockState, Priority, Timestamp, Waiting};
use crate::core::rules::{Roster, Rulebook, Team};

/// Maximum number of lines of each kind in the text; the rest is counted.
const LINES_MAX: usize = 500;

/// One open piece of work of the schedule's teams.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HandedOver {
    /// `INC-…`
    pub id: String,
    pub title: String,
    pub priority: Priority,
    pub state: String,
    pub team: String,
    pub assignee: Option<String>,
    pub opened_at: Timestamp,
    /// Findings so far.
    pub diagnosis: Option<String>,
    pub waiting: Option<Waiting>,
    /// Its SLA clocks that are not met yet: running, paused, or breached.
    pub clocks: Vec<ClockFace>,
    /// The proposed assignee after the change; `None`: it keeps waiting.
    pub hands_to: Option<String>,
    #[serde(skip)]
    pub wanted: WorkRequirements,
}

impl HandedOver {
    /// True if that clock still matters to the next shift.
    pub fn is_running(clock: &ClockFace) -> bool {
        match clock.state {
            ClockState::Running | ClockState::Paused => true,
            ClockState::Breached => clock.ended_at.is_none(),
            ClockState::Idle | ClockState::Met => false,
        }
    }
}

/// The next escalation of one of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NextEscalation {
    pub id: String,
    /// The event at the end of that time.
    pub what: String,
    pub at: Timestamp,
}

/// The sheet for one on-call schedule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Handover {
    pub roster: String,
    pub title: String,
    pub zone: String,
    pub at: Timestamp,
    /// Time of the next shift change; `None`: there is none.
    pub changes_at: Option<Timestamp>,
    pub from: Vec<String>,
    pub to: Vec<String>,
    /// By priority, then age.
    pub open: Vec<HandedOver>,
    /// Number of those without an assignee.
    pub waiting: u64,
    /// By time.
    pub clocks: Vec<NextEscalation>,
}

impl Handover {
    /// From the open work of the schedule's teams, in any order. A person who stays on duty keeps theirs; the rest goes
    /// to the next shift as dispatch would assign it, by limits, sites and skills.
    pub fn of(
        rulebook: &Rulebook,
        roster: &Roster,
        (overrides, attendance): (&Overrides, &Attendance),
        at: Timestamp,
        mut open: Vec<HandedOver>,
        mut clocks: Vec<NextEscalation>,
    ) -> Handover {
        let calendars = &rulebook.calendars;
        let now = on_duty(roster, calendars, overrides, at);
        let changes_at = next_change(roster, calendars, overrides, at);
        let next = changes_at.map_or_else(|| now.clone(), |at| on_duty(roster, calendars, overrides, at));
        open.sort_by(|a, b| (a.priority, a.opened_at, &a.id).cmp(&(b.priority, b.opened_at, &b.id)));
        clocks.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        give_out(rulebook, attendance, &next, &mut open);
        Handover {
            roster: roster.name.clone(),
            title: roster.title.clone(),
            zone: roster.zone_name.clone(),
            at,
            changes_at,
            from: now.names(),
            to: next.names(),
            waiting: open.iter().filter(|one| one.waiting.is_some()).count() as u64,
            open,
            clocks,
        }
    }
}

fn give_out(rulebook: &Rulebook, attendance: &Attendance, next: &OnCallShift, open: &mut [HandedOver]) {
    let mut load: BTreeMap<String, u32> = BTreeMap::new();
    let stays =
        |one: &HandedOver| one.assignee.clone().filter(|assignee| next.people.iter().any(|on| on.person == *assignee));
    for one in open.iter_mut() {
        one.hands_to = stays(one);
        if let Some(person) = &one.hands_to {
            *load.entry(person.clone()).or_default() += 1;
        }
    }
    for one in open.iter_mut().filter(|one| one.hands_to.is_none()) {
        let Some(team) = rulebook.teams.get(&one.team) else { continue };
        let held = |person: &str| load.get(person).copied().unwrap_or(0);
        // The next shift is not present yet, so heartbeats are ignored.
        let expected = Attendance::default();
        let attendance = if next.people.is_empty() { attendance } else { &expected };
        if let Assignment::Take { person, .. } =
            choose(rulebook, &unwatched(team), Some(next), attendance, &one.wanted, held)
        {
            *load.entry(person.clone()).or_default() += 1;
            one.hands_to = Some(person);
        }
    }
}

/// The team without its presence requirement, because the next shift has sent no heartbeat yet.
fn unwatched(team: &Team) -> Team {
    Team { roster: None, ..team.clone() }
}

/// The sheet for printing; times are local in the zone of its schedule.
pub fn handover_text(sheet: &Handover) -> String {
    let mut text = String::new();
    // Writing to a text does not fail.
    let _ = write_sheet(sheet, &mut text);
    text
}

fn write_sheet(sheet: &Handover, text: &mut String) -> std::fmt::Result {
    let time = |at: Timestamp| on_the_wall_in(at, &sheet.zone);
    writeln!(text, "交接班 hand-over: {} ({})", sheet.title, sheet.roster)?;
    writeln!(text, "时间 as of      {}", time(sheet.at))?;
    match sheet.changes_at {
        Some(at) => writeln!(text, "换班 change at  {}", time(at))?,
        None => writeln!(text, "换班 change at  never: the same people stay on duty")?,
    }
    writeln!(text, "交班 from       {}", names(&sheet.from))?;
    writeln!(text, "接班 to         {}", names(&sheet.to))?;
    writeln!(text, "\n未结 open: {}, of which 排队 waiting: {}", sheet.open.len(), sheet.waiting)?;
    for one in sheet.open.iter().take(LINES_MAX) {
        let holder = one.assignee.as_deref().unwrap_or("-");
        let to = one.hands_to.as_deref().unwrap_or("排队 queue");
        writeln!(text, "  {} {} {} [{}] {holder} → {to}", one.priority, one.id, one.title, one.state)?;
        if let Some(waiting) = &one.waiting {
            writeln!(text, "      waits since {}: {}", time(waiting.since), waiting.reason)?;
        }
        if let Some(diagnosis) = &one.diagnosis {
            writeln!(text, "      {diagnosis}")?;
        }
        for clock in &one.clocks {
            writeln!(text, "      {}", promise(clock, time))?;
        }
    }
    if sheet.open.len() > LINES_MAX {
        writeln!(text, "  … and {} more", sheet.open.len() - LINES_MAX)?;
    }
    writeln!(text, "\n计时 clocks: {}", sheet.clocks.len())?;
    for clock in sheet.clocks.iter().take(LINES_MAX) {
        writeln!(text, "  {} {}: {}", time(clock.at), clock.id, clock.what)?;
    }
    Ok(())
}

/// The clock's name and status: a breach is shown even while the clock is paused.
fn promise(clock: &ClockFace, time: impl Fn(Timestamp) -> String) -> String {
    let what = match clock.clock {
        ClockKind::Tto => "响应时限 respond",
        ClockKind::Ttr => "解决时限 resolve",
    };
    let due = match (clock.breached_at, clock.deadline) {
        (Some(at), _) => format!("已超时 breached at {}", time(at)),
        (None, Some(at)) => format!("due {}", time(at)),
        (None, None) => "no time is set".to_owned(),
    };
    let due = match &clock.paused {
        Some(why) if clock.breached_at.is_none() => format!("暂停 paused: {why}"),
        Some(why) => format!("{due}; 暂停 paused: {why}"),
        None => due,
    };
    let shadow = if clock.shadow { " (试行 on trial)" } else { "" };
    format!("{what} {due}, {} of {} {}{shadow}", clock.limit, clock.target, clock.calendar)
}

fn names(people: &[String]) -> String {
    if people.is_empty() { "无人 nobody".to_owned() } else { people.join(", ") }
}
