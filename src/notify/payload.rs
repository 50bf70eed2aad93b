//! What a receiver gets, by webhook and by MQTT alike.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::engine::{Notice, NoticeKind};
use crate::model::{Moment, Tier};

#[derive(Serialize)]
struct Payload<'n> {
    /// The same for every attempt: what the receiver deduplicates by.
    id: String,
    kind: NoticeKind,
    subject: &'n str,
    title: &'n str,
    team: &'n str,
    tier: Option<Tier>,
    at: Moment,
    /// The incident, problem or run as it stood.
    record: &'n RawValue,
}

/// The notice as one JSON object; an error when its body is not JSON.
pub(super) fn json(notice: &Notice) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Payload {
        id: notice.cause.to_string(),
        kind: notice.kind,
        subject: &notice.subject,
        title: &notice.title,
        team: &notice.team,
        tier: notice.tier,
        at: notice.at,
        record: serde_json::from_str(&notice.body)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cause, Offset, Partition};
    use crate::rules::Channel;

    fn notice(body: &str) -> Notice {
        Notice {
            cause: Cause { partition: Partition::DESK, offset: Offset(12), n: 1 },
            at: Moment::from_seconds(1_770_973_200),
            kind: NoticeKind::PageAgain,
            channel: Channel::Webhook { url: "http://127.0.0.1:1/".to_owned() },
            team: "noc".to_owned(),
            tier: Some(Tier::Second),
            subject: "INC-7".to_owned(),
            title: "广州 GZ01 链路中断".to_owned(),
            body: body.to_owned(),
        }
    }

    #[test]
    fn the_record_stands_inside_as_json() {
        let text = String::from_utf8(json(&notice(r#"{"id":"INC-7","alerts":2}"#)).unwrap()).unwrap();
        assert_eq!(
            text,
            r#"{"id":"64-12-1","kind":"page_again","subject":"INC-7","title":"广州 GZ01 链路中断","team":"noc","tier":2,"at":"2026-02-13T09:00:00.000Z","record":{"id":"INC-7","alerts":2}}"#
        );
    }

    #[test]
    fn a_body_that_is_not_json_is_an_error() {
        assert!(json(&notice("{\"id\":")).is_err());
    }
}
