//! A real Prometheus on a free port, ended with the test.

use std::process::Stdio;

use serde_json::Value;
use tokio::process::{Child, Command};

use super::service::{free_port, program, until};

pub struct Prometheus {
    /// `http://127.0.0.1:port`
    pub url: String,
    client: reqwest::Client,
    _process: Child,
    _directory: tempfile::TempDir,
}

/// A configuration that scrapes these `(job, host:port)` every second; sections of the caller's own go behind it.
pub fn scraping(targets: &[(&str, &str)]) -> String {
    let jobs: String = targets
        .iter()
        .map(|(job, target)| format!("  - job_name: {job}\n    static_configs: [{{targets: ['{target}']}}]\n"))
        .collect();
    format!("global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\nscrape_configs:\n{jobs}")
}

impl Prometheus {
    /// Runs it with that configuration until it is ready.
    pub async fn start(config: &str) -> Prometheus {
        // Between finding a free port and taking it somebody else may: then another is tried.
        for _ in 0..5 {
            if let Some(started) = Prometheus::try_start(config).await {
                return started;
            }
        }
        panic!("prometheus ends at its start; is this configuration right?\n{config}");
    }

    /// `None` when its process ends: the port was taken, or the configuration is wrong.
    async fn try_start(config: &str) -> Option<Prometheus> {
        let directory = tempfile::tempdir().unwrap();
        let config_file = directory.path().join("prometheus.yml");
        std::fs::write(&config_file, config).unwrap();
        let port = free_port();
        let mut process = Command::new(program("prometheus"))
            .arg(format!("--config.file={}", config_file.display()))
            .arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::new();
        let url = format!("http://127.0.0.1:{port}");
        let ready = until("prometheus becomes ready", async || {
            if process.try_wait().unwrap().is_some() {
                return Some(false);
            }
            let answer = client.get(format!("{url}/-/ready")).send().await;
            answer.is_ok_and(|answer| answer.status().is_success()).then_some(true)
        })
        .await;
        ready.then_some(Prometheus { url, client, _process: process, _directory: directory })
    }

    /// The result of an instant query.
    pub async fn query(&self, promql: &str) -> Vec<Value> {
        let mut url = reqwest::Url::parse(&format!("{}/api/v1/query", self.url)).unwrap();
        url.query_pairs_mut().append_pair("query", promql);
        let answer: Value = self.client.get(url).send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["status"], "success", "{promql}: {answer}");
        answer["data"]["result"].as_array().unwrap().clone()
    }

    /// Asks until there is a sample.
    pub async fn wait_for(&self, promql: &str) -> Vec<Value> {
        until(promql, async || Some(self.query(promql).await).filter(|result| !result.is_empty())).await
    }
}
