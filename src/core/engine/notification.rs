//! Notifications, as the engine hands them to the outbox.

use crate::core::model::{Cause, Tier, Timestamp};
use crate::core::rules::{Channel, Language};
use serde::{Deserialize, Serialize};

/// A message to a channel of a team or of a person. Its cause is its idempotency key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    pub cause: Cause,
    pub at: Timestamp,
    pub kind: NotificationKind,
    pub channel: Channel,
    pub team: String,
    /// The person whom it tells, if it is not for the whole team.
    #[serde(default)]
    pub person: Option<String>,
    pub tier: Option<Tier>,
    /// `INC-…`, `PRB-…`, `RUN-…`, or `DIG-…` of a digest.
    pub subject: String,
    /// The text that a person reads first.
    pub title: String,
    /// The record as JSON, as it stood.
    pub body: String,
    /// In which it is worded.
    #[serde(default)]
    pub language: Language,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationKind {
    Page,
    PageAgain,
    Escalated,
    Resolved,
    ProblemOpened,
    InspectionMissed,
    ProblemReopened,
    /// A lower tier has it again.
    HandedBack,
    /// Hierarchical escalation: it is known, not handed over.
    ManagersTold,
    /// A problem lies past its review date.
    ReviewDue,
    /// A share of a promised time has run.
    TargetWarning,
    TargetBreached,
    /// Several incidents at once.
    Digest,
    /// A page did not reach somebody by another channel.
    Unreached,
}

impl NotificationKind {
    pub const ALL: [NotificationKind; 14] = [
        NotificationKind::Page,
        NotificationKind::PageAgain,
        NotificationKind::Escalated,
        NotificationKind::Resolved,
        NotificationKind::ProblemOpened,
        NotificationKind::InspectionMissed,
        NotificationKind::ProblemReopened,
        NotificationKind::HandedBack,
        NotificationKind::ManagersTold,
        NotificationKind::ReviewDue,
        NotificationKind::TargetWarning,
        NotificationKind::TargetBreached,
        NotificationKind::Digest,
        NotificationKind::Unreached,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            NotificationKind::Page => "page",
            NotificationKind::PageAgain => "page_again",
            NotificationKind::Escalated => "escalated",
            NotificationKind::Resolved => "resolved",
            NotificationKind::ProblemOpened => "problem_opened",
            NotificationKind::InspectionMissed => "inspection_missed",
            NotificationKind::ProblemReopened => "problem_reopened",
            NotificationKind::HandedBack => "handed_back",
            NotificationKind::ManagersTold => "managers_told",
            NotificationKind::ReviewDue => "review_due",
            NotificationKind::TargetWarning => "target_warning",
            NotificationKind::TargetBreached => "target_breached",
            NotificationKind::Digest => "digest",
            NotificationKind::Unreached => "unreached",
        }
    }
}
