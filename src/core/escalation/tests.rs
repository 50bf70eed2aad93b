//! Escalation policies on virtual time: minutes in, events out.

use crate::core::calendar::Calendars;
use std::collections::BTreeMap;

use super::{EscalationEvent, EscalationProgress, EscalationStart, TeamAvailability};
use crate::core::model::{Priority, Tier, TimeDelta, Timestamp};
use crate::core::rules::{
    EscalationPolicy, EscalationStep, ManagerNotification, Recipient, RuleText, StopWhen, Team, load,
};

fn minute(minutes: i64) -> Timestamp {
    Timestamp::EPOCH + TimeDelta::from_minutes(minutes)
}

fn minutes(minutes: i64) -> TimeDelta {
    TimeDelta::from_minutes(minutes)
}

fn ladder() -> EscalationPolicy {
    let step = |tier, team: &str| EscalationStep::wall(tier, team, minutes(15), minutes(10), Some(minutes(120)));
    EscalationPolicy {
        name: "default".to_owned(),
        steps: vec![step(Tier::First, "一线"), step(Tier::Second, "二线"), step(Tier::Third, "三线")],
        hierarchy: Vec::new(),
    }
}

/// Notifies `whom` after so many minutes, only for these priorities.
fn told(whom: &str, after: i64, priorities: &[Priority]) -> ManagerNotification {
    ManagerNotification {
        after: minutes(after),
        priorities: priorities.to_vec(),
        told: Recipient::Person(whom.to_owned()),
        repeat: 0,
        every: minutes(after),
        stop_when: Vec::new(),
        calendar: None,
    }
}

fn teams(staffed: &[&str]) -> BTreeMap<String, Team> {
    ["一线", "二线", "三线"]
        .into_iter()
        .map(|name| {
            let members = if staffed.contains(&name) { vec!["值班".to_owned()] } else { Vec::new() };
            let team = Team { name: name.to_owned(), members, ..Team::default() };
            (name.to_owned(), team)
        })
        .collect()
}

/// `office`: open in the minutes 0 to 20 and 100 to 400.
fn calendars() -> Calendars {
    let text = r#"calendars: [{name: office, zone: UTC, dates: {1970-01-01: ["00:00-00:20", "01:40-06:40"]}}]"#;
    let file = RuleText { path: "calendars.yaml".to_owned(), text: text.to_owned() };
    load(vec![file]).unwrap().rulebook.calendars
}

#[derive(Clone, Copy)]
enum Act {
    Acknowledge,
    Pend,
    Resume,
    Hold,
    Release,
    Pause,
    Unpause,
    Clear,
    FireAgain,
    Escalate,
    HandBack,
    Priority(Priority),
    /// Nothing runs until that minute.
    Down(i64),
}

/// Runs to `until` minutes with the acts at their minutes; expects the events with the minute of each.
fn check(staffed: &[&str], acts: &[(i64, Act)], until: i64, expected: &[&str]) {
    check_ladder(&ladder(), staffed, acts, until, expected);
}

