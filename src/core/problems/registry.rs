//! The registry of all remembered problems, and their opening by policies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Burst, CauseHint, Episode, Moved, Periodicity, Problem, ProblemRefused, ProblemState, ProblemTerms, Recurrence,
    Similar, collapse,
};
use crate::core::model::{Fingerprint, IncidentId, Labels, ProblemId, TimeDelta, Timestamp};
use crate::core::rules::ProblemPolicy;

/// The data of an opened or reopened incident that policies use.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentSummary {
    pub incident: IncidentId,
    pub fingerprint: Fingerprint,
    pub rule: String,
    pub key: Labels,
    pub labels: Labels,
    pub title: String,
    /// True if it counts as a repeat; an incident under maintenance does not.
    pub counts_for_recurrence: bool,
}

/// Effect of an incident on the problems. [`Problems::get`] returns the record after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemChange {
    /// The repeats reached a policy's count; these incidents are linked to the new problem.
    Opened { problem: ProblemId, incidents: Vec<IncidentId> },
    /// An open problem got one more incident.
    Linked { problem: ProblemId, incident: IncidentId },
    /// The same, but the fix seemed to hold, or it was closed: it is investigated again.
    CameBack { problem: ProblemId, incident: IncidentId, was: ProblemState },
}

/// Result of a person's command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemEdit {
    pub moved: Option<Moved>,
    /// The published workaround changed, so it is shown on the open incidents.
    pub published: bool,
}

/// Reason why a command changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProblemRefusal {
    /// Never opened, or closed so long ago that only its row is left.
    #[error("{0} is not known here")]
    Unknown(ProblemId),
    #[error(transparent)]
    NotAllowed(#[from] ProblemRefused),
}

/// An understood cause, offered with its next incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownError<'a> {
    pub problem: ProblemId,
    pub workaround: &'a str,
}

/// Problems by number, the newest one of each cause, and the memory of repeats. Cloning shares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Problems {
    pub(super) opened: u64,
    pub(super) problems: BTreeMap<ProblemId, Arc<Problem>>,
    pub(super) by_cause: BTreeMap<Fingerprint, Newest>,
    closed: BTreeSet<(Timestamp, ProblemId)>,
    pub(super) recurrence: Recurrence,
}

/// The newest problem of a cause, and the time since which the work has ended.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Newest {
    pub problem: ProblemId,
    pub ended_at: Option<Timestamp>,
}

impl Problems {
    /// Retention of a closed problem.
    pub const CLOSED_KEPT: TimeDelta = TimeDelta::from_days(400);

    /// Handles an opened or reopened incident: counts it, and links it to a problem or opens one. `policies` in file
    /// order.
    pub fn incident_opened(
        &mut self,
        now: Timestamp,
        facts: &IncidentSummary,
        policies: &[ProblemPolicy],
    ) -> Option<ProblemChange> {
        self.forget_long_closed(now);
        if !facts.counts_for_recurrence {
            return None;
        }
        self.recurrence.episode(now, facts.incident, facts.fingerprint);
        match self.by_cause.get(&facts.fingerprint).copied() {
            Some(Newest { problem, ended_at: None }) => self.link_repeat(now, problem, facts.incident),
            Some(Newest { problem, ended_at: Some(_) }) if self.was_fixed(problem) => {
                self.link_repeat(now, problem, facts.incident)
            }
            Some(Newest { problem, ended_at: Some(ended_at) }) => {
                self.open_by_policy(now, facts, policies, Some((problem, ended_at)))
            }
            None => self.open_by_policy(now, facts, policies, None),
        }
    }

    /// The current record; `None` once it is long closed.
    pub fn get(&self, id: ProblemId) -> Option<&Arc<Problem>> {
        self.problems.get(&id)
    }

