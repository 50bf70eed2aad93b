//! From events to the story that people live through, one scenario for each point of the semantics.

use super::stage;
use super::stage::START;
use crate::core::engine::{
    Action, BatchOutput, Command, DeskInput, Effect, Engine, IncidentAction, Outcome, RecordChange, Request, RunAction,
    SilenceChange, SilenceDraft, Task,
};
use crate::core::incidents::TimelineKind;
use crate::core::inspections::ItemOutcome;
use crate::core::model::{
    Event, Expiry, IncidentId, Labels, Matchers, RunId, Severity, SilenceId, Stamp, Status, TimeDelta, Timestamp,
};

const DESK: &str = r#"
teams:
  - { name: first, notify: [{ webhook: { url: "http://127.0.0.1:1/first" } }] }
  - { name: second, notify: [{ webhook: { url: "http://127.0.0.1:1/second" } }] }
  - { name: third, members: [厂商] }
tiers:
  - name: default
    steps:
      - { tier: 1, team: first, respond_by: 10m, page_every: 10m }
      - { tier: 2, team: second, respond_by: 10m, page_every: 10m }
      - { tier: 3, team: third, respond_by: 10m, page_every: 10m }
"#;

const EACH: &str = r#"
rules:
  - { name: link, match: alertname="LinkDown", by: [site], title: "{site} 链路中断", severity: major, notify_delay: 30s, resolve_after: 1m, reopen_within: 10m }
"#;

