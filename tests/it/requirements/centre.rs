//! An operations centre on virtual time: rule texts, events, commands; then what is asked of its records.

use std::collections::BTreeMap;
use std::sync::Arc;

use watchfire::core::engine::{
    Action, AuditEntry, BatchOutput, Command, DeliveryOutcome, DeliveryResult, DeskInput, Effect, Engine,
    IncidentAction, Notification, Outcome, RecordChange, Request, Snapshot, Task,
};
use watchfire::core::incidents::{Incident, TimelineEntry};
use watchfire::core::inspections::Run;
use watchfire::core::model::{Event, IncidentId, Labels, Status, TimeDelta, Timestamp};
use watchfire::core::problems::Problem;
use watchfire::core::rules::{RuleText, Rulebook, load};

/// The composed engine, every deadline served at its moment.
pub struct Centre {
    engine: Engine,
    now: Timestamp,
    /// All that ever came of it, in order.
    pub effects: Vec<(Timestamp, Effect)>,
}

/// `2026-02-13T17:00:00+08:00`, or without zone: Shanghai.
#[track_caller]
pub fn moment(text: &str) -> Timestamp {
    let zoned = if text.contains('+') || text.ends_with('Z') { text.to_owned() } else { format!("{text}+08:00") };
    Timestamp::from_timestamp(zoned.parse().unwrap_or_else(|bad| panic!("{text}: {bad}")))
}

pub fn minutes(count: i64) -> TimeDelta {
    TimeDelta::from_minutes(count)
}

#[track_caller]
pub fn rulebook(text: &str) -> Rulebook {
    let texts = vec![RuleText { path: "rules.yaml".to_owned(), text: text.to_owned() }];
    load(texts).unwrap_or_else(|mistakes| panic!("{text}\n{mistakes:#?}")).rulebook
}

impl Centre {
    /// Opens with these rules at that moment.
    #[track_caller]
    pub fn open(rules: &str, at: &str) -> Centre {
        let mut centre = Centre { engine: Engine::new(None), now: moment(at), effects: Vec::new() };
        centre.reload(rules);
        centre
    }

    /// Opens with these rule files at that moment.
    #[track_caller]
    pub fn open_files(texts: Vec<RuleText>, at: &str) -> Centre {
        let loaded = load(texts).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
        assert!(loaded.warnings.is_empty(), "{:#?}", loaded.warnings);
        let mut centre = Centre { engine: Engine::new(None), now: moment(at), effects: Vec::new() };
        centre.take_rulebook(loaded.rulebook);
        centre
    }

    /// From here on other rules.
    #[track_caller]
    pub fn reload(&mut self, rules: &str) {
        self.take_rulebook(rulebook(rules));
    }

    #[track_caller]
    fn take_rulebook(&mut self, rulebook: Rulebook) {
        let rulebook = Arc::new(rulebook);
        self.engine.register_rulebook(Arc::clone(&rulebook));
        self.give(Request::Rulebook(rulebook.hash));
    }

    /// Lets time pass until that moment; everything due by then has happened.
    #[track_caller]
    pub fn at(&mut self, text: &str) -> &mut Centre {
        self.until(moment(text))
    }

    #[track_caller]
    pub fn after(&mut self, span: TimeDelta) -> &mut Centre {
        self.until(self.now + span)
    }

    pub fn now(&self) -> Timestamp {
        self.now
    }

    #[track_caller]
    pub fn until(&mut self, moment: Timestamp) -> &mut Centre {
        let mut served = 0;
        while let Some((at, partition)) = self.engine.next_deadline().filter(|(at, _)| *at <= moment) {
            self.take(at, Request::Tick(partition));
            served += 1;
            assert!(served < 5_000_000, "partition {partition} is due at {at} again and again");
        }
        self.now = moment;
        self
    }

    /// Any input, now.
    #[track_caller]
    pub fn give(&mut self, request: Request) -> Option<Outcome> {
        self.until(self.now);
        self.take(self.now, request)
    }

    #[track_caller]
    fn take(&mut self, at: Timestamp, request: Request) -> Option<Outcome> {
        let mut work = BatchOutput::default();
        let outcome = self.engine.handle(at, request, &mut work).unwrap();
        let broken = self.engine.broken_invariants();
        assert!(broken.is_empty(), "{broken:#?}");
        self.effects.extend(work.effects.into_iter().map(|effect| (at, effect)));
        outcome
    }

