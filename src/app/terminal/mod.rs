//! Output for people at a terminal: tables and local times.

pub(super) mod local_time;
pub(super) mod table;
