//! Topic filters: checked once, matched level by level.

/// Maximum length of a topic or filter in MQTT, in bytes.
const TOPIC_MAX_BYTES: usize = 65_535;

/// Reason why a text is no topic filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{filter:?} is no MQTT topic filter: {problem}; expected levels like site/+/events/#")]
pub struct ParseTopicFilterError {
    pub filter: String,
    pub problem: &'static str,
}

/// All topic filters of a rulebook's sources, without duplicates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicFilters(Vec<String>);

impl TopicFilters {
    /// The checked filters, sorted; or the first wrong one.
    pub fn parse<T: AsRef<str>>(filters: impl IntoIterator<Item = T>) -> Result<TopicFilters, ParseTopicFilterError> {
        let mut checked = Vec::new();
        for filter in filters {
            let filter = filter.as_ref();
            if let Some(problem) = filter_problem(filter) {
                return Err(ParseTopicFilterError { filter: filter.chars().take(200).collect(), problem });
            }
            checked.push(filter.to_owned());
        }
        checked.sort_unstable();
        checked.dedup();
        Ok(TopicFilters(checked))
    }

    /// True if any filter matches the topic.
    pub fn take(&self, topic: &str) -> bool {
        self.0.iter().any(|filter| matches(filter, topic))
    }

    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// True if a sender may publish on that topic; the protocol forbids wildcards, NUL and the empty topic.
pub(super) fn is_publishable(topic: &str) -> bool {
    !topic.is_empty() && !topic.contains(['+', '#', '\0'])
}

fn filter_problem(filter: &str) -> Option<&'static str> {
    let levels = match filter.strip_prefix("$share/") {
        None => filter,
        Some(shared) => match shared.split_once('/') {
            Some((group, levels)) if !group.is_empty() && !group.contains(['+', '#']) => levels,
            Some(_) | None => return Some("a shared filter is $share/GROUP/FILTER"),
        },
    };
    if levels.is_empty() {
        return Some("it is empty");
    }
    if filter.len() > TOPIC_MAX_BYTES || filter.contains('\0') {
        return Some("it is longer than 65,535 bytes or holds NUL");
    }
    let last = levels.split('/').count() - 1;
    for (index, level) in levels.split('/').enumerate() {
        if level.contains('#') && (level != "#" || index != last) {
            return Some("# must be the whole last level");
        }
        if level.contains('+') && level != "+" {
            return Some("+ must be a whole level");
        }
    }
    None
}

/// By the rules of MQTT: `+` is one level, `#` the level above it and all below, neither matches a `$` at the
/// beginning.
fn matches(filter: &str, topic: &str) -> bool {
    let filter = match filter.strip_prefix("$share/") {
        Some(shared) => shared.split_once('/').map_or("", |(_, levels)| levels),
        None => filter,
    };
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut levels = topic.split('/');
    for wanted in filter.split('/') {
        match (wanted, levels.next()) {
            ("#", _) => return true,
            ("+", Some(_)) => {}
            (wanted, Some(level)) if wanted == level => {}
            (_, _) => return false,
        }
    }
    levels.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_match_filters_by_the_rules_of_mqtt() {
        let check = |filter: &str, topic: &str, expected: bool| {
            let filters = TopicFilters::parse([filter]).unwrap();
            assert_eq!(filters.take(topic), expected, "{filter} {topic}");
        };
        check("a/b", "a/b", true);
        check("a/b", "a/b/c", false);
        check("a/+/c", "a/b/c", true);
        check("a/+", "a/", true);
        check("a/+", "a", false);
        check("a/#", "a", true);
        check("a/#", "a/b/c", true);
        check("#", "a/b", true);
        check("#", "$SYS/broker", false);
        check("+/broker", "$SYS/broker", false);
        check("$SYS/#", "$SYS/broker", true);
        check("$share/noc/a/#", "a/b", true);
        check("广州/+/告警", "广州/交换机/告警", true);
        check("广州/+/告警", "深圳/交换机/告警", false);
    }

    #[test]
    fn wrong_filters_are_named_with_their_mistake() {
        for (filter, problem) in [
            ("", "empty"),
            ("a/#/b", "#"),
            ("a#", "#"),
            ("a/b+", "+"),
            ("$share/a", "shared"),
            ("$share/+/a", "shared"),
            ("$share/g/", "empty"),
            ("a\0", "NUL"),
        ] {
            let mistake = TopicFilters::parse(["ok", filter]).unwrap_err();
            assert_eq!(mistake.filter, filter);
            assert!(mistake.to_string().contains(problem), "{mistake}");
        }
    }

    #[test]
    fn the_same_filter_twice_is_one() {
        let filters = TopicFilters::parse(["b", "a", "b"]).unwrap();
        assert_eq!(filters.as_slice(), ["a", "b"]);
    }
}
