//! The section `tiers:` as it is spelled.

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::{LengthOfTime, PriorityWord, StepKindWord, StopWord, TierNumber};
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::spanned::Spanned;

type Text = Spanned<String>;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LadderSyntax {
    /// What rules name in `tiers:`; once among all files.
    pub name: Text,
    /// The calendar in whose working time its delays count, where a step does not say; wall time unless given.
    pub calendar: Option<Text>,
    /// In the order in which they are climbed.
    pub steps: Vec<StepSyntax>,
    /// Who is told besides, while the incident stays where it is.
    #[serde(alias = "hierarchy")]
    pub notify_managers: Option<Vec<HierarchicalSyntax>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepSyntax {
    /// Line of support; never lower than the step before.
    #[schemars(with = "TierNumber")]
    pub tier: Spanned<u64>,
    /// A team of the section `teams:`.
    pub team: Option<Text>,
    /// Instead of a team: the one that lists the vendor of the failed item, if the item's contract still holds.
    pub vendor: Option<Spanned<bool>>,
    /// How its people are sent to work; phone unless given.
    #[schemars(with = "Option<StepKindWord>")]
    pub kind: Option<Text>,
    /// Unacknowledged for that long: on to the next step.
    #[schemars(with = "LengthOfTime")]
    pub respond_by: Text,
    /// How often it is paged until then; 10m unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub page_every: Option<Text>,
    /// Unresolved for that long: one more page, and on to the next step.
    #[schemars(with = "Option<LengthOfTime>")]
    pub resolve_by: Option<Text>,
    /// The calendar in whose working time these delays count; `always` is wall time.
    pub calendar: Option<Text>,
    /// Triage fields that must be written down before a person may hand it on: symptom, tried, affected, …
    #[serde(alias = "demands")]
    pub required_fields: Option<Spanned<OneOrMore>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HierarchicalSyntax {
    /// From when the incident began to climb.
    #[schemars(with = "LengthOfTime")]
    pub after: Text,
    /// Only for these; for all unless given.
    #[schemars(with = "Option<Vec<PriorityWord>>")]
    pub priorities: Option<Vec<Text>>,
    /// The team that is told.
    pub team: Option<Text>,
    /// Or the person.
    pub person: Option<Text>,
    /// How often again; 0 unless given.
    #[schemars(range(max = crate::core::rules::compile::escalation_policy::REPEAT_MAX))]
    pub repeat: Option<Spanned<u64>>,
    /// How far apart; as long as `after` unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub every: Option<Text>,
    /// What ends it besides the end of the incident: acknowledged, pending.
    #[schemars(with = "Option<Vec<StopWord>>")]
    pub stop_when: Option<Vec<Text>>,
    /// The calendar in whose working time `after` and `every` count; the ladder's unless given.
    pub calendar: Option<Text>,
}
