//! How people are told: persons by their own rules, digests under a storm, and what the timeline says of it.

use serde_json::Value;
use watchfire::core::engine::{DeliveryOutcome, IncidentAction, Notification, NotificationKind, Unreached};
use watchfire::core::incidents::TimelineKind;

use super::centre::{Centre, minutes};

/// A page each minute goes to one chat; its first line has a team of three persons.
const DESK: &str = r#"
people:
  - name: 张三
    language: zh
    notify:
      - {by: {email: {to: [zhang@noc.example]}}, priorities: [P1, P2]}
      - {by: {wecom: {url: "https://qyapi.example/send?key={secret:zhang}"}}, after: 7m}
  - name: 李四
    notify:
      - {by: {slack: {url: "https://hooks.example/{secret:li}"}}, priorities: [P3]}
  - {name: 王五}
teams:
  - name: first
    title: 一线值班
    members: [张三, 李四, 王五, 无名]
    notify:
      - webhook: {url: "https://chat.example/noc"}
  - {name: second, members: [专家]}
tiers:
  - name: default
    steps:
      - {tier: 1, team: first, respond_by: 30m, page_every: 5m, resolve_by: 4h}
      - {tier: 2, team: second, respond_by: 1h}
rules:
  - {name: link, match: alertname="LinkDown", by: [site], title: "{site} 链路中断", notify_delay: 0s, priority: P2, resolve_after: 0s}
  - {name: slow, match: alertname="Slow", by: [site], title: "{site} 慢", notify_delay: 0s, priority: P3, resolve_after: 0s}
"#;

const LINK: &[(&str, &str)] = &[("alertname", "LinkDown"), ("site", "广州01")];

/// To whom, by which kind of channel, and why.
fn told(notices: &[Notification]) -> Vec<(String, &'static str, NotificationKind)> {
    let who = |notice: &Notification| notice.person.clone().unwrap_or_else(|| notice.team.clone());
    notices.iter().map(|notice| (who(notice), notice.channel.kind(), notice.kind)).collect()
}

