//! The section `rosters:` as it is spelled.

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::{DayWord, LengthOfTime, OtherwiseWord, TurnsWord};
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::spanned::{Spanned, Text};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RosterSyntax {
    /// Its name in the `roster:` of teams; once among all files.
    pub name: Text,
    /// Display name; default: the name.
    pub title: Option<Text>,
    /// The IANA zone of its local times, such as Asia/Shanghai.
    pub zone: Text,
    /// The work calendar during which a person must be on duty; default: always.
    pub covers: Option<Text>,
    /// Minimum number of people on duty then; default: 1.
    #[schemars(range(min = 1, max = 100))]
    pub at_least: Option<Spanned<u64>>,
    /// True if a person without any presence report counts as absent; default: false.
    pub presence_required: Option<bool>,
    /// Lifetime of a heartbeat that gives none; default: 5m.
    #[schemars(with = "Option<LengthOfTime>")]
    pub absent_after: Option<Text>,
    /// Policy if no suitable person is on duty and present: skip the step (the default), or wait.
    #[schemars(with = "Option<OtherwiseWord>")]
    #[serde(alias = "when_absent")]
    pub if_nobody_on_duty: Option<Text>,
    /// Policy if everyone is at the limit: wait in the queue (the default), or skip the step.
    #[schemars(with = "Option<OtherwiseWord>")]
    #[serde(alias = "when_full")]
    pub if_all_at_limit: Option<Text>,
    /// Rotations, the lowest first: at any time the highest one with a person on duty counts.
    pub layers: Vec<LayerSyntax>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LayerSyntax {
    /// Once in its roster.
    pub name: Text,
    /// Start of the first shift in local time: 2026-01-05T08:00. Handover is at this time of day.
    pub start: Text,
    /// Length of a shift: daily, weekly, or a duration such as 12h or 3d, on the local clock.
    pub every: Text,
    /// The people in turn; a list inside the list is a crew whose members are on together.
    pub people: Vec<Spanned<OneOrMore>>,
    /// Only within these hours: 08:00-20:00, also over midnight 20:00-08:00; default: all day.
    pub hours: Option<Spanned<OneOrMore>>,
    /// Only on these days; default: every day. A stretch over midnight belongs to the day on which it begins.
    #[schemars(with = "Option<Vec<DayWord>>")]
    pub days: Option<Vec<Text>>,
    /// Only while this work calendar is open.
    pub calendar: Option<Text>,
    /// The shifts that take a turn: worked, those that its days and hours touch (the default), or all.
    #[schemars(with = "Option<TurnsWord>")]
    pub turns: Option<Text>,
}
