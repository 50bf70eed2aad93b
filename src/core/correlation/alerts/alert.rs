//! The alert: the deduplicated condition behind firing and resolved messages, and the arithmetic of its times.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::core::correlation::input::Resend;
use crate::core::correlation::keys::{ConditionKey, RuleId};
use crate::core::correlation::suppression::suppressed_by::SuppressedBy;
use crate::core::correlation::{LATENESS, RESOLVED_RETENTION};
use crate::core::model::{Cause, Event, Expiry, Labels, Severity, Stamp, Status, TimeDelta, Timestamp};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alert {
    pub source: Arc<str>,
    pub labels: Labels,
    pub annotations: Labels,
    /// Facts as of the last transition.
    pub facts: Labels,
    pub summary: Arc<str>,
    pub generator_url: Arc<str>,
    pub severity: Severity,
    pub value: Option<f64>,
    pub expiry: Expiry,
    pub times: AlertTimes,
    pub updated_at: Timestamp,
    pub first_seen_at: Timestamp,
    /// Event time of the last transition that counts, and the input that brought it.
    pub counted_at: Timestamp,
    pub cause: Cause,
    /// Start and end times reported by the producer in the last firing and the last resolved message.
    pub said_firing_at: Option<Timestamp>,
    pub said_resolved_at: Option<Timestamp>,
    /// Number of times the alert began to fire.
    pub transitions: u32,
    /// Arrival time of the message that made it fire.
    pub fires_since: Timestamp,
    /// Suppressors of the alert; on a resolved alert, those that applied when it ended.
    pub held: Option<Box<SuppressedBy>>,
    /// True if it was under maintenance when it began to fire, because such an alert counts for no problem.
    pub began_maintained: bool,
    /// The condition that owns the alert or, once resolved, owned it last.
    pub owner: Option<ConditionKey>,
    /// Conditions of rules that let later rules see it too.
    pub links: Vec<ConditionKey>,
    /// Rules that owned it too long without firing.
    pub passed: Vec<RuleId>,
    /// Time by which its owner must have fired.
    pub held_until: Option<Timestamp>,
    /// Due time under which the timer index holds the alert; never later than `due`.
    #[serde(skip)]
    pub armed: Option<Timestamp>,
}

/// Start and end of the alert's firing range, and the status that follows at the time of the last message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AlertTimes {
    pub starts_at: Stamp,
    pub ends_at: Stamp,
    /// True if the end comes from the resolve time-out, not from the producer.
    pub by_timeout: bool,
    pub firing: bool,
}

/// Times reported by a message, whole or in the compact form of a re-send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReportedTimes {
    pub status: Status,
    pub expiry: Expiry,
    pub starts_at: Option<Stamp>,
    pub ends_at: Option<Stamp>,
    pub occurred_at: Option<Timestamp>,
}

impl From<&Event> for ReportedTimes {
    fn from(event: &Event) -> ReportedTimes {
        ReportedTimes {
            status: event.status,
            expiry: event.expiry,
            starts_at: event.starts_at,
            ends_at: event.ends_at,
            occurred_at: event.occurred_at,
        }
    }
}

/// Effect of a message on its alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transition {
    BeganFiring,
    ChangedSeverity,
    Resolved,
}

impl Alert {
    pub fn is_suppressed(&self) -> bool {
        self.held.is_some()
    }

    /// Time of the alert's next timer: it ends, goes on to the next rule, or is forgotten.
    pub fn due(&self) -> Option<Timestamp> {
        if !self.times.firing {
            return Some(self.updated_at + RESOLVED_RETENTION);
        }
        let ends = Some(self.times.ends_at.at).filter(|at| *at < Timestamp::FAR_FUTURE);
        match (ends, self.held_until) {
            (Some(ends), Some(held)) => Some(ends.min(held)),
            (ends, held) => ends.or(held),
        }
    }

    /// Validity of the last message; a downtime of this service extends the alert by it.
    pub fn period(&self) -> TimeDelta {
        self.times.ends_at.at.since(self.updated_at)
    }

    /// The conditions that the alert belongs or belonged to, the owner first.
    pub fn conditions(&self) -> impl Iterator<Item = &ConditionKey> {
        self.owner.iter().chain(&self.links)
    }

    /// The times after one more message. `timeout`: an Alertmanager's `resolve_timeout`.
    pub fn times_after(
        &self,
        said: &ReportedTimes,
        occurred: Timestamp,
        now: Timestamp,
        timeout: TimeDelta,
    ) -> AlertTimes {
        match said.expiry {
            Expiry::AlertmanagerV2 => merge(&self.times, v2_times(said, now, timeout), now),
            Expiry::Never | Expiry::After(_) => said_times(said, Some(&self.times), occurred, now),
        }
    }

