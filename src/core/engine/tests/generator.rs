//! Random inputs: alerts that come and go at three sites, people who do anything in any order, rules that change.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::stage;
use super::stage::{Given, START};
use crate::core::engine::{
    Action, BatchOutput, Command, CorrelatorInput, DeliveryOutcome, DeliveryResult, DeskInput, Effect, Engine,
    IdempotencyKey, IncidentAction, Input, NotificationKind, ProblemAction, Request, RunAction, SilenceChange,
    SilenceDraft, StaffAction, Task, Unreached,
};
use crate::core::incidents::PendingOn;
use crate::core::inspections::{ItemOutcome, ProbeResult};
use crate::core::model::{
    BreachReason, Cause, CauseParty, ContactBy, Event, Expiry, Heartbeat, HeartbeatWord, IncidentId, Labels, Matchers,
    Offset, Outage, Partition, ProblemId, RunId, SilenceId, Stamp, Status, TimeDelta, Timestamp,
};
use crate::core::on_call::NewOverride;
use crate::core::problems::ProblemState;
use crate::core::rules::{Channel, Rulebook};

/// The label that spreads events over 64 correlators.
pub const DOMAIN: &str = "site";

const DESK: &str = r#"
teams:
  - { name: first, members: [值班], notify: [{ webhook: { url: "http://127.0.0.1:1/first" } }] }
  - { name: second, notify: [{ webhook: { url: "http://127.0.0.1:1/second" } }, { mqtt: { topic: noc/second } }] }
  - { name: nobody }
  - { name: third, members: [厂商] }
playbooks:
  - { name: link, steps: [{ name: 查光功率, evidence: true }] }
tiers:
  - name: default
    notify_managers:
      - { after: 70s, team: second, repeat: 2, every: 40s, stop_when: [acknowledged] }
      - { after: 150s, team: first, priorities: [P1, P2], calendar: half }
    steps:
      - { tier: 1, team: first, respond_by: 60s, page_every: 20s, resolve_by: 5m, required_fields: [symptom] }
      - { tier: 2, team: nobody, respond_by: 60s }
      - { tier: 2, team: second, respond_by: 90s, page_every: 30s, resolve_by: 10m, calendar: half }
      - { tier: 3, team: third, respond_by: 120s, page_every: 50s }
outages:
  - { name: 中断, a_year: 2m, zone: Asia/Shanghai, warn_at: [50, 100] }
problems:
  - { name: returns, match: 'rule!="catch-all"', count: 2, within: 1d, apart: 10s, team: second }
"#;

/// The same desk with people who are dispatched to, told in ways of their own, and gathered for.
const STAFFED: &str = r#"
people:
  - name: 甲
    limit: 1
    notify:
      - { by: { webhook: { url: "http://127.0.0.1:1/a" } }, priorities: [P1, P2] }
      - { by: { template: { url: "http://127.0.0.1:1/send?text={title}" } }, after: 30s }
  - { name: 乙, limit: 2, sites: [GZ01] }
  - { name: 丙, limit: 1, notify: [{ by: { webhook: { url: "http://127.0.0.1:1/c" } } }] }
rosters:
  - name: 一线
    zone: Asia/Shanghai
    absent_after: 3m
    presence_required: false
    when_full: wait
    layers:
      - { name: 轮班, start: "2026-01-05T08:00", every: 1h, people: [[甲, 乙], [乙, 值班员]] }
  - name: 二线
    zone: Asia/Shanghai
    when_full: skip
    layers:
      - { name: 值守, start: "2026-01-05T08:00", every: daily, people: [丙] }
teams:
  - { name: first, roster: 一线, notify: [{ webhook: { url: "http://127.0.0.1:1/first" } }], digest: { above: 2, within: 2m, every: 1m } }
  - { name: second, roster: 二线, notify: [{ webhook: { url: "http://127.0.0.1:1/second" } }] }
  - { name: nobody }
  - { name: third, members: [厂商, 甲], dispatch: least_loaded, notify: [{ mqtt: { topic: noc/third } }] }
playbooks:
  - { name: link, steps: [{ name: 查光功率, evidence: true }] }
tiers:
  - name: default
    hierarchy:
      - { after: 70s, person: 丙, repeat: 2, every: 40s, stop_when: [acknowledged] }
    steps:
      - { tier: 1, team: first, respond_by: 60s, page_every: 20s, resolve_by: 5m }
      - { tier: 2, team: second, respond_by: 90s, page_every: 30s, resolve_by: 10m }
      - { tier: 3, team: third, respond_by: 120s, page_every: 50s }
