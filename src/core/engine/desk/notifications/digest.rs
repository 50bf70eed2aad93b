//! Under a storm a channel tells of many incidents at once: what it gathers, and when it tells. Nothing gathered is lost,
//! and each incident's timeline says in which digest it was told.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::notify::{language_of, policy_of};
use crate::core::engine::desk::escalation::transitions::LADDER;
use crate::core::engine::desk::{Desk, DeskContext};
use crate::core::engine::{DeliveryOutcome, DeliveryResult, Effect, Notification, NotificationKind};
use crate::core::incidents::{Incident, IncidentState, TimelineKind};
use crate::core::model::{Cause, IncidentId, Priority, Severity, Tier, TimeDelta, Timestamp};
use crate::core::rules::{Channel, DigestPolicy, Language};

/// How many of its incidents a digest shows.
const SHOWN: usize = 10;
/// How many digests an incident's record names.
const DIGESTS_NAMED_MAX: usize = 20;
/// Digests whose delivery is waited for; the oldest are given up.
const UNDER_WAY_MAX: usize = 1_000;
/// Channels whose notices are counted before those that told nothing lately are forgotten.
const RECIPIENTS_KEPT: usize = 1_000;
/// The longest time that a policy looks back.
const LOOKED_BACK_MAX: TimeDelta = TimeDelta::from_days(1);

/// Who is told, and by which way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct DigestRecipient {
    pub team: String,
    pub person: Option<String>,
    pub channel: Channel,
}

impl DigestRecipient {
    pub fn of_team(team: &str, channel: Channel) -> DigestRecipient {
        DigestRecipient { team: team.to_owned(), person: None, channel }
    }

    pub fn of_person(team: &str, person: &str, channel: Channel) -> DigestRecipient {
        DigestRecipient { team: team.to_owned(), person: Some(person.to_owned()), channel }
    }
}

/// What every channel told lately, and gathers now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::core::engine) struct Digests {
    /// The number of the last digest.
    last: u64,
    /// When each told, at most as long ago and as often as its policy looks.
    told: BTreeMap<DigestRecipient, VecDeque<Timestamp>>,
    gathering: BTreeMap<DigestRecipient, DigestBuffer>,
    /// The incidents of digests whose delivery is not settled.
    under_way: BTreeMap<Cause, Vec<IncidentId>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct DigestBuffer {
    tells_at: Timestamp,
    /// With the newest kind of notice of each.
    incidents: BTreeMap<IncidentId, NotificationKind>,
}

impl Digests {
    /// Takes a notice if the channel gathers, or begins to with this one. What is told `alone` never waits, but counts.
    pub(in crate::core::engine::desk) fn gathers(
        &mut self,
        to: &DigestRecipient,
        policy: DigestPolicy,
        alone: bool,
        incident: IncidentId,
        kind: NotificationKind,
        now: Timestamp,
    ) -> bool {
        if self.told.len() >= RECIPIENTS_KEPT && !self.told.contains_key(to) {
            self.told.retain(|_, told| told.back().is_some_and(|at| *at + LOOKED_BACK_MAX > now));
        }
        let told = self.told.entry(to.clone()).or_default();
        while told.front().is_some_and(|at| *at + policy.within <= now) {
            told.pop_front();
        }
        let is_full = told.len() >= policy.above as usize;
        let gathering = self.gathering.get_mut(to);
        if alone || (gathering.is_none() && !is_full) {
            if let Some(gathering) = gathering {
                gathering.incidents.remove(&incident);
            }
            if is_full {
                told.pop_front();
            }
            told.push_back(now);
            return false;
        }
        let begin = || DigestBuffer { tells_at: now + policy.every, incidents: BTreeMap::new() };
        self.gathering.entry(to.clone()).or_insert_with(begin).incidents.insert(incident, kind);
        true
    }

