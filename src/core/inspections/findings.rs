//! Findings of runs and their clearing: for items, slots, drifts, and runs as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::change::{ChangeSet, RunChange};
use super::finding::{Finding, FindingSubject, run_finding};
use super::run::ActiveRun;
use super::task::ItemAnswer;
use super::{Inspections, ItemOutcome, RunState};
use crate::core::model::{Fingerprint, IncidentId, RunId, Severity, Timestamp};

impl Inspections {
    /// Links the finding's run item to the incident of its alert.
    pub fn link(&mut self, now: Timestamp, alert: Fingerprint, incident: IncidentId) -> Vec<RunChange> {
        let Some(finding) = self.alerts.get(&alert).and_then(|key| self.findings.get_mut(key)) else {
            return Vec::new();
        };
        if finding.incident.replace(incident) == Some(incident) {
            return Vec::new();
        }
        let finding = finding.clone();
        let mut pass = ChangeSet::at(now);
        self.tell_incident(&mut pass, &finding);
        self.finish(pass)
    }

    /// Stores or clears one finding. Repeats are reported again, because they keep its text current.
    pub(super) fn find(&mut self, pass: &mut ChangeSet, mut finding: Finding) {
        let key = (finding.plan.clone(), finding.subject.clone());
        let known = self.findings.remove(&key);
        if let Some(known) = &known {
            self.alerts.remove(&known.fingerprint());
        }
        if !finding.firing {
            // Clears under the labels of the raising, whatever the plan calls it by now.
            let Some(Finding { labels, .. }) = known else { return };
            pass.then.push(RunChange::Found(Finding { labels, ..finding }));
            return;
        }
        if let Some(known) = known {
            if known.labels == finding.labels {
                finding.incident = known.incident;
            } else {
                let (firing, severity, at) = (false, Severity::Cleared, finding.at);
                pass.then.push(RunChange::Found(Finding { firing, severity, at, ..known }));
            }
        }
        self.alerts.insert(finding.fingerprint(), key.clone());
        self.findings.insert(key, finding.clone());
        pass.then.push(RunChange::Found(finding.clone()));
        self.tell_incident(pass, &finding);
    }

    /// Links run and incident to each other.
    fn tell_incident(&mut self, pass: &mut ChangeSet, finding: &Finding) {
        let Some(incident) = finding.incident else { return };
        let item = |run: &ActiveRun| run.record.items.iter().position(|item| item.name == finding.item);
        if let Some(index) = self.runs.get(&finding.run).and_then(|run| item(run)) {
            let link = |run: &mut ActiveRun| run.record.items[index].incident = Some(incident);
            self.change(pass, finding.run, link);
        }
        pass.then.push(RunChange::Linked { incident, place: finding.place() });
    }

    /// Updates the run-wide findings of a plan from its unfinished runs.
    pub(super) fn review_plan(&mut self, pass: &mut ChangeSet, id: RunId) {
        let Some(run) = self.runs.get(&id) else { return };
        let (plan, title) = (run.record.plan.clone(), run.record.title.clone());
        for subject in [FindingSubject::Overdue, FindingSubject::Unsigned] {
            let stands = |run: &ActiveRun| match subject {
                FindingSubject::Overdue => run.record.state == RunState::Overdue,
                FindingSubject::Unsigned => run.record.state == RunState::AwaitingSignoff && run.unsigned_late,
                FindingSubject::Item(_)
                | FindingSubject::Slot(_)
                | FindingSubject::Trend(_)
                | FindingSubject::Missed => false,
            };
            let unfinished = self.plans.get(&plan).into_iter().flat_map(|plan| &plan.unfinished);
            let late = unfinished.filter_map(|id| self.runs.get(id)).find(|run| stands(run)).map(|run| &run.record);
            let known = self.findings.get(&(plan.clone(), subject.clone())).map(|finding| finding.run);
            if late.map(|run| run.id) == known {
                continue;
            }
            let summary = match (&subject, late) {
                (FindingSubject::Overdue, Some(run)) => format!("{title}: {} was due by {:.0}", run.id, run.overdue_at),
                (_, Some(run)) => format!("{title}: {} is finished but was not signed by {:.0}", run.id, run.missed_at),
                (_, None) => format!("{title}: {id} is {}", run_state_words(&self.runs, id)),
            };
            let finding = run_finding(late.map_or(id, |run| run.id), &plan, subject, summary, pass.now, late.is_some());
            self.find(pass, finding);
        }
    }

