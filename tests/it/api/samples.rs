//! Records made by hand, and the rulebook that they could have come from.

use watchfire::core::calendar::Schedule;
use watchfire::core::correlation::{NonconformingName, Normalised, TemplateId};
use watchfire::core::engine::{
    AlertRecord, CountedEvent, Effect, LiveChange, Notification, NotificationKind, RecordChange, Task,
};
use watchfire::core::incidents::{Incident, IncidentState, TimelineEntry, TimelineKind};
use watchfire::core::inspections::{ItemOutcome, ItemResult, Run, RunState};
use watchfire::core::model::{
    BreachReason, Cause, CauseParty, ClockFace, ClockKind, ClockState, ContactBy, ContactLog, Fingerprint, IncidentId,
    Labels, Matcher, MatcherOp, Matchers, Offset, Outage, Partition, Priority, ProblemId, RunId, Severity, Silence,
    SilenceId, Stamp, Status, Tier, TimeDelta, Timestamp,
};
use watchfire::core::problems::{Problem, ProblemNote, ProblemState};
use watchfire::core::rules::{
    Actions, Channel, Check, ChecklistItem, Counts, EscalationPolicy, EscalationStep, Inhibition, InspectionTeam,
    OnBreach, OutageBudget, Pattern, Plan, Promise, Rule, RuleText, Rulebook, RulebookHash, Semantics, SlaTarget, Team,
};

use super::house::START;

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(START.as_micros() + seconds * 1_000_000)
}

pub fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

pub fn cause(offset: u64) -> Cause {
    Cause { partition: Partition::DESK, offset: Offset(offset), n: 0 }
}

pub fn silence_id(offset: u64) -> SilenceId {
    SilenceId::from_cause(cause(offset))
}

/// A firing v2 alert that ends in an hour.
pub fn alert(pairs: &[(&str, &str)]) -> AlertRecord {
    let labels = labels(pairs);
    AlertRecord {
        fingerprint: labels.fingerprint(),
        source: "v2".into(),
        status: Status::Firing,
        facts: Labels::from_pairs([("room", "机房A")]),
        annotations: Labels::from_pairs([("summary", "链路中断")]),
        summary: "链路中断".into(),
        severity: Severity::Major,
        starts_at: "2026-11-21T17:30:00+08:00".parse().unwrap(),
        ends_at: Stamp::utc(at(3600)),
        updated_at: at(0),
        generator_url: "".into(),
        silenced_by: Vec::new(),
        inhibited_by: Vec::new(),
        explained_by: Vec::new(),
        maintained_by: Vec::new(),
        storm: None,
        rule: "link-down".to_owned(),
        key: labels.project(["site"]),
        held: None,
        transitions: 1,
        first_seen_at: at(-1800),
        labels,
    }
}

pub fn incident(number: u64, key: &[(&str, &str)], team: &str) -> Incident {
    Incident {
        id: IncidentId(number),
        version: 1,
        title: format!("链路中断 {number}"),
        state: IncidentState::New,
        pending_on: None,
        merged_into: None,
        tier: Tier::First,
        team: team.to_owned(),
        assignee: None,
        waiting: None,
        priority: Priority::P2,
        priority_reason: "severity major".to_owned(),
        severity: Severity::Major,
        rule: "link-down".to_owned(),
        key: labels(key),
        labels: labels(key),
        fingerprint: labels(key).fingerprint(),
        reason: "1 alert fires".to_owned(),
        root: None,
        alerts: 1,
        firing: 1,
        opened_at: at(number as i64),
        acknowledged_at: None,
        acknowledged: false,
        resolved_at: None,
        closed_at: None,
        breached: false,
        escalations: 0,
        reopened: 0,
        held: None,
        problem: None,
        found_during: None,
        similar: vec![watchfire::core::incidents::SimilarIncident { incident: IncidentId(1), similarity: 0.9 }],
        findings: Vec::new(),
        workaround: None,
        runbook: None,
        support: watchfire::core::incidents::SupportLog::default(),
        diagnosis: None,
        resolution: None,
        digests: Vec::new(),
        unpaged: false,
        next_step_at: Some(at(900)),
        unarmed: None,
        class: Default::default(),
        out_of_catalogue: false,
        impact: None,
        urgency: None,
        clocks: vec![clock()],
        contacts: vec![ContactLog {
            at: at(60),
            by: ContactBy::Phone,
            actor: "王工".to_owned(),
            note: "已联系用户".to_owned(),
            after: TimeDelta::from_seconds(60),
        }],
        breach_reason: Some(BreachReason { code: "spare_part".to_owned(), text: "等备件".to_owned() }),
        outages: vec![Outage {
            customer: "省局".to_owned(),
            service: "业务平台".to_owned(),
            party: CauseParty::Provider,
            from: at(-3600),
            to: None,
        }],
        updated_at: at(number as i64),
        resolved_by: None,
    }
}

