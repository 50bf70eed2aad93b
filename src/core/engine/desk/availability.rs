//! Who can act now: what every climb is asked with, and whom a team has for some work. Changes nothing.

use std::collections::BTreeMap;

use super::context::{DeskContext, item_of};
use super::state::DeskState;
use crate::core::calendar::{HOUSE_ZONE, on_the_wall_in};
use crate::core::escalation::TeamAvailability;
use crate::core::incidents::Incident;
use crate::core::model::{IncidentId, Timestamp};
use crate::core::on_call::{Assignment, OnCallShift, WorkRequirements, choose, on_duty};
use crate::core::rules::{ConfigurationItem, EscalationPolicy, Rulebook, Team, UnavailablePolicy};

/// How many of an incident's items are asked for their vendor.
const ITEMS_ASKED_MAX: usize = 16;

/// Labels and facts that say where work is, and what it takes.
const SITE: &str = "site";

const SKILL: &str = "skill";

/// The teams of the rulebook, and which of them cannot act at this moment.
pub fn staffing<'a>(step: &DeskContext<'a>) -> TeamAvailability<'a> {
    TeamAvailability::all(&step.rulebook.teams, &step.rulebook.calendars)
}

/// The same for an incident: its vendor steps know whose item has failed.
pub fn staffing_of<'a>(desk: &DeskState, id: IncidentId, step: &DeskContext<'a>) -> TeamAvailability<'a> {
    let staffing = staffing(step);
    let Some(incident) = desk.get(id) else { return staffing };
    let staffing = with_closed(desk, &incident.record, staffing, step);
    let ladder = step.rulebook.ladder(&incident.climb.ladder);
    // What has failed is looked up only where somebody asks for it.
    if !ladder.is_some_and(|ladder| ladder.steps.iter().any(|one| one.vendor)) {
        return staffing;
    }
    let root = incident.record.root.as_ref().map(|root| root.entity.as_str());
    let affected = incident.affected.keys().map(String::as_str).take(ITEMS_ASKED_MAX);
    // As it opens, its alerts have not joined it yet: then its own labels say what has failed.
    let own = item_of(&incident.record.labels, step);
    let items = root.into_iter().chain(affected).chain(own.as_deref());
    TeamAvailability { vendor: vendor_team(items, step.rulebook, step.now), ..staffing }
}

/// The teams, for items by name, the likeliest cause first.
pub fn staffing_for<'a, 'b>(items: impl Iterator<Item = &'b str>, step: &DeskContext<'a>) -> TeamAvailability<'a> {
    TeamAvailability { vendor: vendor_team(items, step.rulebook, step.now), ..staffing(step) }
}

/// Who can act on an incident: without the teams whose steps are passed over now.
pub fn with_closed<'a>(
    desk: &DeskState,
    record: &Incident,
    staffing: TeamAvailability<'a>,
    step: &DeskContext<'a>,
) -> TeamAvailability<'a> {
    let wanted = wanted(desk, record, step.rulebook);
    TeamAvailability { closed: closed(desk, &wanted, step.rulebook, step.now), ..staffing }
}

pub fn choice(
    desk: &DeskState,
    team: &Team,
    wanted: &WorkRequirements,
    rulebook: &Rulebook,
    now: Timestamp,
) -> Assignment {
    let staff = &desk.kept.core.staff;
    let duty = duty(desk, team, rulebook, now);
    choose(rulebook, team, duty.as_ref(), &staff.attendance, wanted, |person| desk.hands.load(person))
}

/// Who of a team with a roster is on duty.
pub fn duty(desk: &DeskState, team: &Team, rulebook: &Rulebook, now: Timestamp) -> Option<OnCallShift> {
    let roster = team.roster.as_ref().and_then(|name| rulebook.rosters.get(name))?;
    Some(on_duty(roster, &rulebook.calendars, &desk.kept.core.staff.overrides, now))
}

/// What an incident asks for: by its own labels, else by the items that it is about.
pub fn wanted(desk: &DeskState, record: &Incident, rulebook: &Rulebook) -> WorkRequirements {
    let affected = desk.get(record.id).into_iter().flat_map(|incident| incident.affected.keys());
    let root = record.root.as_ref().map(|root| &root.entity);
    wanted_of(record, root.into_iter().chain(affected).map(String::as_str), rulebook)
}

/// Whether anybody of the team could take anything.
pub fn has_free(desk: &DeskState, team: &str, step: &DeskContext<'_>) -> bool {
    let Some(team) = step.rulebook.teams.get(team) else { return false };
    let anything = Team { sites: Vec::new(), skills: Vec::new(), ..team.clone() };
    let choice = choice(desk, &anything, &WorkRequirements::default(), step.rulebook, step.now);
    matches!(choice, Assignment::Take { .. })
}

/// With everybody away a ladder begins at its first step, and waits there for whoever comes first.
pub fn at_start<'a>(ladder: &EscalationPolicy, staffing: &TeamAvailability<'a>) -> TeamAvailability<'a> {
    let nobody = ladder.steps.iter().all(|one| staffing.team_of(one).is_err());
    let closed = if nobody { BTreeMap::new() } else { staffing.closed.clone() };
    TeamAvailability { closed, ..staffing.clone() }
}

/// The teams whose steps are passed over now for such work, and why.
fn closed(
    desk: &DeskState,
    wanted: &WorkRequirements,
    rulebook: &Rulebook,
    now: Timestamp,
) -> BTreeMap<String, String> {
    let may_skip = |team: &&Team| {
        let roster = team.roster.as_ref().and_then(|name| rulebook.rosters.get(name));
        let skips = |otherwise| otherwise == UnavailablePolicy::Skip;
        roster.is_some_and(|roster| skips(roster.when_absent) || skips(roster.when_full))
    };
    let reason = |team: &Team| match choice(desk, team, wanted, rulebook, now) {
        Assignment::Skip { reason } => Some((team.name.clone(), reason)),
        Assignment::Take { .. } | Assignment::Wait { .. } => None,
    };
    rulebook.teams.values().filter(may_skip).filter_map(reason).collect()
}

fn wanted_of<'a>(record: &Incident, items: impl Iterator<Item = &'a str>, rulebook: &Rulebook) -> WorkRequirements {
    let inventory = &rulebook.inventory;
    let of_labels = |name: &str| record.labels.get(name).or_else(|| record.key.get(name)).map(str::to_owned);
    let concerned = inventory.concerned(&record.labels).into_iter();
    let known: Vec<_> = items.filter_map(|name| inventory.find(name)).chain(concerned).collect();
    let of_items = |name: &str| known.iter().find_map(|index| inventory.facts(*index).get(name)).map(str::to_owned);
    let value = |name: &str| of_labels(name).filter(|value| !value.is_empty()).or_else(|| of_items(name));
    WorkRequirements { site: value(SITE), skill: value(SKILL) }
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
