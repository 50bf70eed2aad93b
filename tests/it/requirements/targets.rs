//! Promises against the clock: rows 1, 2, 3, 4, 13, 15, 27, 28, 32, 43, 44, 50, 51, 71, 74, 75, 77.

use super::centre::{Centre, minutes, moment};
use watchfire::core::engine::{
    CommandRefusal, Effect, IncidentAction, Metric, NotificationKind, Outcome, TargetOutcome,
};
use watchfire::core::incidents::{Incident, IncidentState, PendingOn, TimelineKind};
use watchfire::core::model::{
    BreachReason, CauseParty, Class, ClockFace, ClockKind, ClockState, ContactBy, IncidentId, Outage, TimeDelta,
};
use watchfire::core::rules::{FindingKind, RuleText, load, report};
use watchfire::core::sla::{Attainment, BudgetUse, IncidentOutcome, attainment, ranked_reasons};

const DESK: &str = r#"
teams:
  - {name: first, members: [一线值班], notify: [{mqtt: {topic: "noc/first"}}]}
tiers:
  - {name: default, steps: [{tier: 1, team: first, respond_by: 7d}]}
calendars:
  - {name: office, zone: Asia/Shanghai, weekly: {mon-fri: ["08:00-12:00", "14:00-18:00"]}, holidays: china}
"#;

fn with(rest: &str) -> String {
    format!("{DESK}\n{rest}")
}

/// A rule for everything, one incident a site, of that class and priority.
fn rule(said: &str) -> String {
    format!(
        "rules:\n  - {{name: 故障, by: [site], notify_delay: 0s, resolve_after: 0s, title: \"{{site}} 故障\", {said}}}\n"
    )
}

#[track_caller]
fn clock(incident: &Incident, kind: ClockKind) -> ClockFace {
    let found = incident.clocks.iter().find(|face| face.clock == kind);
    found.unwrap_or_else(|| panic!("{} has no {kind}: {:?}", incident.id, incident.clocks)).clone()
}

fn contact(by: ContactBy) -> IncidentAction {
    IncidentAction::Contact { by, note: "已联系用户".to_owned() }
}

fn resolve() -> IncidentAction {
    IncidentAction::Resolve { resolution: "已更换光模块".to_owned() }
}

#[track_caller]
fn done(outcome: Outcome) {
    assert!(matches!(outcome, Outcome::Incident { .. }), "{outcome:?}");
}

#[track_caller]
fn refused(outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused(CommandRefusal::NotAllowed { reason }) => reason,
        other => panic!("{other:?} is no 409"),
    }
}

#[track_caller]
fn mistakes(text: &str) -> Vec<String> {
    let texts = vec![RuleText { path: "rules.yaml".to_owned(), text: text.to_owned() }];
    load(texts).unwrap_err().into_iter().map(|mistake| format!("{}: {}", mistake.line, mistake.message)).collect()
}

fn kept(centre: &Centre, from: &str, to: &str) -> Vec<Attainment> {
    let cases: Vec<IncidentOutcome> = centre.incidents().values().map(IncidentOutcome::from).collect();
    attainment(&cases, &centre.engine().rulebook().targets, moment(from), moment(to))
}

#[track_caller]
fn figure(kept: &[Attainment], target: (&str, u32), name: &str) -> (u64, u64, Option<bool>) {
    let of = kept.iter().find(|one| (one.target.as_str(), one.version) == target);
    let figure = of.and_then(|one| one.figures.iter().find(|figure| figure.name == name));
    figure.map(|one| (one.good, one.of, one.reached)).unwrap_or_else(|| panic!("no {name} of {target:?} in {kept:#?}"))
}

#[test]
fn row_01_mail_has_its_own_time_and_a_time_without_unit_is_refused() {
    let target = |channels: &str| {
        format!("sla:\n  - {{name: 热线, version: 1, tto: {{within: 10m, calendar: office, channels: {channels}}}}}\n")
    };
    let unset = mistakes(&with(&target("{mail: 2}")));
    assert!(unset.iter().any(|one| one.contains("The unit is not set")), "{unset:?}");
    let endless = mistakes(&with(&target("{mail: 2wd}")));
    assert!(endless.iter().any(|one| one.contains("working days, whose length is not set")), "{endless:?}");
    let long = target("{mail: 2wd, phone: 0s}").replace("version: 1,", "version: 1, working_day: 8h,");
    let mut centre = Centre::open(&with(&format!("{long}{}", rule("class: request"))), "2026-03-06T17:00:00");
    centre.fire(&[("alertname", "Mail"), ("site", "广州"), ("channel", "mail")]);
    centre.fire(&[("alertname", "Call"), ("site", "深圳"), ("channel", "phone")]);
    // Two working days are 16 working hours, from Friday to Tuesday, and no 48 hours.
    assert_eq!(clock(&centre.incident(1), ClockKind::Tto).deadline, Some(moment("2026-03-10T17:00:00")));
    centre.after(TimeDelta::from_seconds(1));
    assert_eq!(clock(&centre.incident(2), ClockKind::Tto).state, ClockState::Breached, "by phone means at once");
}

