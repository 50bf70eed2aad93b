//! The section `people:` as it is spelled.

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::{LanguageWord, LengthOfTime, PriorityWord};
use super::team::ChannelSyntax;
use crate::core::rules::syntax::spanned::Spanned;

type Text = Spanned<String>;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonSyntax {
    /// What teams and rosters name; once among all files.
    pub name: Text,
    /// As people read it; the name unless given.
    pub title: Option<Text>,
    /// Who employs them; empty unless given.
    pub organisation: Option<Text>,
    /// Where they work; everywhere unless given.
    pub sites: Option<Vec<Text>>,
    /// What they can do; what incidents ask for by the fact or label `skill`.
    pub skills: Option<Vec<Text>>,
    /// How many open incidents they may hold at a time; 5 unless given.
    #[schemars(range(min = 1, max = crate::core::rules::compile::person::LIMIT_MAX))]
    pub limit: Option<Spanned<u64>>,
    /// In which their notices are worded: en (the default) or zh.
    #[schemars(with = "Option<LanguageWord>")]
    pub language: Option<Text>,
    /// How they are told, besides the channels of their team.
    pub notify: Option<Vec<ContactSyntax>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContactSyntax {
    /// The channel.
    pub by: Spanned<ChannelSyntax>,
    /// Only for these priorities; for all unless given.
    #[schemars(with = "Option<Vec<PriorityWord>>")]
    pub priorities: Option<Vec<Text>>,
    /// Only while this calendar is open; always unless given.
    pub calendar: Option<Text>,
    /// How long after the page, if nobody has acknowledged by then; at once unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub after: Option<Text>,
}
