//! Telling people of something without handing it to them: managers of an incident, every tier of a recurrence.

use std::collections::BTreeSet;

use super::page::LADDER;
use super::{Desk, Step};
use crate::engine::{Counted, Effect, Notice, NoticeKind};
use crate::incidents::TimelineKind;
use crate::model::{IncidentId, ProblemId, Tier};
use crate::rules::{Channel, Rulebook, Told};

/// One text for one team or person.
pub(super) struct Telling<'a> {
    pub kind: NoticeKind,
    pub subject: String,
    pub tier: Option<Tier>,
    pub title: String,
    /// The record as JSON.
    pub body: &'a str,
}

impl Desk {
    /// Hierarchical escalation: the incident stays where it is.
    pub(super) fn tell_manager(&mut self, id: IncidentId, told: &Told, why: &str, step: &mut Step<'_>) {
        let Some(incident) = self.state.get_mut(id) else { return };
        incident.record.support.managers_told += 1;
        let record = &incident.record;
        let body = serde_json::to_string(record).unwrap_or_else(|_| "{}".to_owned());
        let title = format!("[{} 升级告知 {why}] {} {}", record.priority, record.id, record.title);
        let telling = Telling {
            kind: NoticeKind::ManagersTold,
            subject: id.to_string(),
            tier: Some(record.tier),
            title,
            body: &body,
        };
        let reached = send(told, &telling, step);
        let to = if reached == 0 { "no channel".to_owned() } else { format!("{reached} channel(s)") };
        step.timeline(id, TimelineKind::ManagersTold, LADDER, format!("{told} is told: {why} ({to})"));
        step.count(Counted::ManagersTold);
    }

    /// A fix did not hold: whoever stands on the ladder of the incident that came back is told, at every tier.
    pub(super) fn tell_every_tier(&self, problem: ProblemId, incident: IncidentId, step: &mut Step<'_>) {
        let Some(record) = self.state.kept.core.problems.get(problem) else { return };
        let Some(incident) = self.state.get(incident) else { return };
        let body = serde_json::to_string(record).unwrap_or_else(|_| "{}".to_owned());
        let title = format!("{problem} 再次发生 {}: {}", incident.record.id, record.title);
        let staffing = self.staffing_of(incident.record.id, step);
        let Some(ladder) = step.rulebook.ladder(&incident.climb.ladder) else { return };
        let teams = ladder.steps.iter().filter_map(|one| {
            let team = if one.vendor { staffing.vendor.clone().ok()? } else { one.team.clone() };
            Some((one.tier, team))
        });
        // Its own team comes in at its tier; whoever stands at several tiers is told once.
        let mut told: BTreeSet<String> = BTreeSet::new();
        let mut lines = Vec::new();
        for (tier, team) in teams.chain([(Tier::Second, record.team.clone())]) {
            if !told.insert(team.clone()) {
                continue;
            }
            lines.push(format!("tier {tier} ({team})"));
            let telling = Telling {
                kind: NoticeKind::Recurred,
                subject: problem.to_string(),
                tier: Some(tier),
                title: title.clone(),
                body: &body,
            };
            send(&Told::Team(team), &telling, step);
        }
        let text = format!("{problem} has come back; told: {}", lines.join(", "));
        step.timeline(incident.record.id, TimelineKind::ManagersTold, "problems", text);
    }
}

/// One notice a channel; answers how many.
pub(super) fn send(told: &Told, telling: &Telling<'_>, step: &mut Step<'_>) -> usize {
    let (team, channels) = channels_of(told, step.rulebook);
    let reached = channels.len();
    for channel in channels {
        let notice = Notice {
            cause: step.next_cause(),
            at: step.now,
            kind: telling.kind,
            channel,
            team: team.clone(),
            tier: telling.tier,
            subject: telling.subject.clone(),
            title: telling.title.clone(),
            body: telling.body.to_owned(),
        };
        step.effects.push(Effect::Notice(Box::new(notice)));
    }
    reached
}

fn channels_of(told: &Told, rulebook: &Rulebook) -> (String, Vec<Channel>) {
    match told {
        Told::Team(name) => {
            let channels = rulebook.teams.get(name).map(|team| team.channels.clone());
            (name.clone(), channels.unwrap_or_default())
        }
        Told::Person(name) => {
            let contacts = rulebook.people.get(name).map(|person| person.contacts.as_slice()).unwrap_or_default();
            (name.clone(), contacts.iter().map(|contact| contact.channel.clone()).collect())
        }
    }
}
