//! The sections `targets:`, `breach_reasons:` and `outages:`, and a rule's class, priority and outage.

use crate::core::rules::syntax::sla_target::VERSION_MAX;
use std::collections::BTreeMap;

use serde_saphyr::Location;

use super::reader::{ClosedSet, RefKind, SectionReader, each};
use crate::core::calendar::moment_in;
use crate::core::model::{CauseParty, ContactBy, Level, ParseWordError, TimeDelta, Timestamp};
use crate::core::rules::source::OneOrMore;
use crate::core::rules::syntax::file::RuleSyntax;
use crate::core::rules::syntax::sla_target::{
    BreachReasonSyntax, IndicatorSyntax, OutageBudgetSyntax, PromiseSyntax, TargetSyntax,
};
use crate::core::rules::syntax::spanned::Spanned;
use crate::core::rules::{
    Grading, Indicator, Measure, OnBreach, OutageBudget, OutageCause, Pauses, Promise, SlaTarget, Urgency,
};

const SECOND: TimeDelta = TimeDelta::from_seconds(1);
const WITHIN_MAX: TimeDelta = TimeDelta::from_days(400);
const DAY: TimeDelta = TimeDelta::from_hours(24);
const YEAR: TimeDelta = TimeDelta::from_days(365);
const WARNINGS: [u8; 2] = [75, 90];
const WARN_AT: [u8; 3] = [50, 80, 100];
const PERCENTAGES_MAX: usize = 10;
const INDICATORS_MAX: usize = 20;
const OUTAGE_A_YEAR: TimeDelta = TimeDelta::from_hours(72);
const CALENDAR: &str = "always";

pub(super) fn target(reader: &mut SectionReader<'_>, entry: &TargetSyntax) -> SlaTarget {
    let name = reader.name(&entry.name);
    let at = entry.name.referenced;
    if entry.tto.is_none() && entry.ttr.is_none() {
        reader.mistake(at, "a target that promises nothing", "tto, ttr, or both");
    }
    let working_day = reader.optional_span(entry.working_day.as_ref(), SECOND, DAY);
    let (from, until) = (moment(reader, entry.from.as_ref()), moment(reader, entry.until.as_ref()));
    if let (Some(from), Some(until), Some(text)) = (from, until, &entry.until)
        && until <= from
    {
        reader.mistake(text.referenced, "the target ends before it begins", "until: after from:");
    }
    let indicators = entry.indicators.as_deref().unwrap_or_default();
    if indicators.len() > INDICATORS_MAX {
        reader.mistake(at, format!("{} indicators", indicators.len()), format!("at most {INDICATORS_MAX}"));
    }
    SlaTarget {
        version: reader.count(&entry.version, 1, VERSION_MAX),
        from,
        until,
        because: entry.justification.as_ref().map(|because| reader.text(because)).unwrap_or_default(),
        matchers: reader.matchers(entry.matches.as_ref(), ClosedSet::None),
        classes: words(reader, entry.class.as_ref()),
        priorities: words(reader, entry.priority.as_ref()),
        during: entry.during.as_ref().map(|name| reader.refer(RefKind::Calendar, name)),
        tto: entry.tto.as_ref().map(|text| promise(reader, text, working_day)),
        ttr: entry.ttr.as_ref().map(|text| promise(reader, text, working_day)),
        warnings: percentages(reader, entry.warnings.as_deref(), &WARNINGS, 99, at),
        pauses: pauses(reader, entry.pauses.as_ref()),
        shadow: entry.shadow.unwrap_or(false),
        on_breach: on_breach(reader, entry.on_breach.as_ref()),
        indicators: indicators.iter().map(|text| indicator(reader, text, working_day)).collect(),
        name,
    }
}

fn promise(reader: &mut SectionReader<'_>, text: &PromiseSyntax, working_day: Option<TimeDelta>) -> Promise {
    let mut by_channel = BTreeMap::new();
    for (word, limit) in text.channels.iter().flatten() {
        let limit_of = working_time(reader, limit, working_day);
        match word.parse::<ContactBy>() {
            Ok(channel) => {
                by_channel.insert(channel, limit_of);
            }
            Err(bad) => reader.mistake(limit.referenced, format!("{:?} is not a {}", bad.word, bad.what), bad.expected),
        }
    }
    let always = Spanned::new(CALENDAR.to_owned(), text.within.referenced);
    Promise {
        within: working_time(reader, &text.within, working_day),
        calendar: reader.refer(RefKind::Calendar, text.calendar.as_ref().unwrap_or(&always)),
        by_channel,
    }
}

