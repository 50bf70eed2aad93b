//! What `semantics: sec` means, second by second: operations with a start, swept when `now - start > within`.
//!
//! Slow on purpose: every second is visited, every operation looked at. For points in the order of their seconds.

use std::collections::{BTreeMap, VecDeque};

use super::super::case::{Becomes, Case, EMITTED_SITE, Event, Name, Pattern, Rule, SECOND, Status, Told, What};

/// What one rule holds under one key.
#[derive(Debug, Default)]
struct Operation {
    started: i64,
    /// The seconds of what counted, each with its class.
    counted: Vec<(i64, usize)>,
    fired: bool,
}

#[derive(Debug)]
struct Context {
    created: i64,
    lifetime: Option<i64>,
    then: Option<Event>,
}

struct Judge<'a> {
    case: &'a Case,
    operations: BTreeMap<(usize, String), Operation>,
    contexts: BTreeMap<String, Context>,
    /// Events that rules made, before the next from outside.
    made: VecDeque<Event>,
    now: i64,
    told: Vec<Told>,
}

/// Everything that is told until `horizon` seconds.
pub fn told(case: &Case, horizon: i64) -> Vec<Told> {
    let (operations, contexts) = (BTreeMap::new(), BTreeMap::new());
    let mut judge = Judge { case, operations, contexts, made: VecDeque::new(), now: 0, told: Vec::new() };
    for second in 0..=horizon {
        judge.now = second;
        judge.sweep();
        judge.offer_made();
        for event in case.events.iter().filter(|event| event.at / SECOND == second) {
            judge.offer(event);
            judge.offer_made();
        }
    }
    judge.told
}

