//! The section `teams:`.

use super::channel::channels;
use super::reader::Reader;
use super::team_text::{DigestText, TeamEntry};
use crate::model::Span;
use crate::rules::{Channel, DigestPolicy, Team};

const MEMBERS_MAX: usize = 200;
const CHANNELS_MAX: usize = 50;
/// More notices than that at once nobody reads.
pub(super) const DIGEST_ABOVE_MAX: u32 = 1_000;
const DIGEST_LEAST: Span = Span::from_seconds(10);
const DIGEST_MOST: Span = Span::from_days(1);

pub(super) fn team(reader: &mut Reader<'_>, entry: &TeamEntry) -> Team {
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
    let title = entry.title.as_ref().map_or_else(|| name.clone(), |title| reader.text(title));
    Team {
        name,
        title,
        members: members.iter().map(|member| reader.name(member)).collect(),
        channels,
        language: entry.language.as_ref().and_then(|word| reader.word(word)).unwrap_or_default(),
        digest: entry.digest.as_ref().map(|digest| policy(reader, digest)),
    }
}

fn policy(reader: &mut Reader<'_>, text: &DigestText) -> DigestPolicy {
    let standard = DigestPolicy::STANDARD;
    DigestPolicy {
        above: text.above.as_ref().map_or(standard.above, |above| reader.count(above, 1, DIGEST_ABOVE_MAX)),
        within: reader.optional_span(text.within.as_ref(), DIGEST_LEAST, DIGEST_MOST).unwrap_or(standard.within),
        every: reader.optional_span(text.every.as_ref(), DIGEST_LEAST, DIGEST_MOST).unwrap_or(standard.every),
    }
}
