//! Transitions between an incident's states, and their refusals.
//!
//! new → assigned → in_progress ⇄ pending → resolved → closed; resolved or closed → in_progress again, or new if nobody
//! ever acknowledged it; merged and cancelled end it. A transition changes the record completely or returns the reason for refusal.

use super::refusal::TransitionRefused;
use super::refusal::refusal;
use super::refusal::require_text;
use super::{Incident, IncidentState, PendingOn, ResolvedBy};
use crate::core::model::{BreachReason, ContactLog, IncidentId, Outage, Timestamp};

/// Maximum number of contacts, and of outages, of one incident.
const LOGGED_MAX: usize = 100;

impl Incident {
    /// Acknowledges it for a person: the first time stops the time to own.
    pub fn acknowledge(&mut self, now: Timestamp, actor: &str) -> Result<(), TransitionRefused> {
        self.require_open("acknowledge")?;
        if self.state != IncidentState::Pending {
            self.state = IncidentState::InProgress;
        }
        self.acknowledged = true;
        self.acknowledged_at.get_or_insert(now);
        self.assignee.get_or_insert_with(|| actor.to_owned());
        Ok(())
    }

    pub fn assign(&mut self, assignee: &str) -> Result<(), TransitionRefused> {
        self.require_open("assign")?;
        require_text(assignee, "assign", "whom to assign it to")?;
        if self.state == IncidentState::New {
            self.state = IncidentState::Assigned;
        }
        self.assignee = Some(assignee.to_owned());
        Ok(())
    }

    /// Removes the assignee, because another person will get it.
    pub fn release(&mut self) {
        self.assignee = None;
        if self.state == IncidentState::Assigned {
            self.state = IncidentState::New;
        }
    }

    /// Waits for an outside party; its clock pauses.
    pub fn pend(&mut self, on: PendingOn, reason: &str) -> Result<(), TransitionRefused> {
        self.require_open("pend")?;
        require_text(reason, "pend", "what it waits for")?;
        match self.state {
            IncidentState::InProgress => {
                self.state = IncidentState::Pending;
                self.pending_on = Some(on);
                Ok(())
            }
            IncidentState::Pending => Err(self.refusal("pend", "it is pending already")),
            IncidentState::New | IncidentState::Assigned => Err(self.refusal("pend", "acknowledge it first")),
            IncidentState::Resolved | IncidentState::Closed | IncidentState::Merged | IncidentState::Cancelled => {
                Err(self.refusal("pend", "it is not open"))
            }
        }
    }

    pub fn resume(&mut self) -> Result<(), TransitionRefused> {
        if self.state != IncidentState::Pending {
            return Err(self.refusal("resume", "only a pending incident resumes"));
        }
        self.state = IncidentState::InProgress;
        self.pending_on = None;
        Ok(())
    }

    /// Checks if a person may escalate it to the next tier with that diagnosis.
    pub fn may_escalate(&self, diagnosis: &str) -> Result<(), TransitionRefused> {
        self.require_open("escalate")?;
        require_text(diagnosis, "escalate", "a diagnosis: what was tried and seen")?;
        if self.state == IncidentState::Pending {
            return Err(self.refusal("escalate", "it is pending; resume it first"));
        }
        Ok(())
    }

    /// By a person, in their words.
    pub fn resolve(&mut self, now: Timestamp, resolution: &str) -> Result<(), TransitionRefused> {
        self.require_open("resolve")?;
        require_text(resolution, "resolve", "how it was resolved")?;
        self.end_resolved(now, ResolvedBy::Person, resolution);
        Ok(())
    }

    /// By itself: everything stayed clear.
    pub fn resolve_by_itself(&mut self, now: Timestamp) -> Result<(), TransitionRefused> {
        self.require_open("resolve")?;
        self.end_resolved(now, ResolvedBy::Itself, "every alert cleared");
        Ok(())
    }

