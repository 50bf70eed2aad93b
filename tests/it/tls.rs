//! HTTPS by the running service: its certificate is replaced while it runs, and its end is told of.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support::service::{Service, Setup, until};

/// Writes a self-signed pair of 127.0.0.1 that is good for so many days, and answers its certificate.
fn put_pair(setup: &Setup, good_for: u64) -> String {
    let mut parameters = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    // The key first: between the two the pair does not fit, and the service keeps the old one.
    std::fs::write(setup.path("key.pem"), key.serialize_pem()).unwrap();
    let now = std::fs::metadata(setup.path("key.pem")).unwrap().modified().unwrap();
    let days = |days: u64| Duration::from_secs(days * 86_400);
    parameters.not_before = (now - days(30)).into();
    parameters.not_after = (now + days(good_for)).into();
    let certificate = parameters.self_signed(&key).unwrap();
    std::fs::write(setup.path("cert.pem"), certificate.pem()).unwrap();
    certificate.pem()
}

fn setup() -> Setup {
    let setup = Setup::new(&[]);
    let path = |name: &str| setup.path(name).display().to_string();
    let (certificate, key) = (path("cert.pem"), path("key.pem"));
    setup.with(&["--tls-certificate", &certificate, "--tls-key", &key])
}

/// A service that is asked over HTTPS by a client which believes this certificate only.
async fn start(setup: &Setup, certificate: &str) -> Service {
    let mut service = setup.spawn();
    service.base = format!("https://{}", setup.http);
    service.client = believing(certificate);
    service.ready().await;
    service
}

fn believing(certificate: &str) -> reqwest::Client {
    let root = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
    reqwest::Client::builder().tls_certs_only([root]).build().unwrap()
}

async fn metric(service: &Service, name: &str) -> f64 {
    let text = service.text("/metrics").await;
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_served_without_a_restart_and_open_connections_stay() {
    let setup = setup();
    let first = put_pair(&setup, 365);
    let mut service = start(&setup, &first).await;
    let mut old = Open::connect(&setup, &first).await;
    assert!(old.healthy().await);
    let clear = reqwest::Client::new().get(format!("http://{}/-/ready", setup.http)).send().await;
    assert!(clear.is_err(), "nothing is answered in clear");

    std::fs::write(setup.path("cert.pem"), "half of a certifica").unwrap();
    until("the broken file is said", async || {
        let failures = r#"watchfire_certificate_loads_total{listener="http",outcome="failure"}"#;
        (metric(&service, failures).await >= 1.0).then_some(())
    })
    .await;
    assert!(service.log().contains("the one before stays in use"), "{}", service.log());

    let second = put_pair(&setup, 365);
    service.client = believing(&second);
    until("the new certificate is served", async || {
        service.client.get(format!("{}/-/ready", service.base)).send().await.ok().map(|_| ())
    })
    .await;
    assert!(old.healthy().await, "the connection from before goes on");
    assert!(service.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_certificate_is_warned_of_until_there_is_a_new_one() {
    let setup = setup();
    let ending = put_pair(&setup, 5);
    let mut service = start(&setup, &ending).await;
    let left = metric(&service, r#"watchfire_certificate_expiry_timestamp_seconds{listener="http"}"#).await;
    assert!(left.is_finite());
    let warned = until("the end is an alert", async || warning(&service).await?.pop()).await;
    assert_eq!((&warned["labels"]["listener"], &warned["severity"]), (&json!("http"), &json!("warning")), "{warned}");
    let fresh = put_pair(&setup, 365);
    service.client = believing(&fresh);
    until("the alert is over", async || warning(&service).await?.is_empty().then_some(())).await;
}

/// The alerts about certificates that fire; `None` when the service cannot be asked with this certificate.
async fn warning(service: &Service) -> Option<Vec<Value>> {
    let url = format!("{}/api/v1/alerts?firing=true&source=watchfire", service.base);
    let listing: Value = service.client.get(url).send().await.ok()?.json().await.ok()?;
    let items = listing["items"].as_array()?.iter();
    Some(items.filter(|one| one["labels"]["alertname"] == "CertificateExpiry").cloned().collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_cannot_be_used_is_named_before_anything_is_taken_over() {
    let setup = setup();
    put_pair(&setup, 365);
    std::fs::write(setup.path("key.pem"), "not a key").unwrap();
    let mut service = setup.spawn();
    let ended = tokio::time::timeout(crate::support::service::PATIENCE, service.process.wait()).await.unwrap().unwrap();
    assert!(!ended.success());
    assert!(service.log().contains("key.pem") && service.log().contains("private key in PEM"), "{}", service.log());
}

/// One connection that is kept.
struct Open(tokio_rustls::client::TlsStream<TcpStream>);

impl Open {
    async fn connect(setup: &Setup, certificate: &str) -> Open {
        use rustls::pki_types::pem::PemObject;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(rustls::pki_types::CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
        let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let stream = TcpStream::connect(setup.http).await.unwrap();
        let name = rustls::pki_types::ServerName::from(setup.http.ip());
        Open(TlsConnector::from(std::sync::Arc::new(config)).connect(name, stream).await.unwrap())
    }

    async fn healthy(&mut self) -> bool {
        self.0.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.unwrap();
        let mut answer = vec![0; 1024];
        let length = self.0.read(&mut answer).await.unwrap();
        answer[..length].starts_with(b"HTTP/1.1 200")
    }
}
