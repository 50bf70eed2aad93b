//! The page behind the link of a notice: what it shows to whom, how long, and how often.

use serde_json::Value;
use watchfire::api::DriverRequest;
use watchfire::core::engine::{Action, CommandRefusal, Effect, IncidentAction, Outcome};
use watchfire::core::incidents::{AckClaim, AckKey};
use watchfire::core::model::{IncidentId, TimeDelta};
use watchfire::core::rules::Rulebook;
use watchfire::store::TokenRole;

use super::house::House;
use super::samples::{at, incident};

const KEY: AckKey = AckKey([9; 32]);

async fn house() -> House {
    let house = House::with(Rulebook::empty(), |settings| settings.ack_key = Some(KEY)).await;
    // Others need a token by now; a link needs none.
    house.token("admin", TokenRole::Admin).await;
    house.commit(vec![Effect::Incident(std::sync::Arc::new(incident(1, &[("site", "广州01")], "noc")))]).await;
    house
}

fn token(incident: u64, valid_for: TimeDelta) -> String {
    let claim =
        AckClaim {
            incident: IncidentId(incident), who: "张三".to_owned(), is_person: true, until: at(0) + valid_for
        };
    claim.token(&KEY)
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[tokio::test]
async fn a_link_works_without_a_login_until_it_expires() {
    let house = house().await;
    let link = format!("/ack?t={}", token(1, TimeDelta::from_minutes(10)));
    let page = house.get(&link).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    assert!(house.wishes().is_empty(), "looking asks for nothing");
    house.pass(600);
    assert_eq!(house.get(&link).await.status, 410);
    let body = format!("t={}", token(1, TimeDelta::from_minutes(10)));
    assert_eq!(house.send("POST", "/ack", &[FORM], &body).await.status, 410);
    assert!(house.wishes().is_empty());
    assert_eq!(house.get("/ack?t=1.9999999999.p.00.00").await.status, 400);
    assert_eq!(house.get("/ack").await.status, 400);
    assert_eq!(house.get(&format!("/ack?t={}", token(5, TimeDelta::from_hours(1)))).await.status, 404);
}

#[tokio::test]
async fn the_button_takes_that_incident_as_that_person_even_from_a_strange_page() {
    let house = house().await;
    let body = format!("t={}", token(1, TimeDelta::from_minutes(10)));
    let headers = [FORM, ("origin", "null"), ("host", "gateway.example")];
    let taken = house.send("POST", "/ack", &headers, &body).await;
    assert_eq!(taken.status, 200, "{}", taken.text());
    let wishes = house.wishes();
    let [DriverRequest::Command(command)] = &wishes[..] else { panic!("{wishes:?}") };
    assert_eq!((command.actor.as_str(), command.role.as_str()), ("张三", "link"));
    let action = IncidentAction::Acknowledge { note: Some("by link".to_owned()) };
    assert_eq!(command.action, Action::Incident { id: IncidentId(1), action });
    house.answer_with(|_| Ok(Outcome::Refused(CommandRefusal::NotAllowed { reason: "<已关闭>".to_owned() })));
    let refused = house.send("POST", "/ack", &[FORM], &body).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("&lt;已关闭&gt;"), "{}", refused.text());
}

#[tokio::test]
async fn links_are_followed_only_so_often_from_one_address() {
    let house = house().await;
    let mut answers: Vec<u16> = Vec::new();
    for _ in 0..80 {
        answers.push(house.get("/ack?t=guess").await.status.as_u16());
    }
    assert_eq!((answers[0], answers[79]), (400, 429), "{answers:?}");
    assert_eq!(answers.iter().filter(|status| **status == 400).count(), 60);
    let slowed = house.get("/ack?t=guess").await;
    assert_ne!(slowed.json()["detail"], Value::Null);
}
