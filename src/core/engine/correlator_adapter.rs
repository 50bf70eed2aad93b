//! One correlator inside the engine: its inputs in, its outputs as effects and decisions out.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::input::signed;
use super::{
    AlertRecord, AuditEntry, CommandRefusal, Control, CorrelatorInput, Decision, Effect, LimitHit, LiveChange, Metric,
    Outcome, RecordChange, Resend, SilenceChange, SilenceCommand, Suppressor,
};
use crate::core::correlation;
use crate::core::correlation::{Correlator, Firing, Output, QuarantinedName, TemplateRecord};
use crate::core::model::{Cause, Event, Silence, Timestamp};
use crate::core::rules::Rulebook;

/// A correlator and the rulebook that it runs.
#[derive(Clone)]
pub(super) struct PartitionCorrelator {
    correlator: Correlator,
    /// Empty between inputs; what room it has stays.
    out: Vec<Output>,
}

/// A correlator's state, frozen.
#[derive(Clone)]
pub(super) struct FrozenCorrelator(correlation::Frozen);

impl PartitionCorrelator {
    pub fn new(rulebook: Arc<Rulebook>) -> PartitionCorrelator {
        PartitionCorrelator { correlator: Correlator::new(rulebook), out: Vec::new() }
    }

    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.correlator.next_deadline()
    }

    /// The compact form of a re-send.
    pub fn compact(&self, now: Timestamp, event: &Event) -> Option<Resend> {
        self.correlator.compact(now, event)
    }

    /// Answers what became of a silence, if this is the primary.
    pub fn handle(
        &mut self,
        now: Timestamp,
        cause: Cause,
        input: &CorrelatorInput,
        effects: &mut Vec<Effect>,
        decisions: &mut Vec<Decision>,
    ) -> Option<Outcome> {
        let mut out = std::mem::take(&mut self.out);
        match input {
            CorrelatorInput::Event(event) => {
                let counted = Metric::Event { source: event.source.clone(), status: event.status };
                effects.push(Effect::Count(counted));
                if let Some(word) = event.unknown_severity_word() {
                    let (source, word) = (event.source.clone(), word.to_owned());
                    effects.push(Effect::Count(Metric::SeverityUnknown { source, word }));
                }
                self.correlator.event(now, cause, event, &mut out);
            }
            CorrelatorInput::Resend(resend) => self.correlator.resend(now, cause, resend, &mut out),
            CorrelatorInput::Silence(command) => {
                let change = silence_change(command, now);
                self.correlator.silence(now, &change, &mut out);
                if command.primary {
                    effects.push(Effect::Record(RecordChange::Audit(audit(command, cause, now, &out))));
                } else {
                    out.retain(|one| !is_of_the_primary(one));
                }
            }
        }
        let outcome = translate(&mut out, effects, decisions);
        self.out = out;
        outcome
    }

    pub fn control(
        &mut self,
        now: Timestamp,
        control: &Control,
        rulebook: &Arc<Rulebook>,
        effects: &mut Vec<Effect>,
        decisions: &mut Vec<Decision>,
    ) {
        let mut out = Vec::new();
        match control {
            Control::Tick => self.correlator.tick(now, &mut out),
            Control::Rulebook { .. } => self.correlator.rulebook_changed(now, Arc::clone(rulebook), &mut out),
            Control::Resumed { gap } => self.correlator.resumed(now, *gap, &mut out),
            // `now` goes on as before, so nothing was missed; civil times come sooner or later by it.
            Control::ClockStepped { forward, by } => {
                self.correlator.clock_stepped(now, signed(*forward, *by), Arc::clone(rulebook), &mut out);
            }
        }
        translate(&mut out, effects, decisions);
    }

    pub fn follow_firings(&mut self, follow: bool) {
        self.correlator.follow_firings(follow);
    }

    pub fn take_firings(&mut self) -> impl Iterator<Item = Firing> + '_ {
        self.correlator.take_firings()
    }

    pub fn alerts(&self) -> impl Iterator<Item = AlertRecord> + '_ {
        self.correlator.alerts()
    }

    pub fn silences(&self) -> Vec<Silence> {
        self.correlator.silences().cloned().collect()
    }

    pub fn quarantined(&self) -> impl Iterator<Item = QuarantinedName> + '_ {
        self.correlator.quarantined()
    }

    pub fn templates(&self) -> impl Iterator<Item = TemplateRecord> + '_ {
        self.correlator.templates()
    }

    /// For questions that change nothing.
    pub fn correlator(&self) -> &Correlator {
        &self.correlator
    }

    pub fn broken_invariants(&self) -> Vec<String> {
        self.correlator.broken_invariants()
    }

    pub fn freeze(&self) -> FrozenCorrelator {
        FrozenCorrelator(self.correlator.freeze())
    }

    pub fn restore(
        sections: &BTreeMap<String, Vec<u8>>,
        rulebook: &Arc<Rulebook>,
    ) -> Result<PartitionCorrelator, correlation::ParseSectionError> {
        let sections = sections.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        let correlator = Correlator::restore(Arc::clone(rulebook), sections)?;
        Ok(PartitionCorrelator { correlator, out: Vec::new() })
    }
}

