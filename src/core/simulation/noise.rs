//! Alarms without a fault: unrelated single alarms, flapping links, and storms of low value.

use super::alarm::{Alarm, Mode};
use super::estate::Estate;
use super::parameters::SimulationParameters;
use super::plan::LEAD_IN;
use super::rng::Rng;
use super::stream::{AlarmCause, EventKind, StandingAlarm};

/// Time after a device's failure in which noise there counts as near, in seconds.
const NEAR: f64 = 120.0;

/// Mean duration of noise, in seconds.
const NOISE_LASTS: f64 = 900.0;

/// A flapping link: number of cycles, down time and pauses, in seconds.
const FLAP_CYCLES: (usize, usize) = (4, 16);
const FLAP_DOWN: f64 = 8.0;
const FLAP_UP: f64 = 25.0;

/// Probability that the other end sees a flap too.
const FLAP_OTHER_END: f64 = 0.5;

/// Duration of a storm, and of its alarms, in seconds.
const STORM_LASTS: (f64, f64) = (120.0, 480.0);
const STORM_ALARM_LASTS: f64 = 300.0;

/// Adds them to the conditions of the faults.
pub fn add(parameters: &SimulationParameters, estate: &Estate, conditions: &mut Vec<StandingAlarm>, chance: &mut Rng) {
    let mut added = noise(parameters, estate, conditions, chance);
    added.extend(flaps(parameters, estate, chance));
    added.extend(storms(parameters, estate, chance));
    conditions.extend(added);
}

fn noise(
    parameters: &SimulationParameters,
    estate: &Estate,
    faulty: &[StandingAlarm],
    chance: &mut Rng,
) -> Vec<StandingAlarm> {
    let mut noise = Vec::new();
    let mut interfaces = 0;
    for mut at in arrivals(parameters.noise, parameters, chance) {
        let mut device = chance.below(estate.devices.len());
        if let Some(near) = chance.pick(faulty).filter(|_| chance.happens(parameters.noise_near)) {
            (device, at) = (near.device, near.from + chance.between(0.0, NEAR));
        }
        let (mut alarm, mut interface) = (chance.pick(Alarm::of_noise()).copied(), None);
        if chance.happens(parameters.noise_alike) {
            let class = estate.devices[device].class;
            alarm = chance.pick(&Alarm::of_symptom(class, Mode::Degraded)).copied();
            if class.is_network() && chance.happens(0.5) {
                interfaces += 1;
                (alarm, interface) = (Some(Alarm::LinkDown), Some(format!("ge-1/0/{interfaces}")));
            }
        }
        let until = at + 30.0 + chance.exponential(NOISE_LASTS);
        let cause = AlarmCause { kind: EventKind::Noise, fault: None, root: None, problem: None };
        noise.extend(alarm.map(|alarm| StandingAlarm { device, alarm, interface, from: at, until, cause }));
    }
    noise
}

fn flaps(parameters: &SimulationParameters, estate: &Estate, chance: &mut Rng) -> Vec<StandingAlarm> {
    let network: Vec<usize> = (0..estate.devices.len()).filter(|one| estate.devices[*one].class.is_network()).collect();
    let mut flaps = Vec::new();
    for (number, start) in arrivals(parameters.flaps, parameters, chance).into_iter().enumerate() {
        let Some(device) = chance.pick(&network).copied() else { continue };
        let root = &estate.devices[device];
        let other = root.depends_on.iter().copied().find(|one| estate.devices[*one].class.is_network());
        let other = other.filter(|_| chance.happens(FLAP_OTHER_END));
        let fault = Some(format!("L{:04}", number + 1));
        let cause = AlarmCause { kind: EventKind::Flap, fault, root: Some(root.name.clone()), problem: None };
        let mut at = start;
        for _ in 0..FLAP_CYCLES.0 + chance.below(FLAP_CYCLES.1 - FLAP_CYCLES.0) {
            let until = at + 1.0 + chance.exponential(FLAP_DOWN);
            let ends = [Some((device, "uplink".to_owned())), other.map(|other| (other, format!("to-{}", root.name)))];
            for (device, interface) in ends.into_iter().flatten() {
                let late = chance.exponential(1.0);
                flaps.push(StandingAlarm {
                    device,
                    alarm: Alarm::LinkDown,
                    interface: Some(interface),
                    from: at + late,
                    until: until + late,
                    cause: cause.clone(),
                });
            }
            at = until + 1.0 + chance.exponential(FLAP_UP);
        }
    }
    flaps
}

fn storms(parameters: &SimulationParameters, estate: &Estate, chance: &mut Rng) -> Vec<StandingAlarm> {
    let end = f64::from(parameters.hours) * 3600.0;
    let mut storms = Vec::new();
    for number in 1..=parameters.storms {
        let root = chance.below(estate.devices.len());
        let site = estate.devices[root].site.as_str();
        let here: Vec<usize> = (0..estate.devices.len()).filter(|one| estate.devices[*one].site == site).collect();
        let start = chance.between(LEAD_IN, end);
        let lasts = chance.between(STORM_LASTS.0, STORM_LASTS.1);
        let cause = AlarmCause {
            kind: EventKind::Storm,
            fault: Some(format!("S{number:02}")),
            root: Some(estate.devices[root].name.clone()),
            problem: None,
        };
        for interface in 0..parameters.storm_alarms {
            let (Some(device), Some(alarm)) = (chance.pick(&here).copied(), chance.pick(Alarm::of_storm()).copied())
            else {
                continue;
            };
            let from = start + chance.between(0.0, lasts);
            let until = from + 30.0 + chance.exponential(STORM_ALARM_LASTS);
            let interface = Some(format!("ge-0/{}/{}", interface / 48, interface % 48));
            storms.push(StandingAlarm { device, alarm, interface, from, until, cause: cause.clone() });
        }
    }
    storms
}

/// Random times at that hourly rate.
fn arrivals(rate: f64, parameters: &SimulationParameters, chance: &mut Rng) -> Vec<f64> {
    let end = f64::from(parameters.hours) * 3600.0;
    let mut moments = Vec::new();
    let mut at = LEAD_IN + chance.exponential(3600.0 / rate);
    while at < end {
        moments.push(at);
        at += chance.exponential(3600.0 / rate);
    }
    moments
}
