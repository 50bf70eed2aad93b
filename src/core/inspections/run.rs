//! A run with a copy of its plan's settings, because an edited or deleted plan must not change a run under way.

use serde::{Deserialize, Serialize};

use super::task::{ItemAnswer, RunItem};
use super::verdict::judge;
use super::{ItemOutcome, ItemReport, ItemResult, ProbeRequest, Run, RunRefused, RunState};
use crate::core::model::{RunId, TimeDelta, Timestamp};
use crate::core::rules::{Check, ChecklistItem, Plan};

/// Maximum number of items that a refusal names.
const ITEMS_NAMED: usize = 20;

/// One run, its checks, and its clocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ActiveRun {
    pub record: Run,
    /// In the order of the record's items.
    tasks: Vec<RunItem>,
    sign_off: bool,
    due_within: TimeDelta,
    missed_after: TimeDelta,
    /// Rejected, and no manual item recorded since.
    rework: bool,
    /// Its signature is overdue.
    pub unsigned_late: bool,
    /// Time up to which automated items with slots were requested.
    asked_until: Timestamp,
}

impl ActiveRun {
    pub fn new(id: RunId, plan: &Plan, scheduled_at: Timestamp, now: Timestamp) -> ActiveRun {
        let (mut items, mut tasks) = (Vec::new(), Vec::new());
        for slot in slots(plan, scheduled_at) {
            for item in &plan.items {
                items.push(undone(item, slot.as_ref()));
                tasks.push(RunItem::of(item));
            }
        }
        ActiveRun {
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
                due_since: None,
                overdue_since: None,
                unsigned_since: None,
                items,
                reason: None,
                signed_by: None,
                completed_at: None,
                updated_at: now,
            },
            tasks,
            sign_off: plan.sign_off,
            due_within: plan.due_within,
            missed_after: plan.missed_after,
            rework: false,
            unsigned_late: false,
            asked_until: scheduled_at,
        }
    }

    /// Time of its next timed change.
    pub fn deadline(&self) -> Option<Timestamp> {
        let run = &self.record;
        match run.state {
            RunState::Scheduled => Some(run.scheduled_at),
            RunState::Due | RunState::InProgress => Some(self.next_slot(run.overdue_at.min(run.missed_at))),
            RunState::Overdue => Some(self.next_slot(run.missed_at)),
            RunState::AwaitingSignoff => (!self.unsigned_late).then_some(run.missed_at),
            RunState::Completed | RunState::Missed | RunState::Skipped => None,
        }
    }

    /// The first time at which an automated item becomes due or one is missed, if earlier than the argument.
    fn next_slot(&self, other: Timestamp) -> Timestamp {
        let waits = self.record.items.iter().zip(&self.tasks).filter(|(item, _)| item.at.is_none());
        let moments = waits.flat_map(|(item, task)| {
            let asks = item.due_at.filter(|due| *due > self.asked_until && !task.check.is_manual());
            [asks, item.missed_at]
        });
        moments.flatten().min().map_or(other, |slot| slot.min(other))
    }

    /// Its due automated items without a result, while it is under way.
    pub fn pending_probes(&self) -> impl Iterator<Item = ProbeRequest> + '_ {
        self.probes_after(None)
    }

    /// Of those, the ones that became due after that time.
    fn probes_after(&self, after: Option<Timestamp>) -> impl Iterator<Item = ProbeRequest> + '_ {
        let under_way = self.record.state.is_under_way();
        let is_due = move |due: Option<Timestamp>| match (due, after) {
            (None, None) => true,
            (None, Some(_)) => false,
            (Some(due), after) => due <= self.asked_until && after.is_none_or(|after| due > after),
        };
        let items = self.record.items.iter().zip(&self.tasks);
        let waits = move |item: &ItemResult, task: &RunItem| {
            under_way && item.at.is_none() && is_due(item.due_at) && !task.check.is_manual()
        };
        items.filter(move |(item, task)| waits(item, task)).map(|(item, task)| ProbeRequest {
            run: self.record.id,
            item: item.name.clone(),
            check: task.check.clone(),
        })
    }

    /// Marks the items due by `now` as requested; returns the new ones.
    pub fn ask(&mut self, now: Timestamp) -> Vec<ProbeRequest> {
        let before = self.asked_until;
        self.asked_until = before.max(now);
        self.probes_after(Some(before)).collect()
    }

    /// No item is requested before the run is due.
    pub fn become_due(&mut self, now: Timestamp) {
        self.record.state = RunState::Due;
        self.record.due_since = Some(now);
        self.asked_until = self.asked_until.max(now);
    }

    /// The items whose slot is over without a result.
    pub fn slots_missed_by(&self, now: Timestamp) -> Vec<usize> {
        let over = |item: &ItemResult| item.at.is_none() && item.missed_at.is_some_and(|missed| missed <= now);
        let items = self.record.items.iter().enumerate();
        items.filter(|(_, item)| over(item)).map(|(index, _)| index).collect()
    }

    /// Index of an automated item that waits for its result.
    pub fn awaited(&self, item: &str) -> Option<usize> {
        let index = self.position(item)?;
        let waits = self.record.state.is_under_way() && self.record.items[index].at.is_none();
        (waits && !self.tasks[index].check.is_manual()).then_some(index)
    }

    /// Index of the manual item of a person's report, or the reason for refusal.
    pub fn reported(&self, report: &ItemReport, now: Timestamp) -> Result<usize, RunRefused> {
        let id = self.record.id;
        let refuse =
            |why: String| Err(RunRefused { reason: format!("cannot record {:?} of {id}: {why}", report.item) });
        let Some(index) = self.position(&report.item) else {
            return refuse(self.known_items());
        };
        if !self.record.state.is_under_way() {
            return refuse(self.record.state.why_not_under_way().to_owned());
        }
        for (what, text) in
            [("evidence", report.evidence.as_str()), ("found", report.found.as_deref().unwrap_or_default())]
        {
            let length = text.chars().count();
            if length > Run::EVIDENCE_MAX_CHARS {
                return refuse(format!("{what} of {length} characters; at most {} fit", Run::EVIDENCE_MAX_CHARS));
            }
        }
        let (item, task) = (&self.record.items[index], &self.tasks[index]);
        match (item.due_at, item.missed_at) {
            (Some(due), _) if now < due => return refuse(format!("its time begins at {due:.0}")),
            (_, Some(missed)) if item.at.is_some() && item.by.is_none() => {
                return refuse(format!("it was missed at {missed:.0}"));
            }
            (_, _) => {}
        }
        match &task.check {
            Check::Manual { evidence: true } if report.evidence.trim().is_empty() => {
                refuse("it needs evidence: what was seen, or a link to it".to_owned())
            }
            Check::Manual { .. } => match task.lacks(report) {
                Some(lack) => refuse(lack),
                None => Ok(index),
            },
            Check::Http { .. } | Check::Tcp { .. } | Check::Tls { .. } | Check::Promql { .. } | Check::Mqtt { .. } => {
                refuse("it is checked automatically".to_owned())
            }
        }
    }

    fn known_items(&self) -> String {
        let names = self.record.items.iter().map(|item| item.name.as_str());
        let shown: Vec<&str> = names.take(ITEMS_NAMED).collect();
        let more = self.record.items.len() - shown.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("its items are {}{more}", shown.join(", "))
    }

    /// Stores a result; the first one begins the run.
    pub fn answer(&mut self, index: usize, result: ItemAnswer) {
        let (outcome, evidence) = judge(&self.tasks[index], &result);
        let item = &mut self.record.items[index];
        item.outcome = outcome;
        item.evidence = evidence.chars().take(Run::EVIDENCE_MAX_CHARS).collect();
        item.value = result.value;
        item.found = result.found.map(|found| found.chars().take(Run::EVIDENCE_MAX_CHARS).collect());
        self.rework &= result.by.is_none();
        item.by = result.by;
        item.at = Some(result.at);
        if self.record.state == RunState::Due {
            self.record.state = RunState::InProgress;
        }
    }

    /// Marks an item's slot as missed.
    pub fn miss_slot(&mut self, index: usize, now: Timestamp) {
        let item = &mut self.record.items[index];
        item.outcome = ItemOutcome::NotDone;
        item.evidence = item.missed_at.map_or_else(String::new, |missed| format!("not done by {missed:.0}"));
        item.at = Some(now);
    }

    pub fn task(&self, index: usize) -> &RunItem {
        &self.tasks[index]
    }

    /// The next state once every item has its result, or its slot is over.
    pub fn finished(&self) -> Option<RunState> {
        let items = &self.record.items;
        let done = items.iter().all(|item| item.at.is_some()) && !self.rework;
        let is_missed =
            |item: &ItemResult| item.missed_at.is_some() && item.by.is_none() && item.outcome == ItemOutcome::NotDone;
        let next = if !items.is_empty() && items.iter().all(is_missed) {
            RunState::Missed
        } else if self.sign_off {
            RunState::AwaitingSignoff
        } else {
            RunState::Completed
        };
        (done && self.record.state.is_under_way()).then_some(next)
    }

    /// Returns to work with fresh deadlines: automated items are checked again, manual results stay and may be
    /// corrected.
    pub fn reject(&mut self, reason: &str, now: Timestamp) {
        self.record.state = RunState::InProgress;
        self.record.reason = Some(reason.to_owned());
        self.record.overdue_at = now + self.due_within;
        self.record.missed_at = now + self.missed_after;
        self.record.overdue_since = None;
        self.record.unsigned_since = None;
        self.unsigned_late = false;
        let items = self.record.items.iter().zip(&self.tasks);
        self.rework = items
            .filter(|(item, _)| item.due_at.is_none() || item.by.is_some())
            .any(|(_, task)| task.check.is_manual());
        for (item, task) in self.record.items.iter_mut().zip(&self.tasks) {
            // An item of a past slot cannot be checked again.
            if !task.check.is_manual() && item.due_at.is_none() {
                item.outcome = ItemOutcome::NotDone;
                item.at = None;
            }
        }
    }

    /// True if a new run of this plan at this time would be the same.
    pub fn says_the_same(&self, other: &ActiveRun) -> bool {
        let mut other = other.clone();
        other.record.version = self.record.version;
        other.record.updated_at = self.record.updated_at;
        *self == other
    }

    fn position(&self, item: &str) -> Option<usize> {
        self.record.items.iter().position(|candidate| candidate.name == item)
    }
}

