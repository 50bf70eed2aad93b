//! The simulator keeps its word: one seed, one history; every event has its truth; the difficulties are there.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::model::{Moment, Status};

/// The bytes that `simulate` writes for a seed.
fn bytes(simulation: &Simulation) -> Vec<u8> {
    let mut bytes = simulation.inventory.to_yaml().into_bytes();
    bytes.extend(simulation.events.iter().flat_map(|event| serde_json::to_vec(event).unwrap()));
    bytes.extend(simulation.truth.iter().flat_map(|truth| serde_json::to_vec(truth).unwrap()));
    bytes
}
