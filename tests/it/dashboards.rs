//! The Grafana dashboard and the alerting rules ask only for what there is, and a real Prometheus answers all of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use watchfire::core::engine::DeliveryOutcome;
use watchfire::core::rules::Channel;
use watchfire::metrics::Metrics;

use crate::support::prometheus::{Prometheus, scraping};
use crate::support::service::program;

/// One PromQL expression and where it stands: `watchfire.json: Commit time`, `alerts.yaml: WatchfireDown`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub place: String,
    pub promql: String,
}

/// Every query of the dashboard, with its variables filled in, and of every alerting rule what it compares: that has data
/// whether or not the rule fires.
pub fn queries() -> Vec<Query> {
    let compared = rules().into_iter().map(|rule| Query {
        place: format!("alerts.yaml: {}", rule.alert),
        promql: rule.expr.rsplitn(3, ' ').last().unwrap_or_default().to_owned(),
    });
    panel_queries().into_iter().chain(compared).collect()
}

/// The queries to which the Prometheus at that address (`http://127.0.0.1:9090`) has no data.
pub async fn unanswered(server: &str) -> Vec<Query> {
    let client = watchfire::notify::webhook_client().unwrap();
    let mut without_data = Vec::new();
    for query in queries() {
        let address = format!("{server}/api/v1/query?query={}", percent_encoded(&query.promql));
        let answer = client.get(address).send().await.unwrap_or_else(|error| panic!("{server}: {error}"));
        let answer: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(answer["status"], "success", "{query:?}: {answer}");
        if answer["data"]["result"].as_array().is_none_or(Vec::is_empty) {
            without_data.push(query);
        }
    }
    without_data
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[derive(Deserialize)]
struct RuleFile {
    groups: Vec<RuleGroup>,
}

#[derive(Deserialize)]
struct RuleGroup {
    rules: Vec<AlertingRule>,
}

#[derive(Deserialize)]
struct AlertingRule {
    alert: String,
    expr: String,
    labels: std::collections::BTreeMap<String, String>,
    annotations: std::collections::BTreeMap<String, String>,
}

fn dashboards() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards")
}

fn rules() -> Vec<AlertingRule> {
    let text = std::fs::read_to_string(dashboards().join("alerts.yaml")).unwrap();
    let file: RuleFile = serde_saphyr::from_str(&text).unwrap();
    file.groups.into_iter().flat_map(|group| group.rules).collect()
}

/// Every dashboard with the name of its file.
fn boards() -> Vec<(String, serde_json::Value)> {
    let files = std::fs::read_dir(dashboards()).unwrap().map(|file| file.unwrap().path());
    let mut boards: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap())
        })
        .collect();
    boards.sort_by(|(a, _): &(String, serde_json::Value), (b, _)| a.cmp(b));
    boards
}

fn panel_queries() -> Vec<Query> {
    let mut found = Vec::new();
    for (file, dashboard) in boards() {
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let promql = target["expr"].as_str().unwrap();
                let promql =
                    promql.replace("$__rate_interval", "1m").replace("$__range", "1h").replace("$instance", ".*");
                found.push(Query { place: format!("{file}: {}", panel["title"].as_str().unwrap()), promql });
            }
        }
    }
    found
}

/// The names of metrics in an expression: every word with an underscore that is not a function, and `up`.
fn metric_names(promql: &str) -> BTreeSet<&str> {
    let words = promql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = |word: &&str| {
        ["watchfire_", "process_", "alertmanager_"].iter().any(|prefix| word.starts_with(prefix)) || *word == "up"
    };
    words.filter(ours).collect()
}

/// The names of series in an exposition, histograms by their parts.
fn exposed_names(exposition: &str) -> BTreeSet<&str> {
    let series = exposition.lines().filter(|line| !line.starts_with('#'));
    series.filter_map(|line| line.split(['{', ' ']).next()).chain(["up"]).collect()
}