    /// The transition to those times and that severity; `None` for a mere re-send.
    pub fn transition_to(&self, times: &AlertTimes, severity: Severity) -> Option<Transition> {
        match (self.times.firing, times.firing) {
            (false, true) => Some(Transition::BeganFiring),
            (true, false) => Some(Transition::Resolved),
            (true, true) if self.severity != severity => Some(Transition::ChangedSeverity),
            (true, true) | (false, false) => None,
        }
    }

    /// A message that was seen before, or that a later one overtook on the way: applying it would undo the later one.
    pub fn is_outdated(&self, said: &ReportedTimes, now: Timestamp) -> bool {
        if said.expiry == Expiry::AlertmanagerV2 {
            return false;
        }
        let Some(said_at) = said.occurred_at else { return false };
        let (same, opposite) = match (said.status, self.times.firing) {
            (Status::Firing, false) => (self.said_firing_at, self.said_resolved_at),
            (Status::Resolved, true) => (self.said_resolved_at, self.said_firing_at),
            (Status::Firing, true) | (Status::Resolved, false) | (Status::Point, _) => return false,
        };
        let recent = said_at + LATENESS >= now;
        // Equal times are a repeat, unless the alert timed out: then the message is news.
        let repeated = same == Some(said_at);
        opposite.is_some_and(|opposite| (recent && said_at < opposite) || (repeated && said_at <= opposite))
    }

    /// True if the message carries the same description as the alert, times and value aside.
    pub fn is_described_by(&self, event: &Event) -> bool {
        self.expiry == event.expiry
            && self.annotations == event.annotations
            && *self.summary == *event.summary
            && *self.generator_url == *event.generator_url
    }

    /// Copies the message's description, except for the parts that rules and inhibitions match: those change in
    /// transitions.
    pub fn describe(&mut self, event: &Event) {
        self.expiry = event.expiry;
        if self.annotations != event.annotations {
            self.annotations = event.annotations.clone();
        }
        replace_text(&mut self.summary, &event.summary);
        replace_text(&mut self.generator_url, &event.generator_url);
    }

    /// Stores the producer's own time of a firing or resolved message.
    pub fn remember(&mut self, said: &ReportedTimes) {
        match said.status {
            Status::Firing => self.said_firing_at = said.occurred_at.or(self.said_firing_at),
            Status::Resolved => self.said_resolved_at = said.occurred_at.or(self.said_resolved_at),
            Status::Point => {}
        }
    }

    /// The times that a compact re-send reports.
    pub fn resent(&self, resend: &Resend) -> ReportedTimes {
        ReportedTimes {
            status: Status::Firing,
            expiry: self.expiry,
            starts_at: resend.starts_at,
            ends_at: resend.ends_at,
            occurred_at: resend.occurred_at,
        }
    }

    /// The message that would report the same state again.
    pub fn to_event(&self, status: Status) -> Event {
        Event {
            source: self.source.as_ref().to_owned(),
            id: None,
            status,
            labels: self.labels.clone(),
            severity: Some(self.severity),
            summary: self.summary.as_ref().to_owned(),
            annotations: self.annotations.clone(),
            occurred_at: None,
            value: self.value,
            generator_url: self.generator_url.as_ref().to_owned(),
            starts_at: None,
            ends_at: None,
            expiry: self.expiry,
            raw: None,
        }
    }

    /// The message behind a compact re-send.
    pub fn resent_event(&self, resend: &Resend) -> Event {
        Event {
            starts_at: resend.starts_at,
            ends_at: resend.ends_at,
            occurred_at: resend.occurred_at,
            value: resend.value_bits.map(f64::from_bits),
            ..self.to_event(Status::Firing)
        }
    }
}

fn replace_text(text: &mut Arc<str>, new: &str) {
    if **text != *new {
        *text = Arc::from(new);
    }
}

/// The times of a new alert. `timeout`: an Alertmanager's `resolve_timeout`.
pub(crate) fn first_times(said: &ReportedTimes, occurred: Timestamp, now: Timestamp, timeout: TimeDelta) -> AlertTimes {
    match said.expiry {
        Expiry::AlertmanagerV2 => v2_times(said, now, timeout),
        Expiry::Never | Expiry::After(_) => said_times(said, None, occurred, now),
    }
}

