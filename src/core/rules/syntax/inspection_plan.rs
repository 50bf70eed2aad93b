//! The section `inspections:` as it is spelled.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::{Address, LengthOfTime, Limit, PeriodWord, SeverityWord, Url};
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::spanned::Spanned;

type Text = Spanned<String>;

/// What is looked at, for plans to use by its name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChecklistSyntax {
    /// Once among all files.
    pub name: Text,
    /// What is looked at.
    pub items: Vec<ItemSyntax>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanSyntax {
    /// Once among all files.
    pub name: Text,
    /// As people read it; the name unless given.
    pub title: Option<Text>,
    /// As crontab: minute hour day-of-month month day-of-week; with six fields, seconds first. Or else a window.
    pub schedule: Option<Text>,
    /// So and so often a year, to be done at any time within a window.
    pub window: Option<WindowSyntax>,
    /// Its time zone, such as Asia/Shanghai.
    pub zone: Text,
    /// Whose work it is; first-line unless given.
    pub team: Option<Text>,
    /// Not finished by then: overdue. Of a window the whole of it unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub due_within: Option<Text>,
    /// Not finished by then: missed, and raised. A window says so itself.
    #[schemars(with = "Option<LengthOfTime>")]
    pub missed_after: Option<Text>,
    /// Several times within one run, each to be done or missed by itself.
    pub slots: Option<SlotsSyntax>,
    /// Whether somebody must sign it; false unless given.
    pub sign_off: Option<bool>,
    /// The team whose members may sign; whoever has the role unless given.
    pub signers: Option<Text>,
    /// Who recorded an item may not sign; false unless given.
    pub four_eyes: Option<bool>,
    /// Checklists whose items are looked at.
    pub checklist: Option<Spanned<OneOrMore>>,
    /// Items of the inventory: everything is looked at for each of them.
    pub of: Option<Spanned<DevicesSyntax>>,
    /// What the team can do in the time of a run.
    pub capacity: Option<Spanned<CapacitySyntax>>,
    /// What is looked at, besides the checklists.
    pub items: Option<Vec<ItemSyntax>>,
}

/// Either a number of times, or the months in which a window opens.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WindowSyntax {
    /// How often.
    #[schemars(range(min = 1, max = 12))]
    pub times: Option<Spanned<u64>>,
    /// In which time; a year unless given.
    #[schemars(with = "Option<PeriodWord>")]
    pub per: Option<Text>,
    /// The month in which the first one of a year opens; 1 unless given.
    #[schemars(range(min = 1, max = 12))]
    pub first: Option<Spanned<u64>>,
    /// On the first day of each of these months.
    pub months: Option<Spanned<Vec<u64>>>,
    /// How long it is open.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SlotsSyntax {
    /// How far apart they are.
    #[schemars(with = "LengthOfTime")]
    pub every: Text,
    /// From the run's time; none begins later.
    #[schemars(rename = "for", with = "LengthOfTime")]
    #[serde(rename = "for")]
    pub lasts: Text,
    /// An item not done by then is missed; `every` unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub within: Option<Text>,
}

/// All that are given must fit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DevicesSyntax {
    /// Their class.
    pub kind: Option<Spanned<OneOrMore>>,
    /// Where they stand.
    pub site: Option<Spanned<OneOrMore>>,
    /// Their names.
    pub items: Option<Spanned<OneOrMore>>,
    /// Matchers on what the inventory says of them: class, site, owner, vendor, contract, ci and their facts.
    #[serde(rename = "match")]
    #[schemars(rename = "match")]
    pub matches: Option<Spanned<OneOrMore>>,
}

/// With the hours or a calendar.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CapacitySyntax {
    /// How many people; the members of the team unless given.
    #[schemars(range(min = 1, max = 10000))]
    pub inspectors: Option<Spanned<u64>>,
    /// What each works on a day; 8h unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub hours_a_day: Option<Text>,
    /// The working time of this calendar instead.
    pub calendar: Option<Text>,
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
pub(crate) struct ItemSyntax {
    /// Once in the plan.
    pub name: Text,
    /// As people read it; the name unless given.
    pub title: Option<Text>,
    /// Of a failure; major unless given.
    #[schemars(with = "Option<SeverityWord>")]
    pub severity: Option<Text>,
    /// Labels of the event that a failure becomes.
    pub labels: Option<BTreeMap<String, Text>>,
    /// A limit such as `> 8`: a measured value beyond it warns.
    #[schemars(with = "Option<Limit>")]
    pub warn: Option<Text>,
    /// A limit such as `> 16`: a measured value beyond it fails.
    #[schemars(with = "Option<Limit>")]
    pub fail: Option<Text>,
    /// How far ahead a steady drift towards the limit warns; 14d unless given, 0 for never.
    #[schemars(with = "Option<LengthOfTime>")]
    pub trend: Option<Text>,
    /// A fact of the device that must be found.
    pub expect: Option<ExpectSyntax>,
    /// What it takes a person; 0 unless given.
    #[schemars(range(min = 0, max = 10080))]
    pub minutes: Option<Spanned<u64>>,
    /// A person looks.
    pub manual: Option<ManualSyntax>,
    /// A page is fetched.
    pub http: Option<HttpSyntax>,
    /// A connection is made.
    pub tcp: Option<TcpSyntax>,
    /// A certificate is looked at.
    pub tls: Option<TlsSyntax>,
    /// A query is asked of Prometheus.
    pub promql: Option<PromqlSyntax>,
    /// A message must have come on a topic.
    pub mqtt: Option<MqttCheckSyntax>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectSyntax {
    /// Its name: class, site, owner, vendor, contract, or one of its facts.
    pub fact: Text,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManualSyntax {
    /// Whether a remark is required; false unless given.
    pub evidence: Option<bool>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpSyntax {
    /// What is fetched.
    #[schemars(with = "Url")]
    pub url: Text,
    /// The status that must come.
    #[schemars(range(min = 100, max = 599))]
    pub status: Option<Spanned<u64>>,
    /// A text that must be in the body.
    pub contains: Option<Text>,
    /// A JSON pointer such as /serial to what is found in the body, at most 1 MiB: the value, or what is compared.
    pub json: Option<Text>,
    /// 10s unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub timeout: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TcpSyntax {
    /// host:port
    #[schemars(with = "Address")]
    pub address: Text,
    /// 10s unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub timeout: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsSyntax {
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
pub(crate) struct PromqlSyntax {
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
pub(crate) struct MqttCheckSyntax {
    /// The topic, or a filter with + and #.
    pub topic: Text,
    /// How old the last message may be, at most 1h.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
}
