//! The `maintenance:` and `storms:` sections, as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::{LengthOfTime, SeverityWord};
use super::source::OneOrMore;
use super::spanned::{Spanned, Text};

pub(in crate::core::rules) const BUCKETS_MAX: u32 = 60;
/// Equal to the number of events in an incident's evidence.
pub(in crate::core::rules) const REPRESENTATIVES_MAX: u32 = 20;
pub(in crate::core::rules) const HOPS_MAX: u32 = 32;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::core::rules) struct MaintenanceSyntax {
    /// Once among all files.
    pub name: Text,
    /// The change that it belongs to.
    pub change: Option<Text>,
    /// The change is approved, so clocks pause; default: false.
    pub pauses: Option<bool>,
    /// Start: `2026-02-13T01:00:00+08:00`, or `2026-02-13T01:00` with a zone.
    pub from: Option<Text>,
    /// End, at most a year later.
    pub to: Option<Text>,
    /// Recurring start as a crontab line; with `lasts` and `zone`.
    pub schedule: Option<Text>,
    /// Duration of each window.
    #[schemars(with = "Option<LengthOfTime>")]
    #[serde(rename = "for")]
    pub lasts: Option<Text>,
    /// The time zone, such as Asia/Shanghai.
    pub zone: Option<Text>,
    /// Matchers of the alerts that it covers.
    #[serde(rename = "match")]
    pub matches: Option<Spanned<OneOrMore>>,
    /// Items of the inventory that it covers.
    pub items: Option<Spanned<OneOrMore>>,
    /// Sites that it covers.
    pub site: Option<Spanned<OneOrMore>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::core::rules) struct StormSyntax {
    /// Also the rule name of its incident; once among all files.
    pub name: Text,
    /// Matchers of the alerts that count; default: all.
    #[serde(rename = "match")]
    pub matches: Option<Spanned<OneOrMore>>,
    /// The label whose value is the place.
    pub scope: Text,
    /// Distinct alerts that begin within a minute; default: 50.
    #[schemars(range(min = 2, max = 1_000_000))]
    pub at_least: Option<Spanned<u64>>,
    /// Factor above the usual, in deviations; default: 6.
    #[schemars(range(min = 0, max = 100))]
    pub factor: Option<Spanned<f64>>,
    /// Number of consecutive minutes; default: 2.
    #[schemars(range(min = 1, max = BUCKETS_MAX))]
    pub buckets: Option<Spanned<u64>>,
    /// It ends after that long with less than half of the bar; default: 10m.
    #[schemars(with = "Option<LengthOfTime>")]
    pub leave_after: Option<Text>,
    /// Number of alerts that its incident shows; default: 10.
    #[schemars(range(min = 1, max = REPRESENTATIVES_MAX))]
    pub representatives: Option<Spanned<u64>>,
    /// Alerts of that severity or worse are never suppressed by it; without it, all are.
    #[schemars(with = "Option<SeverityWord>")]
    pub top_severity: Option<Text>,
}
