//! The real `watchfire serve` as a process: started on free ports, killable, started again on the same data.

#![expect(clippy::unwrap_used, reason = "a test that cannot have its service has failed")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::{Child, Command};

/// How long any awaited condition may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again and again until there is an answer; panics with `what` when there never is.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let mut tick = tokio::time::interval(Duration::from_millis(25));
    let asking = async {
        loop {
            tick.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("waited in vain for: {what}"))
}

/// How often a fault is repeated: a few times, or as `WATCHFIRE_TEST_ROUNDS` says (`tests/run --long`: 50).
pub fn rounds() -> u32 {
    std::env::var("WATCHFIRE_TEST_ROUNDS").map_or(5, |text| text.parse().unwrap())
}

/// Whether this is the long run (`tests/run --long`).
pub fn is_long() -> bool {
    rounds() >= 50
}

/// Sends a signal to the service's process.
pub fn signal(service: &Service, name: &str) {
    let pid = service.process.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// How a service is set up; start it as often as needed.
pub struct Setup {
    pub directory: tempfile::TempDir,
    pub http: SocketAddr,
    pub mqtt: SocketAddr,
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// What stands before the binary on the command line: a tracer that becomes it.
    pub before: Vec<String>,
}

/// A running service.
pub struct Service {
    pub process: Child,
    pub client: reqwest::Client,
    pub base: String,
    log: PathBuf,
}

impl Setup {
    /// On SQLite in a directory of its own, with these rule files (none: the built-in rules).
    pub fn new(rules: &[(&str, &str)]) -> Setup {
        let directory = tempfile::tempdir().unwrap();
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let mut setup = Setup {
            http: local(free_port()),
            mqtt: local(free_port()),
            directory,
            arguments: Vec::new(),
            environment: Vec::new(),
            before: Vec::new(),
        };
        let data = setup.path("data").display().to_string();
        setup.arguments.extend(["--data-dir".to_owned(), data]);
        if !rules.is_empty() {
            let dir = setup.path("rules");
            for (name, text) in rules {
                setup.write_rule(name, text);
            }
            setup.arguments.extend(["--rules".to_owned(), dir.display().to_string()]);
        }
        setup
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write_rule(&self, name: &str, text: &str) {
        let path = self.path("rules").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn with(mut self, arguments: &[&str]) -> Setup {
        self.arguments.extend(arguments.iter().map(|one| (*one).to_owned()));
        self
    }

    pub fn command(&self) -> Command {
        let binary = env!("CARGO_BIN_EXE_watchfire").to_owned();
        let mut words = self.before.iter().chain([&binary]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).arg("serve").args(&self.arguments).current_dir(self.directory.path());
        command.arg("--listen").arg(self.http.to_string()).arg("--mqtt-listen").arg(self.mqtt.to_string());
        command.envs(self.environment.iter().cloned()).env_remove("RUST_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Starts it and waits until it is ready.
    pub async fn start(&self) -> Service {
        let service = self.spawn();
        service.ready().await;
        service
    }

    /// Starts it without waiting.
    pub fn spawn(&self) -> Service {
        let log = self.path("log");
        let file = std::fs::File::options().create(true).append(true).open(&log).unwrap();
        let process = self.command().stderr(file).spawn().unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        Service { process, client, base: format!("http://{}", self.http), log }
    }
}

impl Service {
    pub async fn ready(&self) {
        until("the service is ready", async || {
            let answer = self.client.get(format!("{}/-/ready", self.base)).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    /// kill -9.
    pub async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }

    /// SIGTERM, and its exit status.
    pub async fn terminate(mut self) -> std::process::ExitStatus {
        signal(&self, "TERM");
        tokio::time::timeout(PATIENCE, self.process.wait()).await.expect("it stops").unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.client.get(format!("{}{path}", self.base)).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "GET {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("GET {path}: {error}: {text}"))
    }

    pub async fn text(&self, path: &str) -> String {
        self.client.get(format!("{}{path}", self.base)).send().await.unwrap().text().await.unwrap()
    }

    /// The status and the body of a POST.
    pub async fn post(&self, path: &str, body: &Value) -> (u16, String) {
        let answer = self.client.post(format!("{}{path}", self.base)).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// A POST that must succeed.
    pub async fn must_post(&self, path: &str, body: &Value) -> String {
        let (status, text) = self.post(path, body).await;
        assert!((200..300).contains(&status), "POST {path}: {status} {text}");
        text
    }

    /// The first incident that fits, when there is one.
    pub async fn incident(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        until(what, async || {
            let listing = self.get("/api/v1/incidents?limit=500").await;
            listing["items"].as_array().unwrap().iter().find(|one| fits(one)).cloned()
        })
        .await
    }

    pub async fn incidents(&self) -> Vec<Value> {
        self.get("/api/v1/incidents?limit=500").await["items"].as_array().unwrap().clone()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// A token of that name and role, made as an operator makes it: its secret.
pub async fn token(setup: &Setup, name: &str, role: &str) -> String {
    let data = setup.path("data").display().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchfire"));
    command.args(["token", "create", name, "--role", role, "--data-dir", &data]).current_dir(setup.directory.path());
    let output = command.env_remove("RUST_LOG").output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Where a program is; a test that needs it fails with the way to get it.
pub fn program(name: &str) -> PathBuf {
    let path = std::env::var("PATH").unwrap_or_default();
    let found = path
        .split(':')
        .chain(["/usr/sbin", "/usr/local/sbin"])
        .map(|dir| Path::new(dir).join(name))
        .find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is not installed; `tests/run` installs it"))
}