#[test]
fn row_02_only_a_logged_contact_stops_the_time_to_own_and_it_breaches_at_sixty_minutes() {
    let targets = "sla:\n  - {name: 标准, version: 1, tto: {within: 1h}, warnings: [50]}\n";
    let mut centre = Centre::open(&with(&format!("{targets}{}", rule("class: incident"))), "2026-02-13T10:00:00");
    centre.fire(&[("alertname", "A"), ("site", "广州")]).fire(&[("alertname", "A"), ("site", "深圳")]);
    centre.after(minutes(30));
    done(centre.on_incident("一线值班", 1, IncidentAction::Acknowledge { note: None }));
    let warned = centre.notices().into_iter().filter(|notice| notice.kind == NotificationKind::TargetWarning).count();
    assert_eq!(warned, 2, "half of the hour has run on both");
    centre.at("2026-02-13T10:59:59");
    done(centre.on_incident("一线值班", 2, contact(ContactBy::Phone)));
    assert_eq!(clock(&centre.incident(1), ClockKind::Tto).state, ClockState::Running, "acknowledged is not contacted");
    centre.at("2026-02-13T11:00:00");
    let late = clock(&centre.incident(1), ClockKind::Tto);
    assert_eq!((late.state, late.breached_at), (ClockState::Breached, Some(moment("2026-02-13T11:00:00"))));
    let said: Vec<_> = centre.timeline(1).into_iter().filter(|line| line.kind == TimelineKind::Breached).collect();
    assert!(said[0].text.contains("1h were over at 2026-02-13 11:00:00 +08:00"), "{said:?}");
    assert_eq!(clock(&centre.incident(2), ClockKind::Tto).state, ClockState::Met);
    let told: Vec<_> =
        centre.notices().into_iter().filter(|one| one.kind == NotificationKind::TargetBreached).collect();
    assert_eq!(told.iter().map(|notice| notice.subject.as_str()).collect::<Vec<_>>(), ["INC-1"]);
    // It keeps counting.
    centre.at("2026-02-13T11:30:00");
    done(centre.on_incident("一线值班", 1, contact(ContactBy::Visit)));
    assert_eq!(clock(&centre.incident(1), ClockKind::Tto).elapsed, minutes(90));
}

#[test]
fn row_03_eight_working_hours_end_where_the_vectors_say() {
    let targets = "sla:\n  - {name: 标准, version: 1, ttr: {within: 8h, calendar: office}}\n";
    let bare = DESK.replace("holidays: china", "holidays: [2026-02-15..2026-02-23]");
    let rules = |desk: &str| format!("{desk}\n{targets}{}", rule("class: incident"));
    for (desk, opened, due) in [
        (DESK, "2026-02-13T17:00:00", "2026-02-14T17:00:00"),
        (bare.as_str(), "2026-02-13T17:00:00", "2026-02-24T17:00:00"),
        (DESK, "2026-09-30T17:00:00", "2026-10-08T17:00:00"),
        (DESK, "2026-09-19T10:00:00", "2026-09-20T18:00:00"),
    ] {
        let mut centre = Centre::open(&rules(desk), opened);
        centre.fire(&[("alertname", "A"), ("site", "广州")]);
        let face = clock(&centre.incident(1), ClockKind::Ttr);
        assert_eq!((face.state, face.deadline), (ClockState::Running, Some(moment(due))), "from {opened}");
        centre.until(moment(due));
        let face = clock(&centre.incident(1), ClockKind::Ttr);
        assert_eq!((face.breached_at, face.elapsed), (Some(moment(due)), TimeDelta::from_hours(8)), "from {opened}");
    }
}

