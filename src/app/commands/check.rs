//! `watchfire check`: checks rules, and reports their cost.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use serde_json::{Value, json};

use crate::app::runtime::clock::Clock;
use crate::app::serve::rule_files;
use crate::app::time_zones;
use crate::core::correlation::WINDOWS_PER_RULE;
use crate::core::rules;
use crate::core::rules::Diagnostic;

/// Reads rule files and reports errors with their place; and findings about valid rules that are hardly intended.
#[derive(Args, Debug)]
pub struct CheckCommand {
    /// Rules: a directory or a file [default: ./rules, or the built-in rules]
    #[arg(value_name = "RULES")]
    rules: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Exit code 0: good; 1: errors; 2: the files cannot be read.
pub fn run(command: &CheckCommand) -> ExitCode {
    let path = rule_files::named_or_default(command.rules.as_deref());
    let texts = match rule_files::texts(path.as_deref()) {
        Ok(texts) => texts,
        Err(unreadable) => {
            eprintln!("{unreadable}");
            return ExitCode::from(2);
        }
    };
    match rules::load(texts) {
        Ok(loaded) => {
            let now = Clock::system().now();
            let report = rules::report(&loaded, WINDOWS_PER_RULE, now);
            let zones = time_zones::differing(loaded.rulebook.zones(), now);
            if command.json {
                let mut value = report.to_json();
                value["warnings"] = loaded.warnings.iter().map(as_json).collect();
                value["time_zones"] = zones.into();
                println!("{value}");
            } else {
                for warning in &loaded.warnings {
                    println!("warning: {warning:#}");
                }
                zones.iter().for_each(|zone| println!("warning: {zone}"));
                print!("{report}");
            }
            ExitCode::SUCCESS
        }
        Err(mistakes) => {
            if command.json {
                println!("{}", json!({ "mistakes": mistakes.iter().map(as_json).collect::<Vec<_>>() }));
            } else {
                mistakes.iter().for_each(|mistake| eprintln!("{mistake:#}"));
            }
            ExitCode::FAILURE
        }
    }
}

fn as_json(mistake: &Diagnostic) -> Value {
    json!({
        "path": mistake.path,
        "line": mistake.line,
        "column": mistake.column,
        "message": mistake.message,
        "expected": mistake.expected,
    })
}