    /// An alert of these labels fires; `severity` is major unless the labels say otherwise.
    pub fn fire(&mut self, labels: &[(&str, &str)]) -> &mut Centre {
        self.give(Request::Event(Box::new(event(labels, Status::Firing, self.now))));
        self
    }

    pub fn clear(&mut self, labels: &[(&str, &str)]) -> &mut Centre {
        self.give(Request::Event(Box::new(event(labels, Status::Resolved, self.now))));
        self
    }

    /// A person's command, and how it was answered.
    #[track_caller]
    pub fn command(&mut self, actor: &str, role: &str, action: Action) -> Outcome {
        let command =
            Command { actor: actor.to_owned(), role: role.to_owned(), idempotency_key: None, if_match: None, action };
        self.give(Request::Desk(DeskInput::Command(Box::new(command)))).expect("every command is answered")
    }

    #[track_caller]
    pub fn on_incident(&mut self, actor: &str, id: u64, action: IncidentAction) -> Outcome {
        self.command(actor, "operator", Action::Incident { id: IncidentId(id), action })
    }

    /// Every incident as it was last written.
    pub fn incidents(&self) -> BTreeMap<IncidentId, Incident> {
        let written = self.effects.iter().filter_map(|(_, effect)| match effect {
            Effect::Record(RecordChange::Incident(incident)) => Some((incident.id, incident.as_ref().clone())),
            _ => None,
        });
        written.collect()
    }

    #[track_caller]
    pub fn incident(&self, id: u64) -> Incident {
        self.incidents().remove(&IncidentId(id)).unwrap_or_else(|| panic!("there is no INC-{id}"))
    }

    pub fn problems(&self) -> Vec<Problem> {
        let written = self.effects.iter().filter_map(|(_, effect)| match effect {
            Effect::Record(RecordChange::Problem(problem)) => Some((problem.id, problem.as_ref().clone())),
            _ => None,
        });
        written.collect::<BTreeMap<_, _>>().into_values().collect()
    }

    pub fn runs(&self) -> Vec<Run> {
        let written = self.effects.iter().filter_map(|(_, effect)| match effect {
            Effect::Record(RecordChange::Run(run)) => Some((run.id, run.as_ref().clone())),
            _ => None,
        });
        written.collect::<BTreeMap<_, _>>().into_values().collect()
    }

    pub fn notices(&self) -> Vec<Notification> {
        let sent = self.effects.iter().filter_map(|(_, effect)| match effect {
            Effect::Do(Task::Notice(notice)) => Some(notice.as_ref().clone()),
            _ => None,
        });
        sent.collect()
    }

    /// What became of a notice, as the courier reports it.
    #[track_caller]
    pub fn delivered(&mut self, notice: &Notification, attempt: u32, outcome: DeliveryOutcome) {
        let result = DeliveryResult { notice: notice.cause, subject: notice.subject.clone(), attempt, outcome };
        self.give(Request::Desk(DeskInput::Delivery(result)));
    }

    pub fn timeline(&self, id: u64) -> Vec<TimelineEntry> {
        let lines = self.effects.iter().filter_map(|(_, effect)| match effect {
            Effect::Record(RecordChange::Timeline(entry)) if entry.incident == IncidentId(id) => Some(entry.clone()),
            _ => None,
        });
        lines.collect()
    }

    pub fn audit(&self) -> Vec<AuditEntry> {
        let entries = self.effects.iter().filter_map(|(_, effect)| match effect {
            Effect::Record(RecordChange::Audit(entry)) => Some(entry.clone()),
            _ => None,
        });
        entries.collect()
    }

    /// The state through a snapshot and back, as a restart does with an empty tail.
    #[track_caller]
    pub fn restart(&mut self) {
        let rulebook = Arc::clone(self.engine.rulebook());
        let saved = self.engine.freeze().into_iter().map(|frozen| {
            let section = |name: String| (name.clone(), frozen.encode(&name).expect("every section encodes"));
            let sections = frozen.section_names().into_iter().map(section).collect();
            let (partition, next_offset) = (frozen.partition, frozen.next_offset);
            Snapshot { partition, next_offset, taken_at: frozen.taken_at, rulebook: frozen.rulebook, sections }
        });
        self.engine = Engine::restore(None, vec![rulebook], saved.collect()).expect("a snapshot that reads back");
        self.engine.settle_rulebook();
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}

/// A message from a tool.
pub fn event(labels: &[(&str, &str)], status: Status, at: Timestamp) -> Event {
    let mut event = Event::new("tools", status, Labels::from_pairs(labels.iter().copied()));
    event.occurred_at = Some(at);
    event
}
