//! `watchfire replay`: recorded events through the live engine on virtual time, and which incidents they make.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::replay_members::Members;
use super::rule_files;
use crate::engine::{Engine, Request, Work};
use crate::incidents::Incident;
use crate::ingest::native;
use crate::metrics::Stopwatch;
use crate::model::{Event, Moment, Span};

/// How often progress is shown, in events.
const PROGRESS_EVERY: u64 = 100_000;

/// How long the virtual clock runs on after the last event, so that everything that was to happen has happened.
const RUN_ON: Span = Span::from_hours(24);

/// Plays a file of native events (one JSON object a line) through the rules, as fast as they go.
#[derive(Args, Debug)]
pub struct ReplayCommand {
    /// Events, one JSON object a line; "-" for standard input. `occurred_at` is the time at which each is taken
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Directory of rule files [default: ./rules, or the built-in rules]
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Print the incidents as JSON lines
    #[arg(long)]
    json: bool,
    /// Also write which events ended in which incident, as JSON lines for `watchfire score`
    #[arg(long, value_name = "FILE")]
    incidents: Option<PathBuf>,
}

pub fn run(command: &ReplayCommand) -> Result<ExitCode, String> {
    let default = PathBuf::from("rules");
    let dir = command.rules.clone().or(Some(default).filter(|dir| dir.is_dir()));
    let loaded = rule_files::load(dir.as_deref())?;
    let watch = Stopwatch::start();
    let mut player = Player::new(Arc::new(loaded.rulebook));
    player.members = Members::new(command.incidents.is_some());
    let reader: Box<dyn BufRead> = if command.file.as_os_str() == "-" {
        Box::new(BufReader::new(std::io::stdin()))
    } else {
        let file =
            std::fs::File::open(&command.file).map_err(|error| format!("{}: {error}", command.file.display()))?;
        Box::new(BufReader::with_capacity(1 << 20, file))
    };
    let show_progress = std::io::stderr().is_terminal();
    for (index, line) in reader.lines().enumerate() {
        let line = line.map_err(|error| format!("line {}: {error}", index + 1))?;
        if line.trim().is_empty() {
            continue;
        }
        player.play(&line).map_err(|error| format!("line {}: {error}", index + 1))?;
        if show_progress && player.events.is_multiple_of(PROGRESS_EVERY) {
            eprint!("\r{} events, {} incidents", player.events, player.incidents.len());
        }
    }
    player.finish()?;
    if show_progress {
        eprint!("\r");
    }
    if let Some(path) = &command.incidents {
        player.members.write(path, &player.incidents)?;
    }
    player.print(command.json, watch.seconds());
    Ok(ExitCode::SUCCESS)
}

/// The engine on virtual time.
struct Player {
    engine: Engine,
    work: Work,
    now: Moment,
    events: u64,
    incidents: BTreeMap<u64, Incident>,
    problems: BTreeMap<u64, crate::problems::Problem>,
    members: Members,
}

impl Player {
    fn new(rulebook: Arc<crate::rules::Rulebook>) -> Player {
        let mut engine = Engine::new(None);
        let hash = rulebook.hash;
        engine.learn(rulebook);
        let mut work = Work::default();
        engine
            .handle(Moment::EPOCH, Request::Rulebook(hash), &mut work)
            .expect("a fresh engine takes a rulebook that it was taught");
        Player {
            engine,
            work,
            now: Moment::EPOCH,
            events: 0,
            incidents: BTreeMap::new(),
            problems: BTreeMap::new(),
            members: Members::default(),
        }
    }

    fn play(&mut self, line: &str) -> Result<(), String> {
        let decoded = native::decode(line.as_bytes()).map_err(|error| error.to_string())?;
        if let Some(rejected) = decoded.rejected.first() {
            return Err(rejected.error.clone());
        }
        decoded.events.into_iter().try_for_each(|event| self.take(event))
    }

    fn take(&mut self, event: Event) -> Result<(), String> {
        if self.events == 0 {
            // Inspections and anything else that runs by the calendar begin with the recording, not in 1970.
            self.start_at(event.occurred_at.unwrap_or(Moment::EPOCH));
        }
        self.now = event.occurred_at.unwrap_or(self.now).max(self.now);
        self.serve(self.now)?;
        self.members.event(&event);
        self.engine
            .handle(self.now, Request::Event(Box::new(event)), &mut self.work)
            .map_err(|error| error.to_string())?;
        self.events += 1;
        self.keep();
        Ok(())
    }

    fn start_at(&mut self, now: Moment) {
        self.now = now;
        let hash = self.engine.rulebook().hash;
        let rulebook = Arc::clone(self.engine.rulebook());
        self.engine = Engine::new(None);
        self.engine.learn(rulebook);
        self.engine
            .handle(now, Request::Rulebook(hash), &mut self.work)
            .expect("a fresh engine takes a rulebook that it was taught");
    }

    fn serve(&mut self, until: Moment) -> Result<(), String> {
        while let Some((at, partition)) = self.engine.next_deadline().filter(|(at, _)| *at <= until) {
            self.engine.handle(at, Request::Tick(partition), &mut self.work).map_err(|error| error.to_string())?;
            self.keep();
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), String> {
        self.serve(self.now + RUN_ON)
    }

    fn keep(&mut self) {
        self.work.entries.clear();
        self.members.effects(&self.work.effects);
        for effect in self.work.effects.drain(..) {
            if let crate::engine::Effect::Incident(incident) = effect {
                self.incidents.insert(incident.id.0, *incident);
            } else if let crate::engine::Effect::Problem(problem) = effect {
                self.problems.insert(problem.id.0, *problem);
            }
        }
    }

    fn print(&self, json: bool, seconds: f64) {
        if json {
            for incident in self.incidents.values() {
                println!("{}", serde_json::to_string(incident).unwrap_or_default());
            }
            return;
        }
        let mut table = super::table::Table::new(["id", "opened", "tier", "prio", "state", "alerts", "rule", "title"]);
        for incident in self.incidents.values() {
            table.row([
                incident.id.to_string(),
                format!("{:.0}", incident.opened_at),
                incident.tier.to_string(),
                incident.priority.to_string(),
                incident.state.as_str().to_owned(),
                incident.alerts.to_string(),
                incident.rule.clone(),
                incident.title.clone(),
            ]);
        }
        print!("{table}");
        println!(
            "{} events → {} incidents, {} problems in {seconds:.2} s ({:.0} events/s)",
            self.events,
            self.incidents.len(),
            self.problems.len(),
            self.events as f64 / seconds.max(1e-9),
        );
    }
}
