//! The program: configuration, wiring, the one driver loop, reload, shutdown, one file per command.
//!
//! The driver alone writes; the rest must never touch the journal or the records.

mod announce;
mod block;
mod check;
mod clock;
mod config;
mod courier;
mod demo;
mod doors;
mod driver;
mod explain;
mod gauges;
mod heartbeat;
mod http_server;
mod import;
mod local_time;
mod logging;
mod outage;
mod problems;
mod reach;
mod recover;
mod replay;
mod report;
mod rule_files;
mod schema;
mod score;
mod serve;
mod simulate;
mod snapshots;
mod table;
mod test;
mod token;
mod why;
mod year;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use report::shown as service_report;
pub use year::{SimulatedYear, simulate_year};

/// Event correlation, incidents on three tiers, recurring problems and inspections for a 7×24 operations centre.
///
/// Monitoring tools push events in over HTTP (also as to an Alertmanager) and MQTT; rule files make incidents of them;
/// what nobody takes climbs from first to second to third line.
#[derive(Parser, Debug)]
#[command(name = "watchfire", version, after_help = "Start with `watchfire demo`, then `watchfire serve`.")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run the service
    Serve(config::ServeFlags),
    /// Run the service with a simulated province that breaks before your eyes
    Demo(demo::DemoCommand),
    /// Check rule files and say what is wrong, where
    Check(check::CheckCommand),
    /// Play recorded events through the rules on virtual time and show the incidents
    Replay(replay::ReplayCommand),
    /// Say why: the chain behind an incident, an alert, an event; or why there is none
    Explain(explain::ExplainCommand),
    /// Review recurring problems: the queue, one with its evidence and hints, and decisions on it
    Problems(problems::ProblemsCommand),
    /// Run the tests that stand beside the rules, on virtual time
    Test(test::TestCommand),
    /// Print the JSON Schema of rule files, for editors
    Schema(schema::SchemaCommand),
    /// Translate another tool's configuration into rule files
    Import(import::ImportCommand),
    /// Make a seeded estate that breaks: events for replay, and the truth beside them
    Simulate(simulate::SimulateCommand),
    /// Print the service report of a period: response, repair, tiers, recurrence, inspections
    Report(report::ReportCommand),
    /// Say how well incidents met the truth of simulated events
    Score(score::ScoreCommand),
    /// Make, list and revoke access tokens
    Token(token::TokenCommand),
}

/// The whole program. Exit codes: 0 done, 1 failed, 2 wrong usage.
pub fn main() -> ExitCode {
    let command = CommandLine::parse().command;
    let done = match command {
        Command::Serve(flags) => in_runtime(serve::run(flags)),
        Command::Demo(command) => {
            logging::start_quiet();
            in_runtime(demo::run(command))
        }
        Command::Check(command) => Ok(check::run(&command)),
        Command::Replay(command) => in_runtime(replay::run(command)),
        Command::Explain(command) => in_runtime(explain::run(command)),
        Command::Problems(command) => in_runtime(problems::run(command)),
        Command::Test(command) => Ok(test::run(&command)),
        Command::Schema(command) => schema::run(&command),
        Command::Import(command) => import::run(&command),
        Command::Simulate(command) => simulate::run(&command),
        Command::Report(command) => in_runtime(report::run(command)),
        Command::Score(command) => score::run(&command),
        Command::Token(command) => in_runtime(token::run(command)),
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
