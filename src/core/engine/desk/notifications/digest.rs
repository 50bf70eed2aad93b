//! Under a storm a channel tells of many incidents at once, and each incident's timeline says in which digest it was told.

use std::collections::BTreeMap;

use serde::Serialize;

use super::notify;
use super::recipient::{DigestRecipient, language_of, policy_of};
use crate::core::engine::desk::context::{DeskContext, LADDER};
use crate::core::engine::desk::state::DeskState;
use crate::core::engine::notification::Notification;
use crate::core::engine::{Effect, NotificationKind, Task};
use crate::core::incidents::{Incident, IncidentState, TimelineKind};
use crate::core::model::{IncidentId, Priority, Severity, Tier};
use crate::core::rules::{DigestPolicy, Language};

/// How many of its incidents a digest shows.
const SHOWN: usize = 10;

/// How many digests an incident's record names.
const DIGESTS_NAMED_MAX: usize = 20;

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

/// Tells what is due.
pub fn serve_digests(desk: &mut DeskState, step: &mut DeskContext<'_>) {
    let rulebook = step.rulebook;
    let policy = |to: &DigestRecipient| policy_of(to, rulebook).unwrap_or(DigestPolicy::STANDARD);
    while let Some((to, told)) = desk.kept.core.digests.take_due(policy, step.now) {
        // Ended incidents stay in memory for days, a digest waits for a day at most.
        let known = |(id, kind): (&IncidentId, &NotificationKind)| Some((desk.get(*id)?.record.clone(), *kind));
        let mut known: Vec<(Incident, NotificationKind)> = told.iter().filter_map(known).collect();
        match known.len() {
            0 => {}
            1 => known.drain(..).for_each(|(record, kind)| notify::tell_alone(&record, kind, to.clone(), step)),
            _ => tell_together(desk, &to, &mut known, step),
        }
    }
}

fn tell_together(
    desk: &mut DeskState,
    to: &DigestRecipient,
    told: &mut [(Incident, NotificationKind)],
    step: &mut DeskContext<'_>,
) {
    told.sort_by_key(|(record, _)| {
        let ended = !record.state.is_open();
        (ended, record.priority, std::cmp::Reverse(record.severity), record.id)
    });
    let id = desk.kept.core.digests.next_id();
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
    desk.kept.core.digests.went_out(notice.cause, told.iter().map(|(record, _)| record.id).collect());
    let whom = to.person.as_deref().unwrap_or(&to.team);
    let text = format!("{whom}: told in {id} with {} more ({})", told.len() - 1, to.channel.kind());
    step.effects.push(Effect::Do(Task::Notice(Box::new(notice))));
    for (record, _) in told.iter() {
        step.timeline(record.id, TimelineKind::Paged, LADDER, text.clone());
        if let Some(incident) = desk.get_mut(record.id) {
            let digests = &mut incident.record.digests;
            digests.drain(..digests.len().saturating_sub(DIGESTS_NAMED_MAX - 1));
            digests.push(id.clone());
        }
        step.mark_changed(record.id);
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
