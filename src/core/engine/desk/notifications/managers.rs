//! Telling people of something without handing it to them: the managers of an incident.

use super::team::{Notified, tell_team};
use crate::core::engine::desk::context::{DeskContext, LADDER};
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::notification::Notification;
use crate::core::engine::{Effect, Metric, NotificationKind, Task};
use crate::core::incidents::TimelineKind;
use crate::core::model::{IncidentId, Tier};
use crate::core::rules::Recipient;

/// One text for one team or person.
pub struct ManagerDraft<'a> {
    pub kind: NotificationKind,
    pub subject: String,
    pub tier: Option<Tier>,
    pub title: String,
    /// The record as JSON.
    pub body: &'a str,
}

/// Hierarchical escalation: the incident stays where it is.
pub fn tell_manager(desk: &mut DeskState, id: IncidentId, told: &Recipient, why: &str, step: &mut DeskContext<'_>) {
    let Some(incident) = desk.get_mut(id) else { return };
    incident.record.support.managers_told += 1;
    let record = &incident.record;
    step.mark_changed(id);
    let body = serde_json::to_string(record).unwrap_or_else(|_| "{}".to_owned());
    let title = format!("[{} 升级告知 {why}] {} {}", record.priority, record.id, record.title);
    let telling = ManagerDraft {
        kind: NotificationKind::ManagersTold,
        subject: id.to_string(),
        tier: Some(record.tier),
        title,
        body: &body,
    };
    let reached = send(told, &telling, step);
    let to = if reached == 0 { "no channel".to_owned() } else { format!("{reached} channel(s)") };
    step.timeline(id, TimelineKind::ManagersTold, LADDER, format!("{told} is told: {why} ({to})"));
    step.count(Metric::ManagersTold);
}

/// One notice a channel; answers how many.
pub fn send(told: &Recipient, telling: &ManagerDraft<'_>, step: &mut DeskContext<'_>) -> usize {
    match told {
        Recipient::Team(name) => {
            let ManagerDraft { kind, tier, .. } = *telling;
            let notified =
                Notified { kind, tier, subject: &telling.subject, title: &telling.title, body: telling.body };
            tell_team(name, notified, step);
            step.rulebook.teams.get(name).map_or(0, |team| team.channels.len())
        }
        Recipient::Person(name) => {
            let person = step.rulebook.people.get(name);
            let contacts = person.map(|person| person.contacts.as_slice()).unwrap_or_default();
            for contact in contacts {
                let notice = Notification {
                    cause: step.next_cause(),
                    at: step.now,
                    kind: telling.kind,
                    channel: contact.channel.clone(),
                    team: name.clone(),
                    person: Some(name.clone()),
                    tier: telling.tier,
                    subject: telling.subject.clone(),
                    title: telling.title.clone(),
                    body: telling.body.to_owned(),
                    language: person.map(|person| person.language).unwrap_or_default(),
                };
                step.effects.push(Effect::Do(Task::Notice(Box::new(notice))));
            }
            contacts.len()
        }
    }
}
