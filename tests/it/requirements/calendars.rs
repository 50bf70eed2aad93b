//! Working time: rows 30 and 49; the golden vectors as rule files say them.

use watchfire::core::calendar::moment_in;
use watchfire::core::engine::IncidentAction;
use watchfire::core::model::{IncidentId, TimeDelta};
use watchfire::core::reports::{ReportPeriod, billing};

use super::centre::{Centre, minutes, moment, rulebook};

const OFFICE: &str = r#"
calendars:
  - name: 白班
    zone: Asia/Shanghai
    weekly: {mon-fri: ["08:00-12:00", "14:00-18:00"]}
    holidays: china
  - name: without make-up
    zone: Asia/Shanghai
    weekly: {mon-fri: ["08:00-12:00", "14:00-18:00"]}
    holidays: [2026-02-15..2026-02-23]
  - {name: berlin, zone: Europe/Berlin, weekly: {mon-sun: "00:00-24:00"}}
"#;

/// Two hotlines: headquarters by day, the branch administrators' duty after hours.
const HOTLINES: &str = r#"
tiers:
  - {name: headquarters, steps: [{tier: 1, team: 总部热线, respond_by: 15m}]}
  - {name: branches, steps: [{tier: 1, team: 分局值班, respond_by: 30m}]}
teams:
  - {name: 总部热线, members: [duty], notify: [{mqtt: {topic: hq}}]}
  - {name: 分局值班, members: [duty], notify: [{mqtt: {topic: branch}}]}
rules:
  - name: 办公系统
    match: 'alertname="OaDown"'
    by: [site]
    notify_delay: 0s
    tiers: headquarters
    after_hours: {calendar: 白班, tiers: branches}
"#;

#[track_caller]
fn check_due(calendar: &str, zone: &str, from: &str, hours: i64, expected: &str) {
    let rulebook = rulebook(OFFICE);
    let calendar = &rulebook.calendars[calendar];
    let (from, expected) = (moment_in(from, Some(zone)).unwrap(), moment_in(expected, Some(zone)).unwrap());
    assert_eq!(calendar.add(from, TimeDelta::from_hours(hours)), Some(expected));
    assert_eq!(calendar.between(from, expected), TimeDelta::from_hours(hours));
}

#[test]
fn the_golden_vectors_hold_for_calendars_of_rule_files() {
    let (shanghai, berlin) = ("Asia/Shanghai", "Europe/Berlin");
    check_due("白班", shanghai, "2026-02-13T17:00", 8, "2026-02-14T17:00");
    check_due("without make-up", shanghai, "2026-02-13T17:00", 8, "2026-02-24T17:00");
    check_due("白班", shanghai, "2026-09-30T17:00", 8, "2026-10-08T17:00");
    check_due("白班", shanghai, "2026-09-19T10:00", 8, "2026-09-20T18:00");
    check_due("berlin", berlin, "2026-03-28T12:00", 24, "2026-03-29T13:00");
    check_due("berlin", berlin, "2026-10-24T12:00", 24, "2026-10-25T11:00");
}

/// Row 30: two hotlines, by audience and calendar; what opens after hours goes to the other queue.
#[test]
fn row_30_after_hours_an_incident_goes_to_the_other_hotline() {
    let mut centre = Centre::open(&format!("{OFFICE}{HOTLINES}"), "2026-02-13T16:00");
    let mut expected = Vec::new();
    for (at, team) in [
        ("2026-02-13T17:59", "总部热线"),
        ("2026-02-13T18:00", "分局值班"),
        // A Saturday that is worked, the holiday's Monday, and the first working day.
        ("2026-02-14T09:00", "总部热线"),
        ("2026-02-16T09:00", "分局值班"),
        ("2026-02-24T08:00", "总部热线"),
    ] {
        centre.at(at).fire(&[("alertname", "OaDown"), ("site", at)]);
        expected.push(team);
        let incidents = centre.incidents();
        let (_, incident) = incidents.last_key_value().unwrap();
        assert_eq!((incident.team.as_str(), incident.opened_at), (team, centre.now()), "{at}");
    }
    centre.after(minutes(1));
    let first_pages: Vec<String> = (1..=5)
        .map(|id| {
            let subject = IncidentId(id).to_string();
            centre.notices().into_iter().find(|notice| notice.subject == subject).unwrap().team
        })
        .collect();
    assert_eq!(first_pages, expected);
}

#[test]
fn a_calendar_without_the_next_year_is_an_incident_in_december_until_the_year_is_there() {
    let rules = |more: &str| {
        format!(
            "{}\nrules:\n  - {{name: 缺年, match: 'alertname=\"StatutoryYearMissing\"', by: [calendar], notify_delay: 0s, resolve_after: 1m}}",
            OFFICE.replace("holidays: china", &format!("holidays: [china{more}]"))
        )
    };
    let mut centre = Centre::open(&rules(""), "2026-11-22T00:00");
    centre.at("2026-11-30T23:59");
    assert!(centre.incidents().is_empty());
    centre.at("2026-12-01T00:00");
    let incident = centre.incident(1);
    assert_eq!((incident.key.get("calendar"), incident.labels.get("year")), (Some("白班"), Some("2027")));
    assert_eq!(incident.rule, "缺年");
    let audited = centre.audit().into_iter().find(|entry| entry.action == "calendar.year_missing").unwrap();
    assert_eq!(audited.subject, "白班");
    centre.reload(&rules(", 2027-01-01..2027-01-03"));
    centre.after(minutes(2));
    assert!(centre.incident(1).resolved_at.is_some());
    centre.at("2027-01-02T00:00");
    assert_eq!(centre.incidents().len(), 1);

    // Started later in December: at once.
    let mut late = Centre::open(&rules(""), "2026-12-20T09:00");
    late.after(minutes(1));
    assert_eq!(late.incidents().len(), 1);
}

/// Row 49: work outside the working days and hours is billed; weekends and statutory holidays are outside, make-up
/// workdays are not.
#[test]
fn row_49_the_billing_export_has_the_minutes_outside_working_time() {
    let rules = format!("{OFFICE}{HOTLINES}");
    let mut centre = Centre::open(&rules, "2026-02-13T16:00");
    for (number, opened, resolved) in [
        (1, "2026-02-13T17:30", "2026-02-13T19:30"),
        (2, "2026-02-14T09:00", "2026-02-14T10:00"),
        (3, "2026-02-17T09:00", "2026-02-17T10:15"),
        (4, "2026-02-24T11:00", "2026-02-24T15:00"),
    ] {
        centre.at(opened).fire(&[("alertname", "OaDown"), ("site", opened)]);
        centre.on_incident("值班", number, IncidentAction::Acknowledge { note: None });
        centre.at(resolved);
        centre.on_incident("值班", number, IncidentAction::Resolve { resolution: "已恢复".to_owned() });
    }
    let calendar = &rulebook(OFFICE).calendars["白班"];
    let period = ReportPeriod { from: moment("2026-02-01T00:00"), to: moment("2026-03-01T00:00") };
    let incidents = centre.incidents();
    let rows = billing(incidents.values(), period, calendar);
    let found: Vec<_> = rows.iter().map(|row| (row.minutes, row.working_minutes, row.off_hours_minutes)).collect();
    assert_eq!(found, [(120, 30, 90), (60, 60, 0), (75, 0, 75), (240, 120, 120)]);
    assert!(billing(incidents.values(), ReportPeriod { from: period.to, ..period }, calendar).is_empty());
}
