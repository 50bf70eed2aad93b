//! Links into the service for notifications. Created on sending, because the engine knows no keys and no clock.

use crate::core::incidents::{AckClaim, AckKey};
use crate::core::model::{IncidentId, TimeDelta, Timestamp};

use super::payload::percent_encoded;
use crate::core::engine::{Notification, NotificationKind};

/// The service's public address, and the key for acknowledge links.
#[derive(Clone)]
pub struct Links {
    /// `https://watch.example.org`, without a trailing slash.
    pub base: String,
    pub key: AckKey,
    /// Validity of an acknowledge link.
    pub valid_for: TimeDelta,
}

impl Links {
    /// Page of the incident, problem or run; for a digest: the open incidents of the team.
    pub fn record(&self, notice: &Notification) -> String {
        let (base, subject) = (&self.base, &notice.subject);
        match notice.kind {
            NotificationKind::Page
            | NotificationKind::PageAgain
            | NotificationKind::Escalated
            | NotificationKind::Resolved
            | NotificationKind::HandedBack
            | NotificationKind::TargetWarning
            | NotificationKind::TargetBreached
            | NotificationKind::Unreached => {
                format!("{base}/api/v1/incidents/{subject}")
            }
            // A manager notification may be about either.
            NotificationKind::ManagersTold if subject.starts_with("INC-") => {
                format!("{base}/api/v1/incidents/{subject}")
            }
            NotificationKind::ManagersTold
            | NotificationKind::ReviewDue
            | NotificationKind::ProblemOpened
            | NotificationKind::ProblemReopened => format!("{base}/api/v1/problems/{subject}"),
            NotificationKind::InspectionMissed => format!("{base}/api/v1/inspections/runs/{subject}"),
            NotificationKind::Digest => {
                format!("{base}/api/v1/incidents?state=open&team={}", percent_encoded(&notice.team))
            }
        }
    }

    /// An acknowledge link for the recipient; `None` if there is nothing to acknowledge.
    pub fn acknowledge(&self, notice: &Notification, now: Timestamp) -> Option<String> {
        match notice.kind {
            NotificationKind::Page
            | NotificationKind::PageAgain
            | NotificationKind::Escalated
            | NotificationKind::HandedBack
            | NotificationKind::TargetWarning
            | NotificationKind::TargetBreached
            | NotificationKind::Unreached => {}
            NotificationKind::ManagersTold
            | NotificationKind::ReviewDue
            | NotificationKind::Resolved
            | NotificationKind::ProblemOpened
            | NotificationKind::ProblemReopened
            | NotificationKind::InspectionMissed
            | NotificationKind::Digest => return None,
        }
        let incident: IncidentId = notice.subject.parse().ok()?;
        let claim = AckClaim {
            incident,
            who: notice.person.clone().unwrap_or_else(|| notice.team.clone()),
            is_person: notice.person.is_some(),
            until: now + self.valid_for,
            issued: notice.at,
        };
        Some(format!("{}/ack?t={}", self.base, claim.token(&self.key)))
    }
}
