//! Links into the service that notices carry. Made when a notice is sent: the engine knows no keys and no clock.

use crate::core::incidents::{AckClaim, AckKey};
use crate::core::model::{IncidentId, Moment, Span};

use super::payload::percent_encoded;
use crate::core::engine::{Notice, NoticeKind};

/// How people reach the service, and what signs what they may do there.
#[derive(Clone)]
pub struct Links {
    /// `https://watch.example.org`, without a slash at its end.
    pub base: String,
    pub key: AckKey,
    /// How long a link acknowledges.
    pub valid_for: Span,
}

impl Links {
    /// Where the incident, problem or run is shown; of a digest: the open incidents of the team.
    pub fn record(&self, notice: &Notice) -> String {
        let (base, subject) = (&self.base, &notice.subject);
        match notice.kind {
            NoticeKind::Page
            | NoticeKind::PageAgain
            | NoticeKind::Escalated
            | NoticeKind::Resolved
            | NoticeKind::HandedBack
            | NoticeKind::TargetWarning
            | NoticeKind::TargetBreached => {
                format!("{base}/api/v1/incidents/{subject}")
            }
            // What managers are told of may be either.
            NoticeKind::ManagersTold if subject.starts_with("INC-") => format!("{base}/api/v1/incidents/{subject}"),
            NoticeKind::ManagersTold
            | NoticeKind::ReviewDue
            | NoticeKind::ProblemOpened
            | NoticeKind::ProblemReopened => format!("{base}/api/v1/problems/{subject}"),
            NoticeKind::InspectionMissed => format!("{base}/api/v1/inspections/runs/{subject}"),
            NoticeKind::Digest => format!("{base}/api/v1/incidents?state=open&team={}", percent_encoded(&notice.team)),
        }
    }

    /// A link by which whoever got the notice takes the incident; `None` where there is nothing to take.
    pub fn acknowledge(&self, notice: &Notice, now: Moment) -> Option<String> {
        match notice.kind {
            NoticeKind::Page
            | NoticeKind::PageAgain
            | NoticeKind::Escalated
            | NoticeKind::HandedBack
            | NoticeKind::TargetWarning
            | NoticeKind::TargetBreached => {}
            NoticeKind::ManagersTold
            | NoticeKind::ReviewDue
            | NoticeKind::Resolved
            | NoticeKind::ProblemOpened
            | NoticeKind::ProblemReopened
            | NoticeKind::InspectionMissed
            | NoticeKind::Digest => return None,
        }
        let incident: IncidentId = notice.subject.parse().ok()?;
        let claim = AckClaim {
            incident,
            who: notice.person.clone().unwrap_or_else(|| notice.team.clone()),
            is_person: notice.person.is_some(),
            until: now + self.valid_for,
        };
        Some(format!("{}/ack?t={}", self.base, claim.token(&self.key)))
    }
}
