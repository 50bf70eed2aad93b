//! The bounded queue between the doors and the driver. An answer comes only after the commit.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::core::model::{DeadLetter, Event, Heartbeat};
use crate::metrics::Stopwatch;

/// What a door hands in at once: one request's or one message's worth.
#[derive(Debug)]
pub enum Submission {
    Events(Vec<Event>),
    /// An unreadable message, to be kept before it is acknowledged.
    DeadLetter(DeadLetter),
    /// A message of which some items could be read, and what was wrong with the others.
    Partly {
        events: Vec<Event>,
        dead_letter: DeadLetter,
    },
    /// Somebody came or went.
    Presence(Heartbeat),
}

/// One parcel on its way to the driver.
#[derive(Debug)]
pub struct QueuedSubmission {
    pub parcel: Submission,
    /// Answered after the commit with one verdict an event, in order.
    pub reply: oneshot::Sender<Result<Vec<EventVerdict>, SubmitError>>,
    /// Gives the events' places in the queue back when dropped.
    room: OwnedSemaphorePermit,
    under_way: Stopwatch,
}

impl QueuedSubmission {
    /// Running since it was handed in.
    pub fn under_way(&self) -> Stopwatch {
        self.under_way
    }

    /// What was handed in, who waits for its answer, and its place in the queue: given back when dropped, after the
    /// commit.
    pub fn into_parts(
        self,
    ) -> (Submission, oneshot::Sender<Result<Vec<EventVerdict>, SubmitError>>, OwnedSemaphorePermit) {
        (self.parcel, self.reply, self.room)
    }
}

/// What became of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventVerdict {
    Accepted,
    Duplicate,
    /// The store refused its content for good; it is kept as a dead letter.
    DeadLettered,
}

/// Why nothing of the parcel was kept. The sender must send again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// 429: the queue is full.
    #[error("the intake queue is full; send again later")]
    Overloaded,
    /// 503: the store cannot be written, or the service starts or stops.
    #[error("nothing can be kept now: {reason}; send again later")]
    Unavailable { reason: String },
}

/// The sending end, one for all doors.
#[derive(Clone)]
pub struct Intake {
    queue: mpsc::UnboundedSender<QueuedSubmission>,
    /// One permit an event: the real bound.
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

    /// Hands in a parcel and waits for the commit; refused at once when there is no room. For doors that can say "later".
    pub async fn offer(&self, parcel: Submission) -> Result<Vec<EventVerdict>, SubmitError> {
        let permits = self.size(&parcel);
        let room = Arc::clone(&self.room).try_acquire_many_owned(permits).map_err(|_| SubmitError::Overloaded)?;
        self.send(parcel, room)?.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// Hands in a parcel, waiting for room first: back-pressure for doors that must not lose (MQTT). The answer is
    /// awaited by the caller, so that many parcels can be under way.
    pub async fn push(
        &self,
        parcel: Submission,
    ) -> Result<oneshot::Receiver<Result<Vec<EventVerdict>, SubmitError>>, SubmitError> {
        let permits = self.size(&parcel);
        let room = Arc::clone(&self.room).acquire_many_owned(permits).await.map_err(|_| stopping())?;
        self.send(parcel, room)
    }

    /// How many events wait in the queue or for their commit.
    pub fn waiting(&self) -> u32 {
        self.capacity - self.room.available_permits() as u32
    }

    /// A parcel larger than the queue takes all of it: it passes when the queue is empty.
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
    ) -> Result<oneshot::Receiver<Result<Vec<EventVerdict>, SubmitError>>, SubmitError> {
        let (reply, answer) = oneshot::channel();
        self.queue
            .send(QueuedSubmission { parcel, reply, room, under_way: Stopwatch::start() })
            .map_err(|_| stopping())?;
        Ok(answer)
    }
}

fn stopping() -> SubmitError {
    SubmitError::Unavailable { reason: "the service is stopping".to_owned() }
}