    /// All that are remembered, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Problem>> {
        self.problems.values()
    }

    /// The open problem of that cause.
    pub fn open_for(&self, fingerprint: Fingerprint) -> Option<ProblemId> {
        self.by_cause.get(&fingerprint).filter(|newest| newest.ended_at.is_none()).map(|newest| newest.problem)
    }

    /// The published workaround for that cause, for the incident that just opened.
    pub fn known_error_for(&self, fingerprint: Fingerprint) -> Option<KnownError<'_>> {
        let problem = self.problems.get(&self.open_for(fingerprint)?)?;
        problem.published_workaround().map(|workaround| KnownError { problem: problem.id, workaround })
    }

    /// Start times of a problem's remembered episodes, oldest first.
    pub fn episodes(&self, id: ProblemId) -> Vec<Timestamp> {
        let Some(problem) = self.problems.get(&id) else { return Vec::new() };
        let episodes = collapse(&self.bouts(problem), problem.terms.apart);
        episodes.into_iter().map(|episode| episode.from).collect()
    }

    /// Stores the problems similar to one; returns true if the record changed.
    pub fn compared(&mut self, now: Timestamp, id: ProblemId, similar: Vec<Similar>, hints: Vec<CauseHint>) -> bool {
        let Some(problem) = self.problems.get_mut(&id) else { return false };
        if problem.similar == similar && problem.hints == hints {
            return false;
        }
        let problem = Arc::make_mut(problem);
        problem.similar = similar;
        problem.hints = hints;
        problem.version += 1;
        problem.updated_at = now;
        true
    }

    /// The memory of episodes.
    pub fn recurrence(&self) -> &Recurrence {
        &self.recurrence
    }

    /// Handles an incident's resolution: its episode ends. Returns the problem whose statistics change.
    pub fn incident_ended(&mut self, now: Timestamp, incident: IncidentId, cause: Fingerprint) -> Option<ProblemId> {
        self.recurrence.ended(now, incident, cause);
        let id = self.by_cause.get(&cause)?.problem;
        let problem = self.problems.get(&id).filter(|problem| problem.state.is_open())?;
        let before = problem.rhythm.clone();
        self.measure(id);
        let problem = self.problems.get_mut(&id).filter(|problem| problem.rhythm != before)?;
        let problem = Arc::make_mut(problem);
        problem.version += 1;
        problem.updated_at = now;
        Some(id)
    }

    /// Refuses new work on an ended problem if there is a newer one of the same cause.
    pub(super) fn must_stay_one(&self, id: ProblemId, to: ProblemState) -> Result<(), ProblemRefusal> {
        let problem = self.problems.get(&id).ok_or(ProblemRefusal::Unknown(id))?;
        let Some(newest) = self.by_cause.get(&problem.fingerprint) else { return Ok(()) };
        if to.is_open() && !problem.state.is_open() && newest.problem != id {
            let reason = format!(
                "cannot move {id} to {}: {} stands for the same cause; work on that one",
                to.as_str(),
                newest.problem
            );
            return Err(ProblemRefused { reason }.into());
        }
        Ok(())
    }

    /// Updates the indexes after a problem's transition.
    pub(super) fn index(&mut self, now: Timestamp, id: ProblemId) {
        let Some(problem) = self.problems.get(&id) else { return };
        self.closed.retain(|(_, closed)| *closed != id);
        // A merged problem is as finished as a closed one.
        let merged_at = (problem.state == ProblemState::Duplicate).then_some(now);
        if let Some(ended_at) = problem.closed_at.or(merged_at) {
            self.closed.insert((ended_at, id));
        }
        for cause in std::iter::once(&problem.fingerprint).chain(&problem.causes) {
            if let Some(newest) = self.by_cause.get_mut(cause).filter(|newest| newest.problem == id) {
                newest.ended_at = if problem.state.is_open() { None } else { newest.ended_at.or(Some(now)) };
            }
        }
    }

    /// True if closed with a fix, so that another episode shows that the fix did not hold.
    fn was_fixed(&self, id: ProblemId) -> bool {
        let is_fixed = |problem: &Arc<Problem>| problem.state == ProblemState::Closed && problem.fix.is_some();
        self.problems.get(&id).is_some_and(|problem| is_fixed(problem) && problem.rejected.is_none())
    }

    /// The remembered episodes of a problem's causes, oldest first; the newest 64.
    fn bouts(&self, problem: &Problem) -> Vec<Burst> {
        let causes = std::iter::once(problem.fingerprint).chain(problem.causes.iter().copied());
        let mut bouts: Vec<Burst> =
            causes.flat_map(|cause| self.recurrence.since(cause, Timestamp::EPOCH)).map(|one| one.bout()).collect();
        bouts.sort_by_key(|bout| bout.from);
        bouts.drain(..bouts.len().saturating_sub(Recurrence::EPISODES_MAX));
        bouts
    }

    /// Recounts its episodes and their periodicity.
    pub(super) fn measure(&mut self, id: ProblemId) {
        let Some(problem) = self.problems.get(&id) else { return };
        let bouts = self.bouts(problem);
        let episodes = collapse(&bouts, problem.terms.apart).len() as u64;
        let rhythm = Periodicity::of(&bouts, problem.terms.apart, &problem.terms.zone);
        if let Some(problem) = self.problems.get_mut(&id) {
            let problem = Arc::make_mut(problem);
            problem.episodes = episodes;
            problem.rhythm = rhythm;
        }
    }

    fn link_repeat(&mut self, now: Timestamp, id: ProblemId, incident: IncidentId) -> Option<ProblemChange> {
        let problem = Arc::make_mut(self.problems.get_mut(&id)?);
        problem.count(incident);
        problem.last_seen_at = now;
        problem.updated_at = now;
        problem.version += 1;
        let was = problem.state;
        let back = match was {
            ProblemState::Observing => "while the fix was being observed",
            ProblemState::Closed => "after it was closed",
            ProblemState::New
            | ProblemState::Investigating
            | ProblemState::KnownError
            | ProblemState::FixInProgress
            | ProblemState::AcceptedRisk
            | ProblemState::Duplicate => {
                self.measure(id);
                return Some(ProblemChange::Linked { problem: id, incident });
            }
        };
        problem.reopened += 1;
        problem.enter(ProblemState::Investigating, now);
        let text = format!("{} → investigating: {incident} came back {back}", was.as_str());
        problem.note(now, "recurrence", text);
        self.index(now, id);
        self.measure(id);
        Some(ProblemChange::CameBack { problem: id, incident, was })
    }

    /// Opens a problem by the first policy that fits and is reached. Repeats before the end of the last problem are
    /// spent.
    fn open_by_policy(
        &mut self,
        now: Timestamp,
        facts: &IncidentSummary,
        policies: &[ProblemPolicy],
        last: Option<(ProblemId, Timestamp)>,
    ) -> Option<ProblemChange> {
        let labels = facts.labels.with(&Labels::from_pairs([("rule", &facts.rule)]));
        for policy in policies.iter().filter(|policy| policy.matchers.matches(&labels)) {
            let spent = last.map_or(Timestamp::EPOCH, |(_, ended_at)| ended_at);
            let all: Vec<Episode> = self.recurrence.since(facts.fingerprint, spent).collect();
            if let Some((repeats, reason)) = reached(now, &all, policy) {
                return Some(self.open(now, facts, policy, &repeats, reason, last));
            }
        }
        None
    }

    fn open(
        &mut self,
        now: Timestamp,
        facts: &IncidentSummary,
        policy: &ProblemPolicy,
        repeats: &[Episode],
        mut reason: String,
        last: Option<(ProblemId, Timestamp)>,
    ) -> ProblemChange {
        self.opened += 1;
        let id = ProblemId(self.opened);
        if let Some((last, ended_at)) = last {
            let state = self.problems.get(&last).map_or("closed", |problem| problem.state.as_str());
            reason.push_str(&format!("; {last} for the same cause ended as {state} at {}", ended_at.to_rfc3339()));
        }
        let mut problem = Problem {
            title: facts.title.clone(),
            team: policy.team.clone(),
            policy: policy.name.clone(),
            rule: facts.rule.clone(),
            key: facts.key.clone(),
            reason,
            terms: ProblemTerms::from(policy),
            ..Problem::blank(id, facts.fingerprint, now)
        };
        repeats.iter().for_each(|episode| problem.count(episode.incident));
        problem.looked_at(now);
        let incidents = problem.incidents.clone();
        self.problems.insert(id, Arc::new(problem));
        self.by_cause.insert(facts.fingerprint, Newest { problem: id, ended_at: None });
        self.measure(id);
        ProblemChange::Opened { problem: id, incidents }
    }

    fn forget_long_closed(&mut self, now: Timestamp) {
        let oldest = now - Problems::CLOSED_KEPT;
        while let Some((closed_at, id)) = self.closed.first().copied().filter(|(closed_at, _)| *closed_at < oldest) {
            self.closed.remove(&(closed_at, id));
            self.problems.remove(&id);
            self.by_cause.retain(|_, newest| newest.problem != id);
        }
    }
}

