//! The one place that makes notices of incidents: whom a page tells, and how.

use super::managers;
use super::recipient::{DigestRecipient, language_of, policy_of};
use crate::core::engine::desk::availability;
use crate::core::engine::desk::context::{DeskContext, LADDER};
use crate::core::engine::desk::incident::DelayedNotification;
use crate::core::engine::desk::requests::{NotificationDraft, Page};
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::notification::Notification;
use crate::core::engine::{Effect, Metric, NotificationKind, Task};
use crate::core::incidents::{Incident, IncidentState, TimelineKind};
use crate::core::model::{IncidentId, Priority, Tier, Timestamp};
use crate::core::on_call::responders;
use crate::core::rules::{Channel, Contact, Language, Rulebook};

/// Persons who wait to be told of one incident; more are told at once.
const CALLS_MAX: usize = 500;

/// How many a page reached, for its line in the timeline.
#[derive(Default)]
struct NotifiedCount {
    channels: usize,
    gathered: usize,
    persons: Vec<String>,
}

/// Tells whom the parts before wanted told, in the order in which they said so.
pub fn run(desk: &mut DeskState, step: &mut DeskContext<'_>) {
    while let Some(telling) = step.requests.tellings.pop_front() {
        match telling {
            NotificationDraft::Team(page) => tell(desk, &page, step),
            NotificationDraft::Manager { incident, told, why } => {
                managers::tell_manager(desk, incident, &told, &why, step)
            }
        }
    }
}

/// Tells whom it is time to tell. What is held back, waits or is clear calls nobody: it is paged again when it is
/// free, and then they wait again.
pub fn make_calls(desk: &mut DeskState, id: IncidentId, step: &mut DeskContext<'_>) {
    let now = step.now;
    let Some(incident) = desk.get_mut(id) else { return };
    let due: Vec<DelayedNotification> = incident.calls.extract_if(.., |call| call.at <= now).collect();
    let quiet = match &incident.record.held {
        _ if incident.record.state == IncidentState::Resolved || incident.record.state == IncidentState::Closed => None,
        Some(by) => Some(format!("held back by {by}")),
        None if incident.record.state == IncidentState::Pending => Some("pending".to_owned()),
        None if incident.is_clear() => Some("clear".to_owned()),
        None => None,
    };
    let record = incident.record.clone();
    for call in due {
        let wants = step.rulebook.people.get(&call.person).and_then(|person| {
            person.contacts.iter().find(|contact| contact.channel == call.channel && wants(contact, record.priority))
        });
        let person = &call.person;
        let line = match (&quiet, wants) {
            (Some(quiet), _) => format!("{person} was to be told now, but it is {quiet}"),
            (None, None) => format!("{person} was to be told now, but wants it no longer"),
            (None, Some(contact)) if !is_open(contact, now, step.rulebook) => {
                let calendar = contact.calendar.as_deref().unwrap_or_default();
                put_off(desk, id, person, contact, call.kind, step);
                format!("{person} was to be told now, but {calendar} is closed: at its opening")
            }
            (None, Some(contact)) => {
                let after = contact.after;
                tell_person(desk, &record, call.kind, person, &call.channel, step);
                let kind = call.channel.kind();
                if call.kind == NotificationKind::Resolved {
                    format!("{person} is told at the opening of their hours that it is over ({kind})")
                } else if after.is_zero() {
                    format!("{person} is told at the opening of their hours ({kind})")
                } else {
                    format!("{person}: nobody acknowledged within {after} ({kind})")
                }
            }
        };
        step.timeline(id, TimelineKind::Paged, LADDER, line);
    }
    step.mark_changed(id);
}

pub fn tell_alone(record: &Incident, kind: NotificationKind, to: DigestRecipient, step: &mut DeskContext<'_>) {
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
    step.effects.push(Effect::Do(Task::Notice(Box::new(notice))));
}

/// Tells the present team of an incident, and the persons it names: the one who has it, else all members of the
/// team, each by their own rules. The timeline says whom, but for the end of it.
fn tell(desk: &mut DeskState, page: &Page, step: &mut DeskContext<'_>) {
    let Page { incident: id, kind, ref reason } = *page;
    let Some(incident) = desk.get_mut(id) else { return };
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
        reached.gathered += usize::from(hand_over(desk, &record, kind, recipient, step));
    }
    match kind {
        NotificationKind::Resolved => return tell_those_told(desk, &record, &channels, step),
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
        | NotificationKind::Unreached => tell_persons(desk, &record, kind, &channels, &mut reached, step),
    }
    let line = format!("{} at tier {}: {reason} ({})", record.team, record.tier, reached.in_words());
    step.timeline(id, TimelineKind::Paged, LADDER, line);
    step.mark_changed(id);
}