/// Metrics of a service that has a broker, a rulebook and one delivery behind it.
fn metrics_of_a_run() -> Metrics {
    let metrics = Metrics::new();
    metrics.mqtt_connected("127.0.0.1:1883", true);
    metrics.rulebook_loaded(true, 7);
    metrics.committed(3, 0.004);
    metrics.ready(true);
    metrics.leads(None);
    let webhook = Channel::Webhook { url: "http://127.0.0.1:9/".to_owned() };
    metrics.delivery(&webhook, &DeliveryOutcome::Delivered, 0.02);
    metrics
}

/// Names under which a renamed metric is still exposed.
fn deprecated_names(exposition: &str) -> BTreeSet<&str> {
    let help = exposition.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' '));
    help.filter(|(_, text)| text.starts_with("Deprecated")).map(|(name, _)| name).collect()
}

#[test]
fn no_query_asks_by_a_deprecated_name() {
    let exposition = metrics_of_a_run().render();
    let deprecated = deprecated_names(&exposition);
    assert!(!deprecated.is_empty(), "the table of old names is exposed");
    for query in queries() {
        assert!(metric_names(&query.promql).is_disjoint(&deprecated), "{query:?}");
    }
}

#[test]
fn every_metric_that_is_asked_for_exists() {
    let exposition = metrics_of_a_run().render();
    let exposed = exposed_names(&exposition);
    let queries = queries();
    assert!(queries.len() > 60, "{} queries are too few to be all", queries.len());
    for query in &queries {
        let names = metric_names(&query.promql);
        assert!(!names.is_empty(), "{query:?} asks for nothing of ours");
        for name in names {
            assert!(exposed.contains(name), "{query:?}: there is no {name}");
        }
    }
    println!("{} queries checked", queries.len());
}

#[test]
fn every_metric_is_shown_on_the_dashboard() {
    let exposition = metrics_of_a_run().render();
    let deprecated = deprecated_names(&exposition);
    let families = exposition.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let queries = panel_queries();
    let shown: BTreeSet<&str> = queries.iter().flat_map(|query| metric_names(&query.promql)).collect();
    for (name, _) in families.filter(|(name, _)| name.starts_with("watchfire_") && !deprecated.contains(name)) {
        let parts = [name.to_owned(), format!("{name}_bucket"), format!("{name}_sum"), format!("{name}_count")];
        assert!(parts.iter().any(|part| shown.contains(part.as_str())), "no panel shows {name}");
    }
}

#[test]
fn panels_have_a_description_the_chosen_data_source_and_a_place_of_their_own() {
    let (mut uids, boards) = (BTreeSet::new(), boards());
    let files: Vec<&str> = boards.iter().map(|(file, _)| file.as_str()).collect();
    let expected =
        ["inspections.json", "problems.json", "sources-and-self.json", "tiers-and-targets.json", "watchfire.json"];
    assert_eq!(files, expected);
    for (file, dashboard) in &boards {
        assert!(uids.insert(dashboard["uid"].as_str().unwrap()), "{file}: its uid stands twice");
        check_panels(dashboard);
    }
}

fn check_panels(dashboard: &serde_json::Value) {
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id stands twice");
        let place = &panel["gridPos"];
        let side = |name: &str| place[name].as_u64().unwrap();
        assert!(side("x") + side("w") <= 24, "{title} is too wide");
        for x in side("x")..side("x") + side("w") {
            for y in side("y")..side("y") + side("h") {
                assert!(taken.insert((x, y)), "{title} lies over another panel");
            }
        }
        if panel["type"] != "row" {
            assert!(panel["description"].as_str().is_some_and(|text| text.ends_with('.')), "{title}: no description");
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        }
    }
}

#[test]
fn alerts_say_what_happened_how_bad_it_is_and_what_to_do() {
    for rule in rules() {
        let name = &rule.alert;
        assert!(name.starts_with("Watchfire"), "{name}");
        assert!(["critical", "major", "warning"].contains(&rule.labels["severity"].as_str()), "{name}");
        assert!(!rule.annotations["summary"].is_empty(), "{name}");
        assert!(rule.annotations["description"].len() > 80, "{name}: its description helps nobody");
        // So that `queries` can ask for what is compared.
        let tail: Vec<&str> = rule.expr.rsplitn(3, ' ').collect();
        assert!(tail[0].parse::<f64>().is_ok() && [">", "=="].contains(&tail[1]), "{name}: {}", rule.expr);
    }
}