fn clock() -> ClockFace {
    ClockFace {
        clock: ClockKind::Tto,
        state: ClockState::Met,
        target: "标准".to_owned(),
        version: 1,
        shadow: false,
        limit: TimeDelta::from_hours(1),
        calendar: "always".to_owned(),
        elapsed: TimeDelta::from_seconds(60),
        deadline: None,
        breached_at: None,
        paused: None,
        ended_at: Some(at(60)),
    }
}

pub fn joined(incident: u64, alert: &AlertRecord) -> Effect {
    Effect::Record(RecordChange::Membership {
        incident: IncidentId(incident),
        fingerprint: alert.fingerprint,
        firing: true,
        link_only: false,
    })
}

pub fn timeline(incident: u64, text: &str) -> Effect {
    Effect::Record(RecordChange::Timeline(TimelineEntry {
        incident: IncidentId(incident),
        at: at(1),
        kind: TimelineKind::Opened,
        actor: "rule link-down".to_owned(),
        text: text.to_owned(),
        tier: None,
        outage: None,
        fact: None,
    }))
}

pub fn bad_name(name: &str) -> Effect {
    let name = NonconformingName { label: "device".to_owned(), name: name.to_owned(), source: "zabbix".to_owned() };
    Effect::Live(LiveChange::Normalised(Box::new(Normalised::NameQuarantined { name, at: at(0) })))
}

pub fn template(id: u64, text: &str) -> Effect {
    let text = Some(text.to_owned());
    Effect::Live(LiveChange::Normalised(Box::new(Normalised::TemplateSeen { id: TemplateId(id), at: at(0), text })))
}

pub fn evidence(incident: u64, alert: &AlertRecord) -> Effect {
    let evidence = CountedEvent {
        cause: cause(3),
        at: at(0),
        source: alert.source.to_string(),
        status: alert.status,
        labels: alert.labels.clone(),
        summary: alert.summary.to_string(),
        facts: alert.facts.clone(),
        severity: alert.severity,
        value: Some(0.5),
        suppressed: false,
        maintained: false,
        raw: Some("{\"端口\": 3}".to_owned()),
    };
    Effect::Record(RecordChange::Evidence { incident: IncidentId(incident), n: 0, evidence: Box::new(evidence) })
}

pub fn notice(incident: u64, url: &str) -> Effect {
    Effect::Do(Task::Notice(Box::new(Notification {
        cause: cause(5),
        at: at(30),
        kind: NotificationKind::Page,
        channel: Channel::Webhook { url: url.to_owned() },
        team: "noc".to_owned(),
        person: None,
        tier: Some(Tier::First),
        subject: IncidentId(incident).to_string(),
        title: "P2 链路中断".to_owned(),
        language: watchfire::core::rules::Language::En,
        body: "{}".to_owned(),
    })))
}