    fn end_resolved(&mut self, now: Timestamp, by: ResolvedBy, resolution: &str) {
        self.state = IncidentState::Resolved;
        self.pending_on = None;
        self.resolved_at = Some(now);
        self.resolved_by = Some(by);
        self.resolution = Some(resolution.to_owned());
    }

    /// A person's resolution text; none if it cleared by itself.
    pub fn resolved_how(&self) -> Option<&str> {
        match self.resolved_by {
            Some(ResolvedBy::Itself) => None,
            Some(ResolvedBy::Person) => self.resolution.as_deref(),
            // Rows from before it was kept know it by these words alone, which no longer mean anything elsewhere.
            None => self.resolution.as_deref().filter(|resolution| *resolution != "every alert cleared"),
        }
    }

    pub fn close(&mut self, now: Timestamp) -> Result<(), TransitionRefused> {
        match self.state {
            IncidentState::Resolved => {
                self.state = IncidentState::Closed;
                self.closed_at = Some(now);
                Ok(())
            }
            IncidentState::Closed => Err(self.refusal("close", "it is closed already")),
            IncidentState::New | IncidentState::Assigned | IncidentState::InProgress | IncidentState::Pending => {
                Err(self.refusal("close", "resolve it first"))
            }
            IncidentState::Merged | IncidentState::Cancelled => Err(self.refusal("close", "it has already ended")),
        }
    }

    /// Reopens it, by a person or because it recurred. Without any acknowledgement before, it is new again and in
    /// nobody's hands, so that the queue of new ones shows it.
    pub fn reopen(&mut self, reason: &str) -> Result<(), TransitionRefused> {
        require_text(reason, "reopen", "why")?;
        match self.state {
            IncidentState::Resolved | IncidentState::Closed => {
                if self.acknowledged_at.is_some() {
                    self.state = IncidentState::InProgress;
                } else {
                    self.state = IncidentState::New;
                    self.assignee = None;
                }
                self.resolved_at = None;
                self.resolved_by = None;
                self.closed_at = None;
                self.resolution = None;
                self.reopened += 1;
                Ok(())
            }
            IncidentState::New | IncidentState::Assigned | IncidentState::InProgress | IncidentState::Pending => {
                Err(self.refusal("reopen", "it is still open"))
            }
            IncidentState::Merged | IncidentState::Cancelled => {
                Err(self.refusal("reopen", "only a resolved or closed incident reopens"))
            }
        }
    }

    /// Ends it as a part of another one.
    pub fn merge_into(&mut self, survivor: &Incident) -> Result<(), TransitionRefused> {
        self.require_open("merge")?;
        if survivor.id == self.id {
            return Err(self.refusal("merge", "an incident cannot be merged into itself"));
        }
        if !survivor.state.is_open() {
            let why = format!("{} is {}; merge into an open one", survivor.id, survivor.state.as_str());
            return Err(self.refusal("merge", &why));
        }
        self.end_merged(survivor.id);
        Ok(())
    }

    pub fn cancel(&mut self, now: Timestamp, reason: &str) -> Result<(), TransitionRefused> {
        self.require_open("cancel")?;
        require_text(reason, "cancel", "why")?;
        self.state = IncidentState::Cancelled;
        self.pending_on = None;
        self.closed_at = Some(now);
        self.resolution = Some(reason.to_owned());
        Ok(())
    }

    /// Logs a contact with the user: the first one stops the time to own.
    pub fn log_contact(&mut self, contact: ContactLog) -> Result<(), TransitionRefused> {
        self.require_open("log a contact on")?;
        if self.contacts.len() >= LOGGED_MAX {
            return Err(self.refusal("log a contact on", &format!("it has {LOGGED_MAX} already")));
        }
        self.contacts.push(contact);
        Ok(())
    }

