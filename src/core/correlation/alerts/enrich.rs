//! Enrichment: facts about an event beyond its labels, looked up once, when it moves its alert or comes as a point.
//!
//! An alert keeps the facts of its last transition, so that its end matches the rules that its start matched.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::nonconforming_names::NonconformingName;
use crate::core::correlation::input_context::CorrelationContext;
use crate::core::correlation::match_target::MatchTarget;
use crate::core::correlation::output::{CorrelationLimit, CorrelationMetric, Normalised, Output};
use crate::core::correlation::rule_index::RuleIndex;
use crate::core::correlation::state::CorrelatorState;
use crate::core::model::{Event, Fingerprint, Labels, Severity, Status};
use crate::core::rules::{NAMING_FACT, TEMPLATE_FACT};

/// Purpose of a look-up: a new event, or an alert's last event re-evaluated after a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FactLookup {
    First,
    Again,
}

impl RuleIndex {
    /// The source's severity, else the one that the rule files derive from the event, else the common meaning of the
    /// tool's word.
    pub fn severity_of(&self, event: &Event) -> Severity {
        let severities = &self.enrichment.severities;
        if event.severity.is_some() || severities.is_empty() {
            return event.normalised_severity();
        }
        let facts = Labels::empty();
        let subject = MatchTarget::of_event(event, Severity::Indeterminate, event.status, &facts);
        let mut numbers = Vec::new();
        severities.find(&event.labels, &facts, &mut numbers);
        let entries = numbers.iter().filter_map(|number| self.rulebook.normalising.severities.get(*number as usize));
        let mut meant = entries.filter(|entry| subject.fits(&entry.matchers)).filter_map(|entry| entry.of(event));
        meant.next().unwrap_or_else(|| event.normalised_severity())
    }

    /// Facts from the inventory alone.
    fn known(&self, labels: &Labels) -> Labels {
        let inventory = &self.rulebook.inventory;
        inventory.entity_of(labels).map(|index| inventory.facts(index).clone()).unwrap_or_default()
    }
}

impl CorrelationContext<'_> {
    /// The facts of an event that moves its alert, or of a point; also counts templates and nonconforming names.
    pub fn facts_of(&mut self, event: &Event, severity: Severity, status: Status) -> Labels {
        self.enrich(event, severity, status, None)
    }

    /// Recomputes the facts of all firing alerts under the current rulebook; returns the alerts whose facts changed.
    pub fn enrich_again(&mut self) -> Vec<Fingerprint> {
        let firing = self.state.alerts.iter().filter(|(_, alert)| alert.times.firing);
        let firing: Vec<Fingerprint> = firing.map(|(fingerprint, _)| *fingerprint).collect();
        let mut changed = Vec::new();
        for fingerprint in firing {
            let Some(alert) = self.state.alerts.get(&fingerprint).cloned() else { continue };
            let event = alert.to_event(Status::Firing);
            let facts = self.enrich(&event, alert.severity, Status::Firing, Some(&alert.facts));
            if facts == alert.facts {
                continue;
            }
            if let Some(alert) = self.state.alert_mut(&fingerprint) {
                alert.facts = facts;
                changed.push(fingerprint);
            }
        }
        changed
    }

    /// Routes the alerts whose facts changed by a reload.
    pub fn route_enriched(&mut self, enriched: &[Fingerprint]) {
        for fingerprint in enriched {
            self.route_again(*fingerprint);
            self.changed.insert(*fingerprint);
        }
    }

    fn enrich(&mut self, event: &Event, severity: Severity, status: Status, before: Option<&Labels>) -> Labels {
        let book = self.book;
        let known = book.known(&event.labels);
        if book.enrichment.is_plain {
            return known;
        }
        let look = if before.is_some() { FactLookup::Again } else { FactLookup::First };
        let was_bad = before.is_some_and(|facts| facts.get(NAMING_FACT).is_some());
        let mut facts = FactSet { event, severity, status, known };
        let bad = facts.gather(book);
        if !was_bad {
            self.quarantine(event, bad);
        }
        self.recognise(&mut facts, look, before);
        facts.known
    }

    fn quarantine(&mut self, event: &Event, names: Vec<(String, String)>) {
        for (label, name) in names {
            let bad = NonconformingName { label, name, source: event.source.clone() };
            let (now, quarantine) = (self.now, Arc::make_mut(&mut self.state.quarantine));
            if let Some((name, count)) = quarantine.see(bad.clone(), now) {
                self.count(CorrelationMetric::Bound { which: CorrelationLimit::Quarantine });
                self.out.push(Output::Normalised(Normalised::NameForgotten { name, count }));
            }
            self.out.push(Output::Normalised(Normalised::NameQuarantined { name: bad, at: now }));
        }
    }

    /// Finds the template of the event's text. A text that was seen before is not counted again.
    fn recognise(&mut self, facts: &mut FactSet<'_>, look: FactLookup, before: Option<&Labels>) {
        let Some(text) = facts.text_to_mine(self.book) else { return };
        if look == FactLookup::Again
            && let Some(id) = before.and_then(|facts| facts.get(TEMPLATE_FACT))
        {
            return facts.add(&[(TEMPLATE_FACT, id)]);
        }
        let now = self.now;
        let learned = Arc::make_mut(&mut self.state.templates).learn(text, now);
        if let Some((id, count)) = learned.forgotten {
            self.count(CorrelationMetric::Bound { which: CorrelationLimit::Templates });
            self.out.push(Output::Normalised(Normalised::TemplateForgotten { id, count }));
        }
        let id = learned.id.to_string();
        let seen = Normalised::TemplateSeen { id: learned.id, at: now, text: learned.text };
        self.out.push(Output::Normalised(seen));
        facts.add(&[(TEMPLATE_FACT, &id)]);
    }
}

