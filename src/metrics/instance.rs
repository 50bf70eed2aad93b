//! This process among others: whether it holds the lease, how often leases went over, and how its clock stands.

use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, Registry};

use super::names;
use super::registration::{begin, counter, counters, fractional_gauge, gauge};

/// Why a process took the lease from another that had not given it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeoverReason {
    /// Its process is gone.
    Died,
    /// It hangs, is stopped, or is cut off.
    Silent,
    /// A person said so.
    Forced,
}

impl TakeoverReason {
    pub const ALL: [TakeoverReason; 3] = [TakeoverReason::Died, TakeoverReason::Silent, TakeoverReason::Forced];

    pub const fn as_str(self) -> &'static str {
        match self {
            TakeoverReason::Died => "died",
            TakeoverReason::Silent => "silent",
            TakeoverReason::Forced => "forced",
        }
    }
}

pub(super) struct InstanceMetrics {
    pub(super) is_lead: IntGauge,
    pub(super) takeovers: IntCounterVec,
    pub(super) fenced: IntCounter,
    pub(super) clock_offset: Gauge,
    pub(super) clock_steps: IntCounter,
}

impl InstanceMetrics {
    pub fn new(registry: &Registry) -> InstanceMetrics {
        let instance = InstanceMetrics {
            is_lead: gauge(registry, &names::IS_LEAD),
            takeovers: counters(registry, &names::TAKEOVERS, &["why"]),
            fenced: counter(registry, &names::FENCED),
            clock_offset: fractional_gauge(registry, &names::CLOCK_OFFSET),
            clock_steps: counter(registry, &names::CLOCK_STEPS),
        };
        begin(&instance.takeovers, TakeoverReason::ALL.map(TakeoverReason::as_str));
        instance
    }
}
