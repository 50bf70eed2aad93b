//! `watchfire archive`: moves old records from the tables into files of JSON lines, which `replay` and `explain` read.
//!
//! A line is written to disk before its rows are deleted; a stop between the two leaves it in both places, never in
//! none.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::{Deserialize, Serialize};
use tokio_util::task::TaskTracker;

use super::backup::Database;
use super::database::open_database;
use crate::api::{IncidentExplanation, archived_explanation};
use crate::app::runtime::clock::Clock;
use crate::app::serve::services::Services;
use crate::core::engine::{AlertRecord, AuditEntry, CountedEvent};
use crate::core::model::{Event, IncidentId, TimeDelta, Timestamp};
use crate::store::{AuditLink, Store, StoreError};

/// Default age of archived records.
const OLDER_THAN: &str = "365d";
/// Minimum age, because the service may still need younger records: a closed incident may be reopened.
const YOUNGEST: TimeDelta = TimeDelta::from_days(30);
/// Minimum age of archived audit entries.
const AUDIT_KEPT: TimeDelta = TimeDelta::from_days(180);
/// Interval at which the service archives by itself.
const EVERY: TimeDelta = TimeDelta::from_days(1);
/// Records in one transaction.
const SLICE: u32 = 200;

/// Writes closed incidents with their dependent rows, alerts long resolved, and old entries of the audit into a file,
/// and deletes them from the database; also while the service runs. Keeps open incidents, incidents whose problem is
/// not reviewed, and incidents with a notification still to be sent.
#[derive(Args, Debug)]
pub struct ArchiveCommand {
    /// The file; existing lines stay, new lines follow
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Age of archived records: 30d or more; for the audit never less than 180d
    #[arg(long, value_name = "SPAN", default_value = OLDER_THAN)]
    older_than: String,
    #[command(flatten)]
    database: Database,
}

/// One line of an archive.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "archived", rename_all = "snake_case")]
pub enum ArchiveSummaryLine {
    Incident(Box<IncidentExplanation>),
    Alert(Box<AlertRecord>),
    Audit {
        seq: i64,
        /// Hash over this entry and all before it.
        hash: String,
        /// Its JSON as it was hashed.
        entry: String,
    },
}

/// Numbers of archived records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Archived {
    pub incidents: u64,
    pub alerts: u64,
    pub audit_entries: u64,
}

