//! `watchfire check`: are these rules good, and what do they cost?

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::rule_files;
use crate::rules;

/// Reads rule files and says what is wrong with them, and where.
#[derive(Args, Debug)]
pub struct CheckCommand {
    /// Directory of rule files [default: the built-in rules]
    #[arg(value_name = "RULES")]
    rules: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Exit code 0: good; 1: mistakes.
pub fn run(command: &CheckCommand) -> ExitCode {
    match rule_files::load(command.rules.as_deref()) {
        Ok(loaded) => {
            let report = rules::report(&loaded.rulebook);
            if command.json {
                println!("{}", report.to_json());
            } else {
                for warning in &loaded.warnings {
                    println!("warning: {warning}");
                }
                print!("{report}");
            }
            ExitCode::SUCCESS
        }
        Err(mistakes) => {
            if command.json {
                println!("{}", serde_json::json!({ "mistakes": mistakes.lines().collect::<Vec<_>>() }));
            } else {
                eprintln!("{mistakes}");
            }
            ExitCode::FAILURE
        }
    }
}
