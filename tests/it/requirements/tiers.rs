//! Three lines of support: rows 8, 10, 14, 29, 33, 35, 36, 47, 53, 62, 64.

use super::centre::{Centre, minutes};
use watchfire::engine::{Action, IncidentAction, Outcome};
use watchfire::incidents::IncidentState;
use watchfire::model::{IncidentId, Tier};

const DESK: &str = r#"
teams:
  - {name: first, members: [一线值班]}
  - {name: second, members: [二线专家]}
  - {name: third, members: [厂商]}
tiers:
  - name: default
    steps:
      - {tier: 1, team: first, respond_by: 10m, resolve_by: 1h}
      - {tier: 2, team: second, respond_by: 20m, resolve_by: 2h}
      - {tier: 3, team: third, respond_by: 1h, resolve_by: 1d}
rules:
  - {name: link, match: alertname="LinkDown", by: [site], title: "{site} 链路中断", settle: 0s}
"#;

#[test]
fn row_35_what_nobody_takes_goes_through_all_three_lines_on_time() {
    let mut centre = Centre::open(DESK, "2026-02-13T17:00:00");
    centre.fire(&[("alertname", "LinkDown"), ("site", "广州01")]);
    assert_eq!(centre.after(minutes(9)).incident(1).tier, Tier::First);
    assert_eq!(centre.after(minutes(1)).incident(1).tier, Tier::Second);
    assert_eq!(centre.after(minutes(20)).incident(1).tier, Tier::Third);
    assert_eq!(centre.incident(1).escalations, 2);
}

#[test]
fn row_14_a_move_that_the_state_does_not_allow_is_refused_and_audited() {
    let mut centre = Centre::open(DESK, "2026-02-13T17:00:00");
    centre.fire(&[("alertname", "LinkDown"), ("site", "广州01")]);
    let close = Action::Incident { id: IncidentId(1), action: IncidentAction::Close { note: None } };
    let answer = centre.command("一线值班", "operator", close);
    assert!(matches!(answer, Outcome::Refused(_)), "{answer:?}");
    assert_eq!(centre.incident(1).state, IncidentState::New);
    assert!(centre.audit().last().unwrap().refused.is_some());
}
