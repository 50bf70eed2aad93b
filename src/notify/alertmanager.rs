//! The body of an Alertmanager's webhook, version 4, so that receivers made for it go on unmodified.

use serde::{Deserialize, Serialize, Serializer};

use crate::core::engine::{AlertRecord, Notification};
use crate::core::model::{Fingerprint, Labels, Stamp, Status};

/// The end of an alert that fires: Go's zero time.
const NO_END: &str = "0001-01-01T00:00:00Z";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'n> {
    receiver: &'n str,
    status: GroupStatus,
    alerts: Vec<BodyAlert<'n>>,
    group_labels: &'n Labels,
    common_labels: Labels,
    common_annotations: Labels,
    #[serde(rename = "externalURL")]
    external_url: &'n str,
    version: &'static str,
    group_key: String,
    truncated_alerts: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum GroupStatus {
    Firing,
    Resolved,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BodyAlert<'n> {
    status: GroupStatus,
    labels: &'n Labels,
    annotations: &'n Labels,
    #[serde(serialize_with = "as_text")]
    starts_at: Stamp,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: &'n str,
    fingerprint: Fingerprint,
}

/// What the body takes of the incident's record.
#[derive(Default, Deserialize)]
struct Group {
    #[serde(default)]
    rule: String,
    #[serde(default)]
    key: Labels,
}

/// `alerts`: those of the incident. `max_alerts`: how many of them the body holds; 0 is all.
pub(super) fn body(
    notice: &Notification,
    alerts: &[AlertRecord],
    max_alerts: u32,
    external_url: &str,
) -> Result<Vec<u8>, serde_json::Error> {
    let group: Group = serde_json::from_str(&notice.body)?;
    let mut told: Vec<&AlertRecord> = alerts.iter().filter(|alert| !is_suppressed(alert)).collect();
    told.sort_by_key(|alert| alert.fingerprint);
    let fires = told.iter().any(|alert| status(alert) == GroupStatus::Firing);
    let most = if max_alerts == 0 { told.len() } else { usize::try_from(max_alerts).unwrap_or(usize::MAX) };
    serde_json::to_vec(&Body {
        receiver: &notice.team,
        status: if fires { GroupStatus::Firing } else { GroupStatus::Resolved },
        alerts: told.iter().take(most).map(|alert| BodyAlert::of(alert)).collect(),
        group_labels: &group.key,
        common_labels: common(told.iter().map(|alert| &alert.labels)),
        common_annotations: common(told.iter().map(|alert| &alert.annotations)),
        external_url,
        version: "4",
        group_key: format!("{{}}/{{rule={:?}}}:{}", group.rule, group.key),
        truncated_alerts: told.len().saturating_sub(most),
    })
}

/// What is silenced or inhibited is not told, as in an Alertmanager.
fn is_suppressed(alert: &AlertRecord) -> bool {
    let by_alerts = alert.inhibited_by.len() + alert.explained_by.len() + alert.silenced_by.len();
    status(alert) == GroupStatus::Firing && (by_alerts > 0 || !alert.maintained_by.is_empty() || alert.storm.is_some())
}

fn status(alert: &AlertRecord) -> GroupStatus {
    match alert.status {
        Status::Firing | Status::Point => GroupStatus::Firing,
        Status::Resolved => GroupStatus::Resolved,
    }
}

impl BodyAlert<'_> {
    fn of(alert: &AlertRecord) -> BodyAlert<'_> {
        let status = status(alert);
        BodyAlert {
            status,
            labels: &alert.labels,
            annotations: &alert.annotations,
            starts_at: alert.starts_at,
            ends_at: match status {
                GroupStatus::Firing => NO_END.to_owned(),
                GroupStatus::Resolved => alert.ends_at.to_string(),
            },
            generator_url: &alert.generator_url,
            fingerprint: alert.fingerprint,
        }
    }
}

/// The pairs that all have.
fn common<'a>(mut sets: impl Iterator<Item = &'a Labels>) -> Labels {
    let Some(first) = sets.next() else { return Labels::empty() };
    let others: Vec<&Labels> = sets.collect();
    let in_all = first.iter().filter(|(name, value)| others.iter().all(|set| set.get(name) == Some(*value)));
    Labels::from_pairs(in_all)
}

fn as_text<S: Serializer>(stamp: &Stamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(stamp)
}
