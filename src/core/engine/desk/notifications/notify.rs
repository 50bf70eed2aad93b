//! The one place that makes notices: whom a page of an incident tells, and how.

use serde::{Deserialize, Serialize};

use super::digest::DigestRecipient;
use crate::core::engine::desk::escalation::transitions::LADDER;
use crate::core::engine::desk::{Desk, DeskContext};
use crate::core::engine::{Effect, Metric, Notification, NotificationKind};
use crate::core::incidents::{Incident, IncidentState, TimelineKind};
use crate::core::model::{IncidentId, Priority, Tier, Timestamp};
use crate::core::on_call::responders;
use crate::core::rules::{Channel, Contact, DigestPolicy, Language, Rulebook};

/// Persons who wait to be told of one incident; more are told at once.
const CALLS_MAX: usize = 500;

/// A person's way that waits: told then, if the incident still wants somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelayedNotification {
    pub at: Timestamp,
    pub person: String,
    pub channel: Channel,
    pub kind: NotificationKind,
}

/// How many a page reached, for its line in the timeline.
#[derive(Default)]
struct NotifiedCount {
    channels: usize,
    gathered: usize,
    persons: Vec<String>,
}

impl Desk {
    /// Tells the present team of an incident, and the persons it names: the one who has it, else all members of the
    /// team, each by their own rules. The timeline says whom, but for the end of it.
    pub(crate) fn tell(&mut self, id: IncidentId, kind: NotificationKind, reason: &str, step: &mut DeskContext<'_>) {
        if kind != NotificationKind::Resolved && self.dispatch(id, step) {
            return;
        }
        let Some(incident) = self.state.get_mut(id) else { return };
        let priority = incident.record.priority;
        if kind != NotificationKind::Resolved {
            incident.paged = Some(incident.paged.map_or(priority, |paged| paged.min(priority)));
        }
        let record = incident.record.clone();
        let mut reached = NotifiedCount::default();
        let channels = step.rulebook.teams.get(&record.team).map(|team| team.channels.clone()).unwrap_or_default();
        for channel in &channels {
            let recipient = DigestRecipient::of_team(&record.team, channel.clone());
            reached.channels += 1;
            reached.gathered += usize::from(self.hand_over(&record, kind, recipient, step));
        }
        match kind {
            NotificationKind::Resolved => return self.tell_those_told(&record, &channels, step),
            NotificationKind::Page
            | NotificationKind::PageAgain
            | NotificationKind::Escalated
            | NotificationKind::HandedBack
            | NotificationKind::ManagersTold
            | NotificationKind::ReviewDue
            | NotificationKind::TargetWarning
            | NotificationKind::TargetBreached
            | NotificationKind::ProblemOpened
            | NotificationKind::ProblemReopened
            | NotificationKind::InspectionMissed
            | NotificationKind::Digest
            | NotificationKind::Unreached => self.tell_persons(&record, kind, &channels, &mut reached, step),
        }
        let line = format!("{} at tier {}: {reason} ({})", record.team, record.tier, reached.in_words());
        step.timeline(id, TimelineKind::Paged, LADDER, line);
        step.touch(id);
    }

    /// The ways of each person: now, or later if nobody acknowledges until then.
    fn tell_persons(
        &mut self,
        record: &Incident,
        kind: NotificationKind,
        of_team: &[Channel],
        reached: &mut NotifiedCount,
        step: &mut DeskContext<'_>,
    ) {
        for name in self.persons(record, step) {
            let Some(person) = step.rulebook.people.get(&name) else { continue };
            let mut told = false;
            for contact in person.contacts.iter().filter(|contact| wants(contact, record.priority)) {
                if of_team.contains(&contact.channel) {
                    continue;
                }
                if !contact.after.is_zero() {
                    self.call_later(record.id, &name, contact, kind, step);
                } else if is_open(contact.calendar.as_deref(), step.now, step.rulebook) {
                    reached.gathered += usize::from(self.tell_person(record, kind, &name, &contact.channel, step));
                    told = true;
                }
            }
            if told {
                reached.persons.push(name);
            }
        }
    }

