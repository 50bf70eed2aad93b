//! What an incident is about and what began before it: remembered, so that what comes back is recognised.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::decisions::item_of;
use crate::core::engine::desk::{Desk, DeskContext};
use crate::core::engine::{CountedEvent, Effect, Member};
use crate::core::incidents::SimilarIncident;
use crate::core::model::{IncidentId, Labels, ProblemId, TimeDelta, Timestamp};
use crate::core::problems::{CauseHint, LeadPosition, Onset, Problems, SAME, SUGGESTED, Similar, TermVector, links};
use crate::core::rules::{ENTITY_LABELS, Rulebook, TEMPLATE_FACT};

/// Beginnings of alerts that hints look back at.
const BEGINNINGS_MAX: usize = 2_048;
const BEGINNINGS_KEPT: TimeDelta = TimeDelta::from_days(90);
/// Similar incidents and problems, and hints, that a record shows.
const SHOWN_MAX: usize = 5;
/// How many similar incidents are asked which problem they belong to.
const ASKED_MAX: usize = 32;
/// An incident's first so many alerts say what it is about.
const ALERTS_READ: u64 = 64;
/// The effect whose causes are looked for: the problem's own episodes.
const EPISODE: u32 = 0;

/// When which alert began where, and in which incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RecentOnset {
    at: Timestamp,
    alert: String,
    item: String,
    incident: IncidentId,
}

/// The newest beginnings of alerts, in order of arrival.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::engine) struct RecentOnsets {
    newest: VecDeque<RecentOnset>,
}

impl RecentOnsets {
    fn add(&mut self, now: Timestamp, beginning: RecentOnset) {
        self.newest.push_back(beginning);
        let oldest = now - BEGINNINGS_KEPT;
        while self.newest.len() > BEGINNINGS_MAX || self.newest.front().is_some_and(|first| first.at < oldest) {
            self.newest.pop_front();
        }
    }
}

impl Desk {
    /// An alert joined an incident: it says what the incident is about, and may have led to what comes after it.
    pub(crate) fn remember_alert(&mut self, id: IncidentId, member: &Member, step: &DeskContext<'_>) {
        let alert = member.labels.get("alertname").unwrap_or_default().to_owned();
        let item = place_of(&member.labels, step);
        if let (false, Some(item)) = (alert.is_empty(), item.clone()) {
            let beginning = RecentOnset { at: member.since, alert, item, incident: id };
            self.state.kept.core.beginnings.add(step.now, beginning);
        }
        let read = self.state.get(id).is_some_and(|incident| incident.record.alerts <= ALERTS_READ);
        if read {
            let mut words = TermVector::default();
            add_words(&mut words, &member.labels, step.rulebook);
            self.state.kept.core.likeness.learn_more(id, &words);
        }
    }

    /// A new incident: which earlier ones it looks like, and what that says of its problem.
    pub(crate) fn compare(
        &mut self,
        id: IncidentId,
        members: &[Member],
        evidence: &[CountedEvent],
        step: &mut DeskContext<'_>,
    ) {
        let Some(rule) = self.state.get(id).map(|incident| incident.record.rule.clone()) else { return };
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
        let likeness = &mut self.state.kept.core.likeness;
        let nearest = likeness.nearest(&words, SUGGESTED, SHOWN_MAX);
        likeness.insert(id, words);
        let Some(incident) = self.state.get_mut(id) else { return };
        incident.record.similar = nearest
            .into_iter()
            .map(|(incident, similarity)| SimilarIncident { incident, similarity: round(similarity) })
            .collect();
        let problem = incident.record.problem;
        step.touch(id);
        if let Some(problem) = problem {
            self.compare_problem(problem, id, step);
        }
    }

    /// One more incident of a problem: what else it looks like, and what tends to come before it.
    pub(crate) fn compare_problem(&mut self, problem: ProblemId, incident: IncidentId, step: &mut DeskContext<'_>) {
        let core = &self.state.kept.core;
        let Some(words) = core.likeness.words(incident) else { return };
        let nearest = core.likeness.nearest(words, SUGGESTED, ASKED_MAX);
        let similar = similar_problems(&core.problems, problem, &nearest);
        let hints = self.hints(problem, incident, step);
        if self.state.kept.core.problems.compared(step.now, problem, similar, hints)
            && let Some(problem) = self.state.kept.core.problems.get(problem)
        {
            step.effects.push(Effect::Problem(Box::new(problem.as_ref().clone())));
        }
    }

