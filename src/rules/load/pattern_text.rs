//! Patterns, contexts and derived events as rule files spell them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::rules::source::OneOrMore;

type Text = Spanned<String>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PatternText {
    Each,
    Suppress(WithinText),
    Threshold(ThresholdText),
    Rate(RateText),
    Thresholds(ThresholdsText),
    Pair(PairText),
    PairWindow(PairWindowText),
    Absence(WithinText),
    Sequence(SequenceText),
    Group(GroupText),
    Flap(FlapText),
    Calendar(CalendarText),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WithinText {
    pub within: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ThresholdText {
    pub count: Spanned<u64>,
    pub within: Text,
    pub clear: Option<Spanned<u64>>,
    pub distinct: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RateText {
    pub above: Spanned<f64>,
    pub per: Text,
    pub within: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ThresholdsText {
    pub rise: CountWithinText,
    pub fall: CountWithinText,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CountWithinText {
    pub count: Spanned<u64>,
    pub within: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PairText {
    pub until: Spanned<OneOrMore>,
    pub within: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PairWindowText {
    pub until: Spanned<OneOrMore>,
    pub within: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SequenceText {
    pub steps: Spanned<Vec<Spanned<OneOrMore>>>,
    pub within: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupText {
    pub all: Spanned<Vec<GroupClassText>>,
    pub within: Text,
    pub repeat: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupClassText {
    #[serde(rename = "match")]
    pub matches: Spanned<OneOrMore>,
    pub count: Option<Spanned<u64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FlapText {
    pub mode: Option<Text>,
    pub start: Option<Spanned<u64>>,
    pub within: Option<Text>,
    pub stop: Option<Spanned<u64>>,
    pub stop_within: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CalendarText {
    pub schedule: Text,
    pub zone: Text,
}

/// With exactly one of `set` and `unset`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContextActionText {
    pub set: Option<Text>,
    pub unset: Option<Text>,
    #[serde(rename = "for")]
    pub lifetime: Option<Text>,
    pub on_expiry: Option<OnExpiryText>,
    pub when: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OnExpiryText {
    pub event: Spanned<EmitText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EmitText {
    pub labels: Spanned<BTreeMap<String, Text>>,
    pub severity: Option<Text>,
    pub summary: Option<Text>,
    pub status: Option<Text>,
}
