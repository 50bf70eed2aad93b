//! Assignment: which person of the responsible team works on an incident, and the queue of those that wait.

pub(super) mod dispatch;
pub(super) mod staff;
pub(super) mod workload;
