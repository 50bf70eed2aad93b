//! The sections `sla:`, `breach_reasons:` and `outages:` as they are spelled, and a rule's word on outages.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::{LengthOfTime, MeasureWord, OnBreachWord, PartyWord, WorkingTime};
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::spanned::Spanned;

type Text = Spanned<String>;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetSyntax {
    /// Versions of one promise share it.
    pub name: Text,
    /// Counts up from 1; once per name.
    #[schemars(range(min = 1, max = crate::core::rules::compile::sla_target::VERSION_MAX))]
    pub version: Spanned<u64>,
    /// In effect for what opens from then on; a moment with offset, such as 2026-01-01T00:00:00+08:00.
    pub from: Option<Text>,
    /// … until then.
    pub until: Option<Text>,
    /// Why this version was made.
    #[serde(alias = "because")]
    pub justification: Option<Text>,
    /// Matchers on the incident's labels, and on the facts of its item as fact.owner and the like.
    #[serde(rename = "match")]
    pub matches: Option<Spanned<OneOrMore>>,
    /// incident, event or request, or a list of them; all unless given.
    pub class: Option<Spanned<OneOrMore>>,
    /// P1 to P4, or a list of them; all unless given.
    pub priority: Option<Spanned<OneOrMore>>,
    /// A calendar: only for what opens while it is open. So Mondays can have another target than Fridays.
    pub during: Option<Text>,
    /// 响应时限: until the first contact is logged.
    pub tto: Option<PromiseSyntax>,
    /// 解决时限: until it is resolved.
    pub ttr: Option<PromiseSyntax>,
    /// How long a working day (wd) of this target is.
    #[schemars(with = "Option<LengthOfTime>")]
    pub working_day: Option<Text>,
    /// Percentages of the limit at which the team is warned; [75, 90] unless given.
    pub warnings: Option<Vec<Spanned<u64>>>,
    /// What stops the clock of resolving: customer, vendor, change; [customer, change] unless given.
    pub pauses: Option<Spanned<OneOrMore>>,
    /// On trial: clocks run, nobody is told; false unless given.
    pub shadow: Option<bool>,
    /// page (unless given) or note.
    #[schemars(with = "Option<OnBreachWord>")]
    pub on_breach: Option<Text>,
    /// What it is judged by.
    pub indicators: Option<Vec<IndicatorSyntax>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PromiseSyntax {
    /// Working time with its unit: 8h, or 2wd for two working days.
    #[schemars(with = "WorkingTime")]
    pub within: Text,
    /// In whose working time; always (7×24) unless given.
    pub calendar: Option<Text>,
    /// Other limits by channel (phone, mail, visit, chat), for incidents with the label channel.
    #[schemars(with = "Option<BTreeMap<String, WorkingTime>>")]
    pub channels: Option<BTreeMap<String, Text>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IndicatorSyntax {
    /// As reports name it.
    pub name: Text,
    /// response, resolution, first_fix, reopened or contact.
    #[schemars(with = "MeasureWord")]
    pub measure: Text,
    /// For contact: by which way.
    pub by: Option<Text>,
    /// For contact: how soon, in the working time of tto.
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
    /// What people give when they resolve late, such as spare_part.
    pub code: Text,
    /// As people read it.
    pub title: Text,
}

/// Of a rule: its incidents are outages.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutageSyntax {
    /// Which service is out; the label service unless given.
    pub service: Option<Text>,
    /// Whose fault it is: provider, customer or third_party.
    #[schemars(with = "PartyWord")]
    pub party: Text,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutageBudgetSyntax {
    /// Once among all files.
    pub name: Text,
    /// Matchers on customer and service; all unless given.
    #[serde(rename = "match")]
    pub matches: Option<Spanned<OneOrMore>>,
    /// Whose outages count; provider unless given.
    #[schemars(with = "Option<PartyWord>")]
    pub party: Option<Text>,
    /// How much a calendar year may have; 72h unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub a_year: Option<Text>,
    /// Where the year begins, such as Asia/Shanghai.
    pub zone: Text,
    /// Percentages used at which an event is raised; [50, 80, 100] unless given.
    pub warn_at: Option<Vec<Spanned<u64>>>,
}
