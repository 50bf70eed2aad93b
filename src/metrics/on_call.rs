//! On-call metrics: people on duty and waiting work.

use prometheus::{IntCounter, IntCounterVec, IntGaugeVec, Registry};

use super::bounded_label::{BoundedLabel, OTHER};
use super::names;
use super::registration::{counter, counters, gauges};
use crate::core::model::{Priority, Tier};

/// Maximum number of distinct on-call schedules.
const ROSTERS_MAX: usize = 200;

pub(super) struct OnCallMetrics {
    pub dispatched: IntCounter,
    pub skipped: IntCounterVec,
    pub(super) waiting: IntGaugeVec,
    pub(super) rosters: BoundedLabel,
    pub(super) on_duty: IntGaugeVec,
}

impl OnCallMetrics {
    pub fn new(registry: &Registry) -> OnCallMetrics {
        let staffed = OnCallMetrics {
            dispatched: counter(registry, &names::DISPATCHED),
            skipped: counters(registry, &names::STEPS_SKIPPED, &["tier"]),
            waiting: gauges(registry, &names::ASSIGNMENT_QUEUE, &["priority"]),
            rosters: BoundedLabel::new(ROSTERS_MAX),
            on_duty: gauges(registry, &names::ON_DUTY, &["roster"]),
        };
        for tier in Tier::ALL {
            staffed.skipped.with_label_values(&[tier.as_str()]);
        }
        for priority in Priority::ALL {
            staffed.waiting.with_label_values(&[priority.as_str()]);
        }
        staffed.on_duty.with_label_values(&[OTHER]);
        staffed
    }
}