pub fn problem(number: u64) -> Problem {
    Problem {
        id: ProblemId(number),
        version: 3,
        title: "链路反复中断".to_owned(),
        state: ProblemState::New,
        team: "network".to_owned(),
        policy: "repeats".to_owned(),
        fingerprint: Fingerprint(7),
        rule: "link-down".to_owned(),
        key: labels(&[("site", "GZ01")]),
        reason: "3 incidents in 30d".to_owned(),
        incidents: vec![IncidentId(1)],
        occurrences: 3,
        notes: vec![ProblemNote { at: at(5), actor: "王工".to_owned(), text: "查看光功率".to_owned() }],
        opened_at: at(number as i64),
        last_seen_at: at(0),
        updated_at: at(0),
        ..Problem::blank(ProblemId(number), Fingerprint(7), at(0))
    }
}

pub fn run(number: u64) -> Run {
    Run {
        id: RunId(number),
        version: 1,
        plan: "machine-room".to_owned(),
        title: "机房巡检".to_owned(),
        team: "noc".to_owned(),
        state: RunState::InProgress,
        scheduled_at: at(0),
        overdue_at: at(3600),
        missed_at: at(7200),
        due_since: Some(at(0)),
        overdue_since: None,
        unsigned_since: None,
        items: vec![ItemResult {
            name: "temperature".to_owned(),
            title: "温度".to_owned(),
            kind: "manual".to_owned(),
            device: None,
            due_at: None,
            missed_at: None,
            outcome: ItemOutcome::NotDone,
            evidence: String::new(),
            value: None,
            found: None,
            expected: None,
            by: None,
            at: None,
            trend: None,
            incident: None,
        }],
        reason: None,
        signed_by: None,
        completed_at: None,
        updated_at: at(0),
    }
}

pub fn silence(number: u64, from: i64, to: i64, matchers: Vec<Matcher>) -> Silence {
    Silence {
        id: silence_id(number),
        matchers: Matchers(matchers),
        starts_at: Stamp::utc(at(from)),
        ends_at: Stamp::utc(at(to)),
        updated_at: at(from),
        created_by: "值班员".to_owned(),
        comment: "计划内割接".to_owned(),
        annotations: Labels::empty(),
        until_resolved: false,
    }
}

pub fn rule(name: &str, matchers: &[(&str, MatcherOp, &str)], by: &[&str]) -> Rule {
    let matchers = matchers.iter().map(|(name, op, value)| Matcher::new(*name, *op, *value).unwrap()).collect();
    Rule {
        name: name.to_owned(),
        matchers: Matchers(matchers),
        unless: Vec::new(),
        one_group: false,
        notify_times: Default::default(),
        when: None,
        by: by.iter().map(|name| (*name).to_owned()).collect(),
        pattern: Pattern::Each,
        counts: Counts::Transitions,
        semantics: Semantics::Own,
        guard: None,
        actions: Actions::default(),
        opens_incident: true,
        continues: false,
        because: None,
        title: "{alertname}".to_owned(),
        severity: None,
        priority: None,
        ladder: "default".to_owned(),
        after_hours: None,
        grading: Default::default(),
        pages: true,
        tells_new_alerts: None,
        runbook: None,
        playbook: None,
        settle: TimeDelta::from_seconds(30),
        resolve_after: TimeDelta::from_minutes(5),
        close_after: None,
        reopen_within: TimeDelta::from_hours(1),
        quiet: None,
        otherwise_after: TimeDelta::from_minutes(15),
        groups: true,
        shape: 1,
    }
}

