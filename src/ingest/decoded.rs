//! The decoded content of a request, a message or a payload: events, and rejected items.

use serde::Serialize;

use crate::core::model::Event;

/// A payload that could be read.
#[derive(Debug, Default, PartialEq)]
pub struct Decoded {
    pub events: Vec<Event>,
    /// Index of each event's item in the payload, from 0.
    pub places: Vec<usize>,
    pub rejected: Vec<Rejected>,
    /// Items that the source file excludes: a soft state, a person's comment.
    pub skipped: usize,
}

/// An item that was separable from its neighbours, but not valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Its index in the payload, from 0.
    pub index: usize,
    pub error: String,
}

impl Decoded {
    pub(super) fn take(&mut self, index: usize, item: Result<Event, String>) {
        match item {
            Ok(event) => {
                self.events.push(event);
                self.places.push(index);
            }
            Err(error) => self.rejected.push(Rejected { index, error }),
        }
    }

    /// Empties it, and keeps its capacity.
    pub(super) fn clear(&mut self) {
        let Decoded { events, places, rejected, skipped } = self;
        events.clear();
        places.clear();
        rejected.clear();
        *skipped = 0;
    }

    /// Gives every event without an id one that is the same for the same payload and key, so that a repeated request
    /// counts nothing twice.
    pub fn identify(&mut self, request_key: &str) {
        for (event, place) in self.events.iter_mut().zip(&self.places) {
            event.id.get_or_insert_with(|| format!("{request_key}/{place}"));
        }
    }
}
