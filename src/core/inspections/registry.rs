//! The registry of remembered runs, with the commands of people and the results of probes. Timed changes are in
//! `schedule`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::change::{ChangeSet, ItemReport, RunChange, RunRefusal, RunRefused, SignOffPolicy};
use super::finding::{Finding, FindingSubject, run_finding};
use super::run::ActiveRun;
use super::task::ItemAnswer;
use super::trend::History;
use super::{ProbeRequest, ProbeResult, Run, RunState};
use crate::core::model::{Fingerprint, RunId, TimeDelta, Timestamp};
use crate::core::rules::Plan;

/// Runs by number, each plan's position in its schedule, and the open findings. Cloning shares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct Inspections {
    pub(super) made: u64,
    pub(super) runs: BTreeMap<RunId, Arc<ActiveRun>>,
    pub(super) plans: BTreeMap<String, PlanState>,
    pub(super) findings: BTreeMap<(String, FindingSubject), Finding>,
    /// Both are derived from the runs.
    #[serde(skip)]
    pub(super) deadlines: BTreeSet<(Timestamp, RunId)>,
    #[serde(skip)]
    pub(super) ended: BTreeSet<(Timestamp, RunId)>,
    /// Derived from the findings.
    #[serde(skip)]
    pub(super) alerts: BTreeMap<Fingerprint, (String, FindingSubject)>,
}

/// Position of a plan in its schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PlanState {
    /// Every scheduled time up to here has its run.
    pub consumed: Timestamp,
    /// The run of the next scheduled time.
    pub scheduled: Option<RunId>,
    /// Due and not ended.
    pub unfinished: BTreeSet<RunId>,
    /// The values of its items that have a limit, by the plan's item names.
    pub histories: BTreeMap<String, History>,
}

impl Inspections {
    /// Retention of an ended run; then only its row is left.
    pub const ENDED_KEPT: TimeDelta = TimeDelta::from_days(30);
    /// Maximum number of ended runs; the longest ended are forgotten first.
    pub const ENDED_MAX: usize = 5_000;
    /// Maximum number of a plan's runs under way or unsigned; further due ones are missed at once.
    pub const UNFINISHED_MAX: usize = 100;

    /// The current record; `None` once it ended long ago.
    pub fn get(&self, id: RunId) -> Option<&Run> {
        self.runs.get(&id).map(|run| &run.record)
    }

