//! The queue of people's commands, beside the events' so that a flood never keeps a person waiting.

use tokio::sync::{mpsc, oneshot};

use super::auth::Principal;
use crate::core::engine::{
    Command, ExplainRequest, ExplainResponse, IdempotencyKey, Outcome, ReloadedBy, SilenceChange,
};

/// How many commands may wait.
const CAPACITY: usize = 1024;

/// What a person wants.
#[derive(Debug)]
pub enum DriverRequest {
    Command(Command),
    Silence {
        actor: String,
        role: String,
        change: SilenceChange,
        once: Option<IdempotencyKey>,
    },
    /// Read the rule files again. Answered with the mistakes, if any.
    /// `None`: the process was signalled.
    Reload {
        by: Option<ReloadedBy>,
    },
    /// Asks why, and changes nothing. Answered here, by what is committed, and never journaled.
    Question {
        question: ExplainRequest,
        answer: oneshot::Sender<ExplainResponse>,
    },
}

impl DriverRequest {
    /// To read the rule files again, as that person.
    pub fn reload_by(caller: Principal) -> DriverRequest {
        DriverRequest::Reload { by: Some(ReloadedBy { actor: caller.name, role: caller.role.as_str().to_owned() }) }
    }
}

/// A wish on its way to the driver, answered after its commit.
#[derive(Debug)]
pub struct QueuedRequest {
    pub wish: DriverRequest,
    pub reply: oneshot::Sender<Result<Outcome, CommandError>>,
}

/// Why there is no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// 503; whether it happened is unknown: repeat with the same idempotency key.
    #[error("commit not confirmed: {reason}; retry with the same Idempotency-Key")]
    Unknown { reason: String },
    /// Reload only: the mistakes, ready to be read.
    #[error("{report}")]
    BadRules { report: String },
}

/// The sending end.
#[derive(Clone)]
pub struct CommandQueue {
    queue: mpsc::Sender<QueuedRequest>,
}

impl CommandQueue {
    pub fn new() -> (CommandQueue, mpsc::Receiver<QueuedRequest>) {
        let (queue, receiver) = mpsc::channel(CAPACITY);
        (CommandQueue { queue }, receiver)
    }

    /// Sends one wish and waits for what became of it.
    pub async fn send(&self, wish: DriverRequest) -> Result<Outcome, CommandError> {
        let (reply, answer) = oneshot::channel();
        let stopping = || CommandError::Unknown { reason: "the service is stopping".to_owned() };
        self.queue.send(QueuedRequest { wish, reply }).await.map_err(|_| stopping())?;
        answer.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// Asks the engine a question; `None` when it cannot be asked now.
    pub async fn explain(&self, question: ExplainRequest) -> Option<ExplainResponse> {
        let ((answer, explained), (reply, _)) = (oneshot::channel(), oneshot::channel());
        self.queue.send(QueuedRequest { wish: DriverRequest::Question { question, answer }, reply }).await.ok()?;
        explained.await.ok()
    }
}