    /// Records the reason for a breach.
    pub fn explain_breach(&mut self, reason: BreachReason) -> Result<(), TransitionRefused> {
        require_text(&reason.text, "explain the breach", "a text: what held it up")?;
        match self.state {
            IncidentState::Merged | IncidentState::Cancelled => {
                Err(self.refusal("explain the breach of", "it has already ended"))
            }
            IncidentState::New
            | IncidentState::Assigned
            | IncidentState::InProgress
            | IncidentState::Pending
            | IncidentState::Resolved
            | IncidentState::Closed => {
                self.breach_reason = Some(reason);
                Ok(())
            }
        }
    }

    /// Records an outage, in place of one of the same service and customer that it overlaps.
    pub fn note_outage(&mut self, outage: Outage) -> Result<(), TransitionRefused> {
        require_text(&outage.service, "note an outage", "the service that was out")?;
        if outage.to.is_some_and(|to| to <= outage.from) {
            return Err(self.refusal("note an outage of", "it ends before it begins"));
        }
        self.outages.retain(|old| !outage.corrects(old));
        if self.outages.len() >= LOGGED_MAX {
            return Err(self.refusal("note an outage of", &format!("it has {LOGGED_MAX} already")));
        }
        self.outages.push(outage);
        Ok(())
    }

    /// Takes over an outage of an incident that became part of this one, and returns the stored outage: joined with
    /// every overlapping one, and with their party.
    pub fn inherit_outage(&mut self, outage: Outage) -> Result<Outage, TransitionRefused> {
        let overlapping = self.outages.iter().filter(|own| outage.corrects(own)).cloned().collect::<Vec<_>>();
        let whole = overlapping.into_iter().fold(outage, |whole, own| Outage {
            party: own.party,
            from: whole.from.min(own.from),
            to: whole.to.zip(own.to).map(|(a, b)| a.max(b)),
            ..whole
        });
        self.note_outage(whole.clone())?;
        Ok(whole)
    }

    fn end_merged(&mut self, into: IncidentId) {
        self.state = IncidentState::Merged;
        self.pending_on = None;
        self.merged_into = Some(into);
    }

    pub(super) fn require_open(&self, verb: &str) -> Result<(), TransitionRefused> {
        if self.state.is_open() {
            return Ok(());
        }
        let next = match (self.state, self.merged_into) {
            (IncidentState::Merged, Some(into)) => format!("it was merged into {into}; use that one"),
            (IncidentState::Cancelled, _) => "it was cancelled".to_owned(),
            _ => format!("it is {}; reopen it first", self.state.as_str()),
        };
        Err(self.refusal(verb, &next))
    }

