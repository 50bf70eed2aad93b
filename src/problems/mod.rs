//! Problems: the recurring cause behind incidents, from the n-th repeat to the fix that holds.
//!
//! Must never read a clock, or open a second problem for a cause that has an open one.

mod decide;
mod lead_lag;
mod lifecycle;
mod monthly;
mod onsets;
mod record;
mod recurrence;
mod register;
mod rhythm;
mod similarity;
#[cfg(test)]
mod tests;

pub use decide::Regrouped;
pub use lead_lag::{Hint, Link, Onset, Place, links};
pub use lifecycle::{Description, MOVES, Moved, NotAllowed};
pub use monthly::{CommonCause, Occurrence, commonest, draft_workaround, faults, markdown};
pub use record::{Problem, ProblemNote, ProblemState, Similar, Terms};
pub use recurrence::{Episode, Recurrence};
pub use register::{Facts, KnownError, ProblemChange, ProblemEdit, ProblemRefusal, Problems};
pub use rhythm::{Basis, Bout, EPISODES_MIN, Expected, Rhythm, Season, collapse};
pub use similarity::{Likeness, SAME, SUGGESTED, Words};
