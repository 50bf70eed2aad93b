//! The section `problems:` as it is spelled.

use schemars::JsonSchema;
use serde::Deserialize;

use super::schema::LengthOfTime;
use crate::rules::source::OneOrMore;
use crate::rules::spanned::Spanned;

type Text = Spanned<String>;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProblemEntry {
    /// Once among all files.
    pub name: Text,
    /// Matchers over the incident's labels and `rule`.
    #[serde(rename = "match")]
    pub matches: Option<Spanned<OneOrMore>>,
    /// How many incidents of one rule and key open the problem.
    #[schemars(range(min = 2, max = super::problem::REPEATS_MAX))]
    pub count: Spanned<u64>,
    /// Within what time they must come, at most 400d.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
    /// A team of the section `teams:`.
    pub team: Text,
}
