//! An incident as targets and outages see it.

use crate::core::engine::desk::context::DeskContext;
use crate::core::incidents::{Incident, TimelineFact, TimelineKind};
use crate::core::model::{BreachReason, IncidentId, Labels};
use crate::core::rules::Rulebook;

/// The actor of what follows from promises.
pub const TARGETS: &str = "targets";

/// The labels of an incident with the facts of its item.
pub fn described(record: &Incident, rulebook: &Rulebook) -> Labels {
    let inventory = &rulebook.inventory;
    let Some(item) = inventory.concerned(&record.labels) else { return record.labels.clone() };
    let facts = inventory.facts(item).iter().map(|(name, value)| (format!("fact.{name}"), value));
    record.labels.with(&Labels::from_pairs(facts))
}

pub fn breach_reason_line(id: IncidentId, reason: &BreachReason, actor: &str, step: &mut DeskContext<'_>) {
    let title = step.rulebook.breach_reasons.get(&reason.code).map_or("", String::as_str);
    let text = format!("{} ({title}): {}", reason.code, reason.text);
    let fact = TimelineFact::LateBecause { code: reason.code.clone() };
    step.timeline_fact(id, TimelineKind::BreachExplained, actor, text, fact);
}