outages:
  - { name: 中断, a_year: 2m, zone: Asia/Shanghai, warn_at: [50, 100] }
problems:
  - { name: returns, match: 'rule!="catch-all"', count: 2, within: 1d, apart: 10s, team: second }
"#;

const RULES: [&str; 4] = [
    r#"
calendars:
  - { name: half, zone: Asia/Shanghai, weekly: { mon-sun: "00:00-12:00" } }
  - { name: shifts, zone: Asia/Shanghai, weekly: { mon-sun: ["00:00-08:01", "08:03-24:00"] } }
sla:
  - { name: 紧急, version: 1, priority: [P1, P2], tto: { within: 40s }, ttr: { within: 3m, calendar: shifts }, warnings: [50, 90] }
  - { name: 一般, version: 1, ttr: { within: 5m, calendar: shifts }, pauses: [vendor] }
inventory:
  items: [{ name: a }, { name: b, depends_on: [a] }]
rules:
  - { name: link, match: alertname="LinkDown", by: [site], title: "{site} 链路中断", playbook: link, notify_delay: 10s, resolve_after: 20s, reopen_within: 2m, outage: { service: 链路, party: provider } }
  - { name: storm, match: alertname="Flap", by: [site], pattern: { threshold: { count: 3, within: 60s } }, pass_on_after: 40s, resolve_after: 10s, priority: P1 }
  - { name: deploy, match: alertname="Begin", by: [site], pattern: { pair: { until: alertname="End", within: 90s } }, notify_delay: 0s }
  - { name: heartbeat, match: 'alertname="Beat",@status="point"', by: [site], pattern: { absence: { within: 45s } }, severity: critical }
  - { name: traps, match: 'alertname="Trap",@status="point"', by: [site], clear_after: 50s, paging: false, close_after: 5m }
  - { name: found, match: '@source="inspection"', by: [plan, item], notify_delay: 1s, resolve_after: 2s }
inhibitions:
  - { name: power, source: alertname="Power", target: 'alertname=~"LinkDown|Flap|Trap"', equal: [site] }
inspections:
  - name: round
    schedule: "0,20,40 * * * *"
    zone: Asia/Shanghai
    team: first
    due_within: 5m
    missed_after: 15m
    sign_off: true
    items:
      - { name: web, severity: major, http: { url: "http://127.0.0.1:1/" } }
      - { name: room, title: 机房, manual: { evidence: true } }
  - name: probes
    schedule: "*/30 * * * *"
    zone: UTC
    team: second
    due_within: 2m
    missed_after: 4m
    items: [{ name: port, severity: warning, tcp: { address: "127.0.0.1:1" } }]
  - name: hours
    schedule: "10 * * * *"
    zone: UTC
    team: first
    due_within: 20m
    missed_after: 30m
    sign_off: true
    slots: { every: 5m, for: 15m, within: 4m }
    of: { items: [a, b] }
    items:
      - { name: 电压, fail: ">= 240", trend: 1d, tcp: { address: "127.0.0.1:1" } }
      - { name: look, warn: "> 200", manual: {} }
"#,
    r#"
calendars:
  - { name: half, zone: Asia/Shanghai, weekly: { mon-sun: "00:00-12:00" } }
inventory:
  items: [{ name: "0" }, { name: a, depends_on: [b] }, { name: b, depends_on: ["0"] }]
grouping: { look_again_after: 15s, alerts_at_most: 3 }
sla:
  - { name: 试运行, version: 1, shadow: true, tto: { within: 30s } }
rules:
  - { name: seen, match: '@source!="none"', by: [alertname], continue: true, notify_delay: 5s, resolve_after: 0s, reopen_within: 0s }
  - { name: link, match: alertname="LinkDown", by: [site, host], notify_delay: 10s, resolve_after: 20s }
  - { name: storm, match: alertname="Flap", by: [site], pattern: { threshold: { count: 2, within: 30s, clear: 2 } }, justification: 只看风暴, on: message }
  - { name: power, match: alertname="Power", by: [site], priority: P1, notify_delay: 0s, close_after: 3m }
"#,
    r#"
calendars:
  - { name: half, zone: Asia/Shanghai, weekly: { mon-sun: "00:00-12:00" } }
  - { name: shifts, zone: Asia/Shanghai, weekly: { mon-sun: ["00:00-08:02", "08:05-24:00"] } }
sla:
  - { name: 紧急, version: 1, priority: [P1, P2], tto: { within: 40s }, ttr: { within: 3m, calendar: shifts }, warnings: [50, 90] }
  - { name: 一般, version: 1, ttr: { within: 5m, calendar: shifts }, pauses: [vendor] }
rules:
  - { name: link, match: alertname="LinkDown", by: [site], title: "{site} 链路中断", notify_delay: 0s, resolve_after: 20s, reopen_within: 2m, severity: minor }
  - { name: heartbeat, match: 'alertname="Beat",@status="point"', by: [site], pattern: { absence: { within: 45s } }, severity: critical }
inhibitions:
  - { name: flap, source: alertname="Flap", target: alertname="LinkDown", equal: [site] }
inspections:
  - { name: probes, schedule: "*/30 * * * *", zone: UTC, due_within: 2m, missed_after: 4m, sign_off: true, items: [{ name: port, tcp: { address: "127.0.0.1:1" } }, { name: look, manual: {} }] }
"#,
    r#"
calendars:
  - { name: half, zone: Asia/Shanghai, weekly: { mon-sun: "00:00-12:00" } }
rules:
  - { name: work, match: alertname="Begin", continue: true, incident: false, clear_after: 40s, contexts: [{ set: "割接_{site}", for: 2m, on_expiry: { event: { labels: { alertname: Trap, site: "{site}" } } } }, { unset: drill, when: clear }] }
  - { name: sites, match: 'alertname=~"LinkDown|Flap"', by: [site], continue: true, context: "!割接_{site}", pattern: { threshold: { count: 2, within: 60s, distinct: host } }, emit: { labels: { alertname: SiteDown, site: "{site}" }, severity: critical, summary: "{site} 断站" } }
  - { name: down, match: 'alertname="SiteDown",@source="derived"', by: [site], notify_delay: 0s, resolve_after: 10s }
  - { name: rate, match: alertname="Flap", by: [site], continue: true, pattern: { rate: { above: 2, per: 1m, within: 1m } }, on: message }
  - { name: two, match: alertname="Trap", by: [site], continue: true, pattern: { hysteresis: { rise: { count: 2, within: 60s }, fall: { count: 0, within: 60s } } } }
  - { name: unanswered, match: alertname="Begin", by: [site], pattern: { missing_followup: { until: alertname="End", within: 60s } } }
  - { name: chain, match: alertname="Power", by: [site], continue: true, pattern: { sequence: { steps: ['alertname="LinkDown"', 'alertname=~"Flap|Trap", host="{2.host}"'], within: 3m } }, clear_after: 30s }
  - { name: both, match: 'site!=""', by: [site], continue: true, pattern: { group: { all: [{ match: alertname="Flap", count: 2 }, { match: 'alertname=~"Power|Trap"' }], within: 2m, repeat: true } }, clear_after: 30s }
  - { name: swallow, match: alertname="Trap", by: [site], pattern: { suppress: { within: 90s } } }
  - { name: flap, match: alertname="Flap", by: [site, host], pattern: { flap: { start: 3, within: 2m, stop: 1, stop_within: 3m } }, pass_on_after: 50s }
  - { name: results, match: alertname="LinkDown", by: [host], continue: true, pattern: { flap: { mode: icinga } }, clear_after: 5m }
  - { name: sec, match: alertname="LinkDown", by: [site], semantics: sec, pattern: { threshold: { count: 2, within: 45s } } }
  - { name: morning, pattern: { calendar: { schedule: "*/7 * * * *", zone: Asia/Shanghai } }, context: "割接_北京 || drill", clear_after: 30s, contexts: [{ set: drill, for: 20m }] }
"#,
];

