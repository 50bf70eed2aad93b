//! Conditions at work: events enter windows, patterns fire, and the desk hears of it unless all of it is held back.

use std::sync::Arc;

use super::condition::{Condition, ConditionKey, Phase};
use super::contexts::whole_second;
use super::output::{Bound, Counted, Evidence, Joins, Raised, Verdict};
use super::patterns::{Arrival, Edge, Role, Window};
use super::sentences;
use super::subject::{Message, Subject};
use super::suppression::is_free;
use super::turn::Turn;
use super::{EVIDENCE_KEPT, MEMBERS_SHOWN, TOLD_AGAIN_AFTER, WINDOWS_PER_RULE};
use crate::model::{Severity, Status};
use crate::rules::{ActionAt, Pattern, Rule, Semantics};

impl Turn<'_> {
    pub fn open_condition(&mut self, key: &ConditionKey, position: usize) {
        if !self.state.conditions.contains_key(key) {
            let window = Window::open(self.book.rule(position), self.now);
            self.state.conditions.insert(key.clone(), Arc::new(Condition::new(window, self.now)));
        }
    }

    /// One event enters the window of that condition.
    pub fn enter(
        &mut self,
        key: &ConditionKey,
        position: usize,
        role: Role,
        message: Message<'_>,
        subject: &Subject<'_>,
        suppressed: bool,
    ) {
        let rule = self.book.rule(position);
        let (now, is_point) = (self.now, subject.status == Status::Point);
        self.open_condition(key, position);
        let Some(condition) = self.state.condition_mut(key) else { return };
        let at = match rule.semantics {
            Semantics::Own => message.at,
            Semantics::Sec => whole_second(message.at),
        };
        let is_member = subject.status == Status::Firing
            && !condition.members.is_empty()
            && condition.members.contains(message.event.labels.fingerprint());
        let offset = message.cause.offset;
        let arrival = Arrival { now, at, offset, suppressed, is_point, is_member, role, subject };
        let edge = condition.window.enter(rule, &arrival);
        let is_bound_hit = condition.window.take_dropped();
        let counted = role.counts() && edge != Edge::Ignored;
        if counted && keeps_evidence(condition, is_point) {
            condition.remember(Arc::new(evidence(message, subject, suppressed)), evidence_kept(&rule.pattern));
        }
        let is_free_point = is_point && counted && !suppressed;
        let told_long_ago = match condition.phase {
            Phase::Raised { told_at, .. } => told_at + TOLD_AGAIN_AFTER <= now,
            Phase::Idle | Phase::Waiting => false,
        };
        let fires = edge == Edge::Fired || (counted && rule.pattern == Pattern::Each);
        let was_raised = condition.is_raised();
        self.arm_condition(key);
        if is_bound_hit {
            self.count(Counted::Bound { which: Bound::Instances });
        }
        self.acting = Some(message.event.labels.clone());
        if fires {
            self.act(key, ActionAt::Fire);
        }
        match edge {
            Edge::Closed => self.close_members(key),
            Edge::Nothing | Edge::Ignored | Edge::Fired => {}
        }
        if is_free_point {
            self.release_memberless(key);
        }
        self.settle(key, edge == Edge::Fired || (is_free_point && told_long_ago));
        self.emit_again(key, fires && was_raised);
        self.acting = None;
        self.watch(key, 1);
    }

    /// The pattern was ended as a whole: its members stand under it no longer, though they may still fire.
    fn close_members(&mut self, key: &ConditionKey) {
        let Some(condition) = self.state.condition_mut(key) else { return };
        let members = std::mem::replace(&mut condition.members, super::condition::Members::None);
        condition.free = 0;
        condition.evidence.clear();
        let raised = condition.is_raised();
        for fingerprint in members.iter() {
            self.changed.insert(fingerprint);
            if raised {
                self.decide(key, Verdict::Left { fingerprint });
            }
        }
    }

    /// Brings what the desk knows in line with the condition. `again`: its pattern fired anew.
    pub fn settle(&mut self, key: &ConditionKey, again: bool) {
        let Some(condition) = self.state.conditions.get(key) else { return };
        let (on, clear) = (condition.is_on(), !condition.is_on() && condition.members.is_empty());
        match condition.phase {
            Phase::Idle if on && is_free(self.state, self.index, self.book, condition) => self.raise_anew(key),
            Phase::Idle if on => {
                self.wait(key);
                self.watch(key, usize::MAX);
            }
            Phase::Idle => self.rest(key),
            Phase::Waiting if clear => self.cleared(key),
            Phase::Waiting if is_free(self.state, self.index, self.book, condition) => self.raise_anew(key),
            Phase::Waiting => {}
            Phase::Raised { .. } if clear => {
                self.decide(key, Verdict::Cleared);
                self.cleared(key);
            }
            // Held back as a whole, and what fired it anew is held back too: whoever comes free releases it.
            Phase::Raised { held: true, .. } if condition.members.is_empty() => {}
            Phase::Raised { .. } if again && on => self.raise(key),
            Phase::Raised { .. } => self.hold_or_release(key),
        }
        self.tidy(key);
    }

    fn raise_anew(&mut self, key: &ConditionKey) {
        self.raise(key);
        self.emit(key);
    }

    /// It fired while it was raised, and is not held back: its event is made once more.
    pub fn emit_again(&mut self, key: &ConditionKey, fired: bool) {
        if fired && !self.is_held(key) {
            self.emit(key);
        }
    }

    /// Pattern and members are clear: what stood is undone, and the pattern may fire anew.
    fn cleared(&mut self, key: &ConditionKey) {
        self.set_phase(key, Phase::Idle);
        self.resolve_emitted(key);
        self.act(key, ActionAt::Clear);
        self.rest(key);
    }

    fn rest(&mut self, key: &ConditionKey) {
        if let Some(condition) = self.state.condition_mut(key) {
            condition.window.rest();
        }
        self.arm_condition(key);
    }

    /// Not raised, or held back as a whole.
    fn is_held(&self, key: &ConditionKey) -> bool {
        self.state.conditions.get(key).is_none_or(|condition| match condition.phase {
            Phase::Raised { held, .. } => held,
            Phase::Idle | Phase::Waiting => true,
        })
    }

    fn set_phase(&mut self, key: &ConditionKey, phase: Phase) {
        if let Some(condition) = self.state.condition_mut(key) {
            condition.phase = phase;
        }
    }

    /// It fired, but everything that counted is held back.
    fn wait(&mut self, key: &ConditionKey) {
        self.set_phase(key, Phase::Waiting);
        if let Some(condition) = self.state.conditions.get(key) {
            self.changed.extend(condition.members.iter());
        }
        self.group_waiting(key);
    }

    /// It is still held back, but something that was raised explains it: it is shown there.
    pub fn raise_held(&mut self, key: &ConditionKey, joins: Joins) {
        let Some(condition) = self.state.conditions.get(key) else { return };
        let Some(rule) = self.book.rule_of(key) else { return };
        let (told_at, members) = (self.now, condition.members.clone());
        let by = match members.iter().next().and_then(|first| self.state.alerts.get(&first)) {
            Some(alert) => sentences::held_by(alert),
            None => condition.evidence.back().map(|one| self.held_by_of(one)).unwrap_or_default(),
        };
        let raised = Raised { joins: Some(joins), held: Some(by), ..self.raised(key, condition, rule) };
        self.decide(key, Verdict::Raised(Box::new(raised)));
        for fingerprint in members.iter().skip(MEMBERS_SHOWN) {
            if let Some(alert) = self.member(fingerprint) {
                self.decide(key, Verdict::Joined { alert });
            }
        }
        self.changed.extend(members.iter());
        self.set_phase(key, Phase::Raised { held: true, told_at });
    }

    fn raise(&mut self, key: &ConditionKey) {
        let Some(condition) = self.state.conditions.get(key) else { return };
        let Some(rule) = self.book.rule_of(key) else { return };
        let raised = self.raised(key, condition, rule);
        let (told_at, members, was_raised) = (self.now, condition.members.clone(), condition.is_raised());
        let drops_evidence = rule.pattern == Pattern::Each && !members.is_empty();
        self.decide(key, Verdict::Raised(Box::new(raised)));
        if members.len() > MEMBERS_SHOWN {
            self.count(Counted::Bound { which: Bound::Members });
        }
        for fingerprint in members.iter().skip(MEMBERS_SHOWN) {
            if let Some(alert) = self.member(fingerprint) {
                self.decide(key, Verdict::Joined { alert });
            }
        }
        if !was_raised {
            self.changed.extend(members.iter());
        }
        if let Some(condition) = self.state.condition_mut(key) {
            condition.phase = Phase::Raised { held: false, told_at };
            if drops_evidence {
                condition.evidence = Default::default();
            }
        }
        self.hold_or_release(key);
    }

    fn raised(&self, key: &ConditionKey, condition: &Condition, rule: &Rule) -> Raised {
        let members: Vec<_> =
            condition.members.iter().take(MEMBERS_SHOWN).filter_map(|fingerprint| self.member(fingerprint)).collect();
        let since = condition.window.counts_since();
        let counted = condition.evidence.iter().filter(|evidence| since.is_none_or(|since| since <= evidence.at));
        let evidence: Vec<Evidence> = counted.map(|evidence| evidence.as_ref().clone()).collect();
        let severities = members.iter().map(|member| member.severity).chain(evidence.iter().map(|one| one.severity));
        let severity = rule.severity.or(severities.max()).unwrap_or(Severity::Indeterminate);
        let labels = if members.is_empty() {
            sentences::common(evidence.iter().map(|one| &one.labels))
        } else {
            sentences::common(members.iter().map(|member| &member.labels))
        };
        Raised {
            title: sentences::title(rule, key, condition, evidence.last(), members.first()),
            reason: sentences::reason(rule, condition, evidence.iter().filter(|one| one.suppressed).count()),
            severity,
            labels: labels.unwrap_or_else(|| key.key.clone()),
            members,
            evidence,
            counts_for_recurrence: true,
            joins: None,
            held: None,
        }
    }

    /// Says when the last firing member of a raised condition is held back, and when the first is free again.
    fn hold_or_release(&mut self, key: &ConditionKey) {
        let Some(condition) = self.state.condition_mut(key) else { return };
        let Phase::Raised { held, told_at } = condition.phase else { return };
        let is_held = condition.free == 0;
        if condition.members.is_empty() || held == is_held {
            return;
        }
        condition.phase = Phase::Raised { held: is_held, told_at };
        let first = condition.members.iter().next();
        let by = first
            .and_then(|first| self.state.alerts.get(&first))
            .map(|alert| sentences::held_by(alert))
            .unwrap_or_default();
        self.decide(key, if is_held { Verdict::Held { by } } else { Verdict::Released });
    }

    fn release_memberless(&mut self, key: &ConditionKey) {
        let Some(condition) = self.state.condition_mut(key) else { return };
        if let Phase::Raised { held: true, told_at } = condition.phase
            && condition.members.is_empty()
        {
            condition.phase = Phase::Raised { held: false, told_at };
            self.decide(key, Verdict::Released);
        }
    }

    /// Looks again at a fired condition without members: what holds its events back has changed.
    pub fn review_memberless(&mut self, key: &ConditionKey) {
        let Some(condition) = self.state.conditions.get(key) else { return };
        if !condition.members.is_empty() {
            return;
        }
        match condition.phase {
            Phase::Idle => {}
            Phase::Waiting => self.settle(key, false),
            Phase::Raised { held, told_at } => {
                let is_free = |one: &Arc<Evidence>| self.suppressor_of(&Subject::of_evidence(one)).is_none();
                let is_held = !condition.evidence.is_empty() && !condition.evidence.iter().any(is_free);
                if held != is_held {
                    let by = condition.evidence.back().map(|one| self.held_by_of(one)).unwrap_or_default();
                    self.set_phase(key, Phase::Raised { held: is_held, told_at });
                    self.decide(key, if is_held { Verdict::Held { by } } else { Verdict::Released });
                }
            }
        }
        self.watch(key, usize::MAX);
    }

    /// A condition without members that is held back wants to know when an inhibition lets go of one of its `newest`
    /// events.
    fn watch(&mut self, key: &ConditionKey, newest: usize) {
        let Some(condition) = self.state.conditions.get(key) else { return };
        if self.book.has_inhibitions() && condition.is_held_memberless() {
            for evidence in condition.evidence.iter().rev().take(newest) {
                let places = self.book.inhibition_places(&Subject::of_evidence(evidence));
                self.index.inhibitions.watch(key, &places);
            }
        }
    }

    /// Forgets a condition that has nothing left, and keeps the indexes and the bound on windows.
    fn tidy(&mut self, key: &ConditionKey) {
        let Some(condition) = self.state.condition_mut(key) else { return };
        if condition.is_spent() {
            self.remove_condition(key);
            return;
        }
        if condition.listed == condition.should_be_listed() {
            return;
        }
        self.index.list(key, condition);
        let oldest = self.index.loose.get(&key.rule).filter(|loose| loose.len() > WINDOWS_PER_RULE);
        if let Some((_, oldest)) = oldest.and_then(|loose| loose.first()).cloned() {
            self.count(Counted::Bound { which: Bound::Windows });
            self.retire(&oldest);
        }
    }

    /// Drops a condition; the desk is told that nothing more will come.
    pub fn retire(&mut self, key: &ConditionKey) {
        if self.state.conditions.get(key).is_some_and(|condition| condition.is_raised()) {
            self.decide(key, Verdict::Retired);
        }
        self.resolve_emitted(key);
        self.remove_condition(key);
    }

    fn remove_condition(&mut self, key: &ConditionKey) {
        let Some(condition) = self.state.conditions.remove(key) else { return };
        if let Some(armed) = condition.armed {
            self.index.deadlines.remove(armed, super::deadlines::Timer::Condition(key.clone()));
        }
        self.index.unlist(key, &condition);
    }
}

