//! The section `problems:`.

use super::reader::{ClosedSet, RefKind, SectionReader};
use crate::core::calendar::is_zone;
use crate::core::model::TimeDelta;
use crate::core::rules::ProblemPolicy;
use crate::core::rules::syntax::problem::ProblemSyntax;
use crate::core::rules::syntax::problem::REPEATS_MAX;

/// Time for which the desk remembers them.
const REPEATS_WITHIN_MAX: TimeDelta = TimeDelta::from_days(400);
/// The least that `review_after` and `clear_after` may be.
const WAIT_MIN: TimeDelta = TimeDelta::from_hours(1);

pub(super) fn problem(reader: &mut SectionReader<'_>, entry: &ProblemSyntax) -> ProblemPolicy {
    let review_after = reader.optional_span(entry.review_after.as_ref(), WAIT_MIN, REPEATS_WITHIN_MAX);
    let apart = reader.optional_span(entry.apart.as_ref(), TimeDelta::ZERO, TimeDelta::from_hours(24));
    let quiet = reader.optional_span(entry.clear_after.as_ref(), WAIT_MIN, REPEATS_WITHIN_MAX);
    ProblemPolicy {
        name: reader.name(&entry.name),
        matchers: reader.matchers(entry.matches.as_ref(), ClosedSet::None),
        count: reader.count(&entry.count, 2, REPEATS_MAX),
        within: reader.span(&entry.within, TimeDelta::from_minutes(1), REPEATS_WITHIN_MAX),
        apart: apart.unwrap_or(ProblemPolicy::APART),
        regular: entry.regular.unwrap_or(true),
        zone: zone(reader, entry),
        team: reader.refer(RefKind::Team, &entry.team),
        review_after: review_after.unwrap_or(ProblemPolicy::REVIEW_AFTER),
        quiet: quiet.unwrap_or(ProblemPolicy::QUIET),
    }
}

fn zone(reader: &mut SectionReader<'_>, entry: &ProblemSyntax) -> String {
    let Some(zone) = &entry.zone else { return ProblemPolicy::ZONE.to_owned() };
    let name = reader.text(zone);
    if !is_zone(&name) {
        reader.mistake(
            zone.referenced,
            format!("unknown time zone {name:?}"),
            "an IANA name, for example Asia/Shanghai",
        );
    }
    name
}
