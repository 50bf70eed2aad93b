//! A real PostgreSQL for tests: in a temporary directory, on a free port of 127.0.0.1, one for the whole test process
//! and a fresh database for each test.
//!
//! The server is the child of a shell that waits for the end of its standard input, which this process holds open:
//! however the tests end, kill -9 included, the server ends and its directory goes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{Connection, Executor, PgConnection, SqlStr};

/// Runs the server until standard input ends or says `keep`, then ends it without ceremony and, unless it is to be
/// kept, removes its directory. `$1` is that directory; then come the server and its arguments.
const WATCHDOG: &str = r#"
directory=$1; shift
"$@" </dev/null &
server=$!
read -r keep
kill -QUIT $server
wait $server
[ "$keep" = keep ] || rm -rf "$directory"
"#;

/// How often another port is tried when somebody took the free one first.
const PORT_TRIES: usize = 5;

/// A fresh, empty database on the shared server: its URL.
pub async fn database() -> String {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(Server::start).create_database().await
}

/// One server of its own, for tests that stop it.
pub struct Server {
    binaries: PathBuf,
    directory: PathBuf,
    port: u16,
    databases: AtomicU32,
    running: Option<Running>,
}

struct Running {
    watchdog: Child,
    /// Closing it is the signal to end.
    lifeline: Option<ChildStdin>,
}

impl Server {
    /// Makes a data directory and runs a server on it.
    pub fn start() -> Server {
        let binaries = find_binaries();
        let directory = tempfile::Builder::new().prefix("watchfire-postgres-").tempdir().unwrap().keep();
        if is_root() {
            let postgres = user_id("postgres");
            chown(&directory, Some(postgres), None).unwrap();
        }
        let made = as_postgres(&binaries.join("initdb"))
            .args(["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=trust", "--username=postgres", "--pgdata"])
            .arg(directory.join("data"))
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        let mut server = Server { binaries, directory, port: 0, databases: AtomicU32::new(0), running: None };
        for _ in 0..PORT_TRIES {
            server.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if server.run().is_ok() {
                return server;
            }
        }
        panic!("PostgreSQL did not start on any of {PORT_TRIES} free ports");
    }

    /// Ends it at once, as a power cut would; the data stays.
    pub fn stop(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.end("keep\n");
        }
    }

    /// Runs it again on the same port and data.
    pub fn start_again(&mut self) {
        self.stop();
        self.run().unwrap();
    }

    /// Keeps what a standby that lags from now on would have.
    pub fn copy_data(&mut self) {
        self.stop();
        self.copy("data", "lagging");
        self.run().unwrap();
    }

    /// Goes on with what was kept, as after a failover to that standby; may be done again.
    pub fn fall_back(&mut self) {
        self.stop();
        std::fs::remove_dir_all(self.directory.join("data")).unwrap();
        self.copy("lagging", "data");
        self.run().unwrap();
    }

    fn copy(&self, from: &str, to: &str) {
        let copied = Command::new("cp").arg("-a").arg(self.directory.join(from)).arg(self.directory.join(to)).status();
        assert!(copied.unwrap().success());
    }

    /// The URL of a database on it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// A fresh, empty database: its URL.
    pub async fn create_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&self.url("postgres")).await.unwrap();
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        connection.execute(sqlx::raw_sql(create)).await.unwrap();
        connection.close().await.unwrap();
        self.url(&name)
    }

    /// Starts the server and waits until it says that it is ready.
    fn run(&mut self) -> Result<(), String> {
        let mut watchdog = as_postgres(Path::new("sh"))
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(&self.directory)
            .arg(self.binaries.join("postgres"))
            .arg("-D")
            .arg(self.directory.join("data"))
            .arg("-k")
            .arg(&self.directory)
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            // Without fsync: a killed server loses nothing, and no test here pulls the plug.
            .args(["-c", "lc_messages=C", "-c", "max_connections=200", "-c", "shared_buffers=32MB", "-c", "fsync=off"])
            // A signal to the tests' process group is not for the watchdog: it must outlive them to clean up.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lifeline = watchdog.stdin.take();
        let mut log = BufReader::new(watchdog.stderr.take().unwrap());
        let mut running = Running { watchdog, lifeline };
        let mut said = String::new();
        while !said.contains("database system is ready to accept connections") {
            if log.read_line(&mut said).unwrap() == 0 || has_failed(&said) {
                running.end("keep\n");
                return Err(said);
            }
        }
        // What it says from now on is read and dropped, so that it never blocks on a full pipe.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        self.running = Some(running);
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        match self.running.take() {
            Some(mut running) => running.end(""),
            None => std::fs::remove_dir_all(&self.directory).unwrap(),
        }
    }
}

impl Running {
    fn end(&mut self, word: &str) {
        if let Some(mut lifeline) = self.lifeline.take() {
            // It may be dead already.
            let _ = lifeline.write_all(word.as_bytes());
        }
        self.watchdog.wait().unwrap();
    }
}

/// A pgbouncer before a server, ended with the test.
pub struct Pooler {
    process: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Pooler {
    /// With these lines in its configuration.
    pub fn start(server: &Server, settings: &str) -> Pooler {
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let file = directory.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\n{settings}",
            server.port
        );
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(crate::support::service::program("pgbouncer"));
        if is_root() {
            let postgres = user_id("postgres");
            chown(&file, Some(postgres), None).unwrap();
            chown(directory.path(), Some(postgres), None).unwrap();
            // It becomes that user itself: a process between us and it would outlive the test.
            command.args(["-u", "postgres"]);
        }
        let process = command.arg("-q").arg(&file).stdin(Stdio::null()).stderr(Stdio::null()).spawn();
        let pooler = Pooler { process: process.unwrap(), port, _directory: directory };
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::yield_now();
        }
        pooler
    }

    /// The same database through it.
    pub fn url(&self, url: &str) -> String {
        let (_, database) = url.rsplit_once('/').unwrap();
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Whether it knows no prepared statements of transactions.
    pub fn is_before_1_21(&self) -> bool {
        let output = Command::new(crate::support::service::program("pgbouncer")).arg("--version").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let minor = text.split_whitespace().nth(1).and_then(|version| version.split('.').nth(1)?.parse::<u32>().ok());
        minor.is_some_and(|minor| minor < 21)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Whether it says that it cannot go on. That it is still starting up it says to a client that came too early.
fn has_failed(said: &str) -> bool {
    said.lines().any(|line| line.contains("FATAL:") && !line.contains("the database system is "))
}

/// PostgreSQL refuses to run as root.
fn as_postgres(program: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/").env("LC_ALL", "C");
    command
}

fn is_root() -> bool {
    // The owner of a process's entry is the user it runs as.
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

fn user_id(name: &str) -> u32 {
    let output = Command::new("id").args(["-u", name]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim().parse().unwrap_or_else(|_| panic!("there is no user {name:?}; install PostgreSQL"))
}

/// The newest of the distribution's, else what PATH has.
fn find_binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let packaged = versions.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> = packaged.collect();
    found.sort();
    found.reverse();
    found.extend(std::env::split_paths(&path));
    found.retain(|directory| directory.join("initdb").is_file() && directory.join("postgres").is_file());
    let first = found.into_iter().next();
    first.expect("PostgreSQL's server is not installed (looked in /usr/lib/postgresql and PATH); tests/run installs it")
}

/// A statement of a test, on a connection of its own.
pub async fn execute(url: &str, statement: &'static str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    connection.execute(SqlStr::from_static(statement)).await.unwrap();
    connection.close().await.unwrap();
}
