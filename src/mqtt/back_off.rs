//! Back-off before the next attempt: doubling up to a maximum, without randomness, reset after a success.

use std::time::Duration;

/// The waits between attempts. Deterministic, because one service is no herd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackOff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl BackOff {
    pub const fn new(first: Duration, longest: Duration) -> BackOff {
        BackOff { first, longest, next: first }
    }

    /// The wait before the next attempt; each is twice the one before it, up to the maximum.
    pub fn next_wait(&mut self) -> Duration {
        let wait = self.next.min(self.longest);
        self.next = wait.saturating_mul(2);
        wait
    }

    /// After a success: the next wait is the first again.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew_after_a_success() {
        let mut waits = BackOff::new(Duration::from_secs(1), Duration::from_secs(30));
        let seconds: Vec<u64> = (0..7).map(|_| waits.next_wait().as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30]);
        waits.reset();
        assert_eq!(waits.next_wait(), Duration::from_secs(1));
    }
}
