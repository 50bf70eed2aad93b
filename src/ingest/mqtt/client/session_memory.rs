//! What was taken from the broker's session and is not known to be acknowledged.
//!
//! MQTT never answers an acknowledgement, so after a lost connection or a kill nobody knows which of the last ones
//! arrived. In a resumed session the broker first sends again, in order, what it holds unacknowledged. That run is
//! compared with what was taken, whatever the DUP flag says: many brokers do not set it. A ping's answer shows that every
//! acknowledgement written before the ping has arrived.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::core::model::{SessionFacts, SessionProgress, TakenMessage};
use crate::ingest::mqtt::dedup::digest;
use crate::ingest::mqtt::reader::Arrival;
use crate::mqtt::{Ack, Incoming};

/// As many messages as have packet ids can be unacknowledged at once.
const MESSAGES_MAX: usize = 65_535;

pub(super) struct SessionMemory {
    session: Arc<str>,
    /// `None` before the broker accepted a subscription.
    facts: Option<SessionFacts>,
    /// True if the broker kept the session while we were away.
    resumed: bool,
    /// In order of arrival.
    taken: VecDeque<TakenMessage>,
    next_number: u64,
    run: RedeliveredRun,
    /// Number of the first message that may still come again, and the first that came with this connection.
    expected: u64,
    own_from: u64,
    /// How many messages came with this connection.
    arrivals: u16,
    /// Messages of this connection without a written acknowledgement, by packet id.
    open: BTreeMap<u16, u64>,
    /// Messages whose acknowledgement was written since the last ping, and before it.
    written: Vec<u64>,
    fenced: Vec<u64>,
}

/// The messages that a broker sends again at the beginning of a resumed session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RedeliveredRun {
    Begins,
    /// The broker keeps packet ids, as the protocol demands.
    SameNumbers,
    /// The broker numbers its messages from 1 again.
    NumbersAnew,
    Over,
}

impl SessionMemory {
    /// What earlier runs of the service left; `taken` in order of arrival.
    pub fn new(session: &str, taken: Vec<TakenMessage>, facts: Option<SessionFacts>) -> SessionMemory {
        let next_number = taken.last().map_or(0, |last| last.number + 1);
        SessionMemory {
            session: Arc::from(session),
            facts,
            resumed: false,
            taken: taken.into(),
            next_number,
            run: RedeliveredRun::Over,
            expected: 0,
            own_from: next_number,
            arrivals: 0,
            open: BTreeMap::new(),
            written: Vec::new(),
            fenced: Vec::new(),
        }
    }

    /// A connection stands. Without the session of before, the broker sends nothing again. True if there was one: what
    /// the broker kept for us is lost.
    pub fn connected(&mut self, session_present: bool) -> bool {
        self.resumed = session_present;
        self.arrivals = 0;
        self.open.clear();
        self.written.clear();
        self.fenced.clear();
        if !session_present {
            self.taken.clear();
        }
        self.run = if self.taken.is_empty() { RedeliveredRun::Over } else { RedeliveredRun::Begins };
        self.expected = 0;
        self.own_from = self.next_number;
        !session_present && self.facts.take().is_some()
    }

    /// The broker accepted a subscription: from now on it keeps messages for us.
    pub fn subscribed(&mut self) -> Option<SessionProgress> {
        match self.facts {
            Some(_) => None,
            None => Some(self.learned(SessionFacts::default())),
        }
    }

    /// The broker's count of dropped messages.
    pub fn dropped(&mut self, count: u64) -> SessionProgress {
        self.learned(SessionFacts { dropped: Some(count) })
    }

    fn learned(&mut self, facts: SessionFacts) -> SessionProgress {
        self.facts = Some(facts);
        SessionProgress { facts: Some(facts), ..self.progress() }
    }

    /// True for a retained message that the broker repeats because we subscribe again: the session got it when it was
    /// published.
    pub fn is_history(&self, incoming: &Incoming) -> bool {
        incoming.retained && self.resumed && !incoming.dup
    }

