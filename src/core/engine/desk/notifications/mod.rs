//! Notifications: whom a page of an incident tells and how, digests in a storm, managers, and what became of a delivery. The
//! last part: it asks nothing of any other.

pub mod delivery;
pub mod digest;
pub mod digest_state;
pub mod managers;
pub mod notify;
mod recipient;
pub mod team;
mod unreachable;