    pub(in crate::core::engine::desk) fn next_deadline(&self) -> Option<Timestamp> {
        self.gathering.values().map(|gathering| gathering.tells_at).min()
    }

    /// What a channel that is due has gathered. It goes on gathering while more than half of what it may tell came in.
    fn take_due(
        &mut self,
        policy: impl Fn(&DigestRecipient) -> DigestPolicy,
        now: Timestamp,
    ) -> Option<(DigestRecipient, DigestEntry)> {
        let to = self.gathering.iter().find(|(_, gathering)| gathering.tells_at <= now)?.0.clone();
        let mut gathering = self.gathering.remove(&to)?;
        let incidents = std::mem::take(&mut gathering.incidents);
        let policy = policy(&to);
        if incidents.len() > policy.above as usize / 2 {
            gathering.tells_at = now + policy.every;
            self.gathering.insert(to.clone(), gathering);
        }
        Some((to, incidents))
    }

    fn next_id(&mut self) -> String {
        self.last += 1;
        format!("DIG-{}", self.last)
    }

    fn went_out(&mut self, cause: Cause, incidents: Vec<IncidentId>) {
        self.under_way.insert(cause, incidents);
        if self.under_way.len() > UNDER_WAY_MAX {
            self.under_way.pop_first();
        }
    }

    /// Whose digest that was; once.
    pub(in crate::core::engine::desk) fn settled(&mut self, cause: Cause) -> Vec<IncidentId> {
        self.under_way.remove(&cause).unwrap_or_default()
    }
}

type DigestEntry = BTreeMap<IncidentId, NotificationKind>;

/// A digest as its receiver reads it.
#[derive(Serialize)]
struct Digest<'d> {
    id: &'d str,
    team: &'d str,
    /// How many it is about, and how many of them need nobody any more.
    incidents: usize,
    over: usize,
    by_severity: BTreeMap<Severity, usize>,
    /// The most severe of them; those that are open first.
    worst: Vec<DigestLine<'d>>,
    more: usize,
}

#[derive(Serialize)]
struct DigestLine<'d> {
    id: IncidentId,
    kind: NotificationKind,
    title: &'d str,
    severity: Severity,
    priority: Priority,
    state: IncidentState,
    tier: Tier,
}

impl Desk {
    /// Tells what is due.
    pub(crate) fn serve_digests(&mut self, step: &mut DeskContext<'_>) {
        let rulebook = step.rulebook;
        let policy = |to: &DigestRecipient| policy_of(to, rulebook).unwrap_or(DigestPolicy::STANDARD);
        while let Some((to, told)) = self.state.kept.core.digests.take_due(policy, step.now) {
            // Ended incidents stay in memory for days, a digest waits for a day at most.
            let known =
                |(id, kind): (&IncidentId, &NotificationKind)| Some((self.state.get(*id)?.record.clone(), *kind));
            let mut known: Vec<(Incident, NotificationKind)> = told.iter().filter_map(known).collect();
            match known.len() {
                0 => {}
                1 => known.drain(..).for_each(|(record, kind)| self.tell_alone(&record, kind, to.clone(), step)),
                _ => self.tell_together(&to, &mut known, step),
            }
        }
    }

