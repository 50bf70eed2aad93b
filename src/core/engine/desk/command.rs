//! What people ask of the desk. A refusal is audited with its reason, and changes nothing.

use super::{Desk, DeskContext};
use crate::core::engine::{
    Action, Command, CommandRefusal, DeliveryOutcome, DeliveryResult, Effect, IdempotencyKey, IdempotentSilence,
    IncidentAction, Metric, Outcome,
};
use crate::core::incidents::{Incident, TimelineKind, TransitionRefused};
use crate::core::model::{IncidentId, fnv1a};

impl Desk {
    pub(super) fn command(&mut self, command: &Command, step: &mut DeskContext<'_>) {
        let (verb, subject, detail) = describe(&command.action);
        let asked = command.idempotency_key.as_ref().map(|key| AnswerKey::of(command, key));
        match asked.as_ref().and_then(|asked| self.answered(asked)) {
            Some(Ok(outcome)) => return step.effects.push(Effect::Answer(outcome)),
            Some(Err(refusal)) => {
                step.count(Metric::CommandRefused);
                step.audit(&command.actor, &command.role, &verb, &subject, &detail, Some(refusal.to_string()));
                return step.effects.push(Effect::Answer(Outcome::Refused(refusal)));
            }
            None => {}
        }
        // A heartbeat that is no news would bury everything else.
        let is_silent = matches!(&command.action, Action::Staff(action) if self.is_renewal(action));
        let result = match &command.action {
            Action::Incident { id, action } => self.incident_command(*id, action, command, step),
            Action::Problem { id, action } => self.problem_command(*id, action, command, step),
            Action::Run { id, action } => self.run_command(*id, action, command, step),
            Action::StartRun { plan } => self.start_run(plan, step),
            Action::Staff(action) => self.staff_command(action, command, step),
        };
        let (outcome, refused) = match result {
            Ok(outcome) => (outcome, None),
            Err(refusal) => {
                step.count(Metric::CommandRefused);
                (Outcome::Refused(refusal.clone()), Some(refusal.to_string()))
            }
        };
        if let (Action::Problem { id, .. }, None) = (&command.action, &refused) {
            self.take_review(*id, step);
        }
        if !is_silent || refused.is_some() {
            step.audit(&command.actor, &command.role, &verb, &subject, &detail, refused);
        }
        self.answer(asked.map(AnswerKey::whole), outcome, step);
    }

    /// The first answer, if the same person gave this key before: with this command, or with another one, which was
    /// not done and must not look as if it had been.
    pub(super) fn answered(&self, asked: &AnswerKey) -> Option<Result<Outcome, CommandRefusal>> {
        let (kept, (_, outcome)) = self.state.kept.core.answers.range(asked.given.clone()..).next()?;
        let action = kept.strip_prefix(&asked.given)?;
        if action == asked.action {
            return Some(Ok(outcome.clone()));
        }
        let reason = format!("the Idempotency-Key {:?} was given with another command; take a new one", asked.key);
        Some(Err(CommandRefusal::NotAllowed { reason }))
    }

    fn incident_command(
        &mut self,
        id: IncidentId,
        action: &IncidentAction,
        command: &Command,
        step: &mut DeskContext<'_>,
    ) -> Result<Outcome, CommandRefusal> {
        let Some(incident) = self.state.get(id) else {
            return Err(CommandRefusal::NotFound { what: format!("incident {id}") });
        };
        same_version(command, incident.record.version)?;
        if let IncidentAction::Close { .. } = action {
            self.may_close(id, &command.actor, &command.role, step)?;
        }
        self.act(id, action, &command.actor, step)?;
        step.touch(id);
        // The one version step that `settle` will take for this input.
        let version = self.state.get(id).map_or(0, |incident| incident.record.version + 1);
        Ok(Outcome::Incident { id, version })
    }

