//! The section `calendars:` as it is spelled.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::spanned::{Spanned, Text};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CalendarSyntax {
    /// What rules, people, ladders and SLA targets name; once among all files. `always` (7×24) is there already.
    pub name: Text,
    /// The IANA zone of its hours, such as `Asia/Shanghai`.
    pub zone: Text,
    /// Hours by weekday or a range of them: `mon-fri: ["08:00-12:00", "14:00-18:00"]`.
    pub weekly: Option<BTreeMap<String, Spanned<OneOrMore>>>,
    /// Hours of single days; they win over everything else. An empty list: no work on that day.
    pub dates: Option<BTreeMap<String, Spanned<OneOrMore>>>,
    /// Days off: `china` for the statutory ones, dates, or spans of dates such as `2026-08-01..2026-08-03`.
    pub holidays: Option<Spanned<OneOrMore>>,
    /// Days worked although the week or a holiday says otherwise (调休): dates or ranges of dates. `china` includes its
    /// own.
    pub make_up: Option<Spanned<OneOrMore>>,
    /// Working hours of those days; default: as on the first of Monday to Friday that has hours.
    pub make_up_hours: Option<Spanned<OneOrMore>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AfterHoursSyntax {
    /// The calendar whose hours count.
    pub calendar: Text,
    /// The escalation policy outside them.
    pub tiers: Text,
}
