//! The section `inspections:`.

use std::collections::BTreeSet;

use super::plan_text::{HttpText, ItemEntry, PlanEntry, PromqlText, TlsText};
use super::reader::{Named, Reader};
use crate::calendar::Schedule;
use crate::model::{LABEL_MAX_BYTES, LABELS_MAX, Labels, NAME_MAX_BYTES, Severity, Span};
use crate::rules::defaults::FIRST_LINE;
use crate::rules::spanned::Spanned;
use crate::rules::{Check, Comparison, Item, Limit, Plan};

const SECOND: Span = Span::from_seconds(1);
const ITEMS_MAX: usize = 500;
const RUN_MAX: Span = Span::from_days(31);
const TIMEOUT: Span = Span::from_seconds(10);
const TIMEOUT_MAX: Span = Span::from_minutes(2);
const MESSAGE_WITHIN_MAX: Span = Span::from_hours(1);
const CERTIFICATE_MAX: Span = Span::from_days(3650);
const WARN_BELOW: Span = Span::from_days(30);
const FAIL_BELOW: Span = Span::from_days(7);
/// Labels that say which item failed.
const IDENTITY: [&str; 2] = ["plan", "item"];

/// The plan; `None` only when its schedule is a mistake.
pub(super) fn plan(reader: &mut Reader<'_>, entry: &PlanEntry) -> Option<Plan> {
    let name = reader.name(&entry.name);
    let at = entry.name.referenced;
    if entry.items.is_empty() || entry.items.len() > ITEMS_MAX {
        reader.mistake(at, format!("a plan of {} items", entry.items.len()), format!("1 to {ITEMS_MAX} items"));
    }
    let mut names = BTreeSet::new();
    for item in &entry.items {
        if !names.insert(item.name.value.as_str()) {
            let message = format!("the item {:?} stands twice in this plan", item.name.value);
            reader.mistake(item.name.referenced, message, "another name");
        }
    }
    let items = entry.items.iter().filter_map(|text| item(reader, text)).collect();
    let due_within = reader.span(&entry.due_within, SECOND, RUN_MAX);
    let missed_after = reader.span(&entry.missed_after, SECOND, RUN_MAX);
    if missed_after < due_within {
        let message = format!("missed after {missed_after}, but due within {due_within}");
        reader.mistake(entry.missed_after.referenced, message, "missed_after at least as long as due_within");
    }
    let default_team = || Spanned::new(FIRST_LINE.to_owned(), entry.name.referenced);
    let team = entry.team.as_ref().map_or_else(default_team, Clone::clone);
    Some(Plan {
        title: entry.title.as_ref().map_or_else(|| name.clone(), |title| reader.text(title)),
        schedule: schedule(reader, entry)?,
        team: reader.refer(Named::Team, &team),
        name,
        items,
        due_within,
        missed_after,
        sign_off: entry.sign_off.unwrap_or(false),
    })
}

fn schedule(reader: &mut Reader<'_>, entry: &PlanEntry) -> Option<Schedule> {
    match Schedule::parse(&entry.schedule.value, &entry.zone.value) {
        Ok(schedule) => Some(schedule),
        Err(bad) if bad.reason.contains("time zone") => {
            reader.mistake(entry.zone.referenced, bad.reason, "");
            None
        }
        Err(bad) => {
            reader.mistake(entry.schedule.referenced, bad.reason, "");
            None
        }
    }
}

fn item(reader: &mut Reader<'_>, text: &ItemEntry) -> Option<Item> {
    let name = reader.name(&text.name);
    let severity = text.severity.as_ref().and_then(|word| reader.word(word)).unwrap_or(Severity::Major);
    if severity == Severity::Cleared {
        reader.mistake(text.name.referenced, "a failure cannot be cleared", "another severity");
    }
    let title = text.title.as_ref().map_or_else(|| name.clone(), |title| reader.text(title));
    Some(Item { title, labels: labels(reader, text), check: check(reader, text)?, name, severity })
}

fn labels(reader: &mut Reader<'_>, text: &ItemEntry) -> Labels {
    let Some(labels) = &text.labels else { return Labels::empty() };
    if labels.len() > LABELS_MAX - IDENTITY.len() - 1 {
        reader.mistake(text.name.referenced, format!("{} labels", labels.len()), format!("at most {}", LABELS_MAX - 3));
    }
    for (name, value) in labels {
        let at = value.referenced;
        if name.is_empty() || name.len() > NAME_MAX_BYTES {
            reader.mistake(at, format!("{name:?} is not a label"), format!("a name of 1 to {NAME_MAX_BYTES} bytes"));
        }
        if IDENTITY.contains(&name.as_str()) {
            reader.mistake(at, format!("the label {name:?} says which item failed"), "another label");
        }
        if value.value.len() > LABEL_MAX_BYTES {
            reader.mistake(at, format!("a label of {} bytes", value.value.len()), format!("at most {LABEL_MAX_BYTES}"));
        }
    }
    Labels::from_pairs(
        labels.iter().filter(|(_, value)| !value.value.is_empty()).map(|(name, value)| (name, &value.value)),
    )
}