/// Reads working time: a span, or a number of working days. The target must give their length, because a working day is
/// not a day of 24 hours.
fn working_time(reader: &mut SectionReader<'_>, text: &Spanned<String>, working_day: Option<TimeDelta>) -> TimeDelta {
    let value = text.value.trim();
    let at = text.referenced;
    if !value.is_empty() && value.chars().all(|c| c.is_ascii_digit() || c == '.') {
        let message = format!("{value} of what? The unit is not set");
        reader.mistake(at, message, format!("{value}h for working hours, or {value}wd for working days"));
        return SECOND;
    }
    let Some((days, rest)) = value.split_once("wd") else { return reader.span(text, TimeDelta::ZERO, WITHIN_MAX) };
    let Some(working_day) = working_day else {
        let message = format!("{value:?} counts working days, whose length is not set");
        reader.mistake(at, message, "working_day: in this target, for example 8h");
        return SECOND;
    };
    let rest = if rest.is_empty() { Ok(TimeDelta::ZERO) } else { rest.parse::<TimeDelta>() };
    let days = days.parse::<i64>().ok().filter(|days| (0..=400).contains(days));
    match (days, rest) {
        (Some(days), Ok(rest)) => TimeDelta::from_micros(working_day.as_micros() * days) + rest,
        (None, _) | (_, Err(_)) => {
            reader.mistake(at, format!("{value:?} is not working time"), "for example 8h, 2wd or 1wd4h");
            SECOND
        }
    }
}

fn moment(reader: &mut SectionReader<'_>, text: Option<&Spanned<String>>) -> Option<Timestamp> {
    let text = text?;
    match moment_in(&text.value, None) {
        Ok(moment) => Some(moment),
        Err(bad) => {
            reader.mistake(text.referenced, bad.reason, "2026-01-01T00:00:00+08:00");
            None
        }
    }
}

fn words<T: std::str::FromStr<Err = ParseWordError> + PartialEq>(
    reader: &mut SectionReader<'_>,
    texts: Option<&Spanned<OneOrMore>>,
) -> Vec<T> {
    let mut found = Vec::new();
    for (word, at) in texts.map(each).unwrap_or_default() {
        match reader.word(&Spanned::new(word.to_owned(), at)) {
            Some(word) if found.contains(&word) => reader.mistake(at, "it stands twice", "each once"),
            Some(word) => found.push(word),
            None => {}
        }
    }
    found
}

/// Ascending, each once, from 1 to `most`.
fn percentages(
    reader: &mut SectionReader<'_>,
    texts: Option<&[Spanned<u64>]>,
    otherwise: &[u8],
    most: u32,
    at: Location,
) -> Vec<u8> {
    let Some(texts) = texts else { return otherwise.to_vec() };
    if texts.len() > PERCENTAGES_MAX {
        reader.mistake(at, format!("{} percentages", texts.len()), format!("at most {PERCENTAGES_MAX}"));
    }
    let mut found: Vec<u8> = Vec::new();
    for text in texts {
        let percent = reader.count(text, 1, most) as u8;
        if found.last().is_some_and(|last| *last >= percent) {
            reader.mistake(text.referenced, format!("{percent} is not above the one before"), "ascending percentages");
        }
        found.push(percent);
    }
    found
}

fn pauses(reader: &mut SectionReader<'_>, texts: Option<&Spanned<OneOrMore>>) -> Pauses {
    let Some(texts) = texts else { return Pauses { customer: true, vendor: false, change: true } };
    let mut pauses = Pauses::default();
    for (word, at) in each(texts) {
        match word {
            "customer" => pauses.customer = true,
            "vendor" => pauses.vendor = true,
            "change" => pauses.change = true,
            other => reader.mistake(at, format!("{other:?} pauses nothing"), "customer, vendor or change"),
        }
    }
    pauses
}

fn on_breach(reader: &mut SectionReader<'_>, text: Option<&Spanned<String>>) -> OnBreach {
    let Some(text) = text else { return OnBreach::Page };
    OnBreach::ALL.into_iter().find(|one| one.as_str() == text.value).unwrap_or_else(|| {
        reader.mistake(text.referenced, format!("{:?} is not what a breach can do", text.value), "page or note");
        OnBreach::Page
    })
}

fn indicator(reader: &mut SectionReader<'_>, text: &IndicatorSyntax, working_day: Option<TimeDelta>) -> Indicator {
    let at = text.measure.referenced;
    let always = Measure::ALWAYS.into_iter().find(|measure| measure.as_str() == text.measure.value);
    let by: Option<ContactBy> = text.by.as_ref().and_then(|by| reader.word(by));
    let within = text.within.as_ref().map(|within| working_time(reader, within, working_day));
    let measure = match (always, by, within) {
        (Some(measure), None, None) => measure,
        (None, Some(by), Some(within)) if text.measure.value == "contact" => Measure::Contact { by, within },
        (Some(_), _, _) => {
            reader.mistake(at, "by and within say nothing here", "by and within with measure: contact only");
            Measure::Response
        }
        (None, _, _) => {
            let expected = "response, resolution, first_fix, reopened, or contact with by and within";
            reader.mistake(at, format!("{:?} measures nothing", text.measure.value), expected);
            Measure::Response
        }
    };
    let goal = match (measure, &text.at_least, &text.at_most) {
        (Measure::Reopened, None, Some(goal)) => reader.count(goal, 0, 100),
        (Measure::Reopened, _, _) => {
            reader.mistake(at, "reopened without its goal", "at_most: and a percentage");
            0
        }
        (_, Some(goal), None) => reader.count(goal, 0, 100),
        (_, _, _) => {
            reader.mistake(at, format!("{} without its goal", measure.as_str()), "at_least: and a percentage");
            0
        }
    };
    Indicator { name: reader.name(&text.name), measure, goal: goal as u8 }
}

