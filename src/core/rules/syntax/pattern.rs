//! Patterns, contexts and derived events as rule files spell them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::{ActionTimeWord, FlapModeWord, LengthOfTime, MadeStatusWord, SeverityWord};
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::spanned::Spanned;

type Text = Spanned<String>;

/// When the rule fires.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PatternSyntax {
    /// At every alert or point.
    Each,
    /// At the first; further ones within the window are swallowed.
    Suppress(WithinSyntax),
    /// At so many within the window.
    Threshold(ThresholdSyntax),
    /// When there are more in a time than that.
    Rate(RateSyntax),
    /// At so many within one window; clear at few within another.
    #[serde(alias = "thresholds")]
    Hysteresis(HysteresisSyntax),
    /// At the first; clear at an event that fits `until`.
    Pair(PairSyntax),
    /// When no event that fits `until` came for so long.
    #[serde(alias = "pair_window")]
    MissingFollowup(MissingFollowupSyntax),
    /// When no message came for so long after the last.
    Absence(WithinSyntax),
    /// When events came in that order.
    Sequence(SequenceSyntax),
    /// When all classes have their counts, in any order.
    Group(GroupSyntax),
    /// When it changes too often.
    Flap(FlapSyntax),
    /// At those times; such a rule has no `match`.
    Calendar(CalendarSyntax),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithinSyntax {
    /// The window.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ThresholdSyntax {
    /// It fires at that many within the window.
    #[schemars(range(min = 1, max = crate::core::rules::compile::pattern::COUNT_MAX))]
    pub count: Spanned<u64>,
    /// The window, up to 7d.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
    /// It is clear when fewer than that are within the window; 1 unless given.
    #[schemars(range(min = 1, max = crate::core::rules::compile::pattern::COUNT_MAX))]
    pub clear: Option<Spanned<u64>>,
    /// A label whose values are counted, each at its newest event.
    pub distinct: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RateSyntax {
    /// It fires when there are more than that.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub above: Spanned<f64>,
    /// In that time,
    #[schemars(with = "LengthOfTime")]
    pub per: Text,
    /// over this window.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HysteresisSyntax {
    /// It fires at that many within that time.
    pub rise: CountWithinSyntax,
    /// It is clear when at most that many came for that time.
    pub fall: CountWithinSyntax,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CountWithinSyntax {
    /// How many, up to 1000.
    #[schemars(range(min = 0, max = crate::core::rules::compile::pattern::COUNT_MAX))]
    pub count: Spanned<u64>,
    /// Within what time.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PairSyntax {
    /// Matchers of the event that ends it, with the same key.
    pub until: Spanned<OneOrMore>,
    /// It ends by itself after that long; never unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub within: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MissingFollowupSyntax {
    /// Matchers of the event that ends the wait, with the same key.
    pub until: Spanned<OneOrMore>,
    /// It fires when none came for that long.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SequenceSyntax {
    /// Matchers of each further step, in order; `device="{1.device}"` is what the first event had.
    pub steps: Spanned<Vec<Spanned<OneOrMore>>>,
    /// From the first event to the last.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupSyntax {
    /// Classes of events, in any order.
    pub all: Spanned<Vec<GroupClassSyntax>>,
    /// Within what time all must have come.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
    /// Whether it fires at every further event; false unless given.
    pub repeat: Option<bool>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupClassSyntax {
    /// Matchers of the events of this class.
    #[serde(rename = "match")]
    pub matches: Spanned<OneOrMore>,
    /// How many of them; 1 unless given.
    #[schemars(range(min = 1, max = crate::core::rules::compile::pattern::COUNT_MAX))]
    pub count: Option<Spanned<u64>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlapSyntax {
    /// By times (the default), or by the weighted changes of Nagios or Icinga.
    #[schemars(with = "Option<FlapModeWord>")]
    pub mode: Option<Text>,
    /// It fires at that many transitions; 5 unless given.
    #[schemars(range(min = 2, max = crate::core::rules::compile::pattern::COUNT_MAX))]
    pub start: Option<Spanned<u64>>,
    /// Within what time; 10m unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub within: Option<Text>,
    /// It is clear with at most that many; 1 unless given.
    #[schemars(range(min = 0, max = crate::core::rules::compile::pattern::COUNT_MAX))]
    pub stop: Option<Spanned<u64>>,
    /// Within what time; 15m unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub stop_within: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CalendarSyntax {
    /// As crontab: minute hour day-of-month month day-of-week; with six fields, seconds first.
    pub schedule: Text,
    /// Its time zone, such as Asia/Shanghai.
    pub zone: Text,
}

/// With exactly one of `set` and `unset`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["set"]}, {"required": ["unset"]}]))]
pub(crate) struct ContextActionSyntax {
    /// The context that begins; `{label}` is filled in from the event.
    pub set: Option<Text>,
    /// The context that ends.
    pub unset: Option<Text>,
    /// How long it lives; until it is unset unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    #[serde(rename = "for")]
    pub lifetime: Option<Text>,
    /// What is made when it ends by itself.
    pub on_expiry: Option<OnExpirySyntax>,
    /// When the rule fires (the default), or when it is clear.
    #[schemars(with = "Option<ActionTimeWord>")]
    pub when: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OnExpirySyntax {
    /// The point that is made.
    pub event: Spanned<EmitSyntax>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmitSyntax {
    /// Its labels, with an `alertname`; `{label}` is filled in from the event.
    pub labels: Spanned<BTreeMap<String, Text>>,
    /// Its severity.
    #[schemars(with = "Option<SeverityWord>")]
    pub severity: Option<Text>,
    /// Its summary; `{label}` is filled in from the event.
    pub summary: Option<Text>,
    /// An alert that ends with the rule's condition (the default), or a point.
    #[schemars(with = "Option<MadeStatusWord>")]
    pub status: Option<Text>,
}
