//! The tools of the field, unmodified, against the running binary: Prometheus with its exporter, amtool, mosquitto, what
//! Grafana and karma read, and strace, which sees the sync before the answer.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::dashboards::all_answered;
use crate::support::mosquitto::{Mosquitto, publish, run};
use crate::support::prometheus::{Prometheus, scraping};
use crate::support::service::{Service, Setup, free_port, program, until};

/// An incident follows its alerts at once, up and down.
const AT_ONCE: &str = r#"
teams:
  - { name: first-line, members: [desk], notify: [{ mqtt: { topic: "noc/{id}" } }] }
tiers:
  - name: default
    steps: [{ tier: 1, team: first-line, respond_by: 10m }]
rules:
  - { name: instances, match: 'alertname="InstanceDown"', by: [job], pattern: each, title: "{job} 不可达", notify_delay: 0s, resolve_after: 0s }
  - { name: links, match: 'alertname="LinkDown"', by: [site], pattern: each, title: "{site} 链路中断", notify_delay: 0s, resolve_after: 0s }
"#;

/// Four teams and what tells their alerts apart; `case` keeps every alert's incident its own.
/// Reads after the event, by which the test of the trace shows that it can fail.
const READS: usize = 10;

const ROUTES: &str = r#"
teams:
  - { name: network, members: [a] }
  - { name: systems, members: [b] }
  - { name: 动力, members: [c] }
  - { name: auditors, members: [d] }
  - { name: nobody }
tiers:
  - { name: network, steps: [{ tier: 1, team: network, respond_by: 10m }] }
  - { name: systems, steps: [{ tier: 1, team: systems, respond_by: 10m }] }
  - { name: power, steps: [{ tier: 1, team: 动力, respond_by: 10m }] }
  - { name: audit, steps: [{ tier: 1, team: auditors, respond_by: 10m }] }
  - { name: unstaffed, steps: [{ tier: 1, team: nobody, respond_by: 10m }, { tier: 2, team: auditors, respond_by: 10m }] }
rules:
  - { name: audited, match: 'audit=~"yes|true"', by: [case], tiers: audit, continue: true }
  - { name: links, match: ['alertname=~"Link.*"', 'site=~"GZ[0-9]+|广州.*"'], by: [case], tiers: network }
  - { name: disks, match: 'alertname="DiskFull", host!=""', by: [case], tiers: systems }
  - { name: power, match: 'site!~"test|lab", volts=~".+"', by: [case], tiers: power }
  - { name: quoted, match: 'path="C:\\x \"y\""', by: [case], tiers: systems }
  - { name: climbs at once, match: 'alertname="Night"', by: [case], tiers: unstaffed }
  - { name: pages nobody, match: 'alertname="Note"', by: [case], tiers: unstaffed, paging: false }
  - { name: left out, match: 'alertname="Hot"', when: value > 30.0, by: [case], tiers: network }
  - { name: dark sites, match: 'alertname="Dark", host=""', by: [case], tiers: power }
"#;

/// Sets of labels to route.
const ROUTED: [&[&str]; 16] = [
    &["alertname=LinkDown", "site=GZ01"],
    &["alertname=LinkDown", "site=广州白云"],
    &["alertname=LinkDown", "site=SZ01"],
    &["alertname=LinkDown", "site=xGZ01"],
    &["alertname=LinkDown", "site=GZ01", "audit=yes"],
    &["alertname=Other", "audit=true"],
    &["alertname=Other", "audit=yes please"],
    &["alertname=DiskFull", "host=h1"],
    &["alertname=DiskFull"],
    &["alertname=Rectifier", "volts=48", "site=lab"],
    &["alertname=Rectifier", "volts=48"],
    &["alertname=Backup", "path=C:\\x \"y\""],
    &["alertname=Night"],
    &["alertname=Note"],
    &["alertname=Dark"],
    &["alertname=Dark", "host=h1"],
];

