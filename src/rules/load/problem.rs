//! The section `problems:`.

use super::problem_text::ProblemEntry;
use super::reader::{Named, Reader, Words};
use crate::model::Span;
use crate::rules::ProblemPolicy;

/// How many repeats of one fingerprint the desk remembers.
pub(super) const REPEATS_MAX: u32 = 64;
/// How long it remembers them.
const REPEATS_WITHIN_MAX: Span = Span::from_days(400);

pub(super) fn problem(reader: &mut Reader<'_>, entry: &ProblemEntry) -> ProblemPolicy {
    ProblemPolicy {
        name: reader.name(&entry.name),
        matchers: reader.matchers(entry.matches.as_ref(), Words::None),
        count: reader.count(&entry.count, 2, REPEATS_MAX),
        within: reader.span(&entry.within, Span::from_minutes(1), REPEATS_WITHIN_MAX),
        team: reader.refer(Named::Team, &entry.team),
    }
}
