//! The section `teams:`.

use super::reader::Reader;
use super::team_text::{ChannelText, TeamEntry};
use crate::rules::{Channel, Team};

const MEMBERS_MAX: usize = 200;
const CHANNELS_MAX: usize = 16;
const VENDORS_MAX: usize = 64;

pub(super) fn team(reader: &mut Reader<'_>, entry: &TeamEntry) -> Team {
    let name = reader.name(&entry.name);
    let members = entry.members.as_deref().unwrap_or_default();
    let channels = entry.notify.as_deref().unwrap_or_default();
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
    let title = entry.title.as_ref().map_or_else(|| name.clone(), |title| reader.text(title));
    Team {
        name,
        title,
        members: members.iter().map(|member| reader.name(member)).collect(),
        vendors: vendors.iter().map(|vendor| reader.name(vendor)).collect(),
        channels: channels.iter().map(|text| channel(reader, &text.value)).collect(),
    }
}

pub(super) fn channel(reader: &mut Reader<'_>, text: &ChannelText) -> Channel {
    match text {
        ChannelText::Webhook { url } => Channel::Webhook { url: reader.url(url) },
        ChannelText::Mqtt { topic } => Channel::Mqtt { topic: reader.topic(topic, false) },
    }
}
