//! The sections `time_intervals:` and `alertmanager:` as they are spelled: in an Alertmanager's own words.

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::LengthOfTime;
use super::spanned::{Spanned, Text};
use crate::core::rules::source::OneOrMore;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::core::rules) struct NamedIntervalsSyntax {
    /// What rules name in mute_time_intervals and active_time_intervals; once among all files.
    pub name: Text,
    /// The stretches of time that belong to it.
    pub time_intervals: Vec<TimeIntervalSyntax>,
}

/// All of its keys must fit; a key that is not given restricts nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::core::rules) struct TimeIntervalSyntax {
    /// Times of day. A night is two of them.
    pub times: Option<Vec<TimesSyntax>>,
    /// Days such as `monday`, or ranges such as `monday:friday`, from Sunday to Saturday.
    pub weekdays: Option<Spanned<OneOrMore>>,
    /// Days such as `1` or ranges such as `1:15`; `-1` is the last day of the month.
    pub days_of_month: Option<Spanned<OneOrMore>>,
    /// Months by name or number, or ranges of them.
    pub months: Option<Spanned<OneOrMore>>,
    /// Years, or ranges such as `2026:2028`.
    pub years: Option<Spanned<OneOrMore>>,
    /// The IANA zone of its clock; default: UTC.
    pub location: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::core::rules) struct TimesSyntax {
    /// `09:00`
    pub start_time: Text,
    /// Excluded; up to `24:00`.
    pub end_time: Text,
}

/// How alerts that come as an Alertmanager's are read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::core::rules) struct AlertmanagerSyntax {
    /// Time after its last message at which an alert without an end is over; default: 5m.
    #[schemars(with = "Option<LengthOfTime>")]
    pub resolve_timeout: Option<Text>,
}
