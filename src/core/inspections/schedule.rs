//! Timed changes of runs: due, overdue, missed; scheduled times that passed during downtime; changed plans.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{ChangeSet, RunChange};
use super::finding::{Finding, FindingSubject, run_finding};
use super::registry::PlanState;
use super::run::ActiveRun;
use super::{Inspections, RunState};
use crate::core::calendar::Schedule;
use crate::core::model::{RunId, Severity, TimeDelta, Timestamp};
use crate::core::rules::Plan;

const SERVICE_WAS_DOWN: &str = "the service was down";
const PLAN_GONE: &str = "the plan is no longer in the rulebook";

/// By name, as the rulebook holds them.
type Plans = BTreeMap<String, Plan>;

/// The scheduled times of one plan without a run.
struct Backlog {
    /// Too long ago to be done still, or too many; oldest first.
    missed: Vec<Timestamp>,
    /// Can still be done, oldest first.
    open: Vec<Timestamp>,
    /// Number beyond those recorded one by one.
    unlisted: usize,
    /// There were so many that counting stopped.
    uncounted: bool,
}

impl Inspections {
    /// Missed or open runs recorded for one plan at once; the rest is counted in the reason of one of them.
    pub const BACKLOG_MAX: usize = 100;
    /// Maximum number of scheduled times examined for one plan at once.
    const MOMENTS_MAX: usize = 10_000;

    /// Time of the next required call of [`Inspections::tick`].
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Runs every timer up to `now`.
    pub fn tick(&mut self, now: Timestamp, plans: &Plans) -> Vec<RunChange> {
        self.advance(now, plans, None)
    }

    /// Like a tick, after a downtime of the service: runs that can no longer be done are missed for that reason.
    pub fn resumed(&mut self, now: Timestamp, gap: TimeDelta, plans: &Plans) -> Vec<RunChange> {
        self.advance(now, plans, Some(gap))
    }

    /// Takes over the plans of a rulebook. Runs under way keep their checklist, unless their plan is gone.
    pub fn plans_changed(&mut self, now: Timestamp, plans: &Plans) -> Vec<RunChange> {
        let mut pass = ChangeSet::at(now);
        let gone: Vec<String> = self.plans.keys().filter(|name| !plans.contains_key(*name)).cloned().collect();
        for plan in gone {
            self.retire_plan(&mut pass, &plan);
        }
        self.retire_items(&mut pass, plans);
        for (name, plan) in plans {
            if let Some(id) = self.plans.get(name).and_then(|state| state.scheduled) {
                self.reschedule(&mut pass, id, plan);
            }
        }
        self.plan_ahead(&mut pass, plans);
        self.finish(pass)
    }

    /// Creates the next scheduled run of every plan.
    pub(super) fn plan_ahead(&mut self, pass: &mut ChangeSet, plans: &Plans) {
        for (name, plan) in plans {
            let state = self.plans.entry(name.clone()).or_insert_with(|| PlanState::since(pass.now));
            if state.scheduled.is_some() {
                continue;
            }
            if let Some(next) = plan.schedule.next_after(state.consumed.max(pass.now)) {
                let id = self.make(pass, plan, next);
                if let Some(state) = self.plans.get_mut(name) {
                    state.scheduled = Some(id);
                }
            }
        }
    }

