//! Why an event does not fit a rule.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::conditions::guard::guard_holds;
use super::match_target::MatchTarget;
use super::state::CorrelatorState;
use crate::core::model::Matcher;
use crate::core::rules::Rule;

/// A condition of a rule that the event fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum FailedMatch {
    Matcher {
        #[serde(serialize_with = "as_text", deserialize_with = "from_text")]
        matcher: Matcher,
        /// The event's value of the label; empty if the label is absent.
        value: String,
    },
    When {
        expression: String,
    },
    /// The guard on shared contexts, as the rule writes it.
    Context {
        guard: String,
    },
    /// It fits that set of `unless`.
    Unless {
        matchers: String,
    },
}

/// The conditions of the rule that the event fails.
pub(super) fn unmet(state: &CorrelatorState, rule: &Rule, subject: &MatchTarget<'_>) -> Vec<FailedMatch> {
    let value = |matcher: &Matcher| subject.value(matcher.name());
    let failing = rule.matchers.iter().filter(|matcher| !matcher.matches_value(value(matcher)));
    let mut unmet: Vec<FailedMatch> = failing
        .map(|matcher| FailedMatch::Matcher { matcher: matcher.clone(), value: value(matcher).to_owned() })
        .collect();
    let excepted = rule.unless.iter().filter(|set| subject.fits(set));
    unmet.extend(excepted.map(|set| FailedMatch::Unless { matchers: set.to_string() }));
    if let (Some(when), Some(event)) = (&rule.when, subject.event)
        && !when.holds(event, subject.severity, subject.facts)
    {
        unmet.push(FailedMatch::When { expression: when.text().to_owned() });
    }
    if let Some(guard) = &rule.guard
        && !guard_holds(state, Some(guard), subject)
    {
        unmet.push(FailedMatch::Context { guard: guard.to_string() });
    }
    unmet
}

fn as_text<S: Serializer>(matcher: &Matcher, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(matcher)
}

fn from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Matcher, D::Error> {
    Matcher::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}
