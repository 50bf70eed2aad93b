//! The section `people:`.

use super::channel;
use super::reader::{RefKind, SectionReader};
use crate::core::model::TimeDelta;
use crate::core::rules::syntax::person::LIMIT_MAX;
use crate::core::rules::syntax::person::{ContactSyntax, PersonSyntax};
use crate::core::rules::{Contact, LIMIT_DEFAULT, Person};

const SECOND: TimeDelta = TimeDelta::from_seconds(1);
const AFTER_MAX: TimeDelta = TimeDelta::from_days(1);
const CONTACTS_MAX: usize = 16;
const WORDS_MAX: usize = 100;
pub(super) fn person(reader: &mut SectionReader<'_>, entry: &PersonSyntax) -> Person {
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
        limit: entry.limit.as_ref().map_or(LIMIT_DEFAULT, |limit| reader.count(limit, 1, LIMIT_MAX)),
        contacts: contacts.iter().flat_map(|contact| self::contacts(reader, contact)).collect(),
        language: entry.language.as_ref().and_then(|word| reader.word(word)).unwrap_or_default(),
        name,
    }
}

/// One contact for each channel of the entry.
fn contacts(reader: &mut SectionReader<'_>, entry: &ContactSyntax) -> Vec<Contact> {
    let words = entry.priorities.as_deref().unwrap_or_default();
    let priorities: Vec<_> = words.iter().filter_map(|word| reader.word(word)).collect();
    let calendar = entry.calendar.as_ref().map(|name| reader.refer(RefKind::Calendar, name));
    let after = reader.optional_span(entry.after.as_ref(), SECOND, AFTER_MAX).unwrap_or(TimeDelta::ZERO);
    let channels = channel::channels(reader, &entry.by.value).into_iter();
    let contact = |channel| Contact { channel, priorities: priorities.clone(), calendar: calendar.clone(), after };
    channels.map(contact).collect()
}
