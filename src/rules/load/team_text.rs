//! The section `teams:` as it is spelled.

use schemars::JsonSchema;
use serde::Deserialize;

use super::schema::{DispatchWord, TierNumber, Url};
use crate::rules::spanned::Spanned;

type Text = Spanned<String>;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TeamEntry {
    /// What tiers, problems and inspections name; once among all files.
    pub name: Text,
    /// As people read it; the name unless given.
    pub title: Option<Text>,
    /// Who is in it. A team with neither members nor a way to notify is skipped.
    pub members: Option<Vec<Text>>,
    /// Ways to tell the team.
    pub notify: Option<Vec<Spanned<ChannelText>>>,
    /// The vendors of items for whose steps (`vendor: true`) this team stands.
    pub vendors: Option<Vec<Text>>,
    /// The line of support that it is.
    #[schemars(with = "Option<TierNumber>")]
    pub tier: Option<Spanned<u64>>,
    /// Where it works; everywhere unless given.
    pub sites: Option<Vec<Text>>,
    /// What it takes, by the label or fact `skill`; anything unless given.
    pub skills: Option<Vec<Text>>,
    /// Whose people they are.
    pub organisation: Option<Text>,
    /// The roster that says who works when; its members, always, unless given.
    pub roster: Option<Text>,
    /// How its work finds a person; least_loaded with a roster, by_hand without, unless given.
    #[schemars(with = "Option<DispatchWord>")]
    pub dispatch: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum ChannelText {
    /// A POST to this address.
    Webhook {
        /// http or https.
        #[schemars(with = "Url")]
        url: Text,
    },
    /// A message on this topic; `{id}` is the incident's.
    Mqtt {
        /// Without + and #.
        topic: Text,
    },
}
