//! The live view after batches: the shown alerts after each.

use std::sync::Arc;

use super::*;
use crate::core::model::{Labels, Priority, Severity, Tier};

fn live() -> LiveView {
    LiveView::new(Arc::new(Rulebook::empty()))
}

fn alert(fingerprint: u64, status: Status) -> AlertRecord {
    AlertRecord {
        fingerprint: Fingerprint(fingerprint),
        source: "native".into(),
        status,
        labels: Labels::from_pairs([("site", "广州")]),
        facts: Labels::empty(),
        annotations: Labels::empty(),
        summary: "链路中断".into(),
        severity: Severity::Major,
        starts_at: Stamp::utc(Timestamp::EPOCH),
        ends_at: Stamp::utc(Timestamp::EPOCH),
        updated_at: Timestamp::EPOCH,
        generator_url: "".into(),
        silenced_by: vec![],
        inhibited_by: vec![],
        explained_by: Vec::new(),
        maintained_by: Vec::new(),
        storm: None,
        rule: "link-down".to_owned(),
        key: Labels::empty(),
        held: None,
        transitions: 1,
        first_seen_at: Timestamp::EPOCH,
    }
}

fn incident(id: u64, state: IncidentState, team: &str) -> Incident {
    Incident {
        id: IncidentId(id),
        version: 1,
        title: String::new(),
        state,
        pending_on: None,
        merged_into: None,
        tier: Tier::First,
        team: team.to_owned(),
        assignee: None,
        waiting: None,
        priority: Priority::P2,
        priority_reason: String::new(),
        severity: Severity::Major,
        rule: "link-down".to_owned(),
        key: Labels::empty(),
        labels: Labels::empty(),
        fingerprint: Fingerprint(0),
        reason: String::new(),
        root: None,
        alerts: 1,
        firing: 1,
        opened_at: Timestamp::EPOCH,
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
        similar: Vec::new(),
        findings: Vec::new(),
        workaround: None,
        runbook: None,
        support: crate::core::incidents::SupportLog::default(),
        diagnosis: None,
        resolution: None,
        digests: Vec::new(),
        unpaged: false,
        next_step_at: None,
        unarmed: None,
        class: Default::default(),
        out_of_catalogue: false,
        impact: None,
        urgency: None,
        clocks: Vec::new(),
        contacts: Vec::new(),
        breach_reason: None,
        outages: Vec::new(),
        updated_at: Timestamp::EPOCH,
        resolved_by: None,
    }
}

fn fires(fingerprint: u64) -> Effect {
    Effect::Record(RecordChange::Alert(Arc::new(alert(fingerprint, Status::Firing))))
}

fn resolves(fingerprint: u64) -> Effect {
    Effect::Record(RecordChange::Alert(Arc::new(alert(fingerprint, Status::Resolved))))
}

fn stands(id: u64, state: IncidentState, team: &str) -> Effect {
    Effect::Record(RecordChange::Incident(Arc::new(incident(id, state, team))))
}

fn joins(id: u64, fingerprint: u64, link_only: bool) -> Effect {
    Effect::Record(RecordChange::Membership {
        incident: IncidentId(id),
        fingerprint: Fingerprint(fingerprint),
        firing: true,
        link_only,
    })
}

/// Applies one batch after the other; after each, the active alerts as `fingerprint:incident:team`.
fn check(batches: &[(&[Effect], &str)]) {
    let live = live();
    for (index, (effects, expected)) in batches.iter().enumerate() {
        live.apply(effects.to_vec());
        assert_eq!(shown(&live), *expected, "after batch {index}");
    }
}

fn shown(live: &LiveView) -> String {
    let show = |alert: &Arc<LiveAlert>| {
        let incident = alert.incident.map_or("-".to_owned(), |id| id.0.to_string());
        format!("{}:{incident}:{}", alert.alert.fingerprint.0, alert.team.as_deref().unwrap_or("-"))
    };
    live.alerts(|_| true).iter().map(show).collect::<Vec<_>>().join(" ")
}

#[test]
fn an_alert_has_the_team_of_its_incident_while_that_is_on_a_list() {
    use IncidentState::{Closed, InProgress, New, Resolved};
    check(&[
        (&[fires(7), fires(5)], "5:-:- 7:-:-"),
        (&[joins(1, 7, false), stands(1, New, "一线")], "5:-:- 7:1:一线"),
        (&[stands(1, InProgress, "experts")], "5:-:- 7:1:experts"),
        (&[joins(1, 5, true)], "5:-:- 7:1:experts"),
        (&[resolves(7)], "5:-:-"),
        (&[stands(1, Resolved, "experts")], "5:-:-"),
        (&[fires(7)], "5:-:- 7:1:experts"),
        (&[stands(1, Closed, "experts")], "5:-:- 7:-:-"),
        (&[stands(1, InProgress, "noc")], "5:-:- 7:1:noc"),
    ]);
}