    /// All that are remembered, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Run> {
        self.runs.values().map(|run| &run.record)
    }

    /// The open findings, by plan and subject.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.values()
    }

    /// Every automated item without a result: requested again after a restart.
    pub fn pending_probes(&self) -> impl Iterator<Item = ProbeRequest> + '_ {
        let unfinished = self.plans.values().flat_map(|plan| &plan.unfinished);
        unfinished.filter_map(|id| self.runs.get(id)).flat_map(|run| run.pending_probes())
    }

    /// Starts a run of a plan outside its schedule.
    pub fn start_now(&mut self, now: Timestamp, plan: &Plan) -> Result<(RunId, Vec<RunChange>), RunRefused> {
        let open = self.plans.get(&plan.name).map_or(0, |state| state.unfinished.len());
        if open >= Inspections::UNFINISHED_MAX {
            let reason = format!("cannot start {}: {open} of its runs are unfinished; finish or skip them", plan.name);
            return Err(RunRefused { reason });
        }
        let mut pass = ChangeSet::at(now);
        let id = self.make(&mut pass, plan, now);
        self.become_due(&mut pass, id);
        Ok((id, self.finish(pass)))
    }

    /// Stores a probe's result. A result without a waiting item (requested twice, or the run has ended) changes
    /// nothing.
    pub fn probe_result(&mut self, now: Timestamp, result: &ProbeResult) -> Vec<RunChange> {
        let Some(index) = self.runs.get(&result.run).and_then(|run| run.awaited(&result.item)) else {
            return Vec::new();
        };
        let mut pass = ChangeSet::at(now);
        let answer = ItemAnswer {
            outcome: result.outcome,
            evidence: result.evidence.clone(),
            value: result.value,
            found: result.found.clone(),
            by: None,
            at: now,
        };
        self.answer(&mut pass, result.run, index, answer);
        self.finish(pass)
    }

    /// A person's result for a manual item; may be corrected until the run is finished.
    pub fn record_item(
        &mut self,
        now: Timestamp,
        id: RunId,
        report: ItemReport,
        actor: &str,
    ) -> Result<Vec<RunChange>, RunRefusal> {
        let run = self.runs.get(&id).ok_or(RunRefusal::Unknown(id))?;
        let index = run.reported(&report, now)?;
        let answer = ItemAnswer {
            outcome: report.outcome,
            evidence: report.evidence,
            value: report.value,
            found: report.found,
            by: Some(actor.to_owned()),
            at: now,
        };
        let mut pass = ChangeSet::at(now);
        self.answer(&mut pass, id, index, answer);
        Ok(self.finish(pass))
    }

    /// Completes a finished run; refused in every other state.
    pub fn sign_off(
        &mut self,
        now: Timestamp,
        id: RunId,
        actor: &str,
        signing: SignOffPolicy<'_>,
    ) -> Result<Vec<RunChange>, RunRefusal> {
        self.must_await_signature(id, "sign", actor, signing)?;
        let mut pass = ChangeSet::at(now);
        self.change(&mut pass, id, |run| run.record.signed_by = Some(actor.to_owned()));
        self.complete(&mut pass, id);
        Ok(self.finish(pass))
    }

    /// Rejects a finished run: automated items are checked again, and at least one manual item must be recorded again.
    pub fn reject(
        &mut self,
        now: Timestamp,
        id: RunId,
        reason: &str,
        actor: &str,
        signing: SignOffPolicy<'_>,
    ) -> Result<Vec<RunChange>, RunRefusal> {
        self.must_await_signature(id, "reject", actor, signing)?;
        require_text(reason, &format!("reject {id}"))?;
        let mut pass = ChangeSet::at(now);
        self.change(&mut pass, id, |run| run.reject(reason, now));
        self.ask_probes(&mut pass, id);
        self.review_plan(&mut pass, id);
        self.settle(&mut pass, id);
        Ok(self.finish(pass))
    }

    /// Skips a run that will not take place, or not be finished.
    pub fn skip(
        &mut self,
        now: Timestamp,
        id: RunId,
        reason: &str,
        plans: &BTreeMap<String, Plan>,
    ) -> Result<Vec<RunChange>, RunRefusal> {
        let run = &self.runs.get(&id).ok_or(RunRefusal::Unknown(id))?.record;
        if run.state != RunState::Scheduled && !run.state.is_under_way() {
            let reason = format!("cannot skip {id}: it is {}", run.state.as_str());
            return Err(RunRefused { reason }.into());
        }
        require_text(reason, &format!("skip {id}"))?;
        let mut pass = ChangeSet::at(now);
        self.skip_run(&mut pass, id, reason);
        self.plan_ahead(&mut pass, plans);
        Ok(self.finish(pass))
    }

    /// Changes a run and updates every index.
    pub(super) fn change(&mut self, pass: &mut ChangeSet, id: RunId, change: impl FnOnce(&mut ActiveRun)) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        if let Some(deadline) = run.deadline() {
            self.deadlines.remove(&(deadline, id));
        }
        let run = Arc::make_mut(run);
        let before = run.record.state;
        change(run);
        run.record.version += 1;
        run.record.updated_at = pass.now;
        if let Some(deadline) = run.deadline() {
            self.deadlines.insert((deadline, id));
        }
        pass.changed.insert(id);
        let after = run.record.state;
        if let Some(plan) = self.plans.get_mut(&run.record.plan).filter(|_| before != after) {
            if after == RunState::Due {
                plan.scheduled = plan.scheduled.filter(|scheduled| *scheduled != id);
                plan.unfinished.insert(id);
            }
            if after.is_ended() {
                plan.scheduled = plan.scheduled.filter(|scheduled| *scheduled != id);
                plan.unfinished.remove(&id);
            }
        }
        if after.is_ended() && before != after {
            self.ended.insert((pass.now, id));
            pass.then.push(RunChange::Ended { run: id, state: after });
        }
    }

    /// Creates a scheduled run.
    pub(super) fn make(&mut self, pass: &mut ChangeSet, plan: &Plan, scheduled_at: Timestamp) -> RunId {
        self.made += 1;
        let id = RunId(self.made);
        let run = ActiveRun::new(id, plan, scheduled_at, pass.now);
        self.plans.entry(plan.name.clone()).or_insert_with(|| PlanState::since(pass.now));
        self.deadlines.extend(run.deadline().map(|deadline| (deadline, id)));
        self.runs.insert(id, Arc::new(run));
        pass.changed.insert(id);
        id
    }

    pub(super) fn become_due(&mut self, pass: &mut ChangeSet, id: RunId) {
        let now = pass.now;
        self.change(pass, id, |run| run.become_due(now));
        self.ask_probes(pass, id);
        self.settle(pass, id);
    }

    pub(super) fn skip_run(&mut self, pass: &mut ChangeSet, id: RunId, reason: &str) {
        let Some(run) = self.runs.get(&id) else { return };
        if let Some(plan) = self.plans.get_mut(&run.record.plan).filter(|plan| plan.scheduled == Some(id)) {
            plan.consumed = plan.consumed.max(run.record.scheduled_at);
        }
        self.change(pass, id, |run| {
            run.record.state = RunState::Skipped;
            run.record.reason = Some(reason.to_owned());
        });
        self.review_plan(pass, id);
    }

    pub(super) fn complete(&mut self, pass: &mut ChangeSet, id: RunId) {
        let now = pass.now;
        self.change(pass, id, |run| {
            run.record.state = RunState::Completed;
            run.record.completed_at = Some(now);
        });
        self.review_plan(pass, id);
        let Some(run) = self.get(id) else { return };
        let (plan, title) = (run.plan.clone(), run.title.clone());
        if self.findings.get(&(plan.clone(), FindingSubject::Missed)).is_some_and(|missed| missed.run < id) {
            let summary = format!("{title}: {id} was completed");
            self.find(pass, run_finding(id, &plan, FindingSubject::Missed, summary, now, false));
        }
    }

    /// Ends a call: forgets old runs, and reports the changes in order.
    pub(super) fn finish(&mut self, pass: ChangeSet) -> Vec<RunChange> {
        let oldest = pass.now - Inspections::ENDED_KEPT;
        while let Some((at, id)) = self.ended.first().copied() {
            if at >= oldest && self.ended.len() <= Inspections::ENDED_MAX {
                break;
            }
            self.ended.remove(&(at, id));
            self.runs.remove(&id);
        }
        pass.changed.into_iter().map(RunChange::Changed).chain(pass.then).collect()
    }

    /// Advances a run whose last item has its result.
    pub(super) fn settle(&mut self, pass: &mut ChangeSet, id: RunId) {
        match self.runs.get(&id).and_then(|run| run.finished()) {
            Some(RunState::AwaitingSignoff) => {
                let now = pass.now;
                self.change(pass, id, |run| {
                    run.record.state = RunState::AwaitingSignoff;
                    run.record.unsigned_since = Some(now);
                });
                self.review_plan(pass, id);
            }
            Some(RunState::Missed) => {
                self.miss(pass, id, "every time at which it was due passed by");
                self.raise_missed(pass, id);
            }
            Some(_) => self.complete(pass, id),
            None => {}
        }
    }

    fn ask_probes(&self, pass: &mut ChangeSet, id: RunId) {
        let probes = self.runs.get(&id).into_iter().flat_map(|run| run.pending_probes());
        pass.then.extend(probes.map(RunChange::Probe));
    }

    fn must_await_signature(
        &self,
        id: RunId,
        verb: &str,
        actor: &str,
        signing: SignOffPolicy<'_>,
    ) -> Result<(), RunRefusal> {
        let run = self.get(id).ok_or(RunRefusal::Unknown(id))?;
        let refuse = |why: String| Err(RunRefused { reason: format!("cannot {verb} {id}: {why}") }.into());
        if run.state != RunState::AwaitingSignoff {
            return refuse(format!("it is {}, not awaiting sign-off", run.state.as_str()));
        }
        if let Some((team, members)) = signing.team
            && !members.is_empty()
            && !members.iter().any(|member| member == actor)
        {
            return refuse(format!("{actor} is not in team {team}, which signs it"));
        }
        if signing.four_eyes && run.items.iter().any(|item| item.by.as_deref() == Some(actor)) {
            return refuse(format!("{actor} recorded items of it; somebody else must look at it"));
        }
        Ok(())
    }
}

