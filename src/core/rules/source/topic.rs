//! MQTT topics of a source: filters whose levels may be named, `alarms/{site}/{device}/#`.

use crate::core::model::NAME_MAX_BYTES;

/// Maximum length of a topic in MQTT, in bytes.
const TOPIC_MAX_BYTES: usize = 65_535;

/// A topic filter with names for some of its levels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TopicPattern {
    /// The filter to subscribe to.
    pub filter: String,
    levels: Vec<Level>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Level {
    Fixed(String),
    /// `+`
    Any,
    /// `{name}`
    Named(String),
    /// `#`, at the end only: this level and all below, or none.
    Rest,
}

impl TopicPattern {
    /// Parses a pattern, or returns the error.
    pub fn parse(text: &str) -> Result<TopicPattern, String> {
        if text.is_empty() || text.len() > TOPIC_MAX_BYTES || text.contains('\0') {
            return Err(format!("a topic has 1 to {TOPIC_MAX_BYTES} bytes and no NUL"));
        }
        let (share, topic) = split_share(text)?;
        let levels: Vec<Level> = topic.split('/').map(parse_level).collect::<Result<_, _>>()?;
        if levels.iter().rev().skip(1).any(|level| *level == Level::Rest) {
            return Err("# stands only at the end of a topic".to_owned());
        }
        let mut names: Vec<&str> = levels.iter().filter_map(Level::name).collect();
        names.sort_unstable();
        if let Some(double) = names.windows(2).find(|two| two[0] == two[1]) {
            return Err(format!("{{{}}} stands twice in the topic", double[0]));
        }
        let filter: Vec<&str> = levels.iter().map(Level::filter).collect();
        Ok(TopicPattern { filter: format!("{share}{}", filter.join("/")), levels })
    }

    /// The named levels of a topic that fits; `None` if it does not fit.
    pub fn levels_of<'t>(&self, topic: &'t str) -> Option<Vec<(&str, &'t str)>> {
        // Topics such as $SYS are the broker's own: only a filter that spells their first level takes them.
        if topic.starts_with('$') && !matches!(self.levels.first(), Some(Level::Fixed(_))) {
            return None;
        }
        let mut named = Vec::new();
        let mut parts = topic.split('/');
        for level in &self.levels {
            let part = match (level, parts.next()) {
                (Level::Rest, _) => return Some(named),
                (_, None) => return None,
                (_, Some(part)) => part,
            };
            match level {
                Level::Fixed(text) if text != part => return None,
                Level::Named(name) => named.push((name.as_str(), part)),
                Level::Fixed(_) | Level::Any | Level::Rest => {}
            }
        }
        parts.next().is_none().then_some(named)
    }
}

impl Level {
    fn name(&self) -> Option<&str> {
        match self {
            Level::Named(name) => Some(name),
            Level::Fixed(_) | Level::Any | Level::Rest => None,
        }
    }

    fn filter(&self) -> &str {
        match self {
            Level::Fixed(text) => text,
            Level::Any | Level::Named(_) => "+",
            Level::Rest => "#",
        }
    }
}

/// `$share/group/` before a filter spreads its messages over several subscribers; topics themselves do not carry it.
fn split_share(text: &str) -> Result<(&str, &str), String> {
    let Some(shared) = text.strip_prefix("$share/") else { return Ok(("", text)) };
    let group = shared.find('/').filter(|end| *end > 0 && *end + 1 < shared.len());
    let end = group.ok_or_else(|| "expected $share/GROUP/TOPIC".to_owned())? + "$share/".len() + 1;
    Ok(text.split_at(end))
}

fn parse_level(text: &str) -> Result<Level, String> {
    match text {
        "+" => return Ok(Level::Any),
        "#" => return Ok(Level::Rest),
        _ => {}
    }
    if let Some(name) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        let is_good = !name.is_empty() && name.len() <= NAME_MAX_BYTES && !name.contains(['{', '}', '+', '#']);
        return if is_good {
            Ok(Level::Named(name.to_owned()))
        } else {
            Err(format!("{text:?} does not name a level; expected {{name}}"))
        };
    }
    if text.contains(['+', '#', '{', '}']) {
        return Err(format!("{text:?}: +, # and {{name}} stand for whole levels"));
    }
    Ok(Level::Fixed(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_levels_are_taken_from_topics_that_fit() {
        let check = |pattern: &str, filter: &str, topic: &str, expected: Option<&[(&str, &str)]>| {
            let pattern = TopicPattern::parse(pattern).unwrap();
            assert_eq!(pattern.filter, filter);
            assert_eq!(pattern.levels_of(topic).as_deref(), expected, "{topic}");
        };
        let named: &[(&str, &str)] = &[("site", "广州"), ("device", "sw3")];
        check("alarms/{site}/{device}/#", "alarms/+/+/#", "alarms/广州/sw3", Some(named));
        check("alarms/{site}/{device}/#", "alarms/+/+/#", "alarms/广州/sw3/port/1", Some(named));
        check("alarms/{site}/{device}/#", "alarms/+/+/#", "alarms/广州", None);
        check("alarms/{site}", "alarms/+", "alarms/GZ/extra", None);
        check("alarms/{site}", "alarms/+", "events/GZ", None);
        check("#", "#", "a/b", Some(&[]));
        check("#", "#", "$SYS/broker", None);
        check("+/broker", "+/broker", "$SYS/broker", None);
        check("$SYS/#", "$SYS/#", "$SYS/broker", Some(&[]));
        check("$share/noc/alarms/{site}", "$share/noc/alarms/+", "alarms/GZ", Some(&[("site", "GZ")]));
        check("a//b", "a//b", "a//b", Some(&[]));
    }

    #[test]
    fn patterns_that_mqtt_does_not_know_are_refused() {
        for text in ["", "a/#/b", "a/b#", "a/x+", "a/{s}x", "a/{}", "{s}/{s}", "$share/g", "$share//t", "a\0b"] {
            assert!(TopicPattern::parse(text).is_err(), "{text:?}");
        }
    }
}
