//! The section `rosters:` as it is spelled.

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::{DayWord, LengthOfTime, OtherwiseWord};
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::spanned::Spanned;

type Text = Spanned<String>;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RosterSyntax {
    /// What teams name in `roster:`; once among all files.
    pub name: Text,
    /// As people read it; the name unless given.
    pub title: Option<Text>,
    /// The IANA zone of its local times, such as Asia/Shanghai.
    pub zone: Text,
    /// The work calendar during which somebody must be on duty; always unless given.
    pub covers: Option<Text>,
    /// How many people must be on duty then; 1 unless given.
    #[schemars(range(min = 1, max = 100))]
    pub at_least: Option<Spanned<u64>>,
    /// Whether who was never heard of counts as absent; false unless given.
    pub presence_required: Option<bool>,
    /// How long a heartbeat holds that names no lifetime; 5m unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub absent_after: Option<Text>,
    /// When nobody who could take the work is on duty and present: skip the step (the default), or wait.
    #[schemars(with = "Option<OtherwiseWord>")]
    #[serde(alias = "when_absent")]
    pub if_nobody_on_duty: Option<Text>,
    /// When everybody holds as much as they may: wait in the queue (the default), or skip the step.
    #[schemars(with = "Option<OtherwiseWord>")]
    #[serde(alias = "when_full")]
    pub if_all_at_limit: Option<Text>,
    /// Rotations, the lowest first: the highest that has somebody at a moment counts.
    pub layers: Vec<LayerSyntax>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LayerSyntax {
    /// Once in its roster.
    pub name: Text,
    /// When the first shift begins, as a local time: 2026-01-05T08:00. Hand-over is at this time of day.
    pub start: Text,
    /// Length of a shift: daily, weekly, or a length of time such as 12h or 3d, on the local clock.
    pub every: Text,
    /// Who is on in turn; a list inside the list is a crew whose members are on together.
    pub people: Vec<Spanned<OneOrMore>>,
    /// Only within these hours: 08:00-20:00, also over midnight 20:00-08:00; all day unless given.
    pub hours: Option<Spanned<OneOrMore>>,
    /// Only on these days; every day unless given. A stretch over midnight belongs to the day on which it begins.
    #[schemars(with = "Option<Vec<DayWord>>")]
    pub days: Option<Vec<Text>>,
    /// Only while this work calendar is open.
    pub calendar: Option<Text>,
}