    fn act(
        &mut self,
        id: IncidentId,
        action: &IncidentAction,
        actor: &str,
        step: &mut DeskContext<'_>,
    ) -> Result<(), CommandRefusal> {
        match action {
            IncidentAction::Acknowledge { note } => self.acknowledge(id, actor, note.as_deref(), step),
            IncidentAction::Assign { assignee } => {
                self.may_assign(id, assignee, step)?;
                self.change(id, |record| record.assign(assignee))?;
                step.timeline(id, TimelineKind::Assigned, actor, format!("to {assignee}"));
                Ok(())
            }
            IncidentAction::Comment { text } => {
                if text.trim().is_empty() {
                    return Err(CommandRefusal::NotAllowed { reason: "an empty comment says nothing".to_owned() });
                }
                step.timeline(id, TimelineKind::Commented, actor, text);
                Ok(())
            }
            IncidentAction::Pend { on, reason } => {
                self.change(id, |record| record.pend(*on, reason))?;
                self.climb(id, |incident, ladder| incident.climb.pend(step.now, ladder), step.rulebook);
                step.timeline(id, TimelineKind::Pended, actor, reason);
                Ok(())
            }
            IncidentAction::Resume => self.resume(id, actor, step),
            IncidentAction::Escalate { diagnosis } => self.escalate(id, actor, diagnosis, step),
            IncidentAction::Triage { fields } => self.triage(id, fields, actor, step),
            IncidentAction::HandBack { reason } => self.hand_back(id, actor, reason, step),
            IncidentAction::Tick { step: name, note } => self.tick_playbook(id, actor, name, note.as_deref(), step),
            IncidentAction::Resolve { resolution } => {
                self.must_be_explained(id, "resolve")?;
                self.resolve(id, actor, resolution, step)
            }
            IncidentAction::ResolveBreached { resolution, reason } => {
                self.may_resolve(id)?;
                self.explain_breach(id, reason, actor, step)?;
                self.resolve(id, actor, resolution, step)
            }
            IncidentAction::Contact { by, note } => self.log_contact(id, *by, note, actor, step),
            IncidentAction::ExplainBreach { reason } => self.explain_breach(id, reason, actor, step),
            IncidentAction::Outage { outage } => self.note_outage(id, outage, actor, step),
            IncidentAction::Close { note } => self.close(id, actor, note.as_deref(), step),
            IncidentAction::Reopen { reason } => {
                self.change(id, |record| record.reopen(reason))?;
                self.restart_climb(id, step);
                step.timeline(id, TimelineKind::Reopened, actor, reason);
                step.count(Metric::Reopened);
                Ok(())
            }
            IncidentAction::Merge { into } => self.merge(id, *into, actor, step),
            IncidentAction::Cancel { reason } => {
                self.must_be_explained(id, "cancel")?;
                let now = step.now;
                self.change(id, |record| record.cancel(now, reason))?;
                self.end(id, "cancelled");
                step.timeline(id, TimelineKind::Cancelled, actor, reason);
                Ok(())
            }
            IncidentAction::WorkaroundHelped { helped, note } => {
                self.workaround_tried(id, (*helped, note.as_deref()), actor, step)
            }
            IncidentAction::FoundDuring { incident } => self.found_during(id, *incident, actor, step),
        }
    }

    fn resolve(
        &mut self,
        id: IncidentId,
        actor: &str,
        resolution: &str,
        step: &mut DeskContext<'_>,
    ) -> Result<(), CommandRefusal> {
        let now = step.now;
        self.change(id, |record| record.resolve(now, resolution))?;
        self.after_resolving(id, actor, resolution, step);
        Ok(())
    }

    fn resume(&mut self, id: IncidentId, actor: &str, step: &mut DeskContext<'_>) -> Result<(), CommandRefusal> {
        self.change(id, Incident::resume)?;
        let (now, calendars) = (step.now, &step.rulebook.calendars);
        self.climb(id, |incident, ladder| incident.climb.resume(now, ladder, calendars), step.rulebook);
        step.timeline(id, TimelineKind::Resumed, actor, "work goes on");
        Ok(())
    }

    fn acknowledge(
        &mut self,
        id: IncidentId,
        actor: &str,
        note: Option<&str>,
        step: &mut DeskContext<'_>,
    ) -> Result<(), CommandRefusal> {
        let now = step.now;
        let first = self.state.get(id).is_some_and(|incident| incident.record.acknowledged_at.is_none());
        let calendars = &step.rulebook.calendars;
        self.change(id, |record| record.acknowledge(now, actor))?;
        self.climb(
            id,
            |incident, ladder| {
                if let Some(ladder) = ladder {
                    incident.climb.acknowledge(now, ladder, calendars);
                }
            },
            step.rulebook,
        );
        if let Some(record) = self.state.get(id).map(|incident| &incident.record).filter(|_| first) {
            let after_micros = now.since(record.opened_at).as_micros();
            step.count(Metric::Acknowledged { priority: record.priority, tier: record.tier, after_micros });
        }
        step.timeline(id, TimelineKind::Acknowledged, actor, note.unwrap_or("taken"));
        Ok(())
    }

