//! The plan of faults: random arrivals, coincidences at one site, and recurring roots.

use super::fault::Fault;
use std::collections::BTreeMap;

use super::alarm::Mode;
use super::estate::{Class, Estate};
use super::parameters::SimulationParameters;
use super::propagation;
use super::rng::Rng;
use super::stream::{AlarmCause, EventKind, StandingAlarm};

/// Quiet time at the start of the virtual day, in seconds, because clocks may be early.
pub const LEAD_IN: f64 = 60.0;

/// Minimum repair time, in seconds.
const REPAIR_MIN: f64 = 300.0;
const REPAIR_MAX: f64 = 3.0 * 3600.0;

/// Period of recurring faults, in seconds, and the deviation of each occurrence.
const PERIOD: (f64, f64) = (2_700.0, 7_200.0);
const PERIOD_JITTER: f64 = 0.05;

/// Maximum delay of an independent fault at the same site, in seconds.
const COINCIDENCE: f64 = 180.0;

/// Frequency of a class as root, whatever the number of its devices: a dead access switch is commoner than a dead core.
const ROOT_WEIGHTS: [(Class, f64); 7] = [
    (Class::Core, 0.5),
    (Class::Aggregation, 1.0),
    (Class::Power, 8.0),
    (Class::Router, 15.0),
    (Class::Switch, 26.0),
    (Class::Host, 30.0),
    (Class::Service, 19.0),
];

/// All faults of the run, as the conditions that they cause.
pub fn faults(parameters: &SimulationParameters, estate: &Estate, chance: &mut Rng) -> Vec<StandingAlarm> {
    let mut planned = arrivals(parameters, estate, chance);
    planned.extend(recurrences(parameters, estate, chance));
    planned.sort_by(|one, other| one.at.total_cmp(&other.at));
    let mut conditions = Vec::new();
    for (number, mut fault) in planned.into_iter().enumerate() {
        fault.cause.fault = Some(format!("F{:04}", number + 1));
        propagation::spread(parameters, estate, &fault, chance, &mut conditions);
    }
    conditions
}

fn arrivals(parameters: &SimulationParameters, estate: &Estate, chance: &mut Rng) -> Vec<Fault> {
    let end = f64::from(parameters.hours) * 3600.0;
    let recurring_rate = parameters.recurring as f64 * 3600.0 / f64::midpoint(PERIOD.0, PERIOD.1);
    // Coincidences and recurrences are among the faults of an hour, not on top of them.
    let rate = (parameters.faults - recurring_rate).max(parameters.faults / 4.0) / (1.0 + parameters.coincident);
    let mut faults = Vec::new();
    let mut at = LEAD_IN + chance.exponential(3600.0 / rate);
    while at < end {
        let root = root(estate, None, chance);
        faults.push(fault(parameters, estate, root, at, None, chance));
        if chance.happens(parameters.coincident) {
            let site = estate.devices[root].site.as_str();
            let second = self::root(estate, Some(site), chance);
            let at = at + chance.between(0.0, COINCIDENCE);
            if second != root {
                faults.push(fault(parameters, estate, second, at, None, chance));
            }
        }
        at += chance.exponential(3600.0 / rate);
    }
    faults
}

fn recurrences(parameters: &SimulationParameters, estate: &Estate, chance: &mut Rng) -> Vec<Fault> {
    let end = f64::from(parameters.hours) * 3600.0;
    let mut faults = Vec::new();
    for number in 1..=parameters.recurring {
        let root = recurring_root(estate, chance);
        let period = chance.between(PERIOD.0, PERIOD.1);
        let problem = format!("P{number:02}");
        let mut at = LEAD_IN + chance.between(0.0, period);
        let first = fault(parameters, estate, root, at, Some(problem), chance);
        while at < end {
            let lasts = chance.between(REPAIR_MIN, period / 2.0);
            faults.push(Fault { at, lasts, ..first.clone() });
            at += period * (1.0 + chance.between(-PERIOD_JITTER, PERIOD_JITTER));
        }
    }
    faults
}

/// A fault of half the country is repaired for good the first time, so cores and aggregations do not recur.
fn recurring_root(estate: &Estate, chance: &mut Rng) -> usize {
    loop {
        let root = root(estate, None, chance);
        match estate.devices[root].class {
            Class::Core | Class::Aggregation => {}
            Class::Power | Class::Router | Class::Switch | Class::Host | Class::Service => return root,
        }
    }
}

/// Selects a root, at that site if one is given.
fn root(estate: &Estate, site: Option<&str>, chance: &mut Rng) -> usize {
    let mut by_class: BTreeMap<Class, Vec<usize>> = BTreeMap::new();
    for (index, device) in estate.devices.iter().enumerate() {
        if site.is_none_or(|site| device.site == site) {
            by_class.entry(device.class).or_default().push(index);
        }
    }
    let weights = ROOT_WEIGHTS.map(|(class, weight)| if by_class.contains_key(&class) { weight } else { 0.0 });
    let (class, _) = ROOT_WEIGHTS[chance.weighted(&weights)];
    by_class.get(&class).and_then(|devices| chance.pick(devices)).copied().unwrap_or(0)
}

fn fault(
    parameters: &SimulationParameters,
    estate: &Estate,
    root: usize,
    at: f64,
    problem: Option<String>,
    chance: &mut Rng,
) -> Fault {
    let mode = if chance.happens(parameters.degraded) { Mode::Degraded } else { Mode::Dead };
    let lasts = (REPAIR_MIN + chance.exponential(parameters.repair)).min(REPAIR_MAX);
    let root_name = Some(estate.devices[root].name.clone());
    Fault { cause: AlarmCause { kind: EventKind::Fault, fault: None, root: root_name, problem }, root, mode, at, lasts }
}
