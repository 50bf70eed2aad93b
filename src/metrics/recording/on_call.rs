//! Shows who is on call, and the queue of work.

use super::super::Metrics;
use super::super::bounded_label::OTHER;
use crate::core::model::Priority;

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
