//! The group robots of WeCom, DingTalk, Feishu and Slack: their request bodies, signatures, and the meaning of their
//! responses.
//!
//! All but Slack return 200 even for errors, with a code in the body. Limits and codes are those of the vendors'
//! documents: 20 messages a minute for a robot of WeCom and of DingTalk, which then refuses for 10 minutes.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::attempt_outcome::AttemptOutcome;
use super::payload::percent_encoded;
use super::wording::Wording;
use crate::core::model::Timestamp;

/// Maximum length of a text, in bytes, with room for escaping.
const WECOM_TEXT_MAX_BYTES: usize = 1_900;
const TEXT_MAX_BYTES: usize = 8_000;

/// The tool of a robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RobotKind {
    Wecom,
    Dingtalk,
    Feishu,
    Slack,
}

/// A request to a robot.
pub(super) struct RobotRequest {
    pub url: String,
    pub body: Vec<u8>,
}

impl RobotKind {
    /// The message, signed with the robot's secret if it has one.
    pub fn call(self, mut url: String, wording: &Wording, secret: Option<&str>, now: Timestamp) -> RobotRequest {
        let text = |bytes| without_tags(&wording.within(bytes));
        let body = match self {
            RobotKind::Wecom => json!({"msgtype": "text", "text": {"content": text(WECOM_TEXT_MAX_BYTES)}}),
            RobotKind::Dingtalk => {
                if let Some(secret) = secret {
                    url.push(if url.contains('?') { '&' } else { '?' });
                    url.push_str(&dingtalk_signature(secret, now));
                }
                json!({"msgtype": "text", "text": {"content": text(TEXT_MAX_BYTES)}})
            }
            RobotKind::Feishu => {
                let mut body = json!({"msg_type": "text", "content": {"text": text(TEXT_MAX_BYTES)}});
                if let Some(secret) = secret {
                    let seconds = now.as_micros().div_euclid(1_000_000).to_string();
                    body["sign"] = Value::from(feishu_signature(secret, &seconds));
                    body["timestamp"] = Value::from(seconds);
                }
                body
            }
            RobotKind::Slack => json!({
                "text": slack_escaped(&wording.within(TEXT_MAX_BYTES)),
                "mrkdwn": false,
                "link_names": false,
                "unfurl_links": false,
                "unfurl_media": false,
            }),
        };
        RobotRequest { url, body: body.to_string().into_bytes() }
    }

    /// The meaning of a response body with status 200.
    pub fn verdict(self, said: &str) -> AttemptOutcome {
        match self {
            RobotKind::Wecom => by_code(said, &["errcode"], &WECOM),
            RobotKind::Dingtalk => by_code(said, &["errcode"], &DINGTALK),
            RobotKind::Feishu => by_code(said, &["code", "StatusCode"], &FEISHU),
            RobotKind::Slack if said.trim() == "ok" => AttemptOutcome::Taken,
            RobotKind::Slack => match serde_json::from_str::<Value>(said) {
                Ok(answer) if answer.get("ok") == Some(&Value::Bool(true)) => AttemptOutcome::Taken,
                Ok(_) | Err(_) => AttemptOutcome::Again { error: not_ok(said), after: None },
            },
        }
    }
}

/// Meanings of a tool's codes. Unknown ones may be temporary: they are retried, a limited number of times.
struct Codes {
    /// Too many messages: the whole robot pauses for that long.
    too_many: &'static [i64],
    rest: Duration,
    /// Permanent errors of a message: a wrong key, a missing robot, a forbidden text.
    never: &'static [i64],
}

const WECOM: Codes = Codes {
    too_many: &[45_009, 45_033],
    rest: Duration::from_secs(60),
    never: &[40_001, 40_008, 40_035, 40_058, 44_004, 45_002, 93_000, 93_004, 93_008, 93_017],
};
const DINGTALK: Codes = Codes {
    too_many: &[90_030, 130_101, 410_100],
    rest: Duration::from_secs(600),
    never: &[
        40_035, 43_004, 300_001, 300_005, 310_000, 400_013, 400_101, 400_102, 400_105, 400_106, 410_101, 430_101,
        430_102, 430_103, 430_104,
    ],
};
const FEISHU: Codes = Codes {
    too_many: &[11_232, 11_233, 99_991_400],
    rest: Duration::from_secs(60),
    never: &[9_499, 10_101, 19_001, 19_002, 19_021, 19_022, 19_024, 19_036],
};