    /// What began shortly before the episodes of a problem, on its item or beside it, more often than chance.
    fn hints(&self, problem: ProblemId, incident: IncidentId, step: &DeskContext<'_>) -> Vec<CauseHint> {
        let core = &self.state.kept.core;
        let Some(record) = self.state.get(incident).map(|incident| &incident.record) else { return Vec::new() };
        let Some(item) = place_of(&record.key.with(&record.labels), step) else { return Vec::new() };
        let Some(own) = core.problems.get(problem).map(|problem| problem.incidents.as_slice()) else {
            return Vec::new();
        };
        let mut kinds: BTreeMap<(&str, LeadPosition), u32> = BTreeMap::new();
        let mut onsets: Vec<Onset> = Vec::new();
        for beginning in core.beginnings.newest.iter().filter(|beginning| !own.contains(&beginning.incident)) {
            let Some(place) = seen_from(&item, &beginning.item, step.rulebook) else { continue };
            let next = kinds.len() as u32 + 1;
            let kind = *kinds.entry((beginning.alert.as_str(), place)).or_insert(next);
            onsets.push(Onset { at: beginning.at, kind, place: 0 });
        }
        if onsets.is_empty() {
            return Vec::new();
        }
        let oldest = core.beginnings.newest.front().map_or(step.now, |first| first.at);
        let episodes = core.problems.episodes(problem).into_iter().filter(|at| *at >= oldest);
        onsets.extend(episodes.map(|at| Onset { at, kind: EPISODE, place: 0 }));
        let names: BTreeMap<u32, (&str, LeadPosition)> = kinds.into_iter().map(|(name, kind)| (kind, name)).collect();
        let found = links(&onsets, &[], Some(EPISODE));
        let hint = |link: &crate::core::problems::CausalLink| {
            let (before, place) = names.get(&link.cause)?;
            Some(CauseHint {
                before: (*before).to_owned(),
                place: *place,
                hits: link.hits,
                of: link.of,
                expected: round(link.expected),
                lift: round(link.lift()),
                z: round(link.z()),
                within: link.within,
            })
        };
        found.iter().filter_map(hint).take(SHOWN_MAX).collect()
    }
}

/// Open problems to which similar incidents belong, by the most alike of theirs.
fn similar_problems(problems: &Problems, own: ProblemId, nearest: &[(IncidentId, f64)]) -> Vec<Similar> {
    let others = problems.iter().filter(|problem| problem.id != own && problem.state.is_open());
    let likest = |problem: &crate::core::problems::Problem| {
        let alike = nearest.iter().filter(|(incident, _)| problem.incidents.contains(incident));
        alike.map(|(_, similarity)| *similarity).max_by(f64::total_cmp)
    };
    let mut similar: Vec<Similar> = others
        .filter_map(|problem| {
            let similarity = likest(problem)?;
            Some(Similar { problem: problem.id, similarity: round(similarity), same: similarity >= SAME })
        })
        .collect();
    similar.sort_by(|one, other| other.similarity.total_cmp(&one.similarity).then(one.problem.cmp(&other.problem)));
    similar.truncate(SHOWN_MAX);
    similar
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
            words.add("entity", named(labels).unwrap_or_default(), 1);
            words.add("parent", labels.get("site").unwrap_or_default(), 1);
        }
    }
}

/// The item that labels speak of: as the inventory calls it, else as they do.
fn place_of(labels: &Labels, step: &DeskContext<'_>) -> Option<String> {
    item_of(labels, step).or_else(|| named(labels).map(str::to_owned))
}

fn named(labels: &Labels) -> Option<&str> {
    ENTITY_LABELS.iter().find_map(|name| labels.get(name))
}

fn seen_from(item: &str, other: &str, rulebook: &Rulebook) -> Option<LeadPosition> {
    if item == other {
        return Some(LeadPosition::Same);
    }
    let inventory = &rulebook.inventory;
    let (item, other) = (inventory.find(item)?, inventory.find(other)?);
    if inventory.parents(item).contains(&other) {
        Some(LeadPosition::Parent)
    } else if inventory.children(item).contains(&other) {
        Some(LeadPosition::Child)
    } else {
        None
    }
}

/// Three digits: nobody reads more, and records stay the same while nothing changed.
fn round(figure: f64) -> f64 {
    (figure * 1_000.0).round() / 1_000.0
}
