//! From conditions to events in order of arrival: lost, late, repeated, out of order, by wrong clocks; and the truth of
//! each.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::alarm::Alarm;
use super::estate::Estate;
use super::parameters::SimulationParameters;
use super::rng::Rng;
use crate::core::model::{Labels, Severity, Status, TimeDelta, Timestamp};

/// Start of the virtual day: Monday, 5 January 2026, 00:00 UTC.
const START: Timestamp = Timestamp::from_seconds(1_767_571_200);

/// Error of a bad clock, relative to the others, and its maximum, in seconds.
const BAD_CLOCK: f64 = 10.0;
const SKEW_MAX: f64 = 20.0;

/// Share of events with slow transport, and its mean time in seconds.
const SLOW_WAY: f64 = 0.02;
const SLOW_WAY_TIME: f64 = 8.0;

/// Maximum delay of a repeat, in seconds.
const REPEAT_WITHIN: f64 = 30.0;

/// Origin of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// A root and its consequences.
    Fault,
    /// One alarm that belongs to nothing else.
    Noise,
    /// Hundreds of alarms of low value from one site.
    Storm,
    /// A link that goes down and up again and again.
    Flap,
}

/// Cause of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmCause {
    pub kind: EventKind,
    pub fault: Option<String>,
    pub root: Option<String>,
    pub problem: Option<String>,
}

/// An alarm on a device for some time; seconds since the start.
#[derive(Clone, Debug)]
pub struct StandingAlarm {
    pub device: usize,
    pub alarm: Alarm,
    pub interface: Option<String>,
    pub from: f64,
    pub until: f64,
    pub cause: AlarmCause,
}

/// A native event, as `replay` and `POST /api/v1/events` read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedEvent {
    pub id: String,
    pub status: Status,
    pub labels: BTreeMap<String, String>,
    pub severity: Severity,
    pub summary: String,
    pub occurred_at: Timestamp,
}

/// The truth about an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// The event's id.
    pub id: String,
    /// The fault, flap or storm that it belongs to; noise has none.
    pub fault: Option<String>,
    /// The device that failed.
    pub root: Option<String>,
    /// The recurring problem that the fault is an occurrence of, if its root fails again and again.
    pub problem: Option<String>,
    pub kind: EventKind,
    /// The first firing of this alarm within its fault that was not lost: the one that `score` counts. Clears and the
    /// later firings of a flap are not.
    #[serde(default = "yes")]
    pub alarm: bool,
}

fn yes() -> bool {
    true
}

/// An event before it has an id, with its time of arrival.
struct Sent {
    arrives: f64,
    again: Option<f64>,
    event: SimulatedEvent,
    truth: Truth,
}

type AlarmKey = (usize, Alarm, Option<String>);

/// The events in order of arrival, and the truth by id.
pub fn emit(
    parameters: &SimulationParameters,
    estate: &Estate,
    conditions: Vec<StandingAlarm>,
    chance: &mut Rng,
) -> (Vec<SimulatedEvent>, Vec<Truth>) {
    let skews: Vec<f64> = estate.devices.iter().map(|_| skew(parameters, chance)).collect();
    let mut by_alarm: BTreeMap<AlarmKey, Vec<StandingAlarm>> = BTreeMap::new();
    for condition in conditions {
        let key = (condition.device, condition.alarm, condition.interface.clone());
        by_alarm.entry(key).or_default().push(condition);
    }
    let mut sent = Vec::new();
    let mut known: BTreeSet<(AlarmKey, Option<String>)> = BTreeSet::new();
    for (key, conditions) in by_alarm {
        for condition in standing(conditions) {
            let number = 1 + chance.below(99);
            let is_lost = chance.happens(parameters.drops);
            if !is_lost {
                let is_first = known.insert((key.clone(), condition.cause.fault.clone()))
                    || condition.cause.kind == EventKind::Noise;
                let event = event(estate, &condition, Status::Firing, skews[condition.device], number);
                sent.push(on_its_way(parameters, &condition, condition.from, event, is_first, chance));
            }
            let event = event(estate, &condition, Status::Resolved, skews[condition.device], number);
            sent.push(on_its_way(parameters, &condition, condition.until, event, false, chance));
        }
    }
    arrive(sent)
}