/// The rulebooks between which the inputs change: four of one desk, three of the same with staff.
pub fn rulebooks() -> &'static [Arc<Rulebook>] {
    static BOOKS: LazyLock<Vec<Arc<Rulebook>>> = LazyLock::new(|| {
        let desks = RULES.iter().map(|rules| (DESK, rules)).chain(RULES.iter().take(3).map(|rules| (STAFFED, rules)));
        desks.map(|(desk, rules)| stage::rulebook(&format!("{desk}{rules}"))).collect()
    });
    &BOOKS
}

/// One random choice: how long to wait, what kind of input, and the details.
#[derive(Clone, Debug)]
pub struct Choice {
    wait: TimeDelta,
    kind: Kind,
    detail: [u8; 5],
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Event,
    Again,
    Silence,
    Expire,
    Incident,
    Problem,
    Run,
    Probe,
    Delivery,
    Staff,
    Rulebook,
    Resumed,
    Stepped,
}

pub fn choices() -> impl Strategy<Value = Vec<Choice>> {
    let wait = prop_oneof![
        4 => Just(0),
        8 => 0..15_000_i64,
        4 => 15_000..200_000_i64,
        2 => 200_000..4_000_000_i64,
        1 => Just(90_000_000),
    ];
    let kind = prop_oneof![
        20 => Just(Kind::Event),
        6 => Just(Kind::Again),
        3 => Just(Kind::Silence),
        2 => Just(Kind::Expire),
        10 => Just(Kind::Incident),
        2 => Just(Kind::Problem),
        3 => Just(Kind::Run),
        3 => Just(Kind::Probe),
        2 => Just(Kind::Delivery),
        4 => Just(Kind::Staff),
        2 => Just(Kind::Rulebook),
        1 => Just(Kind::Resumed),
        1 => Just(Kind::Stepped),
    ];
    let choice = (wait, kind, any::<[u8; 5]>()).prop_map(|(wait, kind, detail)| Choice {
        wait: TimeDelta::from_millis(wait),
        kind,
        detail,
    });
    prop::collection::vec(choice, 1..40)
}

