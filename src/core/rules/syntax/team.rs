//! The section `teams:` as it is spelled.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::{DispatchWord, LanguageWord, LengthOfTime, MethodWord, TierNumber, Url, WebhookFormatWord};
use crate::core::rules::syntax::spanned::{Spanned, Text};

/// No one reads more notifications than that at once.
pub(in crate::core::rules) const DIGEST_ABOVE_MAX: u32 = 1_000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TeamSyntax {
    /// Its name in tiers, problems and inspections; once among all files.
    pub name: Text,
    /// Display name; default: the name.
    pub title: Option<Text>,
    /// Its members. A team with neither members nor a channel is skipped.
    pub members: Option<Vec<Text>>,
    /// Channels to notify the team.
    pub notify: Option<Vec<Spanned<ChannelSyntax>>>,
    /// The vendors that this team represents in steps with `vendor: true`.
    pub vendors: Option<Vec<Text>>,
    /// Its line of support.
    #[schemars(with = "Option<TierNumber>")]
    pub tier: Option<Spanned<u64>>,
    /// Its sites; default: everywhere.
    pub sites: Option<Vec<Text>>,
    /// The work it accepts, by the label or fact `skill`; default: anything.
    pub skills: Option<Vec<Text>>,
    /// Employer of its people.
    pub organisation: Option<Text>,
    /// The on-call schedule of the team; default: its members at any time.
    pub roster: Option<Text>,
    /// Assignment of its work to people; default: least_loaded with an on-call schedule, by_hand without.
    #[schemars(with = "Option<DispatchWord>")]
    pub dispatch: Option<Text>,
    /// Language of its notifications: en (the default) or zh.
    #[schemars(with = "Option<LanguageWord>")]
    pub language: Option<Text>,
    /// Digest of its channels. By default, channels that people read use one above 10 within 5m, every 5m.
    pub digest: Option<DigestSyntax>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DigestSyntax {
    /// A digest starts above that number of notifications; default: 10. P1 is always sent at once.
    #[schemars(range(min = 1, max = DIGEST_ABOVE_MAX))]
    pub above: Option<Spanned<u64>>,
    /// Window of `above`; default: 5m.
    #[schemars(with = "Option<LengthOfTime>")]
    pub within: Option<Text>,
    /// Interval of digests; default: 5m.
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
        /// Its body: watchfire (the default), or alertmanager, the body of an Alertmanager's webhook.
        #[schemars(with = "Option<WebhookFormatWord>")]
        format: Option<Text>,
        /// With format alertmanager: how many alerts a body holds; default: 0, which is all.
        max_alerts: Option<Spanned<u64>>,
        /// With format alertmanager: whether it is told the end; default: true.
        send_resolved: Option<bool>,
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
    /// An incoming webhook of Slack, or of a compatible service.
    Slack {
        /// Its address with {secret:NAME} in place of the token.
        #[schemars(with = "Url")]
        url: Text,
    },
    /// Any HTTP request, with placeholders such as {title}, {label:site} and {secret:NAME}.
    Template {
        /// Default: POST.
        #[schemars(with = "Option<MethodWord>")]
        method: Option<Text>,
        /// Values are percent-encoded in it.
        #[schemars(with = "Url")]
        url: Text,
        /// By name.
        headers: Option<BTreeMap<String, Text>>,
        /// Values are escaped in it if it is JSON; default: empty.
        body: Option<Text>,
        /// Text of a good response, for services that return 200 even for errors.
        answer_has: Option<Text>,
    },
}