/// The events and commands of a scenario, a line each, lead to that story.
#[track_caller]
fn check(rules: &str, scenario: &str, expected: &str) {
    let mut play = Play::new(&format!("{DESK}{rules}"));
    for line in lines(scenario) {
        play.line(line);
    }
    assert_eq!(play.story, lines(expected).collect::<Vec<_>>(), "the story was\n{}", play.story.join("\n"));
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

fn span(text: &str) -> TimeDelta {
    text.parse().unwrap_or_else(|bad| panic!("{bad}"))
}

struct Play {
    engine: Engine,
    story: Vec<String>,
    silence: Option<SilenceId>,
}

impl Play {
    fn new(rules: &str) -> Play {
        let rulebook = stage::rulebook(rules);
        let hash = rulebook.hash;
        let mut play = Play { engine: stage::engine(None, &[rulebook]), story: Vec::new(), silence: None };
        play.give(START, Request::Rulebook(hash));
        play.story.clear();
        play
    }

    fn give(&mut self, now: Timestamp, request: Request) {
        if !matches!(request, Request::Resumed { .. }) {
            self.until(now);
        }
        let mut work = BatchOutput::default();
        let outcome = self.engine.handle(now, request, &mut work).unwrap();
        self.tell(now, &work);
        self.tell_outcome(now, outcome);
        stage::assert_well(&self.engine);
    }

    fn until(&mut self, now: Timestamp) {
        let mut told = Vec::new();
        stage::serve(&mut self.engine, now, &mut BatchOutput::default(), |engine, at, work| {
            stage::assert_well(engine);
            told.push((at, std::mem::take(work)));
        });
        told.iter().for_each(|(at, work)| self.tell(*at, work));
    }

    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let now = START + span(words[0]);
        let command = |number: &str, action| Action::Incident { id: number.parse::<IncidentId>().unwrap(), action };
        let say = || "已处理".to_owned();
        match words[1] {
            "firing" | "resolved" | "point" => {
                self.give(now, Request::Event(Box::new(event(now, &words[1..]))));
            }
            "silence" => self.silence(now, words[2], span(words[3])),
            "expire" => {
                let change = SilenceChange::Expire(self.silence.expect("a silence before"));
                self.give(
                    now,
                    Request::Silence { actor: "ops".to_owned(), role: "admin".to_owned(), change, once: None },
                );
            }
            "resumed" => self.give(now, Request::Resumed { gap: span(words[2]) }),
            "until" => self.until(now),
            "acknowledge" => self.command(now, &words, command(words[2], IncidentAction::Acknowledge { note: None })),
            "resolve" => {
                self.command(now, &words, command(words[2], IncidentAction::Resolve { resolution: say() }));
            }
            "close" => self.command(now, &words, command(words[2], IncidentAction::Close { note: None })),
            "reopen" => self.command(now, &words, command(words[2], IncidentAction::Reopen { reason: say() })),
            "merge" => {
                let into = words[3].parse().unwrap();
                self.command(now, &words, command(words[2], IncidentAction::Merge { into }));
            }
            "record" => {
                let outcome = *ItemOutcome::ALL.iter().find(|outcome| outcome.as_str() == words[4]).unwrap();
                let action = RunAction::RecordItem {
                    item: words[3].to_owned(),
                    outcome,
                    evidence: "温度 31 度".to_owned(),
                    value: None,
                    found: None,
                };
                let id: RunId = words[2].parse().unwrap();
                self.command(now, &words, Action::Run { id, action });
            }
            other => panic!("no such verb: {other}"),
        }
    }

    fn silence(&mut self, now: Timestamp, matchers: &str, length: TimeDelta) {
        let draft = SilenceDraft {
            matchers: Matchers::parse(matchers).unwrap(),
            starts_at: Stamp::utc(now),
            ends_at: Stamp::utc(now + length),
            created_by: "值班员".to_owned(),
            comment: "割接".to_owned(),
            annotations: Labels::empty(),
            until_resolved: false,
        };
        let change = SilenceChange::Put { id: None, draft };
        self.give(now, Request::Silence { actor: "ops".to_owned(), role: "admin".to_owned(), change, once: None });
        self.silence = self.engine.silences().iter().map(|silence| silence.id).max_by_key(|id| id.to_string());
    }

    fn command(&mut self, now: Timestamp, words: &[&str], action: Action) {
        let option = |name: &str| words.iter().find_map(|word| word.strip_prefix(name));
        let command = Command {
            actor: "值班员".to_owned(),
            role: "first_line".to_owned(),
            idempotency_key: option("key=").map(str::to_owned),
            if_match: option("seen=").map(|seen| seen.parse().unwrap()),
            action,
        };
        self.give(now, Request::Desk(DeskInput::Command(Box::new(command))));
    }

    fn tell_outcome(&mut self, now: Timestamp, outcome: Option<Outcome>) {
        let at = TimeDelta::from_micros(now.since(START).as_micros());
        match outcome {
            Some(Outcome::Refused(refusal)) => self.story.push(format!("{at} refused: {refusal}")),
            Some(Outcome::Incident { id, version }) => {
                self.story.push(format!("{at} answered {id} version {version}"));
            }
            Some(
                Outcome::Problem { .. }
                | Outcome::Run { .. }
                | Outcome::Silence { .. }
                | Outcome::Rulebook { .. }
                | Outcome::Staff { .. },
            )
            | None => {}
        }
    }

    /// What people would notice.
    fn tell(&mut self, now: Timestamp, work: &BatchOutput) {
        let at = TimeDelta::from_micros(now.since(START).as_micros());
        for effect in &work.effects {
            match effect {
                Effect::Do(Task::Notice(notice)) => {
                    self.story.push(format!("{at} {} {} to {}", notice.kind.as_str(), notice.subject, notice.team));
                }
                Effect::Record(RecordChange::Timeline(entry)) => match entry.kind {
                    TimelineKind::Opened => {
                        let opened = self.engine.incidents().find(|one| one.record.id == entry.incident).unwrap();
                        let (record, unpaged) = (&opened.record, if opened.record.unpaged { " unpaged" } else { "" });
                        let line = format!("{at} opened {} {}{unpaged}: {}", record.id, record.priority, record.title);
                        self.story.push(line);
                    }
                    TimelineKind::AlertJoined
                    | TimelineKind::AlertCleared
                    | TimelineKind::Paged
                    | TimelineKind::Delivered
                    | TimelineKind::DeliveryFailed => {}
                    _ => self.story.push(format!("{at} {:?} {}", entry.kind, entry.incident)),
                },
                _ => {}
            }
        }
    }
}

