//! A year of the province on the composed engine and virtual time: faults, the work of the simulated staff, and the
//! resulting figures.

mod staff;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::core::calendar::{WorkCalendar, moment_in};
use crate::core::engine::{
    Action, AuditEntry, AuditFact, BatchOutput, Command, DeskInput, Effect, Engine, Outcome, RecordChange, Request,
};
use crate::core::incidents::{Incident, TimelineEntry};
use crate::core::inspections::Run;
use crate::core::model::{Event, IncidentId, Labels, ProblemId, RunId, Severity, Status, TimeDelta, Timestamp};
use crate::core::problems::Problem;
use crate::core::reports::{EndedRun, Figures, ProblemMove, ReportPeriod};
use crate::core::rules::{RuleText, load};
use crate::core::simulation::provincial_estate::Province;
use crate::core::simulation::year::{Breakage, breakages};
use staff::{Act, SimulatedStaff};

const RULES: &str = include_str!("rules.yaml");
const CALENDAR: &str = "office";
const ZONE: &str = "Asia/Shanghai";
/// Time between the alerts of one cause.
const BETWEEN_ALERTS: TimeDelta = TimeDelta::from_millis(200);
/// Time that work continues after the last fault.
const RUN_ON: TimeDelta = TimeDelta::from_days(30);

/// Result of a simulated year.
pub struct SimulatedYear {
    pub period: ReportPeriod,
    pub calendar: WorkCalendar,
    pub incidents: BTreeMap<IncidentId, Incident>,
    pub problems: BTreeMap<ProblemId, Problem>,
    pub runs: BTreeMap<RunId, Run>,
    pub timeline: Vec<TimelineEntry>,
    pub audit: Vec<AuditEntry>,
    /// Number of engine inputs: events, commands, ticks.
    pub inputs: u64,
    pub events: u64,
    /// Number of staff commands that the desk refused.
    pub refused: u64,
    /// Time of the last input.
    pub ended_at: Timestamp,
}

impl SimulatedYear {
    /// From the records.
    pub fn figures(&self) -> Figures {
        let (incidents, problems, runs) = (self.incidents.values(), self.problems.values(), self.runs.values());
        Figures::of_records(incidents, problems, runs, self.period, &self.calendar, self.ended_at)
    }

    /// From the audit log and the timelines alone.
    pub fn figures_of_log(&self) -> Figures {
        let (mut ended_runs, mut problem_moves) = (Vec::new(), Vec::new());
        for entry in &self.audit {
            match entry.fact {
                Some(AuditFact::RunEnded { run: _, state }) => ended_runs.push(EndedRun { ended_at: entry.at, state }),
                Some(AuditFact::ProblemMoved { problem, to }) => {
                    problem_moves.push(ProblemMove { at: entry.at, problem, to });
                }
                None => {}
            }
        }
        let (period, calendar) = (self.period, &self.calendar);
        Figures::of_log(&self.timeline, &ended_runs, &problem_moves, period, calendar, self.ended_at)
    }
}

/// Runs the days from the first of January of `year` on, for `days`, with `share` (0 to 1) of the province's load. The
/// same arguments give the same year.
pub fn simulate_year(year: i16, seed: u64, days: u16, share: f64) -> Result<SimulatedYear, String> {
    let begin = moment_in(&format!("{year}-01-01T00:00"), Some(ZONE)).map_err(|bad| bad.to_string())?;
    let period = ReportPeriod { from: begin, to: begin + TimeDelta::from_days(i64::from(days)) };
    let texts = vec![RuleText { path: "year.yaml".to_owned(), text: RULES.to_owned() }];
    let rulebook = load(texts).map_err(|mistakes| {
        mistakes.first().map_or_else(|| "the year's rules do not load".to_owned(), |mistake| format!("{mistake:#}"))
    })?;
    let rulebook = Arc::new(rulebook.rulebook);
    let calendar = rulebook.calendars.get(CALENDAR).cloned().unwrap_or_else(|| WorkCalendar::always("always"));
    let province = Province::build(seed);
    let broken = breakages(&province, seed, (period.from, period.to), share, |at| calendar.is_open(at));
    let mut engine = Engine::new(None);
    engine.register_rulebook(Arc::clone(&rulebook));
    let staff = SimulatedStaff::new(seed, calendar.clone());
    let kept = SimulatedYear {
        period,
        calendar,
        incidents: BTreeMap::new(),
        problems: BTreeMap::new(),
        runs: BTreeMap::new(),
        timeline: Vec::new(),
        audit: Vec::new(),
        inputs: 0,
        events: 0,
        refused: 0,
        ended_at: begin,
    };
    let mut course = YearState { engine, staff, broken, acts: BTreeMap::new(), acted: 0, open: BTreeMap::new(), kept };
    course.take(begin, Request::Rulebook(rulebook.hash))?;
    course.run()?;
    Ok(course.kept)
}

/// The running year: pending acts by time, and current faults.
struct YearState {
    engine: Engine,
    staff: SimulatedStaff,
    broken: Vec<Breakage>,
    /// Pending acts, in order.
    acts: BTreeMap<(Timestamp, u64), Act>,
    acted: u64,
    /// The fault of each key that is broken now.
    open: BTreeMap<String, usize>,
    kept: SimulatedYear,
}

