//! The twelve people of the simulated year: times at which each of them looks, acknowledges, escalates, repairs and
//! closes. They learn of incidents only from the desk's records.

use std::collections::BTreeMap;

use crate::core::calendar::WorkCalendar;
use crate::core::engine::{Action, IncidentAction, RunAction};
use crate::core::incidents::{Incident, IncidentState, PendingOn};
use crate::core::inspections::{ItemOutcome, Run, RunState};
use crate::core::model::{IncidentId, RunId, Tier, TimeDelta, Timestamp};
use crate::core::simulation::year::Breakage;

const SITES_STAFF: u64 = 9;
const EXPERTS: u64 = 3;
/// Means in minutes: acknowledging an incident by day and by night, recognising that another tier is needed.
const TAKES_BY_DAY: f64 = 6.0;
const TAKES_BY_NIGHT: f64 = 14.0;
const FINDS_OUT: f64 = 18.0;
/// Waiting time for a vendor, in minutes.
const VENDOR: f64 = 600.0;
/// Share handed back of a higher tier's incidents that the first can repair.
const HANDS_BACK: f64 = 0.25;
/// After resolving, the user is asked; some report that the fault persists.
const ASKS_AFTER: f64 = 180.0;
const STILL_BROKEN: f64 = 0.03;
/// Shares of forgotten checklists, and of failing items.
const FORGETS_INSPECTION: f64 = 0.02;
const ITEM_FAILS: f64 = 0.01;

/// A scheduled act.
pub(super) enum Act {
    Break(usize),
    Fire {
        index: usize,
        alert: usize,
    },
    /// The fault of that key is repaired.
    Clear(String),
    /// A person looks at an incident.
    Look(IncidentId),
    Command {
        actor: String,
        role: &'static str,
        action: Action,
        /// The key repaired by it.
        repairs: Option<String>,
    },
}

/// The known state of an incident, so that each change is acted on once.
#[derive(Clone, PartialEq)]
struct SeenIncident {
    state: IncidentState,
    tier: Tier,
    acknowledged: bool,
}

/// The acts of each person, by independent random draws.
pub(super) struct SimulatedStaff {
    seed: u64,
    calendar: WorkCalendar,
    seen: BTreeMap<IncidentId, SeenIncident>,
    inspected: BTreeMap<RunId, RunState>,
}

impl SimulatedStaff {
    pub fn new(seed: u64, calendar: WorkCalendar) -> SimulatedStaff {
        SimulatedStaff { seed, calendar, seen: BTreeMap::new(), inspected: BTreeMap::new() }
    }

    /// True if the record has news for the staff.
    pub fn heeds(&mut self, record: &Incident) -> bool {
        if record.unpaged {
            return false;
        }
        let seen = SeenIncident { state: record.state, tier: record.tier, acknowledged: record.acknowledged };
        let is_over = matches!(record.state, IncidentState::Closed | IncidentState::Merged | IncidentState::Cancelled);
        if is_over {
            self.seen.remove(&record.id);
            return false;
        }
        self.seen.insert(record.id, seen.clone()).is_none_or(|before| before != seen)
    }

    /// The next act on it, with its time. `breakage`: the fault behind it, if still broken.
    pub fn look(
        &mut self,
        now: Timestamp,
        record: &Incident,
        key: &str,
        breakage: Option<&Breakage>,
    ) -> Vec<(Timestamp, Act)> {
        let mut chance = Draw::of(self.seed, record.id.0, record.version);
        let id = record.id;
        match record.state {
            IncidentState::New | IncidentState::Assigned => {
                let mean = if self.calendar.is_open(now) { TAKES_BY_DAY } else { TAKES_BY_NIGHT };
                vec![by(record, now + chance.minutes(mean), IncidentAction::Acknowledge { note: None })]
            }
            IncidentState::InProgress if !record.acknowledged => {
                let mean = if self.calendar.is_open(now) { TAKES_BY_DAY } else { TAKES_BY_NIGHT };
                vec![by(record, now + chance.minutes(mean), IncidentAction::Acknowledge { note: None })]
            }
            IncidentState::InProgress => self.works(now, record, key, breakage, &mut chance),
            IncidentState::Pending => {
                vec![by(record, now + chance.minutes(VENDOR), IncidentAction::Resume)]
            }
            IncidentState::Resolved => {
                let asks = self.when_at_work(now, chance.minutes(ASKS_AFTER));
                let action = if record.reopened == 0 && chance.happens(STILL_BROKEN) {
                    IncidentAction::Reopen { reason: "用户反映仍未恢复".to_owned() }
                } else {
                    IncidentAction::Close { note: Some("回访确认".to_owned()) }
                };
                // Whatever tier repaired it, the first line closes it.
                vec![(asks, command(id, first_line(id), "first_line", action, None))]
            }
            IncidentState::Closed | IncidentState::Merged | IncidentState::Cancelled => Vec::new(),
        }
    }