/// `firing LinkDown site=GZ01 ends=5m severity=minor`
fn event(now: Timestamp, words: &[&str]) -> Event {
    let status = Status::from_word(words[0]).unwrap();
    let pairs = words[2..].iter().filter_map(|word| word.split_once('='));
    let labels = pairs.clone().filter(|(name, _)| !["ends", "severity", "id"].contains(name));
    let mut event = Event::new("native", status, Labels::from_pairs(labels.chain([("alertname", words[1])])));
    for (name, value) in pairs {
        match name {
            "ends" => {
                event.expiry = Expiry::AlertmanagerV2;
                event.ends_at = Some(Stamp::utc(now + span(value)));
            }
            "severity" => event.severity = Severity::from_tool_word(value),
            "id" => event.id = Some(value.to_owned()),
            _ => {}
        }
    }
    event
}

#[test]
fn what_no_rule_owns_becomes_one_unpaged_incident_a_source_and_name() {
    check(
        EACH,
        "0s firing 未知告警 site=GZ01
         1s firing 未知告警 site=SZ02
         2s point Nothing site=GZ01
         3h until",
        "0s opened INC-1 P4 unpaged: 未知告警 from native",
    );
}

#[test]
fn each_opens_one_incident_a_key_and_nobody_touching_it_climbs() {
    check(
        EACH,
        "0s firing LinkDown site=GZ01 host=a
         1s firing LinkDown site=GZ01 host=b
         2s firing LinkDown site=SZ02 host=a
         3s resolved LinkDown site=SZ02 host=a
         11m until",
        "0s opened INC-1 P2: GZ01 链路中断
         2s opened INC-2 P2: SZ02 链路中断
         30s page INC-1 to first
         1m3s Resolved INC-2
         10m Breached INC-1
         10m Escalated INC-1
         10m escalated INC-1 to second",
    );
}

#[test]
fn threshold_pair_and_absence_open_and_resolve() {
    let rules = r#"
rules:
  - { name: flap, match: 'alertname="Flap",@status="point"', by: [site], pattern: { threshold: { count: 3, within: 1m } }, severity: major, notify_delay: 0s, resolve_after: 1m, title: "{site} 抖动" }
  - { name: deploy, match: alertname="Begin", by: [site], pattern: { pair: { until: alertname="End" } }, severity: major, notify_delay: 0s, resolve_after: 1m, title: "{site} 割接" }
  - { name: beat, match: 'alertname="Beat",@status="point"', by: [site], pattern: { absence: { within: 1m } }, severity: major, notify_delay: 0s, resolve_after: 1m, title: "{site} 失联" }
"#;
    check(
        rules,
        "0s point Flap site=GZ01
         10s point Flap site=GZ01
         20s point Flap site=GZ01
         5m until",
        "20s opened INC-1 P2: GZ01 抖动
         20s page INC-1 to first
         2m20s Resolved INC-1
         2m20s resolved INC-1 to first",
    );
    check(
        rules,
        "0s point Begin site=GZ01
         2m point End site=GZ01
         5m until",
        "0s opened INC-1 P2: GZ01 割接
         0s page INC-1 to first
         3m Resolved INC-1
         3m resolved INC-1 to first",
    );
    check(
        rules,
        "0s point Beat site=GZ01
         50s point Beat site=GZ01
         2m point Beat site=GZ01
         2m50s point Beat site=GZ01
         3m30s until",
        "1m50s opened INC-1 P2: GZ01 失联
         1m50s page INC-1 to first
         3m Resolved INC-1
         3m resolved INC-1 to first",
    );
}

