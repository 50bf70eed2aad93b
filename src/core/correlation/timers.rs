//! The one ordered index of all timers.
//!
//! An alert or condition has at most one entry, armed at or before its due time. A due time that only moves later is
//! not updated here: an entry that comes up early is armed again, so a re-send costs no tree operation.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::conditions::shared_context::ContextName;
use crate::core::correlation::keys::ConditionKey;
use crate::core::correlation::keys::StormKey;
use crate::core::model::{Fingerprint, SilenceId, Timestamp};

/// Owner of a timer. Timers of the same time run in this order, then by key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Silence(SilenceId),
    /// By its number in the rulebook.
    Maintenance(u32),
    Storm(Arc<StormKey>),
    Context(ContextName),
    Alert(Fingerprint),
    Condition(ConditionKey),
    /// A sighting that grouping re-evaluates.
    Sighting(u64),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Deadlines {
    entries: BTreeSet<(Timestamp, Timer)>,
}

impl Deadlines {
    /// The earliest entry; its owner may be due later.
    pub fn first(&self) -> Option<Timestamp> {
        self.entries.first().map(|(at, _)| *at)
    }

    /// Removes the first entry if its time has come.
    pub fn pop(&mut self, now: Timestamp) -> Option<(Timestamp, Timer)> {
        if self.first()? > now {
            return None;
        }
        self.entries.pop_first()
    }

    /// Removes the next silence, window or storm of exactly that time.
    pub fn pop_hold(&mut self, at: Timestamp) -> Option<Timer> {
        let (moment, timer) = self.entries.first()?;
        let is_hold = match timer {
            Timer::Silence(_) | Timer::Maintenance(_) | Timer::Storm(_) => true,
            Timer::Context(_) | Timer::Alert(_) | Timer::Condition(_) | Timer::Sighting(_) => false,
        };
        if *moment != at || !is_hold {
            return None;
        }
        self.entries.pop_first().map(|(_, timer)| timer)
    }

    pub fn insert(&mut self, at: Timestamp, timer: Timer) {
        self.entries.insert((at, timer));
    }

    pub fn remove(&mut self, at: Timestamp, timer: Timer) {
        self.entries.remove(&(at, timer));
    }

    /// Makes the one entry of `timer` (now at `armed`) cover a deadline at `due`; returns its new time.
    pub fn arm(
        &mut self,
        armed: Option<Timestamp>,
        due: Option<Timestamp>,
        timer: impl FnOnce() -> Timer,
    ) -> Option<Timestamp> {
        match (armed, due) {
            (None, Some(due)) => {
                self.insert(due, timer());
                Some(due)
            }
            (Some(armed), Some(due)) if due < armed => {
                let timer = timer();
                self.remove(armed, timer.clone());
                self.insert(due, timer);
                Some(due)
            }
            (armed, _) => armed,
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_moves_only_when_it_is_due_earlier() {
        let mut deadlines = Deadlines::default();
        let at = Timestamp::from_seconds;
        let timer = || Timer::Alert(Fingerprint(1));
        let armed = deadlines.arm(None, Some(at(10)), timer);
        assert_eq!(deadlines.arm(armed, Some(at(20)), timer), Some(at(10)));
        assert_eq!(deadlines.arm(armed, Some(at(5)), timer), Some(at(5)));
        assert_eq!((deadlines.len(), deadlines.first()), (1, Some(at(5))));
        assert_eq!(deadlines.pop(at(4)), None);
        assert_eq!(deadlines.pop(at(5)), Some((at(5), timer())));
    }
}