    /// Whom a page of the team means: the one who has it, else who is on duty, by the roster or as a member.
    fn persons(&self, record: &Incident, step: &DeskContext<'_>) -> Vec<String> {
        let Some(team) = step.rulebook.teams.get(&record.team) else { return Vec::new() };
        let duty = self.duty(team, step.rulebook, step.now);
        let on_duty: Vec<String> = responders(team, duty.as_ref()).into_iter().map(str::to_owned).collect();
        match &record.assignee {
            // One who took it for a whole team is nobody whom to tell.
            Some(assignee) if on_duty.contains(assignee) || step.rulebook.people.contains_key(assignee) => {
                vec![assignee.clone()]
            }
            Some(_) | None => on_duty,
        }
    }

    fn call_later(
        &mut self,
        id: IncidentId,
        person: &str,
        contact: &Contact,
        kind: NotificationKind,
        step: &DeskContext<'_>,
    ) {
        let Some(incident) = self.state.get_mut(id) else { return };
        let waits = |call: &DelayedNotification| call.person == person && call.channel == contact.channel;
        // It counts from the first page that nobody acknowledged.
        if incident.record.acknowledged || incident.calls.iter().any(waits) || incident.calls.len() >= CALLS_MAX {
            return;
        }
        let at = step.now + contact.after;
        incident.calls.push(DelayedNotification {
            at,
            person: person.to_owned(),
            channel: contact.channel.clone(),
            kind,
        });
    }

    /// Tells whom it is time to tell. What is held back, waits or is clear calls nobody: it is paged again when it is
    /// free, and then they wait again.
    pub(crate) fn make_calls(&mut self, id: IncidentId, step: &mut DeskContext<'_>) {
        let now = step.now;
        let Some(incident) = self.state.get_mut(id) else { return };
        let due: Vec<DelayedNotification> = incident.calls.extract_if(.., |call| call.at <= now).collect();
        let quiet = match &incident.record.held {
            Some(by) => Some(format!("held back by {by}")),
            None if incident.record.state == IncidentState::Pending => Some("pending".to_owned()),
            None if incident.is_clear() => Some("clear".to_owned()),
            None => None,
        };
        let record = incident.record.clone();
        for call in due {
            let wants = step.rulebook.people.get(&call.person).and_then(|person| {
                person
                    .contacts
                    .iter()
                    .find(|contact| contact.channel == call.channel && wants(contact, record.priority))
            });
            let person = &call.person;
            let line = match (&quiet, wants) {
                (Some(quiet), _) => format!("{person} was to be told now, but it is {quiet}"),
                (None, None) => format!("{person} was to be told now, but wants it no longer"),
                (None, Some(contact)) if !is_open(contact.calendar.as_deref(), now, step.rulebook) => {
                    let calendar = contact.calendar.as_deref().unwrap_or_default();
                    format!("{person} was to be told now, but {calendar} is closed")
                }
                (None, Some(contact)) => {
                    let after = contact.after;
                    self.tell_person(&record, call.kind, person, &call.channel, step);
                    format!("{person}: nobody acknowledged within {after} ({})", call.channel.kind())
                }
            };
            step.timeline(id, TimelineKind::Paged, LADDER, line);
        }
        step.touch(id);
    }

    /// Whoever was told of it, by the same ways, if they may be disturbed now.
    fn tell_those_told(&mut self, record: &Incident, of_team: &[Channel], step: &mut DeskContext<'_>) {
        let told = self.state.get_mut(record.id).map(|incident| std::mem::take(&mut incident.told));
        for (name, ways) in told.unwrap_or_default() {
            let Some(person) = step.rulebook.people.get(&name) else { continue };
            for contact in person.contacts.iter().filter(|contact| ways.contains(&contact.channel)) {
                if !of_team.contains(&contact.channel) && is_open(contact.calendar.as_deref(), step.now, step.rulebook)
                {
                    let recipient = DigestRecipient::of_person(&record.team, &name, contact.channel.clone());
                    self.hand_over(record, NotificationKind::Resolved, recipient, step);
                }
            }
        }
    }

    /// Answers whether it waits for a digest.
    fn tell_person(
        &mut self,
        record: &Incident,
        kind: NotificationKind,
        person: &str,
        channel: &Channel,
        step: &mut DeskContext<'_>,
    ) -> bool {
        if let Some(incident) = self.state.get_mut(record.id) {
            incident.told.entry(person.to_owned()).or_default().insert(channel.clone());
        }
        self.hand_over(record, kind, DigestRecipient::of_person(&record.team, person, channel.clone()), step)
    }

