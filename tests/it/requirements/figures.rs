//! Figures: rows 8, 12, 23, 27 and 62, and the simulated year.

use watchfire::app::{service_report, simulate_year};
use watchfire::core::calendar::WorkCalendar;
use watchfire::core::engine::{AuditEntry, AuditFact, Effect, IncidentAction, RecordChange};
use watchfire::core::incidents::{TimelineEntry, TimelineKind};
use watchfire::core::model::{CauseParty, IncidentId, Outage};
use watchfire::core::reports::{Band, Containment, EndedRun, Figures, ProblemMove, ReportPeriod};

use super::centre::{Centre, minutes};

const RULES: &str = r#"
tiers:
  - name: default
    steps:
      - {tier: 1, team: 一线, respond_by: 15m, resolve_by: 4h}
      - {tier: 2, team: 二线, respond_by: 30m, resolve_by: 8h}
teams:
  - {name: 一线, members: [duty]}
  - {name: 二线, members: [experts]}
rules:
  - {name: 设备故障, match: 'alertname="DeviceFault"', by: [device], notify_delay: 0s, group: false}
  - {name: 平台中断, match: 'alertname="PlatformDown"', by: [service], notify_delay: 0s, group: false, resolve_after: 0s, reopen_within: 2h, outage: {party: provider}}
problems:
  - {name: 反复, match: 'rule="设备故障"', count: 2, within: 30d, team: 二线}
"#;

fn resolve() -> IncidentAction {
    IncidentAction::Resolve { resolution: "已更换光模块".to_owned() }
}

/// So many incidents, of which the first line resolves so many and the second the rest.
fn centre_with(by_first: u64, all: u64) -> Centre {
    let mut centre = Centre::open(RULES, "2026-03-02T08:00");
    for id in 1..=all {
        centre.after(minutes(1)).fire(&[("alertname", "DeviceFault"), ("device", &format!("sw{id}"))]);
        centre.on_incident("一线值班", id, IncidentAction::Acknowledge { note: None });
        if id > by_first {
            let diagnosis = "端口 down，换纤无效".to_owned();
            centre.on_incident("一线值班", id, IncidentAction::Escalate { diagnosis });
        }
        centre.on_incident("值班", id, resolve());
    }
    centre
}

fn day() -> ReportPeriod {
    let at = |text: &str| super::centre::moment(text);
    ReportPeriod { from: at("2026-03-01T00:00"), to: at("2026-04-01T00:00") }
}

fn of_records(centre: &Centre) -> Figures {
    let (incidents, problems, runs) = (centre.incidents(), centre.problems(), centre.runs());
    let always = WorkCalendar::always("always");
    Figures::of_records(incidents.values(), &problems, &runs, day(), &always, centre.now())
}

fn of_log(centre: &Centre) -> Figures {
    figures_of(&timeline_of(centre), &centre.audit(), centre)
}

fn timeline_of(centre: &Centre) -> Vec<TimelineEntry> {
    let entries = centre.effects.iter().filter_map(|(_, effect)| match effect {
        Effect::Record(RecordChange::Timeline(entry)) => Some(entry.clone()),
        _ => None,
    });
    entries.collect()
}

fn figures_of(timeline: &[TimelineEntry], audit: &[AuditEntry], centre: &Centre) -> Figures {
    let (mut ended_runs, mut problem_moves) = (Vec::new(), Vec::new());
    for entry in audit {
        match entry.fact {
            Some(AuditFact::RunEnded { run: _, state }) => ended_runs.push(EndedRun { ended_at: entry.at, state }),
            Some(AuditFact::ProblemMoved { problem, to }) => {
                problem_moves.push(ProblemMove { at: entry.at, problem, to });
            }
            None => {}
        }
    }
    let always = WorkCalendar::always("always");
    Figures::of_log(timeline, &ended_runs, &problem_moves, day(), &always, centre.now())
}

