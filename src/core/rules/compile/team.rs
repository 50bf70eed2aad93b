//! The section `teams:`.

use super::channel::channels;
use super::reader::{RefKind, SectionReader};
use crate::core::model::{Tier, TimeDelta};
use crate::core::rules::syntax::spanned::Spanned;
use crate::core::rules::syntax::team::DIGEST_ABOVE_MAX;
use crate::core::rules::syntax::team::{DigestSyntax, TeamSyntax};
use crate::core::rules::{Channel, DigestPolicy, Dispatch, Team};

const MEMBERS_MAX: usize = 200;
const VENDORS_MAX: usize = 64;
const CHANNELS_MAX: usize = 50;
const WORDS_MAX: usize = 500;
const DIGEST_LEAST: TimeDelta = TimeDelta::from_seconds(10);
const DIGEST_MOST: TimeDelta = TimeDelta::from_days(1);

pub(super) fn team(reader: &mut SectionReader<'_>, entry: &TeamSyntax) -> Team {
    let name = reader.name(&entry.name);
    let members = entry.members.as_deref().unwrap_or_default();
    let texts = entry.notify.as_deref().unwrap_or_default();
    let channels: Vec<Channel> = texts.iter().flat_map(|text| channels(reader, &text.value)).collect();
    let at = entry.name.referenced;
    if members.len() > MEMBERS_MAX {
        reader.mistake(at, format!("a team of {} members", members.len()), format!("at most {MEMBERS_MAX}"));
    }
    if channels.len() > CHANNELS_MAX {
        reader.mistake(at, format!("{} ways to notify", channels.len()), format!("at most {CHANNELS_MAX}"));
    }
    let vendors = entry.vendors.as_deref().unwrap_or_default();
    if vendors.len() > VENDORS_MAX {
        reader.mistake(at, format!("{} vendors", vendors.len()), format!("at most {VENDORS_MAX}"));
    }
    let sites = entry.sites.as_deref().unwrap_or_default();
    let skills = entry.skills.as_deref().unwrap_or_default();
    for (what, count) in [("sites", sites.len()), ("skills", skills.len())] {
        if count > WORDS_MAX {
            reader.mistake(at, format!("a team with {count} {what}"), format!("at most {WORDS_MAX}"));
        }
    }
    let title = entry.title.as_ref().map_or_else(|| name.clone(), |title| reader.text(title));
    Team {
        name,
        title,
        members: members.iter().map(|member| reader.name(member)).collect(),
        vendors: vendors.iter().map(|vendor| reader.name(vendor)).collect(),
        tier: entry.tier.as_ref().and_then(|tier| tier_of(reader, tier)),
        sites: sites.iter().map(|site| reader.name(site)).collect(),
        skills: skills.iter().map(|skill| reader.name(skill)).collect(),
        organisation: entry.organisation.as_ref().map(|text| reader.text(text)).unwrap_or_default(),
        roster: entry.roster.as_ref().map(|name| reader.refer(RefKind::Roster, name)),
        dispatch: dispatch(reader, entry),
        channels,
        language: entry.language.as_ref().and_then(|word| reader.word(word)).unwrap_or_default(),
        digest: entry.digest.as_ref().map(|digest| policy(reader, digest)),
    }
}

fn tier_of(reader: &mut SectionReader<'_>, number: &Spanned<u64>) -> Option<Tier> {
    let tier = u8::try_from(number.value).ok().and_then(Tier::from_number);
    if tier.is_none() {
        reader.mistake(number.referenced, format!("{} is not a tier", number.value), "1, 2 or 3");
    }
    tier
}

/// Reads the dispatch; a team with an on-call schedule assigns work by default.
fn dispatch(reader: &mut SectionReader<'_>, entry: &TeamSyntax) -> Dispatch {
    let usual = if entry.roster.is_some() { Dispatch::LeastLoaded } else { Dispatch::ByHand };
    let Some(text) = &entry.dispatch else { return usual };
    Dispatch::ALL.into_iter().find(|word| word.as_str() == text.value).unwrap_or_else(|| {
        reader.mistake(text.referenced, format!("{:?} is not known here", text.value), "by_hand or least_loaded");
        usual
    })
}

fn policy(reader: &mut SectionReader<'_>, text: &DigestSyntax) -> DigestPolicy {
    let standard = DigestPolicy::STANDARD;
    DigestPolicy {
        above: text.above.as_ref().map_or(standard.above, |above| reader.count(above, 1, DIGEST_ABOVE_MAX)),
        within: reader.optional_span(text.within.as_ref(), DIGEST_LEAST, DIGEST_MOST).unwrap_or(standard.within),
        every: reader.optional_span(text.every.as_ref(), DIGEST_LEAST, DIGEST_MOST).unwrap_or(standard.every),
    }
}
