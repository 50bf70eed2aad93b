//! The section `inspections:` as it is spelled.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::{Address, LengthOfTime, Limit, PeriodWord, SeverityWord, Url};
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::spanned::{Spanned, Text};

/// A checklist that plans use by its name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChecklistSyntax {
    /// Once among all files.
    pub name: Text,
    /// The items to check.
    pub items: Vec<ItemSyntax>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanSyntax {
    /// Once among all files.
    pub name: Text,
    /// Display name; default: the name.
    pub title: Option<Text>,
    /// As crontab: minute hour day-of-month month day-of-week; with six fields, seconds first. Instead of a window.
    pub schedule: Option<Text>,
    /// A number of times a year, at any time within a window.
    pub window: Option<WindowSyntax>,
    /// Its time zone, such as Asia/Shanghai.
    pub zone: Text,
    /// The team that does it; default: first-line.
    pub team: Option<Text>,
    /// A run not finished by then is overdue; default of a window: its whole length.
    #[schemars(with = "Option<LengthOfTime>")]
    pub due_within: Option<Text>,
    /// A run not finished by then is missed, and raised. A window sets this itself.
    #[schemars(with = "Option<LengthOfTime>")]
    pub missed_after: Option<Text>,
    /// Several rounds within one run, each done or missed separately.
    pub slots: Option<SlotsSyntax>,
    /// True if a person must sign it; default: false.
    pub sign_off: Option<bool>,
    /// The team whose members may sign; default: everyone with the role.
    pub signers: Option<Text>,
    /// A person who recorded an item may not sign; default: false.
    pub four_eyes: Option<bool>,
    /// Checklists whose items are checked.
    pub checklist: Option<Spanned<OneOrMore>>,
    /// Items of the inventory: every check is made for each of them.
    pub of: Option<Spanned<DevicesSyntax>>,
    /// The team's capacity in the time of a run.
    pub capacity: Option<Spanned<CapacitySyntax>>,
    /// Items to check, in addition to the checklists.
    pub items: Option<Vec<ItemSyntax>>,
}

/// Either a number of times, or the months in which a window opens.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WindowSyntax {
    /// Number of times.
    #[schemars(range(min = 1, max = 12))]
    pub times: Option<Spanned<u64>>,
    /// The period; default: a year.
    #[schemars(with = "Option<PeriodWord>")]
    pub per: Option<Text>,
    /// The month in which the first window of a year opens; default: 1.
    #[schemars(range(min = 1, max = 12))]
    pub first: Option<Spanned<u64>>,
    /// Opens on the first day of each of these months.
    pub months: Option<Spanned<Vec<u64>>>,
    /// Duration of the window.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SlotsSyntax {
    /// Time between the rounds.
    #[schemars(with = "LengthOfTime")]
    pub every: Text,
    /// Duration, from the run's time; no round begins later.
    #[schemars(rename = "for", with = "LengthOfTime")]
    #[serde(rename = "for")]
    pub lasts: Text,
    /// An item not done by then is missed; default: `every`.
    #[schemars(with = "Option<LengthOfTime>")]
    pub within: Option<Text>,
}

/// All given criteria must fit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DevicesSyntax {
    /// Their class.
    pub kind: Option<Spanned<OneOrMore>>,
    /// Their sites.
    pub site: Option<Spanned<OneOrMore>>,
    /// Their names.
    pub items: Option<Spanned<OneOrMore>>,
    /// Matchers over their inventory data: class, site, owner, vendor, contract, ci and their facts.
    #[serde(rename = "match")]
    #[schemars(rename = "match")]
    pub matches: Option<Spanned<OneOrMore>>,
}

/// With the hours or a calendar.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CapacitySyntax {
    /// Number of people; default: the members of the team.
    #[schemars(range(min = 1, max = 10000))]
    pub inspectors: Option<Spanned<u64>>,
    /// Working time of each on a day; default: 8h.
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
    /// Display name; default: the name.
    pub title: Option<Text>,
    /// Severity of a failure; default: major.
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
    /// Horizon within which a steady drift towards the limit warns; default: 14d, 0 for never.
    #[schemars(with = "Option<LengthOfTime>")]
    pub trend: Option<Text>,
    /// A fact of the device to confirm.
    pub expect: Option<ExpectSyntax>,
    /// Minutes of a person's work; default: 0.
    #[schemars(range(min = 0, max = 10080))]
    pub minutes: Option<Spanned<u64>>,
    /// A check by a person.
    pub manual: Option<ManualSyntax>,
    /// An HTTP request.
    pub http: Option<HttpSyntax>,
    /// A TCP connection.
    pub tcp: Option<TcpSyntax>,
    /// A check of a TLS certificate.
    pub tls: Option<TlsSyntax>,
    /// A query to Prometheus.
    pub promql: Option<PromqlSyntax>,
    /// A wait for an MQTT message.
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
    /// True if a remark is required; default: false.
    pub evidence: Option<bool>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpSyntax {
    /// The URL to fetch.
    #[schemars(with = "Url")]
    pub url: Text,
    /// The expected status.
    #[schemars(range(min = 100, max = 599))]
    pub status: Option<Spanned<u64>>,
    /// A text that the body must contain.
    pub contains: Option<Text>,
    /// A JSON pointer such as /serial to the observed value in the body, at most 1 MiB: the measured value, or the
    /// compared one.
    pub json: Option<Text>,
    /// Default: 10s.
    #[schemars(with = "Option<LengthOfTime>")]
    pub timeout: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TcpSyntax {
    /// host:port
    #[schemars(with = "Address")]
    pub address: Text,
    /// Default: 10s.
    #[schemars(with = "Option<LengthOfTime>")]
    pub timeout: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsSyntax {
    /// host:port
    #[schemars(with = "Address")]
    pub address: Text,
    /// Warns if the certificate is valid for less than that; default: 30d.
    #[schemars(with = "Option<LengthOfTime>")]
    pub warn_below: Option<Text>,
    /// Fails if it is valid for less than that; default: 7d.
    #[schemars(with = "Option<LengthOfTime>")]
    pub fail_below: Option<Text>,
    /// Default: 10s.
    #[schemars(with = "Option<LengthOfTime>")]
    pub timeout: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PromqlSyntax {
    /// URL of the Prometheus server.
    #[schemars(with = "Url")]
    pub server: Text,
    /// A PromQL expression.
    pub query: Text,
    /// A limit such as `> 8`: a value beyond it warns.
    #[schemars(with = "Option<Limit>")]
    pub warn: Option<Text>,
    /// A limit such as `> 16`: a value beyond it fails.
    #[schemars(with = "Option<Limit>")]
    pub fail: Option<Text>,
    /// Default: 10s.
    #[schemars(with = "Option<LengthOfTime>")]
    pub timeout: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MqttCheckSyntax {
    /// The topic, or a filter with + and #.
    pub topic: Text,
    /// Maximum age of the last message, at most 1h.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
}
