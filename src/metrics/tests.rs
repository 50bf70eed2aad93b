//! Guarantees of the exposition, read back from its text.

use std::collections::BTreeMap;

use super::{Metrics, names};
use crate::core::engine::{Breach, Effect, LimitHit, Metric, NotificationKind, Suppressor, TargetOutcome};
use crate::core::inspections::{ItemOutcome, RunState, SubjectKind};
use crate::core::model::{Class, ClockKind, Priority, Severity, Status, Tier};
use crate::core::problems::ProblemState;
use crate::core::rules::{Rulebook, RulebookHash};

/// The value of each series, by its text up to the value.
fn series(exposition: &str) -> BTreeMap<String, f64> {
    let lines = exposition.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

fn check(metrics: &Metrics, expected: &[(&str, f64)]) {
    let series = series(&metrics.render());
    for (name, value) in expected {
        assert_eq!(series.get(*name), Some(value), "{name}");
    }
}

#[test]
fn every_family_says_what_it_is_and_counts_in_base_units() {
    let text = Metrics::new().render();
    let mut families = 0;
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        families += 1;
        let help = text.lines().find_map(|line| line.strip_prefix(&format!("# HELP {name} "))).unwrap_or_default();
        assert!(help.len() > 15 && help.ends_with('.'), "{name}: {help:?}");
        let ours = name.starts_with("watchfire_");
        assert!(ours || name.starts_with("process_") || name == "alertmanager_build_info", "{name}");
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
        assert!(kind != "histogram" || name.ends_with("_seconds"), "{name}");
        for unit in ["_ms", "_milliseconds", "_micros", "_minutes", "_hours", "_kb", "_mb", "_percent"] {
            assert!(!name.contains(unit), "{name}");
        }
    }
    assert!(families > 50, "{families} families are too few to be all");
}

#[test]
fn closed_label_sets_stand_at_zero_from_the_start() {
    let series = series(&Metrics::new().render());
    let check = |family: &str, expected: usize| {
        let of_it: Vec<_> = series.iter().filter(|(name, _)| name.starts_with(&format!("{family}{{"))).collect();
        assert_eq!(of_it.len(), expected, "{family}: {of_it:?}");
        assert!(of_it.iter().all(|(_, value)| **value == 0.0), "{family}: {of_it:?}");
    };
    check("watchfire_alerts_active", Severity::ALL.len());
    check("watchfire_incidents_open", Tier::ALL.len() * Priority::ALL.len());
    check("watchfire_incidents_opened_total", Priority::ALL.len());
    check("watchfire_time_to_acknowledge_seconds_count", Tier::ALL.len() * Priority::ALL.len());
    check("watchfire_time_to_resolve_seconds_count", Tier::ALL.len() * Priority::ALL.len());
    check("watchfire_escalations_total", 3);
    check("watchfire_escalation_timeouts_total", Tier::ALL.len() * Breach::ALL.len());
    check("watchfire_notifications_total", NotificationKind::ALL.len());
    check("watchfire_problems", ProblemState::ALL.len());
    check("watchfire_inspection_runs_total", RunState::ALL.len());
    check("watchfire_inspection_items_total", ItemOutcome::ALL.len());
    check("watchfire_inspection_findings_total", SubjectKind::ALL.len());
    check("watchfire_alerts_suppressed_total", Suppressor::ALL.len());
    // And that of conditions, which the engine does not know.
    check("watchfire_limits_hit_total", LimitHit::ALL.len() + 1);
    check("watchfire_deliveries_total", crate::core::rules::CHANNEL_KINDS.len() * 3);
    check("watchfire_probes_total", 5 * ItemOutcome::ALL.len());
    check("watchfire_rulebook_loads_total", 2);
    check("watchfire_events_total", 15);
    check("watchfire_sla_outcomes_total", ClockKind::ALL.len() * TargetOutcome::ALL.len());
    check("watchfire_incidents_opened_by_type_total", Class::ALL.len());
    check("watchfire_dead_letters_total", 7);
    check("watchfire_incidents_unacknowledged", Priority::ALL.len());
    for plain in ["watchfire_ready", "watchfire_commit_failures_total", "watchfire_journal_lag_seconds"] {
        assert_eq!(series.get(plain), Some(&0.0), "{plain}");
    }
}

