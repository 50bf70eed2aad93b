//! The section `problems:` as it is spelled.

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::LengthOfTime;
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::spanned::{Spanned, Text};

/// Maximum number of repeats of one fingerprint that the desk remembers.
pub(in crate::core::rules) const REPEATS_MAX: u32 = 64;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProblemSyntax {
    /// Once among all files.
    pub name: Text,
    /// Matchers over the incident's labels and `rule`.
    #[serde(rename = "match")]
    pub matches: Option<Spanned<OneOrMore>>,
    /// Number of incidents of one rule and key that opens the problem.
    #[schemars(range(min = 2, max = REPEATS_MAX))]
    pub count: Spanned<u64>,
    /// Time within which they must come, at most 400d.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
    /// Incidents at most so far apart are one episode and count once, up to 24h; default: 60m.
    #[schemars(with = "Option<LengthOfTime>")]
    pub apart: Option<Text>,
    /// True if a regular recurrence by the clock opens one too, at any distance; default: true.
    pub regular: Option<bool>,
    /// The IANA time zone of that clock; default: Asia/Shanghai.
    pub zone: Option<Text>,
    /// A team of the section `teams:`.
    pub team: Text,
    /// Maximum time without a review by the team, 1h to 400d; default: 7d.
    #[schemars(with = "Option<LengthOfTime>")]
    pub review_after: Option<Text>,
    /// Time without recurrence before the problem may be closed, 1h to 400d; default: 30d.
    #[schemars(with = "Option<LengthOfTime>")]
    #[serde(alias = "quiet")]
    pub clear_after: Option<Text>,
}
