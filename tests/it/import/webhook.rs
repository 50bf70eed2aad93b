//! An imported webhook gets what the real Alertmanager sends to it by the same configuration.

use std::process::Stdio;
use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::mpsc;
use watchfire::core::model::Timestamp;

use crate::support::service::{PATIENCE, Setup, free_port, program, until};

fn config(sink: &str, path: &str) -> String {
    format!(
        "route: {{receiver: noc, group_by: [alertname], group_wait: 3s, group_interval: 2s}}\n\
         receivers: [{{name: noc, webhook_configs: [{{url: 'http://{sink}/{path}', max_alerts: 2}}]}}]\n"
    )
}

/// A receiver of webhooks: the path and the body of each request.
async fn sink() -> (String, mpsc::UnboundedReceiver<(String, Value)>) {
    type Got = mpsc::UnboundedSender<(String, Value)>;
    async fn receive(State(got): State<Arc<Got>>, uri: Uri, body: axum::body::Bytes) {
        got.send((uri.path().to_owned(), serde_json::from_slice(&body).unwrap())).unwrap();
    }
    let (sender, got) = mpsc::unbounded_channel();
    let app = axum::Router::new().fallback(receive).with_state(Arc::new(sender));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (address, got)
}

/// What both must say alike: without the keys that name an installation, moments as moments, alerts in one order.
fn comparable(mut body: Value) -> Value {
    for own in ["groupKey", "externalURL"] {
        assert!(body.as_object_mut().unwrap().remove(own).is_some(), "{own} in {body}");
    }
    let alerts = body["alerts"].as_array_mut().unwrap();
    for alert in alerts.iter_mut() {
        for key in ["startsAt", "endsAt"] {
            let text = alert[key].as_str().unwrap();
            if let Ok(moment) = text.parse::<Timestamp>() {
                alert[key] = moment.to_string().into();
            }
        }
    }
    alerts.sort_by_key(|alert| alert["fingerprint"].as_str().unwrap().to_owned());
    body
}

#[tokio::test]
async fn an_imported_webhook_gets_the_body_that_the_real_alertmanager_sends() {
    let (sink, mut got) = sink().await;
    let setup = Setup::new(&[("95-alertmanager.yaml", &super::import_text(&config(&sink, "ours")).2)]);
    let theirs = setup.path("alertmanager.yml");
    std::fs::write(&theirs, config(&sink, "theirs")).unwrap();
    let address = format!("127.0.0.1:{}", free_port());
    let mut alertmanager = Command::new(program("prometheus-alertmanager"));
    alertmanager.arg(format!("--config.file={}", theirs.display())).arg(format!("--web.listen-address={address}"));
    alertmanager.arg("--cluster.listen-address=").arg(format!("--storage.path={}", setup.path("am").display()));
    let _running = alertmanager.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let service = setup.start().await;
    until("the Alertmanager is ready", async || {
        let answer = service.client.get(format!("http://{address}/-/ready")).send().await.ok()?;
        answer.status().is_success().then_some(())
    })
    .await;
    // Later than that an Alertmanager would not wait for the group's second alert.
    let answer = service.client.get(format!("{}/-/ready", service.base)).send().await.unwrap();
    let date = answer.headers()["date"].to_str().unwrap();
    let starts = jiff::fmt::rfc2822::parse(date).unwrap().timestamp();
    let ends = starts + std::time::Duration::from_secs(1);
    let post = async |ends_at: Option<jiff::Timestamp>| {
        let alert = |host: &str| {
            let mut alert = json!({
                "labels": {"alertname": "DiskFull", "host": host, "room": "广州"},
                "annotations": {"summary": "盘满", "of": host},
                "startsAt": starts.to_string(),
                "generatorURL": "http://prometheus/graph?g0.expr=up",
            });
            if let Some(ends_at) = ends_at {
                alert["endsAt"] = ends_at.to_string().into();
            }
            alert
        };
        let body = json!([alert("a"), alert("b")]);
        for base in [service.base.clone(), format!("http://{address}")] {
            let answer = service.client.post(format!("{base}/api/v2/alerts")).json(&body).send().await.unwrap();
            assert!(answer.status().is_success(), "{base}");
        }
    };
    for (ends_at, status) in [(None, "firing"), (Some(ends), "resolved")] {
        post(ends_at).await;
        let (mut ours, mut theirs) = (None, None);
        while ours.is_none() || theirs.is_none() {
            let (path, body) = tokio::time::timeout(PATIENCE, got.recv()).await.expect("both tell it").unwrap();
            if body["status"] == status {
                *(if path == "/ours" { &mut ours } else { &mut theirs }) = Some(comparable(body));
            }
        }
        assert_eq!(ours, theirs, "{status}");
    }
}
