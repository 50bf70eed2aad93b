//! The sections `inspections:` and `checklists:`.

use crate::core::rules::syntax::json_schema::PERIODS;
use std::collections::BTreeMap;

use serde_saphyr::Location;

use super::inspection_devices::{Devices, devices, spread};
use super::inspection_item::items;
use super::reader::{RefKind, SectionReader, each, place};
use crate::core::calendar::Schedule;
use crate::core::model::TimeDelta;
use crate::core::rules::defaults::FIRST_LINE;
use crate::core::rules::syntax::inspection_plan::{ChecklistSyntax, PlanSyntax, SlotsSyntax, WindowSyntax};
use crate::core::rules::syntax::spanned::Spanned;
use crate::core::rules::{ChecklistItem, Diagnostic, InspectionTeam, Inventory, Plan, RuleText, Slots};

const SECOND: TimeDelta = TimeDelta::from_seconds(1);
const MINUTE: TimeDelta = TimeDelta::from_minutes(1);
const HOUR: TimeDelta = TimeDelta::from_hours(1);
const DAY: TimeDelta = TimeDelta::from_days(1);
/// Maximum number of items of one plan, with all its devices and slots.
const ITEMS_MAX: usize = 3_000;
/// Maximum number of items of all plans together.
const ALL_ITEMS_MAX: usize = 30_000;
const RUN_MAX: TimeDelta = TimeDelta::from_days(31);
const WINDOW_MAX: TimeDelta = TimeDelta::from_days(183);
const HOURS_A_DAY: TimeDelta = TimeDelta::from_hours(8);
const INSPECTORS_MAX: u32 = 10_000;
const MONTHS: u64 = 12;

/// The plans of all files, before checklists and devices are expanded.
#[derive(Default)]
pub(super) struct CollectedPlans {
    checklists: BTreeMap<String, Vec<ChecklistItem>>,
    drafts: Vec<PlanDraft>,
}

struct PlanDraft {
    plan: Plan,
    /// References to checklists, with their places.
    uses: Vec<(String, Location)>,
    devices: Option<Devices>,
    file: usize,
    at: Location,
}

impl CollectedPlans {
    pub fn checklist(&mut self, reader: &mut SectionReader<'_>, entry: &ChecklistSyntax) {
        let name = reader.name(&entry.name);
        if entry.items.is_empty() {
            reader.mistake(entry.name.referenced, "a checklist without items", "at least one item");
        }
        self.checklists.insert(name, items(reader, &entry.name, &entry.items));
    }

    /// Drops the plan only if its schedule is wrong.
    pub fn plan(&mut self, reader: &mut SectionReader<'_>, entry: &PlanSyntax) {
        let used = entry.checklist.as_ref().map(each).unwrap_or_default();
        let uses = used.into_iter().map(|(name, at)| (name.to_owned(), at)).collect();
        let devices = entry.of.as_ref().map(|of| devices(reader, of));
        let (file, at) = (reader.file_number, entry.name.referenced);
        if let Some(plan) = plan(reader, entry) {
            self.drafts.push(PlanDraft { plan, uses, devices, file, at });
        }
    }

