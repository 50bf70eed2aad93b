//! People's commands on problems: each changes the registry completely, or returns the reason for refusal.

use std::sync::Arc;

use super::lifecycle::{check_length, refusal};
use super::registry::Newest;
use super::{Description, Moved, Problem, ProblemEdit, ProblemRefusal, ProblemRefused, ProblemState, Problems};
use crate::core::model::{Fingerprint, IncidentId, Labels, ProblemId, Timestamp};

/// Result of a merge or a split: the problems to write, and the incidents' new problems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regrouped {
    pub problems: Vec<ProblemId>,
    pub moved: Vec<IncidentId>,
    pub to: ProblemId,
}

impl Problems {
    /// See [`Problem::move_to`].
    pub fn move_to(
        &mut self,
        now: Timestamp,
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
        now: Timestamp,
        id: ProblemId,
        text: &str,
        actor: &str,
    ) -> Result<ProblemEdit, ProblemRefusal> {
        self.edit(now, id, |problem| problem.comment(text, actor, now).map(|()| None))
    }

    /// Assigns it to a person; a closed one keeps its owner.
    pub fn own(&mut self, now: Timestamp, id: ProblemId, owner: &str) -> Result<ProblemEdit, ProblemRefusal> {
        self.edit(now, id, |problem| problem.own(owner, now).map(|()| None))
    }

    /// See [`Problem::describe`].
    pub fn describe(
        &mut self,
        now: Timestamp,
        id: ProblemId,
        texts: &Description<'_>,
    ) -> Result<ProblemEdit, ProblemRefusal> {
        self.edit(now, id, |problem| problem.describe(texts, now).map(|()| None))
    }

    /// Links an incident by a person's command; the caller checks that the incident exists.
    pub fn link(&mut self, now: Timestamp, id: ProblemId, incident: IncidentId) -> Result<ProblemEdit, ProblemRefusal> {
        self.edit(now, id, |problem| problem.link(incident).map(|()| None))
    }

