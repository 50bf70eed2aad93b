//! Holding the lease: what the holder says of itself, its heartbeats, and when it no longer counts as the holder.
//!
//! A holder that cannot renew its lease stops speaking for the service before another may take over: it is not ready,
//! tells nobody and acknowledges nothing. The epoch in every commit makes that safe; this makes it true.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::clock::Clock;
use crate::core::engine::ENGINE_VERSION;
use crate::core::model::TimeDelta;
use crate::store::{CommitError, Lease, LiveView, Store};

/// How often the holder gives a sign of life.
pub const HEARTBEAT_EVERY: Duration = Duration::from_millis(500);

/// How long one sign of life holds, on the holder's monotonic clock: shorter than `standby::SILENT_AFTER`, so that the
/// old holder has fallen silent before a new one speaks.
const HELD_FOR: TimeDelta = TimeDelta::from_millis(2_500);

/// A process that holds the lease, as it describes itself in the lease's row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub host: String,
    pub pid: u32,
    /// When the process began, in clock ticks since the boot: a pid is given again, the pair is not.
    pub started: u64,
    /// The machine's boot.
    pub boot: String,
    /// In which namespace the pid means that process.
    pub pid_namespace: String,
    pub engine_version: u32,
    /// Its HTTP doors.
    pub address: String,
}

/// What can be seen of another process from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessState {
    /// It is gone.
    Gone,
    /// Stopped by a signal: it does nothing until it is continued.
    Stopped,
    Running,
    /// On another machine, in another container, or of a release that does not say.
    NotVisible,
}

impl Holder {
    /// This process.
    pub fn this(address: String) -> Holder {
        let pid = std::process::id();
        Holder {
            host: read("/proc/sys/kernel/hostname"),
            pid,
            started: process(pid).map_or(0, |(_, started)| started),
            boot: read("/proc/sys/kernel/random/boot_id"),
            pid_namespace: link("/proc/self/ns/pid"),
            engine_version: ENGINE_VERSION,
            address,
        }
    }

    /// As the lease's row holds it; `None` for what an older release wrote there.
    pub fn parse(text: &str) -> Option<Holder> {
        serde_json::from_str(text).ok()
    }

    pub fn to_text(&self) -> String {
        // A struct of texts and numbers is always JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What this process can see of that one.
    pub fn process_state(&self) -> ProcessState {
        let same_machine = !self.boot.is_empty() && self.boot == read("/proc/sys/kernel/random/boot_id");
        if !same_machine || self.pid_namespace != link("/proc/self/ns/pid") {
            return ProcessState::NotVisible;
        }
        match process(self.pid) {
            Some((_, started)) if started != self.started => ProcessState::Gone,
            Some(('Z' | 'X', _)) | None => ProcessState::Gone,
            Some(('T' | 't', _)) => ProcessState::Stopped,
            Some(_) => ProcessState::Running,
        }
    }

    /// Ends the process with SIGKILL, which also ends a stopped one, if it is still the one that wrote the row.
    pub fn kill(&self) -> Result<(), String> {
        use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw).ok_or("its pid is no pid")?;
        let fd = pidfd_open(pid, PidfdFlags::empty()).map_err(|error| error.to_string())?;
        // Asked after the descriptor is held: from here on it is this process or none.
        match self.process_state() {
            ProcessState::Gone => Ok(()),
            ProcessState::NotVisible => Err("it cannot be seen from here".to_owned()),
            ProcessState::Stopped | ProcessState::Running => {
                pidfd_send_signal(fd, Signal::KILL).map_err(|error| format!("it may not be ended: {error}"))
            }
        }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {} (HTTP {})", self.pid, self.host, self.address)
    }
}

/// The process that holds that database, if one on this machine does and lives.
pub async fn living_holder(url: &str) -> Result<Option<Holder>, String> {
    let store = Store::open(url).await.map_err(|error| error.to_string())?;
    let state = store.lease_state().await.map_err(|error| error.to_string())?;
    Ok(Holder::parse(&state.holder).filter(|holder| match holder.process_state() {
        ProcessState::Running | ProcessState::Stopped => true,
        ProcessState::Gone | ProcessState::NotVisible => false,
    }))
}

/// State and start of a process, from its `stat`; the name in it may hold spaces and brackets.
fn process(pid: u32) -> Option<(char, u64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after_name = stat.rsplit_once(") ")?.1;
    let mut fields = after_name.split(' ');
    let state = fields.next()?.chars().next()?;
    // The 22nd field of the file; the state is the 3rd.
    Some((state, fields.nth(18)?.parse().ok()?))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn link(path: &str) -> String {
    std::fs::read_link(path).unwrap_or_default().display().to_string()
}

/// Keeps the lease while this process lives.
pub struct LeaseKeeper {
    pub store: Store,
    pub lease: Lease,
    pub clock: Clock,
    pub live: Arc<LiveView>,
    /// Cancelled when the lease is another's.
    pub fenced: CancellationToken,
}

impl LeaseKeeper {
    /// The first renewal: the lease was just taken.
    pub fn begin(&self) {
        self.live.set_held_until(self.clock.steady() + HELD_FOR);
    }

    /// Until `stop`, or until the lease is another's.
    pub async fn renew(self, stop: CancellationToken) {
        let mut tick = tokio::time::interval(HEARTBEAT_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut was_silent = false;
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            let before = self.clock.steady();
            let silent = match self.store.heartbeat(&self.lease).await {
                Ok(()) => {
                    self.live.set_held_until(before + HELD_FOR);
                    false
                }
                Err(CommitError::Fenced { .. }) => {
                    self.live.set_held_until(before);
                    self.fenced.cancel();
                    return;
                }
                Err(error) => {
                    let lapsed = !self.live.holds_lease(self.clock.steady());
                    if lapsed && !was_silent {
                        tracing::error!(
                            %error,
                            "the lease on the database cannot be renewed: not ready, and nobody is told anything, until it can; look at the database and the way to it"
                        );
                    }
                    lapsed
                }
            };
            if was_silent && !silent {
                tracing::info!("the lease on the database is renewed again");
            }
            was_silent = silent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_known_by_pid_start_boot_and_namespace() {
        let own = Holder::this("127.0.0.1:7247".to_owned());
        assert_eq!(Holder::parse(&own.to_text()).as_ref(), Some(&own));
        assert_eq!(Holder::parse("host:123"), None);
        let check = |holder: Holder, expected: ProcessState| assert_eq!(holder.process_state(), expected, "{holder:?}");
        check(own.clone(), ProcessState::Running);
        check(Holder { started: own.started + 1, ..own.clone() }, ProcessState::Gone);
        check(Holder { pid: 4_194_305, ..own.clone() }, ProcessState::Gone);
        check(Holder { boot: "another".to_owned(), ..own.clone() }, ProcessState::NotVisible);
        check(Holder { pid_namespace: "pid:[1]".to_owned(), ..own }, ProcessState::NotVisible);
    }
}
