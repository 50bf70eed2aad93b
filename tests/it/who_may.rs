//! Who may do what to the running service over HTTP: foreign names and pages, links that are used up, the first token,
//! and tokens of tools.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use axum::Json;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::service::{PATIENCE, Service, Setup, token, until};

/// A receiver of notices on a free port: where it is, and what it got.
async fn receiver() -> (String, UnboundedReceiver<Value>) {
    let (sender, got) = unbounded_channel();
    let take = move |Json(body): Json<Value>| {
        let sender = sender.clone();
        async move { drop(sender.send(body)) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().route("/", post(take))).await });
    (format!("http://{address}/"), got)
}

/// The token of the link in the next notice that carries one.
async fn link(got: &mut UnboundedReceiver<Value>) -> String {
    let next = async {
        loop {
            let body = got.recv().await.unwrap();
            let found = body["acknowledge"].as_str().and_then(|link| link.split_once("?t="));
            if let Some((_, token)) = found {
                return token.to_owned();
            }
        }
    };
    tokio::time::timeout(PATIENCE, next).await.expect("a notice with a link comes")
}

/// Presses the button: the status, and whether the incident is acknowledged then.
async fn pressed(service: &Service, link: &str) -> (u16, bool) {
    let request = service.client.post(format!("{}/ack", service.base));
    let form = request.header("content-type", "application/x-www-form-urlencoded").body(format!("t={link}"));
    let status = form.send().await.unwrap().status().as_u16();
    (status, service.get("/api/v1/incidents/INC-1").await["acknowledged"].as_bool().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_a_notice_acknowledges_once_and_only_in_its_episode() {
    let (address, mut got) = receiver().await;
    let rules = format!(
        r#"
teams:
  - {{name: first-line, members: [张三], notify: [{{webhook: {{url: "{address}"}}}}]}}
rules:
  - {{name: one, match: alertname="Down", by: [n], pattern: each, title: "{{n}}", notify_delay: 0s}}
"#
    );
    let setup = Setup::new(&[("rules.yaml", &rules)]).with(&["--external-url", "https://watch.example"]);
    let service = setup.start().await;
    service.must_post("/api/v1/events", &json!({"labels": {"alertname": "Down", "n": "1"}})).await;
    let first = link(&mut got).await;
    assert_eq!(pressed(&service, &first).await, (200, true));
    assert_eq!(pressed(&service, &first).await, (410, true), "it is used up");
    service.must_post("/api/v1/incidents/INC-1/resolve", &json!({"resolution": "restarted"})).await;
    service.must_post("/api/v1/incidents/INC-1/reopen", &json!({"reason": "it is back"})).await;
    assert_eq!(pressed(&service, &first).await, (410, false), "it was for the episode before");
    let second = link(&mut got).await;
    assert_ne!(second, first);
    assert_eq!(pressed(&service, &second).await, (200, true), "the newest notice is good");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_name_reads_nothing_and_a_foreign_page_is_told_nothing() {
    let setup =
        Setup::new(&[]).with(&["--allowed-hosts", "noc-1,noc-2", "--allowed-origins", "https://portal.example"]);
    let service = setup.start().await;
    let ask = async |path: &str, name: &'static str, value: &str| {
        let answer = service.client.get(format!("{}{path}", service.base)).header(name, value).send().await.unwrap();
        let origin =
            answer.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), origin, answer.text().await.unwrap())
    };
    for path in ["/api/v1/incidents", "/api/v2/alerts", "/api/v2/status", "/metrics", "/api/v1/stream"] {
        let (status, _, told) = ask(path, "host", "attacker.example").await;
        assert_eq!(status, 421, "{path}: {told}");
        assert!(told.contains("allowed_hosts") && told.contains("pass Host on"), "{path}: {told}");
    }
    for (path, host) in [("/api/v2/alerts", "noc-1"), ("/api/v1/incidents", "NOC-2:7247"), ("/-/ready", "10.0.0.1")] {
        assert_eq!(ask(path, "host", host).await.0, 200, "{path} {host}");
    }
    for path in ["/api/v1/incidents", "/api/v2/alerts", "/metrics"] {
        assert_eq!(ask(path, "origin", "https://attacker.example").await.1, None, "{path}");
        assert_eq!(ask(path, "origin", "https://portal.example").await.1.as_deref(), Some("https://portal.example"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_token_says_what_it_changes_and_the_next_says_nothing() {
    let setup = Setup::new(&[]);
    let create = |name: &'static str, role: &'static str| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_watchfire"));
        command.args(["token", "create", name, "--role", role, "--data-dir"]).arg(setup.path("data"));
        command.current_dir(setup.directory.path()).output()
    };
    let first = create("zabbix", "ingest:zabbix").await.unwrap();
    let said = String::from_utf8(first.stderr).unwrap();
    for part in ["first token", "401", "ingest:SOURCE", "--role monitoring", "Bearer", "MQTT as the password", "admin"]
    {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let second = String::from_utf8(create("张三", "first_line").await.unwrap().stderr).unwrap();
    assert!(!second.contains("first token"), "{second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_pushes_and_is_scraped_with_one_token_and_reads_nothing_else() {
    let setup = Setup::new(&[]);
    token(&setup, "boss", "admin").await;
    let prometheus = token(&setup, "prometheus", "monitoring:v2").await;
    let service = setup.start().await;
    let ask = async |method: reqwest::Method, path: &str, body: &Value| {
        let request = service.client.request(method, format!("{}{path}", service.base)).bearer_auth(&prometheus);
        request.json(body).send().await.unwrap().status().as_u16()
    };
    let alert = json!([{"labels": {"alertname": "Down"}}]);
    assert_eq!(ask(reqwest::Method::POST, "/api/v2/alerts", &alert).await, 200);
    assert_eq!(ask(reqwest::Method::GET, "/metrics", &Value::Null).await, 200);
    assert_eq!(ask(reqwest::Method::GET, "/api/v2/alerts", &Value::Null).await, 403);
    assert_eq!(ask(reqwest::Method::POST, "/api/v1/events", &alert[0]).await, 403);
    assert_eq!(ask(reqwest::Method::POST, "/-/reload", &Value::Null).await, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_given_to_people_that_exist() {
    let rules = r#"
teams:
  - {name: first-line, members: [张三]}
rules:
  - {name: one, match: alertname="Down", by: [n], pattern: each, title: "{n}", notify_delay: 0s}
"#;
    let setup = Setup::new(&[("rules.yaml", rules)]);
    let service = setup.start().await;
    service.must_post("/api/v1/events", &json!({"labels": {"alertname": "Down", "n": "1"}})).await;
    service.incident("the incident", |one| one["rule"] == "one").await;
    for ghost in ["ghost", "张三 ", "张\u{7}三", "张三\u{202e}", "first-line"] {
        let (status, told) = service.post("/api/v1/incidents/INC-1/assign", &json!({"assignee": ghost})).await;
        assert_eq!(status, 400, "{ghost:?}: {told}");
    }
    service.must_post("/api/v1/incidents/INC-1/assign", &json!({"assignee": "张三"})).await;
    token(&setup, "李四", "second_line").await;
    until("a token makes a person", async || {
        let answer = service.client.get(format!("{}/api/v1/incidents", service.base)).send().await.unwrap();
        (answer.status() == 401).then_some(())
    })
    .await;
    let manager = token(&setup, "王五", "first_line").await;
    let assign = service.client.post(format!("{}/api/v1/incidents/INC-1/assign", service.base)).bearer_auth(&manager);
    assert_eq!(assign.json(&json!({"assignee": "李四"})).send().await.unwrap().status(), 200);
}
