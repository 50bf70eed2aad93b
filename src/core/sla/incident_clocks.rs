//! The two SLA clocks of an incident, and their target: the version under which it opened.

use crate::core::calendar::Calendars;
use serde::{Deserialize, Serialize};

use super::clock::{ClockDirective, ClockTerms, Due, SlaClock};
use crate::core::model::{Class, ClockFace, ClockKind, ClockState, ContactBy, Labels, Priority, TimeDelta, Timestamp};
use crate::core::rules::{OnBreach, Pauses, Promise, SlaTarget};

/// The incident data that steer its clocks.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    pub opened_at: Timestamp,
    pub class: Class,
    pub priority: Priority,
    /// With the facts of its item as `fact.<name>`.
    pub labels: &'a Labels,
    /// Outside the catalogue no target applies.
    pub out_of_catalogue: bool,
    /// Time of the first contact.
    pub contacted_at: Option<Timestamp>,
    pub stage: ClockStage,
    /// Every firing alert of it is suppressed by an approved change.
    pub under_change: bool,
}

/// Phase of an incident for its clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockStage {
    Open,
    Pending(WaitingOn),
    Resolved(Timestamp),
    /// Merged or cancelled: no clock runs.
    Ended,
}

/// The party that it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitingOn {
    Customer,
    Vendor,
    Change,
}

/// An event of the clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Another target applies from now on (or none), in words.
    Promised(String),
    /// Met, after that working time.
    Met { clock: ClockKind, elapsed: TimeDelta },
    /// That percentage of the limit has elapsed.
    Warned { clock: ClockKind, percent: u8, limit: TimeDelta },
    /// The limit was reached at that time.
    Breached { clock: ClockKind, at: Timestamp, limit: TimeDelta },
}

/// The target as of the time it began to apply to the incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct PinnedTarget {
    target: String,
    version: u32,
    shadow: bool,
    on_breach: OnBreach,
    pauses: Pauses,
    tto: Option<ClockTerms>,
    ttr: Option<ClockTerms>,
}

/// TTO and TTR of one incident.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Clocks {
    held: Option<PinnedTarget>,
    /// The priority of the last target look-up.
    looked_up: Option<Priority>,
    /// A breach that people were notified of: for good, whatever target applies later.
    broken: bool,
    tto: SlaClock,
    ttr: SlaClock,
}

impl Clocks {
    pub fn next_deadline(&self) -> Option<Timestamp> {
        [self.tto.next_deadline(), self.ttr.next_deadline()].into_iter().flatten().min()
    }

    /// True if the target of that priority must be looked up: only then are the labels needed.
    pub fn looks_up(&self, priority: Priority) -> bool {
        self.looked_up != Some(priority)
    }

    pub fn is_running(&self) -> bool {
        self.tto.is_running() || self.ttr.is_running()
    }

    /// True if the clocks' events are notified; false also without a target.
    pub fn is_told(&self) -> bool {
        self.held.as_ref().is_some_and(|held| !held.shadow)
    }

    /// True if there is a breach that needs a reason.
    pub fn is_breached(&self) -> bool {
        self.broken
    }

    pub fn pages_on_breach(&self) -> bool {
        self.is_told() && self.held.as_ref().is_some_and(|held| held.on_breach == OnBreach::Page)
    }

    /// `name v2`, for people.
    pub fn target(&self) -> Option<String> {
        self.held.as_ref().map(|held| format!("{} v{}", held.target, held.version))
    }

    /// The working time since then, in the calendar of the first contact; else wall time.
    pub fn since(&self, from: Timestamp, now: Timestamp, calendars: &Calendars) -> TimeDelta {
        let calendar = self.tto.terms().and_then(|terms| calendars.get(&terms.calendar));
        calendar.map_or_else(|| now.since(from), |calendar| calendar.between(from, now))
    }

