//! A notification in words for chats and mails: the title, the known data, and the links, in the language of the
//! recipient.

use jiff::tz::TimeZone;
use serde_json::Value;

use super::payload::NoticeLinks;
use crate::core::calendar::on_the_wall;
use crate::core::engine::{Notification, NotificationKind};
use crate::core::model::one_line;
use crate::core::rules::Language;

/// A field of the record, its name in English and in Chinese.
const FIELDS: [(&str, &str, &str); 10] = [
    ("severity", "severity", "级别"),
    ("state", "state", "状态"),
    ("team", "team", "团队"),
    ("assignee", "assignee", "受理人"),
    ("alerts", "alerts", "告警数"),
    ("reason", "reason", "原因"),
    ("resolution", "resolution", "处理结果"),
    ("workaround", "workaround", "临时方案"),
    ("runbook", "runbook", "处置手册"),
    ("incidents", "incidents", "故障数"),
];

/// The texts of a notification.
pub(super) struct Wording {
    /// The title with the kind of notification.
    pub heading: String,
    /// Line by line, without the links.
    pub lines: Vec<String>,
    /// The links with their names.
    pub links: Vec<String>,
}

impl Wording {
    pub fn of(notice: &Notification, links: &NoticeLinks, zone: &TimeZone) -> Wording {
        let record: Value = serde_json::from_str(&notice.body).unwrap_or(Value::Null);
        let chinese = notice.language == Language::Zh;
        let pick = |english: &'static str, chinese_word: &'static str| if chinese { chinese_word } else { english };
        let separator = pick(": ", ":");
        let mut lines = vec![format!("{}{separator}{}", pick("time", "时间"), on_the_wall(notice.at, zone))];
        for (key, english, chinese_word) in FIELDS {
            if let Some(value) = record.get(key).and_then(shown) {
                lines.push(format!("{}{separator}{value}", pick(english, chinese_word)));
            }
        }
        lines.extend(record.get("worst").and_then(Value::as_array).into_iter().flatten().map(incident_line));
        if let Some(more) = record.get("more").and_then(Value::as_u64).filter(|more| *more > 0) {
            lines.push(if chinese { format!("……另有 {more} 个") } else { format!("… and {more} more") });
        }
        let named = |name: &str, link: &Option<String>| link.as_ref().map(|link| format!("{name}{separator}{link}"));
        let links =
            [named(pick("acknowledge", "确认受理"), &links.acknowledge), named(pick("details", "详情"), &links.record)];
        let title = one_line(&notice.title);
        let heading = match notice.kind {
            // Its title contains the kind.
            NotificationKind::Digest => title.into_owned(),
            _ => format!("{} {title}", kind(notice.kind, notice.language)),
        };
        Wording { heading, lines, links: links.into_iter().flatten().collect() }
    }

    /// All of it in at most so many bytes: the lines are cut, heading and links stay.
    pub fn within(&self, bytes: usize) -> String {
        let links: usize = self.links.iter().map(|link| link.len() + 1).sum();
        let heading = cut(&self.heading, bytes.saturating_sub(links));
        let room = bytes.saturating_sub(links + heading.len() + 1);
        let mut text = heading;
        let lines = cut(&self.lines.join("\n"), room);
        for part in [lines].iter().chain(&self.links).filter(|part| !part.is_empty()) {
            text.push('\n');
            text.push_str(part);
        }
        text
    }
}

/// The beginning of a text in at most so many bytes, with a mark if it was cut.
pub(super) fn cut(text: &str, bytes: usize) -> String {
    const SIGN: &str = "…";
    if text.len() <= bytes {
        return text.to_owned();
    }
    match bytes.checked_sub(SIGN.len()) {
        Some(room) => format!("{}{SIGN}", &text[..text.floor_char_boundary(room)]),
        None => String::new(),
    }
}

/// Name of the kind of notification.
fn kind(kind: NotificationKind, language: Language) -> &'static str {
    let (english, chinese) = match kind {
        NotificationKind::Page => ("Page:", "【告警】"),
        NotificationKind::PageAgain => ("Page again:", "【再次提醒】"),
        NotificationKind::Escalated => ("Escalated:", "【升级】"),
        NotificationKind::Resolved => ("Resolved:", "【恢复】"),
        NotificationKind::ProblemOpened => ("Problem opened:", "【问题单】"),
        NotificationKind::ProblemReopened => ("Problem back:", "【问题复发】"),
        NotificationKind::InspectionMissed => ("Inspection missed:", "【巡检漏做】"),
        NotificationKind::HandedBack => ("Handed back:", "【退回】"),
        NotificationKind::ManagersTold => ("For your information:", "【管理升级】"),
        NotificationKind::ReviewDue => ("Review due:", "【评审到期】"),
        NotificationKind::TargetWarning => ("Due soon:", "【即将超时】"),
        NotificationKind::TargetBreached => ("Overdue:", "【已超时】"),
        NotificationKind::Digest => ("Digest:", "【汇总】"),
        NotificationKind::Unreached => ("A page did not arrive by another channel:", "【其他渠道未送达】"),
    };
    match language {
        Language::En => english,
        Language::Zh => chinese,
    }
}

/// Non-empty texts and numbers, each on one line: a value must not look like a line of ours.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(one_line(text).into_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn incident_line(line: &Value) -> String {
    let text = |key: &str| line.get(key).and_then(shown).unwrap_or_default();
    format!("- [{} {}] {} {} ({})", text("priority"), text("severity"), text("id"), text("title"), text("state"))
}

#[cfg(test)]
mod tests {
    use super::super::payload::tests::notice;
    use super::*;

    fn links() -> NoticeLinks {
        NoticeLinks {
            record: Some("https://w.example/api/v1/incidents/INC-7".to_owned()),
            acknowledge: Some("https://w.example/ack?t=7.1".to_owned()),
            ..NoticeLinks::default()
        }
    }

    #[test]
    fn a_notice_reads_in_the_language_of_whoever_is_told() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let body = r#"{"severity":"critical","state":"new","assignee":null,"alerts":2,"reason":"规则 链路"}"#;
        let mut notice = notice(body);
        assert_eq!(
            Wording::of(&notice, &links(), &zone).within(2_000),
            "Page again: 广州 GZ01 链路中断\ntime: 2026-02-13 17:00:00 +08:00\nseverity: critical\nstate: new\nalerts: 2\n\
             reason: 规则 链路\nacknowledge: https://w.example/ack?t=7.1\ndetails: https://w.example/api/v1/incidents/INC-7"
        );
        notice.language = Language::Zh;
        assert_eq!(
            Wording::of(&notice, &NoticeLinks::default(), &zone).within(2_000),
            "【再次提醒】 广州 GZ01 链路中断\n时间:2026-02-13 17:00:00 +08:00\n级别:critical\n状态:new\n告警数:2\n原因:规则 链路"
        );
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters_and_keeps_its_links() {
        let body = serde_json::json!({"reason": "很长的原因".repeat(500)}).to_string();
        let wording = Wording::of(&notice(&body), &links(), &TimeZone::UTC);
        for bytes in 200..260 {
            let text = wording.within(bytes);
            assert!(text.len() <= bytes, "{bytes}: {}", text.len());
            assert!(text.contains("ack?t=7.1") && text.contains('…'), "{text}");
        }
        assert_eq!(cut("链路", 6), "链路");
        assert_eq!(cut("链路中", 6), "链…");
        assert_eq!(cut("链路中", 2), "");
    }
}