/// Code and title.
pub(super) fn breach_reason(reader: &mut SectionReader<'_>, entry: &BreachReasonSyntax) -> (String, String) {
    (reader.name(&entry.code), reader.text(&entry.title))
}

/// The default reasons, used if no file has any.
pub(super) fn default_reasons() -> BTreeMap<String, String> {
    let reasons = [
        ("capacity", "人手不足 nobody was free"),
        ("spare_part", "等待备件 waited for a spare part"),
        ("vendor", "厂商延误 the vendor was late"),
        ("customer", "用户原因 waited for the customer"),
        ("late_handover", "升级过晚 handed on too late"),
        ("misjudged", "判断有误 wrong priority or diagnosis"),
        ("other", "其他 other"),
    ];
    reasons.map(|(code, title)| (code.to_owned(), title.to_owned())).into()
}

pub(super) fn outage_budget(reader: &mut SectionReader<'_>, entry: &OutageBudgetSyntax) -> OutageBudget {
    let name = reader.name(&entry.name);
    if let Err(bad) = moment_in("2026-01-01T00:00", Some(&entry.zone.value)) {
        reader.mistake(entry.zone.referenced, bad.reason, "an IANA name, for example Asia/Shanghai");
    }
    let matchers = reader.matchers(entry.matches.as_ref(), ClosedSet::None);
    if let Some(other) = matchers.iter().find(|matcher| !["customer", "service"].contains(&matcher.name())) {
        let at = entry.matches.as_ref().map_or(entry.name.referenced, |matches| matches.referenced);
        reader.mistake(at, format!("an outage has no {}", other.name()), "matchers on customer and service");
    }
    OutageBudget {
        matchers,
        party: entry.party.as_ref().and_then(|word| reader.word(word)).unwrap_or(CauseParty::Provider),
        a_year: reader.optional_span(entry.a_year.as_ref(), SECOND, YEAR).unwrap_or(OUTAGE_A_YEAR),
        zone: entry.zone.value.clone(),
        warn_at: percentages(reader, entry.warn_at.as_deref(), &WARN_AT, 100, entry.name.referenced),
        name,
    }
}

/// Reads a rule's class, priority and outage of its incidents.
pub(super) fn grading(reader: &mut SectionReader<'_>, entry: &RuleSyntax) -> Grading {
    Grading {
        class: entry.class.as_ref().and_then(|word| reader.word(word)),
        out_of_catalogue: entry.out_of_catalogue.unwrap_or(false),
        urgency: urgency(reader, entry),
        outage: entry.outage.as_ref().map(|text| OutageCause {
            service: text.service.as_ref().map(|service| reader.name(service)),
            party: reader.word(&text.party).unwrap_or(CauseParty::Provider),
        }),
    }
}

fn urgency(reader: &mut SectionReader<'_>, entry: &RuleSyntax) -> Option<Urgency> {
    let mut level = |text: &Option<Spanned<String>>| text.as_ref().and_then(|word| reader.word::<Level>(word));
    let (impact, urgency) = (level(&entry.impact), level(&entry.urgency));
    let outside = level(&entry.out_of_hours_urgency);
    let given = [&entry.impact, &entry.urgency, &entry.hours, &entry.out_of_hours_urgency];
    let at = given.into_iter().flatten().next()?.referenced;
    if entry.impact.is_none() || entry.urgency.is_none() {
        reader.mistake(
            at,
            "priority follows from impact and urgency",
            "impact: and urgency:, each high, medium or low",
        );
    }
    if entry.hours.is_some() != entry.out_of_hours_urgency.is_some() {
        reader.mistake(at, "hours: and out_of_hours_urgency: belong together", "both of them, or none");
    }
    let outside = match (&entry.hours, outside) {
        (Some(hours), Some(level)) => Some((reader.refer(RefKind::Calendar, hours), level)),
        (_, _) => None,
    };
    Some(Urgency { impact: impact?, urgency: urgency?, outside })
}

/// Versions of one name that are in effect at the same time: the names with their versions.
pub(super) fn together<'a>(targets: &'a [SlaTarget], new: &SlaTarget) -> Option<&'a SlaTarget> {
    targets.iter().find(|before| before.name == new.name && before.overlaps(new))
}
