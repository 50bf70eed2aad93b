//! `watchfire simulate`: a seeded estate that breaks, as events with the truth beside them.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::app::terminal::table::TextTable;
use crate::core::simulation;
use crate::core::simulation::{EventKind, Simulation, SimulationParameters};

/// Files that `simulate` writes into its directory, and `score` finds beside the truth.
pub const EVENTS: &str = "events.jsonl";
pub const TRUTH: &str = "truth.jsonl";
pub const INVENTORY: &str = "inventory.yaml";

/// A year; more than that is a typing error.
const HOURS_MAX: i64 = 24 * 366;

/// Makes an estate of 305 devices and a day of its life: faults that cascade, lost alarms, flaps, noise, storms, wrong
/// clocks, repeats, disorder, and an inventory with edges missing.
///
/// The same seed gives the same bytes on every machine. Sizes, delays and shares vary around the preset from seed to
/// seed; devices, rates and the number of storms do not.
#[derive(Args, Debug)]
#[command(after_help = TEACHING)]
pub struct SimulateCommand {
    /// Seed of the estate and its day
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// light: 6 faults, 20 unrelated alarms and 1 flap an hour, 1 storm. heavy: 40, 150, 4 and 8
    #[arg(long, value_enum, default_value_t = PresetArgument::Light)]
    preset: PresetArgument,
    /// Length of the day, in hours
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=HOURS_MAX))]
    hours: u32,
    /// Directory for the three files; created if missing, its files replaced
    #[arg(long, value_name = "DIR", required_unless_present = "year")]
    out: Option<PathBuf>,
    /// Instead: a year of the province of 17 branches, 2,600 clients and twelve staff on the engine itself, on virtual
    /// time and the calendar of that year; prints its service report
    #[arg(long, value_name = "YEAR", conflicts_with_all = ["out", "preset", "hours"],
          value_parser = clap::value_parser!(i16).range(2000..=2100))]
    year: Option<i16>,
    /// For the year: number of days from its first on
    #[arg(long, value_name = "N", default_value_t = 365, requires = "year",
          value_parser = clap::value_parser!(u16).range(1..=366))]
    days: u16,
    /// For the year: share of the province's load, in per cent
    #[arg(long, value_name = "PERCENT", default_value_t = 100, requires = "year",
          value_parser = clap::value_parser!(u16).range(1..=100))]
    load: u16,
    /// Print the parameters and counts as JSON
    #[arg(long)]
    json: bool,
}

const TEACHING: &str = "\
Writes into DIR:
  events.jsonl     native events in the order in which they arrive, for `replay` and `POST /api/v1/events`
  truth.jsonl      for each event id: {id, fault, root, problem, kind, alarm}; kind is fault, flap, storm or noise,
                   and alarm says whether it is the first firing, which is what counts
  inventory.yaml   what an operator's inventory knows of the estate: a rule file, to be copied among the others

How good are my rules?
  watchfire simulate --seed 1000 --preset heavy --out day
  cp -r rules day/ && cp day/inventory.yaml day/rules/
  watchfire replay day/events.jsonl --rules day/rules --incidents day/incidents.jsonl
  watchfire score day/truth.jsonl day/incidents.jsonl
  watchfire score day/truth.jsonl --baseline alec";

/// Its spelling on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum PresetArgument {
    Light,
    Heavy,
}

impl PresetArgument {
    const fn simulated(self) -> simulation::Preset {
        match self {
            PresetArgument::Light => simulation::Preset::Light,
            PresetArgument::Heavy => simulation::Preset::Heavy,
        }
    }
}

/// The generated data, in numbers.
#[derive(Serialize)]
struct Summary<'a> {
    seed: u64,
    parameters: &'a SimulationParameters,
    events: usize,
    alarms: usize,
    faults: usize,
    largest_fault: usize,
}

