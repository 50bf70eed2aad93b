//! The page behind the link of a notice: what it shows to whom, how long, and how often.

use serde_json::Value;
use watchfire::api::DriverRequest;
use watchfire::core::engine::{Action, CommandRefusal, Effect, IncidentAction, Outcome, RecordChange};
use watchfire::core::incidents::{AckClaim, AckKey, TimelineEntry, TimelineKind};
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
    house.token("张三", TokenRole::FirstLine).await;
    house
        .commit(vec![Effect::Record(RecordChange::Incident(std::sync::Arc::new(incident(
            1,
            &[("site", "广州01")],
            "noc",
        ))))])
        .await;
    house
}

fn token(incident: u64, valid_for: TimeDelta) -> String {
    of("张三", true, incident, valid_for)
}

fn of(who: &str, is_person: bool, incident: u64, valid_for: TimeDelta) -> String {
    let (incident, who) = (IncidentId(incident), who.to_owned());
    AckClaim { incident, who, is_person, until: at(0) + valid_for, issued: at(0) }.token(&KEY)
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

/// What happened to INC-1 so many seconds after the notice.
async fn happens(house: &House, seconds: i64, kind: TimelineKind) {
    let (incident, actor, text) = (IncidentId(1), "李四".to_owned(), String::new());
    let entry = TimelineEntry { incident, at: at(seconds), kind, actor, text, tier: None, outage: None, fact: None };
    house.commit(vec![Effect::Record(RecordChange::Timeline(entry))]).await;
}

async fn is_answered(house: &House, link: &str, status: u16, what: &str) {
    assert_eq!(house.get(&format!("/ack?t={link}")).await.status, status, "{what}");
    let pressed = house.send("POST", "/ack", &[FORM], &format!("t={link}")).await;
    assert_eq!((pressed.status.as_u16(), house.wishes().len()), (status, usize::from(status == 200)), "{what}");
}

#[tokio::test]
async fn a_link_dies_with_its_acknowledgement_and_its_episode() {
    let valid = TimeDelta::from_minutes(10);
    for (kind, seconds, status) in [
        (TimelineKind::Acknowledged, -1, 200),
        (TimelineKind::Acknowledged, 1, 410),
        (TimelineKind::Reopened, 0, 200),
        (TimelineKind::Reopened, 1, 410),
        (TimelineKind::Paged, 1, 200),
        (TimelineKind::Escalated, 1, 200),
    ] {
        let house = house().await;
        happens(&house, seconds, kind).await;
        is_answered(&house, &token(1, valid), status, &format!("{kind:?} {seconds} s after the notice")).await;
    }
}

#[tokio::test]
async fn a_link_dies_with_its_person_and_its_team() {
    let (house, valid) = (house().await, TimeDelta::from_minutes(10));
    is_answered(&house, &of("王五", true, 1, valid), 410, "nobody of that name").await;
    is_answered(&house, &of("noc", false, 1, valid), 410, "no team of that name").await;
    is_answered(&house, &token(1, valid), 200, "with a token").await;
    assert!(house.store.revoke_token("张三", at(1)).await.unwrap());
    house.pass(4);
    is_answered(&house, &token(1, valid), 410, "whose token is revoked").await;
}

#[tokio::test]
async fn a_change_between_the_look_and_the_button_is_looked_at_again() {
    let house = house().await;
    let mut asked = 0;
    house.answer_with(move |_| {
        asked += 1;
        let mismatch = CommandRefusal::VersionMismatch { seen: 1, current: 2 };
        Ok(if asked < 3 { Outcome::Refused(mismatch) } else { Outcome::Incident { id: IncidentId(1), version: 3 } })
    });
    let body = format!("t={}", token(1, TimeDelta::from_minutes(10)));
    assert_eq!(house.send("POST", "/ack", &[FORM], &body).await.status, 200);
    let conditions: Vec<Option<u64>> = house
        .wishes()
        .into_iter()
        .map(|wish| if let DriverRequest::Command(command) = wish { command.if_match } else { panic!("{wish:?}") })
        .collect();
    assert!(conditions.len() == 3 && conditions.iter().all(Option::is_some), "{conditions:?}");
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
    let good = house.get(&format!("/ack?t={}", token(1, TimeDelta::from_minutes(10)))).await;
    assert_eq!(good.status, 200, "a good link passes beside a guesser behind the same gateway");
}
