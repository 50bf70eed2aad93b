//! One receiver's lane: how many attempts it may have at once, so that a hanging one never holds up the others.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

/// Attempts at once to all receivers together.
pub(super) const ALL_ATTEMPTS_MAX: usize = 32;
/// Attempts at once to one receiver that answers.
const ATTEMPTS_MAX: usize = 4;

/// Shared by the notices to one receiver.
pub(super) struct Lane {
    slots: Semaphore,
    /// Since an attempt failed and until one succeeds, only the holder of `probing` may try.
    failing: AtomicBool,
    probing: Mutex<()>,
}

/// The right to make one attempt; given back when dropped.
pub(super) struct Turn<'l> {
    lane: &'l Lane,
    _slot: SemaphorePermit<'l>,
    _probe: Option<MutexGuard<'l, ()>>,
    _one_of_all: SemaphorePermit<'l>,
}

impl Lane {
    pub fn new() -> Lane {
        Lane { slots: Semaphore::new(ATTEMPTS_MAX), failing: AtomicBool::new(false), probing: Mutex::new(()) }
    }

    /// Waits for this lane first and for `all` last, so that nobody waits for a lane while holding a place of all.
    pub async fn turn<'l>(&'l self, all: &'l Semaphore) -> Turn<'l> {
        let slot = self.slots.acquire().await.expect("the lane's semaphore is never closed");
        let probe = if self.failing.load(Ordering::Acquire) { Some(self.probing.lock().await) } else { None };
        // One that works again by now needs no probe; the next ones go in parallel again.
        let probe = probe.filter(|_| self.failing.load(Ordering::Acquire));
        let one_of_all = all.acquire().await.expect("the courier's semaphore is never closed");
        Turn { lane: self, _slot: slot, _probe: probe, _one_of_all: one_of_all }
    }
}

impl Turn<'_> {
    /// Ends the turn: whether the receiver is in trouble (no answer, or one that asks to come again).
    pub fn end(self, in_trouble: bool) {
        self.lane.failing.store(in_trouble, Ordering::Release);
    }
}