/// The facts of one event during the look-up.
struct FactSet<'a> {
    event: &'a Event,
    severity: Severity,
    status: Status,
    known: Labels,
}

impl<'a> FactSet<'a> {
    fn subject(&self) -> MatchTarget<'_> {
        MatchTarget::of_event(self.event, self.severity, self.status, &self.known)
    }

    /// Adds facts; a known fact is not overwritten.
    fn add(&mut self, found: &[(&str, &str)]) {
        if !found.is_empty() {
            // Among new facts of one name, the first counts.
            self.known = Labels::from_pairs(found.iter().rev().copied()).with(&self.known);
        }
    }

    /// Gathers all facts but the template; returns the labels and names that their naming standard cannot read.
    fn gather(&mut self, book: &RuleIndex) -> Vec<(String, String)> {
        let bad = self.read_names(book);
        self.extract(book);
        self.look_up(book);
        bad
    }

    /// Returns the labels and names that their naming standard cannot read.
    fn read_names(&mut self, book: &RuleIndex) -> Vec<(String, String)> {
        let event = self.event;
        let standards = &book.rulebook.normalising.naming;
        let mut found: Vec<(&str, &str)> = Vec::new();
        let mut read: BTreeMap<&str, (&str, bool)> = BTreeMap::new();
        {
            let subject = self.subject();
            for standard in standards.iter().filter(|standard| subject.fits(&standard.matchers)) {
                let name = standard.name_in(event);
                let (_, is_read) = read.entry(&standard.label).or_insert((name, name.is_empty()));
                if let Some(parts) = standard.parse(name).filter(|_| !*is_read) {
                    *is_read = true;
                    found.extend(parts);
                }
            }
        }
        let bad = read.into_iter().filter(|(_, (_, is_read))| !is_read);
        let bad: Vec<(String, String)> = bad.map(|(label, (name, _))| (label.to_owned(), name.to_owned())).collect();
        if !bad.is_empty() {
            found.push((NAMING_FACT, "bad"));
        }
        self.add(&found);
        bad
    }

    fn extract(&mut self, book: &RuleIndex) {
        let extractions = &book.rulebook.normalising.extractions;
        if extractions.is_empty() {
            return;
        }
        let mut numbers = Vec::new();
        book.enrichment.extractions.find(&self.event.labels, &self.known, &mut numbers);
        let mut found: Vec<(&str, &str)> = Vec::new();
        {
            let subject = self.subject();
            let entries = numbers.iter().filter_map(|number| extractions.get(*number as usize));
            for entry in entries.filter(|entry| subject.fits(&entry.matchers)) {
                found.extend(entry.facts(entry.from.of(self.event)));
            }
        }
        self.add(&found);
    }

    /// The text whose template is a fact, if there is one.
    fn text_to_mine(&self, book: &RuleIndex) -> Option<&'a str> {
        let scopes = &book.rulebook.normalising.templates;
        let scope = scopes.iter().find(|scope| self.subject().fits(&scope.matchers))?;
        Some(scope.from.of(self.event)).filter(|text| !text.trim().is_empty())
    }

    fn look_up(&mut self, book: &RuleIndex) {
        for table in &book.rulebook.normalising.tables {
            let subject = self.subject();
            let row = table.find(|name| subject.value(name)).cloned();
            if let Some(row) = row {
                self.known = row.with(&self.known);
            }
        }
    }
}

/// The facts that an event would have if it came now. Changes no state.
pub(crate) fn would_be_known(state: &CorrelatorState, book: &RuleIndex, event: &Event, severity: Severity) -> Labels {
    let known = book.known(&event.labels);
    if book.enrichment.is_plain {
        return known;
    }
    let status = if event.status == Status::Point { Status::Point } else { Status::Firing };
    let mut facts = FactSet { event, severity, status, known };
    facts.gather(book);
    if let Some(text) = facts.text_to_mine(book) {
        let id = state.templates.recognise(text).to_string();
        facts.add(&[(TEMPLATE_FACT, &id)]);
    }
    facts.known
}

/// After a restore: alerts whose facts equal the inventory's share them again.
pub(crate) fn share(state: &mut CorrelatorState, book: &RuleIndex) {
    if book.rulebook.inventory.is_empty() {
        return;
    }
    let fingerprints: Vec<Fingerprint> = state.alerts.iter().map(|(fingerprint, _)| *fingerprint).collect();
    for fingerprint in fingerprints {
        let Some(alert) = state.alerts.get(&fingerprint) else { continue };
        let known = book.known(&alert.labels);
        if !known.is_empty()
            && alert.facts == known
            && let Some(alert) = state.alert_mut(&fingerprint)
        {
            alert.facts = known;
        }
    }
}
