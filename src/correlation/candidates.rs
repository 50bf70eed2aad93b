//! Which of many matcher sets can fit a label set: by the values that one matcher of each spells out, the rest one by one.
//!
//! Only sets that cannot fit are left out, so the answer after a full match is that of a linear scan.

use std::collections::BTreeMap;

use crate::model::{Labels, Matcher, Matchers};

#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// Label name → value → the sets that demand it.
    by_value: BTreeMap<String, BTreeMap<String, Vec<u32>>>,
    /// Sets without a matcher that spells out its values.
    others: Vec<u32>,
}

impl Candidates {
    /// Of numbered sets; a number may stand for several sets.
    pub fn new<'a>(sets: impl Iterator<Item = (u32, &'a Matchers)> + Clone) -> Candidates {
        let mut shared: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for (name, values) in sets.clone().flat_map(|(_, matchers)| matchers.iter()).filter_map(indexable) {
            values.into_iter().for_each(|value| *shared.entry((name, value)).or_default() += 1);
        }
        let crowd = |(name, values): &(&str, Vec<&str>)| -> u64 {
            values.iter().filter_map(|value| shared.get(&(*name, *value))).sum()
        };
        let mut candidates = Candidates::default();
        for (number, matchers) in sets {
            let Some((name, values)) = matchers.iter().filter_map(indexable).min_by_key(crowd) else {
                candidates.others.push(number);
                continue;
            };
            let by_value = candidates.by_value.entry(name.to_owned()).or_default();
            values.into_iter().for_each(|value| by_value.entry(value.to_owned()).or_default().push(number));
        }
        candidates
    }

    /// Puts the numbers of all sets that can fit into `found`, in order, each once.
    pub fn find(&self, labels: &Labels, found: &mut Vec<u32>) {
        found.clear();
        found.extend_from_slice(&self.others);
        for (name, value) in labels.iter() {
            if let Some(numbers) = self.by_value.get(name).and_then(|values| values.get(value)) {
                found.extend_from_slice(numbers);
            }
        }
        found.sort_unstable();
        found.dedup();
    }

    pub fn is_empty(&self) -> bool {
        self.by_value.is_empty() && self.others.is_empty()
    }
}

/// The values of which a label must have one. Names with `@` are not labels; an empty value fits an absent one.
fn indexable(matcher: &Matcher) -> Option<(&str, Vec<&str>)> {
    let values = matcher.values().filter(|_| !matcher.name().starts_with('@'))?;
    Some((matcher.name(), values))
}

#[cfg(test)]
mod tests {
    use super::Candidates;
    use crate::model::{Labels, Matchers};

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
        ];
        let sets: Vec<Matchers> = texts.iter().map(|text| Matchers::parse(text).unwrap()).collect();
        let candidates = Candidates::new(sets.iter().enumerate().map(|(number, set)| (number as u32, set)));
        let check = |labels: &[(&str, &str)], expected: &[u32]| {
            let mut found = Vec::new();
            candidates.find(&Labels::from_pairs(labels.iter().copied()), &mut found);
            assert_eq!(found, expected, "{labels:?}");
        };
        check(&[("alertname", "LinkDown"), ("site", "SZ02")], &[0, 2, 4, 5, 6]);
        check(&[("alertname", "PortDown"), ("site", "GZ01")], &[1, 2, 3, 4, 5]);
        check(&[("alertname", "DiskFull"), ("site", "广州")], &[2, 3, 4, 5]);
        check(&[("alertname", "DiskFull")], &[2, 4, 5]);
    }
}
