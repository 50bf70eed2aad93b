//! One input being handled: what every part of the desk is given, and the words that all of them share.

use std::collections::BTreeSet;

use super::requests::{NotificationDraft, Page, Requests};
use crate::core::calendar::HOUSE_ZONE;
use crate::core::engine::notification::NotificationKind;
use crate::core::engine::{AuditEntry, AuditFact, Command, CommandRefusal, Effect, Metric, RecordChange};
use crate::core::incidents::{TimelineEntry, TimelineFact, TimelineKind};
use crate::core::model::{Cause, Event, IncidentId, Labels, Offset, Partition, ProblemId, Timestamp};
use crate::core::rules::{ENTITY_LABELS, Rulebook};

/// The actor of what the ladder does by itself.
pub const LADDER: &str = "ladder";

/// The actor of what dispatch does.
pub const DISPATCH: &str = "dispatch";

/// The actor of what grouping does.
pub const GROUPING: &str = "grouping";

/// One input being handled: its time, its name, the rulebook, and what comes of it.
pub struct DeskContext<'a> {
    pub now: Timestamp,
    pub offset: Offset,
    pub rulebook: &'a Rulebook,
    pub effects: &'a mut Vec<Effect>,
    /// Findings that enter as events, in the same transaction.
    pub events: &'a mut Vec<Event>,
    /// How many notices and audit lines this input has made.
    consequences: u32,
    /// Incidents to write once at the end, however often they changed.
    touched: Vec<IncidentId>,
    /// Problems whose review may be due at another time now.
    pub reviewed: BTreeSet<ProblemId>,
    /// What one part asks of a later one.
    pub requests: Requests,
    /// Where this input's effects begin.
    begin: usize,
}

impl<'a> DeskContext<'a> {
    pub fn new(
        now: Timestamp,
        offset: Offset,
        rulebook: &'a Rulebook,
        effects: &'a mut Vec<Effect>,
        events: &'a mut Vec<Event>,
    ) -> DeskContext<'a> {
        let begin = effects.len();
        DeskContext {
            now,
            offset,
            rulebook,
            effects,
            events,
            consequences: 0,
            touched: Vec::new(),
            reviewed: BTreeSet::new(),
            requests: Requests::default(),
            begin,
        }
    }

    pub fn count(&mut self, counted: Metric) {
        self.effects.push(Effect::Count(counted));
    }

    pub fn timeline(&mut self, incident: IncidentId, kind: TimelineKind, actor: &str, text: impl Into<String>) {
        self.timeline_at(self.now, incident, kind, actor, text);
    }

    /// A line about what happened before.
    pub fn timeline_at(
        &mut self,
        at: Timestamp,
        incident: IncidentId,
        kind: TimelineKind,
        actor: &str,
        text: impl Into<String>,
    ) {
        let (actor, text) = (actor.to_owned(), text.into());
        let entry = TimelineEntry { incident, at, kind, actor, text, tier: None, outage: None, fact: None };
        self.effects.push(Effect::Record(RecordChange::Timeline(entry)));
    }

    /// A line with data of its own beside its text.
    pub fn timeline_fact(
        &mut self,
        incident: IncidentId,
        kind: TimelineKind,
        actor: &str,
        text: String,
        fact: impl Into<Option<TimelineFact>>,
    ) {
        let (at, actor, fact) = (self.now, actor.to_owned(), fact.into());
        let entry = TimelineEntry { incident, at, kind, actor, text, tier: None, outage: None, fact };
        self.effects.push(Effect::Record(RecordChange::Timeline(entry)));
    }

    /// An incident changed: its record is written at the end, and the parts that follow it look at it.
    pub fn touch(&mut self, incident: IncidentId) {
        self.mark_changed(incident);
        self.requests.look_at(incident);
    }

    /// An incident changed in nothing that assignment follows.
    pub fn mark_changed(&mut self, incident: IncidentId) {
        if !self.touched.contains(&incident) {
            self.touched.push(incident);
        }
        self.requests.follow_clocks(incident);
    }

    /// The incidents that changed, in the order in which they first did; once.
    pub fn take_touched(&mut self) -> Vec<IncidentId> {
        std::mem::take(&mut self.touched)
    }

    /// The timeline lines that this input has written so far.
    pub fn timeline_lines(&mut self) -> impl Iterator<Item = &mut TimelineEntry> {
        self.effects.iter_mut().skip(self.begin).filter_map(|effect| match effect {
            Effect::Record(RecordChange::Timeline(entry)) => Some(entry),
            _ => None,
        })
    }

    /// Tells the team of an incident, and its people. The end of it needs nobody who takes it.
    pub fn page(&mut self, incident: IncidentId, kind: NotificationKind, reason: impl Into<String>) {
        let page = Page { incident, kind, reason: reason.into() };
        if kind == NotificationKind::Resolved {
            self.requests.tellings.push_back(NotificationDraft::Team(page));
        } else {
            self.requests.pages.push_back(page);
        }
    }

    /// The zone of the people of a team: of its roster, else of the house.
    pub fn zone_of(&self, team: &str) -> &'a str {
        let roster = self.rulebook.teams.get(team).and_then(|team| self.rulebook.rosters.get(team.roster.as_ref()?));
        roster.map_or(HOUSE_ZONE, |roster| roster.zone_name.as_str())
    }

    pub fn next_cause(&mut self) -> Cause {
        let cause = Cause { partition: Partition::DESK, offset: self.offset, n: self.consequences };
        self.consequences += 1;
        cause
    }

    pub fn audit(
        &mut self,
        actor: &str,
        role: &str,
        action: &str,
        subject: &str,
        detail: &str,
        refused: Option<String>,
    ) {
        self.audit_fact(Audited { actor, role, action, subject, detail, refused, fact: None });
    }

    pub fn audit_fact(&mut self, audited: Audited<'_>) {
        let Audited { actor, role, action, subject, detail, refused, fact } = audited;
        let entry = AuditEntry {
            cause: self.next_cause(),
            at: self.now,
            actor: actor.to_owned(),
            role: role.to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            detail: detail.to_owned(),
            refused,
            fact,
        };
        self.effects.push(Effect::Record(RecordChange::Audit(entry)));
    }
}

/// One line of the audit log, before it has its name and time.
pub struct Audited<'a> {
    pub actor: &'a str,
    pub role: &'a str,
    pub action: &'a str,
    pub subject: &'a str,
    pub detail: &'a str,
    pub refused: Option<String>,
    pub fact: Option<AuditFact>,
}

/// Refuses a command that was made on another version than the present one.
pub fn same_version(command: &Command, current: u64) -> Result<(), CommandRefusal> {
    match command.if_match {
        Some(seen) if seen != current => Err(CommandRefusal::VersionMismatch { seen, current }),
        Some(_) | None => Ok(()),
    }
}

/// The item that an alert is about.
pub fn item_of(labels: &Labels, step: &DeskContext<'_>) -> Option<String> {
    let inventory = &step.rulebook.inventory;
    inventory.concerned(labels).map(|item| inventory.item(item).name.clone())
}

/// The item that labels speak of: as the inventory calls it, else as they do.
pub fn place_of(labels: &Labels, step: &DeskContext<'_>) -> Option<String> {
    item_of(labels, step).or_else(|| entity_named(labels).map(str::to_owned))
}

/// The item that labels name in their own words.
pub fn entity_named(labels: &Labels) -> Option<&str> {
    ENTITY_LABELS.iter().find_map(|name| labels.get(name))
}
