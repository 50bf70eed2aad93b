//! The desk on virtual time: decisions and commands in, a story of incidents out.

use std::sync::Arc;

use crate::core::engine::{
    Action, BatchOutput, Command, Decision, DeskInput, Effect, Engine, IncidentAction, Member, NotificationKind,
    Outcome, ProblemAction, Raised, RecordChange, Request, Task, Verdict,
};
use crate::core::incidents::TimelineKind;
use crate::core::model::{
    Cause, Fingerprint, IncidentId, Labels, Matchers, Offset, Partition, ProblemId, Severity, Tier, TimeDelta,
    Timestamp,
};
use crate::core::problems::ProblemState;
use crate::core::rules::{
    Actions, Channel, Counts, EscalationPolicy, EscalationStep as Rung, Pattern, ProblemPolicy, Rule, Rulebook,
    RulebookHash, Semantics, Team,
};

fn seconds(at: i64) -> Timestamp {
    Timestamp::from_seconds(1_000_000 + at)
}

fn rule(name: &str) -> Rule {
    Rule {
        name: name.to_owned(),
        matchers: Matchers::default(),
        unless: Vec::new(),
        when: None,
        by: vec!["site".to_owned()],
        one_group: false,
        pattern: Pattern::Each,
        counts: Counts::Transitions,
        semantics: Semantics::Own,
        guard: None,
        actions: Actions::default(),
        opens_incident: true,
        continues: false,
        because: None,
        title: String::new(),
        severity: None,
        priority: None,
        ladder: "default".to_owned(),
        after_hours: None,
        pages: true,
        notify_times: Default::default(),
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
        grading: Default::default(),
        shape: 0,
    }
}

fn rulebook() -> Rulebook {
    let rung = |tier, team: &str| Rung::wall(tier, team, TimeDelta::from_minutes(10), TimeDelta::from_minutes(6), None);
    let team = |name: &str| Team {
        name: name.to_owned(),
        title: String::new(),
        members: Vec::new(),
        channels: vec![Channel::Webhook { url: format!("http://127.0.0.1/{name}") }],
        ..Team::default()
    };
    let steps = vec![rung(Tier::First, "一线"), rung(Tier::Second, "二线"), rung(Tier::Third, "三线")];
    Rulebook {
        hash: RulebookHash([1; 32]),
        rules: vec![rule("link-down")],
        ladders: [(
            "default".to_owned(),
            EscalationPolicy { name: "default".to_owned(), steps, hierarchy: Vec::new() },
        )]
        .into(),
        teams: ["一线", "二线", "三线"].into_iter().map(|name| (name.to_owned(), team(name))).collect(),
        problems: vec![ProblemPolicy {
            name: "returns".to_owned(),
            matchers: Matchers::default(),
            count: 3,
            within: TimeDelta::from_days(30),
            apart: TimeDelta::ZERO,
            regular: true,
            zone: "Asia/Shanghai".to_owned(),
            team: "二线".to_owned(),
            review_after: TimeDelta::from_days(7),
            quiet: TimeDelta::from_days(30),
        }],
        ..Rulebook::empty()
    }
}

