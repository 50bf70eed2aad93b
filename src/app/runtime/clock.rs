//! The one place that reads the clocks of the machine.
//!
//! `now` is a line of its own: it begins where the wall clock (or the journal) stood and goes on with the monotonic clock,
//! never backwards and never still. Beside it stands the offset by which the wall clock is ahead of it: 0 until somebody
//! sets the wall clock. A step counts only after it has stood for a while; then it is reported once, to be journaled, and
//! civil time follows it. The state is data: tests hand in their own readings.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::core::model::{TimeDelta, Timestamp};

/// A wall clock that differs from ours by that or more was stepped; less is what a network keeps right by itself.
pub const STEP_MIN: TimeDelta = TimeDelta::from_seconds(1);

/// How long a step must stand before it counts.
pub const STANDS_FOR: TimeDelta = TimeDelta::from_seconds(10);

/// A step of the wall clock that has stood long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockStep {
    pub forward: bool,
    pub by: TimeDelta,
}

/// What both clocks of the machine show at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    pub wall: Timestamp,
    /// Since some fixed moment.
    pub elapsed: TimeDelta,
}

/// Shared by everything that must know the time.
#[derive(Clone)]
pub struct Clock {
    line: Arc<Mutex<Line>>,
    read: Arc<dyn Fn() -> Reading + Send + Sync>,
}

/// The service's time as data.
#[derive(Debug)]
struct Line {
    /// `now` at the first reading, or where the journal was found further on.
    base: Timestamp,
    base_elapsed: TimeDelta,
    /// By how many microseconds the wall clock is ahead of `now`; less than 0 when it is behind.
    ahead: i64,
    suspect: Option<Suspect>,
    step: Option<ClockStep>,
}

/// A step that has not stood long enough.
#[derive(Clone, Copy, Debug)]
struct Suspect {
    since: TimeDelta,
    /// In microseconds, forward above 0.
    by: i64,
}

impl Clock {
    /// The machine's clocks.
    #[expect(clippy::disallowed_methods, reason = "the one clock")]
    pub fn system() -> Clock {
        let start = Instant::now();
        Clock::new(Arc::new(move || Reading {
            wall: {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
            },
            elapsed: TimeDelta::from_micros(i64::try_from(start.elapsed().as_micros()).unwrap_or(i64::MAX)),
        }))
    }

    pub(in crate::app) fn new(read: Arc<dyn Fn() -> Reading + Send + Sync>) -> Clock {
        let first = read();
        let line = Line { base: first.wall, base_elapsed: first.elapsed, ahead: 0, suspect: None, step: None };
        Clock { line: Arc::new(Mutex::new(line)), read }
    }

    /// The present moment of the service: later with every passing of real time, whatever the wall clock does.
    pub fn now(&self) -> Timestamp {
        let mut line = self.line();
        // Read under the lock: a reading from before another's would make time run backwards.
        let reading = (self.read)();
        line.watch(reading);
        line.now(reading)
    }

    /// What the wall clock shows, without a step that does not count yet.
    pub fn civil(&self) -> Timestamp {
        let now = self.now();
        now.shifted(self.ahead())
    }

    /// A moment of the monotonic clock alone, in no relation to any calendar: for rate limits and leases.
    pub fn steady(&self) -> Timestamp {
        Timestamp::EPOCH + (self.read)().elapsed
    }

    /// The step that has stood long enough since the last time this was asked.
    pub fn take_step(&self) -> Option<ClockStep> {
        self.line().step.take()
    }

    /// By how many microseconds the wall clock is ahead of `now`, as far as its steps count already.
    pub fn ahead(&self) -> i64 {
        self.line().ahead
    }

    /// How far the wall clock is behind a journal that ends there, with the offset that held then; zero when it is not.
    pub fn behind(&self, journal: Timestamp, ahead: i64) -> TimeDelta {
        let wall = (self.read)().wall;
        journal.shifted(ahead).since(wall)
    }

