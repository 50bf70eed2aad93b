//! Reads the rule files beside the driver, which goes on meanwhile: one reading at a time, each answered in its turn.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::api::CommandError;
use crate::core::engine::{Outcome, ReloadedBy};
use crate::core::rules::Rulebook;

/// Reads the rule files; in its own task, since it reads the disk.
pub type ReadRules = Arc<dyn Fn() -> Result<Rulebook, String> + Send + Sync>;

/// Somebody who asked for the rule files to be read again.
pub struct Reload {
    /// `None`: a signal.
    pub by: Option<ReloadedBy>,
    pub reply: oneshot::Sender<Result<Outcome, CommandError>>,
}

/// What is read, and for whom.
pub struct RuleReading {
    read: ReadRules,
    waiting: VecDeque<Reload>,
    under_way: Option<JoinHandle<Result<Rulebook, String>>>,
}

impl RuleReading {
    pub fn new(read: ReadRules) -> RuleReading {
        RuleReading { read, waiting: VecDeque::new(), under_way: None }
    }

    pub fn ask(&mut self, reload: Reload) {
        self.waiting.push_back(reload);
        self.begin();
    }

    /// The next one that was read; never while nobody asked. Dropping the future loses nothing.
    pub async fn done(&mut self) -> (Reload, Result<Rulebook, String>) {
        let Some(reading) = &mut self.under_way else { return std::future::pending().await };
        let read = reading.await.unwrap_or_else(|error| Err(format!("reading the rule files failed: {error}")));
        self.under_way = None;
        let reload = self.waiting.pop_front().expect("what is read was asked for");
        self.begin();
        (reload, read)
    }

    fn begin(&mut self) {
        if self.under_way.is_none() && !self.waiting.is_empty() {
            let read = Arc::clone(&self.read);
            self.under_way = Some(tokio::task::spawn_blocking(move || read()));
        }
    }
}