#[test]
fn row_03_pauses_stop_the_time_to_resolve_as_the_target_says() {
    let targets = "sla:\n  - {name: 标准, version: 1, tto: {within: 1h}, ttr: {within: 4h}, pauses: [customer]}\n";
    let mut centre = Centre::open(&with(&format!("{targets}{}", rule("class: incident"))), "2026-02-13T10:00:00");
    centre.fire(&[("alertname", "A"), ("site", "广州")]);
    let pend = |on| IncidentAction::Pend { on, reason: "等待".to_owned() };
    done(centre.on_incident("一线值班", 1, IncidentAction::Acknowledge { note: None }));
    centre.at("2026-02-13T11:00:00");
    done(centre.on_incident("一线值班", 1, pend(PendingOn::Customer)));
    let face = clock(&centre.incident(1), ClockKind::Ttr);
    assert_eq!((face.state, face.deadline), (ClockState::Paused, None));
    centre.at("2026-02-13T15:00:00");
    done(centre.on_incident("一线值班", 1, IncidentAction::Resume));
    done(centre.on_incident("一线值班", 1, pend(PendingOn::Vendor)));
    let face = clock(&centre.incident(1), ClockKind::Ttr);
    assert_eq!((face.state, face.deadline), (ClockState::Running, Some(moment("2026-02-13T18:00:00"))));
}

#[test]
fn row_04_who_was_late_says_why_and_the_reasons_are_ranked() {
    let targets = "sla:\n  - {name: 标准, version: 1, ttr: {within: 1h}}\n";
    let mut centre = Centre::open(&with(&format!("{targets}{}", rule("class: incident"))), "2026-02-13T10:00:00");
    for site in ["广州", "深圳", "珠海", "佛山"] {
        centre.fire(&[("alertname", "A"), ("site", site)]);
    }
    done(centre.on_incident("一线值班", 4, resolve()));
    centre.after(minutes(61));
    assert!(refused(centre.on_incident("一线值班", 1, resolve())).contains("breach_reason"));
    assert_eq!(centre.incident(1).state, IncidentState::New, "a refusal changes nothing");
    let late = |code: &str| IncidentAction::ResolveBreached {
        resolution: "已更换电源".to_owned(),
        reason: BreachReason { code: code.to_owned(), text: "备件缺货两天".to_owned() },
    };
    assert!(refused(centre.on_incident("一线值班", 1, late("weather"))).contains("spare_part"));
    for (id, code) in [(1, "vendor"), (2, "spare_part"), (3, "spare_part")] {
        done(centre.on_incident("一线值班", id, late(code)));
    }
    assert_eq!(centre.incident(2).breach_reason.map(|reason| reason.text), Some("备件缺货两天".to_owned()));
    assert!(
        refused(centre.on_incident(
            "一线值班",
            4,
            IncidentAction::ExplainBreach {
                reason: BreachReason { code: "vendor".to_owned(), text: "并没有".to_owned() }
            }
        ))
        .contains("no promise")
    );
    let cases: Vec<IncidentOutcome> = centre.incidents().values().map(IncidentOutcome::from).collect();
    let ranked = ranked_reasons(&cases, moment("2026-02-01T00:00:00"), moment("2026-03-01T00:00:00"));
    assert_eq!(ranked, [("spare_part".to_owned(), 2), ("vendor".to_owned(), 1)]);
}

#[test]
fn row_04_what_ended_by_itself_too_late_is_not_closed_without_a_reason() {
    let targets = "sla:\n  - {name: 标准, version: 1, ttr: {within: 1h}}\n";
    let rules = with(&format!("{targets}{}", rule("class: incident, close_after: 1h")));
    let mut centre = Centre::open(&rules, "2026-02-13T10:00:00");
    let alert = [("alertname", "A"), ("site", "广州")];
    centre.fire(&alert).after(minutes(90)).clear(&alert).after(minutes(120));
    assert_eq!(centre.incident(1).state, IncidentState::Resolved, "an hour later it would have been closed");
    let close = IncidentAction::Close { note: None };
    assert!(refused(centre.on_incident("一线值班", 1, close.clone())).contains("breach_reason"));
    let reason = BreachReason { code: "capacity".to_owned(), text: "夜班只有一人".to_owned() };
    done(centre.on_incident("一线值班", 1, IncidentAction::ExplainBreach { reason }));
    done(centre.on_incident("一线值班", 1, close));
    assert_eq!(centre.incident(1).state, IncidentState::Closed);
}

