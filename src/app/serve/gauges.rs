//! Gauges of what is open now, refreshed from the live view every few seconds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::core::model::{Priority, Severity, Tier};
use crate::core::on_call::on_duty;
use crate::core::rules::Roster;
use crate::ingest::Intake;
use crate::metrics::Metrics;
use crate::store::LiveView;

const EVERY: Duration = Duration::from_secs(2);

/// Until `stop`.
pub async fn keep(live: Arc<LiveView>, metrics: Arc<Metrics>, intake: Intake, stop: CancellationToken) {
    loop {
        refresh(&live, &metrics);
        metrics.intake_waiting(intake.waiting());
        if stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
            return;
        }
    }
}

fn refresh(live: &LiveView, metrics: &Metrics) {
    let mut alerts: BTreeMap<Severity, i64> = BTreeMap::new();
    for alert in live.alerts(|_| true) {
        *alerts.entry(alert.alert.severity).or_default() += 1;
    }
    let mut incidents: BTreeMap<(Tier, Priority), i64> = BTreeMap::new();
    for incident in live.open_incidents().iter().filter(|incident| incident.state.is_open()) {
        *incidents.entry((incident.tier, incident.priority)).or_default() += 1;
    }
    let mut unacknowledged: BTreeMap<Priority, i64> = BTreeMap::new();
    for incident in live.open_incidents().iter().filter(|one| one.state.is_open() && !one.unpaged && !one.acknowledged)
    {
        *unacknowledged.entry(incident.priority).or_default() += 1;
    }
    let alerts: Vec<(Severity, i64)> = alerts.into_iter().collect();
    let incidents: Vec<(Tier, Priority, i64)> =
        incidents.into_iter().map(|((tier, priority), count)| (tier, priority, count)).collect();
    metrics.set_open(&alerts, &incidents);
    metrics.set_unacknowledged(&unacknowledged.into_iter().collect::<Vec<_>>());
    refresh_staff(live, metrics);
}

fn refresh_staff(live: &LiveView, metrics: &Metrics) {
    let mut waiting: BTreeMap<Priority, i64> = BTreeMap::new();
    for incident in live.open_incidents().iter().filter(|incident| incident.waiting.is_some()) {
        *waiting.entry(incident.priority).or_default() += 1;
    }
    metrics.set_waiting(&waiting.into_iter().collect::<Vec<_>>());
    let (rulebook, overrides) = (live.rulebook(), live.staff().overrides);
    let count = |roster: &Roster| {
        on_duty(roster, &rulebook.calendars, &overrides, live.now().shifted(live.ahead())).people.len() as i64
    };
    let counts: Vec<(String, i64)> =
        rulebook.rosters.values().map(|roster| (roster.name.clone(), count(roster))).collect();
    metrics.set_on_duty(&counts);
}