/// Every wording becomes another one; the data stays.
fn reworded(centre: &Centre) -> (Vec<TimelineEntry>, Vec<AuditEntry>) {
    let (mut timeline, mut audit) = (timeline_of(centre), centre.audit());
    for entry in &mut timeline {
        entry.text = "better words, on trial)".to_owned();
        entry.actor = "somebody".to_owned();
    }
    for entry in &mut audit {
        entry.action = "other.word".to_owned();
        entry.detail = "to closed: better words".to_owned();
        entry.subject = "PRB-999".to_owned();
    }
    (timeline, audit)
}

/// Row 8: how much of what was handed on came back is a figure, in the records as in the log, and in the report.
#[test]
fn row_08_the_bounce_rate_is_what_came_back_of_what_was_handed_on() {
    assert_eq!(of_records(&centre_with(2, 2)).incidents.bounce_rate, None, "nothing was handed on");
    let mut centre = centre_with(1, 5);
    for (id, times) in [(6, 2), (7, 1)] {
        centre.fire(&[("alertname", "DeviceFault"), ("device", &format!("核心{id}"))]);
        for _ in 0..times {
            let diagnosis = "光功率 -31 dBm".to_owned();
            centre.on_incident("一线值班", id, IncidentAction::Escalate { diagnosis });
            centre.on_incident("二线专家", id, IncidentAction::HandBack { reason: "未查光缆".to_owned() });
        }
        centre.on_incident("值班", id, resolve());
    }
    // What it was folded into has been handed on and back as often.
    centre.fire(&[("alertname", "DeviceFault"), ("device", "核心8")]);
    centre.fire(&[("alertname", "DeviceFault"), ("device", "核心9")]);
    for id in [8, 9] {
        centre.on_incident("一线值班", id, IncidentAction::Escalate { diagnosis: "同一光缆".to_owned() });
    }
    centre.on_incident("二线专家", 9, IncidentAction::HandBack { reason: "未查光缆".to_owned() });
    centre.on_incident("一线值班", 9, IncidentAction::Escalate { diagnosis: "光缆已查".to_owned() });
    centre.on_incident("一线值班", 9, IncidentAction::Acknowledge { note: None });
    centre.on_incident("一线值班", 9, IncidentAction::Merge { into: IncidentId(8) });
    centre.on_incident("值班", 8, resolve());

    let records = of_records(&centre);
    let incidents = &records.incidents;
    assert_eq!((incidents.resolved, incidents.escalated), (8, 7));
    assert_eq!((incidents.escalations, incidents.bounces), (4 + 3 + 2, 3 + 1));
    assert_eq!(incidents.bounce_rate, Some(4.0 / 9.0));
    assert_eq!(of_log(&centre), records);
    let report = service_report(&records, "Asia/Shanghai");
    let line = report.lines().find(|line| line.contains("退回 handed back")).unwrap_or_else(|| panic!("{report}"));
    assert!(line.contains('4') && line.contains("44.4 %"), "{line}");
}

