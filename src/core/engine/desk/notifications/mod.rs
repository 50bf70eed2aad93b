//! Notifications: who is notified of an incident, over which channel, at once or in a digest.

pub(super) mod digest;
pub(super) mod managers;
pub(super) mod notify;