fn by_code(said: &str, names: &[&str], codes: &Codes) -> AttemptOutcome {
    let answer: Option<Value> = serde_json::from_str(said).ok();
    let code = answer.as_ref().and_then(|answer| names.iter().find_map(|name| answer.get(name)?.as_i64()));
    match code {
        Some(0) => AttemptOutcome::Taken,
        Some(code) => {
            let error = format!("the receiver refused with code {code}: {}", message(answer.as_ref(), said));
            if codes.too_many.contains(&code) {
                AttemptOutcome::TooMany { error, rest: codes.rest }
            } else if codes.never.contains(&code) {
                AttemptOutcome::Refused { error }
            } else {
                AttemptOutcome::Again { error, after: None }
            }
        }
        // A gateway may have answered instead of the tool.
        None => AttemptOutcome::Again { error: not_ok(said), after: None },
    }
}

pub(super) fn message(answer: Option<&Value>, said: &str) -> String {
    let text =
        answer.and_then(|answer| ["errmsg", "msg", "StatusMessage"].iter().find_map(|name| answer.get(name)?.as_str()));
    super::wording::cut(text.unwrap_or(said), 200)
}

fn not_ok(said: &str) -> String {
    match said.trim() {
        "" => "the receiver answered 200 without saying that it took it".to_owned(),
        said => format!("the receiver answered 200 without saying that it took it: {}", super::wording::cut(said, 200)),
    }
}

/// `timestamp=…&sign=…`: HMAC-SHA256 of both, keyed by the secret, in milliseconds.
fn dingtalk_signature(secret: &str, now: Timestamp) -> String {
    let millis = now.as_micros().div_euclid(1_000);
    let signature = STANDARD.encode(hmac(secret.as_bytes(), format!("{millis}\n{secret}").as_bytes()));
    format!("timestamp={millis}&sign={}", percent_encoded(&signature))
}

/// HMAC-SHA256 of nothing, keyed by the time in seconds and the secret.
fn feishu_signature(secret: &str, seconds: &str) -> String {
    STANDARD.encode(hmac(format!("{seconds}\n{secret}").as_bytes(), b""))
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Replaces the bracket: Feishu reads `<at user_id="all">` in a text as a mention, WeCom `<@name>`; neither knows an
/// escape, so the replacement is the one that people read alike.
fn without_tags(text: &str) -> String {
    text.replace('<', "\u{FF1C}")
}

/// Escapes the three characters with a special meaning in Slack.
fn slack_escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_in_an_answer_decides() {
        let check = |tool: RobotKind, said: &str, expected: &str| {
            let got = match tool.verdict(said) {
                AttemptOutcome::Taken => "taken".to_owned(),
                AttemptOutcome::Again { error, .. } => format!("again: {error}"),
                AttemptOutcome::TooMany { rest, .. } => format!("rest {}", rest.as_secs()),
                AttemptOutcome::Refused { error } => format!("refused: {error}"),
            };
            assert!(got.starts_with(expected), "{tool:?} {said}: {got}");
        };
        check(RobotKind::Wecom, r#"{"errcode":0,"errmsg":"ok"}"#, "taken");
        check(
            RobotKind::Wecom,
            r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#,
            "refused: the receiver refused with code 93000: invalid",
        );
        check(RobotKind::Wecom, r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#, "rest 60");
        check(
            RobotKind::Wecom,
            r#"{"errcode":-1,"errmsg":"系统繁忙"}"#,
            "again: the receiver refused with code -1: 系统繁忙",
        );
        check(RobotKind::Dingtalk, r#"{"errcode":310000,"errmsg":"sign not match"}"#, "refused");
        check(RobotKind::Dingtalk, r#"{"errcode":130101,"errmsg":"send too fast"}"#, "rest 600");
        check(RobotKind::Feishu, r#"{"StatusCode":0,"StatusMessage":"success"}"#, "taken");
        check(RobotKind::Feishu, r#"{"code":0,"msg":"success","data":{}}"#, "taken");
        check(RobotKind::Feishu, r#"{"code":19021,"msg":"sign match fail"}"#, "refused");
        check(RobotKind::Feishu, r#"{"code":11232,"msg":"frequency limited"}"#, "rest 60");
        check(RobotKind::Slack, "ok", "taken");
        check(RobotKind::Slack, r#"{"ok":true}"#, "taken");
        check(RobotKind::Slack, r#"{"ok":false,"error":"fatal_error"}"#, "again");
        for tool in [RobotKind::Wecom, RobotKind::Dingtalk, RobotKind::Feishu, RobotKind::Slack] {
            check(tool, "<html>登录</html>", "again: the receiver answered 200 without saying");
            check(tool, "", "again: the receiver answered 200 without saying that it took it");
        }
    }

    #[test]
    fn slack_gets_no_links_and_mentions_out_of_titles() {
        assert_eq!(slack_escaped("<!channel> a&b"), "&lt;!channel&gt; a&amp;b");
    }
}
