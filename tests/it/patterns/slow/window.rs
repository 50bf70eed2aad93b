//! What one rule holds under one key: everything that ever entered, and whether its pattern is on.
//!
//! The default semantics, looked up in the whole history each time; `semantics: sec` is left to the operation of SEC.

use super::super::case::{Millis, Name, Pattern, Rule, SECOND, Semantics, Status, What};
use super::operation::Operation;

#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    pub at: Millis,
    /// How many events were received before it.
    pub number: usize,
    pub name: Name,
    pub host: &'static str,
    pub status: Status,
    pub role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Entry,
    /// The second event of a pair.
    Closer,
    /// A later step of a sequence and not its first.
    Step,
}

/// What an event or the time did to a window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Edge {
    pub fired: bool,
    /// It was ended as a whole: its alerts stand under it no longer.
    pub closed: bool,
}

const NOTHING: Edge = Edge { fired: false, closed: false };
const FIRED: Edge = Edge { fired: true, closed: false };
const CLOSED: Edge = Edge { fired: false, closed: true };

#[derive(Clone, Debug, Default)]
pub struct Window {
    history: Vec<Arrival>,
    pub on: bool,
    /// When it began: what opened it, or made it rise.
    since: Option<Millis>,
    /// The first event of a pair that waits for its second.
    waits: Option<Millis>,
    /// When it last fell: what happened before counts no longer.
    fell: Option<Millis>,
    /// The newest event that counted while it was on.
    stood_with: Option<Millis>,
    quiet_until: Option<Millis>,
    /// Which events of the history completed a sequence.
    completing: Vec<usize>,
    operation: Operation,
}

impl Window {
    /// Does what is due by `now`.
    pub fn expire(&mut self, rule: &Rule, now: Millis, has_members: bool) -> Edge {
        if uses_operation(rule) {
            return match self.operation.expire(rule, now.div_euclid(SECOND)) {
                Some(What::Raised) => self.fire(),
                Some(What::Cleared) => self.end(),
                None => NOTHING,
            };
        }
        let span = |seconds: i64| seconds * SECOND;
        match &rule.pattern {
            Pattern::Each { .. } | Pattern::Sequence { .. } | Pattern::Group { .. } => {
                if !has_members && self.quiet_until.is_none_or(|until| until <= now) {
                    if self.on {
                        self.stood_with = self.history.iter().map(|one| one.at).max();
                    }
                    self.on = false;
                    self.quiet_until = None;
                }
                NOTHING
            }
            Pattern::Suppress { within } => {
                self.on &= self.since.is_some_and(|since| now < since + span(*within));
                NOTHING
            }
            Pattern::Pair { within, .. } => {
                if let (Some(since), Some(within)) = (self.since, within)
                    && since + span(*within) <= now
                {
                    self.since = None;
                    self.on = false;
                }
                NOTHING
            }
            Pattern::PairWindow { within, .. } => match self.waits {
                Some(first) if first + span(*within) <= now => {
                    self.waits = None;
                    self.since = Some(first);
                    self.fire()
                }
                _ => NOTHING,
            },
            Pattern::Absence { within } => {
                let last = self.history.iter().map(|arrival| arrival.at).max();
                let was_on = self.on;
                self.on = last.is_some_and(|last| last + span(*within) <= now);
                Edge { fired: self.on && !was_on, closed: false }
            }
            Pattern::Threshold { within, clear, distinct, .. } => {
                self.on &= self.within(now, span(*within), *distinct) >= *clear;
                NOTHING
            }
            Pattern::Rate { count, within, .. } => {
                self.on &= self.within(now, span(*within), false) >= *count;
                NOTHING
            }
            Pattern::Flap { stop, .. } => {
                self.on &= self.within(now, span(stop.1), false) > stop.0;
                NOTHING
            }
            Pattern::FlapResults { .. } => NOTHING,
            Pattern::Thresholds { fall, .. } => {
                let Some(rise) = self.since else { return NOTHING };
                let calm = span(fall.1);
                let later = |arrival: &&Arrival| arrival.at > rise && arrival.at > now - calm && arrival.at <= now;
                if rise + calm <= now && self.history.iter().filter(later).count() <= fall.0 {
                    self.since = None;
                    self.fell = Some(now);
                    self.history.clear();
                    self.on = false;
                }
                NOTHING
            }
        }
    }

    pub fn enter(&mut self, rule: &Rule, arrival: Arrival) -> Edge {
        if uses_operation(rule) {
            let fits = arrival.role == Role::Entry;
            let was_live = self.on;
            let taken = self.operation.enter(rule, arrival.name, fits, arrival.at.div_euclid(SECOND));
            return match taken.said {
                Some(What::Raised) => self.fire(),
                Some(What::Cleared) => {
                    self.on = false;
                    CLOSED
                }
                None if !fits && was_live => {
                    self.on = false;
                    CLOSED
                }
                None => NOTHING,
            };
        }
        match (&rule.pattern, arrival.role) {
            (Pattern::Pair { .. } | Pattern::PairWindow { .. }, Role::Closer) => self.second(arrival),
            (Pattern::Pair { .. } | Pattern::PairWindow { .. }, Role::Entry) => self.first(rule, arrival),
            (_, _) => self.counted(rule, arrival),
        }
    }

