//! On-call shifts at a time, their next change, and gaps.

use crate::core::calendar::Calendars;

use serde::Serialize;

use super::local_time::{DAY_MINUTES, Edge, instant, local_minutes, weekday};
use super::{Override, Overrides};
use crate::core::calendar::WorkCalendar;
use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::{DutyHours, Layer, Roster};

/// Search limit for a change.
const HORIZON: TimeDelta = TimeDelta::from_days(400);

/// Maximum number of boundaries examined for one result.
const EDGES_MAX: usize = 20_000;

/// Days ahead in which every stretch of a week has begun.
const WEEK_AHEAD: i64 = 8;

/// The people on duty with the reason, or the reason why there are none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OnCallShift {
    /// In the order of the crew; each once.
    pub people: Vec<OnCall>,
    pub why: String,
}

/// One person on duty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OnCall {
    pub person: String,
    /// The replaced person in the rotation.
    pub instead_of: Option<String>,
    /// The override that replaced them.
    pub by_override: Option<u64>,
}

/// A change of the people on duty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShiftChange {
    pub at: Timestamp,
    pub people: Vec<String>,
    pub why: String,
}

/// A period with too few people on duty, though coverage is required.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    pub from: Timestamp,
    pub until: Timestamp,
    /// Actual and required number of people on duty.
    pub on_duty: u32,
    pub at_least: u32,
}

/// The calendars of the rulebook.
impl OnCallShift {
    pub fn names(&self) -> Vec<String> {
        self.people.iter().map(|one| one.person.clone()).collect()
    }
}

/// The people on duty at that time.
pub fn on_duty(roster: &Roster, calendars: &Calendars, overrides: &Overrides, at: Timestamp) -> OnCallShift {
    let now: Vec<&Override> = overrides.of(&roster.name).filter(|one| one.from <= at && at < one.until).collect();
    // The newest override counts.
    if let Some(alone) = now.iter().rev().find(|one| one.instead_of.is_none()) {
        let person = substitute(&alone.person, &now);
        let people = vec![OnCall { instead_of: None, by_override: Some(alone.id), person: person.0 }];
        return OnCallShift { people, why: format!("override {} until {}: {}", alone.id, alone.until, alone.reason) };
    }
    for layer in roster.layers.iter().rev() {
        let Some((crew, number)) = crew_at(roster, layer, calendars, at) else { continue };
        let mut people: Vec<OnCall> = Vec::with_capacity(crew.len());
        for name in crew {
            let (person, by_override) = substitute(name, &now);
            if people.iter().all(|one| one.person != person) {
                let instead_of = by_override.map(|_| name.clone());
                people.push(OnCall { person, instead_of, by_override });
            }
        }
        return OnCallShift { people, why: format!("layer {}, {number} of {} in turn", layer.name, layer.crews.len()) };
    }
    OnCallShift { people: Vec::new(), why: "no layer has anybody on duty then".to_owned() }
}

/// The first time after `at` at which the people on duty change; `None` if there is none in about a year.
pub fn next_change(roster: &Roster, calendars: &Calendars, overrides: &Overrides, at: Timestamp) -> Option<Timestamp> {
    let before = on_duty(roster, calendars, overrides, at).people;
    let mut now = at;
    for _ in 0..EDGES_MAX {
        now = next_edge(roster, calendars, overrides, now).filter(|edge| edge.since(at) <= HORIZON)?;
        if on_duty(roster, calendars, overrides, now).people != before {
            return Some(now);
        }
    }
    None
}

/// The next changes, at most `most` of them.
pub fn changes(
    roster: &Roster,
    calendars: &Calendars,
    overrides: &Overrides,
    at: Timestamp,
    most: usize,
) -> Vec<ShiftChange> {
    let mut changes = Vec::new();
    let mut now = at;
    while changes.len() < most
        && let Some(next) = next_change(roster, calendars, overrides, now)
    {
        let duty = on_duty(roster, calendars, overrides, next);
        changes.push(ShiftChange { at: next, people: duty.names(), why: duty.why });
        now = next;
    }
    changes
}

/// Periods in `[from, until)` with too few people on duty while the covered calendar is open; empty for full coverage.
pub fn gaps(
    roster: &Roster,
    calendars: &Calendars,
    overrides: &Overrides,
    from: Timestamp,
    until: Timestamp,
) -> Vec<Gap> {
    let covers = calendars.get(&roster.covers);
    let mut gaps: Vec<Gap> = Vec::new();
    let mut at = from;
    for _ in 0..EDGES_MAX {
        if at >= until {
            break;
        }
        let edge = next_edge(roster, calendars, overrides, at);
        let opens = covers.and_then(|covers| calendar_edge(covers, at));
        let next = [edge, opens].into_iter().flatten().min().unwrap_or(until).min(until);
        let count = on_duty(roster, calendars, overrides, at).people.len() as u32;
        if count < roster.at_least && covers.is_none_or(|covers| covers.is_open(at)) {
            match gaps.last_mut() {
                Some(last) if last.until == at && last.on_duty == count => last.until = next,
                Some(_) | None => {
                    gaps.push(Gap { from: at, until: next, on_duty: count, at_least: roster.at_least });
                }
            }
        }
        at = next;
    }
    gaps
}

