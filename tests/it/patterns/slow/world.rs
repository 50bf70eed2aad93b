//! The whole of correlation as the rule language describes it, on a grid of time: alerts, whose they are, contexts, and
//! the windows of every rule and key.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::super::case::{Becomes, Case, EMITTED_SITE, Event, Millis, Name, Pattern, Rule, SECOND, Semantics, Status};
use super::super::case::{Told, What};
use super::window::{Arrival, Edge, Role, Window};

type Identity = (Name, &'static str, &'static str);
type Place = (usize, String);

pub struct World<'a> {
    case: &'a Case,
    now: Millis,
    alerts: BTreeMap<Identity, Alert>,
    conditions: BTreeMap<Place, Condition>,
    contexts: BTreeMap<String, Context>,
    /// How many events were received.
    received: usize,
    /// Events that rules made, before the next from outside.
    made: VecDeque<Event>,
    told: Vec<Told>,
}

#[derive(Clone, Debug, Default)]
struct Alert {
    firing: bool,
    said_firing: Option<Millis>,
    said_resolved: Option<Millis>,
    /// When it last began to fire, and how many events were received before that.
    counted_at: Millis,
    counted_number: usize,
    /// When its last message was received.
    updated_at: Millis,
    /// `None`: the catch-all's.
    owner: Option<Place>,
    links: Vec<Place>,
    passed: Vec<usize>,
    held_until: Option<Millis>,
}

#[derive(Clone, Debug, Default)]
struct Condition {
    window: Window,
    members: BTreeSet<Identity>,
    raised: bool,
}

#[derive(Debug)]
struct Context {
    ends: Option<Millis>,
    then: Option<Event>,
}

/// A rule that an event concerns.
struct Hit {
    rule: usize,
    role: Option<Role>,
    passed: bool,
}

/// Everything that is told until `horizon`. Times lie on a grid of seconds, or half seconds.
pub fn told(case: &Case, horizon: Millis) -> Vec<Told> {
    let mut world = World {
        case,
        now: 0,
        alerts: BTreeMap::new(),
        conditions: BTreeMap::new(),
        contexts: BTreeMap::new(),
        received: 0,
        made: VecDeque::new(),
        told: Vec::new(),
    };
    let mut events = case.events.iter().peekable();
    let is_whole = case.events.iter().all(|event| event.at % SECOND == 0 && event.ago % SECOND == 0);
    let step = if is_whole { SECOND } else { SECOND / 2 };
    for now in (0..=horizon / step).map(|number| number * step) {
        world.now = now;
        world.serve();
        world.take_made();
        while let Some(event) = events.next_if(|event| event.at <= world.now) {
            world.take(event);
            world.serve();
            world.take_made();
        }
    }
    world.told
}

