//! The built-in intake by TLS, and clients that are known by their certificates, on the running service.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::json;

use crate::support::mosquitto::run;
use crate::support::service::{Service, Setup};

const RULES: &str = r#"
rules:
  - {name: link, match: alertname="LinkDown", by: [site], title: "{site} 链路中断", notify_delay: 0s}
"#;

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Writes `NAME.pem` and `NAME.key`.
    fn issue(&self, directory: &Path, name: &str, common_name: &str, alternative_names: &[&str]) {
        let names: Vec<String> = alternative_names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, common_name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        std::fs::write(directory.join(format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(directory.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    fn write(&self, path: &Path) {
        std::fs::write(path, self.0.pem()).unwrap();
    }
}

async fn token(setup: &Setup, arguments: &[&str]) -> String {
    let data = setup.path("data").display().to_string();
    let all = [&["token"][..], arguments, &["--data-dir", &data]].concat();
    let output = run(env!("CARGO_BIN_EXE_watchfire"), &all, b"").await;
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    said.split_whitespace().find(|word| word.starts_with("wf_")).unwrap_or_default().to_owned()
}

async fn publish(setup: &Setup, site: &str, more: &[&str]) -> (bool, String) {
    let payload = json!({"labels": {"alertname": "LinkDown", "site": site}, "severity": "major"}).to_string();
    let port = setup.mqtt.port().to_string();
    let ca = setup.path("ca.pem").display().to_string();
    let arguments = ["-h", "localhost", "-p", &port, "-q", "1", "-t", "watchfire/events/x", "-s", "--cafile", &ca];
    let output = run("mosquitto_pub", &[&arguments[..], more].concat(), payload.as_bytes()).await;
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn setup() -> (Setup, Authority) {
    let mut setup = Setup::new(&[("rules.yaml", RULES)]);
    let authority = Authority::new("noc authority");
    authority.write(&setup.path("ca.pem"));
    authority.issue(setup.directory.path(), "server", "watchfire", &["localhost"]);
    for (flag, file) in
        [("--mqtt-tls-certificate", "server.pem"), ("--mqtt-tls-key", "server.key"), ("--mqtt-client-ca", "ca.pem")]
    {
        setup.arguments.extend([flag.to_owned(), setup.path(file).display().to_string()]);
    }
    (setup, authority)
}

fn shown(setup: &Setup, name: &str) -> [String; 4] {
    let path = |ending: &str| setup.path(&format!("{name}.{ending}")).display().to_string();
    ["--cert".to_owned(), path("pem"), "--key".to_owned(), path("key")]
}

async fn as_client(setup: &Setup, name: &str, site: &str) -> (bool, String) {
    let shown = shown(setup, name);
    publish(setup, site, &shown.each_ref().map(String::as_str)).await
}

async fn is_known(service: &Service, secret: &str, site: &str) {
    let title = format!("{site} 链路中断");
    crate::support::service::until("the incident is there", async || {
        let asked = service.client.get(format!("{}/api/v1/incidents", service.base)).bearer_auth(secret).send();
        let listing: serde_json::Value = serde_json::from_str(&asked.await.ok()?.text().await.ok()?).ok()?;
        listing["items"].as_array()?.iter().any(|one| one["title"] == title.as_str()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_stands_for_the_token_that_it_names() {
    let (setup, authority) = setup();
    let admin = token(&setup, &["create", "ops", "--role", "admin"]).await;
    token(&setup, &["create", "sw3", "--role", "ingest"]).await;
    token(&setup, &["create", "screen", "--role", "viewer"]).await;
    let directory = setup.directory.path();
    authority.issue(directory, "sw3", "sw3", &[]);
    authority.issue(directory, "screen", "screen", &[]);
    authority.issue(directory, "nobody", "nobody", &[]);
    Authority::new("somebody else's").issue(directory, "forged", "sw3", &[]);
    let service = setup.start().await;

    assert_eq!(as_client(&setup, "sw3", "证书").await, (true, String::new()));
    is_known(&service, &admin, "证书").await;
    assert_eq!(publish(&setup, "令牌", &["-u", "x", "-P", &admin]).await, (true, String::new()));
    is_known(&service, &admin, "令牌").await;
    for (name, words) in [("screen", "not authorised"), ("nobody", "bad user name")] {
        let (success, said) = as_client(&setup, name, "x").await;
        assert!(!success && said.contains(words), "{name}: {said}");
    }
    assert!(!as_client(&setup, "forged", "x").await.0);
    let (success, said) = publish(&setup, "x", &[]).await;
    assert!(!success && said.contains("bad user name"), "{said}");

    // Revoked, the certificate opens nothing either.
    token(&setup, &["revoke", "sw3"]).await;
    crate::support::service::until("the revocation is known", async || {
        (!as_client(&setup, "sw3", "x").await.0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alternative_name_may_name_the_token_and_a_renewed_certificate_needs_no_restart() {
    let (setup, authority) = setup();
    let setup = setup.with(&["--mqtt-client-name", "alternative-name"]);
    let admin = token(&setup, &["create", "ops", "--role", "admin"]).await;
    token(&setup, &["create", "sw3.noc.example", "--role", "ingest"]).await;
    authority.issue(setup.directory.path(), "sw3", "somebody", &["sw3.noc.example"]);
    let service = setup.start().await;
    assert_eq!(as_client(&setup, "sw3", "别名").await, (true, String::new()));
    is_known(&service, &admin, "别名").await;

    // Another authority vouches for the listener from now on.
    let other = Authority::new("next year's authority");
    other.issue(setup.directory.path(), "server", "watchfire", &["localhost"]);
    other.write(&setup.path("ca.pem"));
    crate::support::service::until("the new certificate is in force", async || {
        publish(&setup, "新证书", &["-u", "x", "-P", &admin]).await.0.then_some(())
    })
    .await;
    is_known(&service, &admin, "新证书").await;
}
