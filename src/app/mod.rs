//! The program: configuration, wiring, the one driver loop, reload, shutdown, one file per command.
//!
//! The driver alone writes; the rest must never touch the journal or the records.

mod commands;
mod config;
mod runtime;
mod serve;
mod terminal;
mod time_zones;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use commands::report::shown as service_report;
pub use commands::simulate_year::{SimulatedYear, simulate_year};

/// Event correlation, incidents on three tiers, recurring problems and inspections for a 7×24 operations centre.
///
/// Monitoring tools push events in over HTTP (also as to an Alertmanager) and MQTT; rule files make incidents of them;
/// what nobody takes climbs from first to second to third line.
#[derive(Parser, Debug)]
#[command(name = "watchfire", version, after_help = "Start with `watchfire demo`, then `watchfire serve`.")]
struct CommandLine {
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(Subcommand, Debug)]
enum CliCommand {
    /// Run the service
    Serve(config::ServeFlags),
    /// Run the service with a simulated province that breaks before your eyes
    Demo(commands::demo::DemoCommand),
    /// Check rule files and say what is wrong, where
    Check(commands::check::CheckCommand),
    /// Play recorded events through the rules on virtual time and show the incidents
    Replay(commands::replay::ReplayCommand),
    /// Say why: the chain behind an incident, an alert, an event; or why there is none
    Explain(commands::explain::ExplainCommand),
    /// Review recurring problems: the queue, one with its evidence and hints, and decisions on it
    Problems(commands::problems::ProblemsCommand),
    /// Run the tests that stand beside the rules, on virtual time
    Test(commands::test::TestCommand),
    /// Print the JSON Schema of rule files, for editors
    Schema(commands::schema::SchemaCommand),
    /// Translate another tool's configuration into rule files
    Import(commands::import::ImportCommand),
    /// Make a seeded estate that breaks: events for replay, and the truth beside them
    Simulate(commands::simulate::SimulateCommand),
    /// Print the service report of a period: response, repair, tiers, recurrence, inspections
    Report(commands::report::ReportCommand),
    /// Say how well incidents met the truth of simulated events
    Score(commands::score::ScoreCommand),
    /// Make, list and revoke access tokens
    Token(commands::token::TokenCommand),
}

/// The whole program. Exit codes: 0 done, 1 failed, 2 wrong usage.
pub fn main() -> ExitCode {
    time_zones::choose();
    let command = CommandLine::parse().command;
    let done = match command {
        CliCommand::Serve(flags) => in_runtime(serve::run(flags)),
        CliCommand::Demo(command) => {
            serve::logging::start_quiet();
            in_runtime(commands::demo::run(command))
        }
        CliCommand::Check(command) => Ok(commands::check::run(&command)),
        CliCommand::Replay(command) => in_runtime(commands::replay::run(command)),
        CliCommand::Explain(command) => in_runtime(commands::explain::run(command)),
        CliCommand::Problems(command) => in_runtime(commands::problems::run(command)),
        CliCommand::Test(command) => Ok(commands::test::run(&command)),
        CliCommand::Schema(command) => commands::schema::run(&command),
        CliCommand::Import(command) => commands::import::run(&command),
        CliCommand::Simulate(command) => commands::simulate::run(&command),
        CliCommand::Report(command) => in_runtime(commands::report::run(command)),
        CliCommand::Score(command) => commands::score::run(&command),
        CliCommand::Token(command) => in_runtime(commands::token::run(command)),
    };
    done.unwrap_or_else(|error| {
        eprintln!("watchfire: {error}");
        ExitCode::FAILURE
    })
}

fn in_runtime(work: impl Future<Output = Result<ExitCode, String>>) -> Result<ExitCode, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime cannot be started: {error}"))?;
    runtime.block_on(work)
}
