//! Waiting for the lease: a healthy holder is never robbed; one that is dead, hangs or is cut off is followed.
//!
//! Time is counted on this process's monotonic clock, and only while the database answers: after a silence of the
//! database itself the holder gets its whole time again.

use std::time::Duration;

use super::clock::Clock;
use super::lease::{HEARTBEAT_EVERY, Holder, ProcessState};
use crate::core::engine::ENGINE_VERSION;
use crate::core::model::{TimeDelta, Timestamp};
use crate::metrics::TakeoverReason;
use crate::store::{Lease, LeaseState, Store, StoreError};

/// A holder that gave no sign of life for that long is followed.
pub const SILENT_AFTER: TimeDelta = TimeDelta::from_seconds(3);

/// On the embedded database, where a disk that stalls holds up the heartbeats of a healthy holder, and where following
/// means to end its process: longer than a commit may take.
const SILENT_AFTER_BESIDE: TimeDelta = TimeDelta::from_seconds(12);

/// A lease that was taken.
pub struct Taken {
    pub lease: Lease,
    /// Why it was to be had, when somebody else had held it and not given it back.
    pub reason: Option<TakeoverReason>,
    /// Who held it before.
    pub before: Option<Holder>,
}

/// A process that waits.
pub struct Standby<'s> {
    pub store: &'s Store,
    pub clock: &'s Clock,
    pub this: &'s Holder,
    /// Take it whoever holds it.
    pub by_force: bool,
    /// Leave a lease that nobody holds to another for a while.
    pub patient: bool,
}

/// What to do about a holder.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Wait,
    Take(Option<TakeoverReason>),
    /// End its process or its transaction first.
    End(TakeoverReason),
}

/// The lease as it was last seen to move.
struct Watched {
    state: LeaseState,
    since: Timestamp,
}

impl Standby<'_> {
    /// Returns when the lease is taken. `say` is told why it still waits, whenever that changes.
    pub async fn wait(&self, mut say: impl FnMut(String)) -> Taken {
        let mut watched: Option<Watched> = None;
        let mut said = String::new();
        let mut say = |text: String| {
            if text != said {
                tracing::info!("{text}");
                said.clone_from(&text);
                say(text);
            }
        };
        loop {
            match self.look(&mut watched, &mut say).await {
                Ok(Some(taken)) => return taken,
                Ok(None) => {}
                Err(error) => {
                    // Whether the holder lives cannot be seen, so its silence does not count.
                    watched = None;
                    say(format!("standby: the database does not answer: {error}"));
                }
            }
            tokio::time::sleep(pause()).await;
        }
    }

    async fn look(
        &self,
        watched: &mut Option<Watched>,
        say: &mut impl FnMut(String),
    ) -> Result<Option<Taken>, StoreError> {
        let state = self.store.lease_state().await?;
        let now = self.clock.steady();
        let holder = Holder::parse(&state.holder);
        if self.by_force {
            let lease = self.store.take_lease(&self.this.to_text()).await?;
            return Ok(Some(Taken { lease, reason: Some(TakeoverReason::Forced), before: holder }));
        }
        let since = match watched.as_ref() {
            Some(watched) if watched.state == state => watched.since,
            Some(_) | None => {
                *watched = Some(Watched { state: state.clone(), since: now });
                now
            }
        };
        let beside = matches!(self.store, Store::Sqlite(_));
        let silent_for = now.since(since);
        if state.holder.is_empty() && self.patient && silent_for < SILENT_AFTER {
            say("standby: nobody holds the database yet".to_owned());
            return Ok(None);
        }
        let reason = match step(&state, holder.as_ref().map(Holder::process_state), silent_for, beside) {
            Step::Wait => {
                say(standing_by(&state, holder.as_ref()));
                return Ok(None);
            }
            Step::Take(None) => None,
            Step::Take(reason @ Some(_)) if self.may_follow(holder.as_ref(), say) => reason,
            Step::End(reason) if self.may_follow(holder.as_ref(), say) => {
                if let Some(reason) = self.end(holder.as_ref()).await? {
                    say(reason);
                    return Ok(None);
                }
                Some(reason)
            }
            Step::Take(Some(_)) | Step::End(_) => return Ok(None),
        };
        let taken = self.store.take_over(&state, &self.this.to_text()).await?;
        Ok(taken.map(|lease| Taken { lease, reason, before: holder }))
    }

    /// An older release cannot read what a newer one wrote.
    fn may_follow(&self, holder: Option<&Holder>, say: &mut impl FnMut(String)) -> bool {
        match holder.filter(|holder| holder.engine_version > ENGINE_VERSION) {
            Some(newer) => {
                say(format!(
                    "standby: {newer} is gone or silent, but of a newer release, which this one does not follow"
                ));
                false
            }
            None => true,
        }
    }

    /// Ends what a silent holder still holds. A text: it could not be ended, so it must be waited for.
    async fn end(&self, holder: Option<&Holder>) -> Result<Option<String>, StoreError> {
        match self.store {
            Store::Postgres(_) => self.store.end_stuck_writers().await.map(|()| None),
            Store::Sqlite(_) => {
                let Some(holder) = holder.filter(|holder| holder.process_state() != ProcessState::NotVisible) else {
                    return Ok(None);
                };
                Ok(holder.kill().err().map(|reason| {
                    format!(
                        "standby: {holder} gives no sign of life, but {reason}; end it with kill -9 {}, and this one takes over",
                        holder.pid
                    )
                }))
            }
        }
    }
}