fn check(notices: &[Notification], expected: &[(&str, &'static str, NotificationKind)]) {
    let expected: Vec<_> = expected.iter().map(|(who, by, kind)| ((*who).to_owned(), *by, *kind)).collect();
    assert_eq!(told(notices), expected);
}

fn paged_lines(centre: &Centre, id: u64) -> Vec<String> {
    let lines = centre.timeline(id).into_iter().filter(|line| line.kind == TimelineKind::Paged);
    lines.map(|line| line.text).collect()
}

fn acknowledge() -> IncidentAction {
    IncidentAction::Acknowledge { note: None }
}

#[test]
fn each_person_of_the_team_is_told_by_their_own_rules() {
    use NotificationKind::{Page, PageAgain, Resolved};
    let mut centre = Centre::open(DESK, "2026-02-13T17:00:00");
    centre.fire(LINK).after(minutes(0));
    check(&centre.notices(), &[("first", "webhook", Page), ("张三", "email", Page)]);
    assert_eq!(centre.notices()[1].title, "[P2 一线] INC-1 广州01 链路中断");
    assert_eq!(paged_lines(&centre, 1), ["first at tier 1: first page (1 channel(s), 张三)"]);

    let before = centre.notices().len();
    centre.after(minutes(8));
    let again = [("first", "webhook", PageAgain), ("张三", "email", PageAgain), ("张三", "wecom", Page)];
    check(&centre.notices()[before..], &again);
    assert_eq!(paged_lines(&centre, 1).last().unwrap(), "张三: nobody acknowledged within 7m (wecom)");

    let before = centre.notices().len();
    centre.clear(LINK).after(minutes(1));
    let over = [("first", "webhook", Resolved), ("张三", "email", Resolved), ("张三", "wecom", Resolved)];
    check(&centre.notices()[before..], &over);
}

#[test]
fn an_acknowledgement_calls_off_what_was_to_be_told_later() {
    let mut centre = Centre::open(DESK, "2026-02-13T17:00:00");
    centre.fire(LINK).after(minutes(6));
    centre.on_incident("李四", 1, acknowledge());
    centre.after(minutes(60));
    assert!(centre.notices().iter().all(|notice| notice.channel.kind() != "wecom"), "{:?}", told(&centre.notices()));
}

#[test]
fn who_has_it_is_told_and_the_rest_of_the_team_is_not() {
    use NotificationKind::Page;
    let mut centre = Centre::open(DESK, "2026-02-13T17:00:00");
    centre.fire(&[("alertname", "Slow"), ("site", "广州01")]).after(minutes(0));
    check(&centre.notices(), &[("first", "webhook", Page), ("李四", "slack", Page)]);
    let mut centre = Centre::open(DESK, "2026-02-13T17:00:00");
    centre.fire(&[("alertname", "Slow"), ("site", "广州01")]);
    centre.on_incident("值班长", 1, IncidentAction::Assign { assignee: "张三".to_owned() });
    let before = centre.notices().len();
    centre.after(minutes(8));
    // Zhang has no way for P3 at once, and one for later, which counts from the page that came to him.
    check(&centre.notices()[before..], &[("first", "webhook", NotificationKind::PageAgain), ("张三", "wecom", Page)]);
}

#[test]
fn a_person_is_told_only_while_their_calendar_is_open() {
    let rules = DESK.replace("priorities: [P1, P2]}", "priorities: [P1, P2], calendar: office}");
    let rules = rules.replace("after: 7m}", "after: 7m, calendar: office}");
    let office = "calendars:\n  - {name: office, zone: Asia/Shanghai, weekly: {mon-fri: [\"09:00-18:00\"]}}\n";
    let rules = format!("{office}{rules}");
    // Friday, at work; then in the evening; then at work, but the call comes after hours.
    for (at, expected) in [
        ("2026-03-13T10:00:00", &["email", "wecom"] as &[&str]),
        ("2026-03-13T20:00:00", &[]),
        ("2026-03-13T17:55:00", &["email"]),
    ] {
        let mut centre = Centre::open(&rules, at);
        centre.fire(LINK).after(minutes(7));
        let mut ways: Vec<&str> =
            centre.notices().iter().filter(|one| one.person.is_some()).map(|one| one.channel.kind()).collect();
        ways.dedup();
        assert_eq!(ways, expected, "{at}");
    }
}

#[test]
fn what_is_held_back_or_clear_calls_nobody() {
    let mut centre = Centre::open(DESK, "2026-02-13T17:00:00");
    let rules = DESK.replace("resolve_after: 0s}", "resolve_after: 20m}");
    centre.reload(&rules);
    centre.fire(LINK).after(minutes(6));
    centre.clear(LINK).after(minutes(5));
    assert!(centre.notices().iter().all(|notice| notice.channel.kind() != "wecom"));
    assert_eq!(paged_lines(&centre, 1).last().unwrap(), "张三 was to be told now, but it is clear");
}

/// A chat that bears three notices in five minutes.
const STORM: &str = r#"
teams:
  - name: first
    title: 一线值班
    members: [一线值班]
    language: zh
    digest: {above: 3, within: 5m, every: 2m}
    notify:
      - wecom: {url: "https://qyapi.example/send?key={secret:noc}"}
tiers:
  - name: default
    steps:
      - {tier: 1, team: first, respond_by: 12h, page_every: 4h}
rules:
  - {name: fire, match: alertname="Fire", by: [site], title: "{site} 火警", notify_delay: 0s, priority: P1, severity: critical}
  - {name: link, match: alertname="LinkDown", by: [site], title: "{site} 链路中断", notify_delay: 0s, priority: P3, severity: major, resolve_after: 0s}
"#;

fn link(site: &str) -> [(&'static str, String); 2] {
    [("alertname", "LinkDown".to_owned()), ("site", site.to_owned())]
}

fn fire(centre: &mut Centre, alertname: &str, site: &str) {
    centre.fire(&[("alertname", alertname), ("site", site)]).after(minutes(0));
}

#[test]
fn a_storm_is_told_in_digests_that_lose_nothing_and_p1_goes_alone() {
    let mut centre = Centre::open(STORM, "2026-02-13T17:00:00");
    for number in 1..=20 {
        fire(&mut centre, "LinkDown", &format!("广州{number:02}"));
    }
    assert_eq!(centre.notices().len(), 3, "three alone, the rest is gathered");
    fire(&mut centre, "Fire", "机房");
    assert_eq!(centre.notices().len(), 4, "P1 never waits");
    let [name, site] = link("广州09");
    centre.clear(&[(name.0, &name.1), (site.0, &site.1)]);
    centre.after(minutes(2));
    let digest = centre.notices().pop().unwrap();
    assert_eq!((digest.kind, digest.subject.as_str(), centre.notices().len()), (NotificationKind::Digest, "DIG-1", 5));
    assert_eq!(digest.title, "[汇总] DIG-1 first 共 17 个故障:重要 17;其中 1 个已结束");
    let body: Value = serde_json::from_str(&digest.body).unwrap();
    assert_eq!((&body["incidents"], &body["over"], &body["more"]), (&17.into(), &1.into(), &7.into()));
    assert_eq!(body["by_severity"]["major"], 17);
    assert_eq!(body["worst"].as_array().unwrap().len(), 10);
    assert_eq!(body["worst"][0]["title"], "广州04 链路中断");

    for id in 4..=20 {
        let last = paged_lines(&centre, id).pop().unwrap();
        assert_eq!(last, "first: told in DIG-1 with 16 more (wecom)", "INC-{id}");
        assert_eq!(centre.incident(id).digests, ["DIG-1"], "INC-{id}");
    }
    centre.delivered(&digest, 1, DeliveryOutcome::Failed { error: "系统繁忙".to_owned() });
    centre.delivered(&digest, 2, DeliveryOutcome::Delivered);
    centre.delivered(&digest, 3, DeliveryOutcome::Delivered);
    for id in 4..=20 {
        let delivered: Vec<String> = centre
            .timeline(id)
            .into_iter()
            .filter(|line| line.kind == TimelineKind::Delivered)
            .map(|line| line.text)
            .collect();
        assert_eq!(delivered, ["DIG-1 at attempt 2"], "INC-{id}");
    }
}

#[test]
fn a_channel_gathers_until_it_is_calm_and_then_tells_of_each_again() {
    let mut centre = Centre::open(STORM, "2026-02-13T17:00:00");
    for number in 1..=6 {
        fire(&mut centre, "LinkDown", &format!("广州{number:02}"));
    }
    centre.after(minutes(2));
    assert_eq!(centre.notices().last().unwrap().kind, NotificationKind::Digest);
    // Three of three came in: it goes on. One alone in a digest is told as itself, and it is calm.
    fire(&mut centre, "LinkDown", "深圳01");
    assert_eq!(centre.notices().len(), 4);
    centre.after(minutes(2));
    let alone = centre.notices().pop().unwrap();
    assert_eq!((alone.kind, alone.subject.as_str()), (NotificationKind::Page, "INC-7"));
    centre.after(minutes(10));
    fire(&mut centre, "LinkDown", "深圳02");
    assert_eq!(centre.notices().pop().unwrap().subject, "INC-8");
}

#[test]
fn machines_get_every_notice_unless_their_team_says_otherwise() {
    let rules = STORM.replace("    digest: {above: 3, within: 5m, every: 2m}\n", "");
    let to = |channel: &str| rules.replace(r#"wecom: {url: "https://qyapi.example/send?key={secret:noc}"}"#, channel);
    let count = |rules: &str| {
        let mut centre = Centre::open(rules, "2026-02-13T17:00:00");
        for number in 1..=30 {
            fire(&mut centre, "LinkDown", &format!("广州{number:02}"));
        }
        centre.notices().len()
    };
    assert_eq!(count(&rules), 10, "the chat gathers by default");
    assert_eq!(count(&to("mqtt: {topic: noc}")), 30);
    assert_eq!(count(&to("webhook: {url: \"https://hook.example/\"}")), 30);
}

#[test]
fn a_dead_letter_of_a_digest_stands_in_the_timeline_of_each_of_its_incidents() {
    let mut centre = Centre::open(STORM, "2026-02-13T17:00:00");
    for number in 1..=5 {
        fire(&mut centre, "LinkDown", &format!("广州{number:02}"));
    }
    centre.after(minutes(2));
    let digest = centre.notices().pop().unwrap();
    centre.delivered(&digest, 10, DeliveryOutcome::DeadLettered { error: "no such robot".to_owned() });
    for id in [4, 5] {
        let line = centre.timeline(id).pop().unwrap();
        assert_eq!(line.kind, TimelineKind::DeliveryFailed);
        assert_eq!(line.text, "DIG-1 given up after 10 attempts: no such robot");
    }
}

#[test]
fn a_restart_in_the_middle_of_a_storm_tells_the_same() {
    let run = |restart: bool| {
        let mut centre = Centre::open(STORM, "2026-02-13T17:00:00");
        for number in 1..=8 {
            fire(&mut centre, "LinkDown", &format!("广州{number:02}"));
        }
        if restart {
            centre.restart();
        }
        centre.after(minutes(30));
        centre.notices()
    };
    assert_eq!(run(true), run(false));
    let persons = |restart: bool| {
        let mut centre = Centre::open(DESK, "2026-02-13T17:00:00");
        centre.fire(LINK).after(minutes(3));
        if restart {
            centre.restart();
        }
        centre.after(minutes(30));
        centre.notices()
    };
    assert_eq!(persons(true), persons(false));
}

/// A page by mail that the courier gave up.
fn unreached(notice: &Notification) -> DeliveryOutcome {
    DeliveryOutcome::Unreached(Box::new(Unreached {
        error: "given up after 57 attempts: the mail server answered 451".to_owned(),
        kind: notice.kind,
        channel: notice.channel.clone(),
        person: notice.person.clone(),
    }))
}

#[test]
fn a_page_that_a_mail_did_not_carry_is_told_by_the_other_ways_once() {
    let paged = || {
        let mut centre = Centre::open(DESK, "2026-02-13T17:00:00");
        centre.fire(LINK).after(minutes(0));
        let mail = centre.notices().into_iter().find(|notice| notice.channel.kind() == "email").unwrap();
        (centre, mail)
    };
    let (mut centre, mail) = paged();
    let before = centre.notices().len();
    centre.delivered(&mail, 57, unreached(&mail));
    let told = centre.notices().split_off(before);
    let kinds: Vec<&str> = told.iter().map(|notice| notice.channel.kind()).collect();
    assert_eq!(kinds, ["webhook", "wecom"], "the team's and the person's own, but not the mail");
    assert!(
        told.iter().all(|notice| notice.kind == NotificationKind::Unreached && notice.subject == "INC-1"),
        "{told:#?}"
    );
    let line = centre.timeline(1).pop().unwrap();
    assert_eq!(
        (line.kind, line.text.as_str()),
        (TimelineKind::DeliveryFailed, "email zhang@noc.example could not be reached; told by 2 other channel(s)")
    );
    // What says so is given up in its turn, and no circle begins.
    centre.delivered(&told[0], 10, unreached(&told[0]));
    assert_eq!(centre.notices().len(), before + 2);

    let (mut centre, mail) = paged();
    centre.on_incident("张三", 1, IncidentAction::Acknowledge { note: None });
    let before = centre.notices().len();
    centre.delivered(&mail, 57, unreached(&mail));
    assert_eq!(centre.notices().len(), before, "somebody has it: nobody else needs to know");
}
