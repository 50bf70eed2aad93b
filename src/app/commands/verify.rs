//! `watchfire verify`: checks the integrity of a database or a backup, and lists its faults.
//!
//! Checks every checksum of the journal and of the snapshots, the audit's chain, and the whole state: the state from
//! the newest snapshots and the state from the oldest part of the journal must be equal, byte for byte.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::backup;
use super::backup::Database;
use crate::app::runtime::recovery;
use crate::app::runtime::recovery::{Begin, NotRecovered, Recovered};
use crate::app::serve::services::DOMAIN_SETTING;
use crate::core::engine::Engine;
use crate::core::model::{Offset, Partition, TimeDelta};
use crate::store;
use crate::store::{Store, StoreError};

/// Maximum time of one read of a large database.
const PATIENCE: TimeDelta = TimeDelta::from_hours(1);
/// Number of entries read at once.
const READ_ENTRIES: usize = 20_000;
/// Maximum number of listed faults.
const SHOWN_MAX: usize = 50;

/// Checks every checksum of the journal and the snapshots, that a replay leads to the same state as the snapshots, and
/// the chain of the audit. Without FILE it checks a database, which may be in use, though a replay is compared only if
/// no input arrives meanwhile.
#[derive(Args, Debug)]
pub struct VerifyCommand {
    /// A backup: its checksums, and then the database that it restores into
    #[arg(value_name = "FILE", conflicts_with_all = ["data_dir", "database_url"])]
    file: Option<PathBuf>,
    /// Check only that FILE is complete
    #[arg(long, requires = "file")]
    quick: bool,
    #[command(flatten)]
    database: Database,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// The checked items, and their faults.
#[derive(Debug, Default, Serialize)]
pub struct VerifyVerdict {
    blocks: u64,
    inputs: u64,
    snapshots: u64,
    audit_entries: u64,
    /// Entries from before the audit was a chain.
    audit_entries_unlinked: u64,
    /// Start of the compared replay: an offset per partition. `None`: not compared.
    replayed_inputs: Option<u64>,
    /// In the order of their discovery.
    mistakes: Vec<String>,
}

/// Exit code 0: no fault; 1: at least one.
pub async fn run(command: VerifyCommand) -> Result<ExitCode, String> {
    let verdict = match &command.file {
        Some(file) => {
            let contents = store::read_back(file).await.map_err(|error| error.to_string())?;
            if !command.json {
                println!("{}: {}", file.display(), backup::described(&contents));
            }
            if command.quick {
                return Ok(ExitCode::SUCCESS);
            }
            of_backup(file).await?
        }
        None => {
            let url = command.database.url()?;
            let store = open(&url).await?;
            verify(&store).await.map_err(|error| error.to_string())?
        }
    };
    if command.json {
        println!("{}", serde_json::to_string(&verdict).unwrap_or_default());
    } else {
        show(&verdict);
    }
    Ok(if verdict.mistakes.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn open(url: &str) -> Result<Store, String> {
    if let Some(path) = url.strip_prefix("sqlite:").map(|path| path.split('?').next().unwrap_or_default())
        && !std::path::Path::new(path).is_file()
    {
        return Err(format!("{path}: no database of watchfire there; name its directory with --data-dir"));
    }
    Store::open_with(url, PATIENCE).await.map_err(|error| error.to_string())
}

/// Restores it next to the backup, checks the result, and removes it.
async fn of_backup(file: &std::path::Path) -> Result<VerifyVerdict, String> {
    let mut name = file.as_os_str().to_owned();
    name.push(".verifying");
    let directory = PathBuf::from(name);
    drop(std::fs::remove_dir_all(&directory));
    let url = format!("sqlite:{}", directory.join("watchfire.db").display());
    let verdict = async {
        store::restore(file, &url, &backup::shown()).await.map_err(|error| error.to_string())?;
        verify(&open(&url).await?).await.map_err(|error| error.to_string())
    }
    .await;
    backup::end_progress();
    if let Err(error) = std::fs::remove_dir_all(&directory) {
        eprintln!("{}: {error}; remove it by hand", directory.display());
    }
    verdict
}

/// Checks everything; an error only if a check is impossible.
pub async fn verify(store: &Store) -> Result<VerifyVerdict, StoreError> {
    let mut verdict = VerifyVerdict { mistakes: store.check_database().await?, ..VerifyVerdict::default() };
    let heads = store.heads().await?;
    for (partition, head) in &heads {
        journal(store, *partition, *head, &mut verdict).await?;
        snapshots(store, *partition, &mut verdict).await?;
    }
    let audit = store.verify_audit().await?;
    verdict.audit_entries = audit.linked;
    verdict.audit_entries_unlinked = audit.unlinked;
    verdict.mistakes.extend(audit.broken);
    if verdict.mistakes.is_empty() {
        replay(store, &mut verdict).await?;
    }
    Ok(verdict)
}

/// Checks every block of one partition: its checksum, and that it follows the one before.
pub(super) async fn journal(
    store: &Store,
    partition: Partition,
    head: Offset,
    verdict: &mut VerifyVerdict,
) -> Result<(), StoreError> {
    let Some(first) = store.blocks(partition, Offset(0), 1).await?.first().map(|block| block.first) else {
        return Ok(());
    };
    let mut next = first;
    while next < head {
        let found = match store.read_journal(partition, next, READ_ENTRIES).await {
            Ok(entries) => entries,
            Err(StoreError::Trimmed { from, earliest, .. }) => {
                let last = earliest.0.saturating_sub(1);
                verdict.mistakes.push(format!("partition {partition}: the journal lacks the offsets {from} to {last}"));
                next = earliest;
                continue;
            }
            Err(error) if error.is_damage() => {
                verdict.mistakes.push(format!("partition {partition}, from offset {next}: {error}"));
                // The block after the unreadable one.
                let blocks = store.blocks(partition, next, 2).await?;
                let Some(after) = blocks.iter().find(|block| block.first > next) else { return Ok(()) };
                next = after.first;
                continue;
            }
            Err(error) => return Err(error),
        };
        let Some(last) = found.last() else {
            verdict.mistakes.push(format!("partition {partition}: the journal ends at {next}, its head is {head}"));
            return Ok(());
        };
        verdict.inputs += found.len() as u64;
        next = last.offset.next();
    }
    verdict.blocks += store.count_blocks(partition).await?;
    Ok(())
}

/// Checks every section of every kept snapshot.
async fn snapshots(store: &Store, partition: Partition, verdict: &mut VerifyVerdict) -> Result<(), StoreError> {
    let manifests = match store.manifests(partition).await {
        Ok(manifests) => manifests,
        Err(error) if error.is_damage() => {
            verdict.mistakes.push(format!("partition {partition}: its snapshots cannot be listed: {error}"));
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    for manifest in manifests {
        verdict.snapshots += 1;
        for section in &manifest.sections {
            match store.section(partition, section).await {
                Ok(_) => {}
                Err(error) if error.is_damage() => {
                    let offset = manifest.next_offset;
                    verdict.mistakes.push(format!("partition {partition}, snapshot at offset {offset}: {error}"));
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Compares the state from the newest snapshots with the state from the oldest part of the journal.
async fn replay(store: &Store, verdict: &mut VerifyVerdict) -> Result<(), StoreError> {
    let domain = store.setting(DOMAIN_SETTING).await?.filter(|label| !label.is_empty());
    let far = if reaches_back(store).await? { Begin::Nothing } else { Begin::Oldest };
    let (long, short) = (
        recovery::recover_from(store, domain.clone(), far).await,
        recovery::recover_from(store, domain, Begin::Newest).await,
    );
    let (long, short) = match (long, short) {
        (Err(NotRecovered::Store(error)), _) | (_, Err(NotRecovered::Store(error))) => return Err(error),
        (Err(error), _) | (_, Err(error)) => {
            verdict.mistakes.push(error.to_string());
            return Ok(());
        }
        (Ok(long), Ok(short)) => (long, short),
    };
    // An input arrived between the two.
    if long.engine.heads().ne(short.engine.heads()) {
        return Ok(());
    }
    verdict.replayed_inputs = Some(long.replayed);
    verdict.mistakes.extend(differences(&long, &short));
    Ok(())
}

async fn reaches_back(store: &Store) -> Result<bool, StoreError> {
    for partition in store.partitions().await? {
        let first = store.blocks(partition, Offset(0), 1).await?.first().map(|block| block.first);
        if first.is_some_and(|first| first > Offset(0)) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn differences(long: &Recovered, short: &Recovered) -> Vec<String> {
    let (replayed, restored) = (sections(&long.engine), sections(&short.engine));
    let names = replayed.keys().chain(restored.keys().filter(|key| !replayed.contains_key(*key)));
    let differs = |key: &&(Partition, String)| replayed.get(*key) != restored.get(*key);
    let said = |(partition, name): &(Partition, String)| {
        format!("partition {partition}: section {name} of the snapshots and of a replay of the journal differ")
    };
    names.filter(differs).map(said).collect()
}

/// The canonical bytes of an engine's whole state; an encoding error takes their place.
fn sections(engine: &Engine) -> BTreeMap<(Partition, String), Vec<u8>> {
    let mut all = BTreeMap::new();
    for frozen in engine.freeze() {
        for name in frozen.section_names() {
            let bytes = frozen.encode(&name).unwrap_or_else(|error| error.to_string().into_bytes());
            all.insert((frozen.partition, name), bytes);
        }
    }
    all
}

fn show(verdict: &VerifyVerdict) {
    println!(
        "journal: {} inputs in {} blocks; snapshots: {}; audit: {} entries in its chain, {} of before it",
        verdict.inputs, verdict.blocks, verdict.snapshots, verdict.audit_entries, verdict.audit_entries_unlinked
    );
    match verdict.replayed_inputs {
        Some(inputs) => println!("replayed {inputs} inputs and compared the state with the newest snapshots"),
        None if verdict.mistakes.is_empty() => {
            println!("the replay was not compared: inputs came in meanwhile; verify a backup for that");
        }
        None => println!("the replay was not compared: what it needs is damaged"),
    }
    for mistake in verdict.mistakes.iter().take(SHOWN_MAX) {
        println!("WRONG: {mistake}");
    }
    if verdict.mistakes.is_empty() {
        println!("nothing is wrong");
    } else {
        println!(
            "{} mistakes. Keep this database as it is, and restore the newest backup that verifies (watchfire restore FILE)",
            verdict.mistakes.len()
        );
    }
}
