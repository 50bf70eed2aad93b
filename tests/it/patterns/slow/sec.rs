//! SEC as we understand it, second by second: contexts and operations are swept, then events pass the rules.
//!
//! Slow on purpose: every second is visited, every operation looked at. For points in the order of their seconds.

use std::collections::{BTreeMap, VecDeque};

use super::super::case::{Becomes, Case, EMITTED_SITE, Event, Name, Rule, SECOND, Status, Told, What};
use super::operation::Operation;

struct Judge<'a> {
    case: &'a Case,
    operations: BTreeMap<(usize, String), Operation>,
    contexts: BTreeMap<String, Context>,
    /// Events that rules made, before the next from outside.
    made: VecDeque<Event>,
    now: i64,
    told: Vec<Told>,
}

#[derive(Debug)]
struct Context {
    created: i64,
    lifetime: Option<i64>,
    then: Option<Event>,
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
        for (number, rule) in self.case.rules.iter().enumerate() {
            let key = rule.key_of(event);
            let fits = rule.names.contains(&event.name) && self.allows(rule, event);
            let operation = self.operations.entry((number, key.clone())).or_default();
            let taken = operation.enter(rule, event.name, fits, self.now);
            if let Some(what) = taken.said {
                self.tell(number, &key, what);
            }
            if taken.matched && !rule.continues {
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
            self.made.extend(rule.emits.map(|(name, _)| make(name)));
        }
    }

    fn allows(&self, rule: &Rule, event: &Event) -> bool {
        let alive = |name: &str| self.contexts.contains_key(&name.replace("{site}", event.site));
        rule.guard.as_ref().is_none_or(|guard| alive(guard.context) == guard.alive)
    }

    fn sweep(&mut self) {
        let now = self.now;
        let is_over = |context: &Context| context.lifetime.is_some_and(|lifetime| now - context.created > lifetime);
        let over: Vec<_> = self.contexts.extract_if(.., |_, context| is_over(context)).collect();
        self.made.extend(over.into_iter().filter_map(|(_, context)| context.then));
        let places: Vec<(usize, String)> = self.operations.keys().cloned().collect();
        for (number, key) in places {
            let operation = self.operations.entry((number, key.clone())).or_default();
            if let Some(what) = operation.expire(&self.case.rules[number], now) {
                self.tell(number, &key, what);
            }
        }
    }
}