    /// After a start: goes on from the journal's newest moment, with the offset that held then. A wall clock that is
    /// further on was away meanwhile; one that is behind is a step like any other.
    pub fn go_on_from(&self, journal: Timestamp, ahead: i64) {
        let mut line = self.line();
        let reading = (self.read)();
        line.base = reading.wall.shifted(ahead.saturating_neg()).max(journal);
        line.base_elapsed = reading.elapsed;
        line.ahead = ahead;
        (line.suspect, line.step) = (None, None);
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // Nothing in here panics half way.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn now(&self, reading: Reading) -> Timestamp {
        self.base + reading.elapsed.saturating_sub(self.base_elapsed)
    }

    /// Looks whether the wall clock was stepped, and for how long that has stood.
    fn watch(&mut self, reading: Reading) {
        let expected = self.now(reading).shifted(self.ahead);
        let by = reading.wall.as_micros().saturating_sub(expected.as_micros());
        let is_step = |by: i64| by.unsigned_abs() >= STEP_MIN.as_micros().unsigned_abs();
        let seen = Suspect { since: reading.elapsed, by };
        match self.suspect {
            None if is_step(by) => {
                tracing::warn!(
                    by_seconds = by / 1_000_000,
                    "the wall clock was stepped; it counts if it stands for 10 s"
                );
                self.suspect = Some(seen);
            }
            None => {}
            Some(_) if !is_step(by) => {
                tracing::warn!("the wall clock is back where it was: a glitch, nothing follows from it");
                self.suspect = None;
            }
            Some(before) if is_step(by.saturating_sub(before.by)) => self.suspect = Some(seen),
            Some(before) if reading.elapsed.saturating_sub(before.since) >= STANDS_FOR => {
                self.ahead = self.ahead.saturating_add(by);
                self.suspect = None;
                let by_so_far = self.step.take().map_or(0, ClockStep::signed);
                self.step = Some(ClockStep::of(by.saturating_add(by_so_far)));
            }
            Some(_) => {}
        }
    }
}

impl ClockStep {
    fn of(by: i64) -> ClockStep {
        ClockStep { forward: by >= 0, by: TimeDelta::from_micros(by.saturating_abs()) }
    }

