//! A seeded estate with faults, its events and the truth, and the score of a grouping against that truth.
//!
//! It simulates the difficulties of correlation: faults that overlap in time and place, symptoms under their own names,
//! lost alarms (the root's too), flaps, noise inside cascades, storms, clocks that are wrong, repeats, disorder, and an
//! inventory that knows fewer edges than there are. Must never tune itself to what the correlation can do, draw from
//! anything but its seed, or be imported by a room that serves: it only measures.

mod alarm;
mod baseline;
mod dbscan;
mod estate;
mod fault;
mod noise;
mod parameters;
mod plan;
mod propagation;
pub mod provincial_estate;
mod rng;
mod score;
mod stream;
#[cfg(test)]
mod tests;
pub mod year;

pub use baseline::{Alec, Observed, alec, site_gap};
pub use estate::{Class, Device, Estate, InventoryEntry, InventoryFile, InventoryItems};
pub use parameters::{Preset, SimulationParameters};
pub use score::{Grouped, Score, score};
pub use stream::{EventKind, SimulatedEvent, Truth};

pub use rng::Rng;

/// Everything generated from one seed.
#[derive(Clone, Debug)]
pub struct Simulation {
    pub parameters: SimulationParameters,
    pub estate: Estate,
    /// An operator's inventory of it.
    pub inventory: InventoryFile,
    /// In order of arrival, some twice.
    pub events: Vec<SimulatedEvent>,
    /// One for each event id, by id.
    pub truth: Vec<Truth>,
}

/// Runs a preset, its parameters varied by the seed, for that many hours (at least one). The same seed gives the same
/// simulation on every machine.
pub fn simulate(seed: u64, preset: Preset, hours: u32) -> Simulation {
    let mut chance = Rng::new(seed);
    let parameters = SimulationParameters::of(preset, hours.max(1)).varied(&mut chance.split());
    let estate = Estate::build(&parameters, &mut chance.split());
    let inventory = estate.inventory(parameters.missing_edges, &mut chance.split());
    let mut conditions = plan::faults(&parameters, &estate, &mut chance.split());
    noise::add(&parameters, &estate, &mut conditions, &mut chance.split());
    let (events, truth) = stream::emit(&parameters, &estate, conditions, &mut chance.split());
    Simulation { parameters, estate, inventory, events, truth }
}
