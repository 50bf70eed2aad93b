//! One receiver's limit: attempts at once and per minute, so that a hanging receiver never delays the others, and none
//! is overloaded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

use crate::core::rules::Channel;

/// Attempts at once to all receivers together.
pub(super) const ALL_ATTEMPTS_MAX: usize = 32;
/// Attempts at once to one responsive receiver.
const ATTEMPTS_MAX: usize = 4;
/// Rate limit of a WeCom or DingTalk robot, beyond which it refuses everything for a while.
const ROBOT_ATTEMPTS_A_MINUTE: usize = 20;
const MINUTE: Duration = Duration::from_secs(60);

/// Shared by the notifications to one receiver.
pub(super) struct ReceiverLimiter {
    slots: Semaphore,
    /// From a failed attempt until a success, only the holder of `probing` may try.
    failing: AtomicBool,
    probing: Mutex<()>,
    /// Attempts left in this minute; `None`: a receiver without a rate limit.
    minute: Option<Semaphore>,
    /// Held while the receiver pauses.
    resting: Arc<Mutex<()>>,
}

/// The right to make one attempt; given back when dropped.
pub(super) struct AttemptPermit<'l> {
    lane: &'l ReceiverLimiter,
    _slot: SemaphorePermit<'l>,
    _probe: Option<MutexGuard<'l, ()>>,
    _one_of_all: SemaphorePermit<'l>,
}

impl ReceiverLimiter {
    pub fn to(channel: &Channel) -> ReceiverLimiter {
        let counts = match channel {
            Channel::Wecom { .. } | Channel::Dingtalk { .. } => Some(ROBOT_ATTEMPTS_A_MINUTE),
            Channel::Webhook { .. }
            | Channel::Mqtt { .. }
            | Channel::Email { .. }
            | Channel::Feishu { .. }
            | Channel::Slack { .. }
            | Channel::Template(_)
            | Channel::Alertmanager(_) => None,
        };
        ReceiverLimiter {
            slots: Semaphore::new(ATTEMPTS_MAX),
            failing: AtomicBool::new(false),
            probing: Mutex::new(()),
            minute: counts.map(Semaphore::new),
            resting: Arc::default(),
        }
    }

    /// Waits for this receiver first and for `all` last, so that no one waits for a receiver while holding a permit of
    /// all.
    pub async fn turn<'l>(self: &'l Arc<ReceiverLimiter>, all: &'l Semaphore) -> AttemptPermit<'l> {
        let slot = self.slots.acquire().await.expect("the lane's semaphore is never closed");
        let probe = if self.failing.load(Ordering::Acquire) { Some(self.probing.lock().await) } else { None };
        // A receiver that works again by now needs no probe; the next attempts go in parallel again.
        let probe = probe.filter(|_| self.failing.load(Ordering::Acquire));
        drop(self.resting.lock().await);
        if let Some(minute) = &self.minute {
            minute.acquire().await.expect("the lane's semaphore is never closed").forget();
            let lane = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(MINUTE).await;
                lane.minute.iter().for_each(|minute| minute.add_permits(1));
            });
        }
        let one_of_all = all.acquire().await.expect("the courier's semaphore is never closed");
        AttemptPermit { lane: self, _slot: slot, _probe: probe, _one_of_all: one_of_all }
    }

    /// Gives no permit for that long.
    pub fn rest(&self, how_long: Duration) {
        if let Ok(rest) = Arc::clone(&self.resting).try_lock_owned() {
            tokio::spawn(async move {
                tokio::time::sleep(how_long).await;
                drop(rest);
            });
        }
    }
}

impl AttemptPermit<'_> {
    /// Ends the attempt. `in_trouble`: no answer, or a request to retry later.
    pub fn end(self, in_trouble: bool) {
        self.lane.failing.store(in_trouble, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn turns(lane: &Arc<ReceiverLimiter>, count: usize) {
        let all = Semaphore::new(ALL_ATTEMPTS_MAX);
        for _ in 0..count {
            lane.turn(&all).await.end(false);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_robot_is_asked_twenty_times_a_minute_and_others_as_often_as_there_is_something() {
        let waited = async |channel: Channel, count: usize| {
            let lane = Arc::new(ReceiverLimiter::to(&channel));
            tokio::time::timeout(Duration::from_secs(59), turns(&lane, count)).await.is_err()
        };
        let url = || "http://127.0.0.1:1/".to_owned();
        assert!(!waited(Channel::Wecom { url: url() }, 20).await);
        assert!(waited(Channel::Wecom { url: url() }, 21).await);
        assert!(waited(Channel::Dingtalk { url: url(), secret: None }, 21).await);
        assert!(!waited(Channel::Slack { url: url() }, 200).await);
        let lane = Arc::new(ReceiverLimiter::to(&Channel::Wecom { url: url() }));
        tokio::time::timeout(Duration::from_secs(61), turns(&lane, 40)).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_resting_lane_gives_nobody_a_turn() {
        let lane = Arc::new(ReceiverLimiter::to(&Channel::Slack { url: String::new() }));
        lane.rest(Duration::from_secs(30));
        lane.rest(Duration::from_secs(500));
        assert!(tokio::time::timeout(Duration::from_secs(29), turns(&lane, 1)).await.is_err());
        tokio::time::timeout(Duration::from_secs(2), turns(&lane, 5)).await.unwrap();
    }
}
