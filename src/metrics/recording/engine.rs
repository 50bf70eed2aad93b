//! Counts what the engine decides.

use super::super::Metrics;
use crate::core::engine::{Effect, LiveChange, Metric, Task};
use crate::core::model::{Priority, Severity, Tier};
use crate::core::problems::ProblemState;
use crate::metrics::engine::CONDITION_STEPS;

impl Metrics {
    /// Counts conditions of rules that took too many steps and were broken off.
    pub fn conditions_broken_off(&self, count: u64) {
        self.decided.limits.with_label_values(&[CONDITION_STEPS]).inc_by(count);
    }

    /// Counts committed effects. The dispatcher counts deliveries, because it knows their channel.
    pub fn observe(&self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Count(counted) => self.decided.count(counted),
                Effect::Do(Task::Notice(notice)) => {
                    self.decided.notifications.with_label_values(&[notice.kind.as_str()]).inc();
                }
                Effect::Live(LiveChange::Normalised(normalised)) => self.decided.normalised(normalised),
                Effect::Record(_) | Effect::Live(_) | Effect::Do(Task::Probe(_)) => {}
            }
        }
    }

    /// Gauges of open records: alerts by severity, incidents by (tier, priority). Unnamed combinations are 0.
    pub fn set_open(&self, alerts: &[(Severity, i64)], incidents: &[(Tier, Priority, i64)]) {
        for severity in Severity::ALL {
            let sum = alerts.iter().filter(|(of, _)| *of == severity).map(|(_, count)| count).sum();
            self.decided.alerts_active.with_label_values(&[severity.as_str()]).set(sum);
        }
        for tier in Tier::ALL {
            for priority in Priority::ALL {
                let of = incidents.iter().filter(|(at, of, _)| *at == tier && *of == priority);
                let sum = of.map(|(_, _, count)| count).sum();
                self.decided.incidents_open.with_label_values(&[tier.as_str(), priority.as_str()]).set(sum);
            }
        }
    }

    pub(super) fn invariant_broken(&self, which: &str) {
        self.decided.count(&Metric::InvariantBroken { which: which.to_owned() });
    }

    /// Remembered problems, by state. Unnamed states are 0.
    pub fn set_problems(&self, problems: &[(ProblemState, i64)]) {
        for state in ProblemState::ALL {
            let sum = problems.iter().filter(|(of, _)| *of == state).map(|(_, count)| count).sum();
            self.decided.problems.with_label_values(&[state.as_str()]).set(sum);
        }
    }

    /// Open paging incidents without acknowledgement by their present tier. Unnamed priorities are 0.
    pub fn set_unacknowledged(&self, incidents: &[(Priority, i64)]) {
        for priority in Priority::ALL {
            let sum = incidents.iter().filter(|(of, _)| *of == priority).map(|(_, count)| count).sum();
            self.decided.incidents_unacknowledged.with_label_values(&[priority.as_str()]).set(sum);
        }
    }
}
