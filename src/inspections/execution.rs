//! A run with what it needs of its plan: a plan that is edited or deleted meanwhile changes no run under way.

use serde::{Deserialize, Serialize};

use super::{ItemOutcome, ItemResult, NotAllowed, ProbeRequest, Run, RunState};
use crate::model::{Labels, Moment, RunId, Severity, Span};
use crate::rules::{Check, Plan};

/// One run, its checks, and its clocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Execution {
    pub record: Run,
    /// In the order of the record's items.
    tasks: Vec<Task>,
    sign_off: bool,
    due_within: Span,
    missed_after: Span,
    /// Rejected, and nothing recorded by hand since.
    rework: bool,
    /// Waits for its signature longer than it may.
    pub unsigned_late: bool,
}

/// What a checklist says of one item beyond its words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Task {
    check: Check,
    pub severity: Severity,
    pub labels: Labels,
}

impl Execution {
    pub fn new(id: RunId, plan: &Plan, scheduled_at: Moment, now: Moment) -> Execution {
        let undone = |item: &crate::rules::Item| ItemResult {
            name: item.name.clone(),
            title: item.title.clone(),
            kind: item.check.kind().to_owned(),
            outcome: ItemOutcome::NotDone,
            evidence: String::new(),
            value: None,
            by: None,
            at: None,
        };
        let task = |item: &crate::rules::Item| Task {
            check: item.check.clone(),
            severity: item.severity,
            labels: item.labels.clone(),
        };
        Execution {
            record: Run {
                id,
                version: 1,
                plan: plan.name.clone(),
                title: plan.title.clone(),
                team: plan.team.clone(),
                state: RunState::Scheduled,
                scheduled_at,
                overdue_at: scheduled_at + plan.due_within,
                missed_at: scheduled_at + plan.missed_after,
                items: plan.items.iter().map(undone).collect(),
                reason: None,
                signed_by: None,
                completed_at: None,
                updated_at: now,
            },
            tasks: plan.items.iter().map(task).collect(),
            sign_off: plan.sign_off,
            due_within: plan.due_within,
            missed_after: plan.missed_after,
            rework: false,
            unsigned_late: false,
        }
    }

    /// When time alone changes it next.
    pub fn deadline(&self) -> Option<Moment> {
        let run = &self.record;
        match run.state {
            RunState::Scheduled => Some(run.scheduled_at),
            RunState::Due | RunState::InProgress => Some(run.overdue_at.min(run.missed_at)),
            RunState::Overdue => Some(run.missed_at),
            RunState::AwaitingSignoff => (!self.unsigned_late).then_some(run.missed_at),
            RunState::Completed | RunState::Missed | RunState::Skipped => None,
        }
    }

