//! The section `inspections:` as it is spelled.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::schema::{Address, LengthOfTime, Limit, SeverityWord, Url};
use crate::rules::spanned::Spanned;

type Text = Spanned<String>;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanEntry {
    /// Once among all files.
    pub name: Text,
    /// As people read it; the name unless given.
    pub title: Option<Text>,
    /// As crontab: minute hour day-of-month month day-of-week; with six fields, seconds first.
    pub schedule: Text,
    /// Its time zone, such as Asia/Shanghai.
    pub zone: Text,
    /// Whose work it is; first-line unless given.
    pub team: Option<Text>,
    /// Not finished by then: overdue.
    #[schemars(with = "LengthOfTime")]
    pub due_within: Text,
    /// Not finished by then: missed, and raised.
    #[schemars(with = "LengthOfTime")]
    pub missed_after: Text,
    /// Whether somebody must sign it; false unless given.
    pub sign_off: Option<bool>,
    /// What is looked at.
    pub items: Vec<ItemEntry>,
}

/// With exactly one of the checks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    {"required": ["manual"]},
    {"required": ["http"]},
    {"required": ["tcp"]},
    {"required": ["tls"]},
    {"required": ["promql"]},
    {"required": ["mqtt"]},
]))]
pub(super) struct ItemEntry {
    /// Once in the plan.
    pub name: Text,
    /// As people read it; the name unless given.
    pub title: Option<Text>,
    /// Of a failure; major unless given.
    #[schemars(with = "Option<SeverityWord>")]
    pub severity: Option<Text>,
    /// Labels of the event that a failure becomes.
    pub labels: Option<BTreeMap<String, Text>>,
    /// A person looks.
    pub manual: Option<ManualText>,
    /// A page is fetched.
    pub http: Option<HttpText>,
    /// A connection is made.
    pub tcp: Option<TcpText>,
    /// A certificate is looked at.
    pub tls: Option<TlsText>,
    /// A query is asked of Prometheus.
    pub promql: Option<PromqlText>,
    /// A message must have come on a topic.
    pub mqtt: Option<MqttCheckText>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ManualText {
    /// Whether a remark is required; false unless given.
    pub evidence: Option<bool>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpText {
    /// What is fetched.
    #[schemars(with = "Url")]
    pub url: Text,
    /// The status that must come.
    #[schemars(range(min = 100, max = 599))]
    pub status: Option<Spanned<u64>>,
    /// A text that must be in the body.
    pub contains: Option<Text>,
    /// 10s unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub timeout: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TcpText {
    /// host:port
    #[schemars(with = "Address")]
    pub address: Text,
    /// 10s unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub timeout: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsText {
    /// host:port
    #[schemars(with = "Address")]
    pub address: Text,
    /// Warns when the certificate is valid for less than that; 30d unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub warn_below: Option<Text>,
    /// Fails when it is valid for less than that; 7d unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub fail_below: Option<Text>,
    /// 10s unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub timeout: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PromqlText {
    /// The Prometheus to ask.
    #[schemars(with = "Url")]
    pub server: Text,
    /// A PromQL expression.
    pub query: Text,
    /// A limit such as `> 8`: warns where a value is beyond.
    #[schemars(with = "Option<Limit>")]
    pub warn: Option<Text>,
    /// A limit such as `> 16`: fails where a value is beyond.
    #[schemars(with = "Option<Limit>")]
    pub fail: Option<Text>,
    /// 10s unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub timeout: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MqttCheckText {
    /// The topic, or a filter with + and #.
    pub topic: Text,
    /// How old the last message may be, at most 1h.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
}