/// A monitoring tool's view of overlapping conditions: the first one's alarm, until the last one ends.
fn standing(mut conditions: Vec<StandingAlarm>) -> Vec<StandingAlarm> {
    conditions.sort_by(|one, other| one.from.total_cmp(&other.from));
    let mut standing: Vec<StandingAlarm> = Vec::new();
    for condition in conditions {
        match standing.last_mut() {
            Some(last) if condition.from <= last.until => last.until = last.until.max(condition.until),
            Some(_) | None => standing.push(condition),
        }
    }
    standing
}

fn skew(parameters: &SimulationParameters, chance: &mut Rng) -> f64 {
    let deviation = if chance.happens(parameters.bad_clocks) { BAD_CLOCK } else { 1.0 } * parameters.skew;
    chance.normal(deviation).clamp(-SKEW_MAX, SKEW_MAX)
}

fn event(estate: &Estate, condition: &StandingAlarm, status: Status, skew: f64, number: usize) -> SimulatedEvent {
    let device = &estate.devices[condition.device];
    let mut labels: BTreeMap<String, String> = [
        ("alertname", condition.alarm.name()),
        ("site", device.site.as_str()),
        ("device", device.name.as_str()),
        ("class", device.class.as_str()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    labels.extend(condition.interface.clone().map(|interface| ("interface".to_owned(), interface)));
    let at = if status == Status::Firing { condition.from } else { condition.until };
    let text = condition.alarm.text().replace("{}", &number.to_string());
    SimulatedEvent {
        id: String::new(),
        status,
        labels,
        severity: condition.alarm.severity(),
        summary: format!("{} {}: {text}", device.place, device.name),
        occurred_at: START + TimeDelta::from_millis(((at + skew).max(0.0) * 1000.0) as i64),
    }
}

fn on_its_way(
    parameters: &SimulationParameters,
    condition: &StandingAlarm,
    at: f64,
    event: SimulatedEvent,
    alarm: bool,
    chance: &mut Rng,
) -> Sent {
    let slow = if chance.happens(SLOW_WAY) { chance.exponential(SLOW_WAY_TIME) } else { 0.0 };
    let arrives = at + chance.exponential(parameters.transport) + slow;
    let again = chance.happens(parameters.duplicates).then(|| arrives + chance.between(0.0, REPEAT_WITHIN));
    let AlarmCause { kind, fault, root, problem } = condition.cause.clone();
    Sent { arrives, again, event, truth: Truth { id: String::new(), fault, root, problem, kind, alarm } }
}

/// Assigns ids in order of arrival, and inserts the repeats.
fn arrive(mut sent: Vec<Sent>) -> (Vec<SimulatedEvent>, Vec<Truth>) {
    sent.sort_by(|one, other| one.arrives.total_cmp(&other.arrives));
    let mut arrivals: Vec<(f64, SimulatedEvent)> = Vec::new();
    let mut truth = Vec::new();
    for (number, one) in sent.into_iter().enumerate() {
        let id = format!("e{number:06}");
        let event = SimulatedEvent { id: id.clone(), ..one.event };
        arrivals.extend(one.again.map(|again| (again, event.clone())));
        arrivals.push((one.arrives, event));
        truth.push(Truth { id, ..one.truth });
    }
    arrivals.sort_by(|one, other| one.0.total_cmp(&other.0));
    (arrivals.into_iter().map(|(_, event)| event).collect(), truth)
}

impl SimulatedEvent {
    /// Its labels in the model's form.
    pub fn model_labels(&self) -> Labels {
        Labels::from_pairs(&self.labels)
    }
}
