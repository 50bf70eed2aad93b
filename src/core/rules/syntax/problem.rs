//! The section `problems:` as it is spelled.

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::LengthOfTime;
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::spanned::Spanned;

type Text = Spanned<String>;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProblemSyntax {
    /// Once among all files.
    pub name: Text,
    /// Matchers over the incident's labels and `rule`.
    #[serde(rename = "match")]
    pub matches: Option<Spanned<OneOrMore>>,
    /// How many incidents of one rule and key open the problem.
    #[schemars(range(min = 2, max = crate::core::rules::compile::problem::REPEATS_MAX))]
    pub count: Spanned<u64>,
    /// Within what time they must come, at most 400d.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
    /// Incidents at most so far apart are one episode and count once, up to 24h; 60m unless said.
    #[schemars(with = "Option<LengthOfTime>")]
    pub apart: Option<Text>,
    /// Whether what comes back with the clock opens one too, however far apart; true unless said.
    pub regular: Option<bool>,
    /// The IANA time zone of that clock; Asia/Shanghai unless said.
    pub zone: Option<Text>,
    /// A team of the section `teams:`.
    pub team: Text,
    /// How long it may lie before somebody of the team has to look at it, 1h to 400d; 7d unless said.
    #[schemars(with = "Option<LengthOfTime>")]
    pub review_after: Option<Text>,
    /// How long the fault must stay away before the problem may be closed, 1h to 400d; 30d unless said.
    #[schemars(with = "Option<LengthOfTime>")]
    #[serde(alias = "quiet")]
    pub clear_after: Option<Text>,
}
