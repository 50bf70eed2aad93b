//! The section `grouping:`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::reader::{ClosedSet, SectionReader};
use crate::core::model::TimeDelta;
use crate::core::rules::Grouping;
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::json_schema::LengthOfTime;
use crate::core::rules::syntax::spanned::Spanned;

type Text = Spanned<String>;

const SECOND: TimeDelta = TimeDelta::from_seconds(1);
/// How far apart alerts of one failure may be at most: what a correlator must remember.
const WITHIN_MAX: TimeDelta = TimeDelta::from_hours(1);
const ENDS_MAX: TimeDelta = TimeDelta::from_minutes(10);
const LASTS_MAX: TimeDelta = TimeDelta::from_days(1);
const LOOK_AGAIN_MAX: TimeDelta = TimeDelta::from_minutes(10);
pub(in crate::core::rules) const HOPS_MAX: u32 = 8;
const ALERTS_MAX: u32 = 50_000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::core::rules) struct GroupingSyntax {
    /// true unless given.
    pub enabled: Option<bool>,
    /// Alerts of one item that begin no further apart are one failure; 30s unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub same_item_within: Option<Text>,
    /// What depends on a failed item begins no later; 60s unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub neighbours_within: Option<Text>,
    /// Over how many dependencies causes are looked for; 4 unless given.
    #[schemars(range(min = 0, max = HOPS_MAX))]
    pub hops: Option<Spanned<u64>>,
    /// How many items in a row may say nothing on that way; 1 unless given.
    #[schemars(range(min = 0, max = HOPS_MAX))]
    pub silent_hops: Option<Spanned<u64>>,
    /// How much later than its effect a cause may be seen; 30s unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub cause_late_by: Option<Text>,
    /// A failure that begins so much earlier or later than one nearby was a part of it if both end together; 6m unless
    /// given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub stragglers_within: Option<Text>,
    /// How far apart the alerts of one failure end; 60s unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub ends_within: Option<Text>,
    /// Within what time enough of what depends on a silent item must have failed; 45s unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub siblings_within: Option<Text>,
    /// What nothing explains is looked at again; 25s unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub look_again_after: Option<Text>,
    /// How many of a hundred of what depends on a silent item must have failed; 60 unless given.
    #[schemars(range(min = 1, max = 100))]
    pub siblings_percent: Option<Spanned<u64>>,
    /// How far apart the alerts of one group may begin; 4h unless given.
    #[schemars(with = "Option<LengthOfTime>")]
    pub lasts_at_most: Option<Text>,
    /// What comes beyond it stays by itself; 5000 unless given.
    #[schemars(range(min = 1, max = ALERTS_MAX))]
    pub alerts_at_most: Option<Spanned<u64>>,
    /// So many warnings, and more than minor alerts, are chatter and are not grouped with these; 12 unless given.
    #[schemars(range(min = 1, max = ALERTS_MAX))]
    pub chatter: Option<Spanned<u64>>,
    /// Labels whose equal values join alerts whatever they are about; none unless given.
    pub by: Option<Spanned<OneOrMore>>,
    /// Matchers of kinds of alerts that never show one failure; the first that fits decides; none unless given.
    pub apart: Option<Vec<Spanned<OneOrMore>>>,
}

/// What the section says, over the defaults.
pub(super) fn grouping(reader: &mut SectionReader<'_>, text: &GroupingSyntax) -> Grouping {
    let defaults = Grouping::default();
    let within = |reader: &mut SectionReader<'_>, text: &Option<Text>, most, default| {
        reader.optional_span(text.as_ref(), SECOND, most).unwrap_or(default)
    };
    let count = |reader: &mut SectionReader<'_>, text: &Option<Spanned<u64>>, least, most, default| {
        text.as_ref().map_or(default, |text| reader.count(text, least, most))
    };
    Grouping {
        enabled: text.enabled.unwrap_or(defaults.enabled),
        same_item_within: within(reader, &text.same_item_within, WITHIN_MAX, defaults.same_item_within),
        neighbours_within: within(reader, &text.neighbours_within, WITHIN_MAX, defaults.neighbours_within),
        hops: count(reader, &text.hops, 0, HOPS_MAX, defaults.hops),
        stragglers_within: within(reader, &text.stragglers_within, WITHIN_MAX, defaults.stragglers_within),
        ends_within: within(reader, &text.ends_within, ENDS_MAX, defaults.ends_within),
        silent_hops: count(reader, &text.silent_hops, 0, HOPS_MAX, defaults.silent_hops),
        cause_late_by: within(reader, &text.cause_late_by, WITHIN_MAX, defaults.cause_late_by),
        siblings_within: within(reader, &text.siblings_within, WITHIN_MAX, defaults.siblings_within),
        look_again_after: within(reader, &text.look_again_after, LOOK_AGAIN_MAX, defaults.look_again_after),
        siblings_percent: count(reader, &text.siblings_percent, 1, 100, defaults.siblings_percent),
        lasts_at_most: within(reader, &text.lasts_at_most, LASTS_MAX, defaults.lasts_at_most),
        alerts_at_most: count(reader, &text.alerts_at_most, 1, ALERTS_MAX, defaults.alerts_at_most),
        chatter: count(reader, &text.chatter, 1, ALERTS_MAX, defaults.chatter),
        by: reader.label_names(text.by.as_ref()),
        apart: text.apart.iter().flatten().map(|kind| reader.matchers(Some(kind), ClosedSet::None)).collect(),
    }
}
