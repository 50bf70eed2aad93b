//! The one place that makes notices: whom a page of an incident tells, and how.

use super::page::LADDER;
use super::{Desk, Step};
use crate::engine::{Effect, Notice, NoticeKind};
use crate::incidents::TimelineKind;
use crate::model::IncidentId;

impl Desk {
    /// One notice a channel of the present team.
    pub(super) fn tell(&mut self, id: IncidentId, kind: NoticeKind, why: &str, step: &mut Step<'_>) {
        let Some(incident) = self.state.get_mut(id) else { return };
        if kind != NoticeKind::Resolved {
            let priority = incident.record.priority;
            incident.paged = Some(incident.paged.map_or(priority, |paged| paged.min(priority)));
        }
        let record = &incident.record;
        let (team, tier) = (record.team.clone(), record.tier);
        let title = format!("[{} tier {}] {} {}", record.priority, tier, record.id, record.title);
        // The record is plain data of our own; if it ever could not be written, the title still says what is wrong.
        let body = serde_json::to_string(record).unwrap_or_else(|_| "{}".to_owned());
        let channels = step.rulebook.teams.get(&team).map(|team| team.channels.clone()).unwrap_or_default();
        let reached = channels.len();
        for channel in channels {
            let notice = Notice {
                cause: step.next_cause(),
                at: step.now,
                kind,
                channel,
                team: team.clone(),
                tier: Some(tier),
                subject: id.to_string(),
                title: title.clone(),
                body: body.clone(),
            };
            step.effects.push(Effect::Notice(Box::new(notice)));
        }
        let to =
            if reached == 0 { "no channel; it shows in the queue".to_owned() } else { format!("{reached} channel(s)") };
        let line = match kind {
            NoticeKind::Resolved => return,
            NoticeKind::Page
            | NoticeKind::PageAgain
            | NoticeKind::Escalated
            | NoticeKind::ProblemOpened
            | NoticeKind::InspectionMissed => format!("{team} at tier {tier}: {why} ({to})"),
        };
        step.timeline(id, TimelineKind::Paged, LADDER, line);
    }
}
