//! The section `people:` as it is spelled.

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::{LanguageWord, LengthOfTime, PriorityWord};
use super::team::ChannelSyntax;
use crate::core::rules::syntax::spanned::{Spanned, Text};

/// Maximum of a person's limit of open incidents.
pub(in crate::core::rules) const LIMIT_MAX: u32 = 1_000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonSyntax {
    /// Its name in teams and on-call schedules; once among all files.
    pub name: Text,
    /// Display name; default: the name.
    pub title: Option<Text>,
    /// Employer; default: empty.
    pub organisation: Option<Text>,
    /// Sites where they work; default: everywhere.
    pub sites: Option<Vec<Text>>,
    /// Their skills; incidents require one by the fact or label `skill`.
    pub skills: Option<Vec<Text>>,
    /// Maximum number of their open incidents; default: 5.
    #[schemars(range(min = 1, max = LIMIT_MAX))]
    pub limit: Option<Spanned<u64>>,
    /// Language of their notifications: en (the default) or zh.
    #[schemars(with = "Option<LanguageWord>")]
    pub language: Option<Text>,
    /// Their contacts, in addition to the channels of their team.
    pub notify: Option<Vec<ContactSyntax>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContactSyntax {
    /// The channel.
    pub by: Spanned<ChannelSyntax>,
    /// Only for these priorities; default: all.
    #[schemars(with = "Option<Vec<PriorityWord>>")]
    pub priorities: Option<Vec<Text>>,
    /// Only while this calendar is open; default: always.
    pub calendar: Option<Text>,
    /// Delay after the page, if it is still unacknowledged; default: at once.
    #[schemars(with = "Option<LengthOfTime>")]
    pub after: Option<Text>,
}
