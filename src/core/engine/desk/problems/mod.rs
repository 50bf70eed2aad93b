//! Problems: raised by recurrence, reviewed by second line, escalated past their review date.

pub(super) mod problems;
pub(super) mod reviews;
