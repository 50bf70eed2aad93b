//! Explanations: the effect that an event would have now, and the progress of each window. Reads only.

use serde::{Deserialize, Serialize};

use super::alerts::alert::{ReportedTimes, Transition};
use super::alerts::dedup::EventId;
use super::alerts::enrich::would_be_known;
use super::conditions::condition::{Condition, ConditionPhase};
use super::correlator::Correlator;
use super::failed_match::{FailedMatch, unmet};
use super::input_context::{Index, view};
use super::keys::{ConditionKey, RuleId};
use super::match_target::MatchTarget;
use super::output::{AlertView, CountedEvent};
use super::patterns::{MatchRole, Window};
use super::rule_index::{Hold, RuleIndex};
use super::state::CorrelatorState;
use super::suppression::{holds_on, suppressors::SuppressorKeys};
use super::wording;
use crate::core::model::{Event, Fingerprint, Labels, Matcher, SilenceId, Status, TimeDelta, Timestamp};
use crate::core::rules::{Flap, Pattern, Rule};

/// Maximum number of rules shown that do not fit, the nearest first.
pub const NEAREST_SHOWN: usize = 20;
/// Maximum number of members named per window.
const MEMBERS_NAMED: usize = 20;

/// The effect that an event would have if it came now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    pub fingerprint: Fingerprint,
    pub status: Status,
    pub meaning: ConditionMeaning,
    /// The current alert with these labels; never of a point.
    pub alert: Option<AlertView>,
    pub held_by: Vec<SuppressedByView>,
    /// Rules that fit, in file order; then, nearest first, rules that do not.
    pub rules: Vec<RuleTrace>,
    pub more_unfit: u64,
}

/// Meaning of the event for its alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConditionMeaning {
    BeginsFiring,
    ChangesSeverity,
    Resolves,
    /// Repeats known state: updates times, counts for rules that count every message.
    Repeats,
    /// Seen before, or overtaken by a later one: dropped.
    Outdated,
    Point,
    /// A point with an id that came already: dropped.
    RepeatedPoint,
}

/// One suppressor of alerts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum SuppressedByView {
    Silence {
        id: SilenceId,
        comment: String,
        ends_at: Timestamp,
    },
    /// A firing alert, through the inhibition of that name.
    Inhibition {
        name: String,
        source: Fingerprint,
    },
    /// A firing alert on a dependency of its item, through the inhibition of that name.
    Dependency {
        name: String,
        source: Fingerprint,
    },
    Maintenance {
        name: String,
        change: Option<String>,
    },
    /// `storm NAME site=GZ01`
    Storm {
        words: String,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleTrace {
    pub rule: String,
    pub pattern: String,
    pub stand: ConditionStatus,
    /// Role in which the event counts there; absent if the rule does not see it.
    pub counts: Option<CountState>,
    /// Failed conditions of a rule that does not fit.
    pub unmet: Vec<FailedMatch>,
    /// For a rule that does not fit: true if the event meets at least one of its demands.
    pub near: bool,
    /// The window that the event would enter, in its state before the event.
    pub window: Option<WindowView>,
}

/// Relation of a rule to the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConditionStatus {
    Owner,
    /// A `continue` rule: later ones see it too.
    Link,
    /// Owned the alert for `otherwise_after` without firing; its events still count.
    GaveUp,
    /// It fits, but an earlier rule owns it.
    Behind,
    Unfit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountState {
    /// Counts as an event of the pattern.
    Entry,
    /// Counts as the event that ends the pattern.
    Closer,
    /// Belongs to the rule, but changes nothing in it.
    Nothing,
}

/// A window: a rule under one key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowView {
    pub key: Labels,
    pub phase: WindowPhase,
    pub progress: Progress,
    /// The condition's firing alerts; at most 20 are named.
    pub members: Vec<Fingerprint>,
    pub member_count: u64,
    /// Number of members that are not suppressed.
    pub free: u64,
    /// Time of its next change without input.
    pub due: Option<Timestamp>,
    /// Counted events, oldest first, at most 20.
    pub evidence: Vec<CountedEvent>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowPhase {
    Empty,
    Idle,
    /// It fired, but all counted events are suppressed.
    Waiting,
    Raised,
    /// Raised, and all its firing alerts are suppressed.
    RaisedHeld,
}

/// Progress of a pattern, and what it still needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub counted: u64,
    /// Number needed; absent if the pattern does not count.
    pub needed: Option<u64>,
    pub within: Option<TimeDelta>,
    /// One short sentence: `2 of 5 within 10m`.
    pub text: String,
}

