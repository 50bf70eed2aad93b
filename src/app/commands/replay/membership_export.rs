//! `replay --incidents`: the events of each incident, as JSON lines for `watchfire score`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::core::engine::{Effect, LiveChange, RecordChange};
use crate::core::incidents::Incident;
use crate::core::model::{Event, Fingerprint, IncidentId, Status};
use crate::core::simulation::Grouped;

/// Follows each alert from its first firing event to its incident.
///
/// An alert that clears and fires again counts as another one: each firing has its own event and may have its own
/// incident. If several incidents had a firing one after the other, the last counts; links do not.
#[derive(Debug, Default)]
pub struct MembershipExport {
    /// True if the export was requested.
    wanted: bool,
    /// The id of the event being handled, until an alert began to fire by it.
    current: Option<String>,
    /// Number of times that each alert began to fire, and the event of the last one.
    firings: BTreeMap<Fingerprint, (u64, Option<String>)>,
    /// The owning incident of each first-firing event.
    owners: BTreeMap<String, IncidentId>,
}

impl MembershipExport {
    pub fn new(wanted: bool) -> MembershipExport {
        MembershipExport { wanted, ..MembershipExport::default() }
    }

    /// Before an event is handled.
    pub fn event(&mut self, event: &Event) {
        self.current = event.id.clone().filter(|_| self.wanted);
    }

    /// After an input was handled: its effects, in order.
    pub fn effects(&mut self, effects: &[Effect]) {
        if !self.wanted {
            return;
        }
        for effect in effects {
            if let Effect::Record(RecordChange::Alert(alert)) = effect {
                let known = self.firings.get(&alert.fingerprint).map_or(0, |(times, _)| *times);
                if alert.status == Status::Firing && alert.transitions != known {
                    self.firings.insert(alert.fingerprint, (alert.transitions, self.current.take()));
                }
            } else if let Effect::Live(LiveChange::AlertForgotten { fingerprint }) = effect {
                // If it returns, it counts from one again.
                self.firings.remove(fingerprint);
            }
        }
        for effect in effects {
            if let Effect::Record(RecordChange::Membership { incident, fingerprint, firing: true, link_only: false }) =
                effect
                && let Some((_, Some(event))) = self.firings.get(fingerprint)
            {
                self.owners.insert(event.clone(), *incident);
            }
        }
        self.current = None;
    }

    /// A line for each incident with alerts, by incident.
    pub fn write(&self, path: &Path, incidents: &BTreeMap<u64, Incident>) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let mut file = BufWriter::new(std::fs::File::create(path).map_err(failed)?);
        for line in self.lines(incidents) {
            let json = serde_json::to_string(&line).map_err(|error| format!("{}: {error}", line.incident))?;
            writeln!(file, "{json}").map_err(failed)?;
        }
        file.flush().map_err(failed)
    }

    fn lines(&self, incidents: &BTreeMap<u64, Incident>) -> Vec<Grouped> {
        let mut lines: BTreeMap<u64, Grouped> = BTreeMap::new();
        for (event, owner) in &self.owners {
            let Some(incident) = survivor(*owner, incidents) else { continue };
            let line = lines.entry(incident.id.0).or_insert_with(|| Grouped {
                incident: incident.id.to_string(),
                rule: incident.rule.clone(),
                root: incident.root.as_ref().map(|root| root.entity.clone()),
                events: BTreeSet::new(),
            });
            line.events.insert(event.clone());
        }
        lines.into_values().collect()
    }
}

/// The surviving incident after any number of merges.
fn survivor(id: IncidentId, incidents: &BTreeMap<u64, Incident>) -> Option<&Incident> {
    let mut incident = incidents.get(&id.0)?;
    // A survivor is never merged into an incident that it absorbed; the limit only keeps a broken record from hanging
    // the command.
    for _ in 0..incidents.len() {
        match incident.merged_into {
            Some(into) => incident = incidents.get(&into.0)?,
            None => break,
        }
    }
    Some(incident)
}
