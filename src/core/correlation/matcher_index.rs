//! Index of matcher sets that can fit a label set: by the values that one matcher of each spells out, else by one of
//! its regular expressions, all expressions on one label in one automaton; the rest one by one.
//!
//! Only sets that cannot fit are left out, so the result after a full match is that of a linear scan.

use std::collections::BTreeMap;

use regex::{RegexSet, RegexSetBuilder};

use crate::core::model::{Labels, Matcher, Matchers};
use crate::core::rules::fact_named;

/// Maximum number of expressions per automaton: more would make it too large to be built on demand.
const EXPRESSIONS_MAX: usize = 128;
/// Memory limit of one automaton, in bytes.
const AUTOMATON_MAX_BYTES: usize = 64 << 20;

#[derive(Debug, Default)]
pub(super) struct MatcherIndex {
    /// Label name → the sets with a demand on it.
    by_label: BTreeMap<String, Demands>,
    /// The same for facts, by their names without `fact.`.
    by_fact: BTreeMap<String, Demands>,
    /// Sets without a matcher that the index supports.
    others: Vec<u32>,
}

/// The demands on one label.
#[derive(Debug, Default)]
struct Demands {
    by_value: hashbrown::HashMap<String, Vec<u32>>,
    automata: Vec<Automaton>,
}

#[derive(Debug)]
struct Automaton {
    expressions: RegexSet,
    /// The set that each expression belongs to.
    numbers: Vec<u32>,
}

impl MatcherIndex {
    /// Builds the index of numbered sets; a number may stand for several sets.
    pub fn new<'a>(sets: impl Iterator<Item = (u32, &'a Matchers)> + Clone) -> MatcherIndex {
        let mut shared: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for (name, values) in sets.clone().flat_map(|(_, matchers)| matchers.iter()).filter_map(values) {
            values.into_iter().for_each(|value| *shared.entry((name, value)).or_default() += 1);
        }
        let crowd = |(name, values): &(&str, Vec<&str>)| -> u64 {
            values.iter().filter_map(|value| shared.get(&(*name, *value))).sum()
        };
        let mut candidates = MatcherIndex::default();
        let mut expressions: BTreeMap<&str, Vec<(&str, u32)>> = BTreeMap::new();
        for (number, matchers) in sets {
            if let Some((name, values)) = matchers.iter().filter_map(values).min_by_key(crowd) {
                let by_value = &mut candidates.by_label.entry(name.to_owned()).or_default().by_value;
                values.into_iter().for_each(|value| by_value.entry(value.to_owned()).or_default().push(number));
            } else if let Some((name, expression)) = matchers.iter().find_map(expression) {
                expressions.entry(name).or_default().push((expression, number));
            } else {
                candidates.others.push(number);
            }
        }
        for (name, demanded) in expressions {
            for some in demanded.chunks(EXPRESSIONS_MAX) {
                match Automaton::new(some) {
                    Some(automaton) => {
                        candidates.by_label.entry(name.to_owned()).or_default().automata.push(automaton);
                    }
                    None => candidates.others.extend(some.iter().map(|(_, number)| number)),
                }
            }
        }
        for (name, demands) in std::mem::take(&mut candidates.by_label) {
            match fact_named(&name) {
                Some(fact) => candidates.by_fact.insert(fact.to_owned(), demands),
                None => candidates.by_label.insert(name, demands),
            };
        }
        candidates
    }

    /// Puts the numbers of all sets that can fit into `found`, in order, each once.
    pub fn find(&self, labels: &Labels, facts: &Labels, found: &mut Vec<u32>) {
        found.clear();
        found.extend_from_slice(&self.others);
        let of_facts = facts.iter().filter(|_| !self.by_fact.is_empty());
        let of_facts = of_facts.filter_map(|(name, value)| Some((self.by_fact.get(name)?, value)));
        let of_labels = labels.iter().filter_map(|(name, value)| Some((self.by_label.get(name)?, value)));
        for (demands, value) in of_labels.chain(of_facts) {
            if let Some(numbers) = demands.by_value.get(value) {
                found.extend_from_slice(numbers);
            }
            for automaton in &demands.automata {
                found.extend(automaton.expressions.matches(value).iter().map(|index| automaton.numbers[index]));
            }
        }
        found.sort_unstable();
        found.dedup();
    }

    pub fn is_empty(&self) -> bool {
        self.by_label.is_empty() && self.by_fact.is_empty() && self.others.is_empty()
    }
}

impl Automaton {
    /// `None` if the expressions together are too large.
    fn new(demanded: &[(&str, u32)]) -> Option<Automaton> {
        let mut builder = RegexSetBuilder::new(demanded.iter().map(|(expression, _)| expression));
        let expressions = builder.size_limit(AUTOMATON_MAX_BYTES).build().ok()?;
        Some(Automaton { expressions, numbers: demanded.iter().map(|(_, number)| *number).collect() })
    }
}

/// The values of which a label must have one. Names with `@` are not labels; an empty value fits an absent label.
pub(super) fn values(matcher: &Matcher) -> Option<(&str, Vec<&str>)> {
    let values = matcher.values().filter(|_| !matcher.name().starts_with('@'))?;
    Some((matcher.name(), values))
}

/// The expression that a label must fit, if an absent label does not.
fn expression(matcher: &Matcher) -> Option<(&str, &str)> {
    let expression = matcher.expression().filter(|_| !matcher.name().starts_with('@'))?;
    Some((matcher.name(), expression))
}

#[cfg(test)]
mod tests {
    use super::MatcherIndex;
    use crate::core::model::{Labels, Matchers};

    #[test]
    fn only_sets_that_can_fit_are_found() {
        let texts = [
            r#"alertname="LinkDown""#,
            r#"alertname=~"LinkDown|PortDown", site="GZ01""#,
            r#"alertname=~"Link.*""#,
            r#"site=~"GZ01|广州", alertname!="x""#,
            r#"site="""#,
            r#"@severity="critical""#,
            r#"alertname=~"LinkDown|LinkDown""#,
            r#"alertname=~"(?:Link|Port)(?:Down|Up)""#,
            r#"site=~"G.+", alertname!~"Link.*""#,
        ];
        let sets: Vec<Matchers> = texts.iter().map(|text| Matchers::parse(text).unwrap()).collect();
        let candidates = MatcherIndex::new(sets.iter().enumerate().map(|(number, set)| (number as u32, set)));
        let check = |labels: &[(&str, &str)], expected: &[u32]| {
            let mut found = Vec::new();
            let facts = Labels::from_pairs([("site", "GZ01")]);
            candidates.find(&Labels::from_pairs(labels.iter().copied()), &facts, &mut found);
            assert_eq!(found, expected, "{labels:?}");
        };
        check(&[("alertname", "LinkDown"), ("site", "SZ02")], &[0, 2, 4, 5, 6, 7]);
        check(&[("alertname", "PortDown"), ("site", "GZ01")], &[1, 3, 4, 5, 7, 8]);
        check(&[("alertname", "DiskFull"), ("site", "广州")], &[3, 4, 5]);
        check(&[("alertname", "DiskFull")], &[4, 5]);
        check(&[], &[4, 5]);
    }
}
