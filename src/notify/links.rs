//! Links into the service that notices carry. Made when a notice is sent: the engine knows no keys and no clock.

use crate::core::incidents::{AckClaim, AckKey};
use crate::core::model::{IncidentId, TimeDelta, Timestamp};

use super::payload::percent_encoded;
use crate::core::engine::{Notification, NotificationKind};

/// How people reach the service, and what signs what they may do there.
#[derive(Clone)]
pub struct Links {
    /// `https://watch.example.org`, without a slash at its end.
    pub base: String,
    pub key: AckKey,
    /// How long a link acknowledges.
    pub valid_for: TimeDelta,
}

impl Links {
    /// Where the incident, problem or run is shown; of a digest: the open incidents of the team.
    pub fn record(&self, notice: &Notification) -> String {
        let (base, subject) = (&self.base, &notice.subject);
        match notice.kind {
            NotificationKind::Page
            | NotificationKind::PageAgain
            | NotificationKind::Escalated
            | NotificationKind::Resolved
            | NotificationKind::HandedBack
            | NotificationKind::TargetWarning
            | NotificationKind::TargetBreached => {
                format!("{base}/api/v1/incidents/{subject}")
            }
            // What managers are told of may be either.
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

    /// A link by which whoever got the notice takes the incident; `None` where there is nothing to take.
    pub fn acknowledge(&self, notice: &Notification, now: Timestamp) -> Option<String> {
        match notice.kind {
            NotificationKind::Page
            | NotificationKind::PageAgain
            | NotificationKind::Escalated
            | NotificationKind::HandedBack
            | NotificationKind::TargetWarning
            | NotificationKind::TargetBreached => {}
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
