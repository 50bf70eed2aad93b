//! What systemd hears of us: ready, reloading, stopping, and a sign of life as long as the driver goes round.
//!
//! Without systemd nobody listens, and nothing is said.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

/// Counts the rounds of the driver: seen twice with the same number, it stands still. The driver goes round at least
/// once a second, commits and outages of the store included.
#[derive(Clone, Default)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// To be followed by [`ready`], whatever comes of it.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// `WATCHDOG=1` three times in the time that systemd allows, as long as the driver goes round.
pub async fn feed_watchdog(pulse: Pulse, stop: CancellationToken) {
    if let Some(allowed) = sd_notify::watchdog_enabled() {
        stop.run_until_cancelled(feed(&pulse, allowed, || tell(&[NotifyState::Watchdog]))).await;
    }
}

async fn feed(pulse: &Pulse, allowed: Duration, alive: impl Fn()) {
    let mut interval = tokio::time::interval((allowed / 3).max(Duration::from_millis(1)));
    let mut seen = None;
    loop {
        interval.tick().await;
        let count = pulse.count();
        if seen.replace(count) != Some(count) {
            alive();
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_watchdog_is_fed_while_the_driver_goes_round_and_no_longer() {
        let (pulse, fed) = (Pulse::default(), AtomicU64::new(0));
        let feeding = feed(&pulse, Duration::from_secs(30), || {
            fed.fetch_add(1, Ordering::Relaxed);
        });
        let driving = async {
            for _ in 0..60 {
                pulse.beat();
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            let alive = fed.load(Ordering::Relaxed);
            assert!((6..=7).contains(&alive), "{alive} in a minute");
            tokio::time::sleep(Duration::from_secs(10)).await;
            let stuck = fed.load(Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(600)).await;
            assert_eq!(fed.load(Ordering::Relaxed), stuck, "a stuck driver is not alive");
            pulse.beat();
            tokio::time::sleep(Duration::from_secs(11)).await;
            assert_eq!(fed.load(Ordering::Relaxed), stuck + 1);
        };
        tokio::select! {
            () = feeding => unreachable!("it feeds until it is dropped"),
            () = driving => {}
        }
    }
}