    /// Notes a message that needs an acknowledgement.
    pub fn arrived(&mut self, incoming: &Incoming, ack: Ack) -> Arrival {
        self.arrivals = self.arrivals.saturating_add(1);
        let (packet_id, digest) = (ack.packet_id(), digest(&incoming.topic, &incoming.payload));
        let before = if incoming.retained { None } else { self.repeated(packet_id, digest, incoming.dup) };
        let number = before.unwrap_or_else(|| {
            let number = self.next_number;
            self.next_number += 1;
            self.taken.push_back(TakenMessage { number, packet_id, digest });
            if self.taken.len() > MESSAGES_MAX {
                self.taken.pop_front();
            }
            number
        });
        self.open.insert(packet_id, number);
        let taken = before.is_none().then_some(TakenMessage { number, packet_id, digest });
        Arrival { progress: SessionProgress { taken, ..self.progress() }, is_repeat: before.is_some() }
    }

    /// The acknowledgement was written.
    pub fn acknowledged(&mut self, ack: Ack) {
        self.written.extend(self.open.remove(&ack.packet_id()));
    }

    pub fn ping_sent(&mut self) {
        self.fenced.append(&mut self.written);
    }

    /// What was acknowledged before the ping never comes again; the progress to be kept, if anything was settled.
    pub fn ping_answered(&mut self) -> Option<SessionProgress> {
        let mut settled = std::mem::take(&mut self.fenced);
        if settled.is_empty() {
            return None;
        }
        settled.sort_unstable();
        self.taken.retain(|message| settled.binary_search(&message.number).is_err());
        Some(self.progress())
    }

    /// The connection ended by our own word, after every acknowledgement.
    pub fn left(&mut self) -> SessionProgress {
        self.taken.clear();
        self.progress()
    }

    fn progress(&self) -> SessionProgress {
        let settled_before = self.taken.front().map_or(self.next_number, |oldest| oldest.number);
        SessionProgress { session: Arc::clone(&self.session), settled_before, taken: None, facts: None }
    }

    /// The number under which the message was taken before, if the broker sends it again.
    fn repeated(&mut self, packet_id: u16, digest: u128, dup: bool) -> Option<u64> {
        // Some brokers send again what waited too long, behind new messages and even on the same connection.
        let marked = |taken: &&TakenMessage| taken.digest == digest && taken.packet_id == packet_id;
        if dup && let Some(taken) = self.taken.iter().find(marked) {
            if self.run == RedeliveredRun::Begins {
                self.run = RedeliveredRun::SameNumbers;
            }
            self.expected = self.expected.max(taken.number + 1);
            return Some(taken.number);
        }
        let (expected, own_from) = (self.expected, self.own_from);
        let find = |same_number: bool| {
            let candidates = self.taken.iter().filter(|taken| (expected..own_from).contains(&taken.number));
            let same = |taken: &&TakenMessage| taken.digest == digest && (!same_number || taken.packet_id == packet_id);
            candidates.into_iter().find(same).map(|taken| taken.number)
        };
        let (run, found) = match self.run {
            RedeliveredRun::Begins => match find(true) {
                Some(number) => (RedeliveredRun::SameNumbers, Some(number)),
                // What a broker that keeps packet ids holds of ours has its own.
                None if packet_id != self.arrivals => (RedeliveredRun::Begins, None),
                None => match find(false) {
                    Some(number) => (RedeliveredRun::NumbersAnew, Some(number)),
                    None => (RedeliveredRun::Begins, None),
                },
            },
            RedeliveredRun::SameNumbers => (RedeliveredRun::SameNumbers, find(true)),
            RedeliveredRun::NumbersAnew => (RedeliveredRun::NumbersAnew, find(false)),
            RedeliveredRun::Over => return None,
        };
        match found {
            // The broker keeps the order, so what was taken before this one is acknowledged.
            Some(number) => self.expected = number + 1,
            // What is new and not marked as sent again comes after the run.
            None if !dup => {
                self.run = RedeliveredRun::Over;
                return None;
            }
            None => {}
        }
        self.run = run;
        found
    }
}

#[cfg(test)]
#[path = "session_memory_tests.rs"]
mod tests;