#[test]
fn an_alert_follows_its_newest_incident_in_whatever_order_it_is_told() {
    use IncidentState::{Merged, New};
    check(&[
        (&[stands(1, New, "one"), joins(1, 7, false), fires(7)], "7:1:one"),
        (&[stands(2, New, "two"), joins(2, 7, false), stands(1, Merged, "one")], "7:2:two"),
        (&[stands(3, Merged, "three"), joins(3, 7, false)], "7:-:-"),
        (&[joins(2, 7, false)], "7:2:two"),
        (&[joins(2, 7, true)], "7:-:-"),
    ]);
}

#[test]
fn what_is_forgotten_is_gone_from_every_index() {
    let live = live();
    live.apply(vec![stands(1, IncidentState::New, "noc"), joins(1, 7, false), fires(7)]);
    live.apply(vec![
        Effect::Live(LiveChange::AlertForgotten { fingerprint: Fingerprint(7) }),
        stands(1, IncidentState::Closed, "noc"),
    ]);
    let view = live.read();
    assert!(view.joined.is_empty() && view.members.is_empty() && view.incidents.is_empty());
    assert_eq!(view.alerts.values().count(), 0);
}

#[test]
fn a_touch_moves_the_times_of_active_alerts_only() {
    let live = live();
    let touch = |fingerprint| {
        Effect::Live(LiveChange::AlertTouched {
            fingerprint: Fingerprint(fingerprint),
            ends_at: Stamp::utc(Timestamp::from_seconds(60)),
            updated_at: Timestamp::from_seconds(30),
        })
    };
    live.apply(vec![fires(7), fires(8)]);
    let before = live.alerts(|_| true);
    live.apply(vec![touch(7), touch(9)]);
    let after = live.alerts(|alert| alert.alert.updated_at == Timestamp::from_seconds(30));
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].alert.ends_at.at, Timestamp::from_seconds(60));
    // A reader's copy does not change; untouched parts share the same memory.
    assert_eq!(before[0].alert.updated_at, Timestamp::EPOCH);
    assert!(Arc::ptr_eq(&before[1], &live.alerts(|_| true)[1]));
}

#[test]
fn subscribers_hear_changes_after_they_can_be_read() {
    let live = live();
    let mut changes = live.subscribe();
    live.apply(vec![fires(7), stands(1, IncidentState::New, "noc"), joins(1, 7, false)]);
    assert!(matches!(changes.try_recv(), Ok(StreamChange::Alert(alert)) if alert.fingerprint == Fingerprint(7)));
    assert!(matches!(changes.try_recv(), Ok(StreamChange::Incident(incident)) if incident.id == IncidentId(1)));
    assert!(changes.try_recv().is_err());
    // A subscriber that does not read loses the oldest changes, and delays no one.
    live.apply((0..5_000).map(fires).collect());
    assert!(matches!(changes.try_recv(), Err(broadcast::error::TryRecvError::Lagged(_))));
    assert_eq!(live.alerts(|_| true).len(), 5_000);
}

#[test]
fn a_rebuild_shows_what_applying_would() {
    use IncidentState::{Closed, New};
    let live = live();
    live.apply(vec![fires(1), stands(9, New, "old")]);
    live.rebuild(
        vec![alert(7, Status::Firing), alert(8, Status::Resolved), alert(9, Status::Firing)],
        vec![],
        vec![incident(1, New, "noc"), incident(2, Closed, "noc")],
        vec![(IncidentId(1), Fingerprint(7)), (IncidentId(2), Fingerprint(9))],
    );
    assert_eq!(shown(&live), "7:1:noc 9:-:-");
    assert_eq!(live.open_incidents().iter().map(|incident| incident.id.0).collect::<Vec<_>>(), [1]);
    assert_eq!(live.readiness(), Readiness::NotReady { reason: "starting".to_owned() });
    live.set_readiness(Readiness::Ready);
    live.set_now(Timestamp::from_seconds(5));
    assert_eq!((live.readiness(), live.now()), (Readiness::Ready, Timestamp::from_seconds(5)));
    // Readiness ends with the lease, and nothing else becomes ready by it.
    let at = Timestamp::from_seconds;
    live.set_held_until(at(9));
    let readiness = [9, 10].map(|second| live.readiness_at(at(second)) == Readiness::Ready);
    assert_eq!((readiness, live.holds_lease(at(9)), live.holds_lease(at(10))), ([true, false], true, false));
    let standby = Readiness::Standby { reason: "another holds it".to_owned() };
    live.set_readiness(standby.clone());
    assert_eq!([live.readiness_at(at(1)), live.readiness_at(at(99))], [standby.clone(), standby]);
}
