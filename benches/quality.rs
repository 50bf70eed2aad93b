//! How well alarms are grouped: 20 simulated days against their truth, and labelled security alerts; beside baselines.
//! And how well hints and likeness meet labelled sets.
//!
//! `cargo bench --profile dev --bench quality [-- simulated|ait-ads|hints|likeness] [-- 100..130]`; figures stand in
//! benches/README.md, and do not depend on the profile. Seeds below 1000 are for tuning. `-- ait-ads other.yaml` measures
//! other rules than those beside this file.

mod faults;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;
use watchfire::core::engine::{BatchOutput, Effect, Engine, LiveChange, RecordChange, Request};
use watchfire::core::model::{Fingerprint, Status, TimeDelta, Timestamp};
use watchfire::core::rules;
use watchfire::core::rules::{PayloadContext, RuleText, Source};
use watchfire::core::simulation::{
    Alec, Grouped, Observed, Preset, Score, Simulation, alec, score, simulate, site_gap,
};

const SEEDS: Range<u64> = 1000..1020;
const HOURS: u32 = 8;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let seeds = wanted.iter().find_map(|word| range(word)).unwrap_or(SEEDS);
    let names: Vec<&String> = wanted.iter().filter(|word| range(word).is_none() && !is_rule_file(word)).collect();
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|word| *word == name);
    if is_wanted("simulated") {
        simulated(seeds);
    }
    if is_wanted("ait-ads") {
        ait_ads(&wanted);
    }
    if is_wanted("hints") {
        hints();
    }
    if is_wanted("likeness") {
        likeness();
    }
}

// What comes before what, and what looks like what.

fn hints() {
    let sets = faults::hints(&faults::folder());
    if sets.is_empty() {
        println!("ABSENT: {}; no hint was measured", faults::folder().display());
        return;
    }
    println!("| set | alarms | links | true ones | both | F1 | reach |\n|---|---|---|---|---|---|---|");
    for set in sets {
        let faults::Hinted { set: name, alarms, links, true_links, both, within } = &set;
        println!("| {name} | {alarms} | {links} | {true_links} | {both} | {:.3} | {within} s |", set.f1());
    }
}

fn likeness() {
    let found = faults::likeness(&faults::folder(), 0..20);
    if found.is_empty() {
        println!("ABSENT: {}; no likeness was measured", faults::folder().display());
        return;
    }
    let (least, most) = found.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), one| (low.min(*one), high.max(*one)));
    let mean = found.iter().sum::<f64>() / found.len() as f64;
    println!("| openstack-NET, {} orders | mean {mean:.3} | {least:.3} to {most:.3} |", found.len());
}

fn is_rule_file(word: &str) -> bool {
    word.ends_with(".yaml")
}

fn range(text: &str) -> Option<Range<u64>> {
    let (from, to) = text.split_once("..")?;
    Some(from.parse().ok()?..to.parse().ok()?)
}

// Simulated days.

fn simulated(seeds: Range<u64>) {
    println!("seeds {seeds:?}, {HOURS} h each; every figure a mean but F1's minimum");
    println!(
        "| preset | method | F1 | min | precision | recall | root found | reduction | incidents/fault | noise apart |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let seeds: Vec<u64> = seeds.collect();
    for preset in Preset::ALL {
        let mut scores: BTreeMap<String, Vec<Score>> = BTreeMap::new();
        let of_seed = |seed| {
            let simulation = simulate(seed, preset, HOURS);
            let scored = |(method, grouped): (String, Vec<Grouped>)| (method, score(&simulation.truth, &grouped));
            methods(&simulation).into_iter().map(scored).collect::<Vec<_>>()
        };
        for (method, score) in on_all_cores(&seeds, of_seed).into_iter().flatten() {
            scores.entry(method).or_default().push(score);
        }
        for (method, scores) in &scores {
            print_scores(preset, method, scores);
        }
    }
}

/// What `of` makes of each seed, in the order of the seeds.
fn on_all_cores<T: Send>(seeds: &[u64], of: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let made: Mutex<BTreeMap<u64, T>> = Mutex::new(BTreeMap::new());
    let work = || {
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
            let one = of(*seed);
            made.lock().expect("no thread panicked").insert(*seed, one);
        }
    };
    std::thread::scope(|scope| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            thread.join().expect("every seed can be simulated");
        }
    });
    made.into_inner().expect("no thread panicked").into_values().collect()
}