/// The one check that the item has.
fn check(reader: &mut Reader<'_>, text: &ItemEntry) -> Option<Check> {
    let ItemEntry { manual, http, tcp, tls, promql, mqtt, .. } = text;
    let given = [manual.is_some(), http.is_some(), tcp.is_some(), tls.is_some(), promql.is_some(), mqtt.is_some()];
    let given = given.into_iter().filter(|given| *given).count();
    if given != 1 {
        let expected = "exactly one of manual, http, tcp, tls, promql, mqtt";
        reader.mistake(text.name.referenced, format!("an item with {given} checks"), expected);
        return None;
    }
    let manual = manual.as_ref().map(|manual| Check::Manual { evidence: manual.evidence.unwrap_or(false) });
    let http = http.as_ref().map(|http| http_check(reader, http));
    let tcp = tcp.as_ref().map(|tcp| Check::Tcp {
        address: reader.address(&tcp.address),
        timeout: timeout(reader, tcp.timeout.as_ref()),
    });
    let tls = tls.as_ref().map(|tls| tls_check(reader, tls));
    let promql = promql.as_ref().map(|promql| promql_check(reader, promql));
    let mqtt = mqtt.as_ref().map(|mqtt| Check::Mqtt {
        topic: reader.topic(&mqtt.topic, true),
        within: reader.span(&mqtt.within, SECOND, MESSAGE_WITHIN_MAX),
    });
    manual.or(http).or(tcp).or(tls).or(promql).or(mqtt)
}

fn timeout(reader: &mut Reader<'_>, text: Option<&Spanned<String>>) -> Span {
    reader.optional_span(text, SECOND, TIMEOUT_MAX).unwrap_or(TIMEOUT)
}

fn http_check(reader: &mut Reader<'_>, text: &HttpText) -> Check {
    let status = text.status.as_ref().map(|status| reader.count(status, 100, 599));
    Check::Http {
        url: reader.url(&text.url),
        status: status.and_then(|status| u16::try_from(status).ok()),
        contains: text.contains.as_ref().map(|contains| reader.text(contains)),
        timeout: timeout(reader, text.timeout.as_ref()),
    }
}

fn tls_check(reader: &mut Reader<'_>, text: &TlsText) -> Check {
    let fail_below = reader.optional_span(text.fail_below.as_ref(), Span::ZERO, CERTIFICATE_MAX).unwrap_or(FAIL_BELOW);
    let warn_below = reader.optional_span(text.warn_below.as_ref(), Span::ZERO, CERTIFICATE_MAX);
    let warn_below = warn_below.unwrap_or(WARN_BELOW.max(fail_below));
    if let Some(text) = text.warn_below.as_ref().filter(|_| warn_below < fail_below) {
        let message = format!("warns below {warn_below}, but fails below {fail_below} already");
        reader.mistake(text.referenced, message, "warn_below at least as long as fail_below");
    }
    let address = reader.address(&text.address);
    Check::Tls { address, warn_below, fail_below, timeout: timeout(reader, text.timeout.as_ref()) }
}

fn promql_check(reader: &mut Reader<'_>, text: &PromqlText) -> Check {
    Check::Promql {
        server: reader.url(&text.server),
        query: reader.text(&text.query),
        warn: text.warn.as_ref().and_then(|text| limit(reader, text)),
        fail: text.fail.as_ref().and_then(|text| limit(reader, text)),
        timeout: timeout(reader, text.timeout.as_ref()),
    }
}

/// `> 0.9`
fn limit(reader: &mut Reader<'_>, text: &Spanned<String>) -> Option<Limit> {
    let signs =
        [(">=", Comparison::AtLeast), ("<=", Comparison::AtMost), (">", Comparison::Above), ("<", Comparison::Below)];
    let value = text.value.trim();
    let found = signs.into_iter().find_map(|(sign, comparison)| Some((comparison, value.strip_prefix(sign)?)));
    let read = found.and_then(|(comparison, number)| {
        let value: f64 = number.trim().parse().ok()?;
        value.is_finite().then_some(Limit { comparison, value })
    });
    if read.is_none() {
        reader.mistake(
            text.referenced,
            format!("{value:?} is not a limit"),
            "for example \"> 0.9\", \">= 3\" or \"< 1\"",
        );
    }
    read
}