    fn advance(&mut self, now: Timestamp, plans: &Plans, gap: Option<TimeDelta>) -> Vec<RunChange> {
        let mut pass = ChangeSet::at(now);
        let mut released = false;
        while let Some((_, id)) = self.deadlines.first().copied().filter(|(deadline, _)| *deadline <= now) {
            let Some(run) = self.get(id) else { break };
            match run.state {
                RunState::Scheduled => {
                    released = true;
                    match plans.get(&run.plan) {
                        Some(plan) => self.release(&mut pass, id, plan),
                        None => self.skip_run(&mut pass, id, PLAN_GONE),
                    }
                }
                RunState::Due | RunState::InProgress | RunState::Overdue if run.missed_at <= now => {
                    let away = gap.map(|gap| format!("; {SERVICE_WAS_DOWN} for {gap}")).unwrap_or_default();
                    let reason = format!("not finished by {:.0}{away}", run.missed_at);
                    self.miss(&mut pass, id, &reason);
                    self.raise_missed(&mut pass, id);
                }
                RunState::Due | RunState::InProgress if run.overdue_at <= now => {
                    self.change(&mut pass, id, |run| {
                        run.record.state = RunState::Overdue;
                        run.record.overdue_since = Some(now);
                    });
                    self.review_plan(&mut pass, id);
                }
                RunState::Due | RunState::InProgress | RunState::Overdue => self.serve_slots(&mut pass, id),
                RunState::AwaitingSignoff => {
                    self.change(&mut pass, id, |run| run.unsigned_late = true);
                    self.review_plan(&mut pass, id);
                }
                // Ended runs have no deadline.
                RunState::Completed | RunState::Missed | RunState::Skipped => break,
            }
        }
        if released {
            self.plan_ahead(&mut pass, plans);
        }
        self.finish(pass)
    }

    /// Slots: requests the items whose slot began, and marks those as missed whose slot is over.
    fn serve_slots(&mut self, pass: &mut ChangeSet, id: RunId) {
        let now = pass.now;
        self.miss_slots(pass, id);
        let mut asked = Vec::new();
        self.change(pass, id, |run| asked = run.ask(now));
        pass.then.extend(asked.into_iter().map(RunChange::Probe));
        self.settle(pass, id);
    }

    /// Starts the plan's due run, and those of further due times.
    fn release(&mut self, pass: &mut ChangeSet, scheduled: RunId, plan: &Plan) {
        let Some(first) = self.get(scheduled).map(|run| run.scheduled_at) else { return };
        let backlog = backlog(plan, first, pass.now);
        if let Some(state) = self.plans.get_mut(&plan.name) {
            state.consumed = pass.now;
            state.scheduled = None;
        }
        // The oldest time belongs to the scheduled run; the others get new runs.
        let run_of = |inspections: &mut Inspections, pass: &mut ChangeSet, at: Timestamp| {
            if at == first { scheduled } else { inspections.make(pass, plan, at) }
        };
        let last = backlog.missed.len().checked_sub(1);
        for (index, at) in backlog.missed.iter().enumerate() {
            let id = run_of(self, pass, *at);
            if Some(index) == last {
                self.miss(pass, id, &format!("{SERVICE_WAS_DOWN}{}", backlog.note()));
                self.raise_missed(pass, id);
            } else {
                self.miss(pass, id, SERVICE_WAS_DOWN);
            }
        }
        for at in backlog.open {
            let id = run_of(self, pass, at);
            let unfinished = self.plans.get(&plan.name).map_or(0, |state| state.unfinished.len());
            if unfinished < Inspections::UNFINISHED_MAX {
                self.become_due(pass, id);
            } else {
                self.miss(pass, id, &format!("{unfinished} earlier runs of this plan are unfinished"));
                self.raise_missed(pass, id);
            }
        }
    }

    pub(super) fn miss(&mut self, pass: &mut ChangeSet, id: RunId, reason: &str) {
        self.change(pass, id, |run| {
            run.record.state = RunState::Missed;
            run.record.reason = Some(reason.to_owned());
        });
        self.review_plan(pass, id);
    }

    pub(super) fn raise_missed(&mut self, pass: &mut ChangeSet, id: RunId) {
        let Some(run) = self.get(id) else { return };
        let reason = run.reason.as_deref().unwrap_or_default();
        let summary = format!("{}: {id} of {:.0} was missed: {reason}", run.title, run.scheduled_at);
        let finding = run_finding(id, &run.plan.clone(), FindingSubject::Missed, summary, pass.now, true);
        self.find(pass, finding);
    }