    fn refusal(&self, verb: &str, why: &str) -> TransitionRefused {
        refusal(verb, self.id, why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::incidents::sample;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    /// Every command against every state: the state after it, or `None` for a refusal.
    #[test]
    fn the_table_of_moves_is_the_designs() {
        use IncidentState as S;
        type Verb = fn(&mut Incident) -> Result<(), TransitionRefused>;
        let verbs: [(&str, Verb); 8] = [
            ("acknowledge", |i| i.acknowledge(NOW, "ops")),
            ("assign", |i| i.assign("ops")),
            ("pend", |i| i.pend(PendingOn::Vendor, "等备件")),
            ("resume", |i| i.resume()),
            ("resolve", |i| i.resolve(NOW, "已更换光模块")),
            ("close", |i| i.close(NOW)),
            ("reopen", |i| i.reopen("again")),
            ("cancel", |i| i.cancel(NOW, "test alarm")),
        ];
        let states = S::ALL;
        // Columns in the order of S::ALL: new, assigned, in_progress, pending, resolved, closed, merged, cancelled.
        let expected: [[Option<S>; 8]; 8] = [
            [Some(S::InProgress), Some(S::InProgress), Some(S::InProgress), Some(S::Pending), None, None, None, None],
            [Some(S::Assigned), Some(S::Assigned), Some(S::InProgress), Some(S::Pending), None, None, None, None],
            [None, None, Some(S::Pending), None, None, None, None, None],
            [None, None, None, Some(S::InProgress), None, None, None, None],
            [Some(S::Resolved), Some(S::Resolved), Some(S::Resolved), Some(S::Resolved), None, None, None, None],
            [None, None, None, None, Some(S::Closed), None, None, None],
            [None, None, None, None, Some(S::New), Some(S::New), None, None],
            [Some(S::Cancelled), Some(S::Cancelled), Some(S::Cancelled), Some(S::Cancelled), None, None, None, None],
        ];
        for ((name, verb), row) in verbs.into_iter().zip(expected) {
            for (state, wanted) in states.into_iter().zip(row) {
                let mut incident = sample();
                incident.state = state;
                let before = incident.clone();
                match (verb(&mut incident), wanted) {
                    (Ok(()), Some(wanted)) => assert_eq!(incident.state, wanted, "{name} from {state:?}"),
                    (Err(refused), None) => {
                        assert_eq!(incident, before, "a refused {name} from {state:?} must change nothing");
                        assert!(refused.reason.contains("INC-1"), "{}", refused.reason);
                    }
                    (got, wanted) => panic!("{name} from {state:?}: {got:?}, expected {wanted:?}"),
                }
            }
        }
    }

    #[test]
    fn a_reopened_incident_is_in_the_hands_of_those_who_acknowledged_it_and_else_in_nobodys() {
        for closed in [false, true] {
            for acknowledged in [false, true] {
                let mut incident = sample();
                incident.assign("一线值班甲").unwrap();
                if acknowledged {
                    incident.acknowledge(NOW, "一线值班甲").unwrap();
                }
                incident.resolve_by_itself(NOW).unwrap();
                if closed {
                    incident.close(NOW).unwrap();
                }
                incident.reopen("again").unwrap();
                let wanted = match acknowledged {
                    true => (IncidentState::InProgress, Some("一线值班甲")),
                    false => (IncidentState::New, None),
                };
                let found = (incident.state, incident.assignee.as_deref());
                assert_eq!(found, wanted, "closed {closed}, acknowledged {acknowledged}");
            }
        }
    }

    /// An inherited outage extends an overlapping one of the survivor, and shortens nothing.
    #[test]
    fn an_inherited_outage_is_one_with_what_it_overlaps() {
        use crate::core::model::CauseParty;
        let outage = |from: i64, to: Option<i64>, party| Outage {
            customer: String::new(),
            service: "业务平台".to_owned(),
            party,
            from: Timestamp::from_seconds(from),
            to: to.map(Timestamp::from_seconds),
        };
        let (provider, customer) = (CauseParty::Provider, CauseParty::Customer);
        for (own, inherited, whole) in [
            ((10, None), (30, None), (10, None)),
            ((10, Some(20)), (15, Some(40)), (10, Some(40))),
            ((10, Some(20)), (15, None), (10, None)),
            ((30, Some(40)), (10, Some(35)), (10, Some(40))),
        ] {
            let mut incident = sample();
            incident.note_outage(outage(own.0, own.1, provider)).unwrap();
            incident.inherit_outage(outage(inherited.0, inherited.1, customer)).unwrap();
            assert_eq!(incident.outages, [outage(whole.0, whole.1, provider)], "{own:?} and {inherited:?}");
        }
        let mut incident = sample();
        incident.note_outage(outage(10, Some(20), provider)).unwrap();
        incident.inherit_outage(outage(20, Some(30), customer)).unwrap();
        assert_eq!(incident.outages.len(), 2, "one after the other");
    }

    #[test]
    fn words_are_demanded_where_the_next_person_needs_them() {
        let mut incident = sample();
        incident.state = IncidentState::InProgress;
        assert!(incident.clone().resolve(NOW, "  ").is_err());
        assert!(incident.clone().pend(PendingOn::Customer, "").is_err());
        assert!(incident.may_escalate("").is_err());
        assert!(incident.may_escalate("端口 down，换纤无效").is_ok());
        assert!(incident.merge_into(&sample()).is_err());
    }
}
