//! `watchfire import`: another tool's configuration as rule files, with a report of settings without an equal here.

mod configuration;
mod flatten;
mod inhibitions;
mod intervals;
mod receivers;
mod routes;
mod strict_map;
mod write;
mod yaml;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::core::model::TimeDelta;
use crate::core::rules;
use crate::core::rules::RuleText;
use configuration::Configuration;
use flatten::RoutedRule;
use intervals::ImportedInterval;
use strict_map::{Document, ImportReport, Place};

/// Maximum size of a configuration, in bytes.
const FILE_MAX_BYTES: u64 = 4 << 20;

/// Translates another tool's configuration into rule files.
#[derive(Args, Debug)]
pub struct ImportCommand {
    #[command(subcommand)]
    from: From,
}

#[derive(Subcommand, Debug)]
enum From {
    /// Routes, receivers, inhibitions and time intervals of an Alertmanager
    ///
    /// Each route becomes a rule, innermost first, so that the same receivers get an alert as before; each receiver a
    /// team with an escalation policy of one step that pages every repeat_interval. Settings without an equal here are
    /// listed on standard error with their line and the alternative; the rest is imported.
    Alertmanager(AlertmanagerArgs),
}

#[derive(Args, Debug)]
struct AlertmanagerArgs {
    /// Its configuration: alertmanager.yml
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write the rule file there instead of to standard output; read last, so name it like rules/95-alertmanager.yaml
    #[arg(long, value_name = "RULE FILE")]
    out: Option<PathBuf>,
}

/// Exit code 0: translated, whatever the report contains.
pub fn run(command: &ImportCommand) -> Result<ExitCode, String> {
    let From::Alertmanager(args) = &command.from;
    let shown = args.file.display();
    let size = std::fs::metadata(&args.file).map_err(|error| format!("{shown}: {error}"))?.len();
    if size > FILE_MAX_BYTES {
        return Err(format!("{shown}: {size} bytes; at most {FILE_MAX_BYTES} are read"));
    }
    let text = std::fs::read_to_string(&args.file).map_err(|error| format!("{shown}: {error}"))?;
    let imported = alertmanager(&text, &zone_here()).map_err(|error| format!("{shown}: {error}"))?;
    match &args.out {
        Some(out) => std::fs::write(out, &imported.text).map_err(|error| format!("{}: {error}", out.display()))?,
        None => print!("{}", imported.text),
    }
    eprint!("{}", imported.report.render(&shown.to_string()));
    Ok(ExitCode::SUCCESS)
}

/// A rule file, and the settings that it cannot express.
struct Imported {
    text: String,
    report: ImportReport,
}

/// The IANA name of this machine's zone; UTC if it has none.
fn zone_here() -> String {
    let zone = jiff::tz::TimeZone::system();
    zone.iana_name().filter(|name| crate::core::calendar::is_zone(name)).unwrap_or("UTC").to_owned()
}

/// `here`: the zone that `location: Local` means.
fn alertmanager(text: &str, here: &str) -> Result<Imported, String> {
    let mut report = ImportReport::default();
    let root = yaml::parse(text)?;
    let mut document = Document::new(root, String::new()).ok_or("not the configuration of an Alertmanager")?;
    let receivers = receivers::read(&mut document, &mut report);
    let intervals = intervals::read(&mut document, here, &mut report);
    let root = routes::read(&mut document, &mut report)?;
    let mut rules = flatten::rules(&root);
    known_intervals(&mut rules, &intervals, &mut report);
    let inhibitions = inhibitions::read(&mut document, &mut report)?;
    let resolve_timeout = global(&mut document, &mut report);
    if document.take("templates").is_some() {
        report.no_equal(document.at("templates"), "titles are templates of the rules here: title: with {label} places");
    }
    document.leftovers(&mut report);
    let text = write::rule_file(&Configuration { resolve_timeout, rules, receivers, intervals, inhibitions });
    // Our output must load: an error of ours is found here, not at the next reload.
    let file = RuleText { path: "imported.yaml".to_owned(), text: text.clone() };
    rules::load(vec![file]).map_err(|mistakes| {
        let shown: Vec<String> = mistakes.iter().map(|mistake| format!("{mistake:#}")).collect();
        format!("it says something that no rule file can say:\n{}", shown.join("\n"))
    })?;
    Ok(Imported { text, report })
}

/// The section `global`: its `resolve_timeout`, and what has no equal.
fn global(document: &mut Document, report: &mut ImportReport) -> Option<TimeDelta> {
    let mut global = document.map("global")?;
    let timeout = global.text("resolve_timeout").and_then(|text| {
        let (least, most) = (TimeDelta::from_seconds(1), TimeDelta::from_days(90));
        let given = routes::duration(&text);
        let bounded = given.map(|timeout| timeout.clamp(least, most));
        if given.is_none() || given != bounded {
            let taken = bounded.unwrap_or(rules::RESOLVE_TIMEOUT);
            report
                .no_equal(global.at("resolve_timeout"), format!("{text}: from {least} to {most} here; {taken} it is"));
        }
        bounded
    });
    for key in global.rest() {
        let instead = match key.as_str() {
            "smtp_smarthost" | "smtp_from" => "smtp: {url, from} of watchfire.yaml, or --smtp-url and --smtp-from",
            key if key.starts_with("smtp_") => "a part of smtp: url of watchfire.yaml: smtp://user:{secret:NAME}@host",
            _ => "said once for all receivers there; say it in each team's notify:",
        };
        report.no_equal(global.at(&key), instead);
    }
    timeout
}

/// A name without its interval is an error there, too; the rest of the file is imported.
fn known_intervals(
    rules: &mut [RoutedRule],
    intervals: &BTreeMap<String, Vec<ImportedInterval>>,
    report: &mut ImportReport,
) {
    for rule in rules {
        for (key, names) in [("mute_time_intervals", &mut rule.mute), ("active_time_intervals", &mut rule.active)] {
            for name in names.extract_if(.., |name| !intervals.contains_key(name)) {
                let place = Place { path: format!("{}.{key}", rule.place.path), line: rule.place.line };
                report.no_equal(place, format!("left out: there is no time interval {name:?}"));
            }
        }
    }
}

#[cfg(test)]
mod tests;
