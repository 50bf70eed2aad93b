//! What an incident is about and what began before it: remembered, so that what comes back is recognised.

use super::onsets::RecentOnset;
use crate::core::engine::desk::context::{DeskContext, entity_named, place_of};
use crate::core::engine::desk::problems::comparison;
use crate::core::engine::desk::problems::comparison::round;
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::{CountedEvent, Member};
use crate::core::incidents::SimilarIncident;
use crate::core::model::{IncidentId, Labels};
use crate::core::problems::{SUGGESTED, TermVector};
use crate::core::rules::{Rulebook, TEMPLATE_FACT};

/// Similar incidents that a record shows.
const SHOWN_MAX: usize = 5;

/// An incident's first so many alerts say what it is about.
const ALERTS_READ: u64 = 64;

/// An alert joined an incident: it says what the incident is about, and may have led to what comes after it.
pub fn remember_alert(desk: &mut DeskState, id: IncidentId, member: &Member, step: &DeskContext<'_>) {
    let alert = member.labels.get("alertname").unwrap_or_default().to_owned();
    let item = place_of(&member.labels, step);
    if let (false, Some(item)) = (alert.is_empty(), item.clone()) {
        let beginning = RecentOnset { at: member.since, alert, item, incident: id };
        desk.kept.core.beginnings.add(step.now, beginning);
    }
    let read = desk.get(id).is_some_and(|incident| incident.record.alerts <= ALERTS_READ);
    if read {
        let mut words = TermVector::default();
        add_words(&mut words, &member.labels, step.rulebook);
        desk.kept.core.likeness.learn_more(id, &words);
    }
}

/// A new incident: which earlier ones it looks like, and what that says of its problem.
pub fn compare(
    desk: &mut DeskState,
    id: IncidentId,
    members: &[Member],
    evidence: &[CountedEvent],
    step: &mut DeskContext<'_>,
) {
    let Some(rule) = desk.get(id).map(|incident| incident.record.rule.clone()) else { return };
    let mut words = TermVector::default();
    words.add("rule", &rule, 1);
    for labels in members.iter().take(ALERTS_READ as usize).map(|member| &member.labels) {
        add_words(&mut words, labels, step.rulebook);
    }
    for piece in evidence {
        words.add("template", piece.facts.get(TEMPLATE_FACT).unwrap_or_default(), 1);
        if members.is_empty() {
            add_words(&mut words, &piece.labels, step.rulebook);
        }
    }
    let likeness = &mut desk.kept.core.likeness;
    let nearest = likeness.nearest(&words, SUGGESTED, SHOWN_MAX);
    likeness.insert(id, words);
    let Some(incident) = desk.get_mut(id) else { return };
    incident.record.similar = nearest
        .into_iter()
        .map(|(incident, similarity)| SimilarIncident { incident, similarity: round(similarity) })
        .collect();
    let problem = incident.record.problem;
    step.touch(id);
    if let Some(problem) = problem {
        comparison::compare_problem(desk, problem, id, step);
    }
}

/// What an alert is about: check, item, and what the inventory knows of it.
fn add_words(words: &mut TermVector, labels: &Labels, rulebook: &Rulebook) {
    words.add("check", labels.get("alertname").unwrap_or_default(), 1);
    words.add("service", labels.get("service").unwrap_or_default(), 1);
    words.add("template", labels.get("template").unwrap_or_default(), 1);
    let inventory = &rulebook.inventory;
    match inventory.concerned(labels) {
        Some(index) => {
            let item = inventory.item(index);
            words.add("entity", &item.name, 1);
            words.add("class", &item.class, 1);
            for parent in inventory.parents(index) {
                words.add("parent", &inventory.item(*parent).name, 1);
            }
        }
        None => {
            words.add("entity", entity_named(labels).unwrap_or_default(), 1);
            words.add("parent", labels.get("site").unwrap_or_default(), 1);
        }
    }
}