impl FrozenCorrelator {
    pub fn section_names(&self) -> Vec<String> {
        correlation::Frozen::section_names().collect()
    }

    pub fn encode(&self, name: &str) -> Result<Vec<u8>, correlation::ParseSectionError> {
        self.0.encode_section(name)
    }

    pub fn drop_contents(&mut self) {
        self.0.drop_contents();
    }

    pub fn is_same(&self, earlier: &FrozenCorrelator, name: &str) -> bool {
        self.0.same_section(&earlier.0, name)
    }
}

fn silence_change(command: &SilenceCommand, now: Timestamp) -> correlation::SilenceInput {
    match &command.change {
        SilenceChange::Put { id, draft } => {
            let silence = draft.clone().into_silence(command.new_id, now);
            correlation::SilenceInput::Put { id: *id, silence }
        }
        SilenceChange::Expire(id) => correlation::SilenceInput::Expire(*id),
    }
}

/// Silences stand in every correlator alike; only the primary tells of them.
fn is_of_the_primary(output: &Output) -> bool {
    match output {
        Output::SilenceChanged(_) | Output::SilenceForgotten { .. } | Output::Answer(_) => true,
        Output::AlertChanged(_)
        | Output::AlertTouched { .. }
        | Output::AlertForgotten { .. }
        | Output::Decision(_)
        | Output::WindowsDropped { .. }
        | Output::Normalised(_)
        | Output::Count(_) => false,
    }
}

/// The action, the silence that was named, and the words, as the audit keeps them.
pub(super) fn describe(change: &SilenceChange) -> (&'static str, String, String) {
    match change {
        SilenceChange::Put { id, draft } => {
            let asked = id.map(|id| id.to_string()).unwrap_or_default();
            let end = if draft.until_resolved { "resolved, at the latest " } else { "" };
            let detail = format!("{} until {end}{}: {}", draft.matchers, draft.ends_at, draft.comment);
            ("silence.put", asked, detail)
        }
        SilenceChange::Expire(id) => ("silence.expire", id.to_string(), String::new()),
    }
}

fn audit(command: &SilenceCommand, cause: Cause, now: Timestamp, out: &[Output]) -> AuditEntry {
    let answer = out.iter().find_map(|one| if let Output::Answer(answer) = one { Some(answer) } else { None });
    let (action, asked, detail) = describe(&command.change);
    let (subject, refused) = match answer {
        Some(Ok(id)) => (id.to_string(), None),
        Some(Err(refused)) => (asked, Some(refused.to_string())),
        None => (asked, None),
    };
    AuditEntry {
        cause,
        at: now,
        actor: command.actor.clone(),
        role: command.role.clone(),
        action: action.to_owned(),
        subject,
        detail,
        refused,
        fact: None,
    }
}

