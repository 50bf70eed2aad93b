//! Invariants that hold between two inputs. Tests fail on a broken one; in production it is counted and logged.

use super::alerts::alert::Alert;
use super::conditions::condition::{Condition, ConditionPhase};
use super::grouping::SightingPlaces;
use super::input_context::Index;
use super::keys::ConditionKey;
use super::match_target::MatchTarget;
use super::output::CountedEvent;
use super::rule_index::RuleIndex;
use super::state::{AlertStage, CorrelatorState};
use super::suppression::suppressors::rank_of;
use super::suppression::{holds_of, holds_of_alert, is_free};
use crate::core::model::{Fingerprint, SilenceId};

/// Describes every broken invariant. Walks the whole state.
pub(super) fn broken(state: &CorrelatorState, index: &Index, book: &RuleIndex) -> Vec<String> {
    let mut broken = Vec::new();
    for (fingerprint, alert) in state.alerts.iter() {
        let mut claim = |holds: bool, what: &str| {
            if !holds {
                broken.push(format!("alert {fingerprint} {}: {what}", alert.labels));
            }
        };
        check_alert(alert, state, index, book, &mut claim);
    }
    for (key, condition) in state.conditions.iter() {
        let mut claim = |holds: bool, what: &str| {
            if !holds {
                broken.push(format!("condition {:?} {}: {what}", key.rule, key.key));
            }
        };
        check_condition(key, condition, state, index, book, &mut claim);
    }
    let armed = state.alerts.iter().filter(|(_, alert)| alert.armed.is_some()).count()
        + state.conditions.iter().filter(|(_, condition)| condition.armed.is_some()).count();
    let windows = state.maintenance.values().filter(|kept| kept.due.is_some()).count();
    let storms = state.storms.values().filter(|place| place.storm.is_some()).count();
    let holds = state.silences.len() + windows + storms;
    let contexts = state.contexts.iter().filter(|(_, context)| context.until.is_some()).count();
    let looked_at = state.groups.sightings.values().filter(|sighting| sighting.look_again.is_some()).count();
    if index.places != SightingPlaces::of(&state.groups) {
        broken.push("grouping looks for what it saw in other places".to_owned());
    }
    let fires = |alert: &Fingerprint| state.alerts.get(alert).is_some_and(|alert| alert.times.firing);
    let mut standing = state.groups.sightings.values().filter(|sighting| sighting.is_standing());
    if !standing.all(|sighting| sighting.alert.as_ref().is_some_and(fires)) {
        broken.push("grouping waits for the end of an alert that fires no longer".to_owned());
    }
    if index.deadlines.len() != armed + contexts + looked_at + holds {
        let what = format!("{armed} waiting, {contexts} contexts, {looked_at} sightings and {holds} that hold");
        broken.push(format!("{} deadlines for {what}", index.deadlines.len()));
    }
    let open = state.maintenance.values().filter(|kept| kept.is_open).count();
    if index.open_windows.len() != open {
        broken.push(format!("{open} windows are open, the index has {}", index.open_windows.len()));
    }
    if index.event_id_order.len() != state.event_ids.len() {
        broken.push("the order of event ids is not that of the ids".to_owned());
    }
    broken
}

fn check_alert(
    alert: &Alert,
    state: &CorrelatorState,
    index: &Index,
    book: &RuleIndex,
    claim: &mut impl FnMut(bool, &str),
) {
    let is_armed = alert.due().is_none_or(|due| alert.armed.is_some_and(|armed| armed <= due));
    claim(is_armed, "its deadline is not in the index");
    if !alert.times.firing {
        return;
    }
    let held = holds_of_alert(state, index, book, alert.labels.fingerprint(), alert);
    claim(alert.held == held, "it is not held by what the indexes say");
    let labels = &alert.labels;
    let active = state.silences.iter().filter(|(_, kept)| kept.stage == AlertStage::Active);
    let matching =
        active.filter(|(_, kept)| kept.silence.silences(labels) && !kept.done.contains(&labels.fingerprint()));
    let silenced_by: Vec<SilenceId> = matching.map(|(id, _)| *id).collect();
    let shown = alert.held.as_ref().map_or(&[][..], |held| &held.silenced_by);
    claim(shown == silenced_by, "it is not silenced by what is active and matches");
    let is_listed = |id: &SilenceId| index.silenced.by(id).contains(&labels.fingerprint());
    claim(shown.iter().all(is_listed), "one of its silences does not know it");
    claim(alert.owner.as_ref().is_some_and(|owner| book.rule_of(owner).is_some()), "no rule owns it");
}

fn check_condition(
    key: &ConditionKey,
    condition: &Condition,
    state: &CorrelatorState,
    index: &Index,
    book: &RuleIndex,
    claim: &mut impl FnMut(bool, &str),
) {
    let alert = |fingerprint: &Fingerprint| state.alerts.get(fingerprint);
    let belongs = |fingerprint: Fingerprint| {
        alert(&fingerprint).is_some_and(|alert| alert.times.firing && alert.conditions().any(|held| held == key))
    };
    claim(condition.members.iter().all(belongs), "a member does not fire or stands elsewhere");
    let fires_freely = |fingerprint: &Fingerprint| alert(fingerprint).is_some_and(|alert| !alert.is_suppressed());
    let free = condition.members.iter().filter(fires_freely).count();
    claim(condition.free as usize == free, "its count of free members is wrong");
    claim(!condition.is_spent(), "it has nothing left and is still there");
    match condition.phase {
        ConditionPhase::Idle => claim(!condition.is_on(), "its pattern holds and nobody was told"),
        ConditionPhase::Waiting => {
            claim(!is_free(state, index, book, condition), "it waits although nothing holds it back")
        }
        ConditionPhase::Raised { held, .. } => {
            claim(condition.members.is_empty() || held == (free == 0), "held and its members disagree");
            claim(condition.is_on() || !condition.members.is_empty(), "it is clear and still raised");
        }
    }
    let Some(rule) = book.rule_of(key) else { return claim(false, "its rule is gone") };
    let due = condition.window.due(rule);
    let is_armed = due.is_none_or(|due| condition.armed.is_some_and(|armed| armed <= due));
    claim(is_armed, "its deadline is not in the index");
    claim(condition.listed == condition.should_be_listed(), "it is listed where it does not belong");
    if condition.is_held_memberless() {
        // Every end of a silence, a window or a storm is re-evaluated; only other alerts need a watch.
        let is_told = |evidence: &CountedEvent| {
            let places = book.places(&MatchTarget::of_evidence(evidence));
            let is_held_otherwise = {
                let holds = holds_of(state, index, book, evidence);
                holds.is_meant() || holds.storm.is_some()
            };
            is_held_otherwise || index.holders.is_heard(key, rank_of(evidence), &places)
        };
        claim(condition.evidence.iter().all(|one| is_told(one)), "it waits for an inhibition and would not hear");
    }
    let loose = index.loose.get(&key.rule);
    let is_loose = loose.is_some_and(|loose| loose.contains(&(condition.created_at, key.clone())));
    claim(condition.listed.loose == is_loose, "the index of loose windows disagrees");
    claim(condition.listed.fired == index.fired.contains(key), "the index of fired conditions disagrees");
}