/// Fills in missing times as Alertmanager does.
fn v2_times(said: &ReportedTimes, now: Timestamp, timeout: TimeDelta) -> AlertTimes {
    let ends = match said.status {
        Status::Resolved => Some(said.ends_at.unwrap_or(Stamp::utc(now)).min(Stamp::utc(now))),
        Status::Firing | Status::Point => said.ends_at,
    };
    let starts_at = said.starts_at.or(ends).unwrap_or(Stamp::utc(now));
    let ends_at = ends.unwrap_or(Stamp::utc(now + timeout));
    AlertTimes { starts_at, ends_at, by_timeout: ends.is_none(), firing: ends_at.at > now }
}

/// Alertmanager's merge: only activity ranges that overlap become one, with the younger message, the earlier start, and
/// the later end if the producer gave it.
fn merge(old: &AlertTimes, new: AlertTimes, now: Timestamp) -> AlertTimes {
    let inside = |at: Timestamp| old.starts_at.at < at && at < old.ends_at.at;
    if !inside(new.ends_at.at) && !inside(new.starts_at.at) {
        return new;
    }
    let mut merged = new;
    if old.starts_at.at < new.starts_at.at {
        merged.starts_at = old.starts_at;
    }
    let old_is_resolved = old.ends_at.at <= now;
    let keeps_older_end = if new.firing { !old.by_timeout } else { old_is_resolved };
    if keeps_older_end && old.ends_at.at > new.ends_at.at {
        merged.ends_at = old.ends_at;
    }
    merged.firing = merged.ends_at.at > now;
    merged
}

/// Times from messages that state explicitly if the alert fires.
fn said_times(said: &ReportedTimes, old: Option<&AlertTimes>, occurred: Timestamp, now: Timestamp) -> AlertTimes {
    let same_firing = old.filter(|old| old.firing);
    match said.status {
        Status::Firing | Status::Point => {
            let ends_at = match said.expiry {
                Expiry::After(span) => now + span,
                Expiry::Never | Expiry::AlertmanagerV2 => Timestamp::FAR_FUTURE,
            };
            let starts_at = same_firing.map_or(Stamp::utc(occurred), |old| old.starts_at);
            AlertTimes { starts_at, ends_at: Stamp::utc(ends_at), by_timeout: false, firing: ends_at > now }
        }
        Status::Resolved => {
            let starts_at = old.map_or(Stamp::utc(occurred), |old| old.starts_at);
            let ended = Stamp::utc(occurred.min(now).max(starts_at.at));
            let ends_at = old.filter(|old| !old.firing).map_or(ended, |old| old.ends_at);
            AlertTimes { starts_at, ends_at, by_timeout: false, firing: false }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Stamp {
        Stamp::utc(Timestamp::from_seconds(seconds))
    }

    /// Arguments: old range with its time-out flag; the new message's times at `now`; the expected result.
    fn check(old: (i64, i64, bool), new: (Option<i64>, Option<i64>), now: i64, expected: (i64, i64, bool, bool)) {
        let now = Timestamp::from_seconds(now);
        let old =
            AlertTimes { starts_at: at(old.0), ends_at: at(old.1), by_timeout: old.2, firing: at(old.1).at > now };
        let said = ReportedTimes {
            status: Status::Firing,
            expiry: Expiry::AlertmanagerV2,
            starts_at: new.0.map(at),
            ends_at: new.1.map(at),
            occurred_at: None,
        };
        let merged = merge(&old, v2_times(&said, now, crate::core::rules::RESOLVE_TIMEOUT), now);
        let (starts, ends, by_timeout, firing) = expected;
        assert_eq!(
            merged,
            AlertTimes { starts_at: at(starts), ends_at: at(ends), by_timeout, firing },
            "{old:?} {new:?}"
        );
    }

    #[test]
    fn v2_messages_merge_as_in_alertmanager() {
        // An explicit end five minutes away survives a message without times; the start stays.
        check((0, 300, false), (None, None), 10, (0, 310, true, true));
        check((0, 400, false), (None, None), 10, (0, 400, true, true));
        // A time-out never overrides a newer end.
        check((0, 400, true), (Some(5), Some(300)), 10, (0, 300, false, true));
        check((0, 400, false), (Some(5), Some(300)), 10, (0, 400, false, true));
        // Resolving in the past of a firing alert ends it.
        check((0, 400, false), (Some(0), Some(9)), 10, (0, 9, false, false));
        // Both resolved: the later end wins.
        check((0, 9, false), (Some(0), Some(5)), 10, (0, 9, false, false));
        // Apart: the new one replaces the old.
        check((0, 5, false), (Some(6), Some(300)), 10, (6, 300, false, true));
        // Same start, later end (as Prometheus re-sends it): replaced, which is the same.
        check((0, 240, false), (Some(0), Some(300)), 60, (0, 300, false, true));
        // Only an end in the past: it started when it ended.
        check((0, 5, false), (None, Some(8)), 10, (8, 8, false, false));
    }
}
