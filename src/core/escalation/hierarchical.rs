//! Hierarchical escalation: notifies managers of an incident that others work on, by the clock.

use crate::core::calendar::Calendars;
use serde::{Deserialize, Serialize};

use super::availability::Time;
use super::transition::{EscalationEvent, Pause};
use crate::core::model::{Priority, Timestamp};
use crate::core::rules::{EscalationPolicy, StopWhen};

/// Progress of the manager notifications, one entry for each of the policy's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HierarchicalEscalation {
    priority: Priority,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// Next notification; `None`: never, or not at this priority.
    at: Option<Timestamp>,
    /// Number of notifications so far.
    times: u32,
    /// Its time passed while the priority did not fit.
    passed: bool,
}

impl HierarchicalEscalation {
    pub fn start(
        ladder: &EscalationPolicy,
        calendars: &Calendars,
        now: Timestamp,
        priority: Priority,
    ) -> HierarchicalEscalation {
        let entry = |one: &crate::core::rules::ManagerNotification| Entry {
            at: Some(Time::of(calendars, one.calendar.as_deref()).add(now, one.after)),
            times: 0,
            passed: false,
        };
        HierarchicalEscalation { priority, entries: ladder.hierarchy.iter().map(entry).collect() }
    }

    /// No manager is notified.
    pub fn none(priority: Priority) -> HierarchicalEscalation {
        HierarchicalEscalation { priority, entries: Vec::new() }
    }

    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.entries.iter().filter_map(|entry| entry.at).min()
    }

    /// Notifies the first due manager; later ones move by the delay, so that hours of downtime notify one level, not
    /// all of them.
    pub fn tell(&mut self, ladder: &EscalationPolicy, calendars: &Calendars, now: Timestamp) -> Vec<EscalationEvent> {
        let Some(due) = self.next_deadline().filter(|due| *due <= now) else { return Vec::new() };
        let late = now.since(due);
        let mut moves = Vec::new();
        for (index, entry) in self.entries.iter_mut().enumerate() {
            let Some(at) = entry.at else { continue };
            if at > due {
                if entry.times == 0 {
                    entry.at = Some(at + late);
                }
                continue;
            }
            entry.at = None;
            let Some(one) = ladder.hierarchy.get(index) else { continue };
            if !one.priorities.is_empty() && !one.priorities.contains(&self.priority) {
                entry.passed = true;
                continue;
            }
            entry.times += 1;
            if entry.times <= one.repeat {
                entry.at = Some(Time::of(calendars, one.calendar.as_deref()).add(now, one.every));
            }
            moves.push(EscalationEvent::Tell {
                told: one.told.clone(),
                after: one.after,
                time: entry.times,
                of: one.repeat + 1,
            });
        }
        moves
    }

    /// Notifies managers of the new priority whose time has passed.
    pub fn follow_priority(&mut self, ladder: &EscalationPolicy, now: Timestamp, priority: Priority) {
        if self.priority == priority {
            return;
        }
        self.priority = priority;
        for (entry, one) in self.entries.iter_mut().zip(&ladder.hierarchy) {
            if entry.passed && one.priorities.contains(&priority) {
                entry.passed = false;
                entry.at = Some(now);
            }
        }
    }

    /// Stops the notifications that end for that reason.
    pub fn stop(&mut self, ladder: &EscalationPolicy, why: StopWhen) {
        for (entry, one) in self.entries.iter_mut().zip(&ladder.hierarchy) {
            if one.stop_when.contains(&why) {
                entry.at = None;
                entry.passed = false;
            }
        }
    }

    /// Moves all times by a pause of the clocks.
    pub fn go_on(&mut self, ladder: Option<&EscalationPolicy>, calendars: &Calendars, stood: Pause) {
        for (index, entry) in self.entries.iter_mut().enumerate() {
            let calendar = ladder.and_then(|ladder| ladder.hierarchy.get(index)?.calendar.as_deref());
            entry.at = entry.at.map(|at| Time::of(calendars, calendar).moved(at, stood.since, stood.until));
        }
    }
}