    /// Updates the clocks to the incident: the target of its priority, its pauses, its end.
    pub fn follow(
        &mut self,
        now: Timestamp,
        situation: &Situation<'_>,
        targets: &[SlaTarget],
        calendars: &Calendars,
    ) -> Vec<Turn> {
        let mut turns = Vec::new();
        if self.looks_up(situation.priority) {
            turns.extend(self.look_up(situation, targets, calendars));
        }
        let Some(held) = &self.held else {
            self.tto.steer(now, &ClockDirective::Rest, None, calendars);
            self.ttr.steer(now, &ClockDirective::Rest, None, calendars);
            return turns;
        };
        let courses = [tto_course(situation), ttr_course(situation, held.pauses)];
        let clocks =
            [(ClockKind::Tto, &mut self.tto, held.tto.as_ref()), (ClockKind::Ttr, &mut self.ttr, held.ttr.as_ref())];
        for ((kind, clock, terms), course) in clocks.into_iter().zip(courses) {
            let course = if terms.is_some() { course } else { ClockDirective::Rest };
            let was_met = clock.ended_at().is_some();
            clock.steer(now, &course, terms, calendars);
            if !was_met && clock.state() == ClockState::Met {
                turns.push(Turn::Met { clock: kind, elapsed: clock.elapsed(now, calendars) });
            }
        }
        turns
    }

    /// Takes over the clocks of an incident that became part of this one, so that no limit is lost. A breach stays, and
    /// of each clock the one that is due sooner continues here, with its elapsed time. Returns true if one does.
    pub fn inherit(&mut self, merged: &Clocks, now: Timestamp, calendars: &Calendars) -> bool {
        self.broken |= merged.broken;
        let (Some(theirs), true) = (&merged.held, merged.is_told()) else { return false };
        let Some(ours) = self.held.as_mut().filter(|held| !held.shadow) else {
            // The target is theirs; it is looked up again only if our priority changes.
            (self.held, self.tto, self.ttr) = (merged.held.clone(), merged.tto.clone(), merged.ttr.clone());
            return true;
        };
        let clocks = [
            (&mut self.tto, &mut ours.tto, &merged.tto, &theirs.tto),
            (&mut self.ttr, &mut ours.ttr, &merged.ttr, &theirs.ttr),
        ];
        let mut goes_on = false;
        for (clock, terms, their_clock, their_terms) in clocks {
            let is_sooner = match (clock.falls_due(now, calendars), their_clock.falls_due(now, calendars)) {
                (Some(ours), Some(theirs)) => theirs < ours,
                // A clock met here counts as met for both, unless it had breached there.
                (None, Some(_)) => clock.ended_at().is_none() || their_clock.breached_at().is_some(),
                (_, None) => false,
            };
            if is_sooner {
                (*clock, *terms) = (their_clock.clone(), their_terms.clone());
                goes_on = true;
            }
        }
        goes_on
    }

    /// The due events.
    pub fn tick(&mut self, now: Timestamp, calendars: &Calendars) -> Vec<Turn> {
        let is_told = self.is_told();
        let clocks = [(ClockKind::Tto, &mut self.tto), (ClockKind::Ttr, &mut self.ttr)];
        let turn = |(kind, clock): (ClockKind, &mut SlaClock)| {
            let due = clock.tick(now, calendars)?;
            let limit = clock.terms().map_or(TimeDelta::ZERO, |terms| terms.limit);
            Some(match due {
                Due::Warned(percent) => Turn::Warned { clock: kind, percent, limit },
                Due::Breached(at) => Turn::Breached { clock: kind, at, limit },
            })
        };
        let turns: Vec<Turn> = clocks.into_iter().filter_map(turn).collect();
        self.broken |= is_told && turns.iter().any(|turn| matches!(turn, Turn::Breached { .. }));
        turns
    }

    /// Switches the calendars from now on.
    pub fn change_calendars(&mut self, now: Timestamp, old: &Calendars, new: &Calendars) {
        self.tto.change_calendars(now, old, new);
        self.ttr.change_calendars(now, old, new);
    }

    /// The clocks as people see them; empty without a target.
    pub fn faces(&self, now: Timestamp, calendars: &Calendars) -> Vec<ClockFace> {
        let Some(held) = &self.held else { return Vec::new() };
        let clocks = [(ClockKind::Tto, &self.tto), (ClockKind::Ttr, &self.ttr)];
        let face = |(kind, clock): (ClockKind, &SlaClock)| {
            let terms = clock.terms()?;
            Some(ClockFace {
                clock: kind,
                state: clock.state(),
                target: held.target.clone(),
                version: held.version,
                shadow: held.shadow,
                limit: terms.limit,
                calendar: terms.calendar.clone(),
                elapsed: clock.elapsed(now, calendars),
                deadline: clock.deadline(calendars),
                breached_at: clock.breached_at(),
                paused: clock.paused().map(str::to_owned),
                ended_at: clock.ended_at(),
            })
        };
        clocks.into_iter().filter_map(face).collect()
    }