fn pause() -> Duration {
    HEARTBEAT_EVERY.mul_f64(0.8)
}

fn step(state: &LeaseState, process: Option<ProcessState>, silent_for: TimeDelta, beside: bool) -> Step {
    if state.holder.is_empty() {
        return Step::Take(None);
    }
    match process.unwrap_or(ProcessState::NotVisible) {
        ProcessState::Gone => Step::Take(Some(TakeoverReason::Died)),
        ProcessState::Stopped | ProcessState::NotVisible if silent_for >= SILENT_AFTER => {
            Step::End(TakeoverReason::Silent)
        }
        ProcessState::Running if silent_for >= if beside { SILENT_AFTER_BESIDE } else { SILENT_AFTER } => {
            Step::End(TakeoverReason::Silent)
        }
        ProcessState::Stopped | ProcessState::NotVisible | ProcessState::Running => Step::Wait,
    }
}

fn standing_by(state: &LeaseState, holder: Option<&Holder>) -> String {
    match holder {
        Some(holder) => format!("standby: {holder} holds the database and is asked instead"),
        None => format!("standby: {} holds the database", state.holder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_followed_when_it_is_gone_or_silent_and_never_while_it_lives() {
        let check = |holder: &str, process: Option<ProcessState>, seconds: i64, beside: bool, expected: Step| {
            let state = LeaseState { epoch: 1, beats: 1, holder: holder.to_owned() };
            let found = step(&state, process, TimeDelta::from_millis(seconds * 1_000 - 1), beside);
            assert_eq!(found, expected, "{holder:?} {process:?} {seconds} s {beside}");
        };
        let silent = || Step::End(TakeoverReason::Silent);
        for beside in [true, false] {
            check("", None, 0, beside, Step::Take(None));
            check("x", Some(ProcessState::Gone), 0, beside, Step::Take(Some(TakeoverReason::Died)));
            for process in [Some(ProcessState::Stopped), Some(ProcessState::NotVisible), None] {
                check("x", process, 3, beside, Step::Wait);
                check("x", process, 4, beside, silent());
            }
        }
        check("x", Some(ProcessState::Running), 3, false, Step::Wait);
        check("x", Some(ProcessState::Running), 4, false, silent());
        check("x", Some(ProcessState::Running), 12, true, Step::Wait);
        check("x", Some(ProcessState::Running), 13, true, silent());
    }
}
