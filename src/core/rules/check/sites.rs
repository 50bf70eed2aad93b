//! Sites of the inventory that no first-line member covers.

use std::collections::BTreeMap;

use crate::core::model::Tier;
use crate::core::rules::{Person, Roster, Rulebook, Team};

/// Each with its number of items, and one of them. No site is an orphan if no one's sites are given.
pub(super) fn orphans(rulebook: &Rulebook) -> Vec<(String, usize, String)> {
    let first_line: Vec<&Team> = rulebook.teams.values().filter(|team| is_first_line(rulebook, team)).collect();
    let is_bound = |team: &&Team| !team.sites.is_empty() || people(rulebook, team).any(|one| !one.sites.is_empty());
    if !first_line.iter().any(is_bound) {
        return Vec::new();
    }
    let mut sites: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for (_, item) in rulebook.inventory.items() {
        let Some(site) = item.site.as_deref().filter(|site| !site.is_empty()) else { continue };
        sites.entry(site).or_insert((0, &item.name)).0 += 1;
    }
    let is_orphan = |site: &str| !first_line.iter().any(|team| covers(rulebook, team, site));
    let orphans = sites.into_iter().filter(|(site, _)| is_orphan(site));
    orphans.map(|(site, (count, item))| (site.to_owned(), count, item.to_owned())).collect()
}

/// True if a member of the team covers that site. A member without sites covers all.
fn covers(rulebook: &Rulebook, team: &Team, site: &str) -> bool {
    let takes = |list: &[String]| list.is_empty() || list.iter().any(|one| one == site);
    let goes = |name: &str| rulebook.people.get(name).is_none_or(|person| takes(&person.sites));
    let mut names = names(rulebook, team).peekable();
    takes(&team.sites) && (names.peek().is_none() || names.any(goes))
}

fn names<'a>(rulebook: &'a Rulebook, team: &'a Team) -> impl Iterator<Item = &'a str> {
    let of_roster = of_roster(rulebook, team).into_iter().flat_map(Roster::people);
    team.members.iter().map(String::as_str).chain(of_roster)
}

/// By its own `tier`, else by a step of an escalation policy.
fn is_first_line(rulebook: &Rulebook, team: &Team) -> bool {
    let on_ladder = || {
        let mut steps = rulebook.ladders.values().flat_map(|ladder| &ladder.steps);
        steps.any(|step| step.tier == Tier::First && step.team == team.name)
    };
    team.tier.map_or_else(on_ladder, |tier| tier == Tier::First)
}

fn of_roster<'a>(rulebook: &'a Rulebook, team: &Team) -> Option<&'a Roster> {
    team.roster.as_ref().and_then(|name| rulebook.rosters.get(name))
}

fn people<'a>(rulebook: &'a Rulebook, team: &'a Team) -> impl Iterator<Item = &'a Person> {
    names(rulebook, team).filter_map(|name| rulebook.people.get(name))
}