    fn tell_together(
        &mut self,
        to: &DigestRecipient,
        told: &mut [(Incident, NotificationKind)],
        step: &mut DeskContext<'_>,
    ) {
        told.sort_by_key(|(record, _)| {
            let ended = !record.state.is_open();
            (ended, record.priority, std::cmp::Reverse(record.severity), record.id)
        });
        let id = self.state.kept.core.digests.next_id();
        let language = language_of(to, step.rulebook);
        let digest = digest(&id, to, told);
        let notice = Notification {
            cause: step.next_cause(),
            at: step.now,
            kind: NotificationKind::Digest,
            channel: to.channel.clone(),
            team: to.team.clone(),
            person: to.person.clone(),
            tier: None,
            subject: id.clone(),
            title: title(&digest, language),
            body: serde_json::to_string(&digest).unwrap_or_else(|_| "{}".to_owned()),
            language,
        };
        self.state.kept.core.digests.went_out(notice.cause, told.iter().map(|(record, _)| record.id).collect());
        let whom = to.person.as_deref().unwrap_or(&to.team);
        let text = format!("{whom}: told in {id} with {} more ({})", told.len() - 1, to.channel.kind());
        step.effects.push(Effect::Notice(Box::new(notice)));
        for (record, _) in told.iter() {
            step.timeline(record.id, TimelineKind::Paged, LADDER, text.clone());
            if let Some(incident) = self.state.get_mut(record.id) {
                let digests = &mut incident.record.digests;
                digests.drain(..digests.len().saturating_sub(DIGESTS_NAMED_MAX - 1));
                digests.push(id.clone());
            }
            step.touch(record.id);
        }
    }

    /// What became of a digest stands in the timeline of each of its incidents.
    pub(crate) fn digest_delivered(&mut self, result: &DeliveryResult, step: &mut DeskContext<'_>) {
        let (kind, text) = match &result.outcome {
            DeliveryOutcome::Failed { .. } => return,
            DeliveryOutcome::Delivered => {
                (TimelineKind::Delivered, format!("{} at attempt {}", result.subject, result.attempt))
            }
            DeliveryOutcome::DeadLettered { error } => {
                let text = format!("{} given up after {} attempts: {error}", result.subject, result.attempt);
                (TimelineKind::DeliveryFailed, text)
            }
            // Of an incident that is no longer here: nobody waits for it.
            DeliveryOutcome::Unreached(_) => return,
        };
        for id in self.state.kept.core.digests.settled(result.notice) {
            if self.state.get(id).is_some() {
                step.timeline(id, kind, "notify", text.clone());
            }
        }
    }
}

fn digest<'d>(id: &'d str, to: &'d DigestRecipient, told: &'d [(Incident, NotificationKind)]) -> Digest<'d> {
    let mut by_severity = BTreeMap::new();
    for (record, _) in told {
        *by_severity.entry(record.severity).or_default() += 1;
    }
    let line = |(record, kind): &'d (Incident, NotificationKind)| DigestLine {
        id: record.id,
        kind: *kind,
        title: &record.title,
        severity: record.severity,
        priority: record.priority,
        state: record.state,
        tier: record.tier,
    };
    Digest {
        id,
        team: &to.team,
        incidents: told.len(),
        over: told.iter().filter(|(record, _)| !record.state.is_open()).count(),
        by_severity,
        worst: told.iter().take(SHOWN).map(line).collect(),
        more: told.len().saturating_sub(SHOWN),
    }
}

fn title(digest: &Digest<'_>, language: Language) -> String {
    let Digest { id, team, incidents, over, .. } = digest;
    let counts = digest.by_severity.iter().rev();
    match language {
        Language::En => {
            let counts: Vec<String> = counts.map(|(severity, count)| format!("{count} {severity}")).collect();
            let over = if *over > 0 { format!("; {over} of them are over") } else { String::new() };
            format!("[digest] {id} {incidents} incidents for {team}: {}{over}", counts.join(", "))
        }
        Language::Zh => {
            let counts: Vec<String> =
                counts.map(|(severity, count)| format!("{} {count}", in_chinese(*severity))).collect();
            let over = if *over > 0 { format!(";其中 {over} 个已结束") } else { String::new() };
            format!("[汇总] {id} {team} 共 {incidents} 个故障:{}{over}", counts.join(","))
        }
    }
}

/// As carriers name the severities of X.733.
fn in_chinese(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "紧急",
        Severity::Major => "重要",
        Severity::Minor => "次要",
        Severity::Warning => "提示",
        Severity::Indeterminate => "不确定",
        Severity::Cleared => "已清除",
    }
}
