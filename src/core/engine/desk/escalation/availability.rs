//! Who can act now: what every climb is asked with.

use crate::core::calendar::{HOUSE_ZONE, on_the_wall_in};
use crate::core::engine::desk::{Desk, DeskContext};
use crate::core::escalation::TeamAvailability;
use crate::core::model::{IncidentId, Timestamp};
use crate::core::rules::{ConfigurationItem, Rulebook};

/// How many of an incident's items are asked for their vendor.
const ITEMS_ASKED_MAX: usize = 16;

impl Desk {
    /// The teams of the rulebook, and which of them cannot act at this moment.
    pub(crate) fn staffing<'a>(&self, step: &DeskContext<'a>) -> TeamAvailability<'a> {
        TeamAvailability::all(&step.rulebook.teams, &step.rulebook.calendars)
    }

    /// The same for an incident: its vendor steps know whose item has failed.
    pub(crate) fn staffing_of<'a>(&self, id: IncidentId, step: &DeskContext<'a>) -> TeamAvailability<'a> {
        let staffing = self.staffing(step);
        let Some(incident) = self.state.get(id) else { return staffing };
        let staffing = self.with_closed(&incident.record, staffing, step);
        let ladder = step.rulebook.ladder(&incident.climb.ladder);
        // What has failed is looked up only where somebody asks for it.
        if !ladder.is_some_and(|ladder| ladder.steps.iter().any(|one| one.vendor)) {
            return staffing;
        }
        let root = incident.record.root.as_ref().map(|root| root.entity.as_str());
        let affected = incident.affected.keys().map(String::as_str).take(ITEMS_ASKED_MAX);
        // As it opens, its alerts have not joined it yet: then its own labels say what has failed.
        let own = crate::core::engine::desk::incidents::decisions::item_of(&incident.record.labels, step);
        let items = root.into_iter().chain(affected).chain(own.as_deref());
        TeamAvailability { vendor: vendor_team(items, step.rulebook, step.now), ..staffing }
    }

    /// The teams, for items by name, the likeliest cause first.
    pub(crate) fn staffing_for<'a, 'b>(
        &self,
        items: impl Iterator<Item = &'b str>,
        step: &DeskContext<'a>,
    ) -> TeamAvailability<'a> {
        TeamAvailability { vendor: vendor_team(items, step.rulebook, step.now), ..self.staffing(step) }
    }
}

/// The team that stands for the vendor of the first item that has one under contract.
fn vendor_team<'a>(
    items: impl Iterator<Item = &'a str>,
    rulebook: &Rulebook,
    now: Timestamp,
) -> Result<String, String> {
    let inventory = &rulebook.inventory;
    let known = items.filter_map(|name| inventory.find(name)).map(|index| inventory.item(index));
    let mut why_not = None;
    for item in known {
        match team_for(item, rulebook, now) {
            Ok(team) => return Ok(team),
            Err(reason) => why_not = why_not.or(Some(reason)),
        }
    }
    Err(why_not.unwrap_or_else(|| "no item of the inventory is known of it, so no vendor".to_owned()))
}

fn team_for(item: &ConfigurationItem, rulebook: &Rulebook, now: Timestamp) -> Result<String, String> {
    let name = &item.name;
    let vendor = item.vendor.as_ref().ok_or_else(|| format!("{name} has no vendor"))?;
    let contract = item.contract.as_ref().ok_or_else(|| format!("{name} has no contract with {vendor}"))?;
    if let Some(until) = item.contract_until().filter(|until| *until <= now) {
        return Err(format!(
            "the contract {contract} of {name} with {vendor} ended at {}",
            on_the_wall_in(until, HOUSE_ZONE)
        ));
    }
    let takes = |team: &&crate::core::rules::Team| team.vendors.iter().any(|one| one == vendor);
    let team = rulebook.teams.values().find(takes).ok_or_else(|| format!("no team stands for the vendor {vendor}"))?;
    Ok(team.name.clone())
}