#[test]
fn promtool_accepts_the_exposition_and_every_query() {
    let promtool = program("promtool");
    let folder = tempfile::tempdir().unwrap();
    let exposition = folder.path().join("metrics.txt");
    std::fs::write(&exposition, metrics_of_a_run().render()).unwrap();
    let linted = Command::new(&promtool)
        .args(["check", "metrics"])
        .stdin(std::fs::File::open(&exposition).unwrap())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&linted.stderr), "");
    assert!(linted.status.success());

    run(Command::new(&promtool).args(["check", "rules"]).arg(dashboards().join("alerts.yaml")));
    let recorded: Vec<_> = queries()
        .iter()
        .enumerate()
        .map(|(number, query)| serde_json::json!({"record": format!("query:{number}"), "expr": query.promql}))
        .collect();
    let rules = serde_json::json!({"groups": [{"name": "queries", "rules": recorded}]});
    let file = folder.path().join("queries.yaml");
    std::fs::write(&file, rules.to_string()).unwrap();
    run(Command::new(&promtool).args(["check", "rules"]).arg(&file));
}

/// An alert, a series (Prometheus' notation, a sample a minute) with which it fires, and one with which it does not.
const ALERT_CASES: [(&str, &str, &str, &str); 25] = [
    ("WatchfireDown", r#"up{job="watchfire"}"#, "0x60", "1x60"),
    ("WatchfireDown", r#"up{job="node"}"#, "1x60", ""),
    ("WatchfireNotReady", r#"watchfire_ready{instance="a"}"#, "0x60", "1x60"),
    ("WatchfireNobodyLeads", r#"watchfire_cluster_is_lead{instance="a"}"#, "0x60", "1x60"),
    ("WatchfireTookOver", r#"watchfire_cluster_takeovers_total{instance="a"}"#, "0x50 1x10", "4x60"),
    ("WatchfireClockWrong", r#"watchfire_clock_offset_seconds{instance="a"}"#, "-3600x60", "2x60"),
    ("WatchfireCommitsFailing", r#"watchfire_commit_failures_total{instance="a"}"#, "0+1x60", "5x60"),
    ("WatchfireLagging", r#"watchfire_journal_lag_seconds{instance="a"}"#, "30x60", "2x60"),
    ("WatchfireHearsNothing", r#"watchfire_events_total{source="v2"}"#, "9x60", "0+1x60"),
    ("WatchfireMqttDisconnected", r#"watchfire_mqtt_connected{broker="b:1883"}"#, "1x40 0x20", "1x60"),
    ("WatchfireRefusesEvents", r#"watchfire_events_refused_total{protocol="http"}"#, "0+9x60", "0x40 1x20"),
    ("WatchfireDeadLetters", r#"watchfire_dead_letters_total{source="移动网管"}"#, "0x50 1x10", "1x60"),
    ("WatchfireP1Unacknowledged", r#"watchfire_incidents_unacknowledged{priority="P1"}"#, "1x60", "0x60"),
    (
        "WatchfireTimeLimitBreached",
        r#"watchfire_escalation_timeouts_total{tier="1",what="respond_by"}"#,
        "0x50 1x10",
        "1x60",
    ),
    ("WatchfireNoticesGivenUp", r#"watchfire_deliveries_total{outcome="dead_lettered"}"#, "0x50 1x10", "3x60"),
    ("WatchfireNoticesWaiting", r#"watchfire_outbox_notifications"#, "80x60", "20x60"),
    ("WatchfireInspectionMissed", r#"watchfire_inspection_runs_total{state="missed"}"#, "0x50 1x10", "2x60"),
    ("WatchfireRulesBroken", r#"watchfire_rulebook_last_load_successful"#, "0x60", "1x60"),
    ("WatchfireBoundHit", r#"watchfire_limits_hit_total{limit="windows"}"#, "0x50 1x10", "4x60"),
    (
        "WatchfireCertificateExpiring",
        r#"watchfire_certificate_expiry_timestamp_seconds{listener="http"}"#,
        "99999x60",
        "9999999x60",
    ),
    ("WatchfireFlooded", r#"watchfire_http_connections_cut_total{reason="made_room"}"#, "0x50 1x10", "4x60"),
    ("WatchfireInvariantBroken", r#"watchfire_invariants_broken_total{invariant="x"}"#, "_x50 1x10", "0x60"),
    (
        "WatchfireAcknowledgedInputsLost",
        r#"watchfire_acknowledged_inputs_lost_total{instance="a"}"#,
        "0x50 9x10",
        "0x60",
    ),
    ("WatchfireDatabaseFilesGone", r#"watchfire_database_files_gone_total{instance="a"}"#, "0x50 1x10", "0x60"),
    ("WatchfireBackupsFailing", r#"watchfire_backups_total{outcome="failure",instance="a"}"#, "0x50 1x10", "0x60"),
];

#[test]
fn every_alert_fires_when_it_should_and_only_then() {
    let promtool = program("promtool");
    let covered: BTreeSet<&str> = ALERT_CASES.iter().map(|(alert, ..)| *alert).collect();
    let missing: Vec<_> =
        rules().into_iter().map(|rule| rule.alert).filter(|name| !covered.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "without a case: {missing:?}");

    // Beside the case's series one that stands still, because silence is measured over two.
    let case = |alert: &str, series: &str, values: &str, fires: bool| {
        let steady = serde_json::json!({"series": "watchfire_events_resent_total", "values": "0x60"});
        let expression = format!(r#"count by (alertname) (ALERTS{{alertname="{alert}", alertstate="firing"}})"#);
        let labels = format!(r#"{{alertname="{alert}"}}"#);
        let expected = if fires { serde_json::json!([{"labels": labels, "value": 1}]) } else { serde_json::json!([]) };
        serde_json::json!({
            "interval": "1m",
            "input_series": [{"series": series, "values": values}, steady],
            "promql_expr_test": [{"expr": expression, "eval_time": "58m", "exp_samples": expected}],
        })
    };
    let mut tests = Vec::new();
    for (alert, series, firing, quiet) in ALERT_CASES {
        tests.push(case(alert, series, firing, true));
        if !quiet.is_empty() {
            tests.push(case(alert, series, quiet, false));
        }
    }
    println!("{} cases", tests.len());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.yaml");
    let text = serde_json::json!({
        "rule_files": [dashboards().join("alerts.yaml")],
        "evaluation_interval": "1m",
        "tests": tests,
    });
    std::fs::write(&file, text.to_string()).unwrap();
    run(Command::new(&promtool).args(["test", "rules"]).arg(&file));
}

#[tokio::test]
async fn a_real_prometheus_answers_every_query() {
    let metrics = Arc::new(metrics_of_a_run());
    let app = axum::Router::new().route(
        "/metrics",
        axum::routing::get(move || async move { ([("content-type", Metrics::CONTENT_TYPE)], metrics.render()) }),
    );
    let target = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let scraped = target.local_addr().unwrap();
    let served = tokio::spawn(async move { axum::serve(target, app).await });

    let prometheus = Prometheus::start(&scraping(&[("watchfire", &scraped.to_string())])).await;
    all_answered(&prometheus).await;
    served.abort();
}

/// Waits until every query has data.
pub async fn all_answered(prometheus: &Prometheus) {
    let patience = Duration::from_secs(120);
    let all_answered = async {
        let mut look = tokio::time::interval(Duration::from_millis(500));
        while !unanswered(&prometheus.url).await.is_empty() {
            look.tick().await;
        }
    };
    if tokio::time::timeout(patience, all_answered).await.is_err() {
        panic!("no data for {:#?}", unanswered(&prometheus.url).await);
    }
    println!("{} queries answered", queries().len());
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&said));
}