/// Whatever ends a late incident, somebody says why; and the promise of what is merged goes on in the survivor.
#[test]
fn row_04_cancelling_or_merging_escapes_no_promise() {
    let targets = "sla:\n  - {name: 标准, version: 1, match: 'site!=\"汕头\"', tto: {within: 3h}, ttr: {within: 1h}}\n";
    let rules = with(&format!("{targets}{}", rule("class: incident, group: false")));
    let mut centre = Centre::open(&rules, "2026-02-13T10:00:00");
    let fire = |centre: &mut Centre, site: &str| {
        centre.fire(&[("alertname", "A"), ("site", site)]);
    };
    let explain = |code: &str| IncidentAction::ExplainBreach {
        reason: BreachReason { code: code.to_owned(), text: "备件缺货两天".to_owned() },
    };
    let merge = |into: u64| IncidentAction::Merge { into: IncidentId(into) };
    let cancel = || IncidentAction::Cancel { reason: "误报".to_owned() };
    ["广州", "深圳"].into_iter().for_each(|site| fire(&mut centre, site));
    fire(&mut centre, "佛山");
    centre.at("2026-02-13T10:40:00");
    // 汕头 is promised nothing.
    ["珠海", "汕头", "韶关"].into_iter().for_each(|site| fire(&mut centre, site));

    // Before it is late: the survivor inherits the sooner deadline, or the only one.
    done(centre.on_incident("一线值班", 4, contact(ContactBy::Phone)));
    done(centre.on_incident("一线值班", 3, merge(4)));
    let met = Effect::Count(Metric::Target { clock: ClockKind::Tto, outcome: TargetOutcome::Met });
    assert_eq!(clock(&centre.incident(4), ClockKind::Tto).state, ClockState::Met, "who was told was told of both");
    assert_eq!(centre.effects.iter().filter(|(_, effect)| *effect == met).count(), 1);
    assert_eq!(clock(&centre.incident(4), ClockKind::Ttr).deadline, Some(moment("2026-02-13T11:00:00")));
    done(centre.on_incident("一线值班", 6, merge(5)));
    assert_eq!(clock(&centre.incident(5), ClockKind::Ttr).deadline, Some(moment("2026-02-13T11:40:00")));
    centre.at("2026-02-13T11:10:00");
    assert!(centre.incident(4).breached && !centre.incident(5).breached);
    assert!(refused(centre.on_incident("一线值班", 4, resolve())).contains("breach_reason"));

    // Late: cancelled and merged only with a reason.
    assert!(refused(centre.on_incident("一线值班", 1, cancel())).contains("cannot cancel INC-1: it was late"));
    assert_eq!(centre.incident(1).state, IncidentState::New);
    done(centre.on_incident("一线值班", 1, explain("capacity")));
    done(centre.on_incident("一线值班", 1, cancel()));
    assert_eq!(centre.incident(1).state, IncidentState::Cancelled);
    assert!(refused(centre.on_incident("一线值班", 2, merge(5))).contains("cannot merge INC-2: it was late"));
    done(centre.on_incident("一线值班", 2, explain("spare_part")));
    done(centre.on_incident("一线值班", 2, merge(5)));
    // The survivor is late by it, for the reason given, and is resolved without another.
    let survivor = centre.incident(5);
    assert_eq!(clock(&survivor, ClockKind::Ttr).breached_at, Some(moment("2026-02-13T11:00:00")));
    assert!(survivor.breached);
    assert_eq!(survivor.breach_reason.as_ref().map(|reason| reason.code.as_str()), Some("spare_part"));
    let told = |kind: TimelineKind| centre.timeline(5).into_iter().filter(|line| line.kind == kind).count();
    assert_eq!((told(TimelineKind::Breached), told(TimelineKind::BreachExplained)), (1, 1));
    done(centre.on_incident("一线值班", 5, resolve()));

    // What is late itself is not excused by the reason of another.
    fire(&mut centre, "江门");
    fire(&mut centre, "茂名");
    centre.after(minutes(61));
    done(centre.on_incident("一线值班", 7, explain("vendor")));
    done(centre.on_incident("一线值班", 7, merge(8)));
    assert!(refused(centre.on_incident("一线值班", 8, resolve())).contains("breach_reason"));
}

#[test]
fn row_13_a_rule_without_a_class_fails_the_lint() {
    let found = |said: &str| {
        let texts = vec![RuleText { path: "rules.yaml".to_owned(), text: with(&rule(said)) }];
        let report = report(&load(texts).unwrap(), 1_000, moment("2026-02-13T00:00:00"));
        report.of_kind(FindingKind::Unclassified).map(|one| one.message.clone()).collect::<Vec<_>>()
    };
    assert_eq!(found("paging: true"), ["rule \"故障\" has no class"]);
    for class in Class::ALL {
        assert_eq!(found(&format!("class: {class}")), Vec::<String>::new());
        let mut centre = Centre::open(&with(&rule(&format!("class: {class}"))), "2026-02-13T10:00:00");
        centre.fire(&[("alertname", "A"), ("site", "广州")]);
        assert_eq!(centre.incident(1).class, class);
        assert!(centre.effects.iter().any(|(_, one)| *one == Effect::Count(Metric::Classified { class })));
    }
}