fn methods(simulation: &Simulation) -> Vec<(String, Vec<Grouped>)> {
    let observed = Observed::of(&simulation.events);
    let mut methods: Vec<(String, Vec<Grouped>)> = [30, 60, 120]
        .map(|gap| (format!("site and gap of {gap:>3} s"), site_gap(&observed, TimeDelta::from_seconds(gap))))
        .into();
    methods.push(("ALEC's distance".to_owned(), alec(&observed, &simulation.inventory, Alec::default())));
    methods.push(replayed(simulation));
    methods
}

/// The shipped rules, and the inventory if these rules take one.
fn replayed(simulation: &Simulation) -> (String, Vec<Grouped>) {
    let dir = tempfile::tempdir().expect("a directory for a simulated day");
    let rules = dir.path().join("rules");
    copy_rules(&Path::new(env!("CARGO_MANIFEST_DIR")).join("rules"), &rules);
    let inventory = rules.join("inventory.yaml");
    std::fs::write(&inventory, simulation.inventory.to_yaml()).expect("the inventory is written");
    let takes_inventory = watchfire(&["check", path(&rules)]).status.success();
    if !takes_inventory {
        std::fs::remove_file(&inventory).expect("the inventory is there");
    }
    let events = dir.path().join("events.jsonl");
    let lines: Vec<String> =
        simulation.events.iter().map(|event| serde_json::to_string(event).expect("an event is JSON")).collect();
    std::fs::write(&events, lines.join("\n")).expect("the events are written");
    let incidents = dir.path().join("incidents.jsonl");
    let done = watchfire(&["replay", path(&events), "--rules", path(&rules), "--incidents", path(&incidents)]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = std::fs::read_to_string(&incidents).expect("replay wrote the incidents");
    let grouped = text.lines().map(|line| serde_json::from_str(line).expect("a line is an incident")).collect();
    let with = if takes_inventory { "and inventory" } else { "only" };
    (format!("watchfire, shipped rules {with}"), grouped)
}

fn watchfire(arguments: &[&str]) -> std::process::Output {
    let program = env!("CARGO_BIN_EXE_watchfire");
    Command::new(program).args(arguments).stdin(Stdio::null()).output().expect("watchfire starts")
}

fn path(path: &Path) -> &str {
    path.to_str().expect("paths of the bench are text")
}

fn copy_rules(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory for rules");
    for entry in std::fs::read_dir(from).expect("the shipped rules are there") {
        let entry = entry.expect("the shipped rules can be listed").path();
        let target = to.join(entry.file_name().expect("an entry has a name"));
        if entry.is_dir() {
            copy_rules(&entry, &target);
        } else if entry.extension().is_some_and(|extension| extension == "yaml") {
            std::fs::copy(&entry, &target).expect("a rule file is copied");
        }
    }
}

fn print_scores(preset: Preset, method: &str, scores: &[Score]) {
    let mean = |of: fn(&Score) -> f64| scores.iter().map(of).sum::<f64>() / scores.len() as f64;
    let lowest = scores.iter().map(|one| one.f1).fold(f64::INFINITY, f64::min);
    println!(
        "| {preset} | {method} | {:.3} | {lowest:.3} | {:.3} | {:.3} | {:.1} % | {:.1} % | {:.2} | {:.1} % |",
        mean(|one| one.f1),
        mean(|one| one.precision),
        mean(|one| one.recall),
        mean(|one| one.root_found) * 100.0,
        mean(|one| one.reduction) * 100.0,
        mean(|one| one.incidents_per_fault),
        mean(|one| one.noise_alone) * 100.0,
    );
}

// Labelled security alerts.

/// One alert of a labelled set; the phase is for the metric only.
struct Row {
    at: i64,
    name: String,
    ip: String,
    host: String,
    short: String,
    phase: Option<String>,
}

/// The metric of the set's README.
struct Quality {
    phase_f1: f64,
    reduction: f64,
    other_incidents_a_day: f64,
}

fn ait_ads(words: &[String]) {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = std::env::var_os("WATCHFIRE_SHARED").map_or_else(beside, PathBuf::from);
    let folder = shared.join("data/quality/ait-ads");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!(
            "ABSENT: {} (set WATCHFIRE_SHARED to the shared folder); no labelled alert was read",
            folder.display()
        );
        return;
    };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.to_string_lossy().ends_with("_alerts.csv.gz"));
    files.sort();
    println!("| scenario | method | phase F1 | reduction | other incidents a day |");
    println!("|---|---|---|---|---|");
    let mut all: BTreeMap<String, Vec<Quality>> = BTreeMap::new();
    let shipped = || vec![concat!(env!("CARGO_MANIFEST_DIR"), "/benches/ait-ads.yaml").to_owned()];
    let rules: Vec<String> = words.iter().filter(|word| is_rule_file(word)).cloned().collect();
    let rules = if rules.is_empty() { shipped() } else { rules };
    for file in &files {
        let rows = read_rows(file);
        let name = file.file_name().unwrap_or_default().to_string_lossy().replace("_alerts.csv.gz", "");
        for (method, incidents) in groupings(&rows, &rules) {
            let quality = judge(&rows, &incidents);
            print_quality(&name, &method, &quality);
            all.entry(method).or_default().push(quality);
        }
    }
    for (method, found) in all {
        let mean = |of: fn(&Quality) -> f64| found.iter().map(of).sum::<f64>() / found.len() as f64;
        let quality = Quality {
            phase_f1: mean(|one| one.phase_f1),
            reduction: mean(|one| one.reduction),
            other_incidents_a_day: mean(|one| one.other_incidents_a_day),
        };
        print_quality("mean", &method, &quality);
    }
}