/// What was given, and what one engine made of it.
pub struct Script {
    pub domain: Option<&'static str>,
    pub given: Vec<Given>,
    pub work: BatchOutput,
    pub engine: Engine,
}

pub fn script(by_domain: bool, choices: &[Choice]) -> Script {
    watched_script(by_domain, choices, |_| ())
}

/// Turns the choices into inputs that fit the state at their time; `look` sees the engine after each input and tick.
pub fn watched_script(by_domain: bool, choices: &[Choice], look: impl Fn(&Engine)) -> Script {
    let domain = by_domain.then_some(DOMAIN);
    let mut engine = stage::engine(domain, rulebooks());
    let (mut given, mut work, mut now) = (Vec::new(), BatchOutput::default(), START);
    let mut take = |now: Timestamp, request: Request, engine: &mut Engine, work: &mut BatchOutput| {
        stage::play(engine, &(now, request.clone()), work);
        look(engine);
        given.push((now, request));
    };
    let first = choices.len() % rulebooks().len();
    take(now, Request::Rulebook(rulebooks()[first].hash), &mut engine, &mut work);
    for choice in choices {
        now = now + choice.wait;
        let told_first = matches!(choice.kind, Kind::Resumed | Kind::Stepped);
        if !told_first {
            stage::serve(&mut engine, now, &mut work, |engine, _, _| look(engine));
        }
        let request = request(choice, now, &engine, &work);
        take(now, request, &mut engine, &mut work);
    }
    let last = now + TimeDelta::from_minutes(30);
    let end = Event::new("native", Status::Point, Labels::from_pairs([("alertname", "End"), ("site", "结束")]));
    take(last, Request::Event(Box::new(end)), &mut engine, &mut work);
    Script { domain, given, work, engine }
}

fn pick<T: Clone>(from: &[T], by: u8) -> Option<T> {
    from.get(usize::from(by) % from.len().max(1)).cloned()
}

