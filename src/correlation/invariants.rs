//! What must be true between two inputs. Tests fail on a broken one; in production it is counted and logged.

use super::alert::Alert;
use super::book::Book;
use super::condition::{Condition, ConditionKey, Phase};
use super::grouping::Places;
use super::output::{Evidence, Suppressor};
use super::state::{Stage, State};
use super::subject::Subject;
use super::suppression::{is_free, suppressor};
use super::turn::Index;
use crate::model::{Fingerprint, SilenceId};

/// Every broken invariant, in words. Walks the whole state.
pub(super) fn broken(state: &State, index: &Index, book: &Book) -> Vec<String> {
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
    let contexts = state.contexts.iter().filter(|(_, context)| context.until.is_some()).count();
    let looked_at = state.groups.sightings.values().filter(|sighting| sighting.look_again.is_some()).count();
    if index.places != Places::of(&state.groups) {
        broken.push("grouping looks for what it saw in other places".to_owned());
    }
    if index.deadlines.len() != armed + contexts + looked_at + state.silences.len() {
        let what = format!("{armed} waiting, {contexts} contexts, {looked_at} sightings and every silence");
        broken.push(format!("{} deadlines for {what}", index.deadlines.len()));
    }
    if index.event_id_order.len() != state.event_ids.len() {
        broken.push("the order of event ids is not that of the ids".to_owned());
    }
    broken
}

fn check_alert(alert: &Alert, state: &State, index: &Index, book: &Book, claim: &mut impl FnMut(bool, &str)) {
    let is_armed = alert.due().is_none_or(|due| alert.armed.is_some_and(|armed| armed <= due));
    claim(is_armed, "its deadline is not in the index");
    let matches = |id: &SilenceId| state.silences.get(id).is_some_and(|kept| kept.silence.silences(&alert.labels));
    let active = state.silences.iter().filter(|(_, kept)| kept.stage == Stage::Active).map(|(id, _)| *id);
    let silenced_by: Vec<SilenceId> = active.filter(matches).collect();
    claim(alert.silenced_by == silenced_by, "it is not silenced by what is active and matches");
    if !alert.times.firing {
        claim(alert.inhibited_by.is_none(), "it is resolved and inhibited");
        return;
    }
    let source = index.inhibitions.source_for(&book.inhibition_places(&Subject::of_alert(alert)));
    claim(alert.inhibited_by == source, "it is not inhibited by what the index says");
    claim(alert.owner.as_ref().is_some_and(|owner| book.rule_of(owner).is_some()), "no rule owns it");
}

fn check_condition(
    key: &ConditionKey,
    condition: &Condition,
    state: &State,
    index: &Index,
    book: &Book,
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
        Phase::Idle => claim(!condition.is_on(), "its pattern holds and nobody was told"),
        Phase::Waiting => claim(!is_free(state, index, book, condition), "it waits although nothing holds it back"),
        Phase::Raised { held, .. } => {
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
        let is_told = |evidence: &Evidence| {
            let subject = Subject::of_evidence(evidence);
            match suppressor(state, index, book, &subject) {
                // Every end of a silence is looked at.
                Some(Suppressor::Silence) | None => true,
                Some(Suppressor::Inhibition) => index.inhibitions.is_watching(key, &book.inhibition_places(&subject)),
            }
        };
        claim(condition.evidence.iter().all(|one| is_told(one)), "it waits for an inhibition and would not hear");
    }
    let loose = index.loose.get(&key.rule);
    let is_loose = loose.is_some_and(|loose| loose.contains(&(condition.created_at, key.clone())));
    claim(condition.listed.loose == is_loose, "the index of loose windows disagrees");
    claim(condition.listed.fired == index.fired.contains(key), "the index of fired conditions disagrees");
}