#[test]
fn row_15_what_no_catalogue_offers_is_counted_and_promised_nothing() {
    let targets = "sla:\n  - {name: 标准, version: 1, tto: {within: 1h}}\n";
    let rules = with(&format!("{targets}{}", rule("class: request, out_of_catalogue: true")));
    let mut centre = Centre::open(&rules, "2026-02-13T10:00:00");
    centre.fire(&[("alertname", "修私人手机"), ("site", "广州")]).after(minutes(120));
    let incident = centre.incident(1);
    assert!(incident.out_of_catalogue && incident.clocks.is_empty(), "{:?}", incident.clocks);
    let counted = centre.effects.iter().filter(|(_, one)| *one == Effect::Count(Metric::OutOfCatalogue)).count();
    assert_eq!(counted, 1);
    assert_eq!(kept(&centre, "2026-02-01T00:00:00", "2026-03-01T00:00:00"), []);
}

const LEDGER: &str = r#"
outages:
  - {name: 平台中断, match: 'customer="省局"', a_year: 72h, zone: Asia/Shanghai, warn_at: [50, 100]}
rules:
  - {name: burn, class: incident, match: '@source="watchfire"', by: [budget], notify_delay: 0s, title: "{summary}"}
  - {name: down, class: incident, by: [node], notify_delay: 0s, resolve_after: 0s, outage: {service: 业务平台, party: provider}}
"#;

fn used(centre: &Centre, year: i16) -> BudgetUse {
    let outages: Vec<Outage> = centre.incidents().into_values().flat_map(|incident| incident.outages).collect();
    let budget = &centre.engine().rulebook().outage_budgets[0];
    BudgetUse::of(budget, outages.iter(), year, centre.now()).unwrap()
}

#[test]
fn row_27_overlapping_outages_count_once_against_72_hours_and_burning_them_alerts() {
    let mut centre = Centre::open(&with(LEDGER), "2026-03-01T00:00:00");
    let node = |node| [("alertname", "PlatformDown"), ("customer", "省局"), ("node", node)];
    centre.fire(&node("甲")).at("2026-03-02T00:00:00").fire(&node("乙"));
    centre.at("2026-03-02T11:59:59");
    let burning = |centre: &Centre| {
        let of = |incident: &Incident| (incident.rule == "burn").then(|| (incident.severity, incident.title.clone()));
        centre.incidents().values().find_map(of)
    };
    let early = burning(&centre).expect("three weeks' pace is far above a year's").1;
    assert!(early.contains("will not last the year"), "{early}");
    centre.at("2026-03-02T12:00:00").clear(&node("甲"));
    centre.at("2026-03-04T00:00:00").clear(&node("乙"));
    let used_up = used(&centre, 2026);
    assert_eq!(used_up.used, TimeDelta::from_hours(72), "36 h and 48 h overlap by 12 h");
    assert_eq!(format!("{:.3}", used_up.availability), "99.178");
    assert_eq!(burning(&centre).map(|(severity, _)| severity.as_str()), Some("critical"));
    // Neither a mistyped year nor what is still to come burns any of it.
    for (from, words) in [("2025-01-01T00:00:00", "before its first alert"), ("2027-01-01T00:00:00", "in the future")] {
        let asked = Outage {
            customer: String::new(),
            service: "业务平台".to_owned(),
            party: CauseParty::Provider,
            from: moment(from),
            to: None,
        };
        let reason = refused(centre.on_incident("流程经理", 1, IncidentAction::Outage { outage: asked }));
        assert!(reason.contains(words), "{from}: {reason}");
    }
    // What was the customer's own doing is no outage of ours.
    let by_customer = Outage {
        customer: "省局".to_owned(),
        service: "业务平台".to_owned(),
        party: CauseParty::Customer,
        from: moment("2026-03-02T00:00:00"),
        to: Some(moment("2026-03-04T00:00:00")),
    };
    let second = centre.incidents().into_values().find(|one| one.key.get("node") == Some("乙")).unwrap().id.0;
    done(centre.on_incident("流程经理", second, IncidentAction::Outage { outage: by_customer }));
    assert_eq!(used(&centre, 2026).used, TimeDelta::from_hours(36));
    assert_eq!(used(&centre, 2025).used, TimeDelta::ZERO);
}

