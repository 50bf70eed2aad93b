//! `watchfire backup` and `watchfire restore`: the whole database in one file, and back.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::app::config::{Config, ServeFlags};
use crate::app::runtime::clock::Clock;
use crate::app::terminal::local_time::local;
use crate::store;
use crate::store::ArchiveContents;

/// The database of the command.
#[derive(Args, Debug)]
pub struct Database {
    /// Configuration file of the service [default: ./watchfire.yaml if it is there]
    #[arg(long, env = "WATCHFIRE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory of its embedded database [default: ./watchfire-data]
    #[arg(long, env = "WATCHFIRE_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Its PostgreSQL database instead: postgres://user@host/database
    #[arg(long, env = "WATCHFIRE_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
}

impl Database {
    pub fn url(self) -> Result<String, String> {
        let Database { config, data_dir, database_url } = self;
        let flags = ServeFlags { config, data_dir, database_url, ..ServeFlags::default() };
        Ok(Config::resolve(flags).map_err(|error| error.to_string())?.database_url)
    }
}

/// Writes all committed data into one compressed file, as of one point in time, while the service runs; the file is
/// read back before it gets its name.
#[derive(Args, Debug)]
pub struct BackupCommand {
    /// The file to create
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    database: Database,
}

/// Restores a backup into a database that does not exist yet (embedded) or is empty (PostgreSQL); a backup of one kind
/// restores into the other. Start the service on it afterwards.
#[derive(Args, Debug)]
pub struct RestoreCommand {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    database: Database,
}

/// Exit code 0: the backup is written and reads back.
pub async fn back_up(command: BackupCommand) -> Result<ExitCode, String> {
    let url = command.database.url()?;
    let made = store::back_up(&url, &command.file, Clock::system().now(), &shown()).await;
    let contents = made.map_err(|error| error.to_string())?;
    end_progress();
    println!("{}: {}", command.file.display(), described(&contents));
    Ok(ExitCode::SUCCESS)
}

/// Exit code 0: everything is restored.
pub async fn restore(command: RestoreCommand) -> Result<ExitCode, String> {
    let url = command.database.url()?;
    let restored = store::restore(&command.file, &url, &shown()).await;
    let contents = restored.map_err(|error| error.to_string())?;
    end_progress();
    println!("restored {}: {}", command.file.display(), described(&contents));
    Ok(ExitCode::SUCCESS)
}

/// One line about the contents of a backup.
pub fn described(contents: &ArchiveContents) -> String {
    let inputs: u64 = contents.heads.iter().map(|(_, next)| next.0).sum();
    format!(
        "{} rows, the journal up to input {inputs}, of {}, {} bytes",
        contents.all_rows(),
        local(contents.made_at),
        contents.bytes
    )
}

/// Progress for a person at a terminal.
pub fn shown() -> impl Fn(u64) + Sync {
    let terminal = std::io::stderr().is_terminal();
    move |rows| {
        if terminal {
            eprint!("\r{rows} rows");
        }
    }
}

pub fn end_progress() {
    if std::io::stderr().is_terminal() {
        eprint!("\r");
    }
}