fn check_ladder(ladder: &EscalationPolicy, staffed: &[&str], acts: &[(i64, Act)], until: i64, expected: &[&str]) {
    let (teams, calendars) = (teams(staffed), calendars());
    let staffing = TeamAvailability::all(&teams, &calendars);
    let mut story = Vec::new();
    let start = EscalationStart { now: minute(0), settle: minutes(1), priority: Priority::P2, team: None };
    let (mut climb, moves) = EscalationProgress::start(ladder, &staffing, start);
    tell(&mut story, 0, moves);
    let mut up_again = 0;
    for now in 0..=until {
        for (_, act) in acts.iter().filter(|(at, _)| *at == now) {
            match *act {
                Act::Acknowledge => climb.acknowledge(minute(now), ladder, &calendars),
                Act::Pend => climb.pend(minute(now), Some(ladder)),
                Act::Resume => climb.resume(minute(now), Some(ladder), &calendars),
                Act::Hold => climb.hold(),
                Act::Pause => climb.pause(minute(now)),
                Act::Unpause => climb.unpause(minute(now), Some(ladder), &calendars),
                Act::Release => climb.release(minute(now), Some(ladder)),
                Act::Clear => climb.all_clear(),
                Act::FireAgain => climb.fires_again(minute(now), ladder),
                Act::Escalate => match climb.escalate(minute(now), ladder, &staffing) {
                    Some(moves) => tell(&mut story, now, moves),
                    None => story.push(format!("{now} nowhere to go")),
                },
                Act::HandBack => match climb.hand_back(minute(now), ladder, &staffing) {
                    Some(moves) => tell(&mut story, now, moves),
                    None => story.push(format!("{now} nowhere to go back")),
                },
                Act::Priority(priority) => climb.follow_priority(minute(now), ladder, priority),
                Act::Down(up) => up_again = up,
            }
        }
        while now >= up_again && climb.next_deadline().is_some_and(|deadline| deadline <= minute(now)) {
            let moves = climb.tick(minute(now), ladder, &staffing);
            tell(&mut story, now, moves);
        }
        assert_eq!(climb.next_deadline().is_none(), climb.unarmed().is_some(), "armed, or a reason why not");
    }
    assert_eq!(story, expected);
}

fn tell(story: &mut Vec<String>, now: i64, moves: Vec<EscalationEvent>) {
    for one in moves {
        story.push(match one {
            EscalationEvent::Page => format!("{now} page"),
            EscalationEvent::PageAgain { .. } => format!("{now} again"),
            EscalationEvent::RespondByMissed { tier } => format!("{now} respond-by missed at {tier}"),
            EscalationEvent::ResolveByMissed { tier } => format!("{now} resolve-by missed at {tier}"),
            EscalationEvent::Skipped { tier, .. } => format!("{now} skip {tier}"),
            EscalationEvent::Climbed { from, to, .. } => format!("{now} {from} to {to}"),
            EscalationEvent::HandedBack { from, to } => format!("{now} {from} back to {to}"),
            EscalationEvent::Tell { told, time, of, .. } => format!("{now} tell {told} {time}/{of}"),
        });
    }
}

const ALL: [&str; 3] = ["一线", "二线", "三线"];

#[test]
fn an_incident_nobody_touches_is_seen_at_every_tier() {
    check(
        &ALL,
        &[],
        60,
        &[
            "1 page",
            "11 again",
            "15 respond-by missed at 1",
            "15 1 to 2",
            "25 again",
            "30 respond-by missed at 2",
            "30 2 to 3",
            "40 again",
            "45 respond-by missed at 3",
            "45 again",
            "55 again",
        ],
    );
}

#[test]
fn an_acknowledged_one_stays_until_its_resolve_by() {
    check(&ALL, &[(5, Act::Acknowledge)], 100, &["1 page"]);
    check(&ALL, &[(5, Act::Acknowledge)], 125, &["1 page", "110 again", "120 resolve-by missed at 1", "120 1 to 2"]);
}

#[test]
fn an_empty_step_is_skipped_at_once() {
    check(&["三线"], &[], 5, &["0 skip 1", "0 skip 2", "1 page"]);
    check(&["一线", "三线"], &[], 16, &["1 page", "11 again", "15 respond-by missed at 1", "15 skip 2", "15 1 to 3"]);
    check(&[], &[], 60, &["0 skip 1", "0 skip 2", "0 skip 3"]);
}

#[test]
fn waiting_for_a_vendor_moves_the_times_and_a_hold_does_not() {
    check(
        &ALL,
        &[(5, Act::Acknowledge), (10, Act::Pend), (70, Act::Resume)],
        185,
        &["1 page", "170 again", "180 resolve-by missed at 1", "180 1 to 2"],
    );
    // Suppressed from minute 2 to 40: on release it is raised again at once, and escalates one page later.
    check(
        &ALL,
        &[(2, Act::Hold), (40, Act::Release)],
        52,
        &["1 page", "40 again", "50 respond-by missed at 1", "50 1 to 2"],
    );
}

#[test]
fn what_is_clear_pages_nobody_until_it_fires_again() {
    check(&ALL, &[(0, Act::Clear)], 60, &[]);
    check(&ALL, &[(3, Act::Clear), (6, Act::FireAgain)], 8, &["1 page", "6 again"]);
}

