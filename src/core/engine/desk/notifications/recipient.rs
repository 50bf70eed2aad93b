//! Who is told, by which way, how often and in which language.

use serde::{Deserialize, Serialize};

use crate::core::rules::{Channel, DigestPolicy, Language, Rulebook};

/// Who is told, and by which way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DigestRecipient {
    pub team: String,
    pub person: Option<String>,
    pub channel: Channel,
}

impl DigestRecipient {
    pub fn of_team(team: &str, channel: Channel) -> DigestRecipient {
        DigestRecipient { team: team.to_owned(), person: None, channel }
    }

    pub fn of_person(team: &str, person: &str, channel: Channel) -> DigestRecipient {
        DigestRecipient { team: team.to_owned(), person: Some(person.to_owned()), channel }
    }
}

pub fn policy_of(to: &DigestRecipient, rulebook: &Rulebook) -> Option<DigestPolicy> {
    let own = match to.person {
        Some(_) => None,
        None => rulebook.teams.get(&to.team).and_then(|team| team.digest),
    };
    DigestPolicy::of(own, &to.channel)
}

pub fn language_of(to: &DigestRecipient, rulebook: &Rulebook) -> Language {
    match &to.person {
        Some(person) => rulebook.people.get(person).map(|person| person.language).unwrap_or_default(),
        None => rulebook.teams.get(&to.team).map(|team| team.language).unwrap_or_default(),
    }
}
