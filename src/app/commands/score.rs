//! `watchfire score`: a grouping of simulated events against the truth.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::de::DeserializeOwned;

use super::simulate;
use crate::app::terminal::table::TextTable;
use crate::core::model::TimeDelta;
use crate::core::simulation::{
    Alec, Grouped, InventoryFile, Observed, Score, SimulatedEvent, Truth, alec, score, site_gap,
};

/// Compares incidents, or a baseline's groups, with the truth that `simulate` wrote.
#[derive(Args, Debug)]
#[command(after_help = TEACHING)]
pub struct ScoreCommand {
    /// The truth, one JSON object a line, as `simulate` writes it
    #[arg(value_name = "TRUTH")]
    truth: PathBuf,
    /// Output of `replay --incidents`
    #[arg(value_name = "INCIDENTS", required_unless_present = "baseline", conflicts_with = "baseline")]
    incidents: Option<PathBuf>,
    /// Instead of incidents, group the events and the inventory beside the truth by a simple method
    #[arg(long, value_enum)]
    baseline: Option<Baseline>,
    /// For the baseline site-gap: the quiet time of a site that ends its group
    #[arg(long, value_name = "TIME", default_value = "60s")]
    gap: TimeDelta,
    /// Print the score as JSON
    #[arg(long)]
    json: bool,
}

const TEACHING: &str = "\
What counts are alarms: the first firing of each alarm within its fault. Over all pairs of them, a pair is true if both
belong to one fault or flap, and found if both are in one incident. precision = true and found / found; recall = true and
found / true; F1 is their harmonic mean. Noise belongs to nothing: a pair with it is never true. Pairs of a storm's alarms
with one another or with noise are left out; a storm's alarm found together with a fault's is a wrong pair.

root found: of the faults with two alarms or more, the incident with most of them names the device that failed.
INCIDENTS holds lines like {\"incident\": \"INC-1\", \"rule\": \"…\", \"root\": \"gz01-ar1\", \"events\": [\"e000001\", …]}.";

/// A simple grouping to compare with.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Baseline {
    /// Alarms of one site, until it is quiet for --gap
    SiteGap,
    /// The distance in time and topology that OpenNMS ALEC publishes, with its defaults
    Alec,
}

pub fn run(command: &ScoreCommand) -> Result<ExitCode, String> {
    let truth: Vec<Truth> = read_lines(&command.truth)?;
    let grouped = match (command.baseline, &command.incidents) {
        (Some(baseline), _) => group(baseline, command)?,
        (None, Some(incidents)) => read_lines(incidents)?,
        (None, None) => return Err("neither INCIDENTS nor --baseline is given".to_owned()),
    };
    let score = score(&truth, &grouped);
    if command.json {
        println!("{}", serde_json::to_string(&score).map_err(|error| error.to_string())?);
    } else {
        print(&score);
    }
    Ok(ExitCode::SUCCESS)
}

fn group(baseline: Baseline, command: &ScoreCommand) -> Result<Vec<Grouped>, String> {
    let events: Vec<SimulatedEvent> = read_lines(&command.truth.with_file_name(simulate::EVENTS))?;
    let observed = Observed::of(&events);
    match baseline {
        Baseline::SiteGap => Ok(site_gap(&observed, command.gap)),
        Baseline::Alec => {
            let path = command.truth.with_file_name(simulate::INVENTORY);
            let inventory: InventoryFile =
                serde_saphyr::from_str(&read(&path)?).map_err(|error| format!("{}: {error}", path.display()))?;
            Ok(alec(&observed, &inventory, Alec::default()))
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, String> {
    let text = read(path)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|error| format!("{}:{}: {error}", path.display(), number + 1))
        })
        .collect()
}

fn print(score: &Score) {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let mut table = TextTable::new(["what", "value", "of"]);
    let mut row = |what: &str, value: String, of: String| table.row([what.to_owned(), value, of]);
    row("pairwise F1", format!("{:.3}", score.f1), format!("{} alarms of {} faults", score.fault_alarms, score.faults));
    row("precision", format!("{:.3}", score.precision), String::new());
    row("recall", format!("{:.3}", score.recall), String::new());
    row("root found", percent(score.root_found), "the faults with two alarms or more".to_owned());
    row("reduction", percent(score.reduction), format!("{} alarms to {} incidents", score.alarms, score.incidents));
    row("incidents per fault", format!("{:.2}", score.incidents_per_fault), String::new());
    row("noise kept apart", percent(score.noise_alone), format!("{} unrelated alarms", score.noise_alarms));
    row("storm gathered", percent(score.storm_gathered), format!("{} alarms of storms", score.storm_alarms));
    print!("{table}");
}
