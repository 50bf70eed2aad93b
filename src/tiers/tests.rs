//! Ladders on virtual time: minutes in, moves out.

use std::collections::BTreeMap;

use super::{Climb, Move, Staffing};
use crate::model::{Moment, Span, Tier};
use crate::rules::{Ladder, Step, Team};

fn minute(minutes: i64) -> Moment {
    Moment::EPOCH + Span::from_minutes(minutes)
}

fn ladder() -> Ladder {
    let step = |tier, team: &str| Step {
        tier,
        team: team.to_owned(),
        respond_by: Span::from_minutes(15),
        page_every: Span::from_minutes(10),
        resolve_by: Some(Span::from_minutes(120)),
    };
    Ladder {
        name: "default".to_owned(),
        steps: vec![step(Tier::First, "一线"), step(Tier::Second, "二线"), step(Tier::Third, "三线")],
    }
}

fn teams(staffed: &[&str]) -> BTreeMap<String, Team> {
    ["一线", "二线", "三线"]
        .into_iter()
        .map(|name| {
            let members = if staffed.contains(&name) { vec!["值班".to_owned()] } else { Vec::new() };
            let team = Team { name: name.to_owned(), title: String::new(), members, channels: Vec::new() };
            (name.to_owned(), team)
        })
        .collect()
}

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
}

/// Runs to `until` minutes, doing the acts at their minutes; answers the moves with the minute of each.
fn check(staffed: &[&str], acts: &[(i64, Act)], until: i64, expected: &[&str]) {
    let (ladder, teams, calendars) = (ladder(), teams(staffed), BTreeMap::new());
    let staffing = Staffing::all(&teams, &calendars);
    let mut story = Vec::new();
    let (mut climb, moves) = Climb::start(&ladder, &staffing, minute(0), Span::from_minutes(1));
    tell(&mut story, 0, moves);
    for now in 0..=until {
        for (_, act) in acts.iter().filter(|(at, _)| *at == now) {
            match act {
                Act::Acknowledge => climb.acknowledge(minute(now), &ladder),
                Act::Pend => climb.pend(minute(now)),
                Act::Resume => climb.resume(minute(now)),
                Act::Hold => climb.hold(),
                Act::Pause => climb.pause(minute(now)),
                Act::Unpause => climb.unpause(minute(now)),
                Act::Release => climb.release(minute(now), Some(&ladder)),
                Act::Clear => climb.all_clear(),
                Act::FireAgain => climb.fires_again(minute(now), &ladder),
                Act::Escalate => match climb.escalate(minute(now), &ladder, &staffing) {
                    Some(moves) => tell(&mut story, now, moves),
                    None => story.push(format!("{now} nowhere to go")),
                },
            }
        }
        while climb.next_deadline().is_some_and(|deadline| deadline <= minute(now)) {
            let moves = climb.tick(minute(now), &ladder, &staffing);
            tell(&mut story, now, moves);
        }
        assert_eq!(climb.next_deadline().is_none(), climb.unarmed().is_some(), "armed, or a reason why not");
    }
    assert_eq!(story, expected);
}

fn tell(story: &mut Vec<String>, now: i64, moves: Vec<Move>) {
    for one in moves {
        story.push(match one {
            Move::Page => format!("{now} page"),
            Move::PageAgain { .. } => format!("{now} again"),
            Move::RespondByMissed { tier } => format!("{now} respond-by missed at {tier}"),
            Move::ResolveByMissed { tier } => format!("{now} resolve-by missed at {tier}"),
            Move::Skipped { tier, .. } => format!("{now} skip {tier}"),
            Move::Climbed { from, to } => format!("{now} {from} to {to}"),
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
    // Held from minute 2 to 40: on release it is raised again at once, and climbs one page later.
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
    let (ladder, teams, calendars) = (ladder(), teams(&ALL), BTreeMap::new());
    let staffing = Staffing::all(&teams, &calendars);
    let (mut climb, _) = Climb::start(&ladder, &staffing, minute(0), Span::ZERO);
    let mut pages = 0;
    while let Some(deadline) = climb.next_deadline() {
        let moves = climb.tick(deadline, &ladder, &staffing);
        pages += moves.iter().filter(|one| matches!(one, Move::Page | Move::PageAgain { .. })).count();
        assert!(pages < 100);
    }
    assert!(climb.unarmed().is_some());
}

#[test]
fn an_approved_change_stops_the_clocks_and_waits_overlap_only_once() {
    // Held and paused from minute 5 to 35, and pending from 20 to 45: forty minutes in all, so 120 become 160.
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
    let (ladder, teams, calendars) = (ladder(), teams(&["一线", "三线"]), BTreeMap::new());
    let closed = [("一线".to_owned(), "一线 has nobody present".to_owned())].into();
    let staffing = Staffing { closed, ..Staffing::all(&teams, &calendars) };
    let (climb, moves) = Climb::start(&ladder, &staffing, minute(0), Span::ZERO);
    let reasons: Vec<String> = moves
        .into_iter()
        .map(|one| match one {
            Move::Skipped { team, reason, .. } => format!("{team}: {reason}"),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(reasons, ["一线: 一线 has nobody present", "二线: nobody is in the team 二线"]);
    assert_eq!(climb.step, 2);
}
