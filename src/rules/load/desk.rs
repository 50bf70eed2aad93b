//! The sections `tiers:`, `teams:` and `problems:`.

use super::reader::{Named, Reader, Words};
use super::text::{ChannelText, LadderEntry, ProblemEntry, StepEntry, TeamEntry};
use crate::model::{Span, Tier};
use crate::rules::{Channel, Ladder, ProblemPolicy, Step, Team};

const SECOND: Span = Span::from_seconds(1);
const STEP_MAX: Span = Span::from_days(90);
const STEPS_MAX: usize = 16;
const PAGE_EVERY: Span = Span::from_minutes(10);
const MEMBERS_MAX: usize = 200;
const CHANNELS_MAX: usize = 16;
/// How many repeats of one fingerprint the desk remembers.
pub(super) const REPEATS_MAX: u32 = 64;
/// How long it remembers them.
const REPEATS_WITHIN_MAX: Span = Span::from_days(400);

pub(super) fn ladder(reader: &mut Reader<'_>, entry: &LadderEntry) -> Ladder {
    let name = reader.name(&entry.name);
    let at = entry.name.referenced;
    if entry.steps.is_empty() || entry.steps.len() > STEPS_MAX {
        reader.mistake(at, format!("a ladder of {} steps", entry.steps.len()), format!("1 to {STEPS_MAX} steps"));
    }
    let mut steps: Vec<Step> = Vec::with_capacity(entry.steps.len());
    for text in &entry.steps {
        let step = step(reader, text);
        if steps.last().is_some_and(|before| before.tier > step.tier) {
            reader.mistake(text.tier.referenced, format!("tier {} after a higher one", step.tier), "steps that go up");
        }
        steps.push(step);
    }
    Ladder { name, steps }
}

fn step(reader: &mut Reader<'_>, text: &StepEntry) -> Step {
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
    Step {
        tier,
        team: reader.refer(Named::Team, &text.team),
        respond_by,
        page_every: page_every.unwrap_or(PAGE_EVERY.min(respond_by)),
        resolve_by,
    }
}

pub(super) fn team(reader: &mut Reader<'_>, entry: &TeamEntry) -> Team {
    let name = reader.name(&entry.name);
    let members = entry.members.as_deref().unwrap_or_default();
    let channels = entry.notify.as_deref().unwrap_or_default();
    let at = entry.name.referenced;
    if members.len() > MEMBERS_MAX {
        reader.mistake(at, format!("a team of {} members", members.len()), format!("at most {MEMBERS_MAX}"));
    }
    if channels.len() > CHANNELS_MAX {
        reader.mistake(at, format!("{} ways to notify", channels.len()), format!("at most {CHANNELS_MAX}"));
    }
    let title = entry.title.as_ref().map_or_else(|| name.clone(), |title| reader.text(title));
    Team {
        name,
        title,
        members: members.iter().map(|member| reader.name(member)).collect(),
        channels: channels.iter().map(|text| channel(reader, &text.value)).collect(),
    }
}

fn channel(reader: &mut Reader<'_>, text: &ChannelText) -> Channel {
    match text {
        ChannelText::Webhook { url } => Channel::Webhook { url: reader.url(url) },
        ChannelText::Mqtt { topic } => Channel::Mqtt { topic: reader.topic(topic, false) },
    }
}

pub(super) fn problem(reader: &mut Reader<'_>, entry: &ProblemEntry) -> ProblemPolicy {
    ProblemPolicy {
        name: reader.name(&entry.name),
        matchers: reader.matchers(entry.matches.as_ref(), Words::None),
        count: reader.count(&entry.count, 2, REPEATS_MAX),
        within: reader.span(&entry.within, Span::from_minutes(1), REPEATS_WITHIN_MAX),
        team: reader.refer(Named::Team, &entry.team),
    }
}
