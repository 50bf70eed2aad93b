//! Shared contexts and derived events: the actions of firing and clearing beyond raising an incident.
//!
//! Contexts use received time. Derived events wait in a first-in, first-out queue and are handled before further input;
//! depth and number are limited, so that rules that feed one another come to an end.

use super::guard::guard_holds;
use super::shared_context::{ContextName, Derived, SharedContext};

use super::condition::Condition;
use crate::core::correlation::input_context::CorrelationContext;
use crate::core::correlation::keys::ConditionKey;
use crate::core::correlation::match_target::MatchTarget;
use crate::core::correlation::output::{CorrelationLimit, CorrelationMetric, Firing, FiringEdge};
use crate::core::correlation::patterns::Window;
use crate::core::correlation::timers::Timer;
use crate::core::correlation::{CONTEXTS_MAX, DERIVED_AT_ONCE, DERIVED_DEPTH, RESUME_GRACE, wording};
use crate::core::model::{
    Cause, Event, LABEL_MAX_BYTES, Labels, Offset, Partition, Severity, Status, TEXT_MAX_BYTES, TimeDelta, Timestamp,
    bounded_text,
};
use crate::core::rules::{ActionAt, ContextChange, Emit, EmitKind, Rule, Semantics};

/// The source of derived events.
const DERIVED: &str = "derived";
const SECOND: TimeDelta = TimeDelta::from_seconds(1);