#[test]
fn a_silence_holds_pages_and_climbing_and_its_end_raises_again() {
    check(
        EACH,
        "0s firing LinkDown site=GZ01
         1m silence site=GZ01 30m
         32m until",
        "0s opened INC-1 P2: GZ01 链路中断
         30s page INC-1 to first
         1m Held INC-1
         31m Released INC-1
         31m page_again INC-1 to first",
    );
}

#[test]
fn what_clears_under_a_silence_pages_when_it_comes_back_after_it() {
    // Still waiting to resolve, and already resolved: what comes back free is not held any more.
    check(
        EACH,
        "0s firing LinkDown site=GZ01
         10s silence site=GZ01 30m
         40s resolved LinkDown site=GZ01
         50s expire
         60s firing LinkDown site=GZ01
         2m until",
        "0s opened INC-1 P2: GZ01 链路中断
         10s Held INC-1
         1m page INC-1 to first",
    );
    check(
        EACH,
        "0s firing LinkDown site=GZ01
         10s silence site=GZ01 30m
         40s resolved LinkDown site=GZ01
         2m expire
         3m firing LinkDown site=GZ01
         4m until",
        "0s opened INC-1 P2: GZ01 链路中断
         10s Held INC-1
         1m40s Resolved INC-1
         3m Reopened INC-1
         3m page INC-1 to first",
    );
}

#[test]
fn a_merged_incident_is_held_only_while_everything_in_it_is() {
    check(
        EACH,
        "0s firing LinkDown site=GZ01
         1s firing LinkDown site=SZ02
         2s merge 1 2
         3s silence site=GZ01 5m
         6m silence site=GZ01 1h
         7m silence site=SZ02 1m
         9m until",
        "0s opened INC-1 P2: GZ01 链路中断
         1s opened INC-2 P2: SZ02 链路中断
         2s Merged INC-1
         2s Merged INC-2
         2s answered INC-1 version 2
         31s page INC-2 to first
         7m Held INC-2
         8m Released INC-2
         8m page_again INC-2 to first",
    );
}

#[test]
fn a_clear_incident_that_swallows_a_firing_one_climbs_again() {
    check(
        EACH,
        "0s firing LinkDown site=GZ01
         1s firing LinkDown site=SZ02
         40s resolved LinkDown site=SZ02
         50s merge 1 2
         12m until",
        "0s opened INC-1 P2: GZ01 链路中断
         1s opened INC-2 P2: SZ02 链路中断
         30s page INC-1 to first
         31s page INC-2 to first
         50s Merged INC-1
         50s Merged INC-2
         50s answered INC-1 version 3
         50s page_again INC-2 to first
         10m50s Breached INC-2
         10m50s Escalated INC-2
         10m50s escalated INC-2 to second",
    );
}