fn print_quality(scenario: &str, method: &str, quality: &Quality) {
    let Quality { phase_f1, reduction, other_incidents_a_day } = quality;
    println!("| {scenario} | {method} | {phase_f1:.3} | {:.1} % | {other_incidents_a_day:.0} |", reduction * 100.0);
}

fn read_rows(file: &Path) -> Vec<Row> {
    let unpacked = Command::new("gzip").arg("-dc").arg(file).output().expect("gzip is installed");
    let text = String::from_utf8(unpacked.stdout).expect("the set is UTF-8");
    let mut rows: Vec<Row> = text
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let [at, name, ip, host, short, phase, _] = fields[..] else { panic!("not seven fields: {line}") };
            let phase = Some(phase.to_owned()).filter(|phase| phase != "false_positive");
            let [name, ip, host, short] = [name, ip, host, short].map(str::to_owned);
            Row { at: at.parse().expect("the time is a number"), name, ip, host, short, phase }
        })
        .collect();
    rows.sort_by_key(|row| row.at);
    rows
}

/// By method: the incident of every row.
fn groupings(rows: &[Row], rules: &[String]) -> Vec<(String, Vec<usize>)> {
    let mut groupings = vec![
        ("(host, name), gap of 5 min".to_owned(), sessions(rows, 300, |row| format!("{}\0{}", row.host, row.name))),
        ("host, gap of 5 min".to_owned(), sessions(rows, 300, |row| row.host.clone())),
        ("all, gap of 2 s".to_owned(), sessions(rows, 2, |_| String::new())),
    ];
    groupings.extend(rules.iter().map(|file| {
        let name = Path::new(file).file_name().unwrap_or_default().to_string_lossy();
        (format!("watchfire, {name}"), by_engine(rows, file))
    }));
    groupings
}

fn sessions(rows: &[Row], gap: i64, key: impl Fn(&Row) -> String) -> Vec<usize> {
    let mut open: BTreeMap<String, (i64, usize)> = BTreeMap::new();
    let mut incidents = 0;
    let mut of_row = Vec::new();
    for row in rows {
        let session = open.entry(key(row)).or_insert((i64::MIN / 2, 0));
        if row.at - session.0 > gap {
            session.1 = incidents;
            incidents += 1;
        }
        session.0 = row.at;
        of_row.push(session.1);
    }
    of_row
}

/// Which incident each row ended in, through the live engine on the rows' own time.
struct Replayed {
    engine: Engine,
    work: BatchOutput,
    /// How a row becomes an event.
    source: Source,
    context: PayloadContext,
    /// How often each alert began to fire, and which firing that is.
    firings: BTreeMap<Fingerprint, (u64, usize)>,
    /// By firing: its incident.
    incidents: Vec<Option<u64>>,
    merged: BTreeMap<u64, u64>,
}

