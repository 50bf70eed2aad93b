//! The program: configuration, wiring, the one driver loop, reload, shutdown, one file per command.
//!
//! The driver alone writes; the rest must never touch the journal or the records.

mod commands;
mod config;
mod config_error;
mod mqtt_config;
mod own_events;
mod runtime;
mod serve;
mod terminal;
mod time_zones;
mod web_config;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use commands::report::shown as service_report;
pub use commands::simulate_year::{SimulatedYear, simulate_year};

/// Event correlation, incidents on three tiers, recurring problems and inspections for a 7×24 operations centre.
///
/// Monitoring tools push events over HTTP (also as to an Alertmanager) and MQTT; rule files make incidents of them; an
/// unacknowledged incident escalates from first to second to third line.
#[derive(Parser, Debug)]
#[command(name = "watchfire", version, after_help = "Start with `watchfire demo`, then `watchfire serve`.")]
struct CommandLine {
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(Subcommand, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one a process")]
enum CliCommand {
    /// Run the service
    Serve(config::ServeFlags),
    /// Run the service with a simulated province that breaks before your eyes
    Demo(commands::demo::DemoCommand),
    /// Check rule files and report errors with their place
    Check(commands::check::CheckCommand),
    /// Play recorded events through the rules on virtual time and show the incidents
    Replay(commands::replay::ReplayCommand),
    /// Explain the chain behind an incident, an alert or an event, or the reason why there is none
    Explain(commands::explain::ExplainCommand),
    /// Review recurring problems: the queue, one problem with its evidence and hints, and decisions on it
    Problems(commands::problems::ProblemsCommand),
    /// Run the tests of rule files on virtual time
    Test(commands::test::TestCommand),
    /// Print the JSON Schema of rule files, for editors
    Schema(commands::schema::SchemaCommand),
    /// Translate another tool's configuration into rule files
    Import(commands::import::ImportCommand),
    /// Make a seeded estate that breaks: events for replay, and the truth about them
    Simulate(commands::simulate::SimulateCommand),
    /// Print the service report of a period: response, repair, tiers, recurrence, inspections
    Report(commands::report::ReportCommand),
    /// Score incidents against the truth of simulated events
    Score(commands::score::ScoreCommand),
    /// Send an event, or a stream of them: for hooks and programs of other tools
    Send(commands::send::SendCommand),
    /// Make, list and revoke access tokens
    Token(commands::token::TokenCommand),
    /// Back the database up into one file, while the service runs
    Backup(commands::backup::BackupCommand),
    /// Restore a backup into a new database, of either kind
    Restore(commands::backup::RestoreCommand),
    /// Move old records from the database into a file that replay and explain read
    Archive(commands::archive::ArchiveCommand),
    /// Check a database or a backup: journal, snapshots against a replay, the audit's chain
    Verify(commands::verify::VerifyCommand),
}

/// How long threads may go on once the work is done.
const THREADS_GRACE: std::time::Duration = std::time::Duration::from_secs(2);

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
        CliCommand::Send(command) => commands::send::run(command),
        CliCommand::Token(command) => in_runtime(commands::token::run(command)),
        CliCommand::Backup(command) => in_runtime(commands::backup::back_up(command)),
        CliCommand::Restore(command) => in_runtime(commands::backup::restore(command)),
        CliCommand::Archive(command) => in_runtime(commands::archive::run(command)),
        CliCommand::Verify(command) => in_runtime(commands::verify::run(command)),
    };
    done.unwrap_or_else(|error| {
        eprintln!("watchfire: {error}");
        ExitCode::FAILURE
    })
}

/// Stack of a worker thread, in bytes. The term of a lease holder is a chain of large futures, whose frames take more than
/// the usual 2 MiB where nothing is optimised; pages that are never touched cost nothing.
const STACK_BYTES: usize = 16 << 20;

fn in_runtime(work: impl Future<Output = Result<ExitCode, String>>) -> Result<ExitCode, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK_BYTES)
        .build()
        .map_err(|error| format!("the runtime cannot be started: {error}"))?;
    let done = runtime.block_on(work);
    // A thread that hangs in the file system must not keep the process.
    runtime.shutdown_timeout(THREADS_GRACE);
    done
}
