//! Problems: the recurring cause behind incidents, from the n-th repeat to the fix that holds.
//!
//! Must never read a clock, or open a second problem for a cause that has an open one.

mod lifecycle;
mod record;
mod recurrence;
mod register;
#[cfg(test)]
mod tests;

pub use lifecycle::{MOVES, Moved, NotAllowed};
pub use record::{Problem, ProblemNote, ProblemState};
pub use recurrence::{Episode, Recurrence};
pub use register::{Facts, KnownError, ProblemChange, ProblemEdit, ProblemRefusal, Problems};