impl Correlator {
    /// The effect that the event would have at `now`. The rule `wanted` is shown whatever its rank.
    pub fn explain(&self, now: Timestamp, event: &Event, wanted: Option<&str>) -> Explanation {
        let (state, index, book) = self.parts();
        Explainer { state, index, book, now }.event(event, wanted)
    }

    /// Explains a known alert as if it fired now; `None` for an unknown one.
    pub fn explain_alert(&self, now: Timestamp, alert: Fingerprint, wanted: Option<&str>) -> Option<Explanation> {
        let (state, index, book) = self.parts();
        let event = state.alerts.get(&alert)?.to_event(Status::Firing);
        Some(Explainer { state, index, book, now }.event(&event, wanted))
    }

    /// The window of that rule under that key; `None` if there is none, or no such rule.
    pub fn window(&self, rule: &str, key: &Labels) -> Option<WindowView> {
        let (state, _, book) = self.parts();
        let key = ConditionKey::new(*state.names.ids.get(rule)?, key.clone());
        let condition = state.conditions.get(&key)?;
        Some(window_view(book.rule_of(&key)?, &key, Some(condition)))
    }
}

struct Explainer<'a> {
    state: &'a CorrelatorState,
    index: &'a Index,
    book: &'a RuleIndex,
    now: Timestamp,
}