/// One ladder of two teams, rules that Alertmanager can say and some that it cannot, a plan.
pub fn rulebook() -> Rulebook {
    let mut rulebook = Rulebook::empty();
    rulebook.hash = RulebookHash([0xab; 32]);
    rulebook.texts = vec![RuleText { path: "rules/网络.yaml".to_owned(), text: String::new() }];
    let mut links = rule("link-down", &[("alertname", MatcherOp::Equal, "LinkDown")], &["site", "device"]);
    links.continues = true;
    links.runbook = Some("https://wiki.example.org/link".to_owned());
    let odd = r#"a"b\c'd: #{}[]&*!|>%@`,	ÿ广州"#;
    rulebook.rules = vec![
        links,
        rule(
            "odd 'quoted' \"规则\"",
            &[("site", MatcherOp::Matches, "GZ.*|广.\\d+"), ("x", MatcherOp::NotEqual, odd)],
            &[],
        ),
        rule("worst", &[("@severity", MatcherOp::Equal, "critical")], &["site"]),
        rule("facts\nhere", &[("fact.site", MatcherOp::Equal, "x")], &[]),
        rule("everything", &[], &["站点"]),
    ];
    let inhibition = |name: &str, label: &str, equal: &str| Inhibition {
        name: name.to_owned(),
        source: Matchers(vec![Matcher::equal(label, "PowerCut")]),
        target: Matchers(vec![Matcher::new("severity", MatcherOp::NotMatches, "critical|major").unwrap()]),
        equal: vec![equal.to_owned()],
        through: None,
    };
    let within =
        Promise { within: TimeDelta::from_hours(1), calendar: "always".to_owned(), by_channel: Default::default() };
    rulebook.targets = vec![SlaTarget {
        name: "标准".to_owned(),
        version: 1,
        from: None,
        until: None,
        because: "首版".to_owned(),
        matchers: Matchers(Vec::new()),
        classes: Vec::new(),
        priorities: Vec::new(),
        during: None,
        tto: Some(within),
        ttr: None,
        warnings: vec![75],
        pauses: Default::default(),
        shadow: false,
        on_breach: OnBreach::Page,
        indicators: Vec::new(),
    }];
    rulebook.outage_budgets = vec![OutageBudget {
        name: "平台".to_owned(),
        matchers: Matchers(Vec::new()),
        party: CauseParty::Provider,
        a_year: TimeDelta::from_hours(72),
        zone: "Asia/Shanghai".to_owned(),
        warn_at: vec![50],
    }];
    rulebook.inhibitions = vec![
        inhibition("power", "alertname", "site"),
        inhibition("graded", "@severity", "site"),
        inhibition("x", "a", "站点"),
    ];
    let step = |tier: Tier, team: &str| {
        EscalationStep::wall(tier, team, TimeDelta::from_minutes(15), TimeDelta::from_minutes(5), None)
    };
    let steps = vec![step(Tier::First, "noc"), step(Tier::Second, "network")];
    let ladder = EscalationPolicy { name: "default".to_owned(), steps, hierarchy: Vec::new() };
    rulebook.ladders.insert("default".to_owned(), ladder);
    for (name, title) in [("noc", "一线服务台"), ("network", "网络专家")] {
        let channels = vec![Channel::Webhook { url: "https://chat.example.org/hook/SECRET".to_owned() }];
        let (name, members) = (name.to_owned(), vec!["王工".to_owned()]);
        let team = Team { name: name.clone(), title: title.to_owned(), members, channels, ..Team::default() };
        rulebook.teams.insert(name, team);
    }
    let item = ChecklistItem {
        name: "temperature".to_owned(),
        title: "温度".to_owned(),
        check: Check::Manual { evidence: true },
        severity: Severity::Minor,
        labels: labels(&[("site", "GZ01")]),
        device: None,
        warn: None,
        fail: None,
        expect: None,
        trend: None,
        minutes: 10,
    };
    let plan = Plan {
        name: "machine-room".to_owned(),
        title: "机房巡检".to_owned(),
        schedule: Schedule::parse("30 9 * * 1-5", "Asia/Shanghai").unwrap(),
        team: "noc".to_owned(),
        items: vec![item],
        due_within: TimeDelta::from_hours(2),
        missed_after: TimeDelta::from_hours(8),
        sign_off: true,
        signers: None,
        four_eyes: false,
        slots: None,
        crew: Some(InspectionTeam { inspectors: None, hours_a_day: TimeDelta::from_hours(1), calendar: None }),
    };
    rulebook.plans.insert("machine-room".to_owned(), plan);
    rulebook
}
