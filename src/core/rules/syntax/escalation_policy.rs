//! The section `tiers:` as it is spelled.

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::{LengthOfTime, PriorityWord, StepKindWord, StopWord, TierNumber};
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::spanned::{Spanned, Text};

/// Maximum number of repeated notifications to a manager.
pub(in crate::core::rules) const REPEAT_MAX: u32 = 100;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LadderSyntax {
    /// Its name in the `tiers:` of rules; once among all files.
    pub name: Text,
    /// The calendar in whose working time its delays count, for steps without their own; default: wall time.
    pub calendar: Option<Text>,
    /// In the order of escalation.
    pub steps: Vec<StepSyntax>,
    /// Managers notified in addition, while the incident stays with its team.
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
    /// Instead of a team: the one that lists the vendor of the failed item, if the item's contract is still valid.
    pub vendor: Option<Spanned<bool>>,
    /// Mode of dispatching its people; default: phone.
    #[schemars(with = "Option<StepKindWord>")]
    pub kind: Option<Text>,
    /// Without acknowledgement for that long, it goes to the next step.
    #[schemars(with = "LengthOfTime")]
    pub respond_by: Text,
    /// Interval of pages until then; default: 10m.
    #[schemars(with = "Option<LengthOfTime>")]
    pub page_every: Option<Text>,
    /// true: its pages are a sign of life for another service. They go on until the incident is over, whoever acknowledges
    /// it; default: false.
    pub keeps_paging: Option<bool>,
    /// Unresolved for that long: one more page, then the next step.
    #[schemars(with = "Option<LengthOfTime>")]
    pub resolve_by: Option<Text>,
    /// The calendar in whose working time these delays count; `always` is wall time.
    pub calendar: Option<Text>,
    /// Triage fields required before a person may escalate: symptom, tried, affected, …
    #[serde(alias = "demands")]
    pub required_fields: Option<Spanned<OneOrMore>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HierarchicalSyntax {
    /// Delay from the start of escalation.
    #[schemars(with = "LengthOfTime")]
    pub after: Text,
    /// Only for these priorities; default: all.
    #[schemars(with = "Option<Vec<PriorityWord>>")]
    pub priorities: Option<Vec<Text>>,
    /// The team that is notified.
    pub team: Option<Text>,
    /// Or the person.
    pub person: Option<Text>,
    /// Number of repeats; default: 0.
    #[schemars(range(max = REPEAT_MAX))]
    pub repeat: Option<Spanned<u64>>,
    /// Interval of repeats; default: as long as `after`.
    #[schemars(with = "Option<LengthOfTime>")]
    pub every: Option<Text>,
    /// Reasons to stop other than the end of the incident: acknowledged, pending.
    #[schemars(with = "Option<Vec<StopWord>>")]
    pub stop_when: Option<Vec<Text>>,
    /// The calendar in whose working time `after` and `every` count; default: the policy's.
    pub calendar: Option<Text>,
}
