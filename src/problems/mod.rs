//! Problems: the recurring cause behind incidents, from the n-th repeat to the fix that holds.
//!
//! Must never read a clock, or open a second problem for a cause that has an open one.

mod record;

pub use record::{Problem, ProblemNote, ProblemState};