/// Row 27: minutes of outage counted from the lines of the timelines alone, whatever was begun, ended, corrected,
/// merged or taken back.
#[test]
fn row_27_outage_minutes_are_the_same_from_records_and_from_the_log() {
    let mut centre = Centre::open(RULES, "2026-03-02T08:00");
    let platform = |service: &'static str| [("alertname", "PlatformDown"), ("service", service)];
    let check = |centre: &Centre, minutes: u64, what: &str| {
        let (records, log) = (of_records(centre), of_log(centre));
        assert_eq!(records.outage_minutes, minutes, "{what}");
        assert_eq!(log, records, "{what}");
    };
    let at = |text: &str| super::centre::moment(text);
    let noted = |service: &str, party, from: &str, to: Option<&str>| {
        let (customer, service) = (String::new(), service.to_owned());
        IncidentAction::Outage { outage: Outage { customer, service, party, from: at(from), to: to.map(at) } }
    };
    let provider = CauseParty::Provider;

    centre.fire(&platform("计费")).at("2026-03-02T08:10");
    check(&centre, 10, "it goes on");
    centre.fire(&platform("门户")).at("2026-03-02T08:30");
    check(&centre, 30, "what overlaps counts once");
    centre.clear(&platform("计费")).at("2026-03-02T08:40");
    check(&centre, 40, "the other one goes on");
    centre.clear(&platform("门户")).at("2026-03-02T09:00");
    check(&centre, 40, "both are over");
    centre.fire(&platform("计费")).at("2026-03-02T09:05");
    assert_eq!(centre.incident(1).reopened, 1);
    check(&centre, 45, "it came back");
    centre.on_incident("一线值班", 1, IncidentAction::Cancel { reason: "演练".to_owned() });
    centre.at("2026-03-02T10:00");
    check(&centre, 45, "a cancelled one is over, and was one");

    centre.on_incident("一线值班", 2, noted("门户", provider, "2026-03-02T07:40", Some("2026-03-02T08:20")));
    check(&centre, 20 + 30 + 5, "corrected by hand: an earlier beginning, and over sooner");
    centre.on_incident("一线值班", 2, noted("短信", CauseParty::Customer, "2026-03-02T09:30", None));
    check(&centre, 55, "not ours");
    centre.on_incident("一线值班", 2, noted("短信", provider, "2026-03-02T08:00", None));
    check(&centre, 65, "ours after all, of an incident that was over at 08:40");

    centre.fire(&platform("核心网")).at("2026-03-02T10:10");
    centre.fire(&platform("信令")).at("2026-03-02T10:20");
    centre.on_incident("一线值班", 4, noted("核心网", provider, "2026-03-02T10:15", None));
    centre.on_incident("一线值班", 4, IncidentAction::Merge { into: IncidentId(3) });
    centre.clear(&platform("核心网")).at("2026-03-02T10:30");
    check(&centre, 65 + 30, "the survivor's began first and goes on until all is over");
    centre.clear(&platform("信令")).at("2026-03-02T11:00");
    check(&centre, 65 + 30, "all is over");
    let told = centre.timeline(3).into_iter().filter_map(|line| line.outage).count();
    assert_eq!(told, 3, "its own, and the two that it took over");
}

/// Row 12: what kind of desk it is follows from what its first line resolves; each band begins exactly at its share.
#[test]
fn row_12_the_first_lines_resolution_rate_says_what_kind_of_desk_it_is() {
    for (by_first, all, expected) in [
        (17, 20, Band::Expert),
        (16, 20, Band::Skilled),
        (12, 20, Band::Skilled),
        (11, 20, Band::Information),
        (6, 20, Band::Information),
        (5, 20, Band::Dispatch),
    ] {
        let figures = of_records(&centre_with(by_first, all)).incidents;
        assert_eq!((figures.resolved, figures.by_tier[0].resolved), (all, by_first));
        assert_eq!(figures.band, Some(expected), "{by_first} of {all}");
        assert_eq!(figures.by_tier.iter().map(|tier| tier.resolved).sum::<u64>(), figures.resolved);
    }
}

/// Row 62: the first line filters 70 to 80 %.
#[test]
fn row_62_containment_is_what_never_left_the_first_line() {
    for (by_first, all, expected) in [
        (13, 20, Containment::Below),
        (14, 20, Containment::Within),
        (16, 20, Containment::Within),
        (17, 20, Containment::Above),
    ] {
        let figures = of_records(&centre_with(by_first, all)).incidents;
        assert_eq!((figures.contained, figures.escalated), (by_first, all - by_first));
        assert_eq!(figures.containment, Some(expected), "{by_first} of {all}");
    }
}

