//! SLA: the clocks of an incident, breaches, and the outage ledger.

pub(super) mod clocks;
