//! `watchfire import`: another tool's configuration as rule files, with a report of settings without an equal here.

mod inhibitions;
mod intervals;
mod receivers;
mod routes;
mod strict_map;
mod write;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::core::rules;
use crate::core::rules::RuleText;
use strict_map::{Document, ImportReport};

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
    /// Each route becomes a rule, innermost first, so that the same receiver gets an alert as before; each receiver a
    /// team with an escalation policy of one step that pages every repeat_interval. Settings without an equal here are
    /// listed on standard error, with the alternative.
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
    let imported = alertmanager(&text).map_err(|error| format!("{shown}: {error}"))?;
    match &args.out {
        Some(out) => std::fs::write(out, &imported.text).map_err(|error| format!("{}: {error}", out.display()))?,
        None => print!("{}", imported.text),
    }
    eprint!("{}", imported.report);
    Ok(ExitCode::SUCCESS)
}

/// A rule file, and the settings that it cannot express.
struct Imported {
    text: String,
    report: ImportReport,
}

fn alertmanager(text: &str) -> Result<Imported, String> {
    let value: serde_json::Value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let mut report = ImportReport::default();
    let mut document = Document::new(value, String::new()).ok_or("not the configuration of an Alertmanager")?;
    let receivers = receivers::read(&mut document, &mut report);
    let intervals = intervals::read(&mut document, &mut report);
    let routes = routes::read(&mut document, &mut report)?;
    let inhibitions = inhibitions::read(&mut document, &mut report)?;
    if let Some(mut global) = document.map("global") {
        for key in global.rest() {
            let instead = match key.as_str() {
                "smtp_smarthost" | "smtp_from" => "smtp: {url, from} of watchfire.yaml, or --smtp-url and --smtp-from",
                key if key.starts_with("smtp_") => {
                    "a part of smtp: url of watchfire.yaml: smtp://user:{secret:NAME}@host"
                }
                _ => "said once for all receivers there; say it in each team's notify:",
            };
            report.no_equal(&format!("global.{key}"), instead);
        }
    }
    if document.take("templates").is_some() {
        report.no_equal("templates", "titles are templates of the rules here: title: with {label} places");
    }
    document.leftovers(&mut report);
    let maintenance = intervals::maintenance(&routes, &intervals, &mut report);
    let text = write::rule_file(&routes, &receivers, &inhibitions, &maintenance);
    // Our output must load: an error of ours is found here, not at the next reload.
    let file = RuleText { path: "imported.yaml".to_owned(), text: text.clone() };
    rules::load(vec![file]).map_err(|mistakes| {
        let shown: Vec<String> = mistakes.iter().map(|mistake| format!("{mistake:#}")).collect();
        format!("it says something that no rule file can say:\n{}", shown.join("\n"))
    })?;
    Ok(Imported { text, report })
}

#[cfg(test)]
mod tests;