    /// The first target that fits, as of the opening; an unchanged version is skipped.
    fn look_up(&mut self, situation: &Situation<'_>, targets: &[SlaTarget], calendars: &Calendars) -> Option<Turn> {
        self.looked_up = Some(situation.priority);
        let Situation { opened_at, class, priority, labels, .. } = *situation;
        let is_open = |name: &str| calendars.get(name).is_some_and(|calendar| calendar.is_open(opened_at));
        let fits = |target: &&SlaTarget| target.promises(labels, class, priority, opened_at, is_open);
        let found = targets.iter().find(fits).filter(|_| !situation.out_of_catalogue);
        let same =
            |held: &PinnedTarget| found.is_some_and(|one| one.name == held.target && one.version == held.version);
        if self.held.as_ref().is_some_and(same) || (self.held.is_none() && found.is_none()) {
            return None;
        }
        let channel = labels.get("channel").and_then(|channel| channel.parse::<ContactBy>().ok());
        self.held = found.map(|target| PinnedTarget {
            target: target.name.clone(),
            version: target.version,
            shadow: target.shadow,
            on_breach: target.on_breach,
            pauses: target.pauses,
            tto: target.tto.as_ref().map(|promise| terms(promise, &target.warnings, channel)),
            ttr: target.ttr.as_ref().map(|promise| terms(promise, &target.warnings, channel)),
        });
        Some(Turn::Promised(self.held.as_ref().map_or_else(|| "no target fits it any more".to_owned(), words)))
    }
}

fn terms(promise: &Promise, warnings: &[u8], channel: Option<ContactBy>) -> ClockTerms {
    let limit = channel.and_then(|channel| promise.by_channel.get(&channel)).copied().unwrap_or(promise.within);
    ClockTerms { limit, calendar: promise.calendar.clone(), warnings: warnings.to_vec() }
}

fn words(held: &PinnedTarget) -> String {
    let of = |what: &str, terms: &Option<ClockTerms>| {
        terms.as_ref().map(|terms| format!(", {what} within {} of {}", terms.limit, terms.calendar)).unwrap_or_default()
    };
    let shadow = if held.shadow { " (shadow)" } else { "" };
    let (tto, ttr) = (of("contact", &held.tto), of("resolve", &held.ttr));
    format!("target {} v{}{shadow}{tto}{ttr}", held.target, held.version)
}

/// Stopped by contact alone; a resolution without contact leaves no one to contact.
fn tto_course(situation: &Situation<'_>) -> ClockDirective {
    match (situation.contacted_at, situation.stage) {
        (Some(at), _) => ClockDirective::End(at),
        (None, ClockStage::Resolved(_) | ClockStage::Ended) => ClockDirective::Rest,
        (None, ClockStage::Open | ClockStage::Pending(_)) if situation.under_change => under_change(),
        (None, ClockStage::Open | ClockStage::Pending(_)) => ClockDirective::Run,
    }
}

fn ttr_course(situation: &Situation<'_>, pauses: Pauses) -> ClockDirective {
    match situation.stage {
        ClockStage::Resolved(at) => ClockDirective::End(at),
        ClockStage::Ended => ClockDirective::Rest,
        ClockStage::Open | ClockStage::Pending(_) if situation.under_change => under_change(),
        ClockStage::Pending(WaitingOn::Customer) if pauses.customer => {
            ClockDirective::Pause("waits for the customer".to_owned())
        }
        ClockStage::Pending(WaitingOn::Vendor) if pauses.vendor => {
            ClockDirective::Pause("waits for a vendor".to_owned())
        }
        ClockStage::Pending(WaitingOn::Change) if pauses.change => {
            ClockDirective::Pause("waits for a change".to_owned())
        }
        ClockStage::Open | ClockStage::Pending(_) => ClockDirective::Run,
    }
}

fn under_change() -> ClockDirective {
    ClockDirective::Pause("under an approved change".to_owned())
}