/// Row 23: the figures counted again from the append-only log alone are those of the records.
#[test]
fn row_23_figures_from_the_log_alone_equal_those_from_the_records() {
    let mut centre = centre_with(7, 10);
    // What comes back, is cancelled, merged, late, recurring, or taken by nobody.
    centre.on_incident("用户", 1, IncidentAction::Reopen { reason: "仍然不通".to_owned() });
    centre.after(minutes(300));
    for device in ["a", "b", "c", "d"] {
        centre.fire(&[("alertname", "DeviceFault"), ("device", device)]);
    }
    centre.on_incident("一线值班", 11, IncidentAction::Cancel { reason: "演练".to_owned() });
    centre.on_incident("一线值班", 12, IncidentAction::Acknowledge { note: None });
    centre.on_incident("一线值班", 12, IncidentAction::Escalate { diagnosis: "已换线".to_owned() });
    centre.on_incident("一线值班", 12, IncidentAction::Merge { into: watchfire::core::model::IncidentId(13) });
    centre.after(minutes(60));
    centre.on_incident("值班", 13, resolve());
    centre.clear(&[("alertname", "DeviceFault"), ("device", "d")]).after(minutes(600));
    centre.fire(&[("alertname", "DeviceFault"), ("device", "d")]).after(minutes(5));
    centre.fire(&[("alertname", "Unknown"), ("device", "e")]).after(minutes(24 * 60));

    let (records, log) = (of_records(&centre), of_log(&centre));
    assert_eq!(log, records);
    let (timeline, audit) = reworded(&centre);
    assert_eq!(figures_of(&timeline, &audit, &centre), records, "reports read no text");
    let incidents = &records.incidents;
    assert_eq!((incidents.cancelled, incidents.merged, incidents.unpaged), (1, 1, 1));
    assert!(incidents.overdue > 0 && records.problems.opened > 0, "{records:#?}");
    let all: Vec<TimelineEntry> = (1..=15).flat_map(|id| centre.timeline(id)).collect();
    for gone in [TimelineKind::Resolved, TimelineKind::Escalated] {
        let rest = all.iter().filter(|line| line.kind != gone);
        let forged = Figures::of_log(rest, &[], &[], day(), &WorkCalendar::always("always"), centre.now());
        assert_ne!(forged.incidents, records.incidents, "lines that are gone are missed: {gone:?}");
    }
}

/// The province's year (here: its first weeks at a part of its load; `watchfire simulate --year 2026` runs all of it):
/// the same for a seed, its figures equal those of the log, its report prints.
#[test]
fn the_simulated_year_gives_the_same_figures_from_records_and_log() {
    let mut year = simulate_year(2026, 1, 21, 0.05).unwrap();
    let (records, log) = (year.figures(), year.figures_of_log());
    assert_eq!(log, records);
    year.timeline.iter_mut().for_each(|entry| entry.text = format!("into other words: {}, on trial)", entry.text));
    year.audit.iter_mut().for_each(|entry| entry.detail = format!("to closed: {}", entry.detail));
    year.audit.iter_mut().for_each(|entry| entry.action = "other.word".to_owned());
    assert_eq!(year.figures_of_log(), records, "reports read no text");
    let incidents = &records.incidents;
    assert!(incidents.resolved > 100, "{records:#?}");
    assert!(
        incidents.acknowledged > 100 && incidents.by_tier[1].resolved > 0 && incidents.reopened > 0,
        "{records:#?}"
    );
    assert!(
        incidents.working_time_to_resolve.mean < incidents.time_to_resolve.mean,
        "nights and holidays do not count"
    );
    assert!(incidents.bounces > 0 && incidents.bounces < incidents.escalations, "{records:#?}");
    assert!(records.outage_minutes > 0, "{records:#?}");
    assert!(records.inspections.completed > 15, "{records:#?}");
    let report = service_report(&records, "Asia/Shanghai");
    assert!(report.contains("服务报告") && report.contains("MTTR"), "{report}");
    assert_eq!(simulate_year(2026, 1, 8, 0.05).unwrap().figures(), simulate_year(2026, 1, 8, 0.05).unwrap().figures());
}
