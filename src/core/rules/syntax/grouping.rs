//! The `grouping:` of a rule or a file, as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::LengthOfTime;
use super::source::OneOrMore;
use super::spanned::{Spanned, Text};

pub(in crate::core::rules) const ALERTS_MAX: u32 = 50_000;
pub(in crate::core::rules) const HOPS_MAX: u32 = 8;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::core::rules) struct GroupingSyntax {
    /// Default: true.
    pub enabled: Option<bool>,
    /// Alerts of one item that begin no further apart are one failure; default: 30s.
    #[schemars(with = "Option<LengthOfTime>")]
    pub same_item_within: Option<Text>,
    /// Time within which dependent items fail after their dependency; default: 60s.
    #[schemars(with = "Option<LengthOfTime>")]
    pub neighbours_within: Option<Text>,
    /// Maximum number of dependencies between a failure and its cause; default: 4.
    #[schemars(range(min = 0, max = HOPS_MAX))]
    pub hops: Option<Spanned<u64>>,
    /// Maximum number of consecutive silent items on that path; default: 1.
    #[schemars(range(min = 0, max = HOPS_MAX))]
    pub silent_hops: Option<Spanned<u64>>,
    /// Maximum delay of a cause's alert after its effect's; default: 30s.
    #[schemars(with = "Option<LengthOfTime>")]
    pub cause_late_by: Option<Text>,
    /// A failure that begins up to that much earlier or later than a near one is part of it if both end together;
    /// default: 6m.
    #[schemars(with = "Option<LengthOfTime>")]
    pub stragglers_within: Option<Text>,
    /// Maximum time between the ends of one failure's alerts; default: 60s.
    #[schemars(with = "Option<LengthOfTime>")]
    pub ends_within: Option<Text>,
    /// Time within which enough dependents of a silent item must have failed; default: 45s.
    #[schemars(with = "Option<LengthOfTime>")]
    pub siblings_within: Option<Text>,
    /// Time after which an unexplained alert is evaluated again; default: 25s.
    #[schemars(with = "Option<LengthOfTime>")]
    pub look_again_after: Option<Text>,
    /// Percentage of a silent item's dependents that must have failed; default: 60.
    #[schemars(range(min = 1, max = 100))]
    pub siblings_percent: Option<Spanned<u64>>,
    /// Maximum time between the starts of one group's alerts; default: 4h.
    #[schemars(with = "Option<LengthOfTime>")]
    pub lasts_at_most: Option<Text>,
    /// Maximum number of alerts in one group; default: 5000.
    #[schemars(range(min = 1, max = ALERTS_MAX))]
    pub alerts_at_most: Option<Spanned<u64>>,
    /// Number of warnings from which a group with fewer minor alerts counts as noise, so that the two are not joined;
    /// default: 12.
    #[schemars(range(min = 1, max = ALERTS_MAX))]
    pub chatter: Option<Spanned<u64>>,
    /// Labels whose equal values join alerts of any items; default: none.
    pub by: Option<Spanned<OneOrMore>>,
    /// Matchers of kinds of alerts that never belong to one failure; the first that fits decides; default: none.
    pub apart: Option<Vec<Spanned<OneOrMore>>>,
}