impl Explainer<'_> {
    fn event(&self, event: &Event, wanted: Option<&str>) -> Explanation {
        let fingerprint = event.labels.fingerprint();
        let alert = self.state.alerts.get(&fingerprint).filter(|_| event.status != Status::Point);
        let severity = self.book.severity_of(event);
        let facts = would_be_known(self.state, self.book, event, severity);
        let subject = MatchTarget::of_event(event, severity, event.status, &facts);
        let (rules, more_unfit) = self.rules(&subject, wanted);
        Explanation {
            fingerprint,
            status: event.status,
            meaning: self.meaning(event),
            alert: alert.map(|alert| view(self.state, self.book, fingerprint, alert)),
            held_by: self.holders(&subject),
            rules,
            more_unfit,
        }
    }

    fn meaning(&self, event: &Event) -> ConditionMeaning {
        let seen = EventId::of(event).is_some_and(|id| self.state.event_ids.contains_key(&id));
        match (event.status, seen) {
            (Status::Point, true) => return ConditionMeaning::RepeatedPoint,
            (Status::Point, false) => return ConditionMeaning::Point,
            (Status::Firing | Status::Resolved, true) => return ConditionMeaning::Repeats,
            (Status::Firing | Status::Resolved, false) => {}
        }
        let first = match event.status {
            Status::Resolved => ConditionMeaning::Repeats,
            Status::Firing | Status::Point => ConditionMeaning::BeginsFiring,
        };
        let Some(alert) = self.state.alerts.get(&event.labels.fingerprint()) else { return first };
        let said = ReportedTimes::from(event);
        if alert.is_outdated(&said, self.now) {
            return ConditionMeaning::Outdated;
        }
        let at = super::clamp_event_time(event.occurred_at, self.now);
        let times = alert.times_after(&said, at, self.now, self.book.rulebook.resolve_timeout);
        match alert.transition_to(&times, self.book.severity_of(event)) {
            Some(Transition::BeganFiring) => ConditionMeaning::BeginsFiring,
            Some(Transition::ChangedSeverity) => ConditionMeaning::ChangesSeverity,
            Some(Transition::Resolved) => ConditionMeaning::Resolves,
            None => ConditionMeaning::Repeats,
        }
    }

    fn holders(&self, subject: &MatchTarget<'_>) -> Vec<SuppressedByView> {
        let known = self.state.alerts.get(&subject.labels.fingerprint()).filter(|alert| alert.times.firing);
        let since = known.map_or(self.now, |alert| alert.fires_since);
        let holds = holds_on(self.state, self.index, self.book, subject, since);
        let silences = holds.silenced_by.iter().filter_map(|id| self.state.silences.get(id));
        let mut holders: Vec<SuppressedByView> = silences
            .map(|kept| &kept.silence)
            .map(|silence| SuppressedByView::Silence {
                id: silence.id,
                comment: silence.comment.clone(),
                ends_at: silence.ends_at.at,
            })
            .collect();
        let windows = &self.book.rulebook.maintenance;
        let open = windows.iter().filter(|window| holds.maintained_by.iter().any(|name| **name == *window.name));
        holders.extend(
            open.map(|window| SuppressedByView::Maintenance {
                name: window.name.clone(),
                change: window.change.clone(),
            }),
        );
        let (places, rank) = (self.book.places(subject), (since, subject.labels.fingerprint()));
        let name = |rule: u32| self.book.rulebook.inhibitions.get(rule as usize).map(|rule| rule.name.clone());
        for place in places.inhibitions {
            let rule = place.rule;
            let alone = SuppressorKeys { inhibitions: vec![place], ties: Vec::new() };
            if let (Some(name), Some(source)) = (name(rule), self.index.holders.inhibits(&alone)) {
                holders.push(SuppressedByView::Inhibition { name, source });
            }
        }
        for tie in places.ties {
            let rule = tie.rule;
            let alone = SuppressorKeys { inhibitions: Vec::new(), ties: vec![tie] };
            if let (Some(name), Some(source)) = (name(rule), self.index.holders.explains(rank, &alone)) {
                holders.push(SuppressedByView::Dependency { name, source });
            }
        }
        holders.extend(holds.storm.map(|storm| SuppressedByView::Storm { words: storm.words() }));
        holders
    }

    fn rules(&self, subject: &MatchTarget<'_>, wanted: Option<&str>) -> (Vec<RuleTrace>, u64) {
        let alert = self.state.alerts.get(&subject.labels.fingerprint());
        let passed = alert.filter(|alert| alert.times.firing && subject.status == Status::Firing);
        let passed = passed.map(|alert| alert.passed.as_slice()).unwrap_or_default();
        let (mut fitting, mut unfit, mut owned) = (Vec::new(), Vec::new(), false);
        for position in 0..self.book.catch_all_position() {
            let Some(role) = self.book.role(self.state, position, subject) else {
                let rule = self.book.rule(position);
                if matches!(rule.pattern, Pattern::Calendar { .. }) {
                    continue;
                }
                let unmet = unmet(self.state, rule, subject);
                let held = rule.matchers.iter().filter(|one| asks(one) && one.matches_value(subject.value(one.name())));
                let is_near = held.count() > 0;
                let is_wanted = wanted == Some(rule.name.as_str());
                unfit.push(((!is_wanted, !is_near, unmet.len(), position), position, unmet));
                continue;
            };
            let stand = match self.hold(position, passed) {
                _ if owned => ConditionStatus::Behind,
                Hold::Owner => ConditionStatus::Owner,
                Hold::Link => ConditionStatus::Link,
                Hold::Passed => ConditionStatus::GaveUp,
            };
            owned |= stand == ConditionStatus::Owner;
            fitting.push(self.fitting(position, subject, stand, role));
        }
        if !owned && subject.status == Status::Firing {
            let position = self.book.catch_all_position();
            fitting.push(self.fitting(position, subject, ConditionStatus::Owner, Some(MatchRole::Entry)));
        }
        unfit.sort_by_key(|(rank, ..)| *rank);
        let more = unfit.len().saturating_sub(NEAREST_SHOWN) as u64;
        let shown = unfit.into_iter().take(NEAREST_SHOWN).map(|((_, far, ..), position, unmet)| {
            let rule = self.book.rule(position);
            let (name, pattern) = (rule.name.clone(), rule.pattern.name().to_owned());
            RuleTrace {
                rule: name,
                pattern,
                stand: ConditionStatus::Unfit,
                counts: None,
                unmet,
                near: !far,
                window: None,
            }
        });
        (fitting.into_iter().chain(shown).collect(), more)
    }

    fn hold(&self, position: usize, passed: &[RuleId]) -> Hold {
        if passed.contains(&self.book.id(position)) {
            Hold::Passed
        } else if self.book.rule(position).continues {
            Hold::Link
        } else {
            Hold::Owner
        }
    }

    fn fitting(
        &self,
        position: usize,
        subject: &MatchTarget<'_>,
        stand: ConditionStatus,
        role: Option<MatchRole>,
    ) -> RuleTrace {
        let rule = self.book.rule(position);
        let key = self.book.key(position, subject);
        let counts = match role {
            Some(MatchRole::Entry | MatchRole::Steps(_) | MatchRole::Class(_)) => CountState::Entry,
            Some(MatchRole::Closer) => CountState::Closer,
            None => CountState::Nothing,
        };
        RuleTrace {
            rule: rule.name.clone(),
            pattern: rule.pattern.name().to_owned(),
            stand,
            counts: (stand != ConditionStatus::Behind).then_some(counts),
            unmet: Vec::new(),
            near: false,
            window: Some(window_view(rule, &key, self.state.conditions.get(&key).map(AsRef::as_ref))),
        }
    }
}

