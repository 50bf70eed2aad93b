//! What the driver does while the store cannot be written, or refuses what it was given.
//!
//! The store decides what is kept: an engine that is ahead of it is dropped, everybody who sends meanwhile is refused,
//! and the service is ready again only when something could really be written. It must never let a stale engine commit
//! or leave a snapshot.

use std::time::Duration;

use super::block::Block;
use super::driver::{Driver, Stopped};
use super::recovery;
use super::recovery::{NotRecovered, Recovered};
use crate::core::engine::JournalEntry;
use crate::core::model::{DeadLetter, Partition};
use crate::store::{Batch, CommitError, Lease, Readiness, Store, StoreError};

/// The pause between two tries to reach a store that cannot be written; doubles up to 32 times that.
const RETRY_FIRST: Duration = Duration::from_millis(250);

/// The setting that is written to see whether anything can be written, and how much: a full disk takes a small row.
const REHEARSAL: &str = "rehearsal";
const REHEARSAL_BYTES: usize = 256 << 10;

impl Driver {
    /// The store decides: all partitions at our heads means that the batch landed and only its answer was lost.
    pub(in crate::app) async fn after_lost_commit(
        &mut self,
        batch: Batch,
        block: Block,
        why: &str,
    ) -> Result<(), Stopped> {
        self.not_ready(why);
        let mut block = Some(block);
        let mut pause = RETRY_FIRST;
        loop {
            let (store, lease) = (self.store.clone(), self.lease.clone());
            match self.refusing(why, landed(store, lease, &batch)).await {
                Ok(true) => {
                    self.store.enqueue(&batch.effects);
                    self.publish(batch);
                    if let Some(block) = block.take() {
                        block.acknowledge();
                    }
                    self.ready();
                    return Ok(());
                }
                Ok(false) => {
                    let mut block = block.take().unwrap_or_default();
                    return self.start_over(&mut block).await;
                }
                // What stands in the journal now may be another's.
                Err(fenced @ CommitError::Fenced { .. }) => {
                    if let Some(block) = block.take() {
                        block.refuse("another watchfire took over");
                    }
                    return Err(Stopped::Fenced(fenced));
                }
                // Whether it landed is still unknown, so nobody is answered anything but "unknown".
                Err(error) => {
                    tracing::warn!(%error, "the store does not answer");
                    if let Some(block) = block.take() {
                        block.refuse(why);
                    }
                }
            }
            self.pause(&mut pause, why).await?;
        }
    }

    /// Drops the engine and takes it back from the store, however long that takes; meanwhile everything is refused.
    pub(in crate::app) async fn start_over(&mut self, block: &mut Block) -> Result<(), Stopped> {
        let why = "the store could not be written; the state is being put back";
        block.take_waiting().refuse(why);
        self.not_ready(why);
        let mut pause = RETRY_FIRST;
        loop {
            let (store, domain_label) = (self.store.clone(), self.domain_label.clone());
            let lease = self.lease.clone();
            let again = async {
                rehearse(&store).await?;
                store.forget_late_rows().await;
                let recovered = recovery::recover(&store, domain_label).await?;
                Ok((recovered, store.head_as(&lease, Partition::DESK).await))
            };
            match self.refusing(why, again).await {
                Ok((_, Err(fenced @ CommitError::Fenced { .. }))) => return Err(Stopped::Fenced(fenced)),
                Ok((_, Err(error))) => tracing::warn!(%error, "the store cannot be written"),
                Ok((Recovered { engine, replayed, passed_over, .. }, Ok(_))) => {
                    self.engine = engine;
                    tracing::info!(replayed, "the store can be written again, and the state is put back");
                    self.tell_losses(&passed_over);
                    break;
                }
                Err(NotRecovered::Store(error)) => {
                    tracing::warn!(%error, "the store cannot be written");
                    self.not_ready(&format!("{why}: {error}"));
                }
                Err(other) => return Err(other.into()),
            }
            self.pause(&mut pause, why).await?;
        }
        self.publish_everything();
        self.ready();
        Ok(())
    }

    /// Commits the inputs of a refused block alone, and keeps the guilty ones as dead letters.
    pub(in crate::app) async fn one_by_one(
        &mut self,
        entries: Vec<(Partition, JournalEntry)>,
        reason: &str,
        block: Block,
    ) -> Result<(), Stopped> {
        block.refuse("a message beside it could not be stored; send again");
        for (_, entry) in entries {
            let Some(request) = entry.input.into_request() else { continue };
            let described = format!("{request:?}");
            let mut alone = Block::default();
            let clock = self.clock.clone();
            alone.take(&mut self.engine, &|| clock.now(), request)?;
            let batch = self.batch_of(&mut alone);
            match self.store.commit(&self.lease, &batch).await {
                Ok(()) => self.publish(batch),
                Err(CommitError::Content { reason: own }) => {
                    self.start_over(&mut Block::default()).await?;
                    self.keep_dead_letter(&described, &own).await;
                }
                Err(other) => {
                    tracing::error!(error = %other, reason, "gave up on trying the inputs one by one");
                    return self.after_lost_commit(batch, alone, &other.to_string()).await;
                }
            }
        }
        Ok(())
    }

    async fn keep_dead_letter(&mut self, described: &str, reason: &str) {
        let payload: String = described.chars().take(DeadLetter::PAYLOAD_MAX_BYTES / 4).collect();
        let letter = DeadLetter {
            at: self.clock.now(),
            source: "journal".to_owned(),
            door: "commit".to_owned(),
            reason: reason.to_owned(),
            payload_bytes: described.len() as u64,
            payload,
        };
        let batch = Batch { dead_letters: vec![letter], ..Batch::default() };
        if let Err(error) = self.store.commit(&self.lease, &batch).await {
            tracing::error!(%error, "a dead letter could not be kept");
        }
        self.outputs.metrics.dead_lettered("journal");
    }

    /// Waits, refusing whatever comes. A service that is told to stop does not wait for a store that may never answer.
    async fn pause(&mut self, pause: &mut Duration, why: &str) -> Result<(), Stopped> {
        let stop = self.cancel.clone();
        let nap = stop.run_until_cancelled(tokio::time::sleep(*pause));
        if self.refusing(why, nap).await.is_none() {
            return Err(Stopped::Unwritten { reason: why.to_owned() });
        }
        *pause = (*pause * 2).min(RETRY_FIRST * 32);
        Ok(())
    }

    /// Refuses whatever comes until the work is done.
    async fn refusing<T>(&mut self, why: &str, work: impl Future<Output = T>) -> T {
        self.inputs.doors.refusing(why, work).await
    }

    fn not_ready(&self, why: &str) {
        self.tell_of_files();
        self.outputs.live.set_readiness(Readiness::NotReady { reason: why.to_owned() });
        self.outputs.metrics.ready(false);
    }
}

async fn landed(store: Store, lease: Lease, batch: &Batch) -> Result<bool, CommitError> {
    let Some((partition, last)) = batch.entries.last() else { return Ok(false) };
    Ok(store.head_as(&lease, *partition).await? == last.offset.next())
}

/// Writes as much as a usual block, and gives the room back. What can only be read would otherwise look well until the
/// next event comes.
async fn rehearse(store: &Store) -> Result<(), StoreError> {
    store.put_setting(REHEARSAL, &"-".repeat(REHEARSAL_BYTES)).await?;
    store.put_setting(REHEARSAL, "").await
}
