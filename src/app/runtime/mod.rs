//! The one loop that drives the engine: blocks, commits, recovery, snapshots.

pub(super) mod block;
pub(super) mod clock;
pub(super) mod driver;
pub(super) mod high_water_mark;
pub(super) mod integrity;
pub(super) mod lease;
pub(super) mod queues;
pub(super) mod raised;
pub(super) mod recovery;
pub(super) mod rule_reading;
pub(super) mod self_monitoring;
pub(super) mod service_manager;
pub(super) mod snapshots;
pub(super) mod standby;
pub(super) mod store_outage;