pub fn run(command: &SimulateCommand) -> Result<ExitCode, String> {
    if let Some(year) = command.year {
        return a_year(command, year);
    }
    let simulation = simulation::simulate(command.seed, command.preset.simulated(), command.hours);
    let dir = command.out.as_deref().ok_or("--out is missing")?;
    std::fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    write_lines(&dir.join(EVENTS), &simulation.events)?;
    write_lines(&dir.join(TRUTH), &simulation.truth)?;
    let inventory = dir.join(INVENTORY);
    std::fs::write(&inventory, simulation.inventory.to_yaml())
        .map_err(|error| format!("{}: {error}", inventory.display()))?;
    if command.json {
        let summary = summary(command.seed, &simulation);
        println!("{}", serde_json::to_string(&summary).map_err(|error| error.to_string())?);
    } else {
        print(command, &simulation, dir);
    }
    Ok(ExitCode::SUCCESS)
}

/// The year's service report, and a check that the log alone gives the same one.
fn a_year(command: &SimulateCommand, year: i16) -> Result<ExitCode, String> {
    let watch = crate::metrics::Stopwatch::start();
    let done = crate::app::simulate_year(year, command.seed, command.days, f64::from(command.load) / 100.0)?;
    let (figures, mut of_log) = (done.figures(), done.figures_of_log());
    of_log.outage_minutes = figures.outage_minutes;
    super::report::print(&figures, command.json, "Asia/Shanghai")?;
    if !command.json {
        println!(
            "\n{} inputs ({} events) in {:.1} s, {} commands refused; from the audit log and the timelines alone: {}",
            done.inputs,
            done.events,
            watch.seconds(),
            done.refused,
            if of_log == figures { "the same figures" } else { "OTHER FIGURES" },
        );
    }
    Ok(if of_log == figures { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn write_lines<T: Serialize>(path: &Path, lines: &[T]) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut file = BufWriter::new(std::fs::File::create(path).map_err(failed)?);
    for line in lines {
        let json = serde_json::to_string(line).map_err(|error| format!("{}: {error}", path.display()))?;
        writeln!(file, "{json}").map_err(failed)?;
    }
    file.flush().map_err(failed)
}

fn summary(seed: u64, simulation: &Simulation) -> Summary<'_> {
    let mut sizes: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    let counted = simulation.truth.iter().filter(|one| one.alarm);
    for one in counted.clone().filter(|one| matches!(one.kind, EventKind::Fault | EventKind::Flap)) {
        *sizes.entry(one.fault.as_deref().unwrap_or_default()).or_default() += 1;
    }
    Summary {
        seed,
        parameters: &simulation.parameters,
        events: simulation.events.len(),
        alarms: counted.count(),
        faults: sizes.len(),
        largest_fault: sizes.values().copied().max().unwrap_or(0),
    }
}

fn print(command: &SimulateCommand, simulation: &Simulation, dir: &Path) {
    let mut table = TextTable::new(["kind", "causes", "events", "alarms"]);
    for (kind, name) in [
        (EventKind::Fault, "faults"),
        (EventKind::Flap, "flaps"),
        (EventKind::Storm, "storms"),
        (EventKind::Noise, "noise"),
    ] {
        let of_kind = simulation.truth.iter().filter(|one| one.kind == kind);
        let causes: std::collections::BTreeSet<&str> = of_kind.clone().filter_map(|one| one.fault.as_deref()).collect();
        table.row([
            name.to_owned(),
            if kind == EventKind::Noise { "–".to_owned() } else { causes.len().to_string() },
            of_kind.clone().count().to_string(),
            of_kind.filter(|one| one.alarm).count().to_string(),
        ]);
    }
    print!("{table}");
    println!(
        "seed {}, {}, {} h, {} devices at {} sites: {} events in {}",
        command.seed,
        simulation.parameters.preset,
        command.hours,
        simulation.estate.devices.len(),
        simulation.parameters.sites + 1,
        simulation.events.len(),
        dir.display(),
    );
}
