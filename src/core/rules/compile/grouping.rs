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
/// Maximum distance between alerts of one failure, because a correlator must remember that long.
const WITHIN_MAX: TimeDelta = TimeDelta::from_hours(1);
const ENDS_MAX: TimeDelta = TimeDelta::from_minutes(10);
const LASTS_MAX: TimeDelta = TimeDelta::from_days(1);
const LOOK_AGAIN_MAX: TimeDelta = TimeDelta::from_minutes(10);
pub(in crate::core::rules) const HOPS_MAX: u32 = 8;
const ALERTS_MAX: u32 = 50_000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::core::rules) struct GroupingSyntax {
    /// Default: true.
    pub enabled: Option<bool>,
    /// Alerts of one item that begin no further apart are one failure; default: 30s.
    #[schemars(with = "Option<LengthOfTime>")]
    pub same_item_within: Option<Text>,
    /// Time within which dependent items fail after their dependency; default: 60s.
    #[schemars(with = "Option<LengthOfTime>")]
    pub neighbours_within: Option<Text>,
    /// Maximum number of dependencies between a failure and its cause; default: 4.
    #[schemars(range(min = 0, max = HOPS_MAX))]
    pub hops: Option<Spanned<u64>>,
    /// Maximum number of consecutive silent items on that path; default: 1.
    #[schemars(range(min = 0, max = HOPS_MAX))]
    pub silent_hops: Option<Spanned<u64>>,
    /// Maximum delay of a cause's alert after its effect's; default: 30s.
    #[schemars(with = "Option<LengthOfTime>")]
    pub cause_late_by: Option<Text>,
    /// A failure that begins up to that much earlier or later than a near one is part of it if both end together;
    /// default: 6m.
    #[schemars(with = "Option<LengthOfTime>")]
    pub stragglers_within: Option<Text>,
    /// Maximum time between the ends of one failure's alerts; default: 60s.
    #[schemars(with = "Option<LengthOfTime>")]
    pub ends_within: Option<Text>,
    /// Time within which enough dependents of a silent item must have failed; default: 45s.
    #[schemars(with = "Option<LengthOfTime>")]
    pub siblings_within: Option<Text>,
    /// Time after which an unexplained alert is evaluated again; default: 25s.
    #[schemars(with = "Option<LengthOfTime>")]
    pub look_again_after: Option<Text>,
    /// Percentage of a silent item's dependents that must have failed; default: 60.
    #[schemars(range(min = 1, max = 100))]
    pub siblings_percent: Option<Spanned<u64>>,
    /// Maximum time between the starts of one group's alerts; default: 4h.
    #[schemars(with = "Option<LengthOfTime>")]
    pub lasts_at_most: Option<Text>,
    /// Maximum number of alerts in one group; default: 5000.
    #[schemars(range(min = 1, max = ALERTS_MAX))]
    pub alerts_at_most: Option<Spanned<u64>>,
    /// Number of warnings from which a group with fewer minor alerts counts as noise, so that the two are not joined;
    /// default: 12.
    #[schemars(range(min = 1, max = ALERTS_MAX))]
    pub chatter: Option<Spanned<u64>>,
    /// Labels whose equal values join alerts of any items; default: none.
    pub by: Option<Spanned<OneOrMore>>,
    /// Matchers of kinds of alerts that never belong to one failure; the first that fits decides; default: none.
    pub apart: Option<Vec<Spanned<OneOrMore>>>,
}

/// The section's settings, over the defaults.
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
