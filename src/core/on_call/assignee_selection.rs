//! Assignee selection: a team member on duty, present, below the limit, of the site and with the skill; of those the
//! least loaded, ties by name.

use super::{Attendance, OnCallShift};
use crate::core::rules::{LIMIT_DEFAULT, Rulebook, Team, UnavailablePolicy};

/// Requirements of a piece of work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkRequirements {
    pub site: Option<String>,
    pub skill: Option<String>,
}

/// Result of an assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assignment {
    /// This person takes it; with the reason in words.
    Take { person: String, why: String },
    /// It waits until a person can take it.
    Wait { reason: String },
    /// The team cannot act now, and its policy is to skip the step.
    Skip { reason: String },
}

/// The candidates of a team: the people on duty if it has an on-call schedule. Sorted by name, each once.
pub fn responders<'a>(team: &'a Team, duty: Option<&'a OnCallShift>) -> Vec<&'a str> {
    let mut people: Vec<&str> = match duty {
        Some(duty) => duty.people.iter().map(|one| one.person.as_str()).collect(),
        None => team.members.iter().map(String::as_str).collect(),
    };
    people.sort_unstable();
    people.dedup();
    people
}

/// True if a list of sites or skills fits the requirement; an empty list fits any, and no requirement fits any list.
fn fits(list: &[String], wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| list.is_empty() || list.iter().any(|one| one == wanted))
}

/// Selects the responder for a piece of work. `load` is a person's number of open incidents.
pub fn choose(
    rulebook: &Rulebook,
    team: &Team,
    duty: Option<&OnCallShift>,
    attendance: &Attendance,
    wanted: &WorkRequirements,
    load: impl Fn(&str) -> u32,
) -> Assignment {
    let roster = team.roster.as_ref().and_then(|name| rulebook.rosters.get(name));
    let (when_absent, when_full) = roster
        .map_or((UnavailablePolicy::Wait, UnavailablePolicy::Wait), |roster| (roster.when_absent, roster.when_full));
    let cannot = |otherwise, reason| match otherwise {
        UnavailablePolicy::Skip => Assignment::Skip { reason },
        UnavailablePolicy::Wait => Assignment::Wait { reason },
    };
    let (site, skill) = (wanted.site.as_deref(), wanted.skill.as_deref());
    if !fits(&team.sites, site) || !fits(&team.skills, skill) {
        return cannot(when_absent, format!("{} does not take {}", team.name, shown(wanted)));
    }
    let people = responders(team, duty);
    if people.is_empty() {
        let why = duty.map_or("the team has no members", |duty| duty.why.as_str());
        return cannot(when_absent, format!("nobody of {} is on duty: {why}", team.name));
    }
    let is_able = |name: &&str| {
        rulebook.people.get(*name).is_none_or(|person| fits(&person.sites, site) && fits(&person.skills, skill))
    };
    let able: Vec<&str> = people.into_iter().filter(is_able).collect();
    if able.is_empty() {
        return cannot(when_absent, format!("nobody on duty in {} has {}", team.name, shown(wanted)));
    }
    let required = roster.is_some_and(|roster| roster.presence_required);
    let mut absent = Vec::new();
    let mut present = Vec::new();
    for name in able {
        match attendance.absence(name, required) {
            Some(why) => absent.push(format!("{name}: {why}")),
            None => present.push(name),
        }
    }
    if present.is_empty() {
        return cannot(when_absent, format!("nobody of {} is present ({})", team.name, absent.join(", ")));
    }
    let limit_of = |name: &str| rulebook.people.get(name).map_or(LIMIT_DEFAULT, |person| person.limit);
    let free = present.iter().filter(|name| load(name) < limit_of(name)).min_by_key(|name| (load(name), **name));
    match free {
        Some(&person) => {
            let asked =
                if *wanted == WorkRequirements::default() { String::new() } else { format!(", for {}", shown(wanted)) };
            let of = present.len();
            let (held, limit) = (load(person), limit_of(person));
            Assignment::Take {
                person: person.to_owned(),
                why: format!("of {of} present in {} the one who holds least, {held} of {limit}{asked}", team.name),
            }
        }
        None => {
            let loads: Vec<String> =
                present.iter().map(|name| format!("{name} {}/{}", load(name), limit_of(name))).collect();
            cannot(when_full, format!("everybody of {} holds as much as they may ({})", team.name, loads.join(", ")))
        }
    }
}

fn shown(wanted: &WorkRequirements) -> String {
    match (&wanted.site, &wanted.skill) {
        (Some(site), Some(skill)) => format!("site {site} and skill {skill}"),
        (Some(site), None) => format!("site {site}"),
        (None, Some(skill)) => format!("skill {skill}"),
        (None, None) => "any work".to_owned(),
    }
}