#[test]
fn a_person_hands_on_to_the_next_tier_and_not_beyond_the_last() {
    check(
        &ALL,
        &[(2, Act::Escalate), (3, Act::Escalate), (4, Act::Escalate)],
        5,
        &["1 page", "2 1 to 2", "3 2 to 3", "4 nowhere to go"],
    );
}

#[test]
fn the_last_step_stops_repeating_itself() {
    let (ladder, teams, calendars) = (ladder(), teams(&ALL), Calendars::new());
    let staffing = TeamAvailability::all(&teams, &calendars);
    let start = EscalationStart { now: minute(0), settle: TimeDelta::ZERO, priority: Priority::P1, team: None };
    let (mut climb, _) = EscalationProgress::start(&ladder, &staffing, start);
    let mut pages = 0;
    while let Some(deadline) = climb.next_deadline() {
        let moves = climb.tick(deadline, &ladder, &staffing);
        pages +=
            moves.iter().filter(|one| matches!(one, EscalationEvent::Page | EscalationEvent::PageAgain { .. })).count();
        assert!(pages < 100);
    }
    assert!(climb.unarmed().is_some());
}

#[test]
fn an_approved_change_stops_the_clocks_and_waits_overlap_only_once() {
    // Suppressed and paused from minute 5 to 35, and pending from 20 to 45: forty minutes in all, so 120 become 160.
    check(
        &["一线", "二线", "三线"],
        &[
            (2, Act::Acknowledge),
            (5, Act::Hold),
            (5, Act::Pause),
            (20, Act::Pend),
            (35, Act::Unpause),
            (45, Act::Resume),
            (46, Act::Release),
        ],
        160,
        &["1 page", "150 again", "160 resolve-by missed at 1", "160 1 to 2"],
    );
}

