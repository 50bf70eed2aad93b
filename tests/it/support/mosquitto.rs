//! A real mosquitto on a free port of 127.0.0.1, with a directory of its own; ended with the test.

use crate::support::service::until;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// Far longer than anything here takes; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Mosquitto {
    directory: tempfile::TempDir,
    settings: String,
    pub port: u16,
    child: Option<Child>,
}

impl Mosquitto {
    /// Starts it with these lines in its configuration; `{dir}` is its directory, where `prepare` may put files first.
    pub async fn start_prepared(settings: &str, prepare: impl FnOnce(&Path)) -> Mosquitto {
        let directory = tempfile::tempdir().unwrap();
        prepare(directory.path());
        let settings = settings.replace("{dir}", directory.path().to_str().unwrap());
        let mut mosquitto = Mosquitto { directory, settings, port: 0, child: None };
        for _ in 0..20 {
            mosquitto.port = free_port();
            if mosquitto.try_start().await {
                return mosquitto;
            }
        }
        panic!("mosquitto does not start: {}", mosquitto.log());
    }

    pub async fn start(settings: &str) -> Mosquitto {
        Mosquitto::start_prepared(settings, |_| ()).await
    }

    /// Starts it again on its port, with what it had saved if its settings say `persistence true`.
    pub async fn start_again(&mut self) {
        for _ in 0..20 {
            if self.try_start().await {
                return;
            }
        }
        panic!("mosquitto does not start again: {}", self.log());
    }

    /// Ends it properly: it saves what `persistence true` asks for.
    pub async fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        let id = child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        tokio::time::timeout(PATIENCE, child.wait()).await.expect("mosquitto ends").unwrap();
    }

    /// Ends it as a power cut does.
    pub async fn kill(&mut self) {
        self.child.take().unwrap().kill().await.unwrap();
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    async fn try_start(&mut self) -> bool {
        let listener = if self.settings.contains("listener {port}") {
            String::new()
        } else {
            "listener {port} 127.0.0.1\nallow_anonymous true\n".to_owned()
        };
        let config = format!(
            "user root\npersistence_location {}/\nlog_dest file {}\nlog_type all\n{listener}{}\n",
            self.directory.path().display(),
            self.path("log").display(),
            self.settings,
        );
        std::fs::write(self.path("config"), config.replace("{port}", &self.port.to_string())).unwrap();
        let _ = std::fs::remove_file(self.path("log"));
        let mut child = Command::new(program())
            .arg("-c")
            .arg(self.path("config"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("cannot start mosquitto ({error}); install the packages mosquitto and mosquitto-clients")
            });
        let running = until("mosquitto says that it runs", async || {
            let ended = child.try_wait().unwrap().is_some();
            let running = self.log().contains(" running");
            (ended || running).then_some(!ended)
        })
        .await;
        self.child = running.then_some(child);
        running
    }
}

/// Runs a program of mosquitto-clients (or mosquitto_passwd) to its end, with this on its standard input.
pub async fn run(program: &str, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = spawn(program, arguments);
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    tokio::spawn(async move {
        // A program that ends early does not read it all.
        let _ = stdin.write_all(&input).await;
    });
    tokio::time::timeout(PATIENCE, child.wait_with_output())
        .await
        .unwrap_or_else(|_| panic!("{program} hangs"))
        .unwrap()
}

pub fn spawn(program: &str, arguments: &[&str]) -> Child {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {program} ({error}); install the package mosquitto-clients"))
}

/// Publishes one message at QoS 1 with mosquitto_pub and waits until the broker has it.
pub async fn publish(port: u16, topic: &str, message: &str) {
    let port = port.to_string();
    let output = run("mosquitto_pub", &["-p", &port, "-q", "1", "-t", topic, "-s"], message.as_bytes()).await;
    assert!(output.status.success(), "{output:?}");
}

/// Publishes each line as a message of its own.
pub async fn publish_lines(port: u16, topic: &str, lines: impl IntoIterator<Item = String>) {
    let port = port.to_string();
    let lines: String = lines.into_iter().map(|line| line + "\n").collect();
    let output = run("mosquitto_pub", &["-p", &port, "-q", "1", "-t", topic, "-l"], lines.as_bytes()).await;
    assert!(output.status.success(), "{output:?}");
}

/// Debian keeps servers out of a user's search path.
fn program() -> &'static str {
    let server = "/usr/sbin/mosquitto";
    if Path::new(server).exists() { server } else { "mosquitto" }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
