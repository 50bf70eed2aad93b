//! What a problem looks like, and what tends to come before it.

use std::collections::BTreeMap;

use super::record;
use crate::core::engine::desk::context::{DeskContext, place_of};
use crate::core::engine::desk::state::DeskState;
use crate::core::model::{IncidentId, ProblemId};
use crate::core::problems::{CauseHint, LeadPosition, Onset, Problems, SAME, SUGGESTED, Similar, links};
use crate::core::rules::Rulebook;

/// Similar problems, and hints, that a record shows.
const SHOWN_MAX: usize = 5;

/// How many similar incidents are asked which problem they belong to.
const ASKED_MAX: usize = 32;

/// The effect whose causes are looked for: the problem's own episodes.
const EPISODE: u32 = 0;

/// One more incident of a problem: what else it looks like, and what tends to come before it.
pub fn compare_problem(desk: &mut DeskState, problem: ProblemId, incident: IncidentId, step: &mut DeskContext<'_>) {
    let core = &desk.kept.core;
    let Some(words) = core.likeness.words(incident) else { return };
    let nearest = core.likeness.nearest(words, SUGGESTED, ASKED_MAX);
    let similar = similar_problems(&core.problems, problem, &nearest);
    let hints = hints(desk, problem, incident, step);
    if desk.kept.core.problems.compared(step.now, problem, similar, hints) {
        record::write(desk, problem, step);
    }
}

/// Three digits: nobody reads more, and records stay the same while nothing changed.
pub fn round(figure: f64) -> f64 {
    (figure * 1_000.0).round() / 1_000.0
}

/// What began shortly before the episodes of a problem, on its item or beside it, more often than chance.
fn hints(desk: &DeskState, problem: ProblemId, incident: IncidentId, step: &DeskContext<'_>) -> Vec<CauseHint> {
    let core = &desk.kept.core;
    let Some(record) = desk.get(incident).map(|incident| &incident.record) else { return Vec::new() };
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