/// The episodes that reach a policy, and the reason in words.
fn reached(now: Timestamp, all: &[Episode], policy: &ProblemPolicy) -> Option<(Vec<Episode>, String)> {
    let window_start = now - policy.within;
    let recent: Vec<Episode> = all.iter().filter(|episode| episode.at > window_start).copied().collect();
    let bouts: Vec<Burst> = recent.iter().map(Episode::bout).collect();
    let episodes = collapse(&bouts, policy.apart).len();
    if episodes >= policy.count as usize {
        let incidents = recent.len();
        let noun = if incidents == 1 { "incident" } else { "incidents" };
        let of = if incidents == episodes { String::new() } else { format!("{episodes} episodes of ") };
        return Some((recent, format!("{of}{incidents} {noun} in {}", policy.within)));
    }
    if !policy.regular {
        return None;
    }
    let bouts: Vec<Burst> = all.iter().map(Episode::bout).collect();
    let rhythm = Periodicity::of(&bouts, policy.apart, &policy.zone).filter(Periodicity::keeps_time)?;
    let season = rhythm.season.map(|season| format!(" at the same time of the {}", season.as_str()));
    let regular = if rhythm.regular { " regularly" } else { "" };
    let reason = format!(
        "{} episodes came back{regular}{}, every {} in the mean",
        rhythm.episodes,
        season.unwrap_or_default(),
        rhythm.mtbf
    );
    Some((all.to_vec(), reason))
}
