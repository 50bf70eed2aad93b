//! Timeline lines about what comes and goes in an incident: bounded, the counts go on.

use crate::core::engine::desk::context::DeskContext;
use crate::core::engine::desk::state::DeskState;
use crate::core::incidents::TimelineKind;
use crate::core::model::{IncidentId, Labels};

/// How many timeline lines an incident spends on alerts that come and go; its counts go on.
const MEMBER_LINES_MAX: u32 = 100;

pub fn member_line(
    desk: &mut DeskState,
    id: IncidentId,
    kind: TimelineKind,
    actor: &str,
    text: &str,
    step: &mut DeskContext<'_>,
) {
    let Some(incident) = desk.get_mut(id) else { return };
    if incident.member_lines < MEMBER_LINES_MAX {
        incident.member_lines += 1;
        step.timeline(id, kind, actor, text);
    }
}

/// What an alert is called where there is no rule's title.
pub fn title_of(labels: &Labels) -> String {
    match labels.get("alertname") {
        Some(name) => format!("{name} {labels}"),
        None => labels.to_string(),
    }
}