impl Judge<'_> {
    /// The first rule that takes it ends its way, unless the rule continues.
    fn offer(&mut self, event: &Event) {
        for number in 0..self.case.rules.len() {
            if self.matches(number, event) && !self.case.rules[number].continues {
                return;
            }
        }
    }

    fn offer_made(&mut self) {
        while let Some(event) = self.made.pop_front() {
            self.offer(&event);
        }
    }

    /// Tells it, and does what the rule says besides.
    fn tell(&mut self, number: usize, key: &str, what: What) {
        self.told.push(Told { at: self.now * SECOND, rule: number, key: key.to_owned(), what });
        let rule = &self.case.rules[number];
        let site = self.case.events.iter().map(|event| event.site).find(|site| rule.keyed && *site == key);
        let site = site.unwrap_or(EMITTED_SITE);
        let make = |name: Name| Event { at: 0, ago: 0, status: Status::Point, name, site, host: "a" };
        for change in rule.changes.iter().filter(|change| change.on == what) {
            let name = change.context.replace("{site}", site);
            match change.becomes {
                Becomes::Unset => {
                    self.contexts.remove(&name);
                }
                Becomes::Set { lifetime, then } => {
                    let context = Context { created: self.now, lifetime, then: then.map(make) };
                    self.contexts.insert(name, context);
                }
            }
        }
        if what == What::Raised {
            self.made.extend(rule.emits.map(make));
        }
    }

    fn allows(&self, rule: &Rule, event: &Event) -> bool {
        let alive = |name: &str| self.contexts.contains_key(&name.replace("{site}", event.site));
        rule.guard.as_ref().is_none_or(|guard| alive(guard.context) == guard.alive)
    }

    fn sweep(&mut self) {
        let now = self.now;
        let is_over = |context: &Context| context.lifetime.is_some_and(|lifetime| now - context.created > lifetime);
        let over: Vec<Context> =
            self.contexts.extract_if(.., |_, context| is_over(context)).map(|(_, one)| one).collect();
        self.made.extend(over.into_iter().filter_map(|context| context.then));
        let keys: Vec<(usize, String)> = self.operations.keys().cloned().collect();
        for (rule, key) in keys {
            self.expire(rule, &key);
        }
    }

    /// Does what an operation does when its window has passed.
    fn expire(&mut self, number: usize, key: &str) {
        let rule = &self.case.rules[number];
        let place = (number, key.to_owned());
        let Some(mut one) = self.operations.remove(&place) else { return };
        if self.now - one.started <= window(rule, one.fired) {
            self.operations.insert(place, one);
            return;
        }
        match &rule.pattern {
            Pattern::Suppress { .. } | Pattern::Pair { .. } => self.tell(number, key, What::Cleared),
            Pattern::PairWindow { .. } => self.tell(number, key, What::Raised),
            Pattern::Threshold { .. } | Pattern::Thresholds { .. } if one.fired => {
                self.tell(number, key, What::Cleared);
            }
            Pattern::Group { repeat: false, .. } if one.fired => self.tell(number, key, What::Cleared),
            Pattern::Threshold { within, .. }
            | Pattern::Thresholds { rise: (_, within), .. }
            | Pattern::Group { within, .. } => {
                one.counted.retain(|(at, _)| *at >= self.now - within);
                match one.counted.first() {
                    Some((at, _)) => {
                        one.started = *at;
                        self.operations.insert(place, one);
                    }
                    None if one.fired => self.tell(number, key, What::Cleared),
                    None => {}
                }
            }
            Pattern::Each { .. } | Pattern::Absence { .. } | Pattern::Sequence { .. } => {
                panic!("{rule:?} has no operations")
            }
        }
    }

    /// Whether the rule takes the event, with all that it then does.
    fn matches(&mut self, number: usize, event: &Event) -> bool {
        let rule = &self.case.rules[number];
        let key = rule.key_of(event);
        let place = (number, key.clone());
        let is_live = self.operations.contains_key(&place);
        let fits = rule.names.contains(&event.name) && self.allows(rule, event);
        match &rule.pattern {
            Pattern::Each { .. } => {
                if fits {
                    self.tell(number, &key, What::Raised);
                }
                fits
            }
            Pattern::Suppress { .. } | Pattern::Pair { .. } | Pattern::PairWindow { .. } if fits => {
                if !is_live {
                    self.operations.insert(place, Operation { started: self.now, ..Operation::default() });
                    if !matches!(rule.pattern, Pattern::PairWindow { .. }) {
                        self.tell(number, &key, What::Raised);
                    }
                }
                true
            }
            Pattern::Suppress { .. } => false,
            Pattern::Pair { until, .. } | Pattern::PairWindow { until, .. } => {
                let ends = until.contains(&event.name) && is_live;
                if ends {
                    self.operations.remove(&place);
                    self.tell(number, &key, What::Cleared);
                }
                ends
            }
            Pattern::Threshold { count, .. } => {
                fits && self.count(number, &key, 0, |counted| counted.len() >= *count, true)
            }
            Pattern::Thresholds { rise, fall } => {
                if !fits {
                    return false;
                }
                if self.operations.get(&place).is_some_and(|one| one.fired) {
                    self.stays_up(&place, fall.0);
                    return true;
                }
                self.count(number, &key, 0, |counted| counted.len() >= rise.0, true);
                let now = self.now;
                if let Some(one) = self.operations.get_mut(&place).filter(|one| one.fired) {
                    one.started = now;
                    one.counted.clear();
                }
                true
            }
            Pattern::Group { all, repeat, .. } => {
                if !fits {
                    return false;
                }
                let Some(class) = all.iter().position(|(names, _)| names.contains(&event.name)) else { return false };
                let enough = |counted: &[(i64, usize)]| {
                    let of = |class| counted.iter().filter(|(_, one)| *one == class).count();
                    all.iter().enumerate().all(|(class, (_, least))| of(class) >= *least)
                };
                self.count(number, &key, class, enough, !repeat)
            }
            Pattern::Absence { .. } | Pattern::Sequence { .. } => panic!("sec has no such pattern: {rule:?}"),
        }
    }

    /// Counts an event unless the operation fired for good; tells when there are enough.
    fn count(
        &mut self,
        number: usize,
        key: &str,
        class: usize,
        enough: impl Fn(&[(i64, usize)]) -> bool,
        once: bool,
    ) -> bool {
        let now = self.now;
        let place = (number, key.to_owned());
        let fresh = || Operation { started: now, ..Operation::default() };
        let one = self.operations.entry(place).or_insert_with(fresh);
        if once && one.fired {
            return true;
        }
        one.counted.push((now, class));
        if enough(&one.counted) {
            one.fired = true;
            self.tell(number, key, What::Raised);
        }
        true
    }

    /// An event while it is up: more than `bearable` of them move the window on.
    fn stays_up(&mut self, place: &(usize, String), bearable: usize) {
        let now = self.now;
        let Some(one) = self.operations.get_mut(place) else { return };
        one.counted.push((now, 0));
        if one.counted.len() > bearable {
            one.counted.remove(0);
            one.started = one.counted.first().map_or(now, |(at, _)| *at);
        }
    }
}

/// How long an operation lasts from its start, in seconds.
fn window(rule: &Rule, fired: bool) -> i64 {
    match &rule.pattern {
        Pattern::Suppress { within }
        | Pattern::Threshold { within, .. }
        | Pattern::PairWindow { within, .. }
        | Pattern::Group { within, .. } => *within,
        Pattern::Pair { within, .. } => within.unwrap_or(i64::MAX),
        Pattern::Thresholds { rise, fall } => {
            if fired {
                fall.1
            } else {
                rise.1
            }
        }
        Pattern::Each { .. } | Pattern::Absence { .. } | Pattern::Sequence { .. } => {
            panic!("{rule:?} has no operations")
        }
    }
}
