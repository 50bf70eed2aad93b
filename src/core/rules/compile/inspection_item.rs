//! The items of the sections `inspections:` and `checklists:`.

use std::collections::BTreeSet;

use super::reader::SectionReader;
use crate::core::model::{LABEL_MAX_BYTES, LABELS_MAX, Labels, NAME_MAX_BYTES, Severity, TimeDelta};
use crate::core::rules::syntax::inspection_plan::{ExpectSyntax, HttpSyntax, ItemSyntax, PromqlSyntax, TlsSyntax};
use crate::core::rules::syntax::spanned::Spanned;
use crate::core::rules::{Check, ChecklistItem, Comparison, Expected, Limit};

const SECOND: TimeDelta = TimeDelta::from_seconds(1);
/// Maximum number of items of one plan or checklist as written.
const ITEMS_MAX: usize = 500;
const TIMEOUT: TimeDelta = TimeDelta::from_seconds(10);
const TIMEOUT_MAX: TimeDelta = TimeDelta::from_minutes(2);
const MESSAGE_WITHIN_MAX: TimeDelta = TimeDelta::from_hours(1);
const CERTIFICATE_MAX: TimeDelta = TimeDelta::from_days(3650);
const WARN_BELOW: TimeDelta = TimeDelta::from_days(30);
const FAIL_BELOW: TimeDelta = TimeDelta::from_days(7);
const TREND: TimeDelta = TimeDelta::from_days(14);
const TREND_MAX: TimeDelta = TimeDelta::from_days(365);
const MINUTES_MAX: u32 = 7 * 24 * 60;
/// Labels that identify the failed item.
const IDENTITY: [&str; 2] = ["plan", "item"];

/// The items as written, not yet expanded to devices.
pub(super) fn items(
    reader: &mut SectionReader<'_>,
    of: &Spanned<String>,
    entries: &[ItemSyntax],
) -> Vec<ChecklistItem> {
    if entries.len() > ITEMS_MAX {
        reader.mistake(of.referenced, format!("{} items", entries.len()), format!("at most {ITEMS_MAX}"));
    }
    let mut names = BTreeSet::new();
    for item in entries {
        if !names.insert(item.name.value.as_str()) {
            let message = format!("the item {:?} stands twice in {:?}", item.name.value, of.value);
            reader.mistake(item.name.referenced, message, "another name");
        }
    }
    entries.iter().filter_map(|text| item(reader, text)).collect()
}

fn item(reader: &mut SectionReader<'_>, text: &ItemSyntax) -> Option<ChecklistItem> {
    let name = reader.name(&text.name);
    let severity = text.severity.as_ref().and_then(|word| reader.word(word)).unwrap_or(Severity::Major);
    if severity == Severity::Cleared {
        reader.mistake(text.name.referenced, "a failure cannot be cleared", "another severity");
    }
    let title = text.title.as_ref().map_or_else(|| name.clone(), |title| reader.text(title));
    let check = check(reader, text)?;
    let expect = text.expect.as_ref().map(|expect| expected(reader, expect, &check));
    let mut item = ChecklistItem {
        title,
        device: None,
        labels: labels(reader, text),
        warn: text.warn.as_ref().and_then(|text| limit(reader, text)),
        fail: text.fail.as_ref().and_then(|text| limit(reader, text)),
        trend: reader.optional_span(text.trend.as_ref(), TimeDelta::ZERO, TREND_MAX),
        expect,
        minutes: text.minutes.as_ref().map_or(0, |minutes| reader.count(minutes, 0, MINUTES_MAX)),
        check,
        name,
        severity,
    };
    if let Some(trend) = text.trend.as_ref().filter(|_| item.limit().is_none()) {
        reader.mistake(trend.referenced, "a trend towards no limit", "a limit beside it: warn or fail");
    }
    let watched = item.limit().is_some();
    item.trend = item.trend.or(Some(TREND)).filter(|ahead| watched && !ahead.is_zero());
    Some(item)
}

/// The value comes from the device, which is unknown here.
fn expected(reader: &mut SectionReader<'_>, text: &ExpectSyntax, check: &Check) -> Expected {
    let finds = match check {
        Check::Manual { .. } | Check::Promql { .. } => true,
        Check::Http { json, .. } => json.is_some(),
        Check::Tcp { .. } | Check::Tls { .. } | Check::Mqtt { .. } => false,
    };
    if !finds {
        let expected = "a manual check, http with json, or promql";
        reader.mistake(text.fact.referenced, format!("{} finds nothing to compare", check.kind()), expected);
    }
    Expected { fact: reader.label_name(&text.fact), value: None }
}

fn labels(reader: &mut SectionReader<'_>, text: &ItemSyntax) -> Labels {
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
fn check(reader: &mut SectionReader<'_>, text: &ItemSyntax) -> Option<Check> {
    let ItemSyntax { manual, http, tcp, tls, promql, mqtt, .. } = text;
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

fn timeout(reader: &mut SectionReader<'_>, text: Option<&Spanned<String>>) -> TimeDelta {
    reader.optional_span(text, SECOND, TIMEOUT_MAX).unwrap_or(TIMEOUT)
}

fn http_check(reader: &mut SectionReader<'_>, text: &HttpSyntax) -> Check {
    let status = text.status.as_ref().map(|status| reader.count(status, 100, 599));
    Check::Http {
        url: reader.url(&text.url),
        status: status.and_then(|status| u16::try_from(status).ok()),
        contains: text.contains.as_ref().map(|contains| reader.text(contains)),
        json: text.json.as_ref().map(|json| pointer(reader, json)),
        timeout: timeout(reader, text.timeout.as_ref()),
    }
}

/// `/data/serial`
fn pointer(reader: &mut SectionReader<'_>, text: &Spanned<String>) -> String {
    if !text.value.starts_with('/') {
        reader.mistake(text.referenced, format!("{:?} is not a JSON pointer", text.value), "for example /serial");
    }
    reader.text(text)
}

fn tls_check(reader: &mut SectionReader<'_>, text: &TlsSyntax) -> Check {
    let fail_below =
        reader.optional_span(text.fail_below.as_ref(), TimeDelta::ZERO, CERTIFICATE_MAX).unwrap_or(FAIL_BELOW);
    let warn_below = reader.optional_span(text.warn_below.as_ref(), TimeDelta::ZERO, CERTIFICATE_MAX);
    let warn_below = warn_below.unwrap_or(WARN_BELOW.max(fail_below));
    if let Some(text) = text.warn_below.as_ref().filter(|_| warn_below < fail_below) {
        let message = format!("warns below {warn_below}, but fails below {fail_below} already");
        reader.mistake(text.referenced, message, "warn_below at least as long as fail_below");
    }
    let address = reader.address(&text.address);
    Check::Tls { address, warn_below, fail_below, timeout: timeout(reader, text.timeout.as_ref()) }
}

fn promql_check(reader: &mut SectionReader<'_>, text: &PromqlSyntax) -> Check {
    Check::Promql {
        server: reader.url(&text.server),
        query: reader.text(&text.query),
        warn: text.warn.as_ref().and_then(|text| limit(reader, text)),
        fail: text.fail.as_ref().and_then(|text| limit(reader, text)),
        timeout: timeout(reader, text.timeout.as_ref()),
    }
}

/// `> 0.9`
fn limit(reader: &mut SectionReader<'_>, text: &Spanned<String>) -> Option<Limit> {
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
