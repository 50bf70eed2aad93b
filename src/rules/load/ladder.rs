//! The section `tiers:`.

use super::ladder_text::{LadderEntry, StepEntry};
use super::reader::{Named, Reader};
use crate::model::{Span, Tier};
use crate::rules::{Ladder, Step};

const SECOND: Span = Span::from_seconds(1);
const STEP_MAX: Span = Span::from_days(90);
const STEPS_MAX: usize = 16;
const PAGE_EVERY: Span = Span::from_minutes(10);

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
