//! `watchfire send` against a service that answers as it is told: messages, the spool, lines, and what the exit code says.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Longer than anything here should ever take.
const PATIENCE: Duration = Duration::from_secs(30);
const TAKEN: &str = r#"{"accepted": 1, "duplicates": 0, "rejected": []}"#;

/// What came in one request.
struct Asked {
    head: String,
    body: Vec<u8>,
}

impl Asked {
    fn header(&self, name: &str) -> String {
        let line = self.head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")));
        line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// Answers requests one after the other with the answers that it is given.
struct Service {
    address: SocketAddr,
    answers: Sender<(u16, &'static str)>,
    asked: Receiver<Asked>,
}

impl Service {
    fn start() -> Service {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Service::on(listener)
    }

    fn on(listener: TcpListener) -> Service {
        let address = listener.local_addr().unwrap();
        let (answers, to_give) = channel();
        let (heard, asked) = channel();
        // Ends with the test, when nobody listens to it any more.
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                serve(connection.unwrap(), &to_give, &heard);
            }
        });
        Service { address, answers, asked }
    }

    fn will_answer(&self, status: u16, body: &'static str) {
        self.answers.send((status, body)).unwrap();
    }

    fn next(&self) -> Asked {
        self.asked.recv_timeout(PATIENCE).expect("a request")
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn serve(connection: TcpStream, answers: &Receiver<(u16, &'static str)>, heard: &Sender<Asked>) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut writer = connection;
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let mut asked = Asked { head, body: Vec::new() };
        let length: usize = asked.header("content-length").parse().unwrap();
        asked.body.resize(length, 0);
        reader.read_exact(&mut asked.body).unwrap();
        let (status, body) = answers.recv_timeout(PATIENCE).unwrap();
        let _ = heard.send(asked);
        let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        writer.write_all(answer.as_bytes()).unwrap();
    }
}

fn command(url: &str, spool: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchfire"));
    command.args(["send", "--url", url, "--spool"]).arg(spool);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(command: &mut Command) -> (i32, String) {
    let Output { status, stderr, .. } = command.output().unwrap();
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

/// An address on which nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn arguments_environment_and_standard_input_are_messages() {
    let (service, dir) = (Service::start(), tempfile::tempdir().unwrap());
    let spool = dir.path().join("spool");
    let url = service.url();

    service.will_answer(200, TAKEN);
    let fields = ["alertname=DiskFull", "host=db-01", "severity=major", "status=firing", "summary=磁盘"];
    assert_eq!(run(command(&url, &spool).args(fields).env("WATCHFIRE_TOKEN", "s3cret")), (0, String::new()));
    let asked = service.next();
    assert!(asked.head.starts_with("POST /api/v1/events HTTP/1.1"), "{}", asked.head);
    assert_eq!(asked.header("authorization"), "Bearer s3cret");
    assert!(!asked.header("idempotency-key").is_empty() && !asked.header("x-sent-from").is_empty());
    let event: serde_json::Value = serde_json::from_str(&asked.text()).unwrap();
    assert_eq!(event["labels"], serde_json::json!({"alertname": "DiskFull", "host": "db-01"}));
    assert_eq!((event["severity"].as_str(), event["summary"].as_str()), (Some("major"), Some("磁盘")));

    service.will_answer(200, TAKEN);
    let mut hook = command(&url, &spool);
    hook.args(["--source", "nut", "--env", "NOTIFY*", "--env", "UPSNAME", "MESSAGE=on battery"]);
    hook.env("NOTIFYTYPE", "ONBATT").env("UPSNAME", "ups\nNOTIFYTYPE=ONLINE");
    assert_eq!(run(&mut hook), (0, String::new()));
    let asked = service.next();
    assert!(asked.head.starts_with("POST /api/v1/sources/nut "), "{}", asked.head);
    assert_eq!(asked.text(), "MESSAGE=on battery\0NOTIFYTYPE=ONBATT\0UPSNAME=ups\nNOTIFYTYPE=ONLINE\0");

    service.will_answer(200, TAKEN);
    let trap = dir.path().join("trap.txt");
    std::fs::write(&trap, "localhost\nUDP: [192.0.2.1]:1->[192.0.2.2]:162\n").unwrap();
    let mut pipe = command(&url, &spool);
    assert_eq!(
        run(pipe.args(["--source", "snmptrapd"]).stdin(std::fs::File::open(&trap).unwrap())),
        (0, String::new())
    );
    assert_eq!(service.next().body, std::fs::read(&trap).unwrap());

    let (code, told) = run(command(&url, &spool).args(["--source", "snmptrapd"]));
    assert!(code == 1 && told.contains("nothing to send"), "{code} {told}");
    assert!(!spool.exists(), "nothing had to be kept");
}

#[test]
fn what_cannot_be_delivered_waits_and_goes_out_first_in_its_order() {
    let dir = tempfile::tempdir().unwrap();
    let spool = dir.path().join("spool");
    let away = nobody();
    for status in ["firing", "resolved"] {
        let (code, told) = run(command(&away, &spool).args(["alertname=A", &format!("status={status}")]));
        assert!(code == 0 && (told.contains("is away") || told.is_empty()), "{code} {told}");
    }
    let (code, told) = run(command(&away, &spool).args(["--no-spool", "alertname=A"]).env_remove("WATCHFIRE_SPOOL"));
    assert_eq!(code, 2, "--spool and --no-spool exclude each other: {told}");

    let service = Service::start();
    service.will_answer(503, "");
    let (code, _) = run(command(&service.url(), &spool).args(["alertname=B"]));
    let busy = service.next();
    assert_eq!(code, 0);
    for _ in 0..3 {
        service.will_answer(200, TAKEN);
    }
    assert_eq!(run(command(&service.url(), &spool).arg("--flush")), (0, String::new()));
    let came: Vec<Asked> = (0..3).map(|_| service.next()).collect();
    let said: Vec<String> = came
        .iter()
        .map(|asked| {
            let event: serde_json::Value = serde_json::from_str(&asked.text()).unwrap();
            format!("{} {}", event["labels"]["alertname"].as_str().unwrap(), event["status"].as_str().unwrap_or("-"))
        })
        .collect();
    assert_eq!(said, ["A firing", "A resolved", "B -"]);
    // The same message has the same key each time, so that the service counts it once.
    assert_eq!(busy.header("idempotency-key"), came[0].header("idempotency-key"));
    assert_eq!(run(command(&service.url(), &spool).arg("--flush")), (0, String::new()), "nothing is left");
}

#[test]
fn a_refusal_is_told_and_kept_and_never_sent_again() {
    let (service, dir) = (Service::start(), tempfile::tempdir().unwrap());
    let spool = dir.path().join("spool");
    service.will_answer(422, r#"{"status": 422, "detail": "nothing of it was taken: item 0: no label"}"#);
    let (code, told) = run(command(&service.url(), &spool).args(["--source", "x", "a=b"]));
    assert!(code == 1 && told.contains("422 nothing of it was taken: item 0: no label"), "{code} {told}");
    service.next();
    assert_eq!(std::fs::read_dir(spool.join("refused")).unwrap().count(), 1);

    service.will_answer(200, r#"{"accepted": 1, "rejected": [{"index": 1, "error": "no label"}]}"#);
    let (code, told) = run(command(&service.url(), &spool).args(["--source", "x", "a=b"]));
    assert!(code == 1 && told.contains("1 items were refused, the first because no label"), "{code} {told}");
    service.next();

    let (code, told) = run(command(&nobody(), &spool).args(["words"]));
    assert!(code == 1 && told.contains("is not NAME=VALUE"), "{code} {told}");
}

#[test]
fn lines_are_confirmed_one_by_one_and_in_transactions() {
    let (service, dir) = (Service::start(), tempfile::tempdir().unwrap());
    let spool = dir.path().join("spool");
    let mut stream = command(&service.url(), &spool);
    stream.args(["--lines", "--confirm", "--source", "rsyslog"]).stdin(Stdio::piped());
    let mut child = stream.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut says = |expected: &str| assert_eq!(output.next().unwrap().unwrap(), expected);
    says("OK");
    service.will_answer(200, TAKEN);
    input.write_all("<11>1 - db-01 app - - - 第一\n".as_bytes()).unwrap();
    says("OK");
    assert_eq!(service.next().text(), "<11>1 - db-01 app - - - 第一\n");
    input.write_all(b"BEGIN TRANSACTION\ntwo\nthree\n").unwrap();
    says("OK");
    says("DEFER_COMMIT");
    says("DEFER_COMMIT");
    // The service is away for this one: it is kept, and that is as good to rsyslog.
    service.will_answer(503, "");
    input.write_all(b"COMMIT TRANSACTION\n").unwrap();
    says("OK");
    assert_eq!(service.next().text(), "two\nthree\n");
    service.will_answer(200, TAKEN);
    // Tried again although no line comes.
    assert_eq!(service.next().text(), "two\nthree\n");
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_pipe_of_lines_goes_out_together_and_the_exit_code_knows_of_refusals() {
    let (service, dir) = (Service::start(), tempfile::tempdir().unwrap());
    let spool = dir.path().join("spool");
    let lines: String = (0..40).map(|n| format!("{{\"labels\": {{\"alertname\": \"A{n}\"}}}}\n")).collect();
    let file = dir.path().join("lines");
    std::fs::write(&file, &lines).unwrap();
    let mut came = String::new();
    let mut stream = command(&service.url(), &spool);
    let mut child = stream.arg("--lines").stdin(std::fs::File::open(&file).unwrap()).spawn().unwrap();
    let mut requests = 0;
    while came.len() < lines.len() {
        service.will_answer(200, TAKEN);
        came.push_str(&service.next().text());
        requests += 1;
    }
    assert_eq!(came, lines);
    assert!(requests < 40, "{requests} requests");
    assert_eq!(child.wait().unwrap().code(), Some(0));

    service.will_answer(422, "");
    let mut stream = command(&service.url(), &spool);
    let mut child = stream.arg("--lines").stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"{}\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
