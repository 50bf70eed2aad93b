//! Starts that must be refused, each with a clear word, and without harm to whoever runs already.

use super::{RULES, event, exactly};
use crate::support::service::{PATIENCE, Setup, free_port, until};

/// It ends with status 1, and says this.
async fn refused(setup: &Setup, words: &str) {
    let mut service = setup.spawn();
    let ended = tokio::time::timeout(PATIENCE, service.process.wait()).await.expect("it ends").unwrap();
    assert_eq!(ended.code(), Some(1), "{}", service.log());
    assert!(service.log().contains(words), "{words:?} in {}", service.log());
}

/// Another service on the same database, on ports of its own.
fn twin(setup: &Setup) -> Setup {
    let mut twin = Setup::new(&[("rules.yaml", RULES)]);
    let data = setup.path("data").display().to_string();
    twin.arguments.extend(["--database-url".to_owned(), format!("sqlite:{data}/watchfire.db")]);
    twin
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_tokens_does_not_open_itself_to_the_world() {
    for address in ["0.0.0.0", "::"] {
        let mut setup = Setup::new(&[("rules.yaml", RULES)]);
        setup.http = std::net::SocketAddr::new(address.parse().unwrap(), free_port());
        refused(&setup, "is reachable from other machines, and nobody has a token").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_on_a_taken_port_is_refused_and_the_first_goes_on() {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let service = setup.start().await;
    service.must_post("/api/v1/events", &event(1)).await;
    let mut second = twin(&setup);
    second.http = setup.http;
    refused(&second, &format!("cannot listen on {}", setup.http)).await;
    service.must_post("/api/v1/events", &event(2)).await;
    exactly(&service, [1, 2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_correlation_domain_is_fixed_at_the_first_start() {
    let setup = Setup::new(&[("rules.yaml", RULES)]).with(&["--domain-label", "site"]);
    let service = setup.start().await;
    service.must_post("/api/v1/events", &event(1)).await;
    assert!(service.terminate().await.success());
    let mut other = twin(&setup);
    refused(&other, "this database was begun with the domain label \"site\", not \"\"").await;
    other.arguments.extend(["--domain-label".to_owned(), "地市".to_owned()]);
    refused(&other, "this database was begun with the domain label \"site\", not \"地市\"").await;
    let service = setup.start().await;
    exactly(&service, [1]).await;
    until("it is ready", async || (super::status(&service, "/-/ready").await == 200).then_some(())).await;
}
