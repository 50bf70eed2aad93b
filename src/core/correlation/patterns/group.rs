//! Group: fires when every class has its count inside the window, in any order.

use serde::{Deserialize, Serialize};

use super::event_times::{CountedAt, EventTimes};
use super::hold_time::HoldTimer;
use super::{LevelChange, MatchRole, WindowEvent, effective, is_past};
use crate::core::correlation::LATENESS;
use crate::core::model::{TimeDelta, Timestamp};
use crate::core::rules::{GroupPattern, Pattern, Rule};

/// Number of times that SEC's group keeps per class: it ends by the oldest of all, not of those that were enough.
const SEC_KEPT: usize = 1000;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct GroupWindow {
    /// By class; never more than its count.
    classes: Vec<EventTimes>,
    standing: HoldTimer,
    /// The newest event at the last time it was on.
    told_to: Option<Timestamp>,
    free: bool,
}

fn numbers(rule: &Rule) -> Option<(&GroupPattern, TimeDelta)> {
    if let Pattern::Group(group) = &rule.pattern { Some((group, effective(rule, group.within))) } else { None }
}

fn newest(classes: &[EventTimes]) -> Option<Timestamp> {
    classes.iter().filter_map(EventTimes::newest).max()
}

fn oldest(classes: &[EventTimes]) -> Option<Timestamp> {
    classes.iter().filter_map(EventTimes::oldest).min()
}

/// Present and needed count of each class.
fn counts<'a>(classes: &'a [EventTimes], group: &'a GroupPattern) -> impl Iterator<Item = (usize, usize)> + 'a {
    classes.iter().zip(&group.classes).map(|(times, class)| (times.len(), class.count as usize))
}

impl GroupWindow {
    pub fn new(classes: usize) -> GroupWindow {
        GroupWindow {
            classes: vec![EventTimes::default(); classes],
            standing: HoldTimer::default(),
            told_to: None,
            free: false,
        }
    }

    pub fn enter(&mut self, rule: &Rule, arrival: &WindowEvent<'_>) -> LevelChange {
        let (Some((group, within)), MatchRole::Class(class)) = (numbers(rule), arrival.role) else {
            return LevelChange::Nothing;
        };
        let class = usize::from(class);
        let (Some(times), Some(wanted)) = (self.classes.get_mut(class), group.classes.get(class)) else {
            return LevelChange::Nothing;
        };
        if is_past(arrival, within) || times.insert(CountedAt::of(arrival), wanted.count as usize).is_none() {
            return LevelChange::Ignored;
        }
        self.free |= self.standing.has_fired() && !arrival.suppressed;
        let Some(newest) = newest(&self.classes) else { return LevelChange::Nothing };
        let is_reached = |(times, class): (&EventTimes, &crate::core::rules::GroupClass)| {
            times.nth_newest(class.count as usize).is_some_and(|nth| newest < nth + within)
        };
        let all = self.classes.iter().zip(&group.classes).all(is_reached);
        let is_old_news = self.told_to.is_some_and(|told_to| newest <= told_to);
        if !all || is_old_news || (self.standing.has_fired() && !group.repeat) {
            return LevelChange::Nothing;
        }
        if !self.standing.has_fired() {
            self.free = self.classes.iter().any(EventTimes::has_free);
        }
        self.standing.fire(rule, within, newest, arrival.is_member);
        LevelChange::Fired
    }

    pub fn due(&self, rule: &Rule) -> Option<Timestamp> {
        let (_, within) = numbers(rule)?;
        let forgotten = newest(&self.classes).map(|newest| newest + within + LATENESS);
        [self.standing.due(), forgotten].into_iter().flatten().min()
    }

    pub fn expire(&mut self, rule: &Rule, now: Timestamp) {
        let Some((_, within)) = numbers(rule) else { return };
        self.standing.expire(now);
        for times in &mut self.classes {
            while times.oldest().is_some_and(|oldest| oldest + within + LATENESS <= now) {
                times.pop_oldest();
            }
        }
    }

