//! One notice a channel of a team, of what is no incident.

use crate::core::engine::desk::context::DeskContext;
use crate::core::engine::notification::Notification;
use crate::core::engine::{Effect, NotificationKind, Task};
use crate::core::model::Tier;

/// What a team is told.
#[derive(Clone, Copy)]
pub struct Notified<'a> {
    pub kind: NotificationKind,
    pub tier: Option<Tier>,
    pub subject: &'a str,
    pub title: &'a str,
    /// The record as JSON.
    pub body: &'a str,
}

/// One notice a channel of the team; of none that the rules no longer have.
pub fn tell_team(team: &str, notified: Notified<'_>, step: &mut DeskContext<'_>) {
    let Some(team) = step.rulebook.teams.get(team) else { return };
    let Notified { kind, tier, subject, title, body } = notified;
    for channel in team.channels.iter().filter(|channel| !channel.tells_alerts_alone()) {
        let notice = Notification {
            cause: step.next_cause(),
            at: step.now,
            kind,
            channel: channel.clone(),
            team: team.name.clone(),
            person: None,
            tier,
            subject: subject.to_owned(),
            title: title.to_owned(),
            body: body.to_owned(),
            language: team.language,
        };
        step.effects.push(Effect::Do(Task::Notice(Box::new(notice))));
    }
}