fn request(choice: &Choice, now: Timestamp, engine: &Engine, work: &BatchOutput) -> Request {
    let detail = choice.detail;
    match choice.kind {
        Kind::Event => Request::Event(Box::new(event(detail, now))),
        Kind::Again => Request::Event(Box::new(again(now, work).unwrap_or_else(|| event(detail, now)))),
        Kind::Silence => silence(detail, now, engine),
        Kind::Expire => {
            let known: Vec<SilenceId> = engine.silences().iter().map(|silence| silence.id).collect();
            let unknown = SilenceId::from_cause(Cause { partition: Partition::DESK, offset: Offset(1), n: 9 });
            let change = SilenceChange::Expire(pick(&known, detail[0]).unwrap_or(unknown));
            Request::Silence { actor: "ops".to_owned(), role: "admin".to_owned(), change, once: None }
        }
        Kind::Incident => incident(detail, now, engine),
        Kind::Problem => problem(detail, engine),
        Kind::Run => run(detail),
        Kind::Probe => {
            let unasked = (RunId(u64::from(detail[1])), "web".to_owned());
            let pending: Vec<_> = engine.pending_probes().into_iter().map(|probe| (probe.run, probe.item)).collect();
            let (run, item) = pick(&pending, detail[0]).unwrap_or(unasked);
            let outcome = ItemOutcome::ALL[usize::from(detail[2]) % 3];
            let evidence = "连接超时".to_owned();
            Request::Desk(DeskInput::Probe(ProbeResult {
                run,
                item,
                outcome,
                evidence,
                value: Some(f64::from(detail[3])),
                found: None,
            }))
        }
        Kind::Delivery => delivery(detail, work),
        Kind::Staff => staff(detail, now),
        Kind::Rulebook => Request::Rulebook(rulebooks()[usize::from(detail[0]) % rulebooks().len()].hash),
        Kind::Resumed => Request::Resumed { gap: choice.wait },
        Kind::Stepped => {
            Request::ClockStepped { forward: detail[0].is_multiple_of(2), by: TimeDelta::from_seconds(10) }
        }
    }
}

fn event([name, site, how, door, time]: [u8; 5], now: Timestamp) -> Event {
    let names = ["LinkDown", "Flap", "Power", "Begin", "End", "Beat", "Trap", "Unknown", "LinkDown", "Flap"];
    let name = names[usize::from(name) % names.len()];
    let site = ["GZ01", "SZ02", "北京"][usize::from(site) % 3];
    let severity = ["critical", "warning", "minor"][usize::from(how / 8) % 3];
    let host = ["a", "b"][usize::from(how / 32) % 2];
    let points = ["Beat", "Trap"].contains(&name) || how % 8 == 7;
    let status = match how % 8 {
        _ if points => Status::Point,
        0..=3 | 7 => Status::Firing,
        _ => Status::Resolved,
    };
    let labels = Labels::from_pairs([("alertname", name), ("site", site), ("host", host)]);
    let mut event = Event::new(["native", "zabbix"][usize::from(door / 64) % 2], status, labels);
    event.severity = crate::core::model::Severity::from_tool_word(severity);
    event.summary = ["", "光功率低", "丢包"][usize::from(door / 16) % 3].to_owned();
    let shift = TimeDelta::from_seconds(i64::from(time % 64));
    event.occurred_at = [None, Some(now - shift), Some(now + shift)][usize::from(time / 64) % 3];
    match door % 8 {
        0 | 1 if !points => {
            event.source = "v2".to_owned();
            event.status = Status::Firing;
            event.expiry = Expiry::AlertmanagerV2;
            event.starts_at = (time % 2 == 0).then(|| Stamp::utc(now - shift));
            let ended = if status == Status::Resolved { now - TimeDelta::from_seconds(1) } else { now + shift };
            event.ends_at = (time % 3 > 0).then(|| Stamp::utc(ended));
        }
        2 if !points => event.expiry = Expiry::After(TimeDelta::from_seconds(40)),
        3 if points => event.id = Some(format!("id-{}", time % 4)),
        _ => {}
    }
    event
}

/// The newest firing event, said again a little later.
fn again(now: Timestamp, work: &BatchOutput) -> Option<Event> {
    let newest = work.entries.iter().rev().find_map(|(_, entry)| match &entry.input {
        Input::Correlator(CorrelatorInput::Event(event)) if event.status == Status::Firing => Some(event),
        _ => None,
    })?;
    let ends_at = newest.ends_at.map(|_| Stamp::utc(now + TimeDelta::from_minutes(2)));
    Some(Event { ends_at, occurred_at: Some(now), ..newest.as_ref().clone() })
}

