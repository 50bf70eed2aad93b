//! The section `playbooks:`.

use std::collections::BTreeSet;

use super::reader::SectionReader;
use crate::core::rules::syntax::playbook::{PlaybookStepSyntax, PlaybookSyntax};
use crate::core::rules::{Playbook, PlaybookStep};

const STEPS_MAX: usize = 64;

pub(super) fn playbook(reader: &mut SectionReader<'_>, entry: &PlaybookSyntax) -> Playbook {
    let name = reader.name(&entry.name);
    let at = entry.name.referenced;
    if entry.steps.is_empty() || entry.steps.len() > STEPS_MAX {
        reader.mistake(at, format!("a playbook of {} steps", entry.steps.len()), format!("1 to {STEPS_MAX} steps"));
    }
    let mut seen = BTreeSet::new();
    for step in &entry.steps {
        if !seen.insert(step.name.value.as_str()) {
            let message = format!("a second step {:?} in this playbook", step.name.value);
            reader.mistake(step.name.referenced, message, "another name");
        }
    }
    Playbook {
        title: entry.title.as_ref().map_or_else(|| name.clone(), |title| reader.text(title)),
        steps: entry.steps.iter().map(|step| self::step(reader, step)).collect(),
        name,
    }
}

fn step(reader: &mut SectionReader<'_>, entry: &PlaybookStepSyntax) -> PlaybookStep {
    let name = reader.name(&entry.name);
    PlaybookStep {
        title: entry.title.as_ref().map_or_else(|| name.clone(), |title| reader.text(title)),
        evidence: entry.evidence.unwrap_or(false),
        name,
    }
}