    /// Writes a result to its item, and reports its findings.
    pub(super) fn answer(&mut self, pass: &mut ChangeSet, id: RunId, index: usize, answer: ItemAnswer) {
        let corrects = self.runs.get(&id).is_some_and(|run| run.record.items[index].at.is_some());
        self.change(pass, id, |run| run.answer(index, answer));
        let Some(run) = self.runs.get(&id) else { return };
        let (item, task) = (&run.record.items[index], run.task(index));
        pass.then.push(RunChange::Checked { run: id, item: item.name.clone(), outcome: item.outcome });
        let (severity, word) = match item.outcome {
            ItemOutcome::Fail => (Some(task.severity), "failed"),
            ItemOutcome::Warn => (Some(Severity::Warning), "is near its limit"),
            ItemOutcome::Pass | ItemOutcome::NotApplicable => (None, "is well"),
            ItemOutcome::NotDone => return self.settle(pass, id),
        };
        let evidence = item.evidence.trim();
        let colon = if evidence.is_empty() { "" } else { ": " };
        let summary = format!("{}: {} {word}{colon}{evidence}", run.record.title, item.title);
        let done = format!("{}: {} is done", run.record.title, item.title);
        let ends_missed_slots = item.due_at.is_some();
        self.review_item(pass, id, index, FindingSubject::Item, severity, &summary);
        if ends_missed_slots {
            self.review_item(pass, id, index, FindingSubject::Slot, None, &done);
        }
        self.review_trend(pass, id, index, corrects);
        self.settle(pass, id);
    }

    /// Marks the slots that passed without a result as missed.
    pub(super) fn miss_slots(&mut self, pass: &mut ChangeSet, id: RunId) {
        let now = pass.now;
        let missed = self.runs.get(&id).map(|run| run.slots_missed_by(now)).unwrap_or_default();
        for index in missed {
            self.change(pass, id, |run| run.miss_slot(index, now));
            let Some(run) = self.runs.get(&id) else { return };
            let item = &run.record.items[index];
            pass.then.push(RunChange::Checked { run: id, item: item.name.clone(), outcome: item.outcome });
            let summary = format!("{}: {} of {} was {}", run.record.title, item.title, id, item.evidence);
            self.review_item(pass, id, index, FindingSubject::Slot, Some(Severity::Warning), &summary);
        }
    }

    /// Raises the finding of an item, or clears a raised one.
    fn review_item(
        &mut self,
        pass: &mut ChangeSet,
        id: RunId,
        index: usize,
        subject: fn(String) -> FindingSubject,
        severity: Option<Severity>,
        summary: &str,
    ) {
        let Some(run) = self.runs.get(&id) else { return };
        let (item, task) = (&run.record.items[index], run.task(index));
        let subject = subject(task.subject.clone());
        let known = self.findings.get(&(run.record.plan.clone(), subject.clone())).map(|finding| finding.run);
        // An older run that ends late must not clear a newer run's finding.
        if severity.is_none() && known.is_none_or(|known| known > id) {
            return;
        }
        let finding = Finding {
            run: id,
            plan: run.record.plan.clone(),
            subject,
            item: item.name.clone(),
            severity: severity.unwrap_or(Severity::Cleared),
            labels: task.labels.clone(),
            summary: summary.to_owned(),
            at: pass.now,
            firing: severity.is_some(),
            incident: None,
        };
        self.find(pass, finding);
    }

    /// Updates the drift finding of an item. Only measured values count.
    fn review_trend(&mut self, pass: &mut ChangeSet, id: RunId, index: usize, corrects: bool) {
        let Some(run) = self.runs.get(&id) else { return };
        let (item, task, plan) = (&run.record.items[index], run.task(index), run.record.plan.clone());
        let Some(((limit, horizon), value)) = task.trend.zip(item.value.filter(|value| value.is_finite())) else {
            return;
        };
        let subject = FindingSubject::Trend(task.subject.clone());
        let (what, name) = (format!("{}: {}", run.record.title, item.title), task.subject.clone());
        let told = self.findings.contains_key(&(plan.clone(), subject));
        let Some(state) = self.plans.get_mut(&plan) else { return };
        let history = state.histories.entry(name).or_default();
        history.push(pass.now, value, corrects);
        let forecast = history.forecast(limit, horizon, told).map(|forecast| forecast.to_string());
        if let Some(text) = forecast.clone() {
            self.change(pass, id, |run| run.record.items[index].trend = Some(text));
        }
        let (severity, summary) = match forecast {
            Some(forecast) => (Some(Severity::Warning), format!("{what} {forecast}")),
            None => (None, format!("{what} drifts no more, or is there")),
        };
        self.review_item(pass, id, index, FindingSubject::Trend, severity, &summary);
    }
}

fn run_state_words(runs: &BTreeMap<RunId, Arc<ActiveRun>>, id: RunId) -> &'static str {
    runs.get(&id).map_or("gone", |run| run.record.state.as_str())
}