    fn works(
        &self,
        now: Timestamp,
        record: &Incident,
        key: &str,
        breakage: Option<&Breakage>,
        chance: &mut Draw,
    ) -> Vec<(Timestamp, Act)> {
        let (needs, work) = breakage.map_or((Tier::First, TimeDelta::from_minutes(10)), |it| (it.needs, it.work));
        if record.tier < needs {
            let diagnosis = format!("{key}: 已重启、换线，仍未恢复，需上一级处理");
            return vec![by(record, now + chance.minutes(FINDS_OUT), IncidentAction::Escalate { diagnosis })];
        }
        if record.tier > needs && chance.happens(HANDS_BACK) {
            let reason = format!("{key}: 一线可处理");
            return vec![by(record, now + chance.minutes(FINDS_OUT), IncidentAction::HandBack { reason })];
        }
        // The third line waits for its vendor once before it can repair.
        if record.tier == Tier::Third && record.pending_on.is_none() && chance.happens(0.5) {
            let action = IncidentAction::Pend { on: PendingOn::Vendor, reason: "等待厂商备件".to_owned() };
            return vec![by(record, now + chance.minutes(FINDS_OUT), action)];
        }
        let done = match record.priority {
            // Urgent incidents are repaired at night too.
            crate::core::model::Priority::P1 | crate::core::model::Priority::P2 => now + work,
            crate::core::model::Priority::P3 | crate::core::model::Priority::P4 => self.when_at_work(now, work),
        };
        let action = IncidentAction::Resolve { resolution: format!("{key} 已修复") };
        let (actor, role) = who(record);
        vec![(done, command(record.id, actor, role, action, Some(key.to_owned())))]
    }

    /// After that much working time.
    fn when_at_work(&self, now: Timestamp, work: TimeDelta) -> Timestamp {
        self.calendar.add(now, work).unwrap_or(now + work)
    }

    /// A person walks the round, records the observations, and signs.
    pub fn inspect(&mut self, now: Timestamp, run: &Run) -> Vec<(Timestamp, Act)> {
        if self.inspected.insert(run.id, run.state) == Some(run.state) {
            return Vec::new();
        }
        let mut chance = Draw::of(self.seed, run.id.0, u64::MAX);
        let act = |at: Timestamp, action: RunAction| {
            let action = Action::Run { id: run.id, action };
            (at, Act::Command { actor: "驻场值班".to_owned(), role: "first_line", action, repairs: None })
        };
        match run.state {
            RunState::Due => {
                if chance.happens(FORGETS_INSPECTION) {
                    return Vec::new();
                }
                let begin = now + chance.minutes(40.0);
                let items = run.items.iter().enumerate().map(|(number, item)| {
                    let outcome = if chance.happens(ITEM_FAILS) { ItemOutcome::Fail } else { ItemOutcome::Pass };
                    let evidence = format!("现场读数 {}", 20 + number);
                    let (item, value) = (item.name.clone(), Some(20.0));
                    let action = RunAction::RecordItem { item, outcome, evidence, value, found: None };
                    act(begin + TimeDelta::from_minutes(3 * number as i64), action)
                });
                items.collect()
            }
            RunState::AwaitingSignoff => {
                vec![act(now + chance.minutes(25.0), RunAction::SignOff { note: None })]
            }
            RunState::Completed | RunState::Missed | RunState::Skipped => {
                self.inspected.remove(&run.id);
                Vec::new()
            }
            RunState::Scheduled | RunState::InProgress | RunState::Overdue => Vec::new(),
        }
    }
}

/// The tier in charge runs that action.
fn by(record: &Incident, at: Timestamp, action: IncidentAction) -> (Timestamp, Act) {
    let (actor, role) = who(record);
    (at, command(record.id, actor, role, action, None))
}

fn command(id: IncidentId, actor: String, role: &'static str, action: IncidentAction, repairs: Option<String>) -> Act {
    Act::Command { actor, role, action: Action::Incident { id, action }, repairs }
}

fn who(record: &Incident) -> (String, &'static str) {
    match record.tier {
        Tier::First => (first_line(record.id), "first_line"),
        Tier::Second => (format!("二线专家{}", 1 + record.id.0 % EXPERTS), "second_line"),
        Tier::Third => ("厂商支持".to_owned(), "third_line"),
    }
}

fn first_line(id: IncidentId) -> String {
    format!("一线值班{}", 1 + id.0 % SITES_STAFF)
}

/// Draws that depend on their purpose alone, so that one person's choice does not affect another's.
struct Draw(crate::core::simulation::Rng);

impl Draw {
    fn of(seed: u64, subject: u64, turn: u64) -> Draw {
        let mut mixed = crate::core::simulation::Rng::new(seed ^ subject.rotate_left(32) ^ turn.rotate_left(7));
        Draw(mixed.split())
    }

    fn happens(&mut self, share: f64) -> bool {
        self.0.happens(share)
    }

    /// Exponential with that mean, at least a minute.
    fn minutes(&mut self, mean: f64) -> TimeDelta {
        TimeDelta::from_seconds((60.0 * (1.0 + self.0.exponential(mean))) as i64)
    }
}
