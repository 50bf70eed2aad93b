//! Tables of a rule file (CSV beside it), as declared.

use schemars::JsonSchema;
use serde::Deserialize;

use super::source::OneOrMore;
use super::spanned::{Spanned, Text};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::core::rules) struct TableSyntax {
    /// Once among all files.
    pub name: Text,
    /// A `.csv` file below the directory of the rules, with the names of the columns in the first row.
    pub file: Text,
    /// Labels (or `fact.<name>`) that find a row.
    pub key: Spanned<OneOrMore>,
}