    /// Every plan with the items of its checklists, for each of its devices. A plan without matching devices is
    /// dropped.
    pub fn finish(
        self,
        inventory: &Inventory,
        texts: &[RuleText],
        mistakes: &mut Vec<Diagnostic>,
        warnings: &mut Vec<Diagnostic>,
    ) -> BTreeMap<String, Plan> {
        let (mut plans, mut all) = (BTreeMap::new(), 0);
        for draft in self.drafts {
            let Some(file) = texts.get(draft.file) else { continue };
            let say = |at, message: String, expected: &str| {
                Diagnostic::at(&file.path, &file.text, place(at), message, expected)
            };
            let PlanDraft { mut plan, uses, devices, at, .. } = draft;
            for (name, at) in &uses {
                match self.checklists.get(name) {
                    Some(items) => plan.items.extend(items.iter().cloned()),
                    None => {
                        let known: Vec<&str> = self.checklists.keys().map(String::as_str).collect();
                        let expected = match known.as_slice() {
                            [] => "the name of a checklist; these rules have none yet".to_owned(),
                            known => format!("one of {}", known.join(", ")),
                        };
                        mistakes.push(say(*at, format!("unknown checklist {name:?}"), &expected));
                    }
                }
            }
            let slots = plan.slots.map_or(1, |slots| slots.count() as usize);
            match spread(std::mem::take(&mut plan.items), devices.as_ref(), inventory, ITEMS_MAX / slots.max(1)) {
                Ok(spread) => {
                    warnings.extend(spread.warnings.into_iter().map(|text| say(at, text, "")));
                    plan.items = spread.items;
                }
                Err(mistake) => mistakes.push(say(at, mistake.message, &mistake.expected)),
            }
            all += plan.items.len();
            if all > ALL_ITEMS_MAX {
                let message = format!("all plans together have more than {ALL_ITEMS_MAX} items");
                mistakes.push(say(at, message, "fewer devices in a plan"));
                break;
            }
            if !plan.items.is_empty() {
                plans.insert(plan.name.clone(), plan);
            }
        }
        plans
    }
}

fn plan(reader: &mut SectionReader<'_>, entry: &PlanSyntax) -> Option<Plan> {
    let name = reader.name(&entry.name);
    let at = entry.name.referenced;
    let own = entry.items.as_deref().unwrap_or_default();
    if own.is_empty() && entry.checklist.is_none() {
        reader.mistake(at, "a plan without items", "items, or a checklist");
    }
    let (schedule, due_within, missed_after) = times(reader, entry);
    if missed_after < due_within {
        let message = format!("missed after {missed_after}, but due within {due_within}");
        let at = entry.missed_after.as_ref().or(entry.due_within.as_ref()).map_or(at, |text| text.referenced);
        reader.mistake(at, message, "missed_after at least as long as due_within");
    }
    let default_team = || Spanned::new(FIRST_LINE.to_owned(), at);
    let team = entry.team.as_ref().map_or_else(default_team, Clone::clone);
    let sign_off = entry.sign_off.unwrap_or(false);
    if !sign_off && (entry.signers.is_some() || entry.four_eyes.is_some()) {
        reader.mistake(at, "who may sign a plan that nobody signs", "sign_off: true beside it");
    }
    Some(Plan {
        title: entry.title.as_ref().map_or_else(|| name.clone(), |title| reader.text(title)),
        team: reader.refer(RefKind::Team, &team),
        name,
        items: items(reader, &entry.name, own),
        due_within,
        missed_after,
        sign_off,
        signers: entry.signers.as_ref().map(|team| reader.refer(RefKind::Team, team)),
        four_eyes: entry.four_eyes.unwrap_or(false),
        slots: entry.slots.as_ref().map(|text| slots(reader, text, due_within)),
        crew: entry.capacity.as_ref().map(|text| InspectionTeam {
            inspectors: text.value.inspectors.as_ref().map(|count| reader.count(count, 1, INSPECTORS_MAX)),
            hours_a_day: reader.optional_span(text.value.hours_a_day.as_ref(), MINUTE, DAY).unwrap_or(HOURS_A_DAY),
            calendar: text.value.calendar.as_ref().map(|name| reader.refer(RefKind::Calendar, name)),
        }),
        schedule: schedule?,
    })
}