    /// Updates the scheduled run to the plan's present settings and time.
    fn reschedule(&mut self, pass: &mut ChangeSet, id: RunId, plan: &Plan) {
        // A due run is left to the tick: moved away, it would vanish without a trace.
        let Some(run) = self.runs.get(&id).filter(|run| run.record.scheduled_at > pass.now) else { return };
        let consumed = self.plans.get(&plan.name).map_or(pass.now, |state| state.consumed);
        let Some(next) = plan.schedule.next_after(consumed.max(pass.now)) else {
            return self.skip_run(pass, id, "the plan has no next time");
        };
        let version = run.record.version;
        let mut fresh = ActiveRun::new(id, plan, next, pass.now);
        fresh.record.version = version;
        if !run.says_the_same(&fresh) {
            self.change(pass, id, |run| *run = fresh);
        }
    }

    fn retire_plan(&mut self, pass: &mut ChangeSet, plan: &str) {
        let Some(state) = self.plans.get(plan) else { return };
        let runs: Vec<RunId> = state.scheduled.into_iter().chain(state.unfinished.iter().copied()).collect();
        for id in runs {
            self.skip_run(pass, id, PLAN_GONE);
        }
        self.plans.remove(plan);
        let gone: Vec<Finding> = self.findings.values().filter(|finding| finding.plan == plan).cloned().collect();
        self.retire_findings(pass, gone);
    }

    /// Clears the findings of removed items, because no further check could clear them.
    fn retire_items(&mut self, pass: &mut ChangeSet, plans: &Plans) {
        let known: BTreeMap<&str, BTreeSet<&str>> = plans
            .values()
            .map(|plan| (plan.name.as_str(), plan.items.iter().map(|item| item.name.as_str()).collect()))
            .collect();
        for (name, state) in &mut self.plans {
            if let Some(items) = known.get(name.as_str()) {
                state.histories.retain(|item, _| items.contains(item.as_str()));
            }
        }
        let is_gone = |finding: &&Finding| {
            let items = finding.subject.item().zip(known.get(finding.plan.as_str()));
            items.is_some_and(|(item, items)| !items.contains(item))
        };
        let gone: Vec<Finding> = self.findings.values().filter(is_gone).cloned().collect();
        self.retire_findings(pass, gone);
    }

    fn retire_findings(&mut self, pass: &mut ChangeSet, gone: Vec<Finding>) {
        for finding in gone {
            let summary = format!("{}: no longer inspected", finding.plan);
            let cleared = Finding { summary, at: pass.now, firing: false, severity: Severity::Cleared, ..finding };
            self.find(pass, cleared);
        }
    }
}

impl Backlog {
    /// Describes the scheduled times without a run of their own.
    fn note(&self) -> String {
        match (self.unlisted, self.uncounted) {
            (0, false) => String::new(),
            (more, false) => format!("; {more} more runs were missed and are not listed"),
            (more, true) => format!("; more than {more} more runs were missed and are not listed"),
        }
    }
}

/// Sorts the times from `first` up to `now` into missed and still open, each limited.
fn backlog(plan: &Plan, first: Timestamp, now: Timestamp) -> Backlog {
    let open_after = now - plan.missed_after;
    let (mut missed, missed_more) = moments(&plan.schedule, Some(first), open_after);
    let first_open = if first > open_after { Some(first) } else { plan.schedule.next_after(open_after) };
    let (mut open, open_more) = moments(&plan.schedule, first_open, now);
    // No one can do so many at once: the newest stay open.
    let surplus = open.len().saturating_sub(Inspections::BACKLOG_MAX);
    missed.extend(open.drain(..surplus));
    let unlisted = missed.len().saturating_sub(Inspections::BACKLOG_MAX);
    missed.truncate(Inspections::BACKLOG_MAX);
    Backlog { missed, open, unlisted, uncounted: missed_more || open_more }
}

/// `first` and the schedule's times after it, up to and with `until`; and true if there are more.
fn moments(schedule: &Schedule, first: Option<Timestamp>, until: Timestamp) -> (Vec<Timestamp>, bool) {
    let mut all: Vec<Timestamp> = std::iter::successors(first, |last| schedule.next_after(*last))
        .take_while(|next| *next <= until)
        .take(Inspections::MOMENTS_MAX + 1)
        .collect();
    let more = all.len() > Inspections::MOMENTS_MAX;
    all.truncate(Inspections::MOMENTS_MAX);
    (all, more)
}