fn silence([what, from, length, update, _]: [u8; 5], now: Timestamp, engine: &Engine) -> Request {
    let matchers = ["site=\"GZ01\"", "alertname=~\"LinkDown|Flap\"", "site!=\"SZ02\"", "alertname=\"Trap\""];
    let starts_at = if from % 3 == 0 { now + TimeDelta::from_seconds(i64::from(from)) } else { now };
    let known: Vec<SilenceId> = engine.silences().iter().map(|silence| silence.id).collect();
    let draft = SilenceDraft {
        matchers: Matchers::parse(matchers[usize::from(what) % 4]).expect("a matcher"),
        starts_at: Stamp::utc(starts_at),
        // Some end before they begin, and are refused.
        ends_at: Stamp::utc(now + TimeDelta::from_seconds(i64::from(length) * 4)),
        created_by: "值班员".to_owned(),
        comment: "割接".to_owned(),
        annotations: Labels::empty(),
        until_resolved: false,
    };
    let id = if update % 3 == 0 { pick(&known, update / 3) } else { None };
    let change = SilenceChange::Put { id, draft };
    // Some are repeats of one another, and some give a key again with other words.
    let once = update.is_multiple_of(4).then(|| IdempotencyKey::of(format!("key-{}", update / 4 % 3), &(what % 2)));
    Request::Silence { actor: "值班员".to_owned(), role: "first_line".to_owned(), change, once }
}

fn command(action: Action, key: u8, seen: Option<u64>) -> Request {
    Request::Desk(DeskInput::Command(Box::new(Command {
        actor: "值班员".to_owned(),
        role: "first_line".to_owned(),
        idempotency_key: key.is_multiple_of(4).then(|| format!("key-{}", key / 4 % 3)),
        if_match: seen,
        action,
    })))
}

/// Who is there, who goes, and who stands in for whom.
fn staff([which, how, other, key, _]: [u8; 5], now: Timestamp) -> Request {
    let people = ["甲", "乙", "丙", "值班员", "路人"];
    let person = people[usize::from(which) % people.len()].to_owned();
    let instead_of = people[usize::from(other) % people.len()].to_owned();
    let word = |word| StaffAction::Presence(Heartbeat { person: person.clone(), word });
    let action = match how % 8 {
        0 | 1 => word(HeartbeatWord::Here { lifetime: None }),
        2 => word(HeartbeatWord::Connected),
        3 => word(HeartbeatWord::Away),
        4 => word(HeartbeatWord::Lost),
        5 => {
            let until = now + TimeDelta::from_minutes(i64::from(other) + 1);
            let asked =
                NewOverride { person, instead_of: Some(instead_of), from: now, until, reason: "替班".to_owned() };
            StaffAction::PutOverride { roster: "一线".to_owned(), asked }
        }
        6 => StaffAction::DeleteOverride { roster: "一线".to_owned(), id: u64::from(other % 4) },
        _ => StaffAction::Remove { people: vec![person], rules: rulebooks()[0].hash },
    };
    command(Action::Staff(action), key, None)
}

fn incident([which, verb, other, key, seen]: [u8; 5], now: Timestamp, engine: &Engine) -> Request {
    let known: Vec<(IncidentId, u64)> =
        engine.incidents().map(|incident| (incident.record.id, incident.record.version)).collect();
    let (id, version) = pick(&known, which).unwrap_or((IncidentId(7), 1));
    let text = || "已处理".to_owned();
    let action = match verb % 24 {
        0 | 1 => IncidentAction::Acknowledge { note: None },
        2 => IncidentAction::Assign { assignee: "值班工程师".to_owned() },
        3 => IncidentAction::Comment { text: text() },
        4 => IncidentAction::Pend { on: PendingOn::Vendor, reason: text() },
        5 => IncidentAction::Resume,
        6 => IncidentAction::Escalate { diagnosis: text() },
        7 | 8 => IncidentAction::Resolve { resolution: text() },
        9 => IncidentAction::Close { note: None },
        10 => IncidentAction::Reopen { reason: text() },
        15 => IncidentAction::Triage { fields: [("symptom".to_owned(), text())].into() },
        16 => IncidentAction::HandBack { reason: text() },
        17 => IncidentAction::Tick { step: "查光功率".to_owned(), note: Some(text()) },
        11 => IncidentAction::Merge { into: pick(&known, other).map_or(IncidentId(9), |(id, _)| id) },
        12 => IncidentAction::Contact { by: ContactBy::Phone, note: text() },
        13 | 14 => {
            let reason = BreachReason { code: "spare_part".to_owned(), text: text() };
            IncidentAction::ResolveBreached { resolution: text(), reason }
        }
        18 => IncidentAction::FoundDuring { incident: pick(&known, other).map_or(IncidentId(9), |(id, _)| id) },
        19 => IncidentAction::WorkaroundHelped { helped: other.is_multiple_of(2), note: None },
        20 => IncidentAction::ExplainBreach { reason: BreachReason { code: "spare_part".to_owned(), text: text() } },
        21 => {
            let (customer, service, party) = (String::new(), "链路".to_owned(), CauseParty::Provider);
            let from = now - TimeDelta::from_seconds(i64::from(other));
            IncidentAction::Outage { outage: Outage { customer, service, party, from, to: None } }
        }
        22 => IncidentAction::Acknowledge { note: Some(text()) },
        _ => IncidentAction::Cancel { reason: text() },
    };
    let seen = match seen % 6 {
        0 => Some(version),
        1 => Some(u64::from(seen)),
        _ => None,
    };
    command(Action::Incident { id, action }, key, seen)
}

