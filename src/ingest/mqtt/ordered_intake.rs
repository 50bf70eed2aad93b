//! One door's messages in the order of their arrival: into the intake, and out again when they are kept.
//!
//! Many are under way at once. When one is refused, the ones behind it may have been taken already, and a firing that is
//! handed in again after its resolved event would never clear. So nothing new is handed in until the refused one is kept,
//! and what came behind it and changes the state of an alert is handed in once more after it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::in_flight::InFlightPermit;
use super::reader::{MqttMessage, ReadOutcome, Reader, is_idempotent};
use crate::ingest::{EventVerdict, Submission, SubmitError};
use crate::mqtt::BackOff;

const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_LONGEST: Duration = Duration::from_secs(2);

type SubmitReply = oneshot::Receiver<Result<Vec<EventVerdict>, SubmitError>>;

/// A message with what its door needs to confirm it (`ticket`) and its place in the window.
pub(super) struct InFlightMessage<T> {
    pub message: MqttMessage,
    pub ticket: T,
    pub place: InFlightPermit,
}

/// The sending end; the lane ends when all are dropped and everything is settled.
pub(super) type OrderedIntakeSender<T> = mpsc::UnboundedSender<InFlightMessage<T>>;

/// An entry that is kept, or need not be kept: now it may be confirmed.
pub(super) struct Committed<T> {
    pub ticket: T,
    /// Dropped by the door after confirming, so that the window counts what is unconfirmed.
    pub place: InFlightPermit,
}

/// An entry that was handed in.
struct Submitted<T> {
    entry: InFlightMessage<T>,
    outcome: IntakeOutcome,
    /// Whether it may be handed in twice.
    idempotent: bool,
}

enum IntakeOutcome {
    Awaited(SubmitReply),
    /// Kept by the driver, or a repeat of something that came before it.
    Kept,
    Refused,
}

struct OrderedIntake<T> {
    reader: Arc<Reader>,
    kept: mpsc::UnboundedSender<Committed<T>>,
    /// Held by whoever may hand in: the door's messages, or the repair after a refusal.
    turn: Mutex<()>,
    /// No more tries after it; what was handed in is still awaited.
    stop: CancellationToken,
}

/// The lane's entrance, and its work, to be spawned by the caller; what may be confirmed goes to `kept`. Bounded by the
/// window whose places the entries hold.
pub(super) fn lane<T: Send + 'static>(
    reader: Arc<Reader>,
    kept: mpsc::UnboundedSender<Committed<T>>,
    stop: CancellationToken,
) -> (OrderedIntakeSender<T>, impl Future<Output = ()> + Send + 'static) {
    let (sender, entries) = mpsc::unbounded_channel();
    let (handed_sender, handed) = mpsc::unbounded_channel();
    let lane = OrderedIntake { reader, kept, turn: Mutex::default(), stop };
    let work = async move {
        tokio::join!(lane.hand_in_all(entries, handed_sender), lane.settle_all(handed));
    };
    (sender, work)
}

impl<T: Send + 'static> OrderedIntake<T> {
    async fn hand_in_all(
        &self,
        mut entries: mpsc::UnboundedReceiver<InFlightMessage<T>>,
        handed: mpsc::UnboundedSender<Submitted<T>>,
    ) {
        while let Some(Some(entry)) = self.stop.run_until_cancelled(entries.recv()).await {
            let _turn = self.turn.lock().await;
            let (outcome, idempotent) = match self.reader.read(&entry.message) {
                ReadOutcome::Repeat => (IntakeOutcome::Kept, false),
                ReadOutcome::Parcel(parcel) => {
                    let idempotent = is_idempotent(&parcel);
                    (self.hand_in(parcel).await, idempotent)
                }
            };
            if handed.send(Submitted { entry, outcome, idempotent }).is_err() {
                return;
            }
        }
    }

    /// Waits for room in the intake. An intake that is closed refuses.
    async fn hand_in(&self, parcel: Submission) -> IntakeOutcome {
        let pushed = self.stop.run_until_cancelled(self.reader.surroundings().intake.push(parcel)).await;
        match pushed {
            Some(Ok(answer)) => IntakeOutcome::Awaited(answer),
            Some(Err(_)) | None => IntakeOutcome::Refused,
        }
    }

    async fn settle_all(&self, mut handed: mpsc::UnboundedReceiver<Submitted<T>>) {
        while let Some(mut first) = handed.recv().await {
            if first.is_kept().await {
                self.pass_on(first.entry);
                continue;
            }
            let turn = self.turn.lock().await;
            let mut waiting = vec![first];
            while let Ok(next) = handed.try_recv() {
                waiting.push(next);
            }
            self.hand_in_again(waiting).await;
            drop(turn);
        }
    }

    fn pass_on(&self, entry: InFlightMessage<T>) {
        // Nobody listens when the door is gone; then there is nobody to confirm to either.
        let _ = self.kept.send(Committed { ticket: entry.ticket, place: entry.place });
    }

    /// The first was refused, the others came behind it: again from the first on, until all are kept.
    async fn hand_in_again(&self, mut waiting: Vec<Submitted<T>>) {
        let mut back_off = BackOff::new(RETRY_FIRST, RETRY_LONGEST);
        warn!(messages = waiting.len(), "the intake cannot keep messages now; they are held back and handed in again");
        loop {
            let mut rest = Vec::new();
            for mut handed in waiting {
                match handed.is_kept().await {
                    true if rest.is_empty() => self.pass_on(handed.entry),
                    // Refused, or behind a refused one.
                    true | false => rest.push(handed),
                }
            }
            let wait = tokio::time::sleep(back_off.next_wait());
            if rest.is_empty() || self.stop.run_until_cancelled(wait).await.is_none() {
                return;
            }
            for handed in &mut rest {
                if handed.idempotent || matches!(handed.outcome, IntakeOutcome::Refused) {
                    handed.outcome = self.hand_in(self.reader.read_again(&handed.entry.message)).await;
                }
            }
            waiting = rest;
        }
    }
}

impl<T> Submitted<T> {
    /// Waits for the driver's answer.
    async fn is_kept(&mut self) -> bool {
        let kept = match &mut self.outcome {
            IntakeOutcome::Awaited(answer) => matches!(answer.await, Ok(Ok(_))),
            IntakeOutcome::Kept => true,
            IntakeOutcome::Refused => false,
        };
        self.outcome = if kept { IntakeOutcome::Kept } else { IntakeOutcome::Refused };
        kept
    }
}

#[cfg(test)]
#[path = "ordered_intake_tests.rs"]
mod tests;
