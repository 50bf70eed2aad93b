//! Routing of alerts: the first rule that matches owns the alert, `continue` rules are linked, the catch-all takes the
//! rest.

use crate::core::correlation::conditions::condition::ConditionPhase;
use crate::core::correlation::input_context::CorrelationContext;
use crate::core::correlation::keys::ConditionKey;
use crate::core::correlation::match_target::{EventInFlight, MatchTarget};
use crate::core::correlation::output::{Member, Verdict};
use crate::core::correlation::patterns::{MatchRole, takes_members};
use crate::core::correlation::rule_index::{Hold, Match};
use crate::core::model::{Fingerprint, Status};
use crate::core::rules::{Pattern, Rule};

/// The rules for which an alert counts as an event now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counting {
    /// The alert had a transition: it counts for all of its rules.
    Transition,
    /// The alert only moved to them (from another rule, after a reload): it counts for rules that did not hold it yet.
    NewOnly,
}

impl CorrelationContext<'_> {
    /// Finds the rules of a firing alert, removes it from conditions it no longer belongs to and adds it to the others.
    pub fn route(&mut self, fingerprint: Fingerprint, message: EventInFlight<'_>, counting: Counting) {
        let book = self.book;
        let Some(alert) = self.state.alerts.get(&fingerprint) else { return };
        let facts = alert.facts.clone();
        let subject = MatchTarget::of_event(message.event, alert.severity, Status::Firing, &facts);
        let mut hits = book.hits(self.state, &subject, &alert.passed);
        if hits.last().is_none_or(|hit| hit.hold != Hold::Owner) {
            hits.push(Match { position: book.catch_all_position(), role: Some(MatchRole::Entry), hold: Hold::Owner });
        }
        let hits: Vec<(ConditionKey, Match)> =
            hits.into_iter().map(|hit| (book.key(hit.position, &subject), hit)).collect();
        let before: Vec<ConditionKey> = alert.conditions().cloned().collect();
        let (suppressed, last_message_at) = (alert.is_suppressed(), alert.updated_at);
        let of = |hold: Hold| hits.iter().filter(move |(_, hit)| hit.hold == hold).map(|(key, _)| key.clone());
        let (owner, links): (Option<ConditionKey>, Vec<ConditionKey>) =
            (of(Hold::Owner).next(), of(Hold::Link).collect());
        for key in &before {
            if owner.as_ref() != Some(key) && !links.contains(key) {
                self.leave(key, fingerprint, suppressed);
            }
        }
        if let Some(alert) = self.state.alert_mut(&fingerprint) {
            if alert.owner != owner {
                alert.held_until = None;
            }
            alert.owner = owner;
            alert.links = links;
        }
        for (key, hit) in &hits {
            let is_new = !before.contains(key) || !self.state.conditions.contains_key(key);
            let joins = hit.hold != Hold::Passed && hit.role.is_some_and(MatchRole::counts);
            if joins && takes_members(&book.rule(hit.position).pattern) {
                self.join(key, hit.position, fingerprint, counting);
            }
            let counts = counting == Counting::Transition || (is_new && hit.hold != Hold::Passed);
            // Patterns that wait for messages count from the last message, not from the last transition.
            let at = match (counting, &book.rule(hit.position).pattern) {
                (Counting::NewOnly, Pattern::Absence { .. }) => last_message_at,
                (Counting::NewOnly | Counting::Transition, _) => message.at,
            };
            let message = EventInFlight { at, ..message };
            match hit.role {
                Some(role) if counts => self.enter(key, hit.position, role, message, &subject, suppressed),
                Some(_) | None => self.publish_condition(key, false),
            }
        }
        self.watch_owner(fingerprint);
    }

    /// Sets the time by which an owner must fire, unless its rule swallows alerts on purpose.
    fn watch_owner(&mut self, fingerprint: Fingerprint) {
        let Some(alert) = self.state.alerts.get(&fingerprint) else { return };
        let held_until = alert.owner.as_ref().and_then(|owner| {
            let rule = self.book.rule_of(owner)?;
            let condition = self.state.conditions.get(owner)?;
            let is_held = condition.phase == ConditionPhase::Idle && condition.members.contains(fingerprint);
            if !is_held || !may_pass_on(rule) {
                return None;
            }
            // The time runs from when the owner got it, not from its last transition.
            Some(alert.held_until.unwrap_or(self.now + rule.otherwise_after))
        });
        if let Some(alert) = self.state.alert_mut(&fingerprint) {
            alert.held_until = held_until;
        }
    }

    /// Gives the alert to the next rule if the owner did not fire in time.
    pub fn pass_on(&mut self, fingerprint: Fingerprint) {
        let Some(alert) = self.state.alert_mut(&fingerprint) else { return };
        alert.held_until = None;
        let Some(owner) = alert.owner.clone() else { return };
        let is_idle = |phase: ConditionPhase| phase == ConditionPhase::Idle;
        if !self.state.conditions.get(&owner).is_some_and(|condition| is_idle(condition.phase)) {
            return;
        }
        let Some(alert) = self.state.alert_mut(&fingerprint) else { return };
        alert.passed.push(owner.rule);
        self.changed.insert(fingerprint);
        self.route_as_it_stands(fingerprint);
    }

    /// Routes an alert whose rules may have changed. In a new condition it counts from its real start.
    pub fn route_again(&mut self, fingerprint: Fingerprint) {
        let Some(alert) = self.state.alerts.get(&fingerprint) else { return };
        let before = (alert.owner.clone(), alert.links.clone());
        self.route_as_it_stands(fingerprint);
        let after = self.state.alerts.get(&fingerprint).map(|alert| (alert.owner.clone(), alert.links.clone()));
        if after != Some(before) {
            self.changed.insert(fingerprint);
        }
        self.arm_alert(fingerprint);
    }

    /// Routes an alert without a new message: it counts as the message that it last counted by.
    fn route_as_it_stands(&mut self, fingerprint: Fingerprint) {
        let Some(alert) = self.state.alerts.get(&fingerprint) else { return };
        let event = alert.to_event(Status::Firing);
        let message = EventInFlight { event: &event, cause: alert.cause, at: alert.counted_at };
        self.route(fingerprint, message, Counting::NewOnly);
    }

    pub fn join(&mut self, key: &ConditionKey, position: usize, fingerprint: Fingerprint, counting: Counting) {
        let suppressed = self.state.alerts.get(&fingerprint).is_some_and(|alert| alert.is_suppressed());
        self.open_condition(key, position);
        let Some(condition) = self.state.condition_mut(key) else { return };
        let is_new = condition.members.insert(fingerprint);
        if is_new && !suppressed {
            condition.free += 1;
        }
        if condition.is_raised()
            && (is_new || counting == Counting::Transition)
            && let Some(alert) = self.member(fingerprint)
        {
            self.decide(key, Verdict::Joined { alert });
        }
    }

    pub fn leave(&mut self, key: &ConditionKey, fingerprint: Fingerprint, suppressed: bool) {
        let Some(condition) = self.state.condition_mut(key) else { return };
        if !condition.members.contains(fingerprint) {
            return;
        }
        condition.members.remove(fingerprint);
        let is_raised = condition.is_raised();
        if !suppressed {
            condition.free = condition.free.saturating_sub(1);
        }
        self.quiet(key, Some(fingerprint));
        if is_raised {
            self.decide(key, Verdict::Left { fingerprint });
        }
        self.publish_condition(key, false);
        // The last member left: the counted events now decide if the condition is suppressed.
        self.review_memberless(key);
    }

    pub fn member(&self, fingerprint: Fingerprint) -> Option<Member> {
        let alert = self.state.alerts.get(&fingerprint)?;
        let (labels, severity, firing) = (alert.labels.clone(), alert.severity, alert.times.firing);
        let (since, maintained) = (alert.counted_at, alert.began_maintained);
        Some(Member { fingerprint, labels, severity, firing, since, maintained })
    }
}

/// True if the rule passes on an alert that it owns without firing. Only counting patterns make an alert wait.
fn may_pass_on(rule: &Rule) -> bool {
    match rule.pattern {
        Pattern::Threshold { .. }
        | Pattern::Rate(_)
        | Pattern::Thresholds { .. }
        | Pattern::Sequence(_)
        | Pattern::Group(_)
        | Pattern::Flap(_) => rule.because.is_none(),
        Pattern::Each
        | Pattern::Suppress { .. }
        | Pattern::Pair { .. }
        | Pattern::PairWindow { .. }
        | Pattern::Absence { .. }
        | Pattern::Calendar { .. } => false,
    }
}
