//! This process among others: whether it holds the lease, how often leases went over, and how its clock stands.

use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, Registry};

use super::registration::{begin, counter, counters, fractional_gauge, gauge};
use super::{Metrics, names};

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

pub(super) struct Instance {
    is_lead: IntGauge,
    takeovers: IntCounterVec,
    fenced: IntCounter,
    clock_offset: Gauge,
    clock_steps: IntCounter,
}

impl Instance {
    pub fn new(registry: &Registry) -> Instance {
        let instance = Instance {
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

impl Metrics {
    /// This process took the lease.
    pub fn leads(&self, reason: Option<TakeoverReason>) {
        self.instance.is_lead.set(1);
        if let Some(reason) = reason {
            self.instance.takeovers.with_label_values(&[reason.as_str()]).inc();
        }
    }

    /// This process no longer holds the lease: another took it, or it gave it back.
    pub fn stopped_leading(&self, fenced: bool) {
        self.instance.is_lead.set(0);
        if fenced {
            self.instance.fenced.inc();
        }
    }

    /// A step of the wall clock counts from here on.
    pub fn clock_stepped(&self) {
        self.instance.clock_steps.inc();
    }

    /// By how many microseconds the wall clock is ahead of the service's time.
    pub fn clock_offset(&self, micros: i64) {
        self.instance.clock_offset.set(micros as f64 / 1e6);
    }
}