/// Exit code 0: every record that is old enough is in the file.
pub async fn run(command: ArchiveCommand) -> Result<ExitCode, String> {
    let older_than: TimeDelta = command
        .older_than
        .parse()
        .map_err(|error: crate::core::model::ParseTimeDeltaError| format!("--older-than: {error}"))?;
    if older_than < YOUNGEST {
        return Err(format!("--older-than {older_than}: at least {YOUNGEST}, since the service may still need those"));
    }
    let store = open_database(&command.database.url()?).await?;
    let now = Clock::system().now();
    let archived = archive(&store, &command.file, now - older_than, now - older_than.max(AUDIT_KEPT)).await?;
    let Archived { incidents, alerts, audit_entries } = archived;
    println!(
        "{}: {incidents} incidents, {alerts} alerts and {audit_entries} entries of the audit, older than {older_than}",
        command.file.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Archives old records once a day, if a directory for it is configured.
pub fn start(doors: &Services, tasks: &TaskTracker) {
    let Some(directory) = doors.config.archive_dir.clone() else { return };
    let (store, keep, now, stop) = (doors.store.clone(), doors.config.records_keep, doors.now(), doors.stop.clone());
    tasks.spawn(async move {
        let mut daily = tokio::time::interval(EVERY.to_std());
        daily.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(daily.tick()).await.is_some() {
            let at = now();
            let file = directory.join(format!("watchfire-{}.ndjson", &format!("{at:.0}")[..7]));
            let outcome = match tokio::fs::create_dir_all(&directory).await {
                Ok(()) => archive(&store, &file, at - keep, at - keep.max(AUDIT_KEPT)).await,
                Err(error) => Err(error.to_string()),
            };
            match outcome {
                Ok(archived) => tracing::info!(?archived, file = %file.display(), "old records archived"),
                Err(error) => tracing::error!(error, file = %file.display(), "old records stay in the database"),
            }
        }
    });
}

/// Archives records that ended before those times.
pub async fn archive(
    store: &Store,
    file: &Path,
    before: Timestamp,
    audit_before: Timestamp,
) -> Result<Archived, String> {
    let mut archive = Archive::append(file)?;
    let mut archived = Archived::default();
    let failed = |error: StoreError| error.to_string();
    let mut after = IncidentId(0);
    loop {
        let (old, looked_at) = store.old_incidents(before, after, SLICE).await.map_err(failed)?;
        let ids: Vec<IncidentId> = old.iter().map(|incident| incident.id).collect();
        for incident in old {
            let explanation = archived_explanation(store, incident).await.map_err(|error| error.to_string())?;
            archive.put(&ArchiveSummaryLine::Incident(Box::new(explanation)))?;
        }
        archive.sync()?;
        store.drop_incidents(&ids).await.map_err(failed)?;
        archived.incidents += ids.len() as u64;
        match looked_at {
            Some(last) => after = last,
            None => break,
        }
    }
    loop {
        let old = store.old_alerts(before, SLICE).await.map_err(failed)?;
        if old.is_empty() {
            break;
        }
        let fingerprints: Vec<_> = old.iter().map(|alert| alert.fingerprint).collect();
        for alert in old {
            archive.put(&ArchiveSummaryLine::Alert(Box::new(alert)))?;
        }
        archive.sync()?;
        store.drop_alerts(&fingerprints).await.map_err(failed)?;
        archived.alerts += fingerprints.len() as u64;
    }
    archived.audit_entries = archive_audit(store, &mut archive, audit_before).await?;
    store.give_back_room().await.map_err(failed)?;
    Ok(archived)
}

async fn archive_audit(store: &Store, archive: &mut Archive, before: Timestamp) -> Result<u64, String> {
    let mut count = 0;
    loop {
        let oldest = store.oldest_audit(SLICE).await.map_err(|error| error.to_string())?;
        let mut last: Option<AuditLink> = None;
        for (link, body) in oldest {
            let entry: AuditEntry = serde_json::from_str(&body).map_err(|error| format!("audit {link}: {error}"))?;
            if entry.at >= before {
                break;
            }
            let hash = link.hash.iter().map(|byte| format!("{byte:02x}")).collect();
            archive.put(&ArchiveSummaryLine::Audit { seq: link.seq, hash, entry: body })?;
            last = Some(link);
            count += 1;
        }
        let Some(last) = last else { return Ok(count) };
        archive.sync()?;
        store.drop_audit(&last).await.map_err(|error| error.to_string())?;
    }
}

/// A growing archive file.
struct Archive {
    file: File,
    shown: String,
}

impl Archive {
    fn append(path: &Path) -> Result<Archive, String> {
        let shown = path.display().to_string();
        let mut options = OpenOptions::new();
        let file = options.append(true).create(true).mode(0o600).open(path);
        Ok(Archive { file: file.map_err(|error| format!("{shown}: {error}"))?, shown })
    }

    fn put(&mut self, line: &ArchiveSummaryLine) -> Result<(), String> {
        let mut text = serde_json::to_vec(line).map_err(|error| format!("{}: {error}", self.shown))?;
        text.push(b'\n');
        self.file.write_all(&text).map_err(|error| format!("{}: {error}", self.shown))
    }

    fn sync(&self) -> Result<(), String> {
        self.file.sync_all().map_err(|error| format!("{}: {error}", self.shown))
    }
}

/// An incident of an archive, explained as of its archiving; from its newest line.
pub fn find_incident(path: &Path, id: IncidentId) -> Result<IncidentExplanation, String> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| format!("{shown}: {error}"))?;
    let mut found = None;
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        let line = line.map_err(|error| format!("{shown}:{number}: {error}"))?;
        let line: ArchiveSummaryLine =
            serde_json::from_str(&line).map_err(|error| format!("{shown}:{number}: {error}"))?;
        if let ArchiveSummaryLine::Incident(one) = line
            && one.incident.id == id
        {
            found = Some(*one);
        }
    }
    found.ok_or_else(|| format!("{shown}: {id} is not in this archive"))
}

/// The events of an archive line, for a replay: those that counted when the incident opened. `None` for a line of
/// another file.
pub fn events_of(line: &[u8]) -> Option<Vec<Event>> {
    if !line.starts_with(b"{\"archived\":") {
        return None;
    }
    match serde_json::from_slice(line).ok()? {
        ArchiveSummaryLine::Incident(explained) => Some(explained.evidence.into_iter().map(event).collect()),
        ArchiveSummaryLine::Alert(_) | ArchiveSummaryLine::Audit { .. } => Some(Vec::new()),
    }
}

fn event(evidence: CountedEvent) -> Event {
    Event {
        severity: Some(evidence.severity),
        summary: evidence.summary,
        occurred_at: Some(evidence.at),
        value: evidence.value,
        raw: evidence.raw,
        ..Event::new(&evidence.source, evidence.status, evidence.labels)
    }
}
