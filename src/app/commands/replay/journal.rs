//! The journal as a recording: inputs in order, from a time on. Reads only.
//!
//! Returns events, silences and gaps. People's commands on incidents are left out, because they name incidents by
//! number, and other rules make others. Findings of inspections are among the events.

use std::collections::{BTreeMap, VecDeque};

use crate::core::engine::{AlertRecord, Control, CorrelatorInput, Input, JournalEntry, Request, Resend};
use crate::core::model::{Event, Expiry, Fingerprint, Offset, Partition, Status, Timestamp};
use crate::store::{Store, StoreError};

/// Number of entries read at once.
const READ_ENTRIES: usize = 20_000;
/// Number of blocks examined at once to find the start.
const LOOK_BLOCKS: u32 = 1_000;

/// One input with its time.
pub struct Recorded {
    pub at: Timestamp,
    pub request: Request,
}

/// A store's journal, read forward.
pub struct Journal {
    store: Store,
    streams: Vec<Stream>,
    /// The newest full message of each alert, which a compact re-send repeats.
    known: BTreeMap<Fingerprint, Option<Event>>,
    /// Re-sends of alerts whose message is no longer known.
    pub unknown_resends: u64,
}

struct Stream {
    partition: Partition,
    next: Offset,
    entries: VecDeque<JournalEntry>,
    ended: bool,
}

/// Range of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    pub earliest: Timestamp,
    /// Nothing was ever deleted, so a replay from its start needs no warm-up.
    pub complete: bool,
}

impl Journal {
    pub async fn open(store: Store) -> Result<Journal, StoreError> {
        let partitions = store.partitions().await?.into_iter().filter(|partition| !partition.is_desk());
        let mut streams = Vec::new();
        for partition in partitions {
            let first = store.blocks(partition, Offset(0), 1).await?.first().map(|block| block.first);
            let Some(next) = first else { continue };
            streams.push(Stream { partition, next, entries: VecDeque::new(), ended: false });
        }
        Ok(Journal { store, streams, known: BTreeMap::new(), unknown_resends: 0 })
    }

    /// `None` for an empty journal.
    pub async fn reach(&mut self) -> Result<Option<Reach>, StoreError> {
        let complete = self.streams.iter().all(|stream| stream.next == Offset(0));
        let mut earliest: Option<Timestamp> = None;
        for stream in &mut self.streams {
            stream.fill(&self.store).await?;
            // The partition that begins last decides, because before it inputs are missing.
            earliest = earliest.max(stream.entries.front().map(|entry| entry.now));
        }
        if complete {
            earliest = self.streams.iter().filter_map(|one| one.entries.front()).map(|entry| entry.now).min();
        }
        Ok(earliest.map(|earliest| Reach { earliest, complete }))
    }

    /// Skips to the block that contains `from`.
    pub async fn skip_to(&mut self, from: Timestamp) -> Result<(), StoreError> {
        for stream in &mut self.streams {
            let mut at = stream.entries.front().map_or(stream.next, |entry| entry.offset);
            loop {
                let blocks = self.store.blocks(stream.partition, at, LOOK_BLOCKS).await?;
                let Some(last) = blocks.last() else { break };
                if let Some(found) = blocks.iter().find(|block| block.written_at >= from) {
                    at = found.first;
                    break;
                }
                at = Offset(last.first.0 + last.entries);
            }
            *stream = Stream { partition: stream.partition, next: at, entries: VecDeque::new(), ended: false };
        }
        Ok(())
    }

    /// The next input; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Recorded>, StoreError> {
        loop {
            for stream in &mut self.streams {
                stream.fill(&self.store).await?;
            }
            let heads = self.streams.iter().enumerate();
            let first = heads.filter_map(|(index, stream)| Some((stream.entries.front()?.now, index))).min();
            let Some((_, index)) = first else { return Ok(None) };
            let stream = &mut self.streams[index];
            let partition = stream.partition;
            let Some(entry) = stream.entries.pop_front() else { return Ok(None) };
            if let Some(request) = self.request(partition, entry.input).await? {
                return Ok(Some(Recorded { at: entry.now, request }));
            }
        }
    }

    async fn request(&mut self, partition: Partition, input: Input) -> Result<Option<Request>, StoreError> {
        Ok(match input {
            Input::Correlator(CorrelatorInput::Event(event)) => {
                if event.status != Status::Point {
                    self.known.insert(event.labels.fingerprint(), Some(event.as_ref().clone()));
                }
                Some(Request::Event(event))
            }
            Input::Correlator(CorrelatorInput::Resend(resend)) => self.resent(&resend).await?,
            silence @ Input::Correlator(CorrelatorInput::Silence(_)) => silence.into_request(),
            // Every partition has this input; once is enough.
            Input::Control(Control::Resumed { gap }) if self.is_first(partition) => Some(Request::Resumed { gap }),
            Input::Control(Control::ClockStepped { forward, by }) if self.is_first(partition) => {
                Some(Request::ClockStepped { forward, by })
            }
            Input::Control(
                Control::Resumed { .. } | Control::ClockStepped { .. } | Control::Tick | Control::Rulebook { .. },
            )
            | Input::Desk(_) => None,
        })
    }

    fn is_first(&self, partition: Partition) -> bool {
        self.streams.first().is_some_and(|stream| stream.partition == partition)
    }

    async fn resent(&mut self, resend: &Resend) -> Result<Option<Request>, StoreError> {
        if !self.known.contains_key(&resend.fingerprint) {
            let row = self.store.alert(resend.fingerprint).await?;
            self.known.insert(resend.fingerprint, row.map(described));
        }
        let Some(Some(known)) = self.known.get(&resend.fingerprint) else {
            self.unknown_resends += 1;
            return Ok(None);
        };
        let event = Event {
            status: Status::Firing,
            id: None,
            raw: None,
            starts_at: resend.starts_at,
            ends_at: resend.ends_at,
            occurred_at: resend.occurred_at,
            value: resend.value_bits.map(f64::from_bits),
            ..known.clone()
        };
        Ok(Some(Request::Event(Box::new(event))))
    }
}

impl Stream {
    async fn fill(&mut self, store: &Store) -> Result<(), StoreError> {
        if !self.entries.is_empty() || self.ended {
            return Ok(());
        }
        self.entries = store.read_journal(self.partition, self.next, READ_ENTRIES).await?.into();
        match self.entries.back() {
            Some(last) => self.next = last.offset.next(),
            None => self.ended = true,
        }
        Ok(())
    }
}

/// The message of an alert whose first one is gone from the journal.
fn described(row: AlertRecord) -> Event {
    let expiry = if &*row.source == "v2" { Expiry::AlertmanagerV2 } else { Expiry::Never };
    Event {
        severity: Some(row.severity),
        summary: row.summary.to_string(),
        annotations: row.annotations,
        generator_url: row.generator_url.to_string(),
        expiry,
        ..Event::new(&row.source, Status::Firing, row.labels)
    }
}
