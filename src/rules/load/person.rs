//! The section `people:`.

use super::person_text::{ContactEntry, PersonEntry};
use super::reader::{Named, Reader};
use super::team;
use crate::model::Span;
use crate::rules::{Contact, Person};

const SECOND: Span = Span::from_seconds(1);
const AFTER_MAX: Span = Span::from_days(1);
const CONTACTS_MAX: usize = 16;
const WORDS_MAX: usize = 100;
/// How many open incidents one person may hold, at most.
pub(super) const LIMIT_MAX: u32 = 1_000;
const LIMIT: u32 = 5;

pub(super) fn person(reader: &mut Reader<'_>, entry: &PersonEntry) -> Person {
    let name = reader.name(&entry.name);
    let at = entry.name.referenced;
    let sites = entry.sites.as_deref().unwrap_or_default();
    let skills = entry.skills.as_deref().unwrap_or_default();
    let contacts = entry.notify.as_deref().unwrap_or_default();
    for (what, count, most) in [
        ("sites", sites.len(), WORDS_MAX),
        ("skills", skills.len(), WORDS_MAX),
        ("contacts", contacts.len(), CONTACTS_MAX),
    ] {
        if count > most {
            reader.mistake(at, format!("a person with {count} {what}"), format!("at most {most}"));
        }
    }
    Person {
        title: entry.title.as_ref().map_or_else(|| name.clone(), |title| reader.text(title)),
        organisation: entry.organisation.as_ref().map(|text| reader.text(text)).unwrap_or_default(),
        sites: sites.iter().map(|site| reader.name(site)).collect(),
        skills: skills.iter().map(|skill| reader.name(skill)).collect(),
        limit: entry.limit.as_ref().map_or(LIMIT, |limit| reader.count(limit, 1, LIMIT_MAX)),
        contacts: contacts.iter().map(|contact| self::contact(reader, contact)).collect(),
        name,
    }
}

fn contact(reader: &mut Reader<'_>, entry: &ContactEntry) -> Contact {
    let words = entry.priorities.as_deref().unwrap_or_default();
    Contact {
        channel: team::channel(reader, &entry.by.value),
        priorities: words.iter().filter_map(|word| reader.word(word)).collect(),
        calendar: entry.calendar.as_ref().map(|name| reader.refer(Named::Calendar, name)),
        after: reader.optional_span(entry.after.as_ref(), SECOND, AFTER_MAX).unwrap_or(Span::ZERO),
    }
}
