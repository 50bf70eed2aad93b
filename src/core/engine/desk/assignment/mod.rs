//! Assignment: who is at work, and who of them has what.

pub mod dispatch;
pub mod staff;
pub mod staff_state;
pub mod workload;