    /// Its automated items that have no result yet, while it is under way.
    pub fn pending_probes(&self) -> impl Iterator<Item = ProbeRequest> + '_ {
        let under_way = self.record.state.is_under_way();
        let items = self.record.items.iter().zip(&self.tasks);
        items.filter(move |(item, task)| under_way && item.at.is_none() && !task.check.is_manual()).map(
            |(item, task)| ProbeRequest { run: self.record.id, item: item.name.clone(), check: task.check.clone() },
        )
    }

    /// Where an automated item stands that still waits for its result.
    pub fn awaited(&self, item: &str) -> Option<usize> {
        let index = self.position(item)?;
        let waits = self.record.state.is_under_way() && self.record.items[index].at.is_none();
        (waits && !self.tasks[index].check.is_manual()).then_some(index)
    }

    /// Where the manual item stands that a person reports on, or why the report is refused.
    pub fn reported(&self, item: &str, evidence: &str) -> Result<usize, NotAllowed> {
        let id = self.record.id;
        let refuse = |why: String| Err(NotAllowed { reason: format!("cannot record {item:?} of {id}: {why}") });
        let Some(index) = self.position(item) else {
            let known: Vec<&str> = self.record.items.iter().map(|item| item.name.as_str()).collect();
            return refuse(format!("its items are {}", known.join(", ")));
        };
        if !self.record.state.is_under_way() {
            return refuse(self.record.state.why_not_under_way().to_owned());
        }
        let length = evidence.chars().count();
        if length > Run::EVIDENCE_MAX_CHARS {
            return refuse(format!("evidence of {length} characters; at most {} fit", Run::EVIDENCE_MAX_CHARS));
        }
        match &self.tasks[index].check {
            Check::Manual { evidence: true } if evidence.trim().is_empty() => {
                refuse("it needs evidence: what was seen, or a link to it".to_owned())
            }
            Check::Manual { .. } => Ok(index),
            Check::Http { .. } | Check::Tcp { .. } | Check::Tls { .. } | Check::Promql { .. } | Check::Mqtt { .. } => {
                refuse("it is checked automatically".to_owned())
            }
        }
    }

    /// Takes a result in; the first one begins the run.
    pub fn answer(&mut self, index: usize, result: Answer) {
        let item = &mut self.record.items[index];
        item.outcome = result.outcome;
        item.evidence = result.evidence.chars().take(Run::EVIDENCE_MAX_CHARS).collect();
        item.value = result.value;
        self.rework &= result.by.is_none();
        item.by = result.by;
        item.at = Some(result.at);
        if self.record.state == RunState::Due {
            self.record.state = RunState::InProgress;
        }
    }

    pub fn task(&self, index: usize) -> &Task {
        &self.tasks[index]
    }

    /// The state that it has earned when every item has its result.
    pub fn finished(&self) -> Option<RunState> {
        let done = self.record.items.iter().all(|item| item.at.is_some()) && !self.rework;
        let next = if self.sign_off { RunState::AwaitingSignoff } else { RunState::Completed };
        (done && self.record.state.is_under_way()).then_some(next)
    }

    /// Back to work with fresh clocks: what machines check is asked again, what people recorded stays to be corrected.
    pub fn reject(&mut self, reason: &str, now: Moment) {
        self.record.state = RunState::InProgress;
        self.record.reason = Some(reason.to_owned());
        self.record.overdue_at = now + self.due_within;
        self.record.missed_at = now + self.missed_after;
        self.unsigned_late = false;
        self.rework = self.tasks.iter().any(|task| task.check.is_manual());
        for (item, task) in self.record.items.iter_mut().zip(&self.tasks) {
            if !task.check.is_manual() {
                item.outcome = ItemOutcome::NotDone;
                item.at = None;
            }
        }
    }

    /// Whether a run of this plan at this moment would be the same.
    pub fn says_the_same(&self, other: &Execution) -> bool {
        let mut other = other.clone();
        other.record.version = self.record.version;
        other.record.updated_at = self.record.updated_at;
        *self == other
    }

    fn position(&self, item: &str) -> Option<usize> {
        self.record.items.iter().position(|candidate| candidate.name == item)
    }
}

/// A result as it is written onto an item.
pub(super) struct Answer {
    pub outcome: ItemOutcome,
    pub evidence: String,
    pub value: Option<f64>,
    /// The person, or nobody for a machine's.
    pub by: Option<String>,
    pub at: Moment,
}

impl Run {
    /// The longest evidence of one item, in characters.
    pub const EVIDENCE_MAX_CHARS: usize = 4096;
}

impl RunState {
    /// Items can get results.
    pub const fn is_under_way(self) -> bool {
        match self {
            RunState::Due | RunState::InProgress | RunState::Overdue => true,
            RunState::Scheduled
            | RunState::AwaitingSignoff
            | RunState::Completed
            | RunState::Missed
            | RunState::Skipped => false,
        }
    }

    /// Nothing changes it any more.
    pub const fn is_ended(self) -> bool {
        match self {
            RunState::Completed | RunState::Missed | RunState::Skipped => true,
            RunState::Scheduled
            | RunState::Due
            | RunState::InProgress
            | RunState::Overdue
            | RunState::AwaitingSignoff => false,
        }
    }

    const fn why_not_under_way(self) -> &'static str {
        match self {
            RunState::Scheduled => "it is not due yet",
            RunState::AwaitingSignoff => "it is finished and waits for its signature; reject it first",
            RunState::Completed => "it is completed",
            RunState::Missed => "it was missed",
            RunState::Skipped => "it was skipped",
            RunState::Due | RunState::InProgress | RunState::Overdue => "it is under way",
        }
    }
}
