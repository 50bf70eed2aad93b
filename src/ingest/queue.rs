//! The bounded queue between the intakes and the driver. An answer comes only after the commit.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::core::model::SessionProgress;
use crate::core::model::{DeadLetter, Event, Heartbeat};
use crate::metrics::Stopwatch;

/// One submission of an intake: the content of one request or message.
#[derive(Debug)]
pub enum Submission {
    Events(Vec<Event>),
    /// An unreadable message, to be kept before it is acknowledged.
    DeadLetter(DeadLetter),
    /// A message with some readable items, and the errors of the others.
    Partly {
        events: Vec<Event>,
        dead_letter: DeadLetter,
    },
    /// A person's presence report.
    Presence(Heartbeat),
}

/// One submission on its way to the driver.
#[derive(Debug)]
pub struct QueuedSubmission {
    pub parcel: Submission,
    /// Answered after the commit with one verdict per event, in order.
    pub reply: oneshot::Sender<Result<Vec<EventVerdict>, SubmitError>>,
    /// Returns the events' room in the queue when dropped.
    room: OwnedSemaphorePermit,
    under_way: Stopwatch,
    progress: Option<SessionProgress>,
}

impl QueuedSubmission {
    /// What a broker's session gains with it, to be kept in the same commit.
    pub fn progress(&self) -> Option<SessionProgress> {
        self.progress.clone()
    }

    /// Runs since the submission.
    pub fn under_way(&self) -> Stopwatch {
        self.under_way
    }

    /// The submission, the receiver of its answer, and its room in the queue: returned when dropped, after the commit.
    pub fn into_parts(
        self,
    ) -> (Submission, oneshot::Sender<Result<Vec<EventVerdict>, SubmitError>>, OwnedSemaphorePermit) {
        (self.parcel, self.reply, self.room)
    }
}

/// Verdict on one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventVerdict {
    Accepted,
    Duplicate,
    /// The store refused its content for good; it is kept as a dead letter.
    DeadLettered,
}

/// Reason why nothing of the submission was kept. The sender must send again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// 429: the queue is full.
    #[error("the intake queue is full; send again later")]
    Overloaded,
    /// 503: the store cannot be written, or the service starts or stops.
    #[error("nothing can be kept now: {reason}; send again later")]
    Unavailable { reason: String },
}

/// The sending end, one for all intakes.
#[derive(Clone)]
pub struct Intake {
    queue: mpsc::UnboundedSender<QueuedSubmission>,
    /// One permit per event: the effective limit.
    room: Arc<Semaphore>,
    capacity: u32,
}

impl Intake {
    /// A queue for at most `capacity` events (1 or more), and its receiving end.
    pub fn new(capacity: u32) -> (Intake, mpsc::UnboundedReceiver<QueuedSubmission>) {
        let (queue, receiver) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(capacity as usize));
        (Intake { queue, room, capacity }, receiver)
    }

    /// Submits and waits for the commit; refused at once without room. For protocols that can answer "later".
    pub async fn offer(&self, parcel: Submission) -> Result<Vec<EventVerdict>, SubmitError> {
        let permits = self.size(&parcel);
        let room = Arc::clone(&self.room).try_acquire_many_owned(permits).map_err(|_| SubmitError::Overloaded)?;
        self.send(parcel, room, None)?.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// Submits after waiting for room: back-pressure for protocols that must not lose messages (MQTT). The caller
    /// awaits the answer, so that many submissions can be under way.
    pub async fn push(
        &self,
        parcel: Submission,
        progress: Option<SessionProgress>,
    ) -> Result<oneshot::Receiver<Result<Vec<EventVerdict>, SubmitError>>, SubmitError> {
        let permits = self.size(&parcel);
        let room = Arc::clone(&self.room).acquire_many_owned(permits).await.map_err(|_| stopping())?;
        self.send(parcel, room, progress)
    }

    /// Has a broker's session noted with the next commit, without waiting: it takes no room.
    pub fn note(&self, progress: SessionProgress) {
        if let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(0) {
            // Fails only while the service stops.
            let _ = self.send(Submission::Events(Vec::new()), room, Some(progress));
        }
    }

    /// Number of events in the queue or waiting for their commit.
    pub fn waiting(&self) -> u32 {
        self.capacity - self.room.available_permits() as u32
    }

    /// A submission larger than the queue takes all of it: it passes once the queue is empty.
    fn size(&self, parcel: &Submission) -> u32 {
        let events = match parcel {
            Submission::Events(events) => events.len(),
            Submission::DeadLetter(_) | Submission::Presence(_) => 1,
            Submission::Partly { events, .. } => events.len() + 1,
        };
        u32::try_from(events).unwrap_or(u32::MAX).clamp(1, self.capacity)
    }

    fn send(
        &self,
        parcel: Submission,
        room: OwnedSemaphorePermit,
        progress: Option<SessionProgress>,
    ) -> Result<oneshot::Receiver<Result<Vec<EventVerdict>, SubmitError>>, SubmitError> {
        let (reply, answer) = oneshot::channel();
        self.queue
            .send(QueuedSubmission { parcel, reply, room, under_way: Stopwatch::start(), progress })
            .map_err(|_| stopping())?;
        Ok(answer)
    }
}

fn stopping() -> SubmitError {
    SubmitError::Unavailable { reason: "the service is stopping".to_owned() }
}