    pub(super) fn edit(
        &mut self,
        now: Timestamp,
        id: ProblemId,
        change: impl FnOnce(&mut Problem) -> Result<Option<Moved>, ProblemRefused>,
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

    /// Records a review by second line; the next one is due `review_after` later.
    pub fn review(
        &mut self,
        now: Timestamp,
        id: ProblemId,
        note: &str,
        actor: &str,
    ) -> Result<ProblemEdit, ProblemRefusal> {
        self.edit(now, id, |problem| {
            if !problem.state.is_open() {
                return Err(refusal(&format!("review {id}"), &format!("it is {}", problem.state.as_str())));
            }
            problem.comment(note, actor, now)?;
            problem.looked_at(now);
            Ok(None)
        })
    }

    /// Accepts a new problem: second line investigates it, with the accepting person as its owner unless it has one.
    pub fn accept(&mut self, now: Timestamp, id: ProblemId, actor: &str) -> Result<ProblemEdit, ProblemRefusal> {
        self.edit(now, id, |problem| {
            if problem.state != ProblemState::New {
                return Err(refusal(&format!("accept {id}"), &format!("it is {}, not new", problem.state.as_str())));
            }
            let moved = problem.move_to(ProblemState::Investigating, Some("accepted"), actor, now)?;
            problem.owner.get_or_insert_with(|| actor.to_owned());
            Ok(Some(moved))
        })
    }

    /// Rejects it as no problem. It closes at once; repeats are counted from zero.
    pub fn reject(
        &mut self,
        now: Timestamp,
        id: ProblemId,
        reason: &str,
        actor: &str,
    ) -> Result<ProblemEdit, ProblemRefusal> {
        let edit = self.edit(now, id, |problem| {
            let verb = format!("reject {id}");
            let from = problem.state;
            if !matches!(from, ProblemState::New | ProblemState::Investigating) {
                return Err(refusal(&verb, &format!("it is {}; only what is new or investigated is", from.as_str())));
            }
            let reason = written(reason, &verb)?;
            problem.enter(ProblemState::Closed, now);
            problem.rejected = Some(reason.clone());
            problem.note(now, actor, format!("{} → closed, rejected: {reason}", from.as_str()));
            Ok(Some(Moved { from, to: ProblemState::Closed }))
        })?;
        self.index(now, id);
        Ok(edit)
    }

    /// Merges it into another problem with the same fault, which takes over its causes and incidents.
    pub fn merge(
        &mut self,
        now: Timestamp,
        id: ProblemId,
        into: ProblemId,
        reason: &str,
        actor: &str,
    ) -> Result<Regrouped, ProblemRefusal> {
        let verb = format!("merge {id} into {into}");
        let merged = Arc::clone(self.get(id).ok_or(ProblemRefusal::Unknown(id))?);
        let survivor = self.get(into).ok_or(ProblemRefusal::Unknown(into))?;
        let reason = written(reason, &verb)?;
        let refused = |why: &str| ProblemRefusal::NotAllowed(refusal(&verb, why));
        if id == into {
            return Err(refused("it is the same problem"));
        }
        if !merged.state.is_open() || !survivor.state.is_open() {
            return Err(refused("both must be open"));
        }
        let causes: Vec<Fingerprint> = std::iter::once(merged.fingerprint).chain(merged.causes.clone()).collect();
        if survivor.causes.len() + causes.len() > Problem::CAUSES_MAX {
            return Err(refused(&format!("it would stand for more than {} causes", Problem::CAUSES_MAX)));
        }
        self.edit(now, id, |problem| {
            let moved = problem.move_to(ProblemState::Duplicate, Some(&reason), actor, now)?;
            problem.duplicate_of = Some(into);
            problem.causes.clear();
            Ok(Some(moved))
        })?;
        self.edit(now, into, |problem| {
            problem.causes.extend(causes.iter().copied());
            problem.take_incidents(&merged.incidents, merged.occurrences);
            problem.helped += merged.helped;
            problem.not_helped += merged.not_helped;
            problem.last_seen_at = problem.last_seen_at.max(merged.last_seen_at);
            problem.note(now, actor, format!("{id} merged into it: {reason}"));
            problem.looked_at(now);
            Ok(None)
        })?;
        for cause in causes {
            self.by_cause.insert(cause, Newest { problem: into, ended_at: None });
        }
        self.index(now, id);
        self.measure(into);
        Ok(Regrouped { problems: vec![id, into], moved: merged.incidents.clone(), to: into })
    }

    /// Splits some of its incidents off into a new problem of the same team, as another fault. A merged cause goes
    /// along if all of its remembered incidents leave; otherwise later incidents stay with the old problem.
    pub fn split(
        &mut self,
        now: Timestamp,
        id: ProblemId,
        incidents: &[IncidentId],
        reason: &str,
        actor: &str,
    ) -> Result<Regrouped, ProblemRefusal> {
        let verb = format!("split {id}");
        let source = Arc::clone(self.get(id).ok_or(ProblemRefusal::Unknown(id))?);
        let reason = written(reason, &verb)?;
        let refused = |why: String| ProblemRefusal::NotAllowed(refusal(&verb, &why));
        if !source.state.is_open() {
            return Err(refused(format!("it is {}", source.state.as_str())));
        }
        if let Some(foreign) = incidents.iter().find(|incident| !source.incidents.contains(incident)) {
            return Err(refused(format!("it does not list {foreign}")));
        }
        let leaving: Vec<IncidentId> =
            source.incidents.iter().filter(|incident| incidents.contains(incident)).copied().collect();
        if leaving.is_empty() || leaving.len() == source.incidents.len() {
            return Err(refused("some of its incidents must leave, and some must stay".to_owned()));
        }
        self.opened += 1;
        let new = ProblemId(self.opened);
        let going = self.causes_of_only(&source, &leaving);
        let own = Labels::from_pairs([("@split", new.to_string())]).fingerprint();
        let mut problem = Problem {
            title: source.title.clone(),
            team: source.team.clone(),
            policy: source.policy.clone(),
            rule: source.rule.clone(),
            key: source.key.clone(),
            reason: format!("split off {id} by {actor}: {reason}"),
            terms: source.terms.clone(),
            causes: going.clone(),
            ..Problem::blank(new, own, now)
        };
        problem.take_incidents(&leaving, leaving.len() as u64);
        problem.looked_at(now);
        self.problems.insert(new, Arc::new(problem));
        self.by_cause.insert(own, Newest { problem: new, ended_at: None });
        for cause in std::iter::once(source.fingerprint).chain(source.causes.iter().copied()) {
            if going.contains(&cause) {
                self.by_cause.insert(cause, Newest { problem: new, ended_at: None });
            } else {
                let taken = self.recurrence.take(cause, &leaving);
                self.recurrence.give(own, taken);
            }
        }
        self.edit(now, id, |problem| {
            problem.causes.retain(|cause| !going.contains(cause));
            problem.incidents.retain(|incident| !leaving.contains(incident));
            problem.occurrences = problem.occurrences.saturating_sub(leaving.len() as u64);
            problem.note(now, actor, format!("{} incidents split off as {new}: {reason}", leaving.len()));
            problem.looked_at(now);
            Ok(None)
        })?;
        self.measure(id);
        self.measure(new);
        Ok(Regrouped { problems: vec![id, new], moved: leaving, to: new })
    }

    /// The merged causes of a problem whose remembered incidents are all among those.
    fn causes_of_only(&self, problem: &Problem, incidents: &[IncidentId]) -> Vec<Fingerprint> {
        let leaves = |cause: &Fingerprint| {
            let mut known = self.recurrence.since(*cause, Timestamp::EPOCH).peekable();
            known.peek().is_some() && known.all(|episode| incidents.contains(&episode.incident))
        };
        problem.causes.iter().copied().filter(leaves).collect()
    }

    /// Marks an incident as part of another's fault, so that it counts as no episode of its own. Returns the problem
    /// that counted it.
    pub fn found_during(&mut self, now: Timestamp, incident: IncidentId, cause: Fingerprint) -> Option<ProblemId> {
        let taken = self.recurrence.take(cause, &[incident]);
        let id = self.by_cause.get(&cause)?.problem;
        if taken.is_empty() || !self.problems.get(&id)?.incidents.contains(&incident) {
            return None;
        }
        let problem = Arc::make_mut(self.problems.get_mut(&id)?);
        problem.occurrences = problem.occurrences.saturating_sub(taken.len() as u64);
        problem.version += 1;
        problem.updated_at = now;
        self.measure(id);
        Some(id)
    }

    /// Records if the workaround helped with an incident, by the report of the person who tried it.
    pub fn tried(&mut self, now: Timestamp, id: ProblemId, helped: bool) -> Result<ProblemEdit, ProblemRefusal> {
        self.edit(now, id, |problem| {
            let count = if helped { &mut problem.helped } else { &mut problem.not_helped };
            *count += 1;
            Ok(None)
        })
    }
}

impl Problem {
    /// Maximum number of merged causes of one problem, in addition to its own.
    pub const CAUSES_MAX: usize = 64;

    fn take_incidents(&mut self, incidents: &[IncidentId], occurrences: u64) {
        for incident in incidents {
            if !self.incidents.contains(incident) {
                self.incidents.push(*incident);
            }
        }
        self.incidents.sort_unstable();
        self.incidents.drain(..self.incidents.len().saturating_sub(Problem::INCIDENTS_MAX));
        self.occurrences += occurrences;
    }
}

fn written(reason: &str, verb: &str) -> Result<String, ProblemRefused> {
    check_length(reason, verb)?;
    let reason = reason.trim();
    if reason.is_empty() { Err(refusal(verb, "write down a reason first")) } else { Ok(reason.to_owned()) }
}