/// True if the matcher demands a value: neither anything nor absence.
fn asks(matcher: &Matcher) -> bool {
    matcher.op().is_positive() && !matcher.matches_value("")
}

/// Reasons why a rule does not fit: each matcher that fails, and `when:` and `context:` if those fail too.
fn window_view(rule: &Rule, key: &ConditionKey, condition: Option<&Condition>) -> WindowView {
    let members: Vec<Fingerprint> =
        condition.iter().flat_map(|condition| condition.members.iter()).take(MEMBERS_NAMED).collect();
    let phase = condition.map_or(WindowPhase::Empty, |condition| match condition.phase {
        ConditionPhase::Idle => WindowPhase::Idle,
        ConditionPhase::Waiting => WindowPhase::Waiting,
        ConditionPhase::Raised { held: false, .. } => WindowPhase::Raised,
        ConditionPhase::Raised { held: true, .. } => WindowPhase::RaisedHeld,
    });
    WindowView {
        key: key.key.clone(),
        phase,
        progress: progress(rule, condition),
        member_count: condition.map_or(0, |condition| condition.members.len() as u64),
        free: condition.map_or(0, |condition| u64::from(condition.free)),
        due: condition.and_then(|condition| condition.window.due(rule)),
        evidence: condition.iter().flat_map(|one| one.evidence.iter()).map(|one| one.as_ref().clone()).collect(),
        members,
    }
}

fn progress(rule: &Rule, condition: Option<&Condition>) -> Progress {
    let counted = condition.map_or(0, |condition| condition.window.count());
    let members = condition.map_or(0, |condition| condition.members.len() as u64);
    let (needed, within, text) = match (&rule.pattern, condition.map(|condition| &condition.window)) {
        (Pattern::Each, _) => (Some(1), None, "fires at every match".to_owned()),
        (Pattern::Threshold { count, within, .. }, _) => {
            (Some(u64::from(*count)), Some(*within), format!("{counted} of {count} within {within}"))
        }
        (Pattern::Pair { until, within }, Some(Window::Pair(window))) => {
            let text = match window.opened_at() {
                Some(at) => format!("open since {at:.0}, waits for {until}"),
                None => "complete, waits for a first event".to_owned(),
            };
            (Some(1), *within, text)
        }
        (Pattern::Pair { within, .. }, _) => (Some(1), *within, "waits for a first event".to_owned()),
        (Pattern::Absence { within }, Some(Window::Absence(window))) => {
            let text = match window.last() {
                Some(at) if window.is_overdue() => format!("nothing came since {at:.0}"),
                Some(at) => format!("last message at {at:.0}, the next is expected within {within}"),
                None => format!("waits for a first message, then one within {within}"),
            };
            (None, Some(*within), text)
        }
        (Pattern::Absence { within }, _) => {
            (None, Some(*within), format!("waits for a first message, then one within {within}"))
        }
        (
            Pattern::Suppress { .. }
            | Pattern::Rate(_)
            | Pattern::Thresholds { .. }
            | Pattern::PairWindow { .. }
            | Pattern::Sequence(_)
            | Pattern::Group(_)
            | Pattern::Flap(_)
            | Pattern::Calendar { .. },
            window,
        ) => {
            let empty = || Window::open(rule, Timestamp::EPOCH);
            let text = wording::progress(rule, &window.cloned().unwrap_or_else(empty));
            (needed(&rule.pattern), rule.pattern.window(), text)
        }
    };
    let counted = if rule.pattern == Pattern::Each { counted.max(members) } else { counted };
    Progress { counted, needed, within, text }
}

/// Number of counted events that make the pattern fire, if it is one number.
fn needed(pattern: &Pattern) -> Option<u64> {
    match pattern {
        Pattern::Each | Pattern::Suppress { .. } | Pattern::Pair { .. } => Some(1),
        Pattern::Threshold { count, .. } => Some(u64::from(*count)),
        Pattern::Rate(rate) => Some(u64::from(rate.count)),
        Pattern::Thresholds { rise, .. } => Some(u64::from(rise.count)),
        Pattern::Flap(Flap::Timed { start, .. }) => Some(u64::from(start.count)),
        Pattern::Group(group) => Some(group.classes.iter().map(|class| u64::from(class.count)).sum()),
        Pattern::PairWindow { .. }
        | Pattern::Absence { .. }
        | Pattern::Sequence(_)
        | Pattern::Flap(Flap::Nagios | Flap::Icinga)
        | Pattern::Calendar { .. } => None,
    }
}
