//! Evaluation of conditions: events enter windows, patterns fire, and the desk gets the result unless all of it is
//! suppressed.

use std::sync::Arc;

use super::condition::{Condition, ConditionPhase};
use super::contexts::whole_second;
use crate::core::correlation::input_context::CorrelationContext;
use crate::core::correlation::keys::ConditionKey;
use crate::core::correlation::match_target::{EventInFlight, MatchTarget};
use crate::core::correlation::output::{
    CorrelationLimit, CorrelationMetric, CountedEvent, GroupingDecision, Raised, Verdict,
};
use crate::core::correlation::patterns::{LevelChange, MatchRole, Window, WindowEvent};
use crate::core::correlation::suppression::is_free;
use crate::core::correlation::suppression::suppressed_by::SuppressedBy;
use crate::core::correlation::suppression::suppressors::rank_of;
use crate::core::correlation::wording;
use crate::core::correlation::{EVIDENCE_KEPT, MEMBERS_SHOWN, TOLD_AGAIN_AFTER, WINDOWS_PER_RULE};
use crate::core::model::{Severity, Status, Timestamp};
use crate::core::rules::{ActionAt, Pattern, Rule, Semantics};

impl CorrelationContext<'_> {
    pub fn open_condition(&mut self, key: &ConditionKey, position: usize) {
        if !self.state.conditions.contains_key(key) {
            let window = Window::open(self.book.rule(position), self.now);
            self.state.conditions.insert(key.clone(), Arc::new(Condition::new(window, self.now)));
        }
    }

    /// Adds one event to the condition's window.
    pub fn enter(
        &mut self,
        key: &ConditionKey,
        position: usize,
        role: MatchRole,
        message: EventInFlight<'_>,
        subject: &MatchTarget<'_>,
        suppressed: bool,
    ) {
        let rule = self.book.rule(position);
        let maintained = suppressed && self.is_maintained(subject);
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
        let arrival = WindowEvent { now, at, offset, suppressed, is_point, is_member, role, subject };
        let edge = condition.window.enter(rule, &arrival);
        let is_bound_hit = condition.window.take_dropped();
        let counted = role.counts() && edge != LevelChange::Ignored;
        if counted && keeps_evidence(condition, is_point) {
            let one = evidence(message, subject, suppressed, maintained);
            condition.remember(one, evidence_kept(&rule.pattern));
        }
        let is_free_point = is_point && counted && !suppressed;
        let told_long_ago = match condition.phase {
            ConditionPhase::Raised { told_at, .. } => told_at + TOLD_AGAIN_AFTER <= now,
            ConditionPhase::Idle | ConditionPhase::Waiting => false,
        };
        let fires = edge == LevelChange::Fired || (counted && rule.pattern == Pattern::Each);
        let was_raised = condition.is_raised();
        self.arm_condition(key);
        if is_bound_hit {
            self.count(CorrelationMetric::Bound { which: CorrelationLimit::Instances });
        }
        self.acting = Some(message.event.labels.clone());
        if fires {
            self.act(key, ActionAt::Fire);
        }
        match edge {
            LevelChange::Closed => self.close_members(key),
            LevelChange::Nothing | LevelChange::Ignored | LevelChange::Fired => {}
        }
        if is_free_point {
            self.release_memberless(key);
        }
        self.publish_condition(key, edge == LevelChange::Fired || (is_free_point && told_long_ago));
        self.emit_again(key, fires && was_raised);
        self.acting = None;
        self.watch(key, 1);
    }

    /// Removes all members after the pattern ended as a whole, though they may still fire.
    fn close_members(&mut self, key: &ConditionKey) {
        let Some(condition) = self.state.condition_mut(key) else { return };
        let members = std::mem::replace(&mut condition.members, super::condition::AlertSet::None);
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

    /// Reports the condition's change to the desk. `again`: its pattern fired again.
    pub fn publish_condition(&mut self, key: &ConditionKey, again: bool) {
        let Some(condition) = self.state.conditions.get(key) else { return };
        let (on, clear) = (condition.is_on(), !condition.is_on() && condition.members.is_empty());
        match condition.phase {
            ConditionPhase::Idle if on && is_free(self.state, self.index, self.book, condition) => self.raise_anew(key),
            ConditionPhase::Idle if on => {
                self.wait(key);
                self.watch(key, usize::MAX);
            }
            ConditionPhase::Idle => self.rest(key),
            ConditionPhase::Waiting if clear => self.cleared(key),
            ConditionPhase::Waiting if is_free(self.state, self.index, self.book, condition) => self.raise_anew(key),
            ConditionPhase::Waiting => {}
            ConditionPhase::Raised { .. } if clear => {
                self.decide(key, Verdict::Cleared);
                self.cleared(key);
            }
            // Suppressed as a whole, and so is the event that fired it again: the first free member releases it.
            ConditionPhase::Raised { held: true, .. } if condition.members.is_empty() => {}
            ConditionPhase::Raised { .. } if again && on => self.raise(key),
            ConditionPhase::Raised { .. } => self.update_suppression(key),
        }
        self.tidy(key);
    }

    fn raise_anew(&mut self, key: &ConditionKey) {
        self.raise(key);
        self.emit(key);
    }

    /// Emits the event once more if the condition fired while raised and is not suppressed.
    pub fn emit_again(&mut self, key: &ConditionKey, fired: bool) {
        if fired && !self.is_held(key) {
            self.emit(key);
        }
    }

    /// Pattern and members are clear: the raised condition is cleared, and the pattern may fire again.
    fn cleared(&mut self, key: &ConditionKey) {
        self.set_phase(key, ConditionPhase::Idle);
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

    /// True if the condition is not raised, or suppressed as a whole.
    fn is_held(&self, key: &ConditionKey) -> bool {
        self.state.conditions.get(key).is_none_or(|condition| match condition.phase {
            ConditionPhase::Raised { held, .. } => held,
            ConditionPhase::Idle | ConditionPhase::Waiting => true,
        })
    }

    fn set_phase(&mut self, key: &ConditionKey, phase: ConditionPhase) {
        if let Some(condition) = self.state.condition_mut(key) {
            condition.phase = phase;
        }
    }

    /// The pattern fired, but all counted events are suppressed.
    fn wait(&mut self, key: &ConditionKey) {
        self.set_phase(key, ConditionPhase::Waiting);
        if let Some(condition) = self.state.conditions.get(key) {
            self.changed.extend(condition.members.iter());
        }
        self.group_waiting(key);
    }

    /// Raises a suppressed condition inside the incident of the condition that explains it.
    pub fn raise_held(&mut self, key: &ConditionKey, joins: GroupingDecision) {
        let Some(condition) = self.state.conditions.get(key) else { return };
        let Some(rule) = self.book.rule_of(key) else { return };
        let (told_at, members) = (self.now, condition.members.clone());
        let by = match members.iter().next().and_then(|first| self.state.alerts.get(&first)) {
            Some(alert) => alert.held.as_deref().map(SuppressedBy::words),
            None => condition.evidence.back().map(|one| self.holds_of(one).words()),
        };
        let by = by.unwrap_or_default();
        let raised = Raised { joins: Some(joins), held: Some(by), ..self.raised(key, condition, rule) };
        self.decide(key, Verdict::Raised(Box::new(raised)));
        for fingerprint in members.iter().skip(MEMBERS_SHOWN) {
            if let Some(alert) = self.member(fingerprint) {
                self.decide(key, Verdict::Joined { alert });
            }
        }
        self.changed.extend(members.iter());
        self.set_phase(key, ConditionPhase::Raised { held: true, told_at });
        self.update_suppression(key);
    }

    fn raise(&mut self, key: &ConditionKey) {
        let Some(condition) = self.state.conditions.get(key) else { return };
        let Some(rule) = self.book.rule_of(key) else { return };
        let (told_at, members, was_raised) = (self.now, condition.members.clone(), condition.is_raised());
        let drops_evidence = rule.pattern == Pattern::Each && !members.is_empty();
        // Sentences are needed only for rules that open incidents.
        if rule.opens_incident {
            let raised = self.raised(key, condition, rule);
            self.decide(key, Verdict::Raised(Box::new(raised)));
        }
        if members.len() > MEMBERS_SHOWN {
            self.count(CorrelationMetric::Bound { which: CorrelationLimit::Members });
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
            condition.phase = ConditionPhase::Raised { held: false, told_at };
            condition.pauses = false;
            if drops_evidence {
                condition.evidence = Default::default();
            }
        }
        self.update_suppression(key);
    }

    fn raised(&self, key: &ConditionKey, condition: &Condition, rule: &Rule) -> Raised {
        let members: Vec<_> =
            condition.members.iter().take(MEMBERS_SHOWN).filter_map(|fingerprint| self.member(fingerprint)).collect();
        let since = condition.window.counts_since();
        let counted = condition.evidence.iter().filter(|evidence| since.is_none_or(|since| since <= evidence.at));
        let evidence: Vec<CountedEvent> = counted.map(|evidence| evidence.as_ref().clone()).collect();
        let severities = members.iter().map(|member| member.severity).chain(evidence.iter().map(|one| one.severity));
        let severity = rule.severity.or(severities.max()).unwrap_or(Severity::Indeterminate);
        let labels = if members.is_empty() {
            wording::common(evidence.iter().map(|one| &one.labels))
        } else {
            wording::common(members.iter().map(|member| &member.labels))
        };
        let counts_for_recurrence = match members.is_empty() {
            true => evidence.is_empty() || evidence.iter().any(|one| !one.maintained),
            false => members.iter().any(|member| !member.maintained),
        };
        Raised {
            title: wording::title(rule, key, condition, evidence.last(), members.first()),
            reason: wording::reason(rule, condition, evidence.iter().filter(|one| one.suppressed).count()),
            severity,
            labels: labels.unwrap_or_else(|| key.key.clone()),
            members,
            evidence,
            counts_for_recurrence,
            joins: None,
            held: None,
        }
    }

    /// Reports when the last firing member of a raised condition becomes suppressed, and when the first is free again.
    fn update_suppression(&mut self, key: &ConditionKey) {
        let Some(condition) = self.state.conditions.get(key) else { return };
        let ConditionPhase::Raised { held, told_at } = condition.phase else { return };
        let is_held = condition.free == 0;
        let held_alert = |fingerprint| self.state.alerts.get(&fingerprint).and_then(|alert| alert.held.as_deref());
        let pauses = is_held
            && self.index.has_open_windows()
            && condition.members.iter().all(|member| held_alert(member).is_some_and(|held| held.pauses));
        if condition.members.is_empty() || (held, condition.pauses) == (is_held, pauses) {
            return;
        }
        let by = condition.members.iter().next().and_then(held_alert).map(|held| held.words()).unwrap_or_default();
        self.stand(key, is_held, pauses, told_at, by);
    }

    /// Records a raised condition's suppression: begun, changed, or ended.
    fn stand(&mut self, key: &ConditionKey, held: bool, pauses: bool, told_at: Timestamp, by: String) {
        let Some(condition) = self.state.condition_mut(key) else { return };
        condition.phase = ConditionPhase::Raised { held, told_at };
        condition.pauses = pauses;
        self.decide(key, if held { Verdict::Held { by, pauses } } else { Verdict::Released });
    }

    fn release_memberless(&mut self, key: &ConditionKey) {
        let Some(condition) = self.state.conditions.get(key) else { return };
        if let ConditionPhase::Raised { held: true, told_at } = condition.phase
            && condition.members.is_empty()
        {
            self.stand(key, false, false, told_at, String::new());
        }
    }

    /// Re-evaluates a fired condition without members after the suppression of its events changed.
    pub fn review_memberless(&mut self, key: &ConditionKey) {
        let Some(condition) = self.state.conditions.get(key) else { return };
        if !condition.members.is_empty() {
            return;
        }
        match condition.phase {
            ConditionPhase::Idle => {}
            ConditionPhase::Waiting => self.publish_condition(key, false),
            ConditionPhase::Raised { held, told_at } => {
                let holds: Vec<SuppressedBy> = condition.evidence.iter().map(|one| self.holds_of(one)).collect();
                let is_held = !holds.is_empty() && !holds.iter().any(|one| one.is_empty());
                let pauses = is_held && holds.iter().all(|one| one.pauses);
                if (held, condition.pauses) != (is_held, pauses) {
                    let by = holds.last().map(|one| one.words()).unwrap_or_default();
                    self.stand(key, is_held, pauses, told_at, by);
                }
            }
        }
        self.watch(key, usize::MAX);
    }

    /// Watches the inhibitions of the `newest` events of a suppressed condition without members.
    fn watch(&mut self, key: &ConditionKey, newest: usize) {
        let Some(condition) = self.state.conditions.get(key) else { return };
        if self.book.has_holders() && condition.is_held_memberless() {
            for evidence in condition.evidence.iter().rev().take(newest) {
                let places = self.book.places(&MatchTarget::of_evidence(evidence));
                self.index.holders.watch(key, rank_of(evidence), &places);
            }
        }
    }

    /// Drops a condition with no state left, and maintains the indexes and the limit on windows.
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
            self.count(CorrelationMetric::Bound { which: CorrelationLimit::Windows });
            self.retire(&oldest);
        }
    }

    /// Drops a condition and reports to the desk that it is over.
    pub fn retire(&mut self, key: &ConditionKey) {
        if self.state.conditions.get(key).is_some_and(|condition| condition.is_raised()) {
            self.decide(key, Verdict::Retired);
        }
        self.quiet(key, None);
        self.resolve_emitted(key);
        self.remove_condition(key);
    }

    fn remove_condition(&mut self, key: &ConditionKey) {
        let Some(condition) = self.state.conditions.remove(key) else { return };
        if let Some(armed) = condition.armed {
            self.index.deadlines.remove(armed, crate::core::correlation::timers::Timer::Condition(key.clone()));
        }
        self.index.unlist(key, &condition);
    }
}

/// The members of a raised `each` are its alerts; their events add no evidence.
fn keeps_evidence(condition: &Condition, is_point: bool) -> bool {
    !matches!(condition.window, Window::Each(_)) || is_point || !condition.is_raised()
}

/// A missing signal is explained by its last message.
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

fn evidence(message: EventInFlight<'_>, subject: &MatchTarget<'_>, suppressed: bool, maintained: bool) -> CountedEvent {
    let event = message.event;
    CountedEvent {
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
        maintained,
        raw: event.raw.clone(),
    }
}
