//! One intake's messages in order of arrival: into the queue, and out again once they are kept.
//!
//! Many are under way at once. When one is refused, later ones may have been kept already, and a firing submitted again
//! after its resolved event would never clear. So no new message is submitted until the refused one is kept, and later
//! ones that change the state of an alert are submitted once more after it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::in_flight::InFlightPermit;
use super::reader::{MqttMessage, ReadOutcome, Reader, is_idempotent};
use crate::core::model::SessionProgress;
use crate::ingest::{EventVerdict, Submission, SubmitError};
use crate::mqtt::BackOff;

const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_LONGEST: Duration = Duration::from_secs(2);

type SubmitReply = oneshot::Receiver<Result<Vec<EventVerdict>, SubmitError>>;

/// A message with its confirmation token (`ticket`) and its in-flight permit.
pub(super) struct InFlightMessage<T> {
    pub message: MqttMessage,
    pub ticket: T,
    pub place: InFlightPermit,
}

/// The sending end; the intake ends once all senders are dropped and every message is finished.
pub(super) type OrderedIntakeSender<T> = mpsc::UnboundedSender<InFlightMessage<T>>;

/// An entry that is kept, or need not be kept: it may now be confirmed.
pub(super) struct Committed<T> {
    pub ticket: T,
    /// Dropped by the transport after confirming, so that the limit counts unconfirmed messages.
    pub place: InFlightPermit,
}

/// A submitted entry.
struct Submitted<T> {
    entry: InFlightMessage<T>,
    outcome: IntakeOutcome,
    /// True if it may be submitted twice.
    idempotent: bool,
}

enum IntakeOutcome {
    Awaited(SubmitReply),
    /// Kept by the driver, or a repeat of an earlier message.
    Kept,
    Refused,
}

struct OrderedIntake<T> {
    reader: Arc<Reader>,
    kept: mpsc::UnboundedSender<Committed<T>>,
    /// Locked by the submitter: the stream of messages, or the repair after a refusal.
    turn: Mutex<()>,
    /// Ends the retries; answers to submitted entries are still awaited.
    stop: CancellationToken,
}

/// The sender, and the task, to be spawned by the caller; entries to confirm go to `kept`. Limited by the permits that
/// the entries hold.
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
                // Nothing to keep; its reply waits for its turn all the same.
                ReadOutcome::Repeat | ReadOutcome::NotPermitted => (IntakeOutcome::Kept, false),
                ReadOutcome::Parcel(parcel) => {
                    let idempotent = is_idempotent(&parcel);
                    (self.hand_in(parcel, entry.message.progress()).await, idempotent)
                }
            };
            if handed.send(Submitted { entry, outcome, idempotent }).is_err() {
                return;
            }
        }
    }

    /// Waits for room in the intake. A closed intake refuses.
    async fn hand_in(&self, parcel: Submission, progress: Option<SessionProgress>) -> IntakeOutcome {
        let pushed = self.stop.run_until_cancelled(self.reader.surroundings().intake.push(parcel, progress)).await;
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
        // Fails only if the transport is gone; then there is nothing to confirm.
        let _ = self.kept.send(Committed { ticket: entry.ticket, place: entry.place });
    }

    /// After a refusal of the first entry: submits it and the later ones again, until all are kept.
    async fn hand_in_again(&self, mut waiting: Vec<Submitted<T>>) {
        let mut back_off = BackOff::new(RETRY_FIRST, RETRY_LONGEST);
        warn!(messages = waiting.len(), "the intake cannot keep messages now; they are held back and handed in again");
        loop {
            let mut rest = Vec::new();
            for mut handed in waiting {
                match handed.is_kept().await {
                    true if rest.is_empty() => self.pass_on(handed.entry),
                    // Refused, or after a refused one.
                    true | false => rest.push(handed),
                }
            }
            let wait = tokio::time::sleep(back_off.next_wait());
            if rest.is_empty() || self.stop.run_until_cancelled(wait).await.is_none() {
                return;
            }
            for handed in &mut rest {
                if handed.idempotent || matches!(handed.outcome, IntakeOutcome::Refused) {
                    let message = &handed.entry.message;
                    handed.outcome = self.hand_in(self.reader.read_again(message), message.progress()).await;
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
