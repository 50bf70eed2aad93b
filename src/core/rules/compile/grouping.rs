//! The section `grouping:`.

use crate::core::rules::syntax::grouping::{ALERTS_MAX, GroupingSyntax, HOPS_MAX};

use super::reader::{ClosedSet, SectionReader};
use crate::core::model::TimeDelta;
use crate::core::rules::Grouping;
use crate::core::rules::syntax::spanned::{Spanned, Text};

const SECOND: TimeDelta = TimeDelta::from_seconds(1);
/// Maximum distance between alerts of one failure, because a correlator must remember that long.
const WITHIN_MAX: TimeDelta = TimeDelta::from_hours(1);
const ENDS_MAX: TimeDelta = TimeDelta::from_minutes(10);
const LASTS_MAX: TimeDelta = TimeDelta::from_days(1);
const LOOK_AGAIN_MAX: TimeDelta = TimeDelta::from_minutes(10);

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
