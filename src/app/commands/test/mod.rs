//! `watchfire test`: the tests beside the rules, on virtual time.

mod compare;
mod render;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use self::run::TestOutcome;
use super::replay::without_inspections;
use crate::app::serve::rule_files;

/// Runs the tests of rule files (section `tests:`) on virtual time.
#[derive(Args, Debug)]
pub struct TestCommand {
    /// Rules with their tests: a directory or a file [default: ./rules, or the built-in rules]
    #[arg(value_name = "RULES")]
    rules: Option<PathBuf>,
    /// Only tests whose name holds this
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Print the outcomes as JSON
    #[arg(long)]
    json: bool,
}

/// Exit code 0: all passed; 1: some failed; 2: the rules cannot be read, or no test was found.
pub fn run(command: &TestCommand) -> ExitCode {
    let path = rule_files::named_or_default(command.rules.as_deref());
    let loaded = match rule_files::load(path.as_deref()) {
        Ok(loaded) => loaded,
        Err(report) => {
            eprintln!("{report}");
            return ExitCode::from(2);
        }
    };
    let wanted = |name: &str| command.name.as_ref().is_none_or(|piece| name.contains(piece.as_str()));
    let tests: Vec<_> = loaded.tests.iter().filter(|test| wanted(&test.name)).collect();
    if tests.is_empty() {
        eprintln!("watchfire: no tests found; they stand in the section tests: of rule files");
        return ExitCode::from(2);
    }
    let rulebook = without_inspections(loaded.rulebook);
    let outcomes: Vec<TestOutcome<'_>> = tests.into_iter().map(|test| run::run(test, &rulebook)).collect();
    let failed = outcomes.iter().filter(|outcome| outcome.has_failed()).count();
    if command.json {
        println!("{}", render::json(&outcomes));
    } else {
        loaded.warnings.iter().for_each(|warning| println!("warning: {warning}"));
        print!("{}", render::text(&outcomes));
        println!("{} tests, {failed} failed", outcomes.len());
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
