//! The section `tiers:` as it is spelled.

use schemars::JsonSchema;
use serde::Deserialize;

use super::schema::{LengthOfTime, TierNumber};
use crate::rules::spanned::Spanned;

type Text = Spanned<String>;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LadderEntry {
    /// What rules name in `tiers:`; once among all files.
    pub name: Text,
    /// In the order in which they are climbed.
    pub steps: Vec<StepEntry>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StepEntry {
    /// Line of support; never lower than the step before.
    #[schemars(with = "TierNumber")]
    pub tier: Spanned<u64>,
    /// A team of the section `teams:`.
    pub team: Text,
    /// Unacknowledged for that long: on to the next step.
    #[schemars(with = "LengthOfTime")]
    pub respond_by: Text,
    /// How often it is paged until then; 10m unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub page_every: Option<Text>,
    /// Unresolved for that long: one more page, and on to the next step.
    #[schemars(with = "Option<LengthOfTime>")]
    pub resolve_by: Option<Text>,
}