impl CorrelationContext<'_> {
    /// Changes the contexts of the condition's rule; placeholders are filled from the triggering event.
    pub fn act(&mut self, key: &ConditionKey, at: ActionAt) {
        let Some(rule) = self.book.rule_of(key) else { return };
        if let Some(firings) = self.firings {
            let edge = match at {
                ActionAt::Fire => FiringEdge::Fired,
                ActionAt::Clear => FiringEdge::Cleared,
            };
            firings.push(Firing { rule: rule.name.clone(), key: key.key.clone(), edge });
        }
        for action in rule.actions.contexts.iter().filter(|action| action.at == at) {
            let Some(condition) = self.state.conditions.get(key) else { return };
            let (cause, acting) = (self.cause_of(condition), self.acting.as_ref());
            let value = |name: &str| filling(key, condition, acting, name);
            let name = ContextName(wording::fill(&action.name, value).into());
            match &action.change {
                ContextChange::Unset => {
                    self.drop_context(&name);
                }
                ContextChange::Set { lifetime, on_expiry } => {
                    let on_expiry = on_expiry.as_ref().map(|emit| Box::new(derived(emit, cause, Status::Point, value)));
                    self.set_context(name, lifetime.map(|lifetime| self.ends(rule, lifetime)), on_expiry);
                }
            }
        }
    }

    /// End of a context that begins now and has this lifetime.
    fn ends(&self, rule: &Rule, lifetime: TimeDelta) -> Timestamp {
        match rule.semantics {
            Semantics::Own => self.now + lifetime,
            Semantics::Sec => whole_second(self.now) + lifetime + SECOND,
        }
    }

    fn set_context(&mut self, name: ContextName, until: Option<Timestamp>, on_expiry: Option<Box<Derived>>) {
        self.drop_context(&name);
        if self.state.contexts.len() >= CONTEXTS_MAX {
            return self.count(CorrelationMetric::Bound { which: CorrelationLimit::Contexts });
        }
        if let Some(until) = until {
            self.index.deadlines.insert(until, Timer::Context(name.clone()));
        }
        self.state.contexts.insert(name, SharedContext { set_at: self.now, until, on_expiry });
    }

    fn drop_context(&mut self, name: &ContextName) -> Option<SharedContext> {
        let context = self.state.contexts.remove(name)?;
        if let Some(until) = context.until {
            self.index.deadlines.remove(until, Timer::Context(name.clone()));
        }
        Some(context)
    }

    /// Ends a context whose lifetime is over.
    pub fn context_timer(&mut self, name: &ContextName) {
        if let Some(derived) = self.drop_context(name).and_then(|context| context.on_expiry) {
            self.derive(*derived);
        }
    }

    /// Emits the rule's derived event, if it has one: the condition is raised, or fired again while raised.
    pub fn emit(&mut self, key: &ConditionKey) {
        let (Some(rule), Some(condition)) = (self.book.rule_of(key), self.state.conditions.get(key)) else { return };
        let Some(emit) = &rule.actions.emit else { return };
        let status = match emit.kind {
            EmitKind::Firing => Status::Firing,
            EmitKind::Point => Status::Point,
        };
        let cause = self.cause_of(condition);
        let acting = self.acting.as_ref();
        let event = derived(emit, cause, status, |name: &str| filling(key, condition, acting, name));
        if emit.kind == EmitKind::Firing && condition.emitted.as_ref() != Some(&event.labels) {
            self.resolve_emitted(key);
            if let Some(condition) = self.state.condition_mut(key) {
                condition.emitted = Some(event.labels.clone());
            }
        }
        self.derive(event);
    }

    /// Resolves the alert that the condition emitted.
    pub fn resolve_emitted(&mut self, key: &ConditionKey) {
        let Some(condition) = self.state.conditions.get(key) else { return };
        let Some(labels) = condition.emitted.clone() else { return };
        let cause = self.cause_of(condition);
        if let Some(condition) = self.state.condition_mut(key) {
            condition.emitted = None;
        }
        let status = Status::Resolved;
        self.derive(Derived { labels, severity: None, summary: String::new(), status, cause });
    }

    /// The input being handled or, on a timer, the input of the condition's newest event.
    fn cause_of(&self, condition: &Condition) -> Cause {
        let newest = condition.evidence.back().map(|newest| newest.cause);
        self.cause.or(newest).unwrap_or(Cause { partition: Partition::DEFAULT, offset: Offset(0), n: 0 })
    }

    fn derive(&mut self, derived: Derived) {
        if self.depth >= DERIVED_DEPTH || self.derived.len() >= DERIVED_AT_ONCE {
            return self.count(CorrelationMetric::Bound { which: CorrelationLimit::Derived });
        }
        self.derived.push_back((derived, self.depth + 1));
    }

    /// Handles derived events, and the events derived from those.
    pub fn take_derived(&mut self) {
        let mut taken = 0;
        while let Some((derived, depth)) = self.derived.pop_front() {
            taken += 1;
            if taken > DERIVED_AT_ONCE {
                self.count(CorrelationMetric::Bound { which: CorrelationLimit::Derived });
                continue;
            }
            self.depth = depth;
            let mut event = Event::new(DERIVED, derived.status, derived.labels);
            event.severity = derived.severity;
            event.summary = derived.summary;
            let before = self.cause.replace(derived.cause);
            self.event(&event, derived.cause);
            self.serve_deadlines();
            self.cause = before;
        }
        self.depth = 0;
    }

    /// Handles a scheduled time of the rule's calendar.
    pub fn calendar_fires(&mut self, key: &ConditionKey, at: Timestamp) -> bool {
        let Some(rule) = self.book.rule_of(key) else { return false };
        let nothing = Event::new("", Status::Point, Labels::empty());
        let subject = MatchTarget::of_event(&nothing, Severity::Indeterminate, Status::Point, &nothing.labels);
        if !guard_holds(self.state, rule.guard.as_ref(), &subject) {
            return false;
        }
        if let Some(condition) = self.state.condition_mut(key)
            && let Window::Calendar(window) = &mut condition.window
        {
            window.fire(at, rule.quiet.unwrap_or(SECOND));
        }
        true
    }

    /// Extends contexts that ended in a gap of the service, because their signs of life could not be seen.
    pub fn postpone_contexts(&mut self, fell_into_gap: impl Fn(Timestamp) -> bool) {
        let is_due = |context: &SharedContext| context.on_expiry.is_some() && context.until.is_some_and(&fell_into_gap);
        let contexts = self.state.contexts.iter().filter(|(_, context)| is_due(context));
        let names: Vec<ContextName> = contexts.map(|(name, _)| name.clone()).collect();
        for name in names {
            let Some(mut context) = self.drop_context(&name) else { continue };
            let lifetime = context.until.map_or(TimeDelta::ZERO, |until| until.since(context.set_at));
            let until = self.now + lifetime.max(RESUME_GRACE);
            context.until = Some(until);
            self.index.deadlines.insert(until, Timer::Context(name.clone()));
            self.state.contexts.insert(name, context);
        }
    }
}

/// Value of a placeholder: the key's label, else that of the event that acts or counted last; `{count}` is the
/// window's.
fn filling(key: &ConditionKey, condition: &Condition, acting: Option<&Labels>, name: &str) -> Option<String> {
    if name == "count" {
        return Some(wording::count(condition).to_string());
    }
    let last = acting.or(condition.evidence.back().map(|last| &last.labels));
    key.key.get(name).or_else(|| last?.get(name)).map(str::to_owned)
}

fn derived(emit: &Emit, cause: Cause, status: Status, value: impl Fn(&str) -> Option<String>) -> Derived {
    let filled = emit.labels.iter().map(|(name, template)| {
        let text = wording::fill(template, &value);
        (name, bounded_text(&text, LABEL_MAX_BYTES).into_owned())
    });
    let summary = bounded_text(&wording::fill(&emit.summary, &value), TEXT_MAX_BYTES).into_owned();
    Derived { labels: Labels::from_pairs(filled), severity: emit.severity, summary, status, cause }
}

/// The time truncated to its second.
pub(crate) fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_seconds(at.as_micros().div_euclid(1_000_000))
}
