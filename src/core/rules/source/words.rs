//! The words that tools commonly use for a status, where a source file gives no meaning of its own.

use crate::core::model::Status;

const FIRING: [&str; 30] = [
    "firing",
    "alerting",
    "alert",
    "alarm",
    "active",
    "activated",
    "open",
    "opened",
    "new",
    "problem",
    "trigger",
    "triggered",
    "raised",
    "started",
    "failed",
    "failing",
    "failure",
    "down",
    "error",
    "critical",
    "major",
    "minor",
    "warning",
    "unreachable",
    "offline",
    "fired",
    "occurred",
    "告警",
    "故障",
    "触发",
];
const RESOLVED: [&str; 29] = [
    "resolved",
    "resolve",
    "recovered",
    "recovery",
    "ok",
    "okay",
    "up",
    "normal",
    "clear",
    "cleared",
    "closed",
    "close",
    "inactive",
    "passing",
    "passed",
    "success",
    "succeeded",
    "deactivated",
    "ended",
    "online",
    "healthy",
    "fixed",
    "merged",
    "恢复",
    "已恢复",
    "正常",
    "解除",
    "清除",
    "关闭",
];

/// The status behind a word in lower case; `None` for a word nobody knows.
pub(super) fn status(word: &str) -> Option<Status> {
    let word = word.trim();
    if word == Status::Point.as_str() {
        Some(Status::Point)
    } else if FIRING.contains(&word) {
        Some(Status::Firing)
    } else if RESOLVED.contains(&word) {
        Some(Status::Resolved)
    } else {
        None
    }
}
