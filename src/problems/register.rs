//! All problems that the desk remembers, and the policy that opens them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Moved, NotAllowed, Problem, ProblemState, Recurrence};
use crate::model::{Fingerprint, IncidentId, Labels, Moment, ProblemId, Span};
use crate::rules::ProblemPolicy;

/// What the policies need to know of an incident that opened, or came back.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    pub incident: IncidentId,
    pub fingerprint: Fingerprint,
    pub rule: String,
    pub key: Labels,
    pub labels: Labels,
    pub title: String,
    /// Whether it counts as a repeat; work under maintenance does not.
    pub counts_for_recurrence: bool,
}

/// What an incident did to the problems. [`Problems::get`] has the record as it stands then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemChange {
    /// The repeats reached a policy's count; these incidents are linked to the new problem.
    Opened { problem: ProblemId, incidents: Vec<IncidentId> },
    /// An open problem has one incident more.
    Linked { problem: ProblemId, incident: IncidentId },
    /// The same, but the fix was thought to hold: it is investigated again.
    RecurredWhileObserving { problem: ProblemId, incident: IncidentId },
}

/// What a person's command changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemEdit {
    pub moved: Option<Moved>,
    /// The workaround that first line sees is another than before: show it on the open incidents.
    pub published: bool,
}

/// Why a command changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProblemRefusal {
    /// Never opened, or so long closed that only its row is left.
    #[error("{0} is not known here")]
    Unknown(ProblemId),
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
}

/// A cause that is understood, offered to whoever gets its next incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownError<'a> {
    pub problem: ProblemId,
    pub workaround: &'a str,
}

/// Problems by number, the newest one of each cause, and the memory of repeats. Cloning shares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Problems {
    opened: u64,
    problems: BTreeMap<ProblemId, Arc<Problem>>,
    by_cause: BTreeMap<Fingerprint, Newest>,
    closed: BTreeSet<(Moment, ProblemId)>,
    recurrence: Recurrence,
}

/// The newest problem of a cause, and since when nobody works on it any more.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Newest {
    problem: ProblemId,
    ended_at: Option<Moment>,
}

impl Problems {
    /// How long a closed problem is remembered.
    pub const CLOSED_KEPT: Span = Span::from_days(400);

    /// An incident opened or reopened: counts it, and links it to a problem or opens one. `policies` in file order.
    pub fn incident_opened(&mut self, now: Moment, facts: &Facts, policies: &[ProblemPolicy]) -> Option<ProblemChange> {
        self.forget_long_closed(now);
        if !facts.counts_for_recurrence {
            return None;
        }
        self.recurrence.episode(now, facts.incident, facts.fingerprint);
        match self.by_cause.get(&facts.fingerprint).copied() {
            Some(Newest { problem, ended_at: None }) => self.link_repeat(now, problem, facts.incident),
            Some(Newest { problem, ended_at: Some(ended_at) }) => {
                self.open_by_policy(now, facts, policies, Some((problem, ended_at)))
            }
            None => self.open_by_policy(now, facts, policies, None),
        }
    }

    /// The record as it stands; `None` once it is long closed.
    pub fn get(&self, id: ProblemId) -> Option<&Arc<Problem>> {
        self.problems.get(&id)
    }

