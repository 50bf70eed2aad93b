//! The desk's state in a snapshot: three large maps in sections, and the rest in one piece.

use super::state::PersistentState;
use crate::core::model::{SECTION_COUNT, Timestamp};

impl PersistentState {
    pub(super) fn oldest_answer(&self) -> Option<Timestamp> {
        self.core.answers.values().map(|(at, _)| *at).min()
    }

    pub fn section_names() -> impl Iterator<Item = String> {
        let sectioned = ["incidents", "conditions", "alerts"];
        let names = sectioned.into_iter().flat_map(|map| (0..SECTION_COUNT).map(move |index| format!("{map}/{index}")));
        names.chain([CORE.to_owned()])
    }

    /// The canonical bytes of one section; `None` for a name that is not one.
    pub fn encode(&self, name: &str) -> Option<Result<Vec<u8>, postcard::Error>> {
        Some(match parse(name)? {
            (CORE, _) => postcard::to_allocvec(&self.core),
            ("incidents", index) => self.incidents.encode_section(index),
            ("conditions", index) => self.by_condition.encode_section(index),
            (_, index) => self.by_alert.encode_section(index),
        })
    }

    pub fn restore(&mut self, name: &str, bytes: &[u8]) -> Result<(), postcard::Error> {
        match parse(name) {
            Some((CORE, _)) => self.core = postcard::from_bytes(bytes)?,
            Some(("incidents", index)) => self.incidents.restore_section(index, bytes)?,
            Some(("conditions", index)) => self.by_condition.restore_section(index, bytes)?,
            Some((_, index)) => self.by_alert.restore_section(index, bytes)?,
            None => return Err(postcard::Error::DeserializeBadEncoding),
        }
        Ok(())
    }

    /// Lets go of the large maps' content, and stays good for `is_same` alone.
    pub fn hollow(&mut self) {
        let PersistentState { incidents, by_condition, by_alert, core: _ } = self;
        incidents.drop_contents();
        by_condition.drop_contents();
        by_alert.drop_contents();
    }

    /// Whether a section is still the one that `earlier` holds, so that it need not be written again.
    pub fn is_same(&self, earlier: &PersistentState, name: &str) -> bool {
        match parse(name) {
            Some(("incidents", index)) => self.incidents.same_section(&earlier.incidents, index),
            Some(("conditions", index)) => self.by_condition.same_section(&earlier.by_condition, index),
            Some(("alerts", index)) => self.by_alert.same_section(&earlier.by_alert, index),
            Some(_) | None => false,
        }
    }
}

const CORE: &str = "desk";

fn parse(name: &str) -> Option<(&str, usize)> {
    if name == CORE {
        return Some((CORE, 0));
    }
    let (map, index) = name.split_once('/')?;
    let index = index.parse().ok().filter(|index| *index < SECTION_COUNT)?;
    ["incidents", "conditions", "alerts"].contains(&map).then_some((map, index))
}
