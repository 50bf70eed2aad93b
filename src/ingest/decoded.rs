//! What a request, a message or a payload held: events, and the items that are none.

use serde::Serialize;

use crate::core::model::Event;

/// A payload that could be read.
#[derive(Debug, Default, PartialEq)]
pub struct Decoded {
    pub events: Vec<Event>,
    /// Where each event's item stands in the payload, from 0.
    pub places: Vec<usize>,
    pub rejected: Vec<Rejected>,
    /// Items that the source file says are no events: a soft state, somebody's comment.
    pub skipped: usize,
}

/// An item that could be told from its neighbours, but not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Its place in the payload, from 0.
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

    /// Empties it; what room it has stays.
    pub(super) fn clear(&mut self) {
        let Decoded { events, places, rejected, skipped } = self;
        events.clear();
        places.clear();
        rejected.clear();
        *skipped = 0;
    }

    /// Gives every event without an id one that is the same whenever this payload comes with this key, so that
    /// repeating a request counts nothing twice.
    pub fn identify(&mut self, request_key: &str) {
        for (event, place) in self.events.iter_mut().zip(&self.places) {
            event.id.get_or_insert_with(|| format!("{request_key}/{place}"));
        }
    }
}