    fn close(
        &mut self,
        id: IncidentId,
        actor: &str,
        note: Option<&str>,
        step: &mut DeskContext<'_>,
    ) -> Result<(), CommandRefusal> {
        self.must_be_explained(id, "close")?;
        let now = step.now;
        self.change(id, |record| record.close(now))?;
        self.end(id, "closed");
        step.timeline(id, TimelineKind::Closed, actor, note.unwrap_or("closed"));
        Ok(())
    }

    fn merge(
        &mut self,
        id: IncidentId,
        into: IncidentId,
        actor: &str,
        step: &mut DeskContext<'_>,
    ) -> Result<(), CommandRefusal> {
        if self.state.get(into).is_none() {
            return Err(CommandRefusal::NotFound { what: format!("incident {into}") });
        }
        self.must_be_explained(id, "merge")?;
        let merged = self.fold(id, into, actor, "", step);
        merged.map_err(|not| CommandRefusal::NotAllowed { reason: not.reason })?;
        self.follow_alerts(into, step);
        Ok(())
    }

    /// The same step begins again, now.
    pub(super) fn restart_climb(&mut self, id: IncidentId, step: &mut DeskContext<'_>) {
        let now = step.now;
        self.state.stand_again(id);
        let unpaged = self.state.get(id).is_some_and(|incident| incident.record.unpaged);
        if unpaged {
            if let Some(incident) = self.state.get_mut(id) {
                incident.close_at = None;
                incident.climb.stop("it pages nobody");
            }
            self.hold_or_release(id, step);
            step.touch(id);
            return;
        }
        let calendars = &step.rulebook.calendars;
        self.climb(
            id,
            |incident, ladder| {
                let priority = incident.record.priority;
                incident.record.acknowledged = false;
                incident.close_at = None;
                incident.forget_at = None;
                match ladder {
                    Some(ladder) => incident.climb.restart(now, ladder, calendars, priority),
                    None => incident.climb.stop("its ladder is gone from the rules"),
                }
            },
            step.rulebook,
        );
        self.hold_or_release(id, step);
        step.touch(id);
    }

    pub(super) fn end(&mut self, id: IncidentId, why: &str) {
        if let Some(incident) = self.state.get_mut(id) {
            incident.climb.stop(why);
            incident.resolve_at = None;
            incident.close_at = None;
        }
    }

    pub(super) fn change(
        &mut self,
        id: IncidentId,
        verb: impl FnOnce(&mut Incident) -> Result<(), TransitionRefused>,
    ) -> Result<(), CommandRefusal> {
        let Some(incident) = self.state.get_mut(id) else {
            return Err(CommandRefusal::NotFound { what: format!("incident {id}") });
        };
        verb(&mut incident.record).map_err(|not| CommandRefusal::NotAllowed { reason: not.reason })
    }

    fn climb(
        &mut self,
        id: IncidentId,
        verb: impl FnOnce(&mut super::DeskIncident, Option<&crate::core::rules::EscalationPolicy>),
        rulebook: &crate::core::rules::Rulebook,
    ) {
        if let Some(incident) = self.state.get_mut(id) {
            let ladder = rulebook.ladder(&incident.climb.ladder);
            verb(incident, ladder);
        }
    }

    /// What became of a notice: into its outbox row and, when it is settled, its incident's timeline.
    pub(super) fn delivery(&mut self, result: &DeliveryResult, step: &mut DeskContext<'_>) {
        step.effects.push(Effect::Delivery(result.clone()));
        let Some(id) = result.subject.parse::<IncidentId>().ok().filter(|id| self.state.get(*id).is_some()) else {
            return self.digest_delivered(result, step);
        };
        match &result.outcome {
            DeliveryOutcome::Delivered => {
                let text = format!("notice {} at attempt {}", result.notice, result.attempt);
                step.timeline(id, TimelineKind::Delivered, "notify", text);
            }
            DeliveryOutcome::DeadLettered { error } => {
                let text = format!("notice {} given up after {} attempts: {error}", result.notice, result.attempt);
                step.timeline(id, TimelineKind::DeliveryFailed, "notify", text);
            }
            DeliveryOutcome::Unreached(unreached) => {
                let (notice, attempts, error) = (result.notice, result.attempt, &unreached.error);
                let text = format!("notice {notice} given up after {attempts} attempts: {error}");
                step.timeline(id, TimelineKind::DeliveryFailed, "notify", text);
                self.tell_otherwise(id, unreached, step);
            }
            DeliveryOutcome::Failed { .. } => {}
        }
    }
}