#[test]
fn row_28_a_request_is_answered_within_an_hour_at_any_hour() {
    let targets = "sla:\n  - {name: 咨询, version: 1, class: request, tto: {within: 1h, calendar: always}}\n";
    for (class, promised) in [("request", 1), ("incident", 0)] {
        let rules = with(&format!("{targets}{}", rule(&format!("class: {class}"))));
        let mut centre = Centre::open(&rules, "2026-02-15T02:30:00");
        centre.fire(&[("alertname", "怎么申请账号"), ("site", "广州")]);
        assert_eq!(centre.incident(1).clocks.len(), promised, "{class}");
    }
    let rules = with(&format!("{targets}{}", rule("class: request")));
    let mut centre = Centre::open(&rules, "2026-02-15T02:30:00");
    centre.fire(&[("alertname", "怎么申请账号"), ("site", "广州")]).at("2026-02-15T03:30:00");
    let face = clock(&centre.incident(1), ClockKind::Tto);
    assert_eq!(face.breached_at, Some(moment("2026-02-15T03:30:00")), "a holiday's night counts");
}

#[test]
fn row_32_the_same_event_is_more_urgent_at_ten_than_at_twenty_two() {
    let said = "class: incident, impact: high, urgency: high, hours: office, out_of_hours_urgency: low";
    for (at, priority, why) in [
        ("2026-02-13T10:00:00", "P1", "impact high × urgency high, within office"),
        ("2026-02-13T22:00:00", "P3", "impact high × urgency low, outside office"),
    ] {
        let mut centre = Centre::open(&with(&rule(said)), at);
        centre.fire(&[("alertname", "A"), ("site", "广州")]);
        let incident = centre.incident(1);
        assert_eq!((incident.priority.as_str(), incident.priority_reason.as_str()), (priority, why));
    }
    let mut centre = Centre::open(&with(&rule(&format!("{said}, priority: P2"))), "2026-02-13T22:00:00");
    centre.fire(&[("alertname", "A"), ("site", "广州")]);
    assert_eq!(centre.incident(1).priority_reason, "rule 故障 says so");
    let half = mistakes(&with(&rule("impact: high, hours: office")));
    assert_eq!(half.len(), 2, "{half:?}");
}

const VERSIONS: &str = r#"
sla:
  - {name: 标准, version: 1, until: "2026-01-01T00:00:00+08:00", priority: [P1, P2], ttr: {within: 8h}}
  - name: 标准
    version: 2
    from: "2026-01-01T00:00:00+08:00"
    justification: 上一年达不到，改为 12 小时
    priority: [P1, P2]
    ttr: {within: 12h}
"#;

#[test]
fn row_43_an_incident_keeps_the_version_under_which_it_opened() {
    let rules = with(&format!("{VERSIONS}{}", rule("class: incident")));
    let mut centre = Centre::open(&rules, "2025-12-31T23:00:00");
    centre.fire(&[("alertname", "A"), ("site", "广州"), ("severity", "major")]).at("2026-01-01T01:00:00");
    centre.fire(&[("alertname", "A"), ("site", "深圳"), ("severity", "major")]);
    // More urgent in the new year: still the old version, and what has run stays.
    centre.fire(&[("alertname", "B"), ("site", "广州"), ("severity", "critical")]);
    assert_eq!(centre.incident(1).priority.as_str(), "P1");
    let versions = [1, 2].map(|id| {
        let face = clock(&centre.incident(id), ClockKind::Ttr);
        (face.version, face.limit, face.elapsed)
    });
    assert_eq!(
        versions,
        [(1, TimeDelta::from_hours(8), TimeDelta::from_hours(2)), (2, TimeDelta::from_hours(12), TimeDelta::ZERO)]
    );
    let both = mistakes(&with(&VERSIONS.replace("until: \"2026-01-01T00:00:00+08:00\", ", "")));
    assert!(both[0].contains("versions 1 and 2 are in effect together"), "{both:?}");
}

