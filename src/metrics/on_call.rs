//! On-call metrics: people on duty and waiting work.

use prometheus::{IntCounter, IntCounterVec, IntGaugeVec, Registry};

use super::bounded_label::{BoundedLabel, OTHER};
use super::registration::{counter, counters, gauges};
use super::{Metrics, names};
use crate::core::model::{Priority, Tier};

/// Maximum number of distinct on-call schedules.
const ROSTERS_MAX: usize = 200;

pub(super) struct OnCallMetrics {
    pub dispatched: IntCounter,
    pub skipped: IntCounterVec,
    waiting: IntGaugeVec,
    rosters: BoundedLabel,
    on_duty: IntGaugeVec,
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

impl Metrics {
    /// Incidents that wait in the queue, by priority. Unnamed priorities are 0.
    pub fn set_waiting(&self, waiting: &[(Priority, i64)]) {
        for priority in Priority::ALL {
            let sum = waiting.iter().filter(|(of, _)| *of == priority).map(|(_, count)| count).sum();
            self.decided.staffed.waiting.with_label_values(&[priority.as_str()]).set(sum);
        }
    }

    /// Number of people on duty, by on-call schedule; an unnamed schedule is removed.
    pub fn set_on_duty(&self, on_duty: &[(String, i64)]) {
        let gauges = &self.decided.staffed.on_duty;
        gauges.reset();
        gauges.with_label_values(&[OTHER]).set(0);
        for (roster, count) in on_duty {
            gauges.with_label_values(&[self.decided.staffed.rosters.admit(roster).as_ref()]).add(*count);
        }
    }
}
