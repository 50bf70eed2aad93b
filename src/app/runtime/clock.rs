//! The one place that reads the clock.
//!
//! `now` advances with the monotonic clock from an anchor, so that small corrections of the wall clock never disturb a
//! timer; a step of the wall clock is reported, to be journaled, and re-anchors. Time never runs backwards: after a
//! step back it stands still until the wall clock has caught up.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::core::model::{TimeDelta, Timestamp};

/// A wall clock that differs from ours by more than this was stepped.
pub const STEP_MIN: TimeDelta = TimeDelta::from_seconds(5);

/// A stepped wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockStep {
    pub forward: bool,
    pub by: TimeDelta,
}

/// Shared by everything that must know the time. Tests hand in their own readings.
#[derive(Clone)]
pub struct Clock {
    state: Arc<Mutex<Anchor>>,
    wall: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    elapsed: Arc<dyn Fn() -> TimeDelta + Send + Sync>,
}

#[derive(Debug)]
struct Anchor {
    wall: Timestamp,
    elapsed: TimeDelta,
    last: Timestamp,
    step: Option<ClockStep>,
}

impl Clock {
    /// The machine's clocks.
    #[expect(clippy::disallowed_methods, reason = "the one clock")]
    pub fn system() -> Clock {
        let start = Instant::now();
        let wall = || {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
        };
        let elapsed = move || TimeDelta::from_micros(i64::try_from(start.elapsed().as_micros()).unwrap_or(i64::MAX));
        Clock::new(Arc::new(wall), Arc::new(elapsed))
    }

    pub(in crate::app) fn new(
        wall: Arc<dyn Fn() -> Timestamp + Send + Sync>,
        elapsed: Arc<dyn Fn() -> TimeDelta + Send + Sync>,
    ) -> Clock {
        let (wall_now, elapsed_now) = (wall(), elapsed());
        let anchor = Anchor { wall: wall_now, elapsed: elapsed_now, last: wall_now, step: None };
        Clock { state: Arc::new(Mutex::new(anchor)), wall, elapsed }
    }

    /// The present moment, never earlier than an answer before.
    pub fn now(&self) -> Timestamp {
        let (wall, elapsed) = ((self.wall)(), (self.elapsed)());
        let mut anchor = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = anchor.wall + elapsed.saturating_sub(anchor.elapsed);
        let (forward, by) = if wall >= ours { (true, wall.since(ours)) } else { (false, ours.since(wall)) };
        if by > STEP_MIN {
            anchor.step = Some(ClockStep { forward, by });
            anchor.wall = wall;
            anchor.elapsed = elapsed;
        }
        let now = if by > STEP_MIN { wall } else { ours };
        anchor.last = anchor.last.max(now);
        anchor.last
    }

    /// The step that was seen since the last time this was asked.
    pub fn take_step(&self) -> Option<ClockStep> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).step.take()
    }

    /// After a restart: never earlier than what the journal has seen.
    pub fn not_before(&self, moment: Timestamp) {
        let mut anchor = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        anchor.last = anchor.last.max(moment);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[test]
    fn small_corrections_are_ignored_steps_are_reported_and_time_never_runs_back() {
        let wall = Arc::new(AtomicI64::new(1_000));
        let elapsed = Arc::new(AtomicI64::new(0));
        let (w, e) = (Arc::clone(&wall), Arc::clone(&elapsed));
        let clock = Clock::new(
            Arc::new(move || Timestamp::from_seconds(w.load(Ordering::SeqCst))),
            Arc::new(move || TimeDelta::from_seconds(e.load(Ordering::SeqCst))),
        );
        // (wall, elapsed) → (now, step)
        let check = |at: (i64, i64), now: i64, step: Option<(bool, i64)>| {
            wall.store(at.0, Ordering::SeqCst);
            elapsed.store(at.1, Ordering::SeqCst);
            assert_eq!(clock.now(), Timestamp::from_seconds(now), "{at:?}");
            let wanted = step.map(|(forward, by)| ClockStep { forward, by: TimeDelta::from_seconds(by) });
            assert_eq!(clock.take_step(), wanted, "{at:?}");
        };
        check((1_010, 10), 1_010, None);
        check((1_017, 13), 1_013, None);
        check((1_120, 20), 1_120, Some((true, 100)));
        check((1_121, 21), 1_121, None);
        check((1_062, 22), 1_121, Some((false, 60)));
        check((1_072, 32), 1_121, None);
        check((1_130, 90), 1_130, None);
        clock.not_before(Timestamp::from_seconds(2_000));
        check((1_131, 91), 2_000, None);
    }
}
