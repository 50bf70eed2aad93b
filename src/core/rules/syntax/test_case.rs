//! The `tests:` section, as written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::{LengthOfTime, PriorityWord, SeverityWord, StateWord, StatusWord, TierNumber};
use super::spanned::{Spanned, Text};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::core::rules) struct TestSyntax {
    /// Its description.
    pub name: Text,
    /// The time of 0s, such as 2026-02-13T08:00:00+08:00.
    pub start: Option<Text>,
    /// The inputs.
    pub input: Vec<Spanned<InputSyntax>>,
    /// The expected results, with their times.
    pub expect: Vec<Spanned<ExpectSyntax>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["labels"]}, {"required": ["payload"]}, {"required": ["silence"]}]))]
pub(in crate::core::rules) struct InputSyntax {
    /// Time from the start; default: 0s.
    #[schemars(with = "Option<LengthOfTime>")]
    pub at: Option<Text>,
    /// Labels of an event; `{n}` is the number of the repeat.
    pub labels: Option<BTreeMap<String, Text>>,
    /// Status of the event; default: firing.
    #[schemars(with = "Option<StatusWord>")]
    pub status: Option<Text>,
    /// Severity of the event.
    #[schemars(with = "Option<SeverityWord>")]
    pub severity: Option<Text>,
    /// Summary of the event; `{n}` is the number of the repeat.
    pub summary: Option<Text>,
    /// Annotations of the event.
    pub annotations: Option<BTreeMap<String, Text>>,
    /// Value of the event.
    pub value: Option<Spanned<f64>>,
    /// The producer's id of the event; `{n}` is the number of the repeat.
    pub id: Option<Text>,
    /// The source of the event; default: native. For a payload, the source file that reads it.
    pub source: Option<Text>,
    /// Event time, if it differs from the arrival; counted from the start.
    #[schemars(with = "Option<LengthOfTime>")]
    pub happened: Option<Text>,
    /// Number of repeats; default: once.
    #[schemars(range(min = 1, max = 10_000))]
    pub repeat: Option<Spanned<u64>>,
    /// Time between the repeats.
    #[schemars(with = "Option<LengthOfTime>")]
    pub every: Option<Text>,
    /// Each is followed by its resolved message.
    #[schemars(with = "Option<LengthOfTime>")]
    pub resolved_after: Option<Text>,
    /// Instead of labels: the payload of a tool.
    pub payload: Option<Text>,
    /// The MQTT topic of the payload.
    pub topic: Option<Text>,
    /// Instead of labels: a silence for these matchers.
    pub silence: Option<Text>,
    /// Duration of the silence; default: 1h.
    #[schemars(with = "Option<LengthOfTime>")]
    #[serde(rename = "for")]
    pub length: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::core::rules) struct ExpectSyntax {
    /// Time of the check, counted from the start; default: at the last input.
    #[schemars(with = "Option<LengthOfTime>")]
    pub at: Option<Text>,
    /// All that are open then, in any order; `[]`: none.
    pub incidents: Option<Vec<Spanned<IncidentSyntax>>>,
    /// Number of problems.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub problems: Option<Spanned<u64>>,
    /// Alerts that must be among the known ones at that time.
    pub alerts: Option<Vec<Spanned<AlertSyntax>>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::core::rules) struct IncidentSyntax {
    /// The rule that opened it.
    pub rule: Option<Text>,
    /// The values of the rule's `by`.
    pub key: Option<BTreeMap<String, Text>>,
    /// Its title.
    pub title: Option<Text>,
    /// Its severity.
    #[schemars(with = "Option<SeverityWord>")]
    pub severity: Option<Text>,
    /// Its priority.
    #[schemars(with = "Option<PriorityWord>")]
    pub priority: Option<Text>,
    /// Its state; an ended one matches ended incidents too.
    #[schemars(with = "Option<StateWord>")]
    pub state: Option<Text>,
    /// Its tier.
    #[schemars(with = "Option<TierNumber>")]
    pub tier: Option<Spanned<u64>>,
    /// Its team.
    pub team: Option<Text>,
    /// Number of its alerts.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub alerts: Option<Spanned<u64>>,
    /// Number of its firing alerts.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub firing: Option<Spanned<u64>>,
    /// Number of times it was reopened.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub reopened: Option<Spanned<u64>>,
    /// True if a page was sent.
    pub paged: Option<bool>,
    /// A part of its suppression text.
    pub held: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::core::rules) struct AlertSyntax {
    /// These pairs are among its labels.
    pub labels: BTreeMap<String, Text>,
    /// Its status; default: firing.
    #[schemars(with = "Option<StatusWord>")]
    pub status: Option<Text>,
    /// Its severity.
    #[schemars(with = "Option<SeverityWord>")]
    pub severity: Option<Text>,
    /// The rule that owns it.
    pub rule: Option<Text>,
    /// A part of its suppression text; `""`: not suppressed.
    pub held: Option<Text>,
    /// True if a silence covers it.
    pub silenced: Option<bool>,
    /// True if an inhibition covers it.
    pub inhibited: Option<bool>,
}
