//! The section `tiers:`.

use super::calendar::ALWAYS;
use super::reader::place;
use super::reader::{RefKind, SectionReader, each};
use crate::core::model::{Tier, TimeDelta};
use crate::core::rules::syntax::escalation_policy::REPEAT_MAX;
use crate::core::rules::syntax::escalation_policy::{HierarchicalSyntax, LadderSyntax, StepSyntax};
use crate::core::rules::syntax::spanned::Spanned;
use crate::core::rules::{DispatchMode, EscalationPolicy, EscalationStep, ManagerNotification, Recipient};

const SECOND: TimeDelta = TimeDelta::from_seconds(1);
const STEP_MAX: TimeDelta = TimeDelta::from_days(90);
const STEPS_MAX: usize = 16;
const HIERARCHY_MAX: usize = 16;
const DEMANDS_MAX: usize = 16;
const PAGE_EVERY: TimeDelta = TimeDelta::from_minutes(10);

pub(super) fn ladder(reader: &mut SectionReader<'_>, entry: &LadderSyntax) -> EscalationPolicy {
    let name = reader.name(&entry.name);
    let at = entry.name.referenced;
    if entry.steps.is_empty() || entry.steps.len() > STEPS_MAX {
        reader.mistake(at, format!("a ladder of {} steps", entry.steps.len()), format!("1 to {STEPS_MAX} steps"));
    }
    let calendar = calendar(reader, entry.calendar.as_ref());
    let mut steps: Vec<EscalationStep> = Vec::with_capacity(entry.steps.len());
    for text in &entry.steps {
        let step = step(reader, text, &calendar);
        if steps.last().is_some_and(|before| before.tier > step.tier) {
            reader.mistake(text.tier.referenced, format!("tier {} after a higher one", step.tier), "steps that go up");
        }
        steps.push(step);
    }
    let told = entry.notify_managers.as_deref().unwrap_or_default();
    if told.len() > HIERARCHY_MAX {
        reader.mistake(at, format!("{} entries in notify_managers", told.len()), format!("at most {HIERARCHY_MAX}"));
    }
    let mut hierarchy: Vec<ManagerNotification> =
        told.iter().filter_map(|entry| hierarchical(reader, entry, &calendar)).collect();
    hierarchy.sort_by_key(|one| one.after);
    EscalationPolicy { name, steps, hierarchy }
}

fn step(reader: &mut SectionReader<'_>, text: &StepSyntax, of_ladder: &Option<String>) -> EscalationStep {
    let tier = u8::try_from(text.tier.value).ok().and_then(Tier::from_number).unwrap_or_else(|| {
        reader.mistake(text.tier.referenced, format!("{} is not a tier", text.tier.value), "1, 2 or 3");
        Tier::First
    });
    let respond_by = reader.span(&text.respond_by, SECOND, STEP_MAX);
    let page_every = reader.optional_span(text.page_every.as_ref(), SECOND, STEP_MAX);
    let resolve_by = reader.optional_span(text.resolve_by.as_ref(), SECOND, STEP_MAX);
    if let (Some(resolve_by), Some(text)) = (resolve_by, &text.resolve_by)
        && resolve_by < respond_by
    {
        let expected = format!("at least respond_by, {respond_by}: both count from when the step is entered");
        reader.mistake(
            text.referenced,
            format!("resolve_by {resolve_by} is over before the response is due"),
            expected,
        );
    }
    let vendor = text.vendor.as_ref().is_some_and(|vendor| vendor.value);
    let team = match (&text.team, vendor) {
        (Some(team), false) => reader.refer(RefKind::Team, team),
        (None, true) => String::new(),
        (Some(team), true) => {
            reader.mistake(
                team.referenced,
                "a team beside vendor: true",
                "one of the two: the vendor decides the team",
            );
            String::new()
        }
        (None, false) => {
            reader.mistake(text.tier.referenced, "a step that nobody has", "team:, or vendor: true");
            String::new()
        }
    };
    EscalationStep {
        tier,
        team,
        vendor,
        kind: text.kind.as_ref().and_then(|word| reader.word(word)).unwrap_or(DispatchMode::Phone),
        respond_by,
        page_every: page_every.unwrap_or(PAGE_EVERY.min(respond_by)),
        keeps_paging: text.keeps_paging.unwrap_or(false),
        resolve_by,
        calendar: calendar_or(reader, text.calendar.as_ref(), of_ladder),
        demands: demands(reader, text),
    }
}

fn demands(reader: &mut SectionReader<'_>, text: &StepSyntax) -> Vec<String> {
    let Some(demands) = &text.required_fields else { return Vec::new() };
    let mut fields: Vec<String> = Vec::new();
    for (field, at) in each(demands) {
        if field.trim().is_empty() || field.len() > 64 || field.contains(char::is_control) {
            reader.mistake(at, format!("{field:?} is not a triage field"), "a word such as symptom, of 1 to 64 bytes");
        } else if fields.iter().any(|known| known == field) {
            reader.mistake(at, format!("the field {field:?} stands twice"), "each field once");
        } else {
            fields.push(field.to_owned());
        }
    }
    if fields.len() > DEMANDS_MAX {
        reader.mistake(demands.referenced, format!("{} fields", fields.len()), format!("at most {DEMANDS_MAX}"));
    }
    fields
}

fn hierarchical(
    reader: &mut SectionReader<'_>,
    entry: &HierarchicalSyntax,
    of_ladder: &Option<String>,
) -> Option<ManagerNotification> {
    let after = reader.span(&entry.after, SECOND, STEP_MAX);
    let told = match (&entry.team, &entry.person) {
        (Some(team), None) => Recipient::Team(reader.refer(RefKind::Team, team)),
        (None, Some(person)) => Recipient::Person(reader.refer(RefKind::Person, person)),
        (Some(_), Some(both)) => {
            reader.mistake(both.referenced, "a team and a person in one entry", "one of the two");
            return None;
        }
        (None, None) => {
            reader.mistake_at(
                place(entry.after.referenced),
                "an entry of notify_managers that tells nobody",
                "team: or person:",
            );
            return None;
        }
    };
    let priorities = entry.priorities.as_deref().unwrap_or_default();
    let stops = entry.stop_when.as_deref().unwrap_or_default();
    Some(ManagerNotification {
        after,
        priorities: priorities.iter().filter_map(|word| reader.word(word)).collect(),
        told,
        repeat: entry.repeat.as_ref().map_or(0, |repeat| reader.count(repeat, 0, REPEAT_MAX)),
        every: reader.optional_span(entry.every.as_ref(), SECOND, STEP_MAX).unwrap_or(after),
        stop_when: stops.iter().filter_map(|word| reader.word(word)).collect(),
        calendar: calendar_or(reader, entry.calendar.as_ref(), of_ladder),
    })
}

fn calendar_or(
    reader: &mut SectionReader<'_>,
    own: Option<&Spanned<String>>,
    of_ladder: &Option<String>,
) -> Option<String> {
    if own.is_some() { calendar(reader, own) } else { of_ladder.clone() }
}

/// `always` is wall time.
fn calendar(reader: &mut SectionReader<'_>, name: Option<&Spanned<String>>) -> Option<String> {
    name.map(|name| reader.refer(RefKind::Calendar, name)).filter(|name| name != ALWAYS)
}
