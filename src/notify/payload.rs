//! The notification's JSON for webhook and MQTT alike; and the escaping of values in requests.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::core::engine::{Notification, NotificationKind};
use crate::core::model::{Tier, Timestamp};

#[derive(Serialize)]
struct Payload<'n> {
    /// The same for every attempt, for deduplication by the receiver.
    id: String,
    kind: NotificationKind,
    subject: &'n str,
    title: &'n str,
    team: &'n str,
    person: Option<&'n str>,
    tier: Option<Tier>,
    at: Timestamp,
    /// Links to the page and to the acknowledgement; `null` while the service does not know its own address.
    link: Option<&'n str>,
    acknowledge: Option<&'n str>,
    /// The incident, problem or run as of the notification.
    record: &'n RawValue,
}

/// The keys that are the same in every form of a notification, and links into the service, if any.
#[derive(Default)]
pub(super) struct NoticeLinks {
    /// The same at every attempt, another for every other notice of any installation: what receivers deduplicate by.
    pub key: String,
    /// The same for all notices on one subject of this installation.
    pub thread: String,
    pub record: Option<String>,
    pub acknowledge: Option<String>,
}

/// The notification as one JSON object; an error if its body is not JSON.
pub(super) fn json(notice: &Notification, links: &NoticeLinks) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Payload {
        id: links.key.clone(),
        kind: notice.kind,
        subject: &notice.subject,
        title: &notice.title,
        team: &notice.team,
        person: notice.person.as_deref(),
        tier: notice.tier,
        at: notice.at,
        link: links.record.as_deref(),
        acknowledge: links.acknowledge.as_deref(),
        record: serde_json::from_str(&notice.body)?,
    })
}

/// Escapes every byte that is not unreserved, as in RFC 3986.
pub(super) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// As text or inside quotes of XML and HTML; without the control characters that XML has no way to write.
pub(super) fn xml_escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The text without what chats read as a mention or a link of their own: `<at …>`, `<@…>`, `<!…>`, `<#…>`. Their bracket
/// becomes the wide one that people read alike, since none of these chats knows an escape.
pub(super) fn without_mentions(text: &str) -> Cow<'_, str> {
    if !text.contains('<') {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let rest = text[at..].strip_prefix('<').map(|rest| rest.strip_prefix('/').unwrap_or(rest));
        let is_mention = rest.is_some_and(|rest| {
            let begins_at = rest.get(..2).is_some_and(|word| word.eq_ignore_ascii_case("at"));
            rest.starts_with(['@', '!', '#']) || begins_at && !rest[2..].starts_with(|c: char| c.is_alphanumeric())
        });
        safe.push(if is_mention { '\u{FF1C}' } else { c });
    }
    Cow::Owned(safe)
}

/// Escapes as inside a JSON string.
pub(super) fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::core::model::{Cause, Offset, Partition};
    use crate::core::rules::{Channel, Language};

    pub fn notice(body: &str) -> Notification {
        Notification {
            cause: Cause { partition: Partition::DESK, offset: Offset(12), n: 1 },
            at: Timestamp::from_seconds(1_770_973_200),
            kind: NotificationKind::PageAgain,
            channel: Channel::Webhook { url: "http://127.0.0.1:1/".to_owned() },
            team: "noc".to_owned(),
            person: None,
            tier: Some(Tier::Second),
            subject: "INC-7".to_owned(),
            title: "广州 GZ01 链路中断".to_owned(),
            body: body.to_owned(),
            language: Language::En,
        }
    }

    #[test]
    fn the_record_stands_inside_as_json() {
        let links = NoticeLinks {
            key: "64-12-1".to_owned(),
            record: Some("https://watch.example.org/x".to_owned()),
            ..NoticeLinks::default()
        };
        let text = String::from_utf8(json(&notice(r#"{"id":"INC-7","alerts":2}"#), &links).unwrap()).unwrap();
        assert_eq!(
            text,
            r#"{"id":"64-12-1","kind":"page_again","subject":"INC-7","title":"广州 GZ01 链路中断","team":"noc","person":null,"tier":2,"at":"2026-02-13T09:00:00.000Z","link":"https://watch.example.org/x","acknowledge":null,"record":{"id":"INC-7","alerts":2}}"#
        );
    }

    #[test]
    fn a_body_that_is_not_json_is_an_error() {
        assert!(json(&notice("{\"id\":"), &NoticeLinks::default()).is_err());
    }

    #[test]
    fn values_cannot_leave_their_place() {
        assert_eq!(percent_encoded("a b&c=值/../?"), "a%20b%26c%3D%E5%80%BC%2F..%2F%3F");
        assert_eq!(json_escaped("\"},{\n值\\"), "\\\"},{\\n值\\\\");
        assert_eq!(xml_escaped("<a b='c\"'>&\u{1}值\n"), "&lt;a b=&#39;c&quot;&#39;&gt;&amp; 值\n");
        for (text, safe) in [
            ("<at user_id=\"all\">x</at>", "＜at user_id=\"all\">x＜/at>"),
            ("<AT id=all>", "＜AT id=all>"),
            ("<@U1> <!channel> <#C1>", "＜@U1> ＜!channel> ＜#C1>"),
            ("a < b, <b>, <atom>, <", "a < b, <b>, <atom>, <"),
            ("<值", "<值"),
        ] {
            assert_eq!(without_mentions(text), safe);
        }
    }
}
