//! `watchfire replay`: recorded events through the live engine on virtual time: the incidents that they make, and those
//! that they would make under other rules.

mod compare;
pub(in crate::app) mod diagnosis;
mod firings;
mod journal;
mod membership_export;
mod outcome;
mod period;
mod player;
mod report;

use super::database::open_existing;
use std::io::{BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use self::firings::Firings;
use self::journal::Journal;
use self::membership_export::MembershipExport;
pub use self::outcome::ReplayResult;
use self::period::ReplayPeriod;
use self::player::warm_up;
pub use self::player::{ReplayEngine, without_inspections};
use crate::app::commands::archive;
use crate::app::config::ServeFlags;
use crate::app::serve::rule_files;
use crate::app::serve::services::DOMAIN_SETTING;
use crate::core::engine::Request;
use crate::core::model::{Event, Status, Timestamp};
use crate::core::rules::Source;
use crate::ingest::{Decoded, decode, native};
use crate::metrics::Stopwatch;
use crate::store::Store;

/// Interval of progress reports, in events.
const PROGRESS_EVERY: u64 = 100_000;

/// Plays recorded events through the rules, at full speed, and shows the incidents that they make.
///
/// The recording is a file of events, or, without FILE, the journal of a watchfire from --from to --to.
#[derive(Args, Debug)]
pub struct ReplayCommand {
    /// Events, one JSON object a line, or an archive; "-" for standard input. `occurred_at` is the time at which each is
    /// taken
    #[arg(value_name = "FILE", required_unless_present_any = ["from", "to"])]
    file: Option<PathBuf>,
    /// The lines of FILE are payloads of this source of the rule files, not native events
    #[arg(long, value_name = "NAME", requires = "file")]
    source: Option<String>,
    /// Take every line of FILE as a log line: an event without an alert
    #[arg(long, requires = "file")]
    points: bool,
    /// Report from here on: 2026-02-13T17:00 (your zone), with an offset, or 7d (that long ago)
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Up to here [default: the end, and a day more for pending timers]
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Rules: a directory or a file [default: ./rules, or the built-in rules]
    #[arg(long, value_name = "RULES")]
    rules: Option<PathBuf>,
    /// Show the differences if these rules replaced --rules
    #[arg(long, value_name = "RULES")]
    against: Option<PathBuf>,
    /// Data directory of the watchfire whose journal is played [default: ./watchfire-data]
    #[arg(long, value_name = "DIR", env = "WATCHFIRE_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// PostgreSQL database of the watchfire whose journal is played
    #[arg(long, value_name = "URL", env = "WATCHFIRE_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Print JSON: an incident a line, or one object with --against
    #[arg(long)]
    json: bool,
    /// Also write the events of each incident, as JSON lines for `watchfire score`
    #[arg(long, value_name = "FILE")]
    incidents: Option<PathBuf>,
    /// Also write a line for each firing and clear of a rule up to the last input: `raised|cleared RULE KEY`
    #[arg(long, value_name = "FILE")]
    firings: Option<PathBuf>,
}

pub async fn run(command: ReplayCommand) -> Result<ExitCode, String> {
    let period = ReplayPeriod::parse(command.from.as_deref(), command.to.as_deref())?;
    let watch = Stopwatch::start();
    let mut stage = ReplaySetup::set(&command, period).await?;
    match &command.file {
        Some(file) => stage.play_file(file, command.source.as_deref(), command.points)?,
        None => stage.play_journal(&command).await?,
    }
    stage.finish()?;
    if let Some(path) = &command.incidents {
        stage.player.story.following.write(path, &stage.player.story.incidents)?;
    }
    stage.handle_delivery_report(&command, watch.seconds());
    Ok(ExitCode::SUCCESS)
}

/// One recording, one or two players of it.
struct ReplaySetup {
    player: ReplayEngine,
    other: Option<ReplayEngine>,
    period: ReplayPeriod,
    /// Earlier inputs matter to no window.
    begin: Option<Timestamp>,
    show_progress: bool,
    unknown_resends: u64,
}

impl ReplaySetup {
    async fn set(command: &ReplayCommand, period: ReplayPeriod) -> Result<ReplaySetup, String> {
        let domain = match command.file {
            Some(_) => None,
            None => open(command).await?.setting(DOMAIN_SETTING).await.map_err(|error| error.to_string())?,
        };
        let domain = domain.filter(|label| !label.is_empty());
        let rules = rule_files::load(rule_files::named_or_default(command.rules.as_deref()).as_deref())?.rulebook;
        let other = command.against.as_deref().map(|path| rule_files::load(Some(path))).transpose()?;
        let warm = warm_up(&rules).max(other.as_ref().map_or(warm_up(&rules), |other| warm_up(&other.rulebook)));
        let mut player = ReplayEngine::new(without_inspections(rules), domain.clone());
        player.story.lean = other.is_none();
        player.story.following = MembershipExport::new(command.incidents.is_some());
        if let Some(path) = &command.firings {
            player.follow_firings(Firings::create(path)?);
        }
        Ok(ReplaySetup {
            player,
            other: other.map(|other| ReplayEngine::new(without_inspections(other.rulebook), domain)),
            begin: period.from.map(|from| from - warm),
            period,
            show_progress: std::io::stderr().is_terminal(),
            unknown_resends: 0,
        })
    }

    fn play_file(&mut self, path: &Path, source: Option<&str>, points: bool) -> Result<(), String> {
        let source = match source {
            Some(name) => Some(self.player.rulebook().source(name).cloned().ok_or_else(|| {
                format!("--source {name}: no such source in the rules; see sources: in the rule files")
            })?),
            None => None,
        };
        let mut reader: Box<dyn BufRead> = if path.as_os_str() == "-" {
            Box::new(BufReader::new(std::io::stdin()))
        } else {
            let file = std::fs::File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
            Box::new(BufReader::with_capacity(1 << 20, file))
        };
        let (mut line, mut decoded, mut archived) = (Vec::new(), Decoded::default(), Vec::new());
        for number in 1_u64.. {
            line.clear();
            let failed = |error: String| format!("{}:{number}: {error}", path.display());
            if reader.read_until(b'\n', &mut line).map_err(|error| failed(error.to_string()))? == 0 {
                break;
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            if let Some(events) = archive::events_of(&line) {
                archived.extend(events);
                continue;
            }
            read_events(&line, source.as_ref(), &mut decoded).map_err(failed)?;
            for mut event in decoded.events.drain(..) {
                if points {
                    event.status = Status::Point;
                }
                let at = event.occurred_at.or(self.player.now()).unwrap_or(Timestamp::EPOCH);
                if !self.take(at, Request::Event(Box::new(event))).map_err(failed)? {
                    return Ok(());
                }
            }
        }
        self.play_archived(archived)
    }

    /// The events of an archive lie by incident; they are played in the order of their time.
    fn play_archived(&mut self, mut events: Vec<Event>) -> Result<(), String> {
        events.sort_by_key(|event| event.occurred_at);
        for event in events {
            let at = event.occurred_at.unwrap_or(Timestamp::EPOCH);
            if !self.take(at, Request::Event(Box::new(event)))? {
                break;
            }
        }
        Ok(())
    }

    async fn play_journal(&mut self, command: &ReplayCommand) -> Result<(), String> {
        let shown = |error: crate::store::StoreError| error.to_string();
        let mut journal = Journal::open(open(command).await?).await.map_err(shown)?;
        let Some(reach) = journal.reach().await.map_err(shown)? else {
            return Err("the journal is empty: nothing came in yet".to_owned());
        };
        if let (Some(from), Some(begin)) = (self.period.from, self.begin) {
            if !reach.complete && begin < reach.earliest {
                return Err(period::too_early(from, begin, reach.earliest));
            }
            journal.skip_to(begin).await.map_err(shown)?;
        }
        while let Some(recorded) = journal.next().await.map_err(shown)? {
            if !self.take(recorded.at, recorded.request)? {
                break;
            }
        }
        self.unknown_resends = journal.unknown_resends;
        Ok(())
    }

    /// Returns true to continue.
    fn take(&mut self, at: Timestamp, request: Request) -> Result<bool, String> {
        if self.begin.is_some_and(|begin| at < begin) {
            return Ok(true);
        }
        if self.period.to.is_some_and(|to| at > to) {
            return Ok(false);
        }
        if let Some(other) = &mut self.other {
            other.take(at, request.clone())?;
        }
        self.player.take(at, request)?;
        let events = self.player.story.events;
        if self.show_progress && events.is_multiple_of(PROGRESS_EVERY) {
            eprint!("\r{events} events, {} incidents", self.player.story.incidents.len());
        }
        Ok(true)
    }

    fn finish(&mut self) -> Result<(), String> {
        self.player.finish_firings()?;
        for player in std::iter::once(&mut self.player).chain(&mut self.other) {
            match self.period.to {
                Some(to) if player.now().is_some() => player.until(to)?,
                Some(_) => {}
                None => player.run_on()?,
            }
        }
        if self.show_progress {
            eprint!("\r");
        }
        Ok(())
    }

    fn handle_delivery_report(&self, command: &ReplayCommand, seconds: f64) {
        let facts = report::ReplayFacts { from: self.period.from, seconds, unknown_resends: self.unknown_resends };
        let name =
            |path: Option<&PathBuf>| path.map_or("the built-in rules".to_owned(), |path| path.display().to_string());
        match &self.other {
            Some(other) => {
                let rules = rule_files::named_or_default(command.rules.as_deref());
                let names = (name(rules.as_ref()), name(command.against.as_ref()));
                let difference = compare::compare(&self.player.story, &other.story, self.period.from);
                report::difference(&difference, &self.player.story, &names, &facts, command.json);
            }
            None => report::incidents(&self.player.story, &facts, command.json),
        }
    }
}

/// Opens the store of the played journal; never creates one.
async fn open(command: &ReplayCommand) -> Result<Store, String> {
    let (data_dir, database_url) = (command.data_dir.clone(), command.database_url.clone());
    open_existing(ServeFlags { data_dir, database_url, ..ServeFlags::default() }).await
}

/// Reads one line into the space of the line before.
fn read_events(line: &[u8], source: Option<&Source>, decoded: &mut Decoded) -> Result<(), String> {
    let read = match source {
        Some(source) => decode::decode(source, line, &decode::mqtt_context("")).map(|new| *decoded = new),
        None => native::decode_into(line, decoded),
    };
    read.map_err(|error| error.to_string())?;
    match decoded.rejected.first() {
        Some(rejected) => Err(rejected.error.clone()),
        None => Ok(()),
    }
}