fn problem([which, verb, other, key, seen]: [u8; 5], engine: &Engine) -> Request {
    let known: Vec<ProblemId> = engine.problems().map(|problem| problem.id).collect();
    let id = pick(&known, which).unwrap_or(ProblemId(1));
    let some = |text: &str| Some(text.to_owned());
    let because = || "证据充分".to_owned();
    let action = match verb % 10 {
        0 => ProblemAction::Comment { text: "看过日志".to_owned() },
        1 => ProblemAction::Own { owner: "李工".to_owned() },
        2 => ProblemAction::Move {
            to: ProblemState::ALL[usize::from(other) % ProblemState::ALL.len()],
            reason: some("证据充分"),
        },
        3 => ProblemAction::Describe {
            root_cause: some("光模块老化"),
            workaround: some("切换备用"),
            fix: None,
            change: None,
        },
        4 => ProblemAction::Accept,
        5 => ProblemAction::Reject { reason: because() },
        6 => ProblemAction::Merge { into: ProblemId(u64::from(other % 4)), reason: because() },
        7 => ProblemAction::Split { incidents: vec![IncidentId(u64::from(other % 8))], reason: because() },
        8 => ProblemAction::Review { note: because() },
        _ => ProblemAction::LinkIncident { incident: IncidentId(u64::from(other % 8)) },
    };
    command(Action::Problem { id, action }, key, (seen % 8 == 0).then_some(1))
}

fn run([which, verb, other, key, seen]: [u8; 5]) -> Request {
    let outcome = ItemOutcome::ALL[usize::from(other) % 4];
    let item = ["room", "look", "web", "look@a@00:15", "look@b@01:10"][usize::from(other / 4) % 5].to_owned();
    let action = match verb % 6 {
        0 => {
            return command(
                Action::StartRun { plan: ["round", "probes", "none"][usize::from(other) % 3].to_owned() },
                key,
                None,
            );
        }
        1 | 2 => RunAction::RecordItem {
            item,
            outcome,
            evidence: "看过，正常".to_owned(),
            value: Some(f64::from(other)),
            found: None,
        },
        3 => RunAction::SignOff { note: None },
        4 => RunAction::Reject { reason: "重做".to_owned() },
        _ => RunAction::Skip { reason: "停电".to_owned() },
    };
    command(Action::Run { id: RunId(u64::from(which % 12)), action }, key, (seen % 8 == 0).then_some(2))
}

fn delivery([which, how, attempt, _, _]: [u8; 5], work: &BatchOutput) -> Request {
    let notices = work.effects.iter().filter_map(|effect| match effect {
        Effect::Do(Task::Notice(notice)) => Some(notice),
        _ => None,
    });
    let mut notices: Vec<_> = notices.collect();
    // Whatever the order of the notices of one input, the same one is meant.
    notices.sort_by_key(|one| (one.at, &one.subject, one.kind, &one.team, &one.person, &one.channel));
    let told: Vec<(Cause, String)> = notices.iter().map(|notice| (notice.cause, notice.subject.clone())).collect();
    let unknown = (Cause { partition: Partition::DESK, offset: Offset(999), n: 0 }, "INC-999".to_owned());
    let (notice, subject) = pick(&told, which).unwrap_or(unknown);
    let error = "connection refused".to_owned();
    let outcome = match how % 4 {
        0 => DeliveryOutcome::Delivered,
        1 => DeliveryOutcome::Failed { error },
        2 => DeliveryOutcome::DeadLettered { error },
        _ => {
            let (kind, channel) = (NotificationKind::Page, Channel::Mqtt { topic: "x".to_owned() });
            DeliveryOutcome::Unreached(Box::new(Unreached { error, kind, channel, person: None }))
        }
    };
    Request::Desk(DeskInput::Delivery(DeliveryResult { notice, subject, attempt: u32::from(attempt), outcome }))
}