#[test]
fn row_44_every_item_has_its_indicators_and_the_reopen_rate_is_correctness() {
    let targets = "sla:\n  - {name: 标准, version: 1, tto: {within: 1h}, ttr: {within: 8h}, indicators: [{name: 正确性, measure: reopened, at_most: 25}]}\n";
    let mut centre = Centre::open(&with(&format!("{targets}{}", rule("class: incident"))), "2026-02-13T10:00:00");
    for (id, site) in (1..).zip(["广州", "深圳", "珠海", "佛山"]) {
        centre.fire(&[("alertname", "A"), ("site", site)]);
        done(centre.on_incident("一线值班", id, contact(ContactBy::Phone)));
        done(centre.on_incident("一线值班", id, resolve()));
    }
    done(centre.on_incident("一线值班", 2, IncidentAction::Reopen { reason: "又断了".to_owned() }));
    centre.fire(&[("alertname", "A"), ("site", "东莞")]);
    let kept = kept(&centre, "2026-02-01T00:00:00", "2026-03-01T00:00:00");
    assert_eq!(figure(&kept, ("标准", 1), "正确性"), (1, 4, Some(true)));
    assert_eq!(figure(&kept, ("标准", 1), "response"), (4, 4, None));
    assert_eq!(figure(&kept, ("标准", 1), "resolution"), (3, 3, None), "the reopened one runs again");
    assert_eq!(figure(&kept, ("标准", 1), "first_fix"), (3, 4, None));
}

#[test]
fn row_50_pickup_on_site_and_first_fix_are_exact_to_the_fixture() {
    let targets = r#"
sla:
  - name: 热线标准
    version: 1
    ttr: {within: 2d}
    indicators:
      - {name: 接起, measure: contact, by: phone, within: 20s, at_least: 90}
      - {name: 到场, measure: contact, by: visit, within: 4h, at_least: 100}
      - {name: 首次解决, measure: first_fix, at_least: 70}
"#;
    let mut centre = Centre::open(&with(&format!("{targets}{}", rule("class: incident"))), "2026-02-13T10:00:00");
    let sites: Vec<String> = (1..=10).map(|number| format!("站点{number}")).collect();
    for site in &sites {
        centre.fire(&[("alertname", "A"), ("site", site.as_str())]);
    }
    centre.after(TimeDelta::from_seconds(20));
    (1..=9).for_each(|id| done(centre.on_incident("一线值班", id, contact(ContactBy::Phone))));
    centre.after(TimeDelta::from_seconds(1));
    done(centre.on_incident("一线值班", 10, contact(ContactBy::Phone)));
    centre.at("2026-02-13T14:00:00");
    [1, 2].into_iter().for_each(|id| done(centre.on_incident("现场工程师", id, contact(ContactBy::Visit))));
    centre.after(TimeDelta::from_seconds(1));
    done(centre.on_incident("现场工程师", 3, contact(ContactBy::Visit)));
    (1..=10).for_each(|id| done(centre.on_incident("一线值班", id, resolve())));
    let kept = kept(&centre, "2026-02-01T00:00:00", "2026-03-01T00:00:00");
    assert_eq!(figure(&kept, ("热线标准", 1), "接起"), (9, 10, Some(true)));
    assert_eq!(figure(&kept, ("热线标准", 1), "到场"), (2, 3, Some(false)));
    assert_eq!(figure(&kept, ("热线标准", 1), "首次解决"), (7, 10, Some(true)));
}

#[test]
fn row_51_two_customers_have_two_deadlines_for_the_same_incident() {
    let targets = r#"
sla:
  - {name: 驻场, version: 1, match: 'customer="交警支队"', ttr: {within: 30m}, indicators: [{name: 首次上门, measure: first_fix, at_least: 85}]}
  - {name: 标准, version: 1, ttr: {within: 4h}}
"#;
    let mut centre = Centre::open(&with(&format!("{targets}{}", rule("class: incident"))), "2026-02-13T10:00:00");
    centre.fire(&[("alertname", "A"), ("site", "甲"), ("customer", "交警支队")]);
    centre.fire(&[("alertname", "A"), ("site", "乙"), ("customer", "省局")]);
    let deadlines = [1, 2].map(|id| clock(&centre.incident(id), ClockKind::Ttr).deadline);
    assert_eq!(deadlines, [Some(moment("2026-02-13T10:30:00")), Some(moment("2026-02-13T14:00:00"))]);
}

#[test]
fn row_71_on_trial_clocks_run_and_nobody_is_told() {
    let targets = "sla:\n  - {name: 试运行, version: 1, shadow: true, tto: {within: 1h}, ttr: {within: 2h}}\n";
    let mut centre = Centre::open(&with(&format!("{targets}{}", rule("class: incident"))), "2026-02-13T10:00:00");
    centre.fire(&[("alertname", "A"), ("site", "广州")]);
    done(centre.on_incident("一线值班", 1, IncidentAction::Acknowledge { note: None }));
    let before = centre.notices().len();
    centre.after(minutes(150));
    let face = clock(&centre.incident(1), ClockKind::Ttr);
    assert!(face.shadow && face.state == ClockState::Breached && face.elapsed == minutes(120), "{face:?}");
    assert_eq!(centre.notices().len(), before, "{:?}", centre.notices().last());
    assert!(!centre.incident(1).breached);
    done(centre.on_incident("一线值班", 1, resolve()));
    let face = clock(&centre.incident(1), ClockKind::Ttr);
    assert_eq!(face.elapsed, minutes(150), "it counted on after the breach");
    let kept = kept(&centre, "2026-02-01T00:00:00", "2026-03-01T00:00:00");
    assert!(kept[0].shadow);
    assert_eq!(figure(&kept, ("试运行", 1), "resolution"), (0, 1, None));
}

