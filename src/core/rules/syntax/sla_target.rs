//! The sections `sla:`, `breach_reasons:` and `outages:` as they are spelled, and a rule's word on outages.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::{LengthOfTime, MeasureWord, OnBreachWord, PartyWord, WorkingTime};
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::spanned::{Spanned, Text};

/// The highest version of a target.
pub(in crate::core::rules) const VERSION_MAX: u32 = 100_000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetSyntax {
    /// The common name of all versions of one target.
    pub name: Text,
    /// Counts up from 1; once per name.
    #[schemars(range(min = 1, max = VERSION_MAX))]
    pub version: Spanned<u64>,
    /// In effect for incidents that open from then on; a time with offset, such as 2026-01-01T00:00:00+08:00.
    pub from: Option<Text>,
    /// … until then.
    pub until: Option<Text>,
    /// Reason for this version.
    #[serde(alias = "because")]
    pub justification: Option<Text>,
    /// Matchers over the incident's labels, and over the facts of its item as fact.owner and the like.
    #[serde(rename = "match")]
    pub matches: Option<Spanned<OneOrMore>>,
    /// incident, event or request, or a list of them; default: all.
    pub class: Option<Spanned<OneOrMore>>,
    /// P1 to P4, or a list of them; default: all.
    pub priority: Option<Spanned<OneOrMore>>,
    /// A calendar: only for incidents that open while it is open. So Mondays can have another target than Fridays.
    pub during: Option<Text>,
    /// 响应时限: until the first contact is logged.
    pub tto: Option<PromiseSyntax>,
    /// 解决时限: until it is resolved.
    pub ttr: Option<PromiseSyntax>,
    /// Length of a working day (wd) of this target.
    #[schemars(with = "Option<LengthOfTime>")]
    pub working_day: Option<Text>,
    /// Percentages of the limit at which the team is warned; default: [75, 90].
    pub warnings: Option<Vec<Spanned<u64>>>,
    /// Reasons that pause the time-to-resolve clock: customer, vendor, change; default: [customer, change].
    pub pauses: Option<Spanned<OneOrMore>>,
    /// On trial: clocks run, no notification is sent; default: false.
    pub shadow: Option<bool>,
    /// page (the default) or note.
    #[schemars(with = "Option<OnBreachWord>")]
    pub on_breach: Option<Text>,
    /// The measures that judge it.
    pub indicators: Option<Vec<IndicatorSyntax>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PromiseSyntax {
    /// Working time with its unit: 8h, or 2wd for two working days.
    #[schemars(with = "WorkingTime")]
    pub within: Text,
    /// The calendar of that working time; default: always (7×24).
    pub calendar: Option<Text>,
    /// Other limits by channel (phone, mail, visit, chat), for incidents with the label channel.
    #[schemars(with = "Option<BTreeMap<String, WorkingTime>>")]
    pub channels: Option<BTreeMap<String, Text>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IndicatorSyntax {
    /// Its name in reports.
    pub name: Text,
    /// response, resolution, first_fix, reopened or contact.
    #[schemars(with = "MeasureWord")]
    pub measure: Text,
    /// For contact: the channel.
    pub by: Option<Text>,
    /// For contact: the limit, in the working time of tto.
    #[schemars(with = "Option<WorkingTime>")]
    pub within: Option<Text>,
    /// In percent; for reopened use at_most.
    #[schemars(range(min = 0, max = 100))]
    pub at_least: Option<Spanned<u64>>,
    /// In percent; for reopened.
    #[schemars(range(min = 0, max = 100))]
    pub at_most: Option<Spanned<u64>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BreachReasonSyntax {
    /// The code that people give when they resolve late, such as spare_part.
    pub code: Text,
    /// Display name.
    pub title: Text,
}

/// A rule's statement that its incidents are outages.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutageSyntax {
    /// The service that is out; default: the label service.
    pub service: Option<Text>,
    /// The party at fault: provider, customer or third_party.
    #[schemars(with = "PartyWord")]
    pub party: Text,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutageBudgetSyntax {
    /// Once among all files.
    pub name: Text,
    /// Matchers on customer and service; default: all.
    #[serde(rename = "match")]
    pub matches: Option<Spanned<OneOrMore>>,
    /// The party whose outages count; default: provider.
    #[schemars(with = "Option<PartyWord>")]
    pub party: Option<Text>,
    /// Maximum in a calendar year; default: 72h.
    #[schemars(with = "Option<LengthOfTime>")]
    pub a_year: Option<Text>,
    /// Time zone in which the year begins, such as Asia/Shanghai.
    pub zone: Text,
    /// Percentages used at which an event is raised; default: [50, 80, 100].
    pub warn_at: Option<Vec<Spanned<u64>>>,
}