fn by_engine(rows: &[Row], file: &str) -> Vec<usize> {
    let text = std::fs::read_to_string(file).expect("the rule file can be read");
    let loaded = rules::load(vec![RuleText { path: file.to_owned(), text }]).expect("its rules are good");
    let mut engine = Engine::new(None);
    let hash = loaded.rulebook.hash;
    let [source] = &loaded.rulebook.sources[..] else { panic!("{file}: not one source") };
    let source = source.clone();
    engine.register_rulebook(Arc::new(loaded.rulebook));
    let mut replayed = Replayed {
        engine,
        work: BatchOutput::default(),
        source,
        context: PayloadContext::default(),
        firings: BTreeMap::new(),
        incidents: Vec::new(),
        merged: BTreeMap::new(),
    };
    let start = Timestamp::from_seconds(rows.first().map_or(0, |row| row.at));
    replayed.handle(start, Request::Rulebook(hash));
    let firings: Vec<usize> = rows.iter().map(|row| replayed.row(row)).collect();
    replayed.tick(Timestamp::from_seconds(rows.last().map_or(0, |row| row.at)) + TimeDelta::from_hours(24));
    // What no incident holds is alone: its number is beyond those of the incidents.
    let alone = |firing: usize| usize::MAX - firing;
    firings.into_iter().map(|firing| replayed.incident(firing).map_or(alone(firing), |id| id as usize)).collect()
}

impl Replayed {
    /// Handles one row; the firing that it belongs to.
    fn row(&mut self, row: &Row) -> usize {
        let now = Timestamp::from_seconds(row.at);
        self.tick(now);
        let Row { at, name, ip, host, short, phase: _ } = row;
        let payload = json!({"time": at, "name": name, "ip": ip, "host": host, "short": short});
        let event = self.source.map(&payload, &self.context).ok().and_then(|mut mapped| mapped.events.pop());
        let event = event.expect("the source takes every row");
        let fingerprint = event.labels.fingerprint();
        self.handle(now, Request::Event(Box::new(event)));
        self.firings[&fingerprint].1
    }

    fn tick(&mut self, until: Timestamp) {
        while let Some((at, partition)) = self.engine.next_deadline().filter(|(at, _)| *at <= until) {
            self.handle(at, Request::Tick(partition));
        }
    }

    fn handle(&mut self, now: Timestamp, request: Request) {
        self.engine.handle(now, request, &mut self.work).expect("the engine takes what the bench sends");
        self.work.entries.clear();
        for effect in self.work.effects.drain(..) {
            if let Effect::Record(RecordChange::Alert(alert)) = &effect
                && alert.status == Status::Firing
                && self.firings.get(&alert.fingerprint).is_none_or(|(times, _)| *times != alert.transitions)
            {
                self.firings.insert(alert.fingerprint, (alert.transitions, self.incidents.len()));
                self.incidents.push(None);
            }
            if let Effect::Live(LiveChange::AlertForgotten { fingerprint }) = &effect {
                self.firings.remove(fingerprint);
            }
            if let Effect::Record(RecordChange::Membership { incident, fingerprint, firing: true, link_only: false }) =
                &effect
                && let Some((_, firing)) = self.firings.get(fingerprint)
            {
                self.incidents[*firing] = Some(incident.0);
            }
            if let Effect::Record(RecordChange::Incident(incident)) = &effect
                && let Some(into) = incident.merged_into
            {
                self.merged.insert(incident.id.0, into.0);
            }
        }
    }

    fn incident(&self, firing: usize) -> Option<u64> {
        let mut id = self.incidents[firing]?;
        while let Some(into) = self.merged.get(&id) {
            id = *into;
        }
        Some(id)
    }
}

fn judge(rows: &[Row], incidents: &[usize]) -> Quality {
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    let mut phases: BTreeMap<&str, (usize, BTreeMap<usize, usize>)> = BTreeMap::new();
    let mut attacked: BTreeSet<usize> = BTreeSet::new();
    for (row, incident) in rows.iter().zip(incidents) {
        *sizes.entry(*incident).or_default() += 1;
        if let Some(phase) = &row.phase {
            let (alerts, by_incident) = phases.entry(phase).or_default();
            *alerts += 1;
            *by_incident.entry(*incident).or_default() += 1;
            attacked.insert(*incident);
        }
    }
    let best = |alerts: usize, by_incident: &BTreeMap<usize, usize>| {
        let f1 = |(incident, both): (&usize, &usize)| 2.0 * *both as f64 / (sizes[incident] + alerts) as f64;
        by_incident.iter().map(f1).fold(0.0, f64::max)
    };
    let sum: f64 = phases.values().map(|(alerts, by_incident)| best(*alerts, by_incident)).sum();
    let days = rows.first().zip(rows.last()).map_or(1.0, |(first, last)| (last.at - first.at) as f64 / 86_400.0);
    Quality {
        phase_f1: sum / phases.len().max(1) as f64,
        reduction: 1.0 - sizes.len() as f64 / rows.len().max(1) as f64,
        other_incidents_a_day: (sizes.len() - attacked.len()) as f64 / days,
    }
}