#[test]
fn a_team_that_cannot_act_now_is_skipped_with_the_reason() {
    let (ladder, teams, calendars) = (ladder(), teams(&["一线", "三线"]), Calendars::new());
    let closed = [("一线".to_owned(), "一线 has nobody present".to_owned())].into();
    let staffing = TeamAvailability { closed, ..TeamAvailability::all(&teams, &calendars) };
    let start = EscalationStart { now: minute(0), settle: TimeDelta::ZERO, priority: Priority::P2, team: None };
    let (climb, moves) = EscalationProgress::start(&ladder, &staffing, start);
    let reasons: Vec<String> = moves
        .into_iter()
        .map(|one| match one {
            EscalationEvent::Skipped { team, reason, .. } => format!("{team}: {reason}"),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(reasons, ["一线: 一线 has nobody present", "二线: nobody is in the team 二线"]);
    assert_eq!((climb.step, climb.team.as_str()), (2, "三线"));
}

#[test]
fn a_person_hands_back_to_the_nearest_lower_tier_and_not_below_the_first() {
    check(
        &ALL,
        &[(2, Act::Escalate), (3, Act::Escalate), (4, Act::HandBack), (5, Act::HandBack), (6, Act::HandBack)],
        7,
        &["1 page", "2 1 to 2", "3 2 to 3", "4 3 back to 2", "5 2 back to 1", "6 nowhere to go back"],
    );
    check(
        &["一线", "三线"],
        &[(2, Act::Escalate), (4, Act::HandBack)],
        5,
        &["1 page", "2 skip 2", "2 1 to 3", "4 skip 2", "4 3 back to 1"],
    );
}

/// The first step counts the office's minutes (0–20, 100–400), the others wall time.
fn office_first() -> EscalationPolicy {
    let mut ladder = ladder();
    ladder.steps[0].calendar = Some("office".to_owned());
    ladder.steps[0].respond_by = minutes(30);
    ladder
}

#[test]
fn a_step_of_working_time_waits_for_the_office_to_open() {
    // 20 minutes before it closes, 10 after it opens: no page in between.
    check_ladder(
        &office_first(),
        &ALL,
        &[],
        112,
        &["1 page", "11 again", "101 again", "110 respond-by missed at 1", "110 1 to 2"],
    );
    // Taken at 5: 120 minutes of work end at 200, and the warning comes 10 before.
    check_ladder(
        &office_first(),
        &ALL,
        &[(5, Act::Acknowledge)],
        201,
        &["1 page", "190 again", "200 resolve-by missed at 1", "200 1 to 2"],
    );
    // Pending over the night costs only the ten minutes of work that it lasted.
    check_ladder(
        &office_first(),
        &ALL,
        &[(5, Act::Acknowledge), (15, Act::Pend), (105, Act::Resume)],
        211,
        &["1 page", "200 again", "210 resolve-by missed at 1", "210 1 to 2"],
    );
    // A calendar that is gone from the rules leaves wall time.
    let mut gone = office_first();
    gone.steps[0].calendar = Some("gone".to_owned());
    check_ladder(&gone, &ALL, &[], 30, &["1 page", "11 again", "21 again", "30 respond-by missed at 1", "30 1 to 2"]);
}

fn with_managers(hierarchy: Vec<ManagerNotification>) -> EscalationPolicy {
    EscalationPolicy { hierarchy, ..ladder() }
}

#[test]
fn managers_are_told_while_the_incident_climbs_beside_them() {
    let repeated = ManagerNotification { repeat: 2, every: minutes(5), ..told("经理", 15, &[]) };
    check_ladder(
        &with_managers(vec![repeated, told("总监", 20, &[])]),
        &ALL,
        &[],
        27,
        &[
            "1 page",
            "11 again",
            "15 respond-by missed at 1",
            "15 1 to 2",
            "15 tell 经理 1/3",
            "20 tell 经理 2/3",
            "20 tell 总监 1/1",
            "25 again",
            "25 tell 经理 3/3",
        ],
    );
}

#[test]
fn telling_managers_stops_and_waits_as_its_entry_says() {
    let until = |stop| ManagerNotification { stop_when: vec![stop], ..told("经理", 12, &[]) };
    let taken = with_managers(vec![until(StopWhen::Acknowledged), told("总监", 13, &[])]);
    check_ladder(&taken, &ALL, &[(5, Act::Acknowledge)], 20, &["1 page", "13 tell 总监 1/1"]);
    let pending = with_managers(vec![until(StopWhen::Pending), told("总监", 13, &[])]);
    check_ladder(
        &pending,
        &ALL,
        &[(5, Act::Acknowledge), (6, Act::Pend), (20, Act::Resume)],
        40,
        &["1 page", "27 tell 总监 1/1"],
    );
    // While suppressed no manager is notified; after release, at once.
    let plain = with_managers(vec![told("经理", 12, &[])]);
    check_ladder(&plain, &ALL, &[(2, Act::Hold), (14, Act::Release)], 15, &["1 page", "14 again", "14 tell 经理 1/1"]);
}

#[test]
fn managers_are_told_of_their_priorities_only_and_when_it_rises_at_once() {
    let ladder = with_managers(vec![told("总监", 5, &[Priority::P1])]);
    check_ladder(&ladder, &ALL, &[], 9, &["1 page"]);
    check_ladder(&ladder, &ALL, &[(8, Act::Priority(Priority::P1))], 9, &["1 page", "8 tell 总监 1/1"]);
    check_ladder(&ladder, &ALL, &[(2, Act::Priority(Priority::P1))], 9, &["1 page", "5 tell 总监 1/1"]);
}

#[test]
fn hours_of_downtime_climb_one_step_and_tell_one_manager() {
    let ladder = with_managers(vec![told("经理", 20, &[]), told("总监", 40, &[]), told("局长", 100, &[])]);
    // Down from minute 2 to 182: then the next ones come by their distance.
    check_ladder(
        &ladder,
        &ALL,
        &[(2, Act::Down(182))],
        203,
        &[
            "1 page",
            "182 respond-by missed at 1",
            "182 1 to 2",
            "182 tell 经理 1/1",
            "192 again",
            "197 respond-by missed at 2",
            "197 2 to 3",
            "202 tell 总监 1/1",
        ],
    );
}
