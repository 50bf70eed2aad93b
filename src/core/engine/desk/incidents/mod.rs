//! Incidents at the desk: what correlators decide becomes incidents, and people's moves on them. The first part: it may ask
//! every other one, and none names it.

pub mod decisions;
pub mod grouping;
pub mod lifecycle;
mod member_lines;
mod members;
pub mod new_alerts;
pub mod onsets;
mod open;
mod priority;
pub mod reopening;
mod rollup;
mod similarity;
pub mod standing;
pub mod timers;
