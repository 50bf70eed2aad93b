//! A page that reached nobody by one way is told by the others: whoever reads only mail must not be the only one to know.

use std::collections::BTreeSet;

use super::notifications::digest::DigestRecipient;
use super::{Desk, DeskContext};
use crate::core::engine::{NotificationKind, Unreached};
use crate::core::incidents::TimelineKind;
use crate::core::model::IncidentId;
use crate::core::rules::Channel;

impl Desk {
    /// By every other channel of the team, and of the person whom it should have told; while the incident still wants
    /// somebody.
    pub(super) fn tell_otherwise(&mut self, id: IncidentId, unreached: &Unreached, step: &mut DeskContext<'_>) {
        let Some(incident) = self.state.get_mut(id) else { return };
        let record = incident.record.clone();
        if record.acknowledged || !record.state.is_open() || !wants_another_way(unreached.kind) {
            return;
        }
        let rulebook = step.rulebook;
        let of_team = rulebook.teams.get(&record.team).into_iter().flat_map(|team| &team.channels);
        let person = unreached.person.as_ref().and_then(|name| rulebook.people.get(name));
        let of_person = person.into_iter().flat_map(|person| person.contacts.iter().map(|contact| &contact.channel));
        let ways: BTreeSet<&Channel> = of_team.chain(of_person).filter(|way| **way != unreached.channel).collect();
        for way in &ways {
            let recipient = DigestRecipient::of_team(&record.team, (*way).clone());
            self.tell_alone(&record, NotificationKind::Unreached, recipient, step);
        }
        let (kind, to) = (unreached.channel.kind(), unreached.channel.shown());
        let line = match ways.len() {
            0 => format!("{kind} {to} could not be reached, and there is no other way; tell the team by hand"),
            ways => format!("{kind} {to} could not be reached; told by {ways} other channel(s)"),
        };
        step.timeline(id, TimelineKind::DeliveryFailed, "notify", line);
        step.touch(id);
    }
}

/// What calls for somebody; and what says that a call was in vain, never again.
fn wants_another_way(kind: NotificationKind) -> bool {
    match kind {
        NotificationKind::Page
        | NotificationKind::PageAgain
        | NotificationKind::Escalated
        | NotificationKind::HandedBack
        | NotificationKind::TargetWarning
        | NotificationKind::TargetBreached => true,
        NotificationKind::Resolved
        | NotificationKind::ProblemOpened
        | NotificationKind::ProblemReopened
        | NotificationKind::InspectionMissed
        | NotificationKind::ManagersTold
        | NotificationKind::ReviewDue
        | NotificationKind::Digest
        | NotificationKind::Unreached => false,
    }
}