impl YearState {
    fn run(&mut self) -> Result<(), String> {
        let until = self.kept.period.to + RUN_ON;
        for index in 0..self.broken.len() {
            let at = self.broken[index].at;
            self.plan(at, Act::Break(index));
        }
        loop {
            let act = self.acts.first_key_value().map(|((at, _), _)| *at);
            let due = self.engine.next_deadline();
            // A timer due at or before the time of an act runs first, as in the driver.
            match (due, act) {
                (Some((at, partition)), act) if at <= until && act.is_none_or(|act| at <= act) => {
                    self.take(at, Request::Tick(partition))?;
                }
                (_, Some(at)) if at <= until => {
                    let Some((_, act)) = self.acts.pop_first() else { return Ok(()) };
                    self.act(at, act)?;
                }
                (_, _) => return Ok(()),
            }
        }
    }

    fn plan(&mut self, at: Timestamp, act: Act) {
        self.acted += 1;
        self.acts.insert((at, self.acted), act);
    }

    fn act(&mut self, now: Timestamp, act: Act) -> Result<(), String> {
        match act {
            Act::Break(index) => self.breaks(now, index),
            Act::Fire { index, alert } => self.tell(now, index, alert, Status::Firing),
            Act::Clear(key) => self.clears(now, &key),
            Act::Command { actor, role, action, repairs } => {
                if let Some(key) = &repairs {
                    self.clears(now, key)?;
                }
                self.command(now, actor, role, action)
            }
            Act::Look(id) => {
                let Some(record) = self.kept.incidents.get(&id) else { return Ok(()) };
                let key = record.key.iter().next().map(|(_, value)| value.to_owned()).unwrap_or_default();
                let breakage = self.open.get(&key).map(|index| &self.broken[*index]);
                for (at, act) in self.staff.look(now, record, &key, breakage) {
                    self.plan(at.max(now), act);
                }
                Ok(())
            }
        }
    }

    fn breaks(&mut self, now: Timestamp, index: usize) -> Result<(), String> {
        let breakage = &self.broken[index];
        let (key, alerts, passes) = (breakage.key.clone(), breakage.alerts.len(), breakage.passes);
        // A broken key cannot break again.
        if self.open.contains_key(&key) {
            return Ok(());
        }
        self.open.insert(key.clone(), index);
        for alert in 1..alerts {
            let later = TimeDelta::from_micros(BETWEEN_ALERTS.as_micros() * alert as i64);
            self.plan(now + later, Act::Fire { index, alert });
        }
        if let Some(after) = passes {
            self.plan(now + after, Act::Clear(key));
        }
        self.tell(now, index, 0, Status::Firing)
    }

    fn clears(&mut self, now: Timestamp, key: &str) -> Result<(), String> {
        let Some(index) = self.open.remove(key) else { return Ok(()) };
        (0..self.broken[index].alerts.len()).try_for_each(|alert| self.tell(now, index, alert, Status::Resolved))
    }

    fn tell(&mut self, now: Timestamp, index: usize, alert: usize, status: Status) -> Result<(), String> {
        let breakage = &self.broken[index];
        // Repaired before its last alert was sent.
        if status == Status::Firing && self.open.get(&breakage.key) != Some(&index) {
            return Ok(());
        }
        let Some(labels) = breakage.alerts.get(alert) else { return Ok(()) };
        let labels = Labels::from_pairs(labels.iter().map(|(name, value)| (*name, value.as_str())));
        let mut event = Event::new("province", status, labels);
        event.occurred_at = Some(now);
        event.severity = Some(Severity::Major);
        self.kept.events += 1;
        self.take(now, Request::Event(Box::new(event)))
    }

    fn command(&mut self, now: Timestamp, actor: String, role: &str, action: Action) -> Result<(), String> {
        let command = Command { actor, role: role.to_owned(), idempotency_key: None, if_match: None, action };
        self.take(now, Request::Desk(DeskInput::Command(Box::new(command))))
    }

    fn take(&mut self, now: Timestamp, request: Request) -> Result<(), String> {
        let mut work = BatchOutput::default();
        let outcome = self.engine.handle(now, request, &mut work).map_err(|error| error.to_string())?;
        self.kept.refused += u64::from(matches!(outcome, Some(Outcome::Refused(_))));
        self.kept.inputs += 1;
        self.kept.ended_at = now;
        for effect in work.effects {
            self.keep(now, effect);
        }
        Ok(())
    }

    fn keep(&mut self, now: Timestamp, effect: Effect) {
        match effect {
            Effect::Record(RecordChange::Incident(record)) => {
                if self.staff.heeds(&record) {
                    self.plan(now, Act::Look(record.id));
                }
                self.kept.incidents.insert(record.id, std::sync::Arc::unwrap_or_clone(record));
            }
            Effect::Record(RecordChange::Problem(problem)) => {
                self.kept.problems.insert(problem.id, *problem);
            }
            Effect::Record(RecordChange::Run(run)) => {
                for (at, act) in self.staff.inspect(now, &run) {
                    self.plan(at, act);
                }
                self.kept.runs.insert(run.id, *run);
            }
            Effect::Record(RecordChange::Timeline(entry)) => self.kept.timeline.push(entry),
            Effect::Record(RecordChange::Audit(entry)) => self.kept.audit.push(entry),
            _not_kept => {}
        }
    }
}
