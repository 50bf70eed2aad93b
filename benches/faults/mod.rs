//! Hints by lead and lag, and likeness, against labelled sets: the product's own functions, one configuration for all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use watchfire::core::model::{IncidentId, Timestamp};
use watchfire::core::problems::{Onset, SimilarityIndex, TermVector, links};

/// How a set of alarms was met.
pub struct Hinted {
    pub set: &'static str,
    pub alarms: usize,
    pub links: usize,
    pub true_links: usize,
    pub both: usize,
    /// How far back the lag curve of the set reaches, in seconds.
    pub within: i64,
}

impl Hinted {
    /// Harmonic mean of precision and recall over directed links.
    pub fn f1(&self) -> f64 {
        2.0 * self.both as f64 / (self.links + self.true_links).max(1) as f64
    }
}

/// The labelled sets in that folder; those that are not there are left out.
pub fn hints(folder: &Path) -> Vec<Hinted> {
    let mut found = Vec::new();
    let archive = folder.join("telecom-18V/18V_55N_Wireless.tar.gz");
    if archive.exists() {
        let member = |name: &str| unpacked("tar", &["xzOf", path(&archive), &format!("18V_55N_Wireless/{name}")]);
        let alarms = alarms(&member("Alarm.csv"));
        found.push(hinted("telecom-18V", &alarms, &Matrix::read(&member("DAG.npy")), &[]));
    }
    let set = folder.join("telecom-neurips2023");
    if set.join("alarm.csv.gz").exists() {
        let alarms = alarms(&unpacked("gzip", &["-dc", path(&set.join("alarm.csv.gz"))]));
        let read = |name: &str| Matrix::read(&std::fs::read(set.join(name)).expect("the set is complete"));
        let neighbours = read("topology.npy").neighbours();
        found.push(hinted("telecom-neurips2023", &alarms, &read("true_graph.npy"), &neighbours));
    }
    found
}

/// The share of runs whose most alike earlier run has the same failure mode, by seed of their order.
pub fn likeness(folder: &Path, seeds: std::ops::Range<u64>) -> Vec<f64> {
    let set = folder.join("openstack-NET");
    let Ok(table) = std::fs::read_to_string(set.join("SEQ.tsv")) else { return Vec::new() };
    let labels = std::fs::read_to_string(set.join("Failure_Labels.txt")).expect("the set is complete");
    let labels: Vec<&str> = labels.lines().collect();
    let mut lines = table.lines();
    let names: Vec<&str> = lines.next().expect("the table has a head").split('\t').collect();
    let runs: Vec<TermVector> = lines.map(|line| words(&names, line)).collect();
    seeds.map(|seed| accuracy(&runs, &labels, seed)).collect()
}

fn words(names: &[&str], line: &str) -> TermVector {
    let mut words = TermVector::default();
    for (name, count) in names.iter().zip(line.split('\t')) {
        words.add("template", name, count.trim().parse::<f64>().expect("a count") as u32);
    }
    words
}

fn accuracy(runs: &[TermVector], labels: &[&str], seed: u64) -> f64 {
    let mut likeness = SimilarityIndex::default();
    let mut right = 0;
    let order = shuffled(runs.len(), seed);
    for (asked, run) in order.iter().copied().enumerate() {
        let earlier = likeness.nearest(&runs[run], 0.0, 1);
        right += u32::from(earlier.first().is_some_and(|(id, _)| labels[order[id.0 as usize]] == labels[run]));
        likeness.insert(IncidentId(asked as u64), runs[run].clone());
    }
    f64::from(right) / (runs.len() - 1) as f64
}

/// The numbers below `count` in an order that the seed makes.
fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    for last in (1..count).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        order.swap(last, (state % (last as u64 + 1)) as usize);
    }
    order
}

fn hinted(set: &'static str, alarms: &[Onset], truth: &Matrix, neighbours: &[Vec<u32>]) -> Hinted {
    let found = links(alarms, neighbours, None);
    let pairs: BTreeSet<(usize, usize)> =
        found.iter().map(|link| (link.cause as usize, link.effect as usize)).collect();
    let is_true = |(cause, effect): &&(usize, usize)| truth.at(*cause, *effect) > 0.0;
    Hinted {
        set,
        alarms: alarms.len(),
        links: pairs.len(),
        true_links: truth.cells.iter().filter(|cell| **cell > 0.0).count(),
        both: pairs.iter().filter(is_true).count(),
        within: found.first().map_or(0, |link| link.within.as_micros() / 1_000_000),
    }
}

/// `alarm_id,device_id,start,end`, with a head.
fn alarms(text: &[u8]) -> Vec<Onset> {
    let text = std::str::from_utf8(text).expect("the set is text");
    let number = |field: Option<&str>| field.and_then(|field| field.trim().parse::<i64>().ok()).expect("a number");
    text.lines()
        .skip(1)
        .map(|line| {
            let mut fields = line.split(',');
            let (kind, place) = (number(fields.next()) as u32, number(fields.next()) as u32);
            Onset { at: Timestamp::from_seconds(number(fields.next())), kind, place }
        })
        .collect()
}

/// A square matrix of a `.npy` file of 8-byte numbers.
struct Matrix {
    side: usize,
    cells: Vec<f64>,
}

impl Matrix {
    fn read(bytes: &[u8]) -> Matrix {
        assert!(bytes.starts_with(b"\x93NUMPY\x01"), "not a .npy file of version 1");
        let head_length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        let head = String::from_utf8_lossy(&bytes[10..10 + head_length]).into_owned();
        let cell = |raw: &[u8]| -> f64 {
            let raw: [u8; 8] = raw.try_into().expect("eight bytes");
            if head.contains("<f8") { f64::from_le_bytes(raw) } else { i64::from_le_bytes(raw) as f64 }
        };
        assert!(head.contains("<f8") || head.contains("<i8"), "numbers of another kind: {head}");
        assert!(head.contains("'fortran_order': False"), "columns first: {head}");
        let cells: Vec<f64> = bytes[10 + head_length..].chunks_exact(8).map(cell).collect();
        let side = cells.len().isqrt();
        assert_eq!(side * side, cells.len(), "not square: {head}");
        Matrix { side, cells }
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        self.cells[row * self.side + column]
    }

    fn neighbours(&self) -> Vec<Vec<u32>> {
        let beside = |row: usize| (0..self.side).filter(move |column| *column != row && self.at(row, *column) > 0.0);
        (0..self.side).map(|row| beside(row).map(|column| column as u32).collect()).collect()
    }
}

fn unpacked(program: &str, arguments: &[&str]) -> Vec<u8> {
    let done = Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

fn path(path: &Path) -> &str {
    path.to_str().expect("paths of the sets are text")
}

/// Where the labelled sets are, if they are.
pub fn folder() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    std::env::var_os("WATCHFIRE_SHARED").map_or_else(beside, PathBuf::from).join("data/quality")
}