/// What a scenario does at a second.
enum Act {
    Raise(&'static str),
    Join(&'static str, u64, bool),
    Left(&'static str, u64),
    Held(&'static str),
    Released(&'static str),
    Cleared(&'static str),
    Incident(u64, IncidentAction),
    Problem(u64, ProblemAction),
}

struct Desk {
    engine: Engine,
    work: BatchOutput,
    story: Vec<String>,
    n: u64,
}

impl Desk {
    fn new() -> Desk {
        let mut engine = Engine::new(None);
        let rulebook = Arc::new(rulebook());
        let hash = rulebook.hash;
        engine.register_rulebook(rulebook);
        let mut work = BatchOutput::default();
        engine.handle(seconds(-1), Request::Rulebook(hash), &mut work).unwrap();
        Desk { engine, work: BatchOutput::default(), story: Vec::new(), n: 0 }
    }

    fn until(&mut self, at: i64) {
        while let Some((due, partition)) = self.engine.next_deadline().filter(|(due, _)| *due <= seconds(at)) {
            self.engine.handle(due, Request::Tick(partition), &mut self.work).unwrap();
            self.tell(due);
        }
    }

    fn act(&mut self, at: i64, act: &Act) {
        self.until(at);
        let decision = |site: &str, verdict| {
            let key = Labels::from_pairs([("site", site)]);
            DeskInput::Decision {
                cause: Cause { partition: Partition::DEFAULT, offset: Offset(0), n: 0 },
                decision: Box::new(Decision { rule: "link-down".to_owned(), key, verdict }),
            }
        };
        let input = match act {
            Act::Raise(site) => decision(site, Verdict::Raised(Box::new(raised(site)))),
            Act::Join(site, alert, firing) => decision(site, Verdict::Joined { alert: member(site, *alert, *firing) }),
            Act::Left(site, alert) => decision(site, Verdict::Left { fingerprint: Fingerprint(*alert) }),
            Act::Held(site) => decision(site, Verdict::Held { by: "silence x".to_owned(), pauses: false }),
            Act::Released(site) => decision(site, Verdict::Released),
            Act::Cleared(site) => decision(site, Verdict::Cleared),
            Act::Incident(id, action) => self.command(Action::Incident { id: IncidentId(*id), action: action.clone() }),
            Act::Problem(id, action) => self.command(Action::Problem { id: ProblemId(*id), action: action.clone() }),
        };
        let outcome = self.engine.handle(seconds(at), Request::Desk(input), &mut self.work).unwrap();
        self.tell(seconds(at));
        if let Some(Outcome::Refused(refusal)) = outcome {
            self.story.push(format!("{at} refused: {refusal}"));
        }
        self.until(at);
    }

    fn command(&mut self, action: Action) -> DeskInput {
        self.n += 1;
        DeskInput::Command(Box::new(Command {
            actor: "值班员".to_owned(),
            role: "first_line".to_owned(),
            idempotency_key: None,
            if_match: None,
            action,
        }))
    }

    /// Writes down what people would notice.
    fn tell(&mut self, now: Timestamp) {
        let at = now.since(seconds(0)).as_micros() / 1_000_000;
        self.work.entries.clear();
        for effect in self.work.effects.drain(..) {
            match effect {
                Effect::Do(Task::Notice(notice)) => {
                    self.story.push(format!("{at} {} {} to {}", notice.kind.as_str(), notice.subject, notice.team));
                    assert_ne!(notice.kind, NotificationKind::InspectionMissed);
                }
                Effect::Record(RecordChange::Timeline(entry)) => match entry.kind {
                    TimelineKind::Opened
                    | TimelineKind::Resolved
                    | TimelineKind::Reopened
                    | TimelineKind::Closed
                    | TimelineKind::Merged
                    | TimelineKind::ProblemLinked
                    | TimelineKind::WorkaroundOffered => {
                        self.story.push(format!("{at} {:?} {}", entry.kind, entry.incident));
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        let broken = self.engine.broken_invariants();
        assert!(broken.is_empty(), "{broken:?}");
    }
}

fn member(site: &str, alert: u64, firing: bool) -> Member {
    Member {
        fingerprint: Fingerprint(alert),
        labels: Labels::from_pairs([("alertname", "LinkDown"), ("site", site)]),
        severity: Severity::Major,
        firing,
        since: Timestamp::EPOCH,
        maintained: false,
    }
}

fn raised(site: &str) -> Raised {
    Raised {
        title: format!("{site} 链路中断"),
        reason: "each".to_owned(),
        severity: Severity::Major,
        labels: Labels::from_pairs([("site", site)]),
        members: vec![member(site, 1, true)],
        evidence: Vec::new(),
        counts_for_recurrence: true,
        joins: None,
        held: None,
    }
}

fn check(acts: &[(i64, Act)], until: i64, expected: &[&str]) {
    let mut desk = Desk::new();
    for (at, act) in acts {
        desk.act(*at, act);
    }
    desk.until(until);
    assert_eq!(desk.story, expected);
}

#[test]
fn an_incident_nobody_touches_climbs_and_an_acknowledged_one_stays() {
    check(
        &[(0, Act::Raise("GZ01"))],
        1_300,
        &[
            "0 Opened INC-1",
            "30 page INC-1 to 一线",
            "390 page_again INC-1 to 一线",
            "600 escalated INC-1 to 二线",
            "960 page_again INC-1 to 二线",
            "1200 escalated INC-1 to 三线",
        ],
    );
    let acknowledge = IncidentAction::Acknowledge { note: None };
    check(
        &[(0, Act::Raise("GZ01")), (60, Act::Incident(1, acknowledge))],
        100_000,
        &["0 Opened INC-1", "30 page INC-1 to 一线"],
    );
}

#[test]
fn what_clears_resolves_by_itself_and_comes_back_as_the_same_incident() {
    check(
        &[
            (0, Act::Raise("GZ01")),
            (40, Act::Left("GZ01", 1)),
            (40, Act::Cleared("GZ01")),
            (400, Act::Raise("GZ01")),
            (410, Act::Left("GZ01", 1)),
            (410, Act::Cleared("GZ01")),
        ],
        800,
        &[
            "0 Opened INC-1",
            "30 page INC-1 to 一线",
            "340 Resolved INC-1",
            "340 resolved INC-1 to 一线",
            "400 Reopened INC-1",
            "400 page INC-1 to 一线",
            "710 Resolved INC-1",
            "710 resolved INC-1 to 一线",
        ],
    );
}

#[test]
fn a_cause_that_holds_it_within_the_settling_time_spares_the_page() {
    check(
        &[(0, Act::Raise("GZ01")), (10, Act::Held("GZ01")), (300, Act::Released("GZ01"))],
        400,
        &["0 Opened INC-1", "300 page INC-1 to 一线"],
    );
    // Resolution is never held back, and whoever was never told need not hear of it.
    check(
        &[(0, Act::Raise("GZ01")), (10, Act::Held("GZ01")), (20, Act::Left("GZ01", 1)), (20, Act::Cleared("GZ01"))],
        400,
        &["0 Opened INC-1", "320 Resolved INC-1"],
    );
}

#[test]
fn the_third_repeat_opens_one_problem_and_its_workaround_meets_the_next() {
    let round =
        |at: i64| vec![(at, Act::Raise("GZ01")), (at + 1, Act::Left("GZ01", 1)), (at + 1, Act::Cleared("GZ01"))];
    let mut acts = Vec::new();
    for round_at in [0, 10_000, 20_000] {
        acts.extend(round(round_at));
    }
    let describe = ProblemAction::Describe {
        root_cause: Some("光模块老化".to_owned()),
        workaround: Some("切换到备用链路".to_owned()),
        fix: None,
        change: None,
    };
    acts.push((21_000, Act::Problem(1, describe)));
    acts.push((21_001, Act::Problem(1, ProblemAction::Move { to: ProblemState::KnownError, reason: None })));
    acts.push((30_000, Act::Raise("GZ01")));
    check(
        &acts,
        30_010,
        &[
            "0 Opened INC-1",
            "301 Resolved INC-1",
            "10000 Opened INC-2",
            "10301 Resolved INC-2",
            "20000 Opened INC-3",
            "20000 ProblemLinked INC-1",
            "20000 ProblemLinked INC-2",
            "20000 ProblemLinked INC-3",
            "20000 problem_opened PRB-1 to 二线",
            "20301 Resolved INC-3",
            "30000 Opened INC-4",
            "30000 WorkaroundOffered INC-4",
            "30000 ProblemLinked INC-4",
        ],
    );
}

#[test]
fn merged_incidents_resolve_together_and_refusals_say_why() {
    check(
        &[
            (0, Act::Raise("GZ01")),
            (1, Act::Raise("SZ02")),
            (2, Act::Incident(1, IncidentAction::Merge { into: IncidentId(2) })),
            (3, Act::Incident(1, IncidentAction::Close { note: None })),
            (4, Act::Incident(9, IncidentAction::Resume)),
            (5, Act::Incident(2, IncidentAction::Close { note: None })),
            (40, Act::Cleared("SZ02")),
            (50, Act::Join("GZ01", 7, true)),
            (60, Act::Left("GZ01", 7)),
            (60, Act::Cleared("GZ01")),
        ],
        400,
        &[
            "0 Opened INC-1",
            "1 Opened INC-2",
            "2 Merged INC-1",
            "2 Merged INC-2",
            "3 refused: cannot close INC-1: it has already ended",
            "4 refused: incident INC-9 is not known here",
            "5 refused: cannot close INC-2: resolve it first",
            "31 page INC-2 to 一线",
            "360 Resolved INC-2",
            "360 resolved INC-2 to 一线",
        ],
    );
}

#[test]
fn what_fires_again_elsewhere_stays_there_when_its_old_incident_is_merged() {
    check(
        &[
            (0, Act::Raise("GZ01")),
            (1, Act::Raise("SZ02")),
            (2, Act::Raise("珠海")),
            (3, Act::Incident(3, IncidentAction::Merge { into: IncidentId(2) })),
            (4, Act::Cleared("珠海")),
            (5, Act::Raise("珠海")),
            (6, Act::Incident(2, IncidentAction::Merge { into: IncidentId(1) })),
            (40, Act::Cleared("GZ01")),
            (40, Act::Cleared("SZ02")),
            (50, Act::Cleared("珠海")),
        ],
        400,
        &[
            "0 Opened INC-1",
            "1 Opened INC-2",
            "2 Opened INC-3",
            "3 Merged INC-3",
            "3 Merged INC-2",
            "5 Opened INC-4",
            "6 Merged INC-2",
            "6 Merged INC-1",
            "30 page INC-1 to 一线",
            "35 page INC-4 to 一线",
            "340 Resolved INC-1",
            "340 resolved INC-1 to 一线",
            "350 Resolved INC-4",
            "350 resolved INC-4 to 一线",
        ],
    );
}