impl World<'_> {
    fn rule(&self, number: usize) -> &Rule {
        &self.case.rules[number]
    }

    /// What is due: contexts end, owners give alerts up, windows expire.
    fn serve(&mut self) {
        let now = self.now;
        let over: Vec<_> =
            self.contexts.extract_if(.., |_, context| context.ends.is_some_and(|ends| ends <= now)).collect();
        self.made.extend(over.into_iter().filter_map(|(_, context)| context.then));
        let identities: Vec<Identity> = self.alerts.keys().copied().collect();
        for identity in identities {
            if self.alerts[&identity].held_until.is_some_and(|until| until <= now) {
                self.pass_on(identity);
            }
        }
        let places: Vec<Place> = self.conditions.keys().cloned().collect();
        for place in places {
            self.expire(&place);
        }
    }

    fn take_made(&mut self) {
        while let Some(event) = self.made.pop_front() {
            self.take(&Event { at: self.now, ..event });
            self.serve();
        }
    }

    fn expire(&mut self, place: &Place) {
        let rule = &self.case.rules[place.0];
        let now = self.now;
        let Some(condition) = self.conditions.get_mut(place) else { return };
        let has_members = !condition.members.is_empty();
        let edge = condition.window.expire(rule, now, has_members);
        self.act_on(place, edge);
        self.settle(place, edge.fired);
    }

    fn act_on(&mut self, place: &Place, edge: Edge) {
        if edge.fired {
            self.act(place, What::Raised);
        }
    }

    /// What the rule does besides when it fires or clears.
    fn act(&mut self, place: &Place, on: What) {
        let rule = &self.case.rules[place.0];
        for change in rule.changes.iter().filter(|change| change.on == on) {
            let name = change.context.replace("{site}", self.made_by(place, "A").site);
            match change.becomes {
                Becomes::Unset => {
                    self.contexts.remove(&name);
                }
                Becomes::Set { lifetime, then } => {
                    let ends = lifetime.map(|seconds| match rule.semantics {
                        Semantics::Default => self.now + seconds * SECOND,
                        Semantics::Sec => (self.now.div_euclid(SECOND) + seconds + 1) * SECOND,
                    });
                    let then = then.map(|name| self.made_by(place, name));
                    self.contexts.insert(name, Context { ends, then });
                }
            }
        }
    }

    /// Brings what is told in line with the window.
    fn settle(&mut self, place: &Place, fired: bool) {
        let Some(condition) = self.conditions.get_mut(place) else { return };
        let (on, is_empty) = (condition.window.on, condition.members.is_empty());
        let raises = on && (fired || !condition.raised);
        let clears = condition.raised && !on && is_empty;
        condition.raised = (condition.raised || raises) && !clears;
        let mut tell = |what| {
            self.told.push(Told { at: self.now, rule: place.0, key: place.1.clone(), what });
        };
        if raises {
            tell(What::Raised);
        }
        if clears {
            tell(What::Cleared);
        }
        if raises {
            self.emit(place, false);
        }
        if clears {
            self.emit(place, true);
            self.act(place, What::Cleared);
        }
    }

    /// The event that the rule makes when it raises, and the end of it when it clears.
    fn emit(&mut self, place: &Place, ends: bool) {
        let rule = &self.case.rules[place.0];
        let Some((name, status)) = rule.emits else { return };
        let status = match (status, ends) {
            (Status::Point, false) => Status::Point,
            (Status::Firing, false) => Status::Firing,
            (Status::Firing, true) => Status::Resolved,
            _ => return,
        };
        self.made.push_back(Event { status, ..self.made_by(place, name) });
    }

    /// A point that the rule makes.
    fn made_by(&self, place: &Place, name: Name) -> Event {
        let is_keyed = self.case.rules[place.0].keyed;
        let site = self.case.events.iter().map(|event| event.site).find(|site| is_keyed && *site == place.1);
        Event { at: 0, ago: 0, status: Status::Point, name, site: site.unwrap_or(EMITTED_SITE), host: "a" }
    }

    fn enter(&mut self, place: &Place, role: Role, event: &Event, (at, number): (Millis, usize)) {
        let rule = &self.case.rules[place.0];
        let arrival = Arrival { at, number, name: event.name, host: event.host, status: event.status, role };
        let condition = self.conditions.entry(place.clone()).or_default();
        let edge = condition.window.enter(rule, arrival);
        if edge.closed {
            condition.members.clear();
        }
        self.act_on(place, edge);
        self.settle(place, edge.fired);
    }

    fn take(&mut self, event: &Event) {
        self.received += 1;
        let order = (event.happened(), self.received);
        match event.status {
            Status::Point => {
                for number in 0..self.case.rules.len() {
                    let Some(hit) = self.hit(number, event, &[]) else { continue };
                    if let Some(role) = hit.role {
                        self.enter(&self.place(number, event), role, event, order);
                    }
                    if !self.rule(number).continues {
                        return;
                    }
                }
            }
            Status::Firing | Status::Resolved => self.message(event),
        }
    }

    fn place(&self, number: usize, event: &Event) -> Place {
        (number, self.rule(number).key_of(event))
    }

    /// Whether the rule is concerned, and how.
    fn hit(&self, number: usize, event: &Event, passed: &[usize]) -> Option<Hit> {
        let rule = self.rule(number);
        let alive = |name: &str| self.contexts.contains_key(&name.replace("{site}", event.site));
        let allowed = rule.guard.as_ref().is_none_or(|guard| alive(guard.context) == guard.alive);
        let is_end = event.status == Status::Resolved;
        let fits = allowed && rule.names.contains(&event.name);
        let counts_ends =
            matches!(rule.pattern, Pattern::Absence { .. } | Pattern::Flap { .. } | Pattern::FlapResults { .. });
        let role = if fits {
            (!is_end || counts_ends).then_some(Role::Entry)
        } else {
            match &rule.pattern {
                Pattern::Pair { until, .. } | Pattern::PairWindow { until, .. }
                    if until.contains(&event.name) && !is_end =>
                {
                    Some(Role::Closer)
                }
                Pattern::Sequence { steps, .. } if steps.iter().any(|names| names.contains(&event.name)) => {
                    (!is_end).then_some(Role::Step)
                }
                _ => return None,
            }
        };
        Some(Hit { rule: number, role, passed: passed.contains(&number) })
    }

    /// The rules of an alert up to its owner.
    fn hits(&self, event: &Event, passed: &[usize]) -> (Vec<Hit>, Option<usize>) {
        let mut hits = Vec::new();
        for number in 0..self.case.rules.len() {
            let Some(hit) = self.hit(number, event, passed) else { continue };
            let owns = !hit.passed && !self.rule(number).continues;
            hits.push(hit);
            if owns {
                return (hits, Some(number));
            }
        }
        (hits, None)
    }

    fn message(&mut self, event: &Event) {
        let identity = (event.name, event.site, event.host);
        let happened = event.happened();
        let known = self.alerts.contains_key(&identity);
        let alert = self.alerts.entry(identity).or_default();
        let (same, opposite, fires) = match event.status {
            Status::Firing => (alert.said_firing, alert.said_resolved, true),
            Status::Resolved | Status::Point => (alert.said_resolved, alert.said_firing, false),
        };
        let turns = alert.firing != fires;
        let overtaken =
            opposite.is_some_and(|opposite| happened < opposite || (same == Some(happened) && happened <= opposite));
        if known && turns && overtaken {
            return;
        }
        alert.updated_at = self.now;
        match event.status {
            Status::Firing => alert.said_firing = Some(happened),
            Status::Resolved | Status::Point => alert.said_resolved = Some(happened),
        }
        if !turns && known {
            return self.said_again(identity, event);
        }
        alert.firing = fires;
        alert.passed.clear();
        if fires {
            alert.counted_at = happened;
            alert.counted_number = self.received;
            self.route(identity, event, true);
        } else {
            alert.held_until = None;
            let places: Vec<Place> = alert.owner.iter().chain(&alert.links).cloned().collect();
            for place in places {
                self.leave(&place, identity);
            }
            for hit in self.hits(event, &[]).0 {
                if let Some(role) = hit.role {
                    self.enter(&self.place(hit.rule, event), role, event, (happened, self.received));
                }
            }
        }
    }

    /// A message that changes nothing counts where every message does.
    fn said_again(&mut self, identity: Identity, event: &Event) {
        let alert = &self.alerts[&identity];
        let places: Vec<Place> = alert.owner.iter().chain(&alert.links).cloned().collect();
        for place in places {
            let rule = self.rule(place.0);
            let every = rule.messages || matches!(rule.pattern, Pattern::Absence { .. } | Pattern::FlapResults { .. });
            let Some(Hit { role: Some(role), .. }) = self.hit(place.0, event, &[]).filter(|_| every) else { continue };
            if event.status == Status::Firing && role != Role::Closer {
                self.join(&place, identity);
            }
            self.enter(&place, role, event, (event.happened(), self.received));
        }
    }

    /// Gives a firing alert to its rules; `counts`: for all of them, else for those that did not have it yet.
    fn route(&mut self, identity: Identity, event: &Event, counts: bool) {
        let alert = self.alerts[&identity].clone();
        let before: Vec<Place> = alert.owner.iter().chain(&alert.links).cloned().collect();
        let (hits, owner) = self.hits(event, &alert.passed);
        let owner = owner.map(|number| self.place(number, event));
        let is_link = |hit: &&Hit| !hit.passed && self.rule(hit.rule).continues;
        let links: Vec<Place> = hits.iter().filter(is_link).map(|hit| self.place(hit.rule, event)).collect();
        for place in before.iter().filter(|place| owner.as_ref() != Some(place) && !links.contains(place)) {
            self.leave(place, identity);
        }
        let order = if counts { (event.happened(), self.received) } else { (alert.counted_at, alert.counted_number) };
        if let Some(alert) = self.alerts.get_mut(&identity) {
            if alert.owner != owner {
                alert.held_until = None;
            }
            alert.owner = owner.clone();
            alert.links = links;
        }
        for hit in hits {
            let place = self.place(hit.rule, event);
            let Some(role) = hit.role else { continue };
            if !hit.passed && role != Role::Closer {
                self.join(&place, identity);
            }
            if counts || (!hit.passed && !before.contains(&place)) {
                // What waits for messages waits from the last one, not from the last transition.
                let is_absence = matches!(self.rule(place.0).pattern, Pattern::Absence { .. });
                let order = if is_absence && !counts { (alert.updated_at, order.1) } else { order };
                self.enter(&place, role, event, order);
            }
        }
        let holds = owner.filter(|place| {
            let rule = self.rule(place.0);
            let condition = self.conditions.get(place);
            let is_held = condition.is_some_and(|one| !one.raised && one.members.contains(&identity));
            is_held && !rule.because && rule.pattern.waits().is_some()
        });
        let now = self.now;
        let waits = holds.and_then(|place| self.rule(place.0).pattern.waits());
        if let Some(alert) = self.alerts.get_mut(&identity) {
            alert.held_until = waits.map(|seconds| alert.held_until.unwrap_or(now + seconds * SECOND));
        }
    }

    fn pass_on(&mut self, identity: Identity) {
        let Some(alert) = self.alerts.get_mut(&identity) else { return };
        alert.held_until = None;
        let Some(owner) = alert.owner.clone() else { return };
        if self.conditions.get(&owner).is_some_and(|condition| condition.raised) {
            return;
        }
        alert.passed.push(owner.0);
        let (name, site, host) = identity;
        let event = Event { at: self.now, ago: 0, status: Status::Firing, name, site, host };
        self.route(identity, &event, false);
    }

    fn join(&mut self, place: &Place, identity: Identity) {
        if !matches!(self.rule(place.0).pattern, Pattern::Absence { .. }) {
            self.conditions.entry(place.clone()).or_default().members.insert(identity);
        }
    }

    fn leave(&mut self, place: &Place, identity: Identity) {
        if let Some(condition) = self.conditions.get_mut(place)
            && condition.members.remove(&identity)
        {
            self.expire(place);
        }
    }
}
