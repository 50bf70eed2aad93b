//! Alerts that join an incident and leave it.

use super::{member_lines, new_alerts, rollup, similarity};
use crate::core::engine::desk::context::{DeskContext, item_of};
use crate::core::engine::desk::incident::MemberAlert;
use crate::core::engine::desk::inspections::runs;
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::{Effect, Member, RecordChange};
use crate::core::incidents::TimelineKind;
use crate::core::model::{Fingerprint, IncidentId};

pub fn join(desk: &mut DeskState, id: IncidentId, condition: Fingerprint, member: &Member, step: &mut DeskContext<'_>) {
    // An alert belongs to at most one open incident; to a second it is only linked.
    let link_only = desk.open_of_alert(member.fingerprint).is_some_and(|other| other != id);
    let is_new = link_only || {
        let own = MemberAlert { firing: member.firing, severity: member.severity, condition };
        rollup::affect(desk, id, item_of(&member.labels, step), member.severity, member.since, condition);
        desk.join(id, member.fingerprint, own)
    };
    let membership = Effect::Record(RecordChange::Membership {
        incident: id,
        fingerprint: member.fingerprint,
        firing: member.firing,
        link_only,
    });
    step.effects.push(membership);
    if is_new {
        if member.firing && !link_only {
            new_alerts::note(desk, id, condition, &member.labels, step);
        }
        similarity::remember_alert(desk, id, member, step);
        member_lines::member_line(
            desk,
            id,
            TimelineKind::AlertJoined,
            "watchfire",
            &member_lines::title_of(&member.labels),
            step,
        );
    }
    if member.firing && !link_only {
        runs::link_finding(desk, member.fingerprint, id, step);
    }
    step.touch(id);
}

pub fn left(
    desk: &mut DeskState,
    id: Option<IncidentId>,
    fingerprint: Fingerprint,
    condition: Fingerprint,
    step: &mut DeskContext<'_>,
) {
    let Some(id) = id else { return };
    let known = desk.leave(id, fingerprint, Some(condition));
    let membership =
        Effect::Record(RecordChange::Membership { incident: id, fingerprint, firing: false, link_only: !known });
    step.effects.push(membership);
    member_lines::member_line(desk, id, TimelineKind::AlertCleared, "watchfire", &fingerprint.to_string(), step);
    rollup::follow_severity(desk, id, step);
    step.touch(id);
}
