//! More than the intake takes.

use super::{Load, RULES, none_lost_none_twice};
use crate::support::service::{Setup, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_told_to_come_later_and_nothing_acknowledged_is_lost() {
    let setup = Setup::new(&[("rules.yaml", RULES)]).with(&["--intake-events", "100"]);
    let service = setup.start().await;
    let load = Load::start(&service, 16, 30);
    load.goes_on(1_000).await;
    until("somebody is told to slow down", async || (load.refused(429).await > 0).then_some(())).await;
    assert_eq!(super::status(&service, "/-/ready").await, 200, "busy is not broken");
    assert_eq!(load.refused(503).await, 0);
    let acknowledged = load.end().await;
    none_lost_none_twice(&service, &acknowledged).await;
    assert!(service.text("/metrics").await.contains("reason=\"overloaded\""));
    service.kill().await;
    none_lost_none_twice(&setup.start().await, &acknowledged).await;
}
