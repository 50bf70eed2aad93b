//! Mail over TLS by the running service: from the first byte, or after STARTTLS; and nothing to a server that nobody
//! vouches for.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use crate::support::service::{PATIENCE, Service, Setup, until};

const RULES: &str = r#"
teams:
  - {name: first-line, language: zh, notify: [{email: {to: [ops@noc.example]}}]}
rules:
  - {name: link, match: alertname="LinkDown", by: [site], title: "{site} 链路中断", notify_delay: 0s}
"#;

const PASSWORD: &str = "p@ss/word 密";

/// What a mail server took: how the client proved who it is, and the mail.
struct Taken {
    login: String,
    mail: String,
}

/// A mail server on a free port with a certificate of its own, which stands in `certificate`.
async fn mail_server(certificate: &Path, starttls: bool) -> (u16, mpsc::UnboundedReceiver<Taken>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let signed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(certificate, signed.cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der()));
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![signed.cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, taken) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (acceptor, sender) = (acceptor.clone(), sender.clone());
            tokio::spawn(async move {
                if starttls {
                    until_starttls(&mut BufReader::new(&mut stream)).await?;
                }
                let stream = acceptor.accept(stream).await.ok()?;
                let one = converse(&mut BufReader::new(stream), !starttls).await?;
                sender.send(one).ok()
            });
        }
    });
    (port, taken)
}

/// Takes nothing in clear but the wish for something better.
async fn until_starttls<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>) -> Option<()> {
    stream.write_all(b"220 sink\r\n").await.ok()?;
    loop {
        let line = line_of(stream).await?;
        match line.split(' ').next().unwrap() {
            "EHLO" => stream.write_all(b"250-sink\r\n250 STARTTLS\r\n").await.ok()?,
            "STARTTLS" => return stream.write_all(b"220 go on\r\n").await.ok(),
            _ => stream.write_all(b"530 first STARTTLS\r\n").await.ok()?,
        }
    }
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, greets: bool) -> Option<Taken> {
    if greets {
        stream.write_all(b"220 sink\r\n").await.ok()?;
    }
    let mut login = String::new();
    loop {
        let line = line_of(stream).await?;
        let answer = match line.split(' ').next().unwrap() {
            "EHLO" => "250-sink\r\n250-8BITMIME\r\n250 AUTH PLAIN\r\n",
            "AUTH" => {
                let secret = line.rsplit(' ').next().unwrap();
                login = String::from_utf8(STANDARD.decode(secret).unwrap()).unwrap();
                "235 ok\r\n"
            }
            "DATA" => "354 go on\r\n",
            _ => "250 ok\r\n",
        };
        stream.write_all(answer.as_bytes()).await.ok()?;
        stream.flush().await.ok()?;
        if line == "DATA" {
            let mut mail = String::new();
            loop {
                match line_of(stream).await?.as_str() {
                    "." => break,
                    line => mail.push_str(&format!("{line}\n")),
                }
            }
            stream.write_all(b"250 taken\r\n").await.ok()?;
            stream.flush().await.ok()?;
            return Some(Taken { login, mail });
        }
    }
}

async fn line_of<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

/// With an incident that goes out by mail; `trusted` is whom the service believes.
async fn notify(setup: &mut Setup, url: &str, trusted: &Path) -> Service {
    setup.arguments.extend(["--smtp-url", url, "--smtp-from", "值班台 <noc@watch.example>"].map(str::to_owned));
    setup.environment.push(("SSL_CERT_FILE".to_owned(), trusted.display().to_string()));
    setup.environment.push(("WATCHFIRE_SECRET_SMTP".to_owned(), PASSWORD.to_owned()));
    let service = setup.start().await;
    let event = json!({"labels": {"alertname": "LinkDown", "site": "广州"}, "severity": "major"});
    service.must_post("/api/v1/events", &event).await;
    service.incident("the incident", |one| one["rule"] == "link").await;
    service
}

async fn check(starttls: bool, url: impl Fn(u16) -> String) {
    let mut setup = Setup::new(&[("rules.yaml", RULES)]);
    let certificate = setup.path("mail.pem");
    let (port, mut taken) = mail_server(&certificate, starttls).await;
    let _service = notify(&mut setup, &url(port), &certificate).await;
    let one = tokio::time::timeout(PATIENCE, taken.recv()).await.expect("a mail comes").unwrap();
    assert_eq!(one.login, format!("\0noc\0{PASSWORD}"));
    assert!(one.mail.contains("To: ops@noc.example\n"), "{}", one.mail);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_and_its_password_go_over_tls_from_the_first_byte() {
    check(false, |port| format!("smtps://noc:{{secret:smtp}}@127.0.0.1:{port}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_and_its_password_go_out_after_starttls_only() {
    check(true, |port| format!("smtp://noc:{{secret:smtp}}@127.0.0.1:{port}?tls=required")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_nobody_vouches_for_gets_neither_mail_nor_password() {
    let mut setup = Setup::new(&[("rules.yaml", RULES)]);
    let (port, mut taken) = mail_server(&setup.path("mail.pem"), false).await;
    let stranger = setup.path("other.pem");
    let (_, _elsewhere) = mail_server(&stranger, false).await;
    let url = format!("smtps://noc:{{secret:smtp}}@127.0.0.1:{port}");
    let service = notify(&mut setup, &url, &stranger).await;
    let error = until("an attempt has failed", async || {
        let deliveries = service.get("/api/v1/incidents/INC-1/notifications").await;
        let failed = |one: &Value| one["error"].as_str().map(str::to_owned);
        deliveries["items"].as_array().unwrap().iter().find_map(failed)
    })
    .await;
    assert!(error.to_lowercase().contains("certificate") && !error.contains(PASSWORD), "{error}");
    assert!(taken.try_recv().is_err());
}
