//! The `extract:`, `severities:`, `templates:` and `naming:` sections, as written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::{SeverityWord, TextOfEvent};
use super::source::OneOrMore;
use super::spanned::{Spanned, Text};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::core::rules) struct ExtractSyntax {
    /// Once among all files.
    pub name: Text,
    /// Matchers of the events it applies to.
    #[serde(rename = "match")]
    pub matches: Option<Spanned<OneOrMore>>,
    /// The text to read: summary, labels.NAME or annotations.NAME.
    #[schemars(with = "TextOfEvent")]
    pub from: Text,
    /// With named groups, which become facts: `(?P<interface>\S+) changed state`.
    pub regex: Text,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::core::rules) struct SeveritiesSyntax {
    /// Matchers of the events it applies to.
    #[serde(rename = "match")]
    pub matches: Option<Spanned<OneOrMore>>,
    /// Location of the word; default: labels.severity.
    #[schemars(with = "Option<TextOfEvent>")]
    pub from: Option<Text>,
    /// The tool's words, and their meanings.
    #[schemars(with = "BTreeMap<String, SeverityWord>")]
    pub words: Spanned<BTreeMap<String, Text>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::core::rules) struct TemplateSyntax {
    /// Matchers of the events it applies to.
    #[serde(rename = "match")]
    pub matches: Option<Spanned<OneOrMore>>,
    /// The text to reduce: summary, labels.NAME or annotations.NAME.
    #[schemars(with = "TextOfEvent")]
    pub from: Text,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::core::rules) struct NamingSyntax {
    /// The label whose value is such a name.
    pub label: Text,
    /// Matchers of the events it applies to.
    #[serde(rename = "match")]
    pub matches: Option<Spanned<OneOrMore>>,
    /// A regular expression for the whole name; its named groups become facts.
    pub pattern: Text,
    /// Names that fit, checked when the file is read.
    pub examples: Option<Spanned<OneOrMore>>,
}
