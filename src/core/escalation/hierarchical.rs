//! Hierarchical escalation: who is told of an incident that others work on, by the clock.

use serde::{Deserialize, Serialize};

use super::EscalationEvent;
use super::availability::{Calendars, Time};
use super::progress::Pause;
use crate::core::model::{Priority, Timestamp};
use crate::core::rules::{EscalationPolicy, StopWhen};

/// How far the telling has come, one entry for each of the ladder's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HierarchicalEscalation {
    priority: Priority,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// Told (again) then; `None`: never, or not at this priority.
    at: Option<Timestamp>,
    /// How often it was.
    times: u32,
    /// Its time has passed at a priority that it is not for.
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

    /// Nobody is told.
    pub fn none(priority: Priority) -> HierarchicalEscalation {
        HierarchicalEscalation { priority, entries: Vec::new() }
    }

    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.entries.iter().filter_map(|entry| entry.at).min()
    }

    /// Tells whoever is due first; what comes later moves by the delay, so that hours of downtime tell one level, not
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

    /// Whoever is told of this priority and was passed over is told now.
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

    /// Ends what need not be told any more for that reason.
    pub fn stop(&mut self, ladder: &EscalationPolicy, why: StopWhen) {
        for (entry, one) in self.entries.iter_mut().zip(&ladder.hierarchy) {
            if one.stop_when.contains(&why) {
                entry.at = None;
                entry.passed = false;
            }
        }
    }

    /// The clocks stood still for a while.
    pub fn go_on(&mut self, ladder: Option<&EscalationPolicy>, calendars: &Calendars, stood: Pause) {
        for (index, entry) in self.entries.iter_mut().enumerate() {
            let calendar = ladder.and_then(|ladder| ladder.hierarchy.get(index)?.calendar.as_deref());
            entry.at = entry.at.map(|at| Time::of(calendars, calendar).moved(at, stood.since, stood.until));
        }
    }
}