/// The ways of each person: now, or later if nobody acknowledges until then.
fn tell_persons(
    desk: &mut DeskState,
    record: &Incident,
    kind: NotificationKind,
    of_team: &[Channel],
    reached: &mut NotifiedCount,
    step: &mut DeskContext<'_>,
) {
    for name in persons(desk, record, step) {
        let Some(person) = step.rulebook.people.get(&name) else { continue };
        let mut told = false;
        for contact in person.contacts.iter().filter(|contact| wants(contact, record.priority)) {
            if of_team.contains(&contact.channel) {
                continue;
            }
            if !contact.after.is_zero() {
                call_later(desk, record.id, &name, contact, kind, step);
            } else if !is_open(contact, step.now, step.rulebook) {
                put_off(desk, record.id, &name, contact, kind, step);
            } else {
                reached.gathered += usize::from(tell_person(desk, record, kind, &name, &contact.channel, step));
                told = true;
            }
        }
        if told {
            reached.persons.push(name);
        }
    }
}

/// Whom a page of the team means: the one who has it, else who is on duty, by the roster or as a member.
fn persons(desk: &DeskState, record: &Incident, step: &DeskContext<'_>) -> Vec<String> {
    let Some(team) = step.rulebook.teams.get(&record.team) else { return Vec::new() };
    let duty = availability::duty(desk, team, step.rulebook, step.now);
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
    desk: &mut DeskState,
    id: IncidentId,
    person: &str,
    contact: &Contact,
    kind: NotificationKind,
    step: &DeskContext<'_>,
) {
    let Some(incident) = desk.get_mut(id) else { return };
    let waits = |call: &DelayedNotification| call.person == person && call.channel == contact.channel;
    // It counts from the first page that nobody acknowledged.
    if incident.record.acknowledged || incident.calls.iter().any(waits) || incident.calls.len() >= CALLS_MAX {
        return;
    }
    let at = step.now + contact.after;
    incident.calls.push(DelayedNotification { at, person: person.to_owned(), channel: contact.channel.clone(), kind });
}

/// Tells a person when the calendar of that channel opens again.
fn put_off(
    desk: &mut DeskState,
    id: IncidentId,
    person: &str,
    contact: &Contact,
    kind: NotificationKind,
    step: &DeskContext<'_>,
) {
    let calendar = contact.calendar.as_deref().and_then(|name| step.rulebook.calendars.get(name));
    let (Some(at), Some(incident)) = (calendar.and_then(|one| one.next_open(step.now)), desk.get_mut(id)) else {
        return;
    };
    let waits =
        |call: &DelayedNotification| call.person == person && call.channel == contact.channel && call.kind == kind;
    if !incident.calls.iter().any(waits) && incident.calls.len() < CALLS_MAX {
        incident.calls.push(DelayedNotification {
            at,
            person: person.to_owned(),
            channel: contact.channel.clone(),
            kind,
        });
    }
}

/// Whoever was told of it, by the same ways; outside their hours, at the opening.
fn tell_those_told(desk: &mut DeskState, record: &Incident, of_team: &[Channel], step: &mut DeskContext<'_>) {
    let told = desk.get_mut(record.id).map(|incident| std::mem::take(&mut incident.told));
    for (name, ways) in told.unwrap_or_default() {
        let Some(person) = step.rulebook.people.get(&name) else { continue };
        for contact in person.contacts.iter().filter(|contact| ways.contains(&contact.channel)) {
            if of_team.contains(&contact.channel) {
                continue;
            }
            if !is_open(contact, step.now, step.rulebook) {
                put_off(desk, record.id, &name, contact, NotificationKind::Resolved, step);
            } else {
                let recipient = DigestRecipient::of_person(&record.team, &name, contact.channel.clone());
                hand_over(desk, record, NotificationKind::Resolved, recipient, step);
            }
        }
    }
}

/// Answers whether it waits for a digest.
fn tell_person(
    desk: &mut DeskState,
    record: &Incident,
    kind: NotificationKind,
    person: &str,
    channel: &Channel,
    step: &mut DeskContext<'_>,
) -> bool {
    if let Some(incident) = desk.get_mut(record.id) {
        incident.told.entry(person.to_owned()).or_default().insert(channel.clone());
    }
    hand_over(desk, record, kind, DigestRecipient::of_person(&record.team, person, channel.clone()), step)
}

/// Into the outbox, or to what the channel gathers; answers which.
fn hand_over(
    desk: &mut DeskState,
    record: &Incident,
    kind: NotificationKind,
    to: DigestRecipient,
    step: &mut DeskContext<'_>,
) -> bool {
    if kind == NotificationKind::Resolved && !to.channel.is_told_the_end() {
        return false;
    }
    let alone = record.priority == Priority::P1 || to.channel.tells_alerts_alone();
    let digests = &mut desk.kept.core.digests;
    if let Some(policy) = policy_of(&to, step.rulebook)
        && digests.gathers(&to, policy, alone, record.id, kind, step.now)
    {
        step.count(Metric::NoticeGathered);
        return true;
    }
    tell_alone(record, kind, to, step);
    false
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
fn is_open(contact: &Contact, now: Timestamp, rulebook: &Rulebook) -> bool {
    contact
        .calendar
        .as_deref()
        .and_then(|name| rulebook.calendars.get(name))
        .is_none_or(|calendar| calendar.is_open(now))
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