    fn fire(&mut self) -> Edge {
        self.on = true;
        FIRED
    }

    fn end(&mut self) -> Edge {
        self.on = false;
        NOTHING
    }

    fn first(&mut self, rule: &Rule, arrival: Arrival) -> Edge {
        let waits = matches!(rule.pattern, Pattern::PairWindow { .. });
        let is_open = if waits { self.waits.is_some() } else { self.since.is_some() };
        let overtaken = self.history.iter().any(|closer| closer.at > arrival.at);
        if is_open || (overtaken && arrival.status == Status::Point) {
            return NOTHING;
        }
        if waits {
            self.waits = Some(arrival.at);
            return NOTHING;
        }
        self.since = Some(arrival.at);
        self.fire()
    }

    fn second(&mut self, arrival: Arrival) -> Edge {
        let at = arrival.at;
        self.history.push(arrival);
        // One that lies before the first event of the newest wait ends nothing.
        let newest = self.waits.or(self.since);
        if newest.is_none_or(|first| at < first) {
            return NOTHING;
        }
        self.waits = None;
        self.since = None;
        self.on = false;
        CLOSED
    }

    fn counted(&mut self, rule: &Rule, arrival: Arrival) -> Edge {
        let at = arrival.at;
        let is_point = arrival.status == Status::Point;
        match &rule.pattern {
            Pattern::Each { quiet } => {
                if is_point {
                    let at = if rule.semantics == Semantics::Sec { at - at.rem_euclid(SECOND) } else { at };
                    self.hush_until(at + quiet * SECOND);
                }
                self.fire()
            }
            Pattern::Suppress { within } => {
                // Late ones too, but for an alert when it is over: that would fire unseen.
                if self.since.is_some_and(|since| at < since + within * SECOND) && (self.on || is_point) {
                    return NOTHING;
                }
                self.since = Some(at);
                self.fire()
            }
            // Whether it is still overdue is for the time to say.
            Pattern::Absence { .. } => {
                self.history.push(arrival);
                NOTHING
            }
            Pattern::Threshold { count, within, distinct, .. } => {
                self.history.push(arrival);
                self.fire_at((*count, *within), *distinct)
            }
            Pattern::Rate { count, within, .. } => {
                self.history.push(arrival);
                self.fire_at((*count, *within), false)
            }
            Pattern::Flap { start, .. } => {
                self.history.push(arrival);
                self.fire_at(*start, false)
            }
            Pattern::FlapResults { icinga } => {
                self.history.push(arrival);
                let was_on = self.on;
                self.on = if *icinga { self.flaps_for_icinga() } else { self.flaps_for_nagios() };
                Edge { fired: self.on && !was_on, closed: false }
            }
            Pattern::Thresholds { rise, .. } => {
                if self.fell.is_some_and(|fell| at < fell) {
                    return NOTHING;
                }
                self.history.push(arrival);
                if self.since.is_some() {
                    return NOTHING;
                }
                self.stood_with = None;
                let edge = self.fire_at(*rise, false);
                if edge.fired {
                    self.since = self.times(false).last().copied();
                    self.history.clear();
                }
                edge
            }
            Pattern::Sequence { quiet, .. } => {
                self.history.push(arrival);
                let completing = self.completions(rule);
                let fresh: Vec<usize> =
                    completing.iter().copied().filter(|index| !self.completing.contains(index)).collect();
                self.completing.extend(&fresh);
                for index in &fresh {
                    let last = &self.history[*index];
                    if last.status == Status::Point {
                        self.hush_until(last.at + quiet * SECOND);
                    }
                }
                if fresh.is_empty() { NOTHING } else { self.fire() }
            }
            Pattern::Group { all, within, repeat, quiet } => {
                self.history.push(arrival);
                let newest = self.history.iter().map(|one| one.at).max().unwrap_or(at);
                let of = |class: usize| {
                    let is_of = |one: &&Arrival| {
                        let first_fit = all.iter().position(|(names, _)| names.contains(&one.name));
                        first_fit == Some(class) && one.at > newest - within * SECOND
                    };
                    self.history.iter().filter(is_of).count()
                };
                let enough = all.iter().enumerate().all(|(class, (_, count))| of(class) >= *count);
                let is_old_news = self.stood_with.is_some_and(|stood_with| newest <= stood_with);
                if !enough || is_old_news || (self.on && !repeat) {
                    return NOTHING;
                }
                if is_point {
                    self.hush_until(newest + quiet * SECOND);
                }
                self.fire()
            }
            Pattern::Pair { .. } | Pattern::PairWindow { .. } => panic!("pairs do not count"),
        }
    }

