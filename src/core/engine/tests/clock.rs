//! The wall clock is set while the engine runs: what people planned by it follows it, what passes does not.

use super::stage::{START, assert_same_state, bytes, engine, play, rulebook, saved, serve};
use crate::core::engine::{
    BatchOutput, Effect, Engine, NotificationKind, RecordChange, Request, SilenceChange, SilenceDraft, Task,
};
use crate::core::inspections::RunState;
use crate::core::model::{Event, Labels, Matchers, Stamp, Status, TimeDelta, Timestamp};

/// It is Friday, 08:00 in Shanghai.
const RULES: &str = r#"
calendars:
  - { name: 行政班, zone: Asia/Shanghai, weekly: { mon-fri: "09:00-18:00" } }
teams:
  - { name: 一线, members: [值班], notify: [{ webhook: { url: "http://127.0.0.1:1/" } }] }
  - { name: 二线, members: [专家] }
tiers:
  - name: default
    steps:
      - { tier: 1, team: 一线, respond_by: 30m, page_every: 2h }
      - { tier: 2, team: 二线, respond_by: 9h, page_every: 9h }
rules:
  - { name: link, match: alertname="LinkDown", settle: 0s }
maintenance:
  - { name: 割接, from: "2026-02-13T11:00", to: "2026-02-13T12:00", zone: Asia/Shanghai, match: site="GZ" }
inspections:
  - name: 巡检
    schedule: "0 10 * * *"
    zone: Asia/Shanghai
    team: 一线
    due_within: 1h
    missed_after: 2h
    items: [{ name: 电源, manual: {} }]
"#;

fn at(minutes: i64) -> Timestamp {
    START + TimeDelta::from_minutes(minutes)
}

fn silence(ends_at: Timestamp) -> Request {
    let draft = SilenceDraft {
        matchers: Matchers::parse("site=\"SZ\"").unwrap(),
        starts_at: Stamp::utc(START),
        ends_at: Stamp::utc(ends_at),
        created_by: "值班".to_owned(),
        comment: "到中午".to_owned(),
        annotations: Labels::empty(),
        until_resolved: false,
    };
    Request::Silence {
        actor: "值班".to_owned(),
        role: "first_line".to_owned(),
        change: SilenceChange::Put { id: None, draft },
        once: None,
    }
}

fn event(site: &str) -> Request {
    let labels = Labels::from_pairs([("alertname", "LinkDown"), ("site", site)]);
    Request::Event(Box::new(Event::new("native", Status::Firing, labels)))
}

/// Started at 08:00, with an incident and a silence until 12:00.
fn begun() -> (Engine, BatchOutput) {
    let rules = rulebook(RULES);
    let (mut engine, mut work) = (engine(None, std::slice::from_ref(&rules)), BatchOutput::default());
    for request in [Request::Rulebook(rules.hash), silence(at(4 * 60)), event("FS")] {
        play(&mut engine, &(START, request), &mut work);
    }
    (engine, work)
}

/// Plays until 14:00 by the engine's own time; answers, in minutes after 08:00, when the run was due, when the incident
/// climbed, when the silence ended, and when the window opened.
fn story(step: i64) -> [i64; 4] {
    let (mut engine, mut work) = begun();
    if step != 0 {
        let by = TimeDelta::from_minutes(step.abs());
        play(&mut engine, &(at(1), Request::ClockStepped { forward: step > 0, by }), &mut work);
    }
    // A second look through a snapshot must not differ.
    let mut restored =
        Engine::restore(None, vec![rulebook(RULES)], bytes(&engine).iter().map(saved).collect()).unwrap();
    assert_same_state(&restored, &engine);
    assert_eq!(restored.ahead(), TimeDelta::from_minutes(step.abs()).as_micros() * step.signum());
    work.effects.clear();
    serve(&mut restored, at(6 * 60), &mut work, |_, _, _| ());
    let minutes = |moment: Timestamp| moment.since(START).as_micros() / 60_000_000;
    let due = work.effects.iter().find_map(|effect| match effect {
        Effect::Record(RecordChange::Run(run)) if run.state == RunState::Due => Some(minutes(run.scheduled_at)),
        _ => None,
    });
    let climbed = work.effects.iter().find_map(|effect| match effect {
        Effect::Do(Task::Notice(notice)) if notice.kind == NotificationKind::Page && notice.team == "二线" => {
            Some(minutes(notice.at))
        }
        Effect::Record(RecordChange::Timeline(line))
            if line.kind == crate::core::incidents::TimelineKind::Escalated =>
        {
            Some(minutes(line.at))
        }
        _ => None,
    });
    let silenced = restored.silences()[0].ends_at.at;
    let window = restored.rulebook_of(crate::core::model::Partition::DEFAULT).maintenance[0].time.state(START).1;
    [due.unwrap_or(-1), climbed.unwrap_or(-1), minutes(silenced), window.map_or(-1, minutes)]
}

#[test]
fn civil_time_follows_the_wall_clock_and_a_ladder_does_not() {
    // 10:00, half an hour, 12:00 and 11:00, by a clock that is right; then by one that was set.
    assert_eq!(story(0), [120, 30, 240, 180]);
    assert_eq!(story(60), [60, 30, 180, 120]);
    assert_eq!(story(-60), [180, 30, 300, 240]);
    assert_eq!(story(30), [90, 30, 210, 150]);
}

#[test]
fn working_hours_follow_the_wall_clock() {
    let rules = rulebook(RULES);
    let shifted = rules.with_clock_ahead(TimeDelta::from_hours(2).as_micros()).unwrap();
    let hours = |rules: &crate::core::rules::Rulebook, from: i64, to: i64| {
        rules.calendars["行政班"].between(at(from * 60), at(to * 60)).as_micros() / 3_600_000_000
    };
    // It is 08:00; work begins at 09:00 and ends at 18:00, which a clock two hours ahead shows two hours earlier.
    assert_eq!((hours(&rules, 0, 4), hours(&shifted, 0, 4)), (3, 4));
    assert_eq!((hours(&rules, 7, 9), hours(&shifted, 7, 9)), (2, 1));
    assert_eq!(rules.calendars["行政班"].add(at(0), TimeDelta::from_hours(9)), Some(at(10 * 60)));
    assert_eq!(shifted.calendars["行政班"].add(at(0), TimeDelta::from_hours(8)), Some(at(8 * 60)));
    assert_ne!(rules.calendars["行政班"].version, shifted.calendars["行政班"].version);
    assert_eq!(rules.hash, shifted.hash);
}
