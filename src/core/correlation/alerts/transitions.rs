//! Messages: firing and resolved ones change their alert, points go straight to the rules.

use std::sync::Arc;

use super::alert::{Alert, AlertTimes, ReportedTimes, Transition, first_times};
use super::dedup::{EventId, Remembered, SeenId, remember};
use super::routing::Counting;
use crate::core::correlation::input::Resend;
use crate::core::correlation::input_context::CorrelationContext;
use crate::core::correlation::keys::ConditionKey;
use crate::core::correlation::match_target::{EventInFlight, MatchTarget};
use crate::core::correlation::output::{CorrelationLimit, CorrelationMetric, Output};
use crate::core::correlation::patterns::takes_members;
use crate::core::correlation::rule_index::{Hold, Match};
use crate::core::correlation::suppression::dependency::ANCESTORS_MAX;
use crate::core::correlation::suppression::inhibition::SourceChange;
use crate::core::correlation::suppression::suppressors::SuppressorKeys;
use crate::core::model::{Cause, Event, Fingerprint, Labels, Severity, Status, Timestamp};

impl CorrelationContext<'_> {
    pub fn event(&mut self, event: &Event, cause: Cause) {
        match event.status {
            Status::Point => self.point(event, cause),
            Status::Firing | Status::Resolved => self.alert_message(event, cause),
        }
    }

    /// Handles the compact form of a message that changed only times when it was journaled.
    pub fn resend(&mut self, resend: &Resend, cause: Cause) {
        let fingerprint = resend.fingerprint;
        let Some(alert) = self.state.alerts.get(&fingerprint) else { return };
        let said = alert.resent(resend);
        let source = Arc::clone(&alert.source);
        if resend.id.is_some_and(|id| self.was_seen(id, &source, cause)) {
            return self.repeated(fingerprint, &said);
        }
        let Some(alert) = self.state.alerts.get(&fingerprint) else { return };
        let at = crate::core::correlation::clamp_event_time(resend.occurred_at, self.now);
        let times = alert.times_after(&said, at, self.now, self.book.rulebook.resolve_timeout);
        let is_transition = alert.transition_to(&times, alert.severity).is_some();
        if is_transition || alert.is_outdated(&said, self.now) || self.counts_messages(alert) {
            let event = alert.resent_event(resend);
            return self.alert_message(&event, cause);
        }
        self.event_time(resend.occurred_at);
        self.touch(fingerprint, &said, times, resend.value_bits.map(f64::from_bits));
        self.emit_touched(fingerprint, times);
    }

    fn alert_message(&mut self, event: &Event, cause: Cause) {
        let fingerprint = event.labels.fingerprint();
        let said = ReportedTimes::from(event);
        if EventId::of(event).is_some_and(|id| self.was_seen(id, &event.source, cause)) {
            return self.repeated(fingerprint, &said);
        }
        let Some(alert) = self.state.alerts.get(&fingerprint) else {
            return self.first_message(fingerprint, event, cause);
        };
        if alert.is_outdated(&said, self.now) {
            return self.count(CorrelationMetric::Duplicate { source: event.source.clone() });
        }
        let at = self.event_time(event.occurred_at);
        let message = EventInFlight { event, cause, at };
        let severity = self.book.severity_of(event);
        let Some(alert) = self.state.alerts.get(&fingerprint) else { return };
        let times = alert.times_after(&said, at, self.now, self.book.rulebook.resolve_timeout);
        match alert.transition_to(&times, severity) {
            None => self.on_resend(fingerprint, message, times),
            Some(transition) => self.transition(fingerprint, message, times, severity, transition),
        }
    }

    /// Remembers the identity of a message; true, and counted, if the message was seen before.
    fn was_seen(&mut self, id: EventId, source: &str, cause: Cause) -> bool {
        let seen = SeenId { at: self.now, offset: cause.offset };
        match remember(&mut self.state.event_ids, &mut self.index.event_id_order, id, seen) {
            Remembered::New => return false,
            Remembered::NewForOldest => self.count(CorrelationMetric::Bound { which: CorrelationLimit::EventIds }),
            Remembered::SeenBefore => {
                self.count(CorrelationMetric::Duplicate { source: source.to_owned() });
                return true;
            }
        }
        false
    }

    /// Handles a repeated message: it counts for nothing, but a firing one keeps its firing alert from expiring, because
    /// a tool that numbers its alerts says the same again as a sign of life.
    fn repeated(&mut self, fingerprint: Fingerprint, said: &ReportedTimes) {
        let Some(alert) = self.state.alerts.get(&fingerprint) else { return };
        let at = crate::core::correlation::clamp_event_time(said.occurred_at, self.now);
        let times = alert.times_after(said, at, self.now, self.book.rulebook.resolve_timeout);
        if said.status == Status::Firing && alert.times.firing && times.firing {
            let value = alert.value;
            self.touch(fingerprint, said, times, value);
            self.emit_touched(fingerprint, times);
        }
    }

    fn first_message(&mut self, fingerprint: Fingerprint, event: &Event, cause: Cause) {
        let at = self.event_time(event.occurred_at);
        let said = ReportedTimes::from(event);
        let times = first_times(&said, at, self.now, self.book.rulebook.resolve_timeout);
        let alert = Alert {
            source: self.index.intern(&event.source),
            labels: event.labels.clone(),
            annotations: event.annotations.clone(),
            facts: Labels::empty(),
            summary: Arc::from(event.summary.as_str()),
            generator_url: Arc::from(event.generator_url.as_str()),
            severity: self.book.severity_of(event),
            value: event.value,
            expiry: event.expiry,
            times: AlertTimes { firing: false, ..times },
            updated_at: self.now,
            first_seen_at: self.now,
            counted_at: at,
            cause,
            said_firing_at: None,
            said_resolved_at: None,
            transitions: 0,
            fires_since: self.now,
            held: None,
            began_maintained: false,
            owner: None,
            links: Vec::new(),
            passed: Vec::new(),
            held_until: None,
            armed: None,
        };
        let severity = alert.severity;
        self.state.alerts.insert(fingerprint, Arc::new(alert));
        let message = EventInFlight { event, cause, at };
        let transition = if times.firing { Transition::BeganFiring } else { Transition::Resolved };
        self.transition(fingerprint, message, times, severity, transition);
    }

    /// Handles a message that is no transition: updates times, value and description, and the patterns that count every
    /// message.
    fn on_resend(&mut self, fingerprint: Fingerprint, message: EventInFlight<'_>, times: AlertTimes) {
        let event = message.event;
        let Some(alert) = self.state.alert_mut(&fingerprint) else { return };
        let is_news = !alert.is_described_by(event);
        if is_news {
            alert.describe(event);
        }
        self.touch(fingerprint, &ReportedTimes::from(event), times, event.value);
        self.count_message(fingerprint, message);
        if is_news {
            self.changed.insert(fingerprint);
        } else {
            self.emit_touched(fingerprint, times);
        }
    }

    fn touch(&mut self, fingerprint: Fingerprint, said: &ReportedTimes, times: AlertTimes, value: Option<f64>) {
        let now = self.now;
        let Some(alert) = self.state.alert_mut(&fingerprint) else { return };
        alert.times = times;
        alert.value = value;
        alert.updated_at = now;
        alert.remember(said);
        let (armed, due) = (alert.armed, alert.due());
        if armed.is_none() || due.is_some_and(|due| armed.is_some_and(|armed| due < armed)) {
            self.arm_alert(fingerprint);
        }
        self.count(CorrelationMetric::Resent);
    }

    fn emit_touched(&mut self, fingerprint: Fingerprint, times: AlertTimes) {
        if !self.changed.contains(&fingerprint) {
            let (ends_at, updated_at) = (times.ends_at, self.now);
            self.out.push(Output::AlertTouched { fingerprint, ends_at, updated_at });
        }
    }

    /// True if a rule that holds the alert counts every message.
    pub fn counts_messages(&self, alert: &Alert) -> bool {
        let book = self.book;
        alert.conditions().any(|key| book.position_of(key).is_some_and(|position| book.counts_messages(position)))
    }

    fn count_message(&mut self, fingerprint: Fingerprint, message: EventInFlight<'_>) {
        let book = self.book;
        let Some(alert) = self.state.alerts.get(&fingerprint) else { return };
        if !self.counts_messages(alert) {
            return;
        }
        let status = if alert.times.firing { Status::Firing } else { Status::Resolved };
        let facts = alert.facts.clone();
        let subject = MatchTarget::of_event(message.event, alert.severity, status, &facts);
        // Suppressors from its end may no longer apply.
        let suppressed = match status {
            Status::Firing => alert.is_suppressed(),
            Status::Resolved | Status::Point => self.suppressor_of(&subject, message.at).is_some(),
        };
        let keys: Vec<ConditionKey> = alert.conditions().cloned().collect();
        for key in keys {
            let Some(position) = book.position_of(&key).filter(|position| book.counts_messages(*position)) else {
                continue;
            };
            if let Some(Some(role)) = book.role(self.state, position, &subject) {
                let joins = status == Status::Firing && role.counts();
                if joins && takes_members(&book.rule(position).pattern) {
                    self.join(&key, position, fingerprint, Counting::NewOnly);
                }
                self.enter(&key, position, role, message, &subject, suppressed);
            }
        }
    }

    fn transition(
        &mut self,
        fingerprint: Fingerprint,
        message: EventInFlight<'_>,
        times: AlertTimes,
        severity: Severity,
        transition: Transition,
    ) {
        let event = message.event;
        let source = self.index.intern(&event.source);
        let Some(alert) = self.state.alert_mut(&fingerprint) else { return };
        let places_before = match transition {
            Transition::ChangedSeverity => self.book.places(&MatchTarget::of_alert(alert)),
            Transition::BeganFiring | Transition::Resolved => SuppressorKeys::default(),
        };
        // An alert ends under the facts under which it fired.
        let facts = match transition {
            Transition::Resolved if alert.transitions > 0 => None,
            Transition::Resolved | Transition::BeganFiring | Transition::ChangedSeverity => {
                Some(self.facts_of(event, severity, Status::Firing))
            }
        };
        let Some(alert) = self.state.alert_mut(&fingerprint) else { return };
        alert.facts = facts.unwrap_or_else(|| alert.facts.clone());
        alert.times = times;
        alert.updated_at = self.now;
        alert.value = event.value;
        alert.remember(&ReportedTimes::from(event));
        alert.describe(event);
        match transition {
            Transition::Resolved => self.ended(fingerprint, message, true),
            Transition::BeganFiring => {
                alert.source = source;
                alert.transitions = alert.transitions.saturating_add(1);
                alert.passed.clear();
                alert.fires_since = self.now;
                self.fires(fingerprint, message, severity, &places_before, true);
            }
            Transition::ChangedSeverity => self.fires(fingerprint, message, severity, &places_before, false),
        }
    }

    /// Handles an alert that began to fire or changed its severity: its suppressors, its owner, and the alerts it
    /// suppresses.
    fn fires(
        &mut self,
        fingerprint: Fingerprint,
        message: EventInFlight<'_>,
        severity: Severity,
        places_before: &SuppressorKeys,
        began: bool,
    ) {
        let Some(alert) = self.state.alert_mut(&fingerprint) else { return };
        alert.severity = severity;
        alert.counted_at = message.at;
        alert.cause = message.cause;
        let mut affected = SourceChange::default();
        if self.book.has_holders() {
            let (places, rank) = (self.book.places(&MatchTarget::of_alert(alert)), (alert.fires_since, fingerprint));
            self.index.holders.remove(rank, places_before, &mut affected);
            self.index.holders.insert(rank, &places, &mut affected);
            if places.ties.len() > ANCESTORS_MAX {
                self.count(CorrelationMetric::Bound { which: CorrelationLimit::Ancestors });
            }
        }
        let mut storms = Vec::new();
        if began {
            self.hold_from_the_start(fingerprint);
            storms = self.storms_of(fingerprint);
        } else {
            self.review(fingerprint);
        }
        self.changed.insert(fingerprint);
        self.route(fingerprint, message, Counting::Transition);
        affected.alerts.remove(&fingerprint);
        self.review_affected(&affected);
        self.begin_storms(&storms);
        self.arm_alert(fingerprint);
    }

    /// Handles an alert that stopped firing. Alerts that it suppressed are released first, so that no condition seems
    /// suppressed in between.
    fn ended(&mut self, fingerprint: Fingerprint, message: EventInFlight<'_>, is_message: bool) {
        let book = self.book;
        let Some(alert) = self.state.alerts.get(&fingerprint) else { return };
        let mut affected = SourceChange::default();
        if book.has_holders() {
            let places = book.places(&MatchTarget::of_alert(alert));
            self.index.holders.remove((alert.fires_since, fingerprint), &places, &mut affected);
        }
        let (severity, facts) = (alert.severity, alert.facts.clone());
        affected.alerts.remove(&fingerprint);
        self.review_affected(&affected);
        let Some(alert) = self.state.alert_mut(&fingerprint) else { return };
        let suppressed = alert.is_suppressed();
        alert.held_until = None;
        alert.passed.clear();
        let keys: Vec<ConditionKey> = alert.conditions().cloned().collect();
        for key in &keys {
            self.leave(key, fingerprint, suppressed);
        }
        let subject =
            MatchTarget { is_message, ..MatchTarget::of_event(message.event, severity, Status::Resolved, &facts) };
        let hits = book.hits(self.state, &subject, &[]);
        self.enter_all(&hits, message, &subject, suppressed);
        self.resolved_under_silences(fingerprint);
        self.changed.insert(fingerprint);
        self.arm_alert(fingerprint);
    }

    /// Ends an alert whose last message timed out.
    pub fn expire(&mut self, fingerprint: Fingerprint) {
        let Some(alert) = self.state.alert_mut(&fingerprint) else { return };
        alert.times.firing = false;
        alert.updated_at = self.now;
        let event = alert.to_event(Status::Resolved);
        let (at, cause) = (alert.times.ends_at.at, alert.cause);
        // The end has no message as its cause, even while another message is being handled.
        let handled = self.cause.take();
        self.ended(fingerprint, EventInFlight { event: &event, cause, at }, false);
        self.cause = handled;
    }

    fn point(&mut self, event: &Event, cause: Cause) {
        if EventId::of(event).is_some_and(|id| self.was_seen(id, &event.source, cause)) {
            return;
        }
        let at = self.event_time(event.occurred_at);
        let severity = self.book.severity_of(event);
        let facts = self.facts_of(event, severity, Status::Point);
        let subject = MatchTarget::of_event(event, severity, Status::Point, &facts);
        let message = EventInFlight { event, cause, at };
        let mut suppressed = None;
        // In order, because a context that one rule sets applies to the rules after it.
        for position in self.book.positions_for(&subject) {
            let Some(hit) = self.book.hit(self.state, position, &subject, &[]) else { continue };
            let suppressed = *suppressed.get_or_insert_with(|| {
                let suppressor = self.suppressor_of(&subject, at);
                if let Some(by) = suppressor {
                    self.count(CorrelationMetric::Suppressed { by });
                }
                suppressor.is_some()
            });
            self.enter_all(&[hit], message, &subject, suppressed);
            if hit.hold == Hold::Owner {
                break;
            }
        }
        if suppressed.is_none() {
            self.count(CorrelationMetric::Unmatched { source: event.source.clone() });
        }
    }

    fn enter_all(&mut self, hits: &[Match], message: EventInFlight<'_>, subject: &MatchTarget<'_>, suppressed: bool) {
        for hit in hits {
            match (hit.role, hit.hold) {
                (Some(role), Hold::Owner | Hold::Link | Hold::Passed) => {
                    let key = self.book.key(hit.position, subject);
                    self.enter(&key, hit.position, role, message, subject, suppressed);
                }
                (None, _) => {}
            }
        }
    }

    /// The compact form of a message that would change nothing but times and value; `None` for
    /// every other.
    pub fn compact(
        state: &crate::core::correlation::state::CorrelatorState,
        book: &crate::core::correlation::rule_index::RuleIndex,
        now: Timestamp,
        event: &Event,
    ) -> Option<Resend> {
        if event.status != Status::Firing {
            return None;
        }
        let fingerprint = event.labels.fingerprint();
        let alert = state.alerts.get(&fingerprint)?;
        let said = ReportedTimes::from(event);
        let at = crate::core::correlation::clamp_event_time(event.occurred_at, now);
        let times = alert.times_after(&said, at, now, book.rulebook.resolve_timeout);
        let severity = book.severity_of(event);
        let same = alert.labels == event.labels
            && *alert.source == *event.source
            && alert.severity == severity
            && alert.is_described_by(event);
        let transition = alert.transition_to(&times, severity);
        let keeps_raw = || {
            let counts = |key| book.position_of(key).is_some_and(|position| book.counts_messages(position));
            event.raw.is_some() && alert.conditions().any(counts)
        };
        if !same || transition.is_some() || alert.is_outdated(&said, now) || keeps_raw() {
            return None;
        }
        Some(Resend {
            fingerprint,
            starts_at: event.starts_at,
            ends_at: event.ends_at,
            occurred_at: event.occurred_at,
            value_bits: event.value.map(f64::to_bits),
            id: EventId::of(event),
        })
    }
}