/// One slot of a run's items.
struct SlotTime {
    /// Local time in the plan's zone: `09:00`.
    clock: String,
    due_at: Timestamp,
    missed_at: Timestamp,
}

/// All slots of a run; `None`: its items are due with it.
fn slots(plan: &Plan, scheduled_at: Timestamp) -> Vec<Option<SlotTime>> {
    let Some(slots) = plan.slots else { return vec![None] };
    let mut times: Vec<Option<SlotTime>> = Vec::new();
    for n in 0..slots.count() {
        let due_at = scheduled_at + TimeDelta::from_micros(slots.every.as_micros() * i64::from(n));
        let mut clock = plan.schedule.clock_at(due_at);
        // An hour that occurs twice gets a number.
        if times.iter().flatten().any(|time| time.clock == clock) {
            clock = format!("{clock}-{}", n + 1);
        }
        times.push(Some(SlotTime { clock, due_at, missed_at: due_at + slots.within }));
    }
    times
}

fn undone(item: &ChecklistItem, slot: Option<&SlotTime>) -> ItemResult {
    ItemResult {
        name: slot.map_or_else(|| item.name.clone(), |slot| format!("{}@{}", item.name, slot.clock)),
        title: item.title.clone(),
        kind: item.check.kind().to_owned(),
        device: item.device.clone(),
        due_at: slot.map(|slot| slot.due_at),
        missed_at: slot.map(|slot| slot.missed_at),
        outcome: ItemOutcome::NotDone,
        evidence: String::new(),
        value: None,
        found: None,
        expected: item.expect.as_ref().and_then(|expected| expected.value.clone()),
        by: None,
        at: None,
        trend: None,
        incident: None,
    }
}

impl Run {
    /// Maximum length of one item's evidence, in characters.
    pub const EVIDENCE_MAX_CHARS: usize = 4096;
}

impl RunState {
    /// True while items can get results.
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

    /// True if no change is possible any more.
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