#[test]
fn committed_effects_are_counted() {
    let metrics = Metrics::new();
    let source = "华为网管".to_owned();
    let count = [
        Metric::Event { source: source.clone(), status: Status::Firing },
        Metric::Event { source: source.clone(), status: Status::Firing },
        Metric::Duplicate { source },
        Metric::RuleFired { rule: "链路中断".to_owned() },
        Metric::Suppressed { by: Suppressor::Inhibition },
        Metric::Acknowledged { priority: Priority::P1, tier: Tier::First, after_micros: 45_000_000 },
        Metric::Escalated { from: Tier::First, to: Tier::Second },
        Metric::Breached { tier: Tier::Second, what: Breach::ResolveBy },
        Metric::InvariantBroken { which: "deadline_behind_now".to_owned() },
    ];
    metrics.observe(&count.map(Effect::Count));
    check(
        &metrics,
        &[
            (r#"watchfire_events_total{source="华为网管",status="firing"}"#, 2.0),
            (r#"watchfire_events_duplicate_total{source="华为网管"}"#, 1.0),
            (r#"watchfire_rules_fired_total{rule="链路中断"}"#, 1.0),
            (r#"watchfire_alerts_suppressed_total{by="inhibition"}"#, 1.0),
            (r#"watchfire_time_to_acknowledge_seconds_sum{priority="P1",tier="1"}"#, 45.0),
            (r#"watchfire_time_to_acknowledge_seconds_bucket{priority="P1",tier="1",le="30"}"#, 0.0),
            (r#"watchfire_time_to_acknowledge_seconds_bucket{priority="P1",tier="1",le="60"}"#, 1.0),
            (r#"watchfire_escalations_total{from="1",to="2"}"#, 1.0),
            (r#"watchfire_escalation_timeouts_total{tier="2",what="resolve_by"}"#, 1.0),
            (r#"watchfire_invariants_broken_total{invariant="deadline_behind_now"}"#, 1.0),
        ],
    );
}

#[test]
fn a_renamed_metric_has_the_same_value_under_its_old_name() {
    let metrics = Metrics::new();
    let count = [
        Metric::Bounced { from: Tier::Second, to: Tier::First },
        Metric::Breached { tier: Tier::First, what: Breach::RespondBy },
        Metric::Target { clock: ClockKind::ALL[0], outcome: TargetOutcome::ALL[0] },
        Metric::Classified { class: Class::ALL[0] },
        Metric::Bound { which: LimitHit::ALL[0] },
        Metric::ManagersTold,
    ];
    metrics.observe(&count.map(Effect::Count));
    let series = series(&metrics.render());
    let of = |family: &str| -> BTreeMap<String, f64> {
        let plain = series.iter().filter_map(|(name, value)| Some((name.strip_prefix(family)?, *value)));
        plain
            .filter(|(rest, _)| rest.is_empty() || rest.starts_with('{'))
            .map(|(rest, value)| (rest.to_owned(), value))
            .collect()
    };
    for renamed in &names::OLD_NAMES {
        let (mut new, old) = (of(renamed.new), of(renamed.old));
        assert!(!new.is_empty(), "{} does not exist", renamed.new);
        if let Some((label, old_label)) = renamed.label {
            let relabel = |(rest, value): (String, f64)| {
                (rest.replace(&format!("{label}=\""), &format!("{old_label}=\"")), value)
            };
            new = new.into_iter().map(relabel).collect();
        }
        assert_eq!(old, new, "{}", renamed.old);
    }
    assert_eq!(series[r#"watchfire_bounces_total{from="2",to="1"}"#], 1.0);
    assert_eq!(series[r#"watchfire_targets_total{clock="tto",outcome="warned"}"#], 1.0);
}

#[test]
fn gauges_of_what_is_open_fall_back_to_zero() {
    let metrics = Metrics::new();
    let p1_at_second = r#"watchfire_incidents_open{priority="P1",tier="2"}"#;
    metrics.set_open(&[(Severity::Major, 3), (Severity::Major, 4)], &[(Tier::Second, Priority::P1, 2)]);
    metrics.set_problems(&[(ProblemState::KnownError, 1)]);
    check(
        &metrics,
        &[
            (r#"watchfire_alerts_active{severity="major"}"#, 7.0),
            (p1_at_second, 2.0),
            (r#"watchfire_problems{state="known_error"}"#, 1.0),
        ],
    );
    metrics.set_unacknowledged(&[(Priority::P1, 2)]);
    check(&metrics, &[(r#"watchfire_incidents_unacknowledged{priority="P1"}"#, 2.0)]);
    metrics.set_unacknowledged(&[]);
    metrics.set_open(&[], &[]);
    metrics.set_problems(&[]);
    check(&metrics, &[(r#"watchfire_incidents_unacknowledged{priority="P1"}"#, 0.0)]);
    check(
        &metrics,
        &[
            (r#"watchfire_alerts_active{severity="major"}"#, 0.0),
            (p1_at_second, 0.0),
            (r#"watchfire_problems{state="known_error"}"#, 0.0),
        ],
    );
}

#[test]
fn at_most_two_thousand_rules_have_a_series() {
    let metrics = Metrics::new();
    for number in 0..2_500 {
        metrics.observe(&[Effect::Count(Metric::RuleFired { rule: format!("rule-{number}") })]);
    }
    let series = series(&metrics.render());
    let rules = series.keys().filter(|name| name.starts_with("watchfire_rules_fired_total{")).count();
    assert_eq!(rules, 2_001, "2,000 names (the catch-all is one) and other");
    check(&metrics, &[(r#"watchfire_rules_fired_total{rule="other"}"#, 501.0)]);
}

#[test]
fn what_the_doors_report_is_labelled_within_bounds() {
    let metrics = Metrics::new();
    metrics.mqtt_connected("mqtts://noc:hunter2@broker.example:8883", true);
    metrics.http_answered("/api/v1/incidents/{id}", "BREW", 404, 0.02);
    metrics.event_refused("http", "zabbix", "not_json");
    metrics.probe("tcp", "fail", 0.2);
    check(
        &metrics,
        &[
            (r#"watchfire_mqtt_connected{broker="broker.example:8883"}"#, 1.0),
            (r#"watchfire_mqtt_unacknowledged_messages{broker="broker.example:8883"}"#, 0.0),
            (r#"watchfire_http_requests_total{code="404",method="other",route="/api/v1/incidents/{id}"}"#, 1.0),
            (r#"watchfire_http_request_duration_seconds_count{route="/api/v1/incidents/{id}"}"#, 1.0),
            (r#"watchfire_events_refused_total{protocol="http",reason="not_json",source="zabbix"}"#, 1.0),
            (r#"watchfire_probes_total{kind="tcp",outcome="fail"}"#, 1.0),
        ],
    );
    assert!(!metrics.render().contains("hunter2"));
}

#[test]
fn the_rulebook_in_force_is_shown_by_its_hash_alone() {
    let metrics = Metrics::new();
    for byte in [0xAB, 0xCD] {
        metrics.rulebook_in_force(&Rulebook { hash: RulebookHash([byte; 32]), ..Rulebook::empty() });
    }
    let series = series(&metrics.render());
    let hashes: Vec<_> = series.keys().filter(|name| name.starts_with("watchfire_rulebook_info{")).collect();
    assert_eq!(hashes, [&format!(r#"watchfire_rulebook_info{{hash="{}"}}"#, "cd".repeat(32))]);
}

#[test]
fn sources_and_rules_stand_at_zero_before_their_first_event() {
    let metrics = Metrics::new();
    metrics.begin_names(&["zabbix"], &["链路中断"]);
    check(
        &metrics,
        &[
            (r#"watchfire_events_total{source="zabbix",status="point"}"#, 0.0),
            (r#"watchfire_events_duplicate_total{source="zabbix"}"#, 0.0),
            (r#"watchfire_dead_letters_total{source="zabbix"}"#, 0.0),
            (r#"watchfire_rules_fired_total{rule="链路中断"}"#, 0.0),
        ],
    );
}
