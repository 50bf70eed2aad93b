//! A stop under load.

use super::{Load, RULES, none_lost_none_twice};
use crate::support::service::Setup;

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_under_load_keeps_what_was_acknowledged_and_waits_for_no_stream() {
    let setup = Setup::new(&[("rules.yaml", RULES)]);
    let log = setup.path("log");
    let mut acknowledged = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let service = setup.start().await;
        let mut stream = super::client().get(format!("{}/api/v1/stream", service.base)).send().await.unwrap();
        assert_eq!(stream.status(), 200);
        stream.chunk().await.unwrap().expect("the stream begins");
        let idle = tokio::net::TcpStream::connect(setup.http).await.unwrap();
        let load = Load::start(&service, 4, 3);
        load.goes_on(100).await;
        assert!(service.terminate().await.success());
        while let Ok(Some(_)) = stream.chunk().await {}
        acknowledged.extend(load.end().await);
        drop(idle);
    }
    let log = std::fs::read_to_string(log).unwrap();
    assert!(!log.contains("did not end in time"), "{log}");
    assert_eq!(log.matches("INFO stopped").count(), 3, "{log}");
    let service = setup.start().await;
    assert!(service.log().matches("replayed=0").count() >= 3, "{}", service.log());
    none_lost_none_twice(&service, &acknowledged).await;
}