/// The person in a place after all overrides, and the last override that applied.
fn substitute(name: &str, now: &[&Override]) -> (String, Option<u64>) {
    let (mut person, mut by) = (name.to_owned(), None);
    // Each at most once, so that two people who replace one another cause no loop.
    let mut unused: Vec<&&Override> = now.iter().filter(|one| one.instead_of.is_some()).collect();
    while let Some(index) = unused.iter().position(|one| one.instead_of.as_deref() == Some(person.as_str())) {
        let one = unused.remove(index);
        (person, by) = (one.person.clone(), Some(one.id));
    }
    (person, by)
}

/// The crew of a layer at that time, and its position in the rotation.
fn crew_at<'a>(
    roster: &Roster,
    layer: &'a Layer,
    calendars: &Calendars,
    at: Timestamp,
) -> Option<(&'a Vec<String>, usize)> {
    let shift = shift_at(roster, layer, at)?;
    if layer.is_restricted() && !is_within(roster, layer, at) {
        return None;
    }
    // A missing calendar restricts no one; the loader refuses an undefined one.
    let closed = |name: &String| calendars.get(name).is_some_and(|calendar| !calendar.is_open(at));
    if layer.calendar.as_ref().is_some_and(closed) {
        return None;
    }
    let index = layer.crew_of(shift);
    layer.crews.get(index).map(|crew| (crew, index + 1))
}

/// The number of the shift; `None` before the first.
fn shift_at(roster: &Roster, layer: &Layer, at: Timestamp) -> Option<i64> {
    let length = layer.shift_minutes.max(1);
    let mut shift = (local_minutes(&roster.zone, at.shifted(roster.ahead)) - layer.start).div_euclid(length);
    // Around a clock change the local clock runs ahead of the shifts, or behind them.
    while begins(roster, layer, shift) > at {
        shift -= 1;
    }
    while begins(roster, layer, shift + 1) <= at {
        shift += 1;
    }
    (shift >= 0).then_some(shift)
}

fn begins(roster: &Roster, layer: &Layer, shift: i64) -> Timestamp {
    let local = layer.start.saturating_add(shift.saturating_mul(layer.shift_minutes.max(1)));
    instant(&roster.zone, local, Edge::First).shifted(roster.ahead.saturating_neg())
}

fn is_within(roster: &Roster, layer: &Layer, at: Timestamp) -> bool {
    let today = local_minutes(&roster.zone, at.shifted(roster.ahead)).div_euclid(DAY_MINUTES);
    stretches(roster, layer, today - 2, today + 1).any(|(from, until)| from <= at && at < until)
}

/// The stretches of a layer that begin on those days, as instants.
fn stretches<'a>(
    roster: &'a Roster,
    layer: &'a Layer,
    first: i64,
    last: i64,
) -> impl Iterator<Item = (Timestamp, Timestamp)> + 'a {
    const ALL_DAY: &[DutyHours] = &[DutyHours { from: 0, until: DAY_MINUTES }];
    let hours = if layer.hours.is_empty() { ALL_DAY } else { layer.hours.as_slice() };
    let days = (first..=last).filter(|day| layer.days[weekday(*day)]);
    days.flat_map(move |day| {
        hours.iter().map(move |stretch| {
            let at = |minutes: i64, edge| {
                instant(&roster.zone, day * DAY_MINUTES + minutes, edge).shifted(roster.ahead.saturating_neg())
            };
            (at(stretch.from, Edge::First), at(stretch.until, Edge::Last))
        })
    })
}

/// The first time after `at` at which any input of the on-call computation changes.
fn next_edge(roster: &Roster, calendars: &Calendars, overrides: &Overrides, at: Timestamp) -> Option<Timestamp> {
    let layers = roster.layers.iter().filter_map(|layer| {
        let shift = shift_at(roster, layer, at).unwrap_or(-1);
        // Two boundaries inside a skipped hour are one instant.
        let mut next = shift + 1;
        while begins(roster, layer, next) <= at {
            next += 1;
        }
        let turn = Some(begins(roster, layer, next));
        let today = local_minutes(&roster.zone, at.shifted(roster.ahead)).div_euclid(DAY_MINUTES);
        let edges = layer.is_restricted().then(|| {
            let edges = stretches(roster, layer, today - 2, today + WEEK_AHEAD).flat_map(|(from, until)| [from, until]);
            edges.filter(|edge| *edge > at).min()
        });
        let calendar = layer.calendar.as_ref().and_then(|name| calendars.get(name));
        let calendar = calendar.and_then(|calendar| calendar_edge(calendar, at));
        [turn, edges.flatten(), calendar].into_iter().flatten().min()
    });
    let edges = overrides.of(&roster.name).flat_map(|one| [one.from, one.until]).filter(|edge| *edge > at);
    layers.chain(edges).min()
}

/// The first time after `at` at which a calendar opens or closes, within the horizon.
fn calendar_edge(calendar: &WorkCalendar, at: Timestamp) -> Option<Timestamp> {
    if !calendar.is_open(at) {
        return calendar.next_open(at).filter(|edge| *edge > at);
    }
    calendar.next_closed(at).filter(|edge| edge.since(at) <= HORIZON)
}
