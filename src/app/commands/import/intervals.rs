//! Time intervals: they have the same meaning and spelling here.

use std::collections::BTreeMap;

use super::strict_map::{Document, ImportReport};
use crate::core::calendar::{
    ParseScheduleError, TimeInterval, days_of_month, month_range, times_of_day, weekday_range, year_range,
};

/// An Alertmanager's word for the zone of the machine that it runs on.
const LOCAL: &str = "Local";

/// The texts of one interval, checked.
#[derive(Clone, Debug, Default)]
pub(super) struct ImportedInterval {
    pub times: Vec<(String, String)>,
    /// By key: weekdays, days_of_month, months, years.
    pub ranges: Vec<(&'static str, Vec<String>)>,
    pub location: Option<String>,
}

/// `here`: the zone of this machine.
pub(super) fn read(
    document: &mut Document,
    here: &str,
    report: &mut ImportReport,
) -> BTreeMap<String, Vec<ImportedInterval>> {
    let mut named = BTreeMap::new();
    for key in ["time_intervals", "mute_time_intervals"] {
        for mut entry in document.list(key) {
            let name = entry.text("name").unwrap_or_default();
            let parts = entry.list("time_intervals").into_iter().filter_map(|part| interval(part, here, report));
            named.insert(name, parts.collect());
            entry.leftovers(report);
        }
    }
    named
}

/// `None`: an Alertmanager refuses it, too.
fn interval(mut entry: Document, here: &str, report: &mut ImportReport) -> Option<ImportedInterval> {
    let mut interval = ImportedInterval::default();
    let mut refused = None;
    let mut check = |place, result: Result<(), ParseScheduleError>| {
        if let Err(bad) = result {
            refused = Some((place, bad.reason));
        }
    };
    for mut time in entry.list("times") {
        let (start, end) = (time.text("start_time").unwrap_or_default(), time.text("end_time").unwrap_or_default());
        check(time.place(), times_of_day(&start, &end).map(|_| ()));
        interval.times.push((start, end));
    }
    type Reads = fn(&str) -> Result<(), ParseScheduleError>;
    let keys: [(&'static str, Reads); 4] = [
        ("weekdays", |text| weekday_range(text).map(|_| ())),
        ("days_of_month", |text| days_of_month(text).map(|_| ())),
        ("months", |text| month_range(text).map(|_| ())),
        ("years", |text| year_range(text).map(|_| ())),
    ];
    for (key, reads) in keys {
        let texts = entry.texts(key);
        texts.iter().for_each(|text| check(entry.at(key), reads(text)));
        if !texts.is_empty() {
            interval.ranges.push((key, texts));
        }
    }
    interval.location = entry.text("location");
    if interval.location.as_deref() == Some(LOCAL) {
        let instead =
            format!("the zone of the machine that imports it: {here}; write another if that one runs elsewhere");
        report.no_equal(entry.at("location"), instead);
        interval.location = Some(here.to_owned());
    } else if let Some(zone) = &interval.location {
        check(entry.at("location"), TimeInterval::new(zone).map(|_| ()));
    }
    entry.leftovers(report);
    if let Some((place, reason)) = refused {
        report.no_equal(place, format!("left out: {reason}"));
        return None;
    }
    Some(interval)
}