#[test]
fn a_cause_that_comes_while_it_settles_spares_the_page() {
    let rules = format!(
        "{EACH}  - {{ name: power, match: alertname=\"Power\", by: [site], title: \"{{site}} 停电\", severity: major, notify_delay: 0s }}
inhibitions:
  - {{ source: alertname=\"Power\", target: alertname=\"LinkDown\", equal: [site] }}\n"
    );
    check(
        &rules,
        "0s firing LinkDown site=GZ01
         10s firing Power site=GZ01
         2m resolved LinkDown site=GZ01
         4m until",
        "0s opened INC-1 P2: GZ01 链路中断
         10s opened INC-2 P2: GZ01 停电
         10s Held INC-1
         10s page INC-2 to first
         3m Resolved INC-1",
    );
}

#[test]
fn it_resolves_when_clear_for_its_time_and_reopens_only_within_its_window() {
    check(
        EACH,
        "0s firing LinkDown site=GZ01
         1m resolved LinkDown site=GZ01
         5m firing LinkDown site=GZ01
         6m resolved LinkDown site=GZ01
         18m firing LinkDown site=GZ01",
        "0s opened INC-1 P2: GZ01 链路中断
         30s page INC-1 to first
         2m Resolved INC-1
         2m resolved INC-1 to first
         5m Reopened INC-1
         5m page INC-1 to first
         7m Resolved INC-1
         7m resolved INC-1 to first
         18m opened INC-2 P2: GZ01 链路中断",
    );
}

#[test]
fn what_a_person_resolved_while_it_fires_is_reopened_by_a_transition_only() {
    check(
        EACH,
        "0s firing LinkDown site=GZ01 host=a
         1m resolve 1
         2m firing LinkDown site=GZ01 host=a
         3m firing LinkDown site=GZ01 host=b
         4m until",
        "0s opened INC-1 P2: GZ01 链路中断
         30s page INC-1 to first
         1m Resolved INC-1
         1m resolved INC-1 to first
         1m answered INC-1 version 3
         3m Reopened INC-1
         3m page INC-1 to first",
    );
}

#[test]
fn three_hours_down_page_one_tier_and_not_three() {
    check(
        EACH,
        "0s firing LinkDown site=GZ01
         1m until
         3h1m resumed 3h
         3h2m until",
        "0s opened INC-1 P2: GZ01 链路中断
         30s page INC-1 to first
         3h1m Breached INC-1
         3h1m Escalated INC-1
         3h1m escalated INC-1 to second",
    );
}

#[test]
fn what_expired_while_we_were_away_gets_time_to_be_said_again() {
    check(
        EACH,
        "0s firing LinkDown site=GZ01 ends=4m
         1s acknowledge 1
         3h1m resumed 3h
         3h5m firing LinkDown site=GZ01 ends=4m
         3h11m until",
        "0s opened INC-1 P2: GZ01 链路中断
         1s Acknowledged INC-1
         1s answered INC-1 version 2
         3h10m Resolved INC-1",
    );
}

#[test]
fn a_repeated_key_gets_the_first_answer_and_an_old_version_is_refused() {
    check(
        EACH,
        "0s firing LinkDown site=GZ01
         1s acknowledge 1 key=一
         2s acknowledge 1 key=一
         2s resolve 1 key=一
         3s resolve 1 seen=1
         4s resolve 1 seen=2
         5s close 2
         25h resolve 1 key=一",
        "0s opened INC-1 P2: GZ01 链路中断
         1s Acknowledged INC-1
         1s answered INC-1 version 2
         2s answered INC-1 version 2
         2s refused: the Idempotency-Key \"一\" was given with another command; take a new one
         3s refused: you saw version 1, it is at 2 now; look again and repeat
         4s Resolved INC-1
         4s answered INC-1 version 3
         5s refused: incident INC-2 is not known here
         1d1h refused: cannot resolve INC-1: it is resolved; reopen it first",
    );
}

#[test]
fn a_failed_item_is_an_incident_in_the_same_transaction() {
    let rules = r#"
rules:
  - { name: found, match: '@source="inspection"', by: [plan, item], notify_delay: 0s, resolve_after: 1m, title: "巡检发现 {plan} {item}" }
inspections:
  - { name: room, schedule: "1 * * * *", zone: UTC, team: first, due_within: 30m, missed_after: 50m, items: [{ name: air, title: 空调, severity: major, manual: {} }] }
"#;
    check(
        rules,
        "2m record 1 air fail
         4m until",
        "2m opened INC-1 P2: 巡检发现 room air
         2m Commented INC-1
         2m page INC-1 to first",
    );
}

#[test]
fn the_third_repeat_within_the_window_is_a_problem() {
    let rules = format!("{EACH}problems:\n  - {{ name: returns, count: 3, within: 1d, apart: 0s, team: second }}\n");
    let round =
        |minutes: i64| format!("{minutes}m firing LinkDown site=GZ01\n{minutes}m resolved LinkDown site=GZ01\n");
    check(
        &rules,
        &format!("{}{}{}61m until", round(0), round(30), round(60)),
        "0s opened INC-1 P2: GZ01 链路中断
         1m Resolved INC-1
         30m opened INC-2 P2: GZ01 链路中断
         31m Resolved INC-2
         1h opened INC-3 P2: GZ01 链路中断
         1h ProblemLinked INC-1
         1h ProblemLinked INC-2
         1h ProblemLinked INC-3
         1h problem_opened PRB-1 to second
         1h1m Resolved INC-3",
    );
}

#[test]
fn an_unpaged_incident_that_a_person_reopens_stays_open() {
    check(
        EACH,
        "0s firing 未知告警 site=GZ01
         1m resolve 1
         2m reopen 1
         3d until",
        "0s opened INC-1 P4 unpaged: 未知告警 from native
         1m Resolved INC-1
         1m answered INC-1 version 2
         2m Reopened INC-1
         2m answered INC-1 version 3",
    );
}

const GROUPED: &str = r#"
inventory:
  items:
    - { name: sw1 }
    - { name: h1, depends_on: [sw1] }
    - { name: h2, depends_on: [sw1] }
    - { name: h3, depends_on: [sw1] }
    - { name: h4, depends_on: [sw1] }
    - { name: h5, depends_on: [sw1] }
rules:
  - { name: down, match: '@severity=~"critical|major"', notify_delay: 30s, resolve_after: 1m, title: "{host} {alertname}" }
  - { name: rest, match: 'host!=""', paging: false, resolve_after: 1m, title: "{host} {alertname}" }
"#;

#[test]
fn a_group_is_one_incident_that_follows_its_alerts_in_severity_title_and_paging() {
    check(
        GROUPED,
        "0s firing Slow host=h1 severity=minor
         10s firing Down host=h1 severity=major
         20s firing Dead host=sw1 severity=critical
         1m resolved Dead host=sw1
         2m resolved Down host=h1
         3m resolved Slow host=h1
         5m until",
        "0s opened INC-1 P3 unpaged: h1 Slow
         10s Grouped INC-1
         10s Commented INC-1
         10s SeverityChanged INC-1
         20s Grouped INC-1
         20s SeverityChanged INC-1
         20s RootChanged INC-1
         40s page INC-1 to first
         1m SeverityChanged INC-1
         2m SeverityChanged INC-1
         4m Resolved INC-1
         4m resolved INC-1 to first",
    );
}

#[test]
fn of_two_incidents_the_oldest_goes_on_and_the_other_is_never_told() {
    check(
        GROUPED,
        "0s firing Down host=h1 severity=major
         1s firing Down host=h2 severity=major
         10s firing Dead host=sw1 severity=critical
         2m resolved Dead host=sw1
         3m until",
        "0s opened INC-1 P2: h1 Down
         1s opened INC-2 P2: h2 Down
         10s Grouped INC-1
         10s SeverityChanged INC-1
         10s RootChanged INC-1
         10s Merged INC-2
         10s Merged INC-1
         30s page INC-1 to first
         2m SeverityChanged INC-1",
    );
}

/// START is a Friday, 08:00 in Shanghai.
const HOURS: &str = r#"
calendars:
  - { name: daytime, zone: Asia/Shanghai, weekly: { mon-sun: "08:30-17:30" } }
people:
  - { name: 甲, notify: [{ by: { webhook: { url: "http://127.0.0.1:1/day" } }, calendar: daytime }] }
teams:
  - { name: first, members: [甲] }
  - { name: second, notify: [{ webhook: { url: "http://127.0.0.1:1/second" } }] }
tiers:
  - { name: default, steps: [{ tier: 1, team: first, respond_by: 9d, page_every: 9d }] }
  - { name: slow, steps: [{ tier: 1, team: second, respond_by: 1h, page_every: 2h }] }
  - { name: beat, steps: [{ tier: 1, team: second, respond_by: 90d, page_every: 10m, keeps_paging: true }] }
rules:
  - { name: day, match: alertname="Day", notify_delay: 0s, resolve_after: 0s, reopen_within: 10h }
  - { name: beat, match: alertname="Watchdog", tiers: beat, notify_delay: 0s, resolve_after: 0s }
  - { name: disk, match: alertname="Disk", by: [alertname], severity: major, tiers: slow, notify_delay: 0s, resolve_after: 0s }
  - { name: temp, match: alertname="Temp", by: [alertname], severity: minor, tiers: slow, notify_delay: 0s, resolve_after: 0s }
  - { name: told, match: alertname="Told", by: [alertname], severity: minor, tiers: slow, notify_delay: 0s, resolve_after: 0s, notify_new_alerts: true }
"#;

#[track_caller]
fn check_hours(scenario: &str, expected: &str) {
    let mut play = Play::new(HOURS);
    lines(scenario).for_each(|line| play.line(line));
    assert_eq!(play.story, lines(expected).collect::<Vec<_>>(), "{scenario}");
}

#[test]
fn notices_outside_a_persons_hours_wait_for_the_opening() {
    // It stands at the opening.
    check_hours("0s firing Day\n 1h until", "0s opened INC-1 P4: Day\n 30m page INC-1 to first");
    // It is over before the opening: nobody was told, nobody is.
    check_hours("0s firing Day\n 10m resolved Day\n 1h until", "0s opened INC-1 P4: Day\n 10m Resolved INC-1");
    // Acknowledged before: nobody needs to be told.
    check_hours(
        "0s firing Day\n 10m acknowledge 1\n 1h until",
        "0s opened INC-1 P4: Day\n 10m Acknowledged INC-1\n 10m answered INC-1 version 3",
    );
    // Told by day, over at night: the end is told at the next opening, once.
    check_hours(
        "1h firing Day\n 15h resolved Day\n 60h until",
        "1h opened INC-1 P4: Day\n 1h page INC-1 to first\n 15h Resolved INC-1\n 1d30m resolved INC-1 to first",
    );
    // Back before the opening: nobody is told that it is over.
    check_hours(
        "1h firing Day\n 15h resolved Day\n 16h firing Day\n 25h until",
        "1h opened INC-1 P4: Day\n 1h page INC-1 to first\n 15h Resolved INC-1\n 16h Reopened INC-1
         1d30m page INC-1 to first",
    );
}

#[test]
fn a_watchdogs_pages_go_on_whoever_acknowledges() {
    check_hours(
        "0s firing Watchdog\n 5m acknowledge 1\n 35m until\n 36m resolved Watchdog\n 1h until",
        "0s opened INC-1 P4: Watchdog\n 0s page INC-1 to second
         5m Acknowledged INC-1\n 5m answered INC-1 version 3
         10m page_again INC-1 to second\n 20m page_again INC-1 to second\n 30m page_again INC-1 to second
         36m Resolved INC-1\n 36m resolved INC-1 to second",
    );
}

#[test]
fn alerts_that_join_an_acknowledged_incident_are_told_together() {
    let check = |name: &str, priority: &str, told: &str, version: u32| {
        check_hours(
            &format!(
                "0s firing {name} host=a\n 1m acknowledge 1\n 10m firing {name} host=b\n 11m firing {name} host=c
                 12m firing {name} host=a\n 30m firing {name} host=d\n 31m resolve 1\n 50m until"
            ),
            &format!(
                "0s opened INC-1 {priority}: {name}\n 0s page INC-1 to second
                 1m Acknowledged INC-1\n 1m answered INC-1 version 3\n {told}
                 31m Resolved INC-1\n 31m resolved INC-1 to second\n 31m answered INC-1 version {version}"
            ),
        );
    };
    check("Disk", "P2", "15m page_again INC-1 to second", 8);
    check("Temp", "P3", "", 7);
    check("Told", "P3", "15m page_again INC-1 to second", 8);
}