    /// Into the outbox, or to what the channel gathers; answers which.
    fn hand_over(
        &mut self,
        record: &Incident,
        kind: NotificationKind,
        to: DigestRecipient,
        step: &mut DeskContext<'_>,
    ) -> bool {
        let alone = record.priority == Priority::P1;
        let digests = &mut self.state.kept.core.digests;
        if let Some(policy) = policy_of(&to, step.rulebook)
            && digests.gathers(&to, policy, alone, record.id, kind, step.now)
        {
            step.count(Metric::NoticeGathered);
            return true;
        }
        self.tell_alone(record, kind, to, step);
        false
    }

    pub(crate) fn tell_alone(
        &mut self,
        record: &Incident,
        kind: NotificationKind,
        to: DigestRecipient,
        step: &mut DeskContext<'_>,
    ) {
        let language = language_of(&to, step.rulebook);
        let notice = Notification {
            cause: step.next_cause(),
            at: step.now,
            kind,
            channel: to.channel,
            team: to.team,
            person: to.person,
            tier: Some(record.tier),
            subject: record.id.to_string(),
            title: title(record, language),
            // Plain data of our own; if it ever could not be written, the title still says what is wrong.
            body: serde_json::to_string(record).unwrap_or_else(|_| "{}".to_owned()),
            language,
        };
        step.effects.push(Effect::Notice(Box::new(notice)));
    }
}

impl DeskContext<'_> {
    /// One notice a channel of a team, of what is no incident.
    pub(crate) fn tell_team(
        &mut self,
        kind: NotificationKind,
        team: &str,
        tier: Option<Tier>,
        subject: &str,
        title: &str,
        body: &str,
    ) {
        let Some(team) = self.rulebook.teams.get(team) else { return };
        for channel in &team.channels {
            let notice = Notification {
                cause: self.next_cause(),
                at: self.now,
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
            self.effects.push(Effect::Notice(Box::new(notice)));
        }
    }
}

impl NotifiedCount {
    fn in_words(&self) -> String {
        let mut words = Vec::new();
        if self.channels > 0 {
            words.push(format!("{} channel(s)", self.channels));
        }
        words.extend(self.persons.iter().cloned());
        if self.gathered > 0 {
            words.push(format!("{} of them in the next digest", self.gathered));
        }
        if words.is_empty() { "no channel; it shows in the queue".to_owned() } else { words.join(", ") }
    }
}

fn wants(contact: &Contact, priority: Priority) -> bool {
    contact.priorities.is_empty() || contact.priorities.contains(&priority)
}

/// A calendar that is gone from the rules keeps nobody from being told.
fn is_open(calendar: Option<&str>, now: Timestamp, rulebook: &Rulebook) -> bool {
    calendar.and_then(|name| rulebook.calendars.get(name)).is_none_or(|calendar| calendar.is_open(now))
}

pub(crate) fn policy_of(to: &DigestRecipient, rulebook: &Rulebook) -> Option<DigestPolicy> {
    let own = match to.person {
        Some(_) => None,
        None => rulebook.teams.get(&to.team).and_then(|team| team.digest),
    };
    DigestPolicy::of(own, &to.channel)
}

pub(crate) fn language_of(to: &DigestRecipient, rulebook: &Rulebook) -> Language {
    match &to.person {
        Some(person) => rulebook.people.get(person).map(|person| person.language).unwrap_or_default(),
        None => rulebook.teams.get(&to.team).map(|team| team.language).unwrap_or_default(),
    }
}

fn title(record: &Incident, language: Language) -> String {
    let Incident { id, priority, tier, title, .. } = record;
    match language {
        Language::En => format!("[{priority} tier {tier}] {id} {title}"),
        Language::Zh => format!("[{priority} {}] {id} {title}", line_of(*tier)),
    }
}

/// 一线, 二线, 三线.
fn line_of(tier: Tier) -> &'static str {
    match tier {
        Tier::First => "一线",
        Tier::Second => "二线",
        Tier::Third => "三线",
    }
}