    /// Whether each result differs from the one before, the oldest first; before the first all was well.
    fn changes(&self) -> Vec<bool> {
        let is_bad = |one: &Arrival| one.status != Status::Resolved;
        let before = std::iter::once(false).chain(self.history.iter().map(is_bad));
        before.zip(self.history.iter().map(is_bad)).map(|(before, after)| before != after).collect()
    }

    /// 20 changes among 21 results; the weights rise from .75 to 1.25. On from 30 %, off from 20 % down.
    fn flaps_for_nagios(&self) -> bool {
        let changes = self.changes();
        let newest = changes.iter().rev().take(20).enumerate().filter(|(_, changed)| **changed);
        // In 76ths: .75 is 57 of them, and a 19th of a half is 2.
        let weight: usize = newest.map(|(age, _)| 57 + 2 * (19 - age)).sum();
        let share = |percent: usize| percent * 76 * 20;
        if self.on { weight * 100 > share(20) } else { weight * 100 >= share(30) }
    }

    /// The last 20 results, changed or not; the weights rise from .80 to 1.18. On above 30 %, off from 25 % down.
    fn flaps_for_icinga(&self) -> bool {
        let changes = self.changes();
        let newest = changes.iter().rev().take(20).enumerate().filter(|(_, changed)| **changed);
        let weight: usize = newest.map(|(age, _)| 80 + 2 * (19 - age)).sum();
        weight > if self.on { 25 * 20 } else { 30 * 20 }
    }

    fn hush_until(&mut self, until: Millis) {
        self.quiet_until = self.quiet_until.max(Some(until));
    }

    /// The times that count, in order.
    fn times(&self, distinct: bool) -> Vec<Millis> {
        let newest = |one: &Arrival| {
            let of_value = self.history.iter().filter(|other| other.host == one.host).map(|other| other.at);
            of_value.max()
        };
        let mut times: Vec<Millis> = if distinct {
            let mut hosts: Vec<_> = self.history.iter().map(|one| (one.host, newest(one))).collect();
            hosts.sort_unstable();
            hosts.dedup();
            hosts.into_iter().filter_map(|(_, at)| at).collect()
        } else {
            self.history.iter().map(|one| one.at).collect()
        };
        times.sort_unstable();
        times
    }

    /// How many lie in the half-open window before `now`.
    fn within(&self, now: Millis, within: Millis, distinct: bool) -> usize {
        self.times(distinct).iter().filter(|at| **at > now - within && **at <= now).count()
    }

    /// Fires if the newest `count` lie in one window. Anew only with an event newer than all that it stood with.
    fn fire_at(&mut self, (count, within): (usize, i64), distinct: bool) -> Edge {
        let times = self.times(distinct);
        let newest = &times[times.len().saturating_sub(count)..];
        let (Some(first), Some(last)) = (newest.first(), newest.last()) else { return NOTHING };
        let enough = newest.len() == count && last - first < within * SECOND;
        let fires = !self.on && enough && self.stood_with.is_none_or(|stood_with| *last > stood_with);
        if fires || self.on {
            self.stood_with = Some(*last);
        }
        if fires { self.fire() } else { NOTHING }
    }

    /// Which events of the history complete a sequence, the whole of it played in the order of its times.
    fn completions(&self, rule: &Rule) -> Vec<usize> {
        let Pattern::Sequence { steps, within, captures, .. } = &rule.pattern else { return Vec::new() };
        struct Instance {
            next: usize,
            first: Millis,
            before: Millis,
            host: &'static str,
        }
        let mut order: Vec<usize> = (0..self.history.len()).collect();
        order.sort_by_key(|index| (self.history[*index].at, self.history[*index].number));
        let (mut instances, mut completing): (Vec<Instance>, Vec<usize>) = (Vec::new(), Vec::new());
        for index in order {
            let event = &self.history[index];
            for one in &mut instances {
                let in_time = one.before <= event.at && event.at - one.first < within * SECOND;
                let fits = steps[one.next - 1].contains(&event.name) && (!captures || one.host == event.host);
                if in_time && fits {
                    one.next += 1;
                    one.before = event.at;
                }
            }
            if instances.iter().any(|one| one.next > steps.len()) {
                completing.push(index);
                instances.retain(|one| one.next <= steps.len());
            }
            if event.role == Role::Entry {
                instances.push(Instance { next: 1, first: event.at, before: event.at, host: event.host });
            }
            // Of those that wait for the same, the one that began last.
            let waits_for = |one: &Instance| (one.next, if *captures { one.host } else { "" });
            let mut kept: Vec<Instance> = Vec::new();
            for one in instances {
                match kept.iter_mut().find(|other| waits_for(other) == waits_for(&one)) {
                    Some(other) if other.first <= one.first => *other = one,
                    Some(_) => {}
                    None => kept.push(one),
                }
            }
            instances = kept;
        }
        completing
    }
}

fn uses_operation(rule: &Rule) -> bool {
    rule.semantics == Semantics::Sec && !matches!(rule.pattern, Pattern::Each { .. })
}
