//! The section `teams:` as it is spelled.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::{DispatchWord, LanguageWord, LengthOfTime, MethodWord, TierNumber, Url};
use crate::core::rules::syntax::spanned::Spanned;

type Text = Spanned<String>;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TeamSyntax {
    /// What tiers, problems and inspections name; once among all files.
    pub name: Text,
    /// As people read it; the name unless given.
    pub title: Option<Text>,
    /// Who is in it. A team with neither members nor a way to notify is skipped.
    pub members: Option<Vec<Text>>,
    /// Ways to tell the team.
    pub notify: Option<Vec<Spanned<ChannelSyntax>>>,
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
    /// In which its notices are worded: en (the default) or zh.
    #[schemars(with = "Option<LanguageWord>")]
    pub language: Option<Text>,
    /// When its channels gather notices. Unless given, those that people read do, above 10 within 5m, every 5m.
    pub digest: Option<DigestSyntax>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DigestSyntax {
    /// More notices than that; 10 unless given. P1 is always told at once.
    #[schemars(range(min = 1, max = crate::core::rules::compile::team::DIGEST_ABOVE_MAX))]
    pub above: Option<Spanned<u64>>,
    /// Within that time; 5m unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub within: Option<Text>,
    /// So often they are told together; 5m unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub every: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum ChannelSyntax {
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
    /// A mail to each of these addresses, by the server that `smtp:` of the configuration names.
    Email {
        /// noc@example.com
        to: Vec<Text>,
    },
    /// A group robot of WeCom 企业微信.
    Wecom {
        /// Its address with {secret:NAME} in place of the key.
        #[schemars(with = "Url")]
        url: Text,
    },
    /// A group robot of DingTalk 钉钉.
    Dingtalk {
        /// Its address with {secret:NAME} in place of the token.
        #[schemars(with = "Url")]
        url: Text,
        /// The name of the secret that signs (加签).
        secret: Option<Text>,
    },
    /// A group robot of Feishu 飞书.
    Feishu {
        /// Its address with {secret:NAME} in place of the token.
        #[schemars(with = "Url")]
        url: Text,
        /// The name of the secret that signs (签名校验).
        secret: Option<Text>,
    },
    /// An incoming webhook of Slack, or of what speaks like it.
    Slack {
        /// Its address with {secret:NAME} in place of the token.
        #[schemars(with = "Url")]
        url: Text,
    },
    /// Any HTTP request, with places such as {title}, {label:site} and {secret:NAME}.
    Template {
        /// POST unless given.
        #[schemars(with = "Option<MethodWord>")]
        method: Option<Text>,
        /// Values are percent-encoded in it.
        #[schemars(with = "Url")]
        url: Text,
        /// By name.
        headers: Option<BTreeMap<String, Text>>,
        /// Values are escaped in it where it is JSON; empty unless given.
        body: Option<Text>,
        /// What a good answer contains, for services that answer 200 whatever happens.
        answer_has: Option<Text>,
    },
}