    pub fn rest(&mut self) {
        if self.standing.has_fired() {
            self.told_to = newest(&self.classes);
            self.standing.rest();
            self.free = false;
        }
    }

    pub fn is_on(&self, has_members: bool) -> bool {
        self.standing.is_on(has_members)
    }

    pub fn is_empty(&self) -> bool {
        self.classes.iter().all(EventTimes::is_empty) && !self.standing.has_fired()
    }

    pub fn has_free(&self) -> bool {
        if self.standing.has_fired() { self.free } else { self.classes.iter().any(EventTimes::has_free) }
    }

    pub fn counts<'a>(&'a self, group: &'a GroupPattern) -> impl Iterator<Item = (usize, usize)> + 'a {
        counts(&self.classes, group)
    }

    pub fn oldest(&self) -> Option<Timestamp> {
        oldest(&self.classes)
    }

    pub fn len(&self) -> usize {
        self.classes.iter().map(EventTimes::len).sum()
    }
}

/// As SEC groups: T is the oldest event of all classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::core::correlation) struct SecGroupWindow {
    classes: Vec<EventTimes>,
    fired: bool,
    free: bool,
}

impl SecGroupWindow {
    pub fn new(classes: usize) -> SecGroupWindow {
        SecGroupWindow { classes: vec![EventTimes::default(); classes], fired: false, free: false }
    }

    pub fn enter(&mut self, rule: &Rule, arrival: &WindowEvent<'_>) -> LevelChange {
        let (Some((group, within)), MatchRole::Class(class)) = (numbers(rule), arrival.role) else {
            return LevelChange::Nothing;
        };
        self.expire(rule, arrival.at);
        if self.fired {
            self.free |= !arrival.suppressed;
            if !group.repeat {
                return LevelChange::Nothing;
            }
        }
        let is_out = newest(&self.classes).is_some_and(|newest| arrival.at + within <= newest);
        let Some(times) = self.classes.get_mut(usize::from(class)) else { return LevelChange::Nothing };
        if is_out || is_past(arrival, within) || times.insert(CountedAt::of(arrival), SEC_KEPT).is_none() {
            return LevelChange::Ignored;
        }
        if !counts(&self.classes, group).all(|(has, needs)| has >= needs) {
            return LevelChange::Nothing;
        }
        if !self.fired {
            self.free = self.classes.iter().any(EventTimes::has_free);
        }
        self.fired = true;
        LevelChange::Fired
    }

    pub fn due(&self, rule: &Rule) -> Option<Timestamp> {
        Some(oldest(&self.classes)? + numbers(rule)?.1)
    }

    pub fn expire(&mut self, rule: &Rule, now: Timestamp) {
        let Some((group, within)) = numbers(rule) else { return };
        if self.due(rule).is_none_or(|due| due > now) {
            return;
        }
        let ends = self.fired && !group.repeat;
        for times in &mut self.classes {
            while times.oldest().is_some_and(|oldest| ends || oldest + within <= now) {
                times.pop_oldest();
            }
        }
        if self.is_empty() {
            self.fired = false;
            self.free = false;
        }
    }

    pub fn is_on(&self) -> bool {
        self.fired
    }

    pub fn is_empty(&self) -> bool {
        self.classes.iter().all(EventTimes::is_empty)
    }

    pub fn has_free(&self) -> bool {
        if self.fired { self.free } else { self.classes.iter().any(EventTimes::has_free) }
    }

    pub fn counts<'a>(&'a self, group: &'a GroupPattern) -> impl Iterator<Item = (usize, usize)> + 'a {
        counts(&self.classes, group)
    }

    pub fn oldest(&self) -> Option<Timestamp> {
        oldest(&self.classes)
    }

    pub fn len(&self) -> usize {
        self.classes.iter().map(EventTimes::len).sum()
    }
}
