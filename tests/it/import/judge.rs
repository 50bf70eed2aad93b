//! Who is told: by imported rules in the engine on virtual time, and by what an Alertmanager's manual says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use watchfire::core::engine::{BatchOutput, Effect, Engine, RecordChange, Request};
use watchfire::core::incidents::TimelineKind;
use watchfire::core::model::{Event, Expiry, Fingerprint, Labels, Status, TimeDelta, Timestamp};
use watchfire::core::rules::{RuleText, Rulebook, load};

use super::random::{Case, Inhibition, Interval, Matcher};

/// What became of alerts that began together.
#[derive(Default)]
pub struct Story {
    teams: BTreeMap<u64, String>,
    members: BTreeMap<Fingerprint, BTreeSet<u64>>,
    paged: BTreeMap<u64, Timestamp>,
    ended: BTreeSet<u64>,
}

pub fn rulebook(text: &str) -> Rulebook {
    let file = RuleText { path: "95-alertmanager.yaml".to_owned(), text: text.to_owned() };
    load(vec![file]).unwrap_or_else(|mistakes| panic!("{mistakes:#?}\n{text}")).rulebook
}

/// Sends the messages, each that long after `start`, and lets `until` of time pass.
pub fn story(rules: &Arc<Rulebook>, start: Timestamp, messages: &[(TimeDelta, Labels)], until: TimeDelta) -> Story {
    let mut engine = Engine::new(None);
    engine.register_rulebook(Arc::clone(rules));
    let mut story = Story::default();
    let mut give = |engine: &mut Engine, at: Timestamp, request: Request| {
        let mut work = BatchOutput::default();
        engine.handle(at, request, &mut work).unwrap();
        engine.write_records(&mut work);
        story.take(at, &work);
    };
    give(&mut engine, start, Request::Rulebook(rules.hash));
    let mut serve = |engine: &mut Engine, until: Timestamp, last: Option<Request>| {
        while let Some((at, partition)) = engine.next_deadline().filter(|(at, _)| *at <= until) {
            give(engine, at, Request::Tick(partition));
        }
        if let Some(request) = last {
            give(engine, until, request);
        }
    };
    for (after, labels) in messages {
        let event = Event { expiry: Expiry::AlertmanagerV2, ..Event::new("v2", Status::Firing, labels.clone()) };
        serve(&mut engine, start + *after, Some(Request::Event(Box::new(event))));
    }
    serve(&mut engine, start + until, None);
    story
}

impl Story {
    fn take(&mut self, at: Timestamp, work: &BatchOutput) {
        for effect in &work.effects {
            match effect {
                Effect::Record(RecordChange::Incident(incident)) => {
                    self.teams.insert(incident.id.0, incident.team.clone());
                    if incident.state.is_open() {
                        self.ended.remove(&incident.id.0);
                    } else {
                        self.ended.insert(incident.id.0);
                    }
                }
                Effect::Record(RecordChange::Membership { incident, fingerprint, firing: true, .. }) => {
                    self.members.entry(*fingerprint).or_default().insert(incident.0);
                }
                Effect::Record(RecordChange::Timeline(line)) if line.kind == TimelineKind::Paged => {
                    self.paged.entry(line.incident.0).or_insert(at);
                }
                Effect::Record(_) | Effect::Count(_) | Effect::Live(_) | Effect::Do(_) => {}
            }
        }
    }

    /// The teams of the incidents that the alert is in.
    pub fn teams(&self, alert: &Labels) -> BTreeSet<&str> {
        self.incidents(alert).map(|(_, team)| team).collect()
    }

    /// How many incidents there are, whosesoever.
    pub fn incidents_in_all(&self) -> usize {
        self.teams.len()
    }

    /// The incidents that are over.
    pub fn ended(&self) -> usize {
        self.ended.len()
    }

    /// The teams that were paged of the alert, each with the moment of its first page; without those of incidents in
    /// which another alert is too.
    pub fn paged(&self, alert: &Labels) -> BTreeMap<&str, Option<Timestamp>> {
        let others: BTreeSet<u64> = self
            .members
            .iter()
            .filter(|(one, _)| **one != alert.fingerprint())
            .flat_map(|(_, all)| all)
            .copied()
            .collect();
        let alone = self.incidents(alert).filter(|(id, _)| !others.contains(id));
        alone.map(|(id, team)| (team, self.paged.get(&id).copied())).collect()
    }

    fn incidents(&self, alert: &Labels) -> impl Iterator<Item = (u64, &str)> {
        let of_it = self.members.get(&alert.fingerprint()).into_iter().flatten();
        of_it.filter_map(|id| Some((*id, self.teams.get(id)?.as_str())))
    }
}

/// Whether the interval contains the moment: read field by field, as the manual of Alertmanager says.
fn contains(interval: &Interval, at: Timestamp) -> bool {
    let zone = TimeZone::get(interval.zone.unwrap_or("UTC")).unwrap();
    let local = zone.to_datetime(at.to_timestamp());
    let minute = local.hour() as u16 * 60 + local.minute() as u16;
    let last = Date::new(local.year(), local.month(), 1).unwrap().days_in_month();
    let day = |day: i8| if day < 0 { last + 1 + day } else { day };
    let weekday = local.weekday().to_sunday_zero_offset();
    (interval.times.is_empty() || interval.times.iter().any(|(from, to)| *from <= minute && minute < *to))
        && interval.weekdays.is_none_or(|(from, to)| from <= weekday && weekday <= to)
        && interval.days_of_month.is_none_or(|(from, to)| day(from) <= local.day() && local.day() <= day(to))
}

/// Whether a route pages nobody at that moment.
pub fn is_muted(case: &Case, mute: &[usize], active: &[usize], at: Timestamp) -> bool {
    let within = |number: &usize| contains(&case.intervals[*number], at);
    mute.iter().any(within) || (!active.is_empty() && !active.iter().any(within))
}

type Pairs = Vec<(&'static str, String)>;

/// Whether the alert is inhibited by the other one, both of which fire.
pub fn is_inhibited(inhibitions: &[Inhibition], alert: &Pairs, other: &Pairs) -> bool {
    let fits = |matchers: &[Matcher], labels: &Pairs| matchers.iter().all(|matcher| matcher.fits(labels));
    let value = |labels: &Pairs, name: &str| {
        labels.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    inhibitions.iter().any(|one| {
        let both = |labels: &Pairs| fits(&one.source, labels) && fits(&one.target, labels);
        fits(&one.source, other)
            && fits(&one.target, alert)
            && one.equal.iter().all(|name| value(alert, name) == value(other, name))
            && !(both(alert) && both(other))
    })
}