impl PlanState {
    pub fn since(now: Timestamp) -> PlanState {
        PlanState { consumed: now, scheduled: None, unfinished: BTreeSet::new(), histories: BTreeMap::new() }
    }
}

fn require_text(reason: &str, verb: &str) -> Result<(), RunRefused> {
    if reason.trim().is_empty() {
        return Err(RunRefused { reason: format!("cannot {verb} without a reason") });
    }
    Ok(())
}

/// The snapshot's content.
#[derive(Deserialize)]
struct Stored {
    made: u64,
    runs: BTreeMap<RunId, Arc<ActiveRun>>,
    plans: BTreeMap<String, PlanState>,
    findings: BTreeMap<(String, FindingSubject), Finding>,
}

impl From<Stored> for Inspections {
    fn from(stored: Stored) -> Inspections {
        let Stored { made, runs, plans, findings } = stored;
        let deadlines = runs.iter().filter_map(|(id, run)| run.deadline().map(|deadline| (deadline, *id))).collect();
        let ended = runs.iter().filter(|(_, run)| run.record.state.is_ended());
        let ended = ended.map(|(id, run)| (run.record.updated_at, *id)).collect();
        let alerts = findings.iter().map(|(key, finding)| (finding.fingerprint(), key.clone())).collect();
        Inspections { made, runs, plans, findings, deadlines, ended, alerts }
    }
}