/// The alerting rule that a real exporter's death fires.
const INSTANCE_DOWN: &str = r#"
groups:
  - name: instances
    interval: 1s
    rules:
      - alert: InstanceDown
        expr: up == 0
        labels: { severity: critical }
        annotations: { summary: "{{ $labels.instance }} 不可达" }
"#;

/// A real prometheus-node-exporter, ended with the test.
struct NodeExporter {
    port: u16,
    process: Option<Child>,
}

impl NodeExporter {
    async fn start() -> NodeExporter {
        let mut exporter = NodeExporter { port: free_port(), process: None };
        exporter.start_again().await;
        exporter
    }

    async fn start_again(&mut self) {
        let mut process = Command::new(program("prometheus-node-exporter"))
            .arg(format!("--web.listen-address=127.0.0.1:{}", self.port))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::new();
        until("the node exporter answers", async || {
            assert!(process.try_wait().unwrap().is_none(), "the node exporter ended");
            let answer = client.get(format!("http://127.0.0.1:{}/metrics", self.port)).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        self.process = Some(process);
    }

    async fn kill(&mut self) {
        self.process.take().unwrap().kill().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_fires_and_resolves_and_the_incident_opens_and_resolves_with_it() {
    let setup = Setup::new(&[("rules.yaml", AT_ONCE)]);
    let service = setup.start().await;
    let mut exporter = NodeExporter::start().await;
    let target = format!("127.0.0.1:{}", exporter.port);
    let rules = setup.path("prometheus-rules.yaml");
    std::fs::write(&rules, INSTANCE_DOWN).unwrap();
    let config = format!(
        "{}rule_files: ['{}']\nalerting: {{alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]}}\n",
        scraping(&[("node", &target)]),
        rules.display(),
        setup.http,
    );
    let prometheus = Prometheus::start(&config).await;
    prometheus.wait_for("node_load1 and on (instance) up == 1").await;
    assert!(service.incidents().await.is_empty(), "nothing is down yet");

    exporter.kill().await;
    let opened = service.incident("the exporter's death opens an incident", |one| one["rule"] == "instances").await;
    assert_eq!((&opened["title"], &opened["state"]), (&json!("node 不可达"), &json!("new")), "{opened}");
    assert_eq!((&opened["severity"], &opened["alerts"]), (&json!("critical"), &json!(1)), "{opened}");
    let alerts = service.get("/api/v2/alerts?filter=alertname%3DInstanceDown").await;
    assert_eq!(alerts.as_array().unwrap().len(), 1, "{alerts}");
    assert_eq!(alerts[0]["labels"]["instance"], target.as_str());
    assert_eq!(alerts[0]["annotations"]["summary"], format!("{target} 不可达"));
    assert!(alerts[0]["generatorURL"].as_str().unwrap().contains("/graph?g0.expr=up"), "{alerts}");
    assert_eq!(alerts[0]["receivers"], json!([{ "name": "first-line" }]));

    exporter.start_again().await;
    let resolved = service.incident("its return resolves it", |one| one["state"] == "resolved").await;
    assert_eq!(resolved["id"], opened["id"]);
    assert_eq!(service.get("/api/v2/alerts").await, json!([]));
    assert_eq!(service.incidents().await.len(), 1, "one fault, one incident");
    let own = service.client.get(format!("{}/metrics", prometheus.url)).send().await.unwrap().text().await.unwrap();
    let count = |name: &str| -> f64 {
        let line = own.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}:\n{own}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(count("prometheus_notifications_sent_total{") >= 2.0);
    assert_eq!(
        (count("prometheus_notifications_errors_total{"), count("prometheus_notifications_dropped_total")),
        (0.0, 0.0)
    );
}

/// amtool as a person calls it, with a home of its own.
async fn amtool(home: &Path, arguments: &[&str]) -> Output {
    let run = Command::new(program("amtool")).args(arguments).env("HOME", home).stdin(Stdio::null()).output();
    run.await.unwrap()
}

/// Its standard output; it must succeed.
async fn amtool_says(setup: &Setup, arguments: &[&str]) -> String {
    let url = format!("--alertmanager.url=http://{}", setup.http);
    let arguments: Vec<&str> = arguments.iter().copied().chain([url.as_str()]).collect();
    let output = amtool(setup.directory.path(), &arguments).await;
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "amtool {arguments:?}: {said}{complained}");
    said.trim().to_owned()
}

/// What it says with `-o json`.
async fn amtool_json(setup: &Setup, arguments: &[&str]) -> Vec<Value> {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["-o", "json"]).collect();
    let said = amtool_says(setup, &arguments).await;
    let parsed: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {said}"));
    parsed.as_array().unwrap().clone()
}

fn sites(alerts: &[Value]) -> Vec<&str> {
    let mut sites: Vec<&str> = alerts.iter().map(|alert| alert["labels"]["site"].as_str().unwrap()).collect();
    sites.sort_unstable();
    sites
}

#[tokio::test(flavor = "multi_thread")]
async fn amtool_adds_and_queries_alerts() {
    let setup = Setup::new(&[("rules.yaml", AT_ONCE)]);
    let service = setup.start().await;
    let annotation = "--annotation=summary=上联中断";
    let address = "--generator-url=http://nms.example.org/link?id=3";
    amtool_says(&setup, &["alert", "add", "LinkDown", "site=GZ01", "device=sw3", annotation, address]).await;
    amtool_says(&setup, &["alert", "add", "alertname=LinkDown", "site=广州02", "device=sw3"]).await;
    service.incident("amtool's alert opens an incident", |one| one["title"] == "广州02 链路中断").await;

    let all = amtool_json(&setup, &["alert", "query"]).await;
    assert_eq!(sites(&all), ["GZ01", "广州02"]);
    let first = all.iter().find(|alert| alert["labels"]["site"] == "GZ01").unwrap();
    assert_eq!(first["annotations"], json!({ "summary": "上联中断" }));
    assert_eq!(first["generatorURL"], "http://nms.example.org/link?id=3");
    assert_eq!(first["status"]["state"], "active");
    for (filters, expected) in [
        (&["LinkDown"][..], &["GZ01", "广州02"][..]),
        (&["alertname=LinkDown", "site=广州02"], &["广州02"]),
        (&["site=~广.*"], &["广州02"]),
        (&["site!~广.*", "device=sw3"], &["GZ01"]),
        (&["device!=sw3"], &[]),
        (&["rack="], &["GZ01", "广州02"]),
        (&["LinkUp"], &[]),
    ] {
        let arguments: Vec<&str> = ["alert", "query"].into_iter().chain(filters.iter().copied()).collect();
        assert_eq!(sites(&amtool_json(&setup, &arguments).await), expected, "{filters:?}");
    }
    assert!(amtool_json(&setup, &["alert", "query", "--silenced"]).await.is_empty());
    assert!(amtool_says(&setup, &["alert", "query", "-o", "extended"]).await.contains("上联中断"));

    // What ends in the past is how a client resolves.
    let end = ["--start=2026-01-01T00:00:00Z", "--end=2026-01-02T00:00:00Z"];
    amtool_says(&setup, &["alert", "add", "LinkDown", "site=GZ01", "device=sw3", end[0], end[1]]).await;
    service.incident("the end resolves it", |one| one["key"]["site"] == "GZ01" && one["state"] == "resolved").await;
    assert_eq!(sites(&amtool_json(&setup, &["alert", "query"]).await), ["广州02"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn amtool_silences_and_the_silence_outlives_a_kill() {
    let setup = Setup::new(&[("rules.yaml", AT_ONCE)]);
    let service = setup.start().await;
    amtool_says(&setup, &["alert", "add", "LinkDown", "site=广州01"]).await;
    amtool_says(&setup, &["alert", "add", "LinkDown", "site=SZ01"]).await;
    let add = ["silence", "add", "-a", "值班员", "-c", "计划割接", "-d", "2h", "alertname=LinkDown", "site=~广.*"];
    let id = amtool_says(&setup, &add).await;
    let silenced = async || {
        let alerts = amtool_json(&setup, &["alert", "query", "--silenced"]).await;
        assert_eq!(sites(&alerts), ["广州01"]);
        assert_eq!(alerts[0]["status"]["state"], "suppressed");
        assert_eq!(alerts[0]["status"]["silencedBy"], json!([id]));
        assert_eq!(sites(&amtool_json(&setup, &["alert", "query"]).await), ["SZ01"]);
    };
    silenced().await;
    service.kill().await;
    let service = setup.start().await;
    silenced().await;

    let found = amtool_json(&setup, &["silence", "query", "alertname=LinkDown"]).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0]["id"], &found[0]["createdBy"]), (&json!(id), &json!("值班员")));
    assert_eq!((&found[0]["comment"], &found[0]["status"]["state"]), (&json!("计划割接"), &json!("active")));
    assert_eq!(found[0]["matchers"].as_array().unwrap().len(), 2);
    assert!(amtool_json(&setup, &["silence", "query", "alertname=Other"]).await.is_empty());
    assert!(amtool_says(&setup, &["silence", "query"]).await.contains("计划割接"));

    // Not -q: amtool 0.25 prints an address in memory instead of the id there.
    amtool_json(&setup, &["silence", "update", "-c", "延长", "-d", "5h", &id]).await;
    let found = amtool_json(&setup, &["silence", "query"]).await;
    assert_eq!((found.len(), &found[0]["comment"]), (1, &json!("延长")), "{found:?}");
    assert_eq!(found[0]["id"], id, "the same matchers keep their silence");
    let length = |silence: &Value| {
        let at = |name: &str| silence[name].as_str().unwrap().parse::<watchfire::core::model::Timestamp>().unwrap();
        at("endsAt").since(at("startsAt"))
    };
    assert_eq!(length(&found[0]), watchfire::core::model::TimeDelta::from_seconds(5 * 3600), "{found:?}");
    silenced().await;

    amtool_says(&setup, &["silence", "expire", &id]).await;
    assert!(amtool_json(&setup, &["silence", "query"]).await.is_empty());
    let expired = amtool_json(&setup, &["silence", "query", "--expired"]).await;
    assert_eq!((expired.len(), &expired[0]["id"]), (1, &json!(id)), "{expired:?}");
    assert_eq!(sites(&amtool_json(&setup, &["alert", "query"]).await), ["SZ01", "广州01"]);
    service.incident("what still fires is raised again", |one| one["key"]["site"] == "广州01").await;
    service.kill().await;
    let _service = setup.start().await;
    assert!(amtool_json(&setup, &["silence", "query"]).await.is_empty(), "its end outlives a kill too");

    let unknown = format!("--alertmanager.url=http://{}", setup.http);
    let nobody = "00000000-0000-8000-8000-000000000000";
    let output = amtool(setup.directory.path(), &["silence", "expire", nobody, &unknown]).await;
    assert!(!output.status.success(), "there is no such silence: {output:?}");
}

/// Writes `config.original` where amtool can read it.
async fn original(setup: &Setup, service: &Service) -> String {
    let status = service.get("/api/v2/status").await;
    let file = setup.path("alertmanager.yml");
    std::fs::write(&file, status["config"]["original"].as_str().unwrap()).unwrap();
    file.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn amtool_loads_and_shows_the_routes_of_the_built_in_rules() {
    let setup = Setup::new(&[]);
    let service = setup.start().await;
    let file = original(&setup, &service).await;
    let checked = amtool(setup.directory.path(), &["check-config", &file]).await;
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success() && said.contains("SUCCESS"), "{checked:?}");
    let shown = amtool_says(&setup, &["config", "routes", "show"]).await;
    assert!(shown.starts_with("Routing tree:") && shown.contains("receiver: first-line"), "{shown}");
    assert!(amtool_says(&setup, &["config", "routes"]).await.contains("default-route"), "the same without its verb");
    assert!(amtool_says(&setup, &["config", "show"]).await.contains("receivers:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn amtool_routes_every_alert_to_the_teams_that_get_it_here() {
    let setup = Setup::new(&[("rules.yaml", ROUTES)]);
    let service = setup.start().await;
    let file = original(&setup, &service).await;
    let left_out = std::fs::read_to_string(&file).unwrap();
    assert!(left_out.contains("# rule \"left out\" is left out: Alertmanager cannot say its `when`"), "{left_out}");
    let config = format!("--config.file={file}");
    let mut reached = std::collections::BTreeSet::new();
    for (number, labels) in ROUTED.into_iter().enumerate() {
        let case = format!("case={number}");
        let arguments = ["config", "routes", "test", config.as_str()].map(str::to_owned);
        // amtool reads values as its matchers: with the escapes that these need.
        let escaped =
            labels.iter().copied().chain([case.as_str()]).map(|label| label.replace('\\', r"\\").replace('"', "\\\""));
        let arguments: Vec<String> = arguments.into_iter().chain(escaped).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let routed = amtool(setup.directory.path(), &arguments).await;
        assert!(routed.status.success(), "{arguments:?}: {routed:?}");
        let mut theirs: Vec<String> =
            String::from_utf8(routed.stdout).unwrap().trim().split(',').map(str::to_owned).collect();
        theirs.sort();

        let pairs = labels.iter().copied().chain([case.as_str()]).map(|label| label.split_once('=').unwrap());
        let sent: std::collections::BTreeMap<&str, &str> = pairs.collect();
        service.must_post("/api/v2/alerts", &json!([{ "labels": sent }])).await;
        let alert = service.get(&format!("/api/v2/alerts?filter=case%3D{number}")).await;
        let fingerprint = alert[0]["fingerprint"].as_str().unwrap_or_else(|| panic!("{labels:?}: {alert}"));
        let listing = service.get(&format!("/api/v1/incidents?alert={fingerprint}")).await;
        let mut ours: Vec<String> = listing["items"].as_array().unwrap().iter().map(team).collect();
        ours.sort();
        assert_eq!(ours, theirs, "{labels:?}: {listing}");
        reached.extend(ours);
    }
    println!("{} label sets routed, to {reached:?}", ROUTED.len());
    for team in ["network", "systems", "动力", "auditors", "nobody"] {
        assert!(reached.contains(team), "{reached:?}");
    }
}

fn team(incident: &Value) -> String {
    incident["team"].as_str().filter(|team| !team.is_empty()).unwrap_or("default").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_the_dashboard_and_the_alerts_has_data_of_a_real_run() {
    let broker = Mosquitto::start("").await;
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    let setup = Setup::new(&[("rules.yaml", AT_ONCE)]).with(&["--mqtt-url", &url]);
    let service = setup.start().await;
    subscribed(&broker, 1).await;
    let alerts = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards/alerts.yaml");
    let config =
        format!("{}rule_files: ['{}']\n", scraping(&[("watchfire", &setup.http.to_string())]), alerts.display());
    let prometheus = Prometheus::start(&config).await;
    publish(broker.port, "watchfire/events/GZ01", &link_down("GZ01")).await;
    service.incident("an incident over MQTT", |one| one["key"]["site"] == "GZ01").await;
    all_answered(&prometheus).await;
    let rules = until("Prometheus has evaluated every alerting rule", async || {
        let rules = service.client.get(format!("{}/api/v1/rules", prometheus.url)).send().await.unwrap();
        let rules: Value = rules.json().await.unwrap();
        let rules = rules["data"]["groups"][0]["rules"].as_array()?.clone();
        rules.iter().all(|rule| rule["health"] != "unknown").then_some(rules)
    })
    .await;
    assert!(rules.len() > 10, "{} rules are too few", rules.len());
    assert!(rules.iter().all(|rule| rule["health"] == "ok"), "{rules:?}");
    // A healthy run is quiet: nothing of it fires.
    assert!(rules.iter().all(|rule| rule["state"] != "firing"), "{rules:?}");
}

fn link_down(site: &str) -> String {
    json!({ "status": "firing", "labels": { "alertname": "LinkDown", "site": site }, "severity": "major" }).to_string()
}

/// Waits until the broker has answered that many subscriptions since its start.
async fn subscribed(broker: &Mosquitto, times: usize) {
    until("watchfire has subscribed", async || (broker.log().matches("Sending SUBACK").count() >= times).then_some(()))
        .await;
}

/// The retained message of a topic, once it fits.
async fn retained(broker: &Mosquitto, topic: &str, fits: impl Fn(&str) -> bool) -> String {
    let port = broker.port.to_string();
    until(&format!("the retained message of {topic}"), async || {
        // -E: ends once subscribed; -F %r: whether the message is a retained one.
        let arguments = ["-p", &port, "-t", topic, "-C", "1", "-W", "2", "-F", "%r %p"];
        let output = run("mosquitto_sub", &arguments, b"").await;
        let said = String::from_utf8(output.stdout).unwrap();
        said.strip_prefix("1 ").map(|payload| payload.trim_end().to_owned()).filter(|payload| fits(payload))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_real_broker_events_come_in_and_incidents_and_the_status_go_out_retained() {
    let broker = Mosquitto::start("").await;
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    let setup = Setup::new(&[("rules.yaml", AT_ONCE)]).with(&["--mqtt-url", &url]);
    let service = setup.start().await;
    subscribed(&broker, 1).await;
    publish(broker.port, "watchfire/events/广州01", &link_down("广州01")).await;
    let incident = service.incident("an incident over MQTT", |one| one["key"]["site"] == "广州01").await;
    assert_eq!(incident["id"], "INC-1");
    retained(&broker, "watchfire/status", |payload| payload == "online").await;
    let shown = retained(&broker, "watchfire/incidents/INC-1", |_| true).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&shown["id"], &shown["title"]), (&json!("INC-1"), &json!("广州01 链路中断")));
    service.must_post("/api/v1/incidents/INC-1/acknowledge", &json!({})).await;
    retained(&broker, "watchfire/incidents/INC-1", |payload| {
        serde_json::from_str::<Value>(payload).is_ok_and(|shown| shown["state"] == "in_progress")
    })
    .await;

    service.kill().await;
    retained(&broker, "watchfire/status", |payload| payload == "offline").await;
    // The broker keeps for us what comes meanwhile.
    publish(broker.port, "watchfire/events/SZ02", &link_down("SZ02")).await;
    let service = setup.start().await;
    service.incident("what came while it was down", |one| one["key"]["site"] == "SZ02").await;
    retained(&broker, "watchfire/status", |payload| payload == "online").await;
    assert_eq!(service.incidents().await.len(), 2, "{:?}", service.incidents().await);
    assert!(service.terminate().await.success());
    retained(&broker, "watchfire/status", |payload| payload == "offline").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grafana_and_karma_read_what_they_need() {
    let setup = Setup::new(&[("rules.yaml", AT_ONCE)]);
    let service = setup.start().await;
    let links: Vec<Value> = [("GZ01", "sw1"), ("GZ01", "sw2"), ("深圳01", "sw1")]
        .iter()
        .map(|(site, device)| json!({ "labels": { "alertname": "LinkDown", "site": site, "device": device } }))
        .collect();
    service.must_post("/api/v2/alerts", &json!(links)).await;
    let silence = json!({
        "matchers": [{ "name": "device", "value": "sw2", "isRegex": false, "isEqual": true }],
        "startsAt": "0001-01-01T00:00:00.000Z", "endsAt": "2126-01-01T00:00:00Z", "createdBy": "grafana", "comment": "",
    });
    let created: Value = serde_json::from_str(&service.must_post("/api/v2/silences", &silence).await).unwrap();

    // karma: which Alertmanager this is, then everything without parameters.
    let metrics = service.text("/metrics").await;
    let build = metrics.lines().find(|line| line.starts_with("alertmanager_build_info{")).expect("a build info");
    let version = build.split("version=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert!(version.split('.').count() == 3 && version.split('.').all(|part| part.parse::<u32>().is_ok()), "{build}");
    assert_eq!(service.get("/api/v2/status").await["versionInfo"]["version"], version);
    assert_eq!(service.get("/api/v2/silences").await[0]["id"], created["silenceID"]);
    let groups = service.get("/api/v2/alerts/groups").await;
    assert_eq!(group_sizes(&groups), [("GZ01".to_owned(), 2), ("深圳01".to_owned(), 1)], "{groups}");
    for group in groups.as_array().unwrap() {
        assert_eq!(group["receiver"], json!({ "name": "first-line" }));
        for alert in group["alerts"].as_array().unwrap() {
            let expected = if alert["labels"]["device"] == "sw2" { "suppressed" } else { "active" };
            assert_eq!(alert["status"]["state"], expected, "{alert}");
        }
    }

    // Grafana: health is this one answering and that one not; filters are repeated.
    let mimir = service.client.get(format!("{}/alertmanager/api/v2/status", service.base)).send().await.unwrap();
    assert_eq!(mimir.status(), 404);
    for (query, expected) in [
        ("silenced=false&inhibited=false&active=true", &[("GZ01", 1), ("深圳01", 1)][..]),
        ("active=false&silenced=true", &[("GZ01", 1)]),
        ("filter=site%3D%22%E6%B7%B1%E5%9C%B301%22", &[("深圳01", 1)]),
        ("filter=alertname%3D~%22Link.%2A%22&filter=site%21%3D%22%E6%B7%B1%E5%9C%B301%22", &[("GZ01", 2)]),
        ("receiver=first-.%2A", &[("GZ01", 2), ("深圳01", 1)]),
        ("receiver=line", &[]),
    ] {
        let groups = service.get(&format!("/api/v2/alerts/groups?{query}")).await;
        let expected: Vec<(String, usize)> = expected.iter().map(|(site, n)| ((*site).to_owned(), *n)).collect();
        assert_eq!(group_sizes(&groups), expected, "{query}");
    }
    let bad = service.client.get(format!("{}/api/v2/alerts/groups?filter=x", service.base)).send().await.unwrap();
    assert_eq!(bad.status(), 400);
    assert!(bad.json::<Value>().await.unwrap().is_string(), "a refusal is a bare text");
}

/// The site of each group and how many alerts it holds.
fn group_sizes(groups: &Value) -> Vec<(String, usize)> {
    let size = |group: &Value| {
        (group["labels"]["site"].as_str().unwrap().to_owned(), group["alerts"].as_array().unwrap().len())
    };
    groups.as_array().unwrap().iter().map(size).collect()
}

/// What strace saw between the reading of a request and the writing of its answer, both lines included.
fn exchange<'a>(trace: &'a [&'a str], request: &str) -> Option<&'a [&'a str]> {
    let reading = |line: &&str| {
        (line.contains("recvfrom(") || line.contains("read(") || line.contains("recvfrom resumed"))
            && line.contains(request)
    };
    let start = trace.iter().position(reading)?;
    let writing = |line: &&str| line.contains("\"HTTP/1.1 200");
    let length = trace[start..].iter().position(writing)?;
    Some(&trace[start..=start + length])
}

/// Whether the write-ahead log is written and then synced, and both have returned.
fn syncs_after_a_write(trace: &[&str]) -> bool {
    let wrote = |line: &&str| line.contains("pwrite64(") && line.contains("-wal>");
    let Some(first) = trace.iter().position(wrote) else { return false };
    // An answer is one line, or, when another thread came between, `<unfinished ...>` and later `resumed`.
    let mut waiting: Vec<&str> = Vec::new();
    for line in &trace[first..] {
        let Some(thread) = line.split_whitespace().next() else { continue };
        let sync = line.contains("fdatasync(") || line.contains("fsync(");
        if sync && line.contains("-wal>") && line.contains("unfinished") {
            waiting.push(thread);
        } else if (sync && line.contains("-wal>") || line.contains("sync resumed") && waiting.contains(&thread))
            && line.ends_with("= 0")
        {
            return true;
        }
    }
    false
}

#[test]
fn only_a_finished_sync_of_the_written_log_counts() {
    let wrote = "7 10:00:00 pwrite64(9</d/w.db-wal>, \"x\", 24, 0) = 24";
    let check = |lines: &[&str], expected: bool| assert_eq!(syncs_after_a_write(lines), expected, "{lines:?}");
    check(&[wrote, "7 10:00:00 fdatasync(9</d/w.db-wal>) = 0"], true);
    check(
        &[wrote, "7 10:00:00 fdatasync(9</d/w.db-wal> <unfinished ...>", "7 10:00:01 <... fdatasync resumed>) = 0"],
        true,
    );
    check(
        &[wrote, "7 10:00:00 fdatasync(9</d/w.db-wal> <unfinished ...>", "8 10:00:01 <... fdatasync resumed>) = 0"],
        false,
    );
    check(&[wrote, "7 10:00:00 fdatasync(9</d/w.db-wal>) = -1 EIO"], false);
    check(&[wrote, "7 10:00:00 fdatasync(9</d/w.db>) = 0"], false);
    check(&["7 10:00:00 fdatasync(9</d/w.db-wal>) = 0", wrote], false);
    check(&[wrote], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_has_an_event_before_its_sender_has_the_answer() {
    let mut setup = Setup::new(&[("rules.yaml", AT_ONCE)]);
    let trace = setup.path("trace");
    // -D: the service is our child and strace its tracer, which ends with it.
    let calls = "trace=fsync,fdatasync,pwrite64,read,recvfrom,write,writev,sendto";
    let words = ["-D", "-f", "-y", "-tt", "-s", "120", "-e", calls, "-o", trace.to_str().unwrap()];
    setup.before.push(program("strace").display().to_string());
    setup.before.extend(words.map(str::to_owned));
    let service = setup.start().await;
    let event: Value = serde_json::from_str(&link_down("GZ01")).unwrap();
    service.must_post("/api/v1/events?traced", &event).await;
    for nth in 0..READS {
        service.get(&format!("/api/v2/status?{nth}")).await;
    }
    assert!(service.terminate().await.success());
    // The tracer writes its last line when the service has gone.
    let text = until("the whole trace", async || {
        std::fs::read_to_string(&trace).ok().filter(|text| text.trim_end().ends_with("+++ exited with 0 +++"))
    })
    .await;
    let lines: Vec<&str> = text.lines().collect();
    let post = exchange(&lines, "POST /api/v1/events").unwrap_or_else(|| panic!("no POST in the trace:\n{text}"));
    assert!(syncs_after_a_write(post), "no sync before the answer:\n{}", post.join("\n"));
    // And so that this can fail: a read is not synced. A heartbeat's commit may fall into some of them, not into all.
    let synced = |nth: usize| {
        let get = exchange(&lines, &format!("GET /api/v2/status?{nth} ")).expect("the GET is in the trace");
        syncs_after_a_write(get)
    };
    assert!(!(0..READS).all(synced), "every read is synced:\n{text}");
    println!("{} system calls between the request and its answer, a finished sync among them", post.len());
}