#[test]
fn row_74_a_monday_is_promised_something_else_than_a_friday() {
    let weekdays = r#"  - {name: 周一, zone: Asia/Shanghai, weekly: {mon: "00:00-24:00"}}
  - {name: 周五下午, zone: Asia/Shanghai, weekly: {fri: "12:00-24:00"}}
sla:
  - {name: 周一标准, version: 1, during: 周一, ttr: {within: 2h}}
  - {name: 周五标准, version: 1, during: 周五下午, ttr: {within: 6h}}
  - {name: 平日标准, version: 1, ttr: {within: 4h}}
"#;
    for (opened, name, hours) in [
        ("2026-03-09T10:00:00", "周一标准", 2),
        ("2026-03-13T11:59:59", "平日标准", 4),
        ("2026-03-13T12:00:00", "周五标准", 6),
    ] {
        let mut centre = Centre::open(&format!("{DESK}{weekdays}{}", rule("class: incident")), opened);
        centre.fire(&[("alertname", "A"), ("site", "广州")]);
        let face = clock(&centre.incident(1), ClockKind::Ttr);
        assert_eq!((face.target.as_str(), face.limit), (name, TimeDelta::from_hours(hours)), "{opened}");
    }
}

#[test]
fn row_75_tiers_that_together_take_longer_than_was_promised_fail_the_lint() {
    let ladder = |first: &str, second: &str| {
        format!(
            "teams:\n  - {{name: 一线, members: [值班]}}\ntiers:\n  - name: default\n    steps:\n      - {{tier: 1, team: 一线, respond_by: 10m, resolve_by: {first}}}\n      - {{tier: 2, team: 一线, respond_by: 10m, resolve_by: {second}}}\nsla:\n  - {{name: 标准, version: 1, priority: P2, ttr: {{within: 8h}}}}\n"
        )
    };
    let found = |tiers: String, said: &str| {
        let texts = vec![RuleText { path: "rules.yaml".to_owned(), text: format!("{tiers}{}", rule(said)) }];
        let report = report(&load(texts).unwrap(), 1_000, moment("2026-02-13T00:00:00"));
        report.of_kind(FindingKind::BeyondTarget).map(|one| one.message.clone()).collect::<Vec<_>>()
    };
    assert_eq!(found(ladder("2h", "6h"), "class: incident, priority: P2"), Vec::<String>::new());
    let slow = found(ladder("2h", "7h"), "class: incident, priority: P2");
    assert!(slow.len() == 1 && slow[0].contains("take 9h together, target \"标准\" promises 8h"), "{slow:?}");
    assert_eq!(found(ladder("2h", "7h"), "class: incident, priority: P3"), Vec::<String>::new());
}

#[test]
fn row_77_a_revised_target_leaves_the_old_figures_as_they_were() {
    let old =
        with(&format!("{}{}", VERSIONS.split("  - name: 标准").next().unwrap(), rule("class: incident, priority: P2")));
    let new = with(&format!("{VERSIONS}{}", rule("class: incident, priority: P2")));
    let mut centre = Centre::open(&old, "2025-12-30T00:00:00");
    centre.fire(&[("alertname", "A"), ("site", "广州")]).after(TimeDelta::from_hours(9));
    let (year, next) = ("2025-01-01T00:00:00", "2026-01-01T00:00:00");
    let before = kept(&centre, year, next);
    assert_eq!(figure(&before, ("标准", 1), "resolution"), (0, 1, None));
    centre.at("2026-01-02T00:00:00").reload(&new);
    centre.fire(&[("alertname", "A"), ("site", "深圳")]).after(TimeDelta::from_hours(9));
    done(centre.on_incident("一线值班", 2, resolve()));
    assert_eq!(kept(&centre, year, next), before);
    assert_eq!(figure(&kept(&centre, next, "2027-01-01T00:00:00"), ("标准", 2), "resolution"), (1, 1, None));
    let revised = &centre.engine().rulebook().targets[1];
    assert_eq!(revised.because, "上一年达不到，改为 12 小时");
}
