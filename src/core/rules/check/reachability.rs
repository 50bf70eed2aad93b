//! Reachability of matcher sets: contradictions, and rules that an earlier one hides. Reports only certain cases.

use std::collections::BTreeMap;

use crate::core::model::{Matcher, MatcherOp, Matchers, Severity, Status};
use crate::core::rules::{Pattern, Rule};

/// True if an earlier rule keeps its matches for good.
fn keeps(rule: &Rule) -> bool {
    let for_good = match rule.pattern {
        Pattern::Each | Pattern::Suppress { .. } | Pattern::Pair { .. } | Pattern::PairWindow { .. } => true,
        Pattern::Threshold { .. }
        | Pattern::Rate(_)
        | Pattern::Thresholds { .. }
        | Pattern::Absence { .. }
        | Pattern::Sequence(_)
        | Pattern::Flap(_) => rule.because.is_some(),
        // It owns only some of the events that its own matchers fit.
        Pattern::Group(_) | Pattern::Calendar { .. } => false,
    };
    for_good && !rule.continues && rule.unless.is_empty() && rule.when.is_none() && rule.guard.is_none()
}

/// Rules that never own an alert, each with the earlier rule that owns all of its matches.
pub fn unreachable(rules: &[Rule]) -> Vec<(&Rule, &Rule)> {
    // An earlier rule with an equality can only cover a rule with the same one.
    let mut by_equality: BTreeMap<(&str, &str), Vec<&Rule>> = BTreeMap::new();
    let mut others: Vec<&Rule> = Vec::new();
    let mut found = Vec::new();
    for rule in rules {
        let same = equalities(&rule.matchers).filter_map(|equality| by_equality.get(&equality)).flatten();
        let owner = same.chain(&others).find(|earlier| covers(&earlier.matchers, &rule.matchers));
        if let Some(owner) = owner {
            found.push((rule, *owner));
        } else if keeps(rule) {
            match equalities(&rule.matchers).next() {
                Some(equality) => by_equality.entry(equality).or_default().push(rule),
                None => others.push(rule),
            }
        }
    }
    found
}

fn equalities(matchers: &Matchers) -> impl Iterator<Item = (&str, &str)> {
    let equal = matchers.iter().filter(|matcher| matcher.op() == MatcherOp::Equal);
    equal.map(|matcher| (matcher.name(), matcher.value()))
}

/// True if every event that fits `narrow` fits `wide`, as far as their texts show.
fn covers(wide: &Matchers, narrow: &Matchers) -> bool {
    wide.iter().all(|condition| narrow.iter().any(|known| follows(condition, known)))
}

fn follows(condition: &Matcher, known: &Matcher) -> bool {
    if condition.name() != known.name() {
        return false;
    }
    // Every value but one fits `!=`; the demand of `known` is not that value.
    let asks_for_another = || condition.op() == MatcherOp::NotEqual && !known.matches_value(condition.value());
    condition == known
        || asks_for_another()
        || spelled(known).is_some_and(|values| values.iter().all(|value| condition.matches_value(value)))
}

/// All values that fit, if the text spells them out; the empty one too.
fn spelled(matcher: &Matcher) -> Option<Vec<&str>> {
    match matcher.op() {
        MatcherOp::Equal => Some(vec![matcher.value()]),
        MatcherOp::Matches | MatcherOp::NotEqual | MatcherOp::NotMatches => matcher.values(),
    }
}

/// The words that a name with `@` can have.
fn words(name: &str) -> Option<Vec<&'static str>> {
    match name {
        "@severity" => Some(Severity::ALL.iter().map(|severity| severity.as_str()).collect()),
        "@status" => Some([Status::Firing, Status::Resolved, Status::Point].map(Status::as_str).to_vec()),
        _ => None,
    }
}

/// Two or more matchers that no event can fit together; empty if none are known.
pub fn contradiction(matchers: &Matchers) -> Vec<&Matcher> {
    for known in matchers.iter() {
        let on_same: Vec<&Matcher> = matchers.iter().filter(|other| other.name() == known.name()).collect();
        let possible = spelled(known).or_else(|| words(known.name()));
        let Some(possible) = possible.filter(|_| on_same.len() > 1) else { continue };
        if !possible.iter().any(|value| on_same.iter().all(|matcher| matcher.matches_value(value))) {
            return on_same;
        }
    }
    Vec::new()
}
