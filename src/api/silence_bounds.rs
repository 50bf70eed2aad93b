//! How far a role may silence: how broadly, how many alerts, how long. What goes beyond is refused with what is allowed.

use axum::http::StatusCode;

use super::auth::{Principal, RoleKind};
use super::http::error::ApiError;
use crate::core::engine::SilenceDraft;
use crate::core::model::{Matcher, TimeDelta, Timestamp};
use crate::store::LiveView;

/// Labels that sort alerts and name nothing: a silence by them alone holds a share of everything.
const SORTING: [&str; 4] = ["severity", "priority", "class", "source"];

/// What one role may silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SilenceBound {
    /// From now, or from its start if that comes later; `None`: for ever.
    pub longest: Option<TimeDelta>,
    /// The most alerts that fire now and that it would hold; `None`: any number.
    pub alerts: Option<usize>,
    /// Whether it need not name anything: `alertname=~".+"`.
    pub broad: bool,
}

/// What each role may silence, of those that may at all.
#[derive(Clone, Debug)]
pub struct SilenceBounds([SilenceBound; RoleKind::ALL.len()]);

impl SilenceBounds {
    /// First line a day and what is near; those who plan maintenance months; the administrator anything.
    pub fn standard() -> SilenceBounds {
        SilenceBounds(RoleKind::ALL.map(|role| match role {
            RoleKind::Admin => SilenceBound { longest: None, alerts: None, broad: true },
            RoleKind::Manager => SilenceBound { longest: Some(TimeDelta::from_days(90)), alerts: None, broad: true },
            RoleKind::Changes => SilenceBound { longest: Some(TimeDelta::from_days(90)), alerts: None, broad: false },
            RoleKind::Incidents => SilenceBound { longest: Some(TimeDelta::from_days(7)), alerts: None, broad: false },
            RoleKind::Second => {
                SilenceBound { longest: Some(TimeDelta::from_days(7)), alerts: Some(5_000), broad: false }
            }
            RoleKind::First
            | RoleKind::Third
            | RoleKind::Problems
            | RoleKind::Configuration
            | RoleKind::Viewer
            | RoleKind::Ingest
            | RoleKind::Monitoring => {
                SilenceBound { longest: Some(TimeDelta::from_hours(24)), alerts: Some(1_000), broad: false }
            }
        }))
    }

    pub fn of(&self, role: RoleKind) -> SilenceBound {
        self.0[role as usize]
    }

    pub fn set(&mut self, role: RoleKind, bound: SilenceBound) {
        self.0[role as usize] = bound;
    }

    /// Whether this caller may make that silence now.
    pub(super) fn check(
        &self,
        caller: &Principal,
        draft: &SilenceDraft,
        now: Timestamp,
        live: &LiveView,
    ) -> Result<(), ApiError> {
        let role = RoleKind::of(&caller.role);
        let bound = self.of(role);
        let refuse = |reason: String| {
            let setting = format!("silences.{} in watchfire.yaml", role.as_str());
            let detail = format!("the role {} {reason}; ask a role that may, or change {setting}", role.as_str());
            Err(ApiError::new(StatusCode::FORBIDDEN, detail))
        };
        if let Some(longest) = bound.longest {
            let length = length_of(draft, now);
            if length > longest {
                return refuse(format!("may silence for {longest} at most, and this is {length}"));
            }
        }
        if !bound.broad && !draft.matchers.iter().any(names_something) {
            return refuse(format!(
                "must say what it silences: a label other than {} with a value, several, or an expression with at least two letters (or one Chinese character) of the name",
                SORTING.join(", ")
            ));
        }
        if let Some(most) = bound.alerts {
            let held = live.alerts(|alert| draft.matchers.matches(&alert.alert.labels)).len();
            if held > most {
                return refuse(format!("may silence {most} firing alerts at most, and this would hold {held}"));
            }
        }
        Ok(())
    }
}

fn length_of(draft: &SilenceDraft, now: Timestamp) -> TimeDelta {
    draft.ends_at.at.since(draft.starts_at.at.max(now))
}

/// Whether it fits only some names: one value, several, or an expression every match of which holds two letters or one
/// Chinese character that it spells out.
fn names_something(matcher: &Matcher) -> bool {
    !SORTING.contains(&matcher.name()) && (matcher.values().is_some() || matcher.spells_out_at_least(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_must_name_something() {
        let check = |text: &str, expected: bool| {
            let matcher = Matcher::parse(text).unwrap();
            assert_eq!(names_something(&matcher), expected, "{text}");
        };
        check(r#"alertname="LinkDown""#, true);
        check(r#"alertname=~"LinkDown|FanFailed""#, true);
        check(r#"site=~"GZ.*""#, true);
        check(r#"site=~"广.*""#, true);
        check(r#"host=~"(sw|rt)[0-9]+.*""#, true);
        check(r#"host=~".*-core-.*""#, true);
        check(r#"alertname=~".+""#, false);
        check(r#"alertname=~"...+""#, false);
        check(r#"alertname=~"[A-Z].*""#, false);
        check(r#"alertname=~"[A-Z][a-z].*""#, false);
        check(r#"alertname=~"Link.*|.+""#, false);
        check(r#"alertname=~"L.*""#, false);
        check(r#"alertname=~"(Li|.)+""#, false);
        check(r#"alertname=~"(nk)?.+""#, false);
        check(r#"alertname=~"(?i)link.*""#, true);
        check(r#"alertname!="LinkDown""#, false);
        check(r#"alertname!~"Link.*""#, false);
        check(r#"alertname="""#, false);
        check(r#"severity="critical""#, false);
    }
}
