//! Propagation of a fault: down the dependency edges, hop by hop, and a little to the neighbours above.

use std::collections::{BTreeMap, VecDeque};

use super::alarm::{Alarm, Mode};
use super::estate::Estate;
use super::fault::Fault;
use super::parameters::SimulationParameters;
use super::rng::Rng;
use super::stream::StandingAlarm;

/// Probabilities that a device has a second symptom, and that a neighbour above sees its link to a dead device go down.
const SECOND_SYMPTOM: f64 = 0.35;
const NEIGHBOUR_SEES: f64 = 0.35;

/// Probability that a device with another uplink reports the loss of one.
const REDUNDANCY_REPORTED: f64 = 0.7;

/// Share of a degraded device's dependents that notice, relative to the spread of a dead one.
const DEGRADED_SPREAD: f64 = 0.45;

/// Minimum delay per hop, in seconds.
const HOP_MIN: f64 = 0.3;

/// Delay of stragglers, in seconds.
const STRAGGLER: (f64, f64) = (90.0, 360.0);

/// Mean time after the repair until a device's alarms clear, in seconds.
const CLEAR_DELAY: f64 = 20.0;

/// Adds every condition that the fault causes.
pub fn spread(
    parameters: &SimulationParameters,
    estate: &Estate,
    fault: &Fault,
    chance: &mut Rng,
    conditions: &mut Vec<StandingAlarm>,
) {
    let mut spreading = FaultPropagation { parameters, estate, fault, chance, conditions };
    let own = Alarm::of_root(estate.devices[fault.root].class, fault.mode);
    if let Some(alarm) = spreading.chance.pick(own).copied() {
        spreading.condition(fault.root, alarm, None, fault.at);
    }
    spreading.neighbours();
    spreading.dependents();
}

struct FaultPropagation<'a> {
    parameters: &'a SimulationParameters,
    estate: &'a Estate,
    fault: &'a Fault,
    chance: &'a mut Rng,
    conditions: &'a mut Vec<StandingAlarm>,
}

impl FaultPropagation<'_> {
    /// The devices above a dead network device see its link go down: a symptom upstream of the root.
    fn neighbours(&mut self) {
        let root = &self.estate.devices[self.fault.root];
        if !root.class.is_network() || self.fault.mode == Mode::Degraded {
            return;
        }
        for above in &root.depends_on {
            if self.estate.devices[*above].class.is_network() && self.chance.happens(NEIGHBOUR_SEES) {
                self.condition(*above, Alarm::LinkDown, Some(format!("to-{}", root.name)), self.fault.at);
            }
        }
    }

    fn dependents(&mut self) {
        let mut hit: BTreeMap<usize, f64> = [(self.fault.root, self.fault.at)].into();
        let mut waiting = VecDeque::from([self.fault.root]);
        let share = match self.fault.mode {
            Mode::Dead => self.parameters.spread,
            Mode::Degraded => self.parameters.spread * DEGRADED_SPREAD,
        };
        while let Some(device) = waiting.pop_front() {
            let from = hit.get(&device).copied().unwrap_or(self.fault.at);
            for child in &self.estate.dependents[device] {
                if hit.contains_key(child) || !self.chance.happens(share) {
                    continue;
                }
                let at = from + HOP_MIN + self.chance.exponential(self.parameters.hop_delay);
                if self.has_another_way(*child, device, &hit) {
                    if self.fault.mode == Mode::Dead && self.chance.happens(REDUNDANCY_REPORTED) {
                        self.condition(*child, Alarm::RedundancyLost, None, at);
                    }
                    continue;
                }
                hit.insert(*child, at);
                waiting.push_back(*child);
                self.symptoms(*child, at);
            }
        }
    }

    fn symptoms(&mut self, device: usize, at: f64) {
        let [first, second] = Alarm::of_symptom(self.estate.devices[device].class, self.fault.mode);
        self.condition(device, first, None, at);
        if self.chance.happens(SECOND_SYMPTOM) {
            self.condition(device, second, None, at);
        }
    }

    /// True if a device reaches the rest by another network device than the lost one.
    fn has_another_way(&self, device: usize, lost: usize, hit: &BTreeMap<usize, f64>) -> bool {
        let is_network = |index: usize| self.estate.devices[index].class.is_network();
        let others = self.estate.devices[device].depends_on.iter();
        is_network(lost) && others.copied().any(|other| other != lost && is_network(other) && !hit.contains_key(&other))
    }

    fn detection(&mut self) -> f64 {
        if self.chance.happens(self.parameters.polled) {
            self.chance.between(0.0, self.parameters.poll_period)
        } else {
            self.chance.exponential(self.parameters.detection)
        }
    }

    fn condition(&mut self, device: usize, alarm: Alarm, interface: Option<String>, at: f64) {
        let straggles = self.chance.happens(self.parameters.stragglers);
        let late = if straggles { self.chance.between(STRAGGLER.0, STRAGGLER.1) } else { 0.0 };
        let seen = at + late + self.detection();
        let repaired = self.fault.at + self.fault.lasts + self.chance.exponential(CLEAR_DELAY) + self.detection();
        if seen < repaired {
            self.conditions.push(StandingAlarm {
                device,
                alarm,
                interface,
                from: seen,
                until: repaired,
                cause: self.fault.cause.clone(),
            });
        }
    }
}
