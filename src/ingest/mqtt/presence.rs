//! Presence over MQTT: people's clients publish their presence and set a last will that ends it, both retained, on one
//! topic per person.

use serde::Deserialize;

use crate::core::model::{Heartbeat, HeartbeatWord, TimeDelta};
use crate::ingest::DecodeError;

/// Topic filter of all people.
pub(super) const FILTER: &str = "watchfire/presence/+";
/// Source name of their dead letters.
pub(super) const SOURCE: &str = "presence";

const PREFIX: &str = "watchfire/presence/";
const PERSON_MAX_BYTES: usize = 200;

/// The topic of one person.
pub fn topic_of(person: &str) -> String {
    format!("{PREFIX}{person}")
}

/// The person of the topic; `None`: it is no presence topic.
pub(super) fn person_of(topic: &str) -> Option<&str> {
    topic.strip_prefix(PREFIX).filter(|person| !person.is_empty() && !person.contains('/'))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PresenceBody {
    status: String,
    lifetime: Option<String>,
}

/// `online`, `away` or `offline`, alone or as `{"status": "online", "lifetime": "5m"}`. A broker sends an empty payload
/// after the retained message was removed: then the presence ends.
pub(super) fn read(person: &str, payload: &[u8]) -> Result<Heartbeat, DecodeError> {
    if person.len() > PERSON_MAX_BYTES || person.contains('\0') {
        return Err(DecodeError::whole(format!("a name of {} bytes; at most {PERSON_MAX_BYTES}", person.len())));
    }
    let text = std::str::from_utf8(payload).map_err(|_| DecodeError::whole("the payload is not UTF-8"))?.trim();
    let body = if text.starts_with('{') {
        serde_json::from_str(text)
            .map_err(|error| DecodeError::whole(format!("the payload cannot be read: {error}")))?
    } else {
        PresenceBody { status: text.to_owned(), lifetime: None }
    };
    let lifetime = body.lifetime.map(|text| text.parse::<TimeDelta>()).transpose();
    let lifetime = lifetime.map_err(|bad| DecodeError::whole(bad.to_string()))?;
    let word = match (body.status.as_str(), lifetime) {
        ("online" | "present", None) => HeartbeatWord::Connected,
        ("online" | "present", Some(_)) => HeartbeatWord::Here { lifetime },
        ("away", _) => HeartbeatWord::Away,
        ("offline" | "lost" | "", _) => HeartbeatWord::Lost,
        (other, _) => {
            let shown: String = other.chars().take(64).collect();
            return Err(DecodeError::whole(format!("{shown:?} is none of online, away and offline")));
        }
    };
    Ok(Heartbeat { person: person.to_owned(), word })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(topic: &str, payload: &str, expected: Result<(&str, HeartbeatWord), &str>) {
        let found = read(person_of(topic).expect("somebody's topic"), payload.as_bytes());
        match (found, expected) {
            (Ok(heartbeat), Ok((person, word))) => {
                assert_eq!(heartbeat, Heartbeat { person: person.to_owned(), word });
            }
            (Err(unreadable), Err(why)) => assert!(unreadable.to_string().contains(why), "{unreadable}"),
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn words_and_objects_are_read_and_the_rest_is_a_dead_letter() {
        let topic = topic_of("一线值班");
        check(&topic, "online", Ok(("一线值班", HeartbeatWord::Connected)));
        check(&topic, "offline", Ok(("一线值班", HeartbeatWord::Lost)));
        check(&topic, "", Ok(("一线值班", HeartbeatWord::Lost)));
        check(&topic, "away\n", Ok(("一线值班", HeartbeatWord::Away)));
        let lifetime = Some(TimeDelta::from_minutes(5));
        check(&topic, r#"{"status":"online","lifetime":"5m"}"#, Ok(("一线值班", HeartbeatWord::Here { lifetime })));
        check(&topic, "在", Err("is none of online, away and offline"));
        check(&topic, r#"{"status":"online","for":"5m"}"#, Err("cannot be read"));
        check(&topic, r#"{"status":"online","lifetime":"soon"}"#, Err("not a length of time"));
        assert_eq!(person_of("watchfire/presence/"), None);
        assert_eq!(person_of("watchfire/presence/a/b"), None);
        assert_eq!(person_of("watchfire/events/a"), None);
    }
}