    fn signed(self) -> i64 {
        if self.forward { self.by.as_micros() } else { -self.by.as_micros() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// Clocks that the test sets: the seconds that have elapsed, and by how many the wall clock is wrong.
    struct Clocks {
        clock: Clock,
        elapsed: Arc<AtomicI64>,
        wrong: Arc<AtomicI64>,
    }

    const START: i64 = 1_000_000;

    impl Clocks {
        fn new() -> Clocks {
            let (elapsed, wrong) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
            let (e, w) = (Arc::clone(&elapsed), Arc::clone(&wrong));
            let clock = Clock::new(Arc::new(move || {
                let elapsed = e.load(Ordering::SeqCst);
                Reading {
                    wall: Timestamp::from_seconds(START + elapsed + w.load(Ordering::SeqCst)),
                    elapsed: TimeDelta::from_seconds(elapsed),
                }
            }));
            Clocks { clock, elapsed, wrong }
        }

        /// One second later, with the wall clock that far off: `now` is exactly one second later, too.
        fn second(&self, wrong: i64) -> Option<ClockStep> {
            let before = self.clock.now();
            self.wrong.store(wrong, Ordering::SeqCst);
            self.elapsed.fetch_add(1, Ordering::SeqCst);
            assert_eq!(self.clock.now(), before + TimeDelta::from_seconds(1), "wrong by {wrong}");
            self.clock.take_step()
        }
    }

    const HOUR: i64 = 3_600;
    const DAY: i64 = 24 * HOUR;
    const STEPS: [i64; 10] = [3, -3, HOUR, -HOUR, DAY, -DAY, 3_652 * DAY, -START, 1, -1];

    #[test]
    fn a_glitch_of_any_size_changes_nothing() {
        for step in STEPS {
            for lasts in [1, 3, 9] {
                let clocks = Clocks::new();
                let seen: Vec<_> = (0..40).filter_map(|n| clocks.second(if n < lasts { step } else { 0 })).collect();
                assert_eq!((seen, clocks.clock.ahead()), (Vec::new(), 0), "{step} for {lasts} s");
            }
        }
    }

    #[test]
    fn a_step_that_stands_is_told_once_after_ten_seconds_and_only_the_offset_follows() {
        for step in STEPS {
            let clocks = Clocks::new();
            let told: Vec<_> = (0..60).filter_map(|n| clocks.second(step).map(|told| (n, told))).collect();
            assert_eq!(told, [(10, ClockStep::of(step * 1_000_000))], "{step}");
            assert_eq!(clocks.clock.ahead(), step * 1_000_000);
            // Back again is a step of its own.
            let told: Vec<_> = (0..60).filter_map(|_| clocks.second(0)).collect();
            assert_eq!(told, [ClockStep::of(-step * 1_000_000)], "{step} back");
            assert_eq!(clocks.clock.ahead(), 0);
        }
    }

    #[test]
    fn a_clock_that_jumps_about_counts_when_it_rests() {
        let clocks = Clocks::new();
        let told: Vec<_> = (0..100).filter_map(|n| clocks.second(if n % 2 == 0 { HOUR } else { -DAY })).collect();
        assert_eq!((told, clocks.clock.ahead()), (Vec::new(), 0));
        let told: Vec<_> = (0..20).filter_map(|_| clocks.second(7)).collect();
        assert_eq!(told, [ClockStep::of(7_000_000)]);
    }

    #[test]
    fn less_than_a_second_is_no_step() {
        let clock = |wrong: i64| {
            let elapsed = Arc::new(AtomicI64::new(0));
            let read = Arc::clone(&elapsed);
            let clock = Clock::new(Arc::new(move || {
                let elapsed = read.load(Ordering::SeqCst);
                let off = if elapsed == 0 { 0 } else { wrong };
                Reading {
                    wall: Timestamp::from_micros(START * 1_000_000 + elapsed + off),
                    elapsed: TimeDelta::from_micros(elapsed),
                }
            }));
            for _ in 0..100 {
                elapsed.fetch_add(1_000_000, Ordering::SeqCst);
                clock.now();
            }
            clock.ahead()
        };
        assert_eq!([999_999, -999_999, 1_000_000, -1_000_000].map(clock), [0, 0, 1_000_000, -1_000_000]);
    }

    #[test]
    fn after_a_start_time_goes_on_from_the_journal() {
        let seconds = Timestamp::from_seconds;
        // (journal, offset of then) → (now, how far the wall clock is behind, the step told later)
        let check = |journal: i64, ahead: i64, now: i64, behind: i64, step: Option<i64>| {
            let clocks = Clocks::new();
            let ahead = ahead * 1_000_000;
            assert_eq!(clocks.clock.behind(seconds(journal), ahead), TimeDelta::from_seconds(behind));
            clocks.clock.go_on_from(seconds(journal), ahead);
            assert_eq!(clocks.clock.now(), seconds(now), "{journal} {ahead}");
            let told: Vec<_> = (0..30).filter_map(|_| clocks.second(0)).collect();
            assert_eq!(told, step.map(|step| ClockStep::of(step * 1_000_000)).into_iter().collect::<Vec<_>>());
        };
        check(START - HOUR, 0, START, 0, None);
        check(START, 0, START, 0, None);
        check(START + HOUR, 0, START + HOUR, HOUR, Some(-HOUR));
        // The wall clock was set back long ago, and the journal is ahead of it ever since.
        check(START + HOUR, -HOUR, START + HOUR, 0, None);
        check(START, -HOUR, START + HOUR, 0, None);
        // It was set forward long ago.
        check(START - DAY, DAY, START - DAY, 0, None);
    }
}