/// The times at which its runs begin, become overdue, and are missed: from a schedule and its keys, or from a window.
fn times(reader: &mut SectionReader<'_>, entry: &PlanSyntax) -> (Option<Schedule>, TimeDelta, TimeDelta) {
    let at = entry.name.referenced;
    match (&entry.schedule, &entry.window) {
        (Some(line), None) => {
            let schedule = schedule(reader, &line.value, line.referenced, entry);
            let mut needed = |text: &Option<Spanned<String>>, key: &str| match text {
                Some(text) => reader.span(text, SECOND, RUN_MAX),
                None => {
                    reader.mistake(at, format!("{key} is missing"), format!("{key} beside the schedule"));
                    SECOND
                }
            };
            let due_within = needed(&entry.due_within, "due_within");
            (schedule, due_within, needed(&entry.missed_after, "missed_after"))
        }
        (None, Some(window)) => {
            if let Some(text) = &entry.missed_after {
                let expected = "due_within only: a window is missed at its end";
                reader.mistake(text.referenced, "missed_after beside a window", expected);
            }
            let within = reader.span(&window.within, HOUR, WINDOW_MAX);
            let due_within = reader.optional_span(entry.due_within.as_ref(), SECOND, WINDOW_MAX).unwrap_or(within);
            let months = months(reader, window);
            let months: Vec<String> = months.iter().map(u64::to_string).collect();
            let line = format!("0 0 1 {} *", months.join(","));
            (schedule(reader, &line, window.within.referenced, entry), due_within, within)
        }
        (Some(_), Some(_)) | (None, None) => {
            reader.mistake(at, "when is it due?", "exactly one of schedule and window");
            (None, SECOND, SECOND)
        }
    }
}

/// The months on whose first day a window opens.
fn months(reader: &mut SectionReader<'_>, text: &WindowSyntax) -> Vec<u64> {
    let at = text.within.referenced;
    if let Some(months) = &text.months {
        let given = &months.value;
        if given.is_empty() || given.iter().any(|month| !(1..=MONTHS).contains(month)) || text.times.is_some() {
            reader.mistake(months.referenced, format!("months {given:?}"), "months from 1 to 12, and no times");
            return vec![1];
        }
        return given.clone();
    }
    let per = text.per.as_ref().map_or("year", |word| word.value.as_str());
    let Some((_, periods)) = PERIODS.iter().find(|(word, _)| *word == per) else {
        let expected = PERIODS.map(|(word, _)| word).join(", ");
        reader.mistake(text.per.as_ref().map_or(at, |word| word.referenced), format!("{per:?} is no period"), expected);
        return vec![1];
    };
    let times = text.times.as_ref().map_or(1, |times| times.value).saturating_mul(*periods);
    if times == 0 || times > MONTHS || !MONTHS.is_multiple_of(times) {
        let at = text.times.as_ref().map_or(at, |times| times.referenced);
        reader.mistake(at, format!("{times} windows a year"), "1, 2, 3, 4, 6 or 12 a year, or months");
        return vec![1];
    }
    let first = text.first.as_ref().map_or(1, |first| u64::from(reader.count(first, 1, 12)));
    let mut months: Vec<u64> = (0..times).map(|n| (first - 1 + n * (MONTHS / times)) % MONTHS + 1).collect();
    months.sort_unstable();
    months
}

fn slots(reader: &mut SectionReader<'_>, text: &SlotsSyntax, due_within: TimeDelta) -> Slots {
    let every = reader.span(&text.every, MINUTE, DAY);
    let lasts = reader.span(&text.lasts, MINUTE, DAY);
    if lasts < every || lasts > due_within {
        let message = format!("slots every {every} for {lasts}");
        reader.mistake(text.lasts.referenced, message, format!("at least one slot, and all within {due_within}"));
    }
    let within = reader.optional_span(text.within.as_ref(), SECOND, DAY).unwrap_or(every);
    Slots { every, lasts, within }
}

fn schedule(reader: &mut SectionReader<'_>, line: &str, at: Location, entry: &PlanSyntax) -> Option<Schedule> {
    match Schedule::parse(line, &entry.zone.value) {
        Ok(schedule) => Some(schedule),
        Err(bad) if bad.reason.contains("time zone") => {
            reader.mistake(entry.zone.referenced, bad.reason, "");
            None
        }
        Err(bad) => {
            reader.mistake(at, bad.reason, "");
            None
        }
    }
}