/// Alerts of a raised `each` are its members; their events explain nothing that the raising did not.
fn keeps_evidence(condition: &Condition, is_point: bool) -> bool {
    !matches!(condition.window, Window::Each(_)) || is_point || !condition.is_raised()
}

/// What is missing is explained by its last message.
fn evidence_kept(pattern: &Pattern) -> usize {
    match pattern {
        Pattern::Absence { .. } => 1,
        Pattern::Each
        | Pattern::Suppress { .. }
        | Pattern::Threshold { .. }
        | Pattern::Rate(_)
        | Pattern::Thresholds { .. }
        | Pattern::Pair { .. }
        | Pattern::PairWindow { .. }
        | Pattern::Sequence(_)
        | Pattern::Group(_)
        | Pattern::Flap(_)
        | Pattern::Calendar { .. } => EVIDENCE_KEPT,
    }
}

fn evidence(message: Message<'_>, subject: &Subject<'_>, suppressed: bool) -> Evidence {
    let event = message.event;
    Evidence {
        cause: message.cause,
        at: message.at,
        source: event.source.clone(),
        status: subject.status,
        labels: event.labels.clone(),
        facts: subject.facts.clone(),
        summary: event.summary.clone(),
        severity: subject.severity,
        value: event.value,
        suppressed,
        raw: event.raw.clone(),
    }
}