    /// All that are remembered, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Problem>> {
        self.problems.values()
    }

    /// The problem of that cause that somebody works on.
    pub fn open_for(&self, fingerprint: Fingerprint) -> Option<ProblemId> {
        self.by_cause.get(&fingerprint).filter(|newest| newest.ended_at.is_none()).map(|newest| newest.problem)
    }

    /// The published workaround for that cause, for the incident that just opened.
    pub fn known_error_for(&self, fingerprint: Fingerprint) -> Option<KnownError<'_>> {
        let problem = self.problems.get(&self.open_for(fingerprint)?)?;
        problem.published_workaround().map(|workaround| KnownError { problem: problem.id, workaround })
    }

    /// What came back, and when.
    pub fn recurrence(&self) -> &Recurrence {
        &self.recurrence
    }

    /// See [`Problem::move_to`].
    pub fn move_to(
        &mut self,
        now: Moment,
        id: ProblemId,
        to: ProblemState,
        reason: Option<&str>,
        actor: &str,
    ) -> Result<ProblemEdit, ProblemRefusal> {
        self.must_stay_one(id, to)?;
        let edit = self.edit(now, id, |problem| problem.move_to(to, reason, actor, now).map(Some))?;
        self.index(now, id);
        Ok(edit)
    }

    /// A note of a person; always possible while the problem is remembered.
    pub fn comment(
        &mut self,
        now: Moment,
        id: ProblemId,
        text: &str,
        actor: &str,
    ) -> Result<ProblemEdit, ProblemRefusal> {
        self.edit(now, id, |problem| problem.comment(text, actor, now).map(|()| None))
    }

    /// Hands it to a person; a closed one keeps its owner.
    pub fn own(&mut self, now: Moment, id: ProblemId, owner: &str) -> Result<ProblemEdit, ProblemRefusal> {
        self.edit(now, id, |problem| problem.own(owner).map(|()| None))
    }

    /// See [`Problem::describe`].
    pub fn describe(
        &mut self,
        now: Moment,
        id: ProblemId,
        root_cause: Option<&str>,
        workaround: Option<&str>,
        fix: Option<&str>,
    ) -> Result<ProblemEdit, ProblemRefusal> {
        self.edit(now, id, |problem| problem.describe(root_cause, workaround, fix).map(|()| None))
    }

    /// A person's word that this incident belongs to it; whether the incident exists is the caller's to know.
    pub fn link(&mut self, now: Moment, id: ProblemId, incident: IncidentId) -> Result<ProblemEdit, ProblemRefusal> {
        self.edit(now, id, |problem| problem.link(incident).map(|()| None))
    }

    fn edit(
        &mut self,
        now: Moment,
        id: ProblemId,
        change: impl FnOnce(&mut Problem) -> Result<Option<Moved>, NotAllowed>,
    ) -> Result<ProblemEdit, ProblemRefusal> {
        let problem = self.problems.get_mut(&id).ok_or(ProblemRefusal::Unknown(id))?;
        let mut changed = Problem::clone(problem);
        let moved = change(&mut changed)?;
        let published = changed.published_workaround() != problem.published_workaround();
        changed.version += 1;
        changed.updated_at = now;
        *problem = Arc::new(changed);
        Ok(ProblemEdit { moved, published })
    }

    /// Work on an ended problem must not begin again beside a newer one of the same cause.
    fn must_stay_one(&self, id: ProblemId, to: ProblemState) -> Result<(), ProblemRefusal> {
        let problem = self.problems.get(&id).ok_or(ProblemRefusal::Unknown(id))?;
        let Some(newest) = self.by_cause.get(&problem.fingerprint) else { return Ok(()) };
        if to.is_open() && !problem.state.is_open() && newest.problem != id {
            let reason = format!(
                "cannot move {id} to {}: {} stands for the same cause; work on that one",
                to.as_str(),
                newest.problem
            );
            return Err(NotAllowed { reason }.into());
        }
        Ok(())
    }

    /// Keeps the indexes in step with a problem that moved.
    fn index(&mut self, now: Moment, id: ProblemId) {
        let Some(problem) = self.problems.get(&id) else { return };
        if let Some(closed_at) = problem.closed_at {
            self.closed.insert((closed_at, id));
        }
        if let Some(newest) = self.by_cause.get_mut(&problem.fingerprint).filter(|newest| newest.problem == id) {
            newest.ended_at = if problem.state.is_open() { None } else { newest.ended_at.or(Some(now)) };
        }
    }

    fn link_repeat(&mut self, now: Moment, id: ProblemId, incident: IncidentId) -> Option<ProblemChange> {
        let problem = Arc::make_mut(self.problems.get_mut(&id)?);
        problem.count(incident);
        problem.last_seen_at = now;
        problem.updated_at = now;
        problem.version += 1;
        if problem.state != ProblemState::Observing {
            return Some(ProblemChange::Linked { problem: id, incident });
        }
        let reason = format!("{incident} came back while the fix was being observed");
        problem
            .move_to(ProblemState::Investigating, Some(&reason), "recurrence", now)
            .expect("observing goes back to investigating, which demands nothing: see MOVES");
        Some(ProblemChange::RecurredWhileObserving { problem: id, incident })
    }

    /// The first policy that fits and is reached opens it. Repeats before the end of the last problem are spent.
    fn open_by_policy(
        &mut self,
        now: Moment,
        facts: &Facts,
        policies: &[ProblemPolicy],
        last: Option<(ProblemId, Moment)>,
    ) -> Option<ProblemChange> {
        let labels = facts.labels.with(&Labels::from_pairs([("rule", &facts.rule)]));
        for policy in policies.iter().filter(|policy| policy.matchers.matches(&labels)) {
            let window_start = now - policy.within;
            let after = last.map_or(window_start, |(_, ended_at)| window_start.max(ended_at));
            let repeats: Vec<_> = self.recurrence.since(facts.fingerprint, after).collect();
            if repeats.len() >= policy.count as usize {
                let repeats = repeats.iter().map(|episode| episode.incident).collect();
                return Some(self.open(now, facts, policy, repeats, last));
            }
        }
        None
    }

    fn open(
        &mut self,
        now: Moment,
        facts: &Facts,
        policy: &ProblemPolicy,
        repeats: Vec<IncidentId>,
        last: Option<(ProblemId, Moment)>,
    ) -> ProblemChange {
        self.opened += 1;
        let id = ProblemId(self.opened);
        let noun = if repeats.len() == 1 { "incident" } else { "incidents" };
        let mut reason = format!("{} {noun} in {}", repeats.len(), policy.within);
        if let Some((last, ended_at)) = last {
            let state = self.problems.get(&last).map_or("closed", |problem| problem.state.as_str());
            reason.push_str(&format!("; {last} for the same cause ended as {state} at {}", ended_at.to_rfc3339()));
        }
        let mut problem = Problem {
            id,
            version: 1,
            title: facts.title.clone(),
            state: ProblemState::New,
            team: policy.team.clone(),
            owner: None,
            policy: policy.name.clone(),
            fingerprint: facts.fingerprint,
            rule: facts.rule.clone(),
            key: facts.key.clone(),
            reason,
            incidents: Vec::new(),
            occurrences: 0,
            root_cause: None,
            workaround: None,
            fix: None,
            review_by: None,
            notes: Vec::new(),
            opened_at: now,
            last_seen_at: now,
            closed_at: None,
            updated_at: now,
        };
        repeats.into_iter().for_each(|incident| problem.count(incident));
        let incidents = problem.incidents.clone();
        self.problems.insert(id, Arc::new(problem));
        self.by_cause.insert(facts.fingerprint, Newest { problem: id, ended_at: None });
        ProblemChange::Opened { problem: id, incidents }
    }

    fn forget_long_closed(&mut self, now: Moment) {
        let oldest = now - Problems::CLOSED_KEPT;
        while let Some((closed_at, id)) = self.closed.first().copied().filter(|(closed_at, _)| *closed_at < oldest) {
            self.closed.remove(&(closed_at, id));
            let Some(problem) = self.problems.remove(&id) else { continue };
            if self.by_cause.get(&problem.fingerprint).is_some_and(|newest| newest.problem == id) {
                self.by_cause.remove(&problem.fingerprint);
            }
        }
    }
}
