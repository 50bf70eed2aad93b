//! Patterns, contexts and derived events as rule files spell them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::json_schema::{ActionTimeWord, FlapModeWord, LengthOfTime, MadeStatusWord, SeverityWord};
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::spanned::{Spanned, Text};

/// Maximum count, because a window keeps that many times exactly.
pub(in crate::core::rules) const COUNT_MAX: u32 = 1000;

/// The condition for firing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PatternSyntax {
    /// At every alert or point.
    Each,
    /// At the first match; further ones within the window are swallowed.
    Suppress(WithinSyntax),
    /// At a number of matches within the window.
    Threshold(ThresholdSyntax),
    /// At more matches per time than a limit.
    Rate(RateSyntax),
    /// At a number of matches within one window; clear at few within another.
    #[serde(alias = "thresholds")]
    Hysteresis(HysteresisSyntax),
    /// At the first event; clear at an event that fits `until`.
    Pair(PairSyntax),
    /// If no event that fits `until` came in time.
    #[serde(alias = "pair_window")]
    MissingFollowup(MissingFollowupSyntax),
    /// If no message came for a time after the last.
    Absence(WithinSyntax),
    /// If events came in order.
    Sequence(SequenceSyntax),
    /// If all classes have their counts, in any order.
    Group(GroupSyntax),
    /// If it changes too often.
    Flap(FlapSyntax),
    /// At scheduled times; such a rule has no `match`.
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
    /// Number of matches within the window at which it fires.
    #[schemars(range(min = 1, max = COUNT_MAX))]
    pub count: Spanned<u64>,
    /// The window, up to 7d.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
    /// It is clear with fewer matches than that within the window; default: 1.
    #[schemars(range(min = 1, max = COUNT_MAX))]
    pub clear: Option<Spanned<u64>>,
    /// A label whose values are counted, each at its newest event.
    pub distinct: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RateSyntax {
    /// It fires above that number of matches.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub above: Spanned<f64>,
    /// Unit of time for `above`,
    #[schemars(with = "LengthOfTime")]
    pub per: Text,
    /// measured over this window.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HysteresisSyntax {
    /// It fires at this count.
    pub rise: CountWithinSyntax,
    /// It is clear with at most this count.
    pub fall: CountWithinSyntax,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CountWithinSyntax {
    /// Number of matches, up to 1000.
    #[schemars(range(min = 0, max = COUNT_MAX))]
    pub count: Spanned<u64>,
    /// Length of the window.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PairSyntax {
    /// Matchers of the event that ends it, with the same key.
    pub until: Spanned<OneOrMore>,
    /// It ends by itself after that long; default: never.
    #[schemars(with = "Option<LengthOfTime>")]
    pub within: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MissingFollowupSyntax {
    /// Matchers of the event that ends the wait, with the same key.
    pub until: Spanned<OneOrMore>,
    /// It fires if no such event came for that long.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SequenceSyntax {
    /// Matchers of each further step, in order; `device="{1.device}"` is the value of the first event.
    pub steps: Spanned<Vec<Spanned<OneOrMore>>>,
    /// Maximum time from the first event to the last.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupSyntax {
    /// Classes of events, in any order.
    pub all: Spanned<Vec<GroupClassSyntax>>,
    /// Time within which all must have come.
    #[schemars(with = "LengthOfTime")]
    pub within: Text,
    /// True if it fires at every further event; default: false.
    pub repeat: Option<bool>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupClassSyntax {
    /// Matchers of the events of this class.
    #[serde(rename = "match")]
    pub matches: Spanned<OneOrMore>,
    /// Number of such events; default: 1.
    #[schemars(range(min = 1, max = COUNT_MAX))]
    pub count: Option<Spanned<u64>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlapSyntax {
    /// By time (the default), or by the weighted changes of Nagios or Icinga.
    #[schemars(with = "Option<FlapModeWord>")]
    pub mode: Option<Text>,
    /// Number of transitions at which it fires; default: 5.
    #[schemars(range(min = 2, max = COUNT_MAX))]
    pub start: Option<Spanned<u64>>,
    /// Window of `start`; default: 10m.
    #[schemars(with = "Option<LengthOfTime>")]
    pub within: Option<Text>,
    /// It is clear with at most that many transitions; default: 1.
    #[schemars(range(min = 0, max = COUNT_MAX))]
    pub stop: Option<Spanned<u64>>,
    /// Window of `stop`; default: 15m.
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
    /// Lifetime; default: until it is unset.
    #[schemars(with = "Option<LengthOfTime>")]
    #[serde(rename = "for")]
    pub lifetime: Option<Text>,
    /// The event emitted when it ends by itself.
    pub on_expiry: Option<OnExpirySyntax>,
    /// At firing (the default), or at clearing.
    #[schemars(with = "Option<ActionTimeWord>")]
    pub when: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OnExpirySyntax {
    /// The emitted point.
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