/// Empties `out` into effects and decisions, and answers the outcome among it.
fn translate(out: &mut Vec<Output>, effects: &mut Vec<Effect>, decisions: &mut Vec<Decision>) -> Option<Outcome> {
    let mut answered = None;
    for output in out.drain(..) {
        match output {
            Output::AlertChanged(alert) => effects.push(Effect::Record(RecordChange::Alert(alert.into()))),
            Output::AlertTouched { fingerprint, ends_at, updated_at } => {
                effects.push(Effect::Live(LiveChange::AlertTouched { fingerprint, ends_at, updated_at }));
            }
            Output::AlertForgotten { fingerprint } => {
                effects.push(Effect::Live(LiveChange::AlertForgotten { fingerprint }))
            }
            Output::Decision(decision) => decisions.push(*decision),
            Output::SilenceChanged(silence) => effects.push(Effect::Record(RecordChange::Silence(silence))),
            Output::SilenceForgotten { id } => effects.push(Effect::Live(LiveChange::SilenceForgotten { id })),
            Output::Answer(answer) => answered = Some(outcome(answer)),
            Output::WindowsDropped { rule, windows } => {
                effects.push(Effect::Count(Metric::WindowsDropped { rule, windows }));
            }
            Output::Normalised(normalised) => effects.push(Effect::Live(LiveChange::Normalised(Box::new(normalised)))),
            Output::Count(counted) => effects.push(Effect::Count(count(counted))),
        }
    }
    answered
}

fn outcome(answer: Result<crate::core::model::SilenceId, correlation::Refused>) -> Outcome {
    match answer {
        Ok(id) => Outcome::Silence { id },
        Err(correlation::Refused::NotFound { what }) => Outcome::Refused(CommandRefusal::NotFound { what }),
        Err(correlation::Refused::Invalid { reason }) => Outcome::Refused(CommandRefusal::Invalid { reason }),
    }
}

fn count(counted: correlation::CorrelationMetric) -> Metric {
    match counted {
        correlation::CorrelationMetric::Resent => Metric::Resent,
        correlation::CorrelationMetric::Duplicate { source } => Metric::Duplicate { source },
        correlation::CorrelationMetric::Clamped => Metric::Clamped,
        correlation::CorrelationMetric::Unmatched { source } => Metric::Unmatched { source },
        correlation::CorrelationMetric::Suppressed { by } => Metric::Suppressed {
            by: match by {
                correlation::AlertSuppressor::Silence => Suppressor::Silence,
                correlation::AlertSuppressor::Maintenance => Suppressor::Maintenance,
                correlation::AlertSuppressor::Inhibition => Suppressor::Inhibition,
                correlation::AlertSuppressor::Dependency => Suppressor::Dependency,
                correlation::AlertSuppressor::Storm => Suppressor::Storm,
            },
        },
        correlation::CorrelationMetric::Bound { which } => Metric::Bound {
            which: match which {
                correlation::CorrelationLimit::EventIds => LimitHit::EventIds,
                correlation::CorrelationLimit::Members => LimitHit::Members,
                correlation::CorrelationLimit::Windows => LimitHit::Windows,
                correlation::CorrelationLimit::Ancestors => LimitHit::Ancestors,
                correlation::CorrelationLimit::StormPlaces => LimitHit::StormPlaces,
                correlation::CorrelationLimit::ResolvedUnderSilence => LimitHit::ResolvedUnderSilence,
                correlation::CorrelationLimit::Instances => LimitHit::Instances,
                correlation::CorrelationLimit::Contexts => LimitHit::Contexts,
                correlation::CorrelationLimit::Derived => LimitHit::Derived,
                correlation::CorrelationLimit::Group => LimitHit::Group,
                correlation::CorrelationLimit::Sightings => LimitHit::Sightings,
                correlation::CorrelationLimit::Quarantine => LimitHit::Quarantine,
                correlation::CorrelationLimit::Templates => LimitHit::Templates,
            },
        },
    }
}
