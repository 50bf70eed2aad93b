//! What is one sentence and what is not, on lines of our own making.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::drain::{TEMPLATES_MAX, TemplateId, Templates};
use super::mask::tokens;
use crate::model::Moment;

#[test]
#[ignore]
fn measure() {
    for file in std::fs::read_dir("/tmp/loghub").unwrap() {
        let file = file.unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        let mut templates = Templates::default();
        let mut truth: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut found: BTreeMap<TemplateId, Vec<usize>> = BTreeMap::new();
        let mut shown = BTreeMap::new();
        for (n, line) in text.lines().enumerate() {
            let (event, line) = line.split_once('\t').unwrap();
            let id = templates.learn(line, Moment::EPOCH).id;
            truth.entry(event.to_owned()).or_default().push(n);
            found.entry(id).or_default().push(n);
            shown.insert(n, line.to_owned());
        }
        let groups: std::collections::BTreeSet<&Vec<usize>> = found.values().collect();
        let right: usize = truth.values().filter(|lines| groups.contains(lines)).map(Vec::len).sum();
        println!("{}: {:.3} of {}, {} true, {} found", file.display(), right as f64 / text.lines().count() as f64, text.lines().count(), truth.len(), found.len());
        for (event, lines) in &truth {
            if !groups.contains(lines) {
                let ids: std::collections::BTreeSet<String> = found.iter().filter(|(_, of)| of.iter().any(|n| lines.contains(n))).map(|(id, _)| templates.iter().find(|(other, _)| other == id).map(|(_, t)| t.text()).unwrap_or_default()).collect();
                println!("  {event} {} lines, e.g. {:?} -> {:?}", lines.len(), shown[&lines[0]], ids.iter().take(5).collect::<Vec<_>>());
            }
        }
    }
}
