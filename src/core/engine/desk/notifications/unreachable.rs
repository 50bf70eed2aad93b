//! A page that reached nobody on one channel is sent on the others, because who reads only mail must not be the only one
//! who knows.

use std::collections::BTreeSet;

use super::notify::tell_alone;
use super::recipient::DigestRecipient;
use crate::core::engine::NotificationKind;
use crate::core::engine::delivery::Unreached;
use crate::core::engine::desk::context::DeskContext;
use crate::core::engine::desk::state::DeskState;
use crate::core::incidents::TimelineKind;
use crate::core::model::IncidentId;
use crate::core::rules::Channel;

/// By every other channel of the team, and of the person whom it should have told; while the incident still wants
/// somebody.
pub fn notify_otherwise(desk: &mut DeskState, id: IncidentId, unreached: &Unreached, step: &mut DeskContext<'_>) {
    let Some(incident) = desk.get(id) else { return };
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
        tell_alone(&record, NotificationKind::Unreached, recipient, step);
    }
    let (kind, to) = (unreached.channel.kind(), unreached.channel.shown());
    let line = match ways.len() {
        0 => format!("{kind} {to} could not be reached, and there is no other way; tell the team by hand"),
        ways => format!("{kind} {to} could not be reached; told by {ways} other channel(s)"),
    };
    step.timeline(id, TimelineKind::DeliveryFailed, "notify", line);
    step.mark_changed(id);
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