/// Under what an answer is kept: a key is a person's own, and is for one command.
pub(super) struct AnswerKey {
    key: String,
    /// Whose key it is, and the key.
    given: String,
    /// What was commanded with it, in short.
    action: String,
}

impl AnswerKey {
    fn of(command: &Command, key: &str) -> AnswerKey {
        let action = format!("{:016x}", fnv1a(format!("{:?}", command.action).as_bytes()));
        AnswerKey { key: key.to_owned(), given: format!("{}\0{key}\0", command.actor), action }
    }

    pub(super) fn of_silence(silence: &IdempotentSilence) -> AnswerKey {
        let IdempotencyKey { key, asked } = &silence.once;
        let given = format!("{}\0{key}\0", silence.actor);
        AnswerKey { key: key.clone(), given, action: format!("silence {asked}") }
    }

    pub(super) fn whole(self) -> String {
        self.given + &self.action
    }
}

/// Refuses a command that was made on another version than the present one.
pub(super) fn same_version(command: &Command, current: u64) -> Result<(), CommandRefusal> {
    match command.if_match {
        Some(seen) if seen != current => Err(CommandRefusal::VersionMismatch { seen, current }),
        Some(_) | None => Ok(()),
    }
}

/// The action, its subject and its words, as the audit keeps them.
fn describe(action: &Action) -> (String, String, String) {
    match action {
        Action::Incident { id, action } => {
            let (verb, detail) = describe_incident(action);
            (format!("incident.{verb}"), id.to_string(), detail)
        }
        Action::Problem { id, action } => {
            let (verb, detail) = super::problems::problems::describe(action);
            (format!("problem.{verb}"), id.to_string(), detail)
        }
        Action::Run { id, action } => {
            let (verb, detail) = super::inspections::inspections::describe(action);
            (format!("run.{verb}"), id.to_string(), detail)
        }
        Action::StartRun { plan } => ("inspection.start".to_owned(), plan.clone(), String::new()),
        Action::Staff(action) => {
            let (verb, subject, detail) = super::assignment::staff::describe(action);
            (verb.to_owned(), subject, detail)
        }
    }
}

fn describe_incident(action: &IncidentAction) -> (&'static str, String) {
    match action {
        IncidentAction::Acknowledge { note } => ("acknowledge", note.clone().unwrap_or_default()),
        IncidentAction::Assign { assignee } => ("assign", assignee.clone()),
        IncidentAction::Comment { text } => ("comment", text.clone()),
        IncidentAction::Pend { on, reason } => ("pend", format!("on {}: {reason}", on.as_str())),
        IncidentAction::Resume => ("resume", String::new()),
        IncidentAction::Escalate { diagnosis } => ("escalate", diagnosis.clone()),
        IncidentAction::Triage { fields } => {
            let fields = fields.iter().map(|(name, value)| format!("{name}: {value}"));
            ("triage", fields.collect::<Vec<_>>().join("; "))
        }
        IncidentAction::HandBack { reason } => ("hand_back", reason.clone()),
        IncidentAction::Tick { step, note } => ("tick", format!("{step}: {}", note.as_deref().unwrap_or_default())),
        IncidentAction::Resolve { resolution } => ("resolve", resolution.clone()),
        IncidentAction::Close { note } => ("close", note.clone().unwrap_or_default()),
        IncidentAction::Reopen { reason } => ("reopen", reason.clone()),
        IncidentAction::Merge { into } => ("merge", format!("into {into}")),
        IncidentAction::Cancel { reason } => ("cancel", reason.clone()),
        IncidentAction::WorkaroundHelped { helped, note } => {
            let verdict = if *helped { "it helped" } else { "it did not help" };
            ("workaround", format!("{verdict}{}", note.as_ref().map(|note| format!(": {note}")).unwrap_or_default()))
        }
        IncidentAction::FoundDuring { incident } => ("found_during", incident.to_string()),
        IncidentAction::Contact { by, note } => ("contact", format!("by {by}: {note}")),
        IncidentAction::ExplainBreach { reason } => ("breach_reason", format!("{}: {}", reason.code, reason.text)),
        IncidentAction::ResolveBreached { resolution, reason } => {
            ("resolve", format!("{resolution}; late, {}: {}", reason.code, reason.text))
        }
        IncidentAction::Outage { outage } => ("outage", format!("{} by {}", outage.service, outage.party)),
    }
}
