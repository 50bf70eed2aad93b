//! Findings of normalisation in the live view: nonconforming names and templates, summed over the partitions.

use std::collections::BTreeMap;

use crate::core::correlation::{NonconformingName, Normalised, QuarantinedName, Sightings, TemplateId, TemplateRecord};
use crate::core::model::Timestamp;

#[derive(Default)]
pub(super) struct NormalisedView {
    names: BTreeMap<NonconformingName, Sightings>,
    templates: BTreeMap<TemplateId, TemplateRecord>,
}

impl NormalisedView {
    pub fn of(
        names: impl Iterator<Item = QuarantinedName>,
        templates: impl Iterator<Item = TemplateRecord>,
    ) -> NormalisedView {
        let mut view = NormalisedView::default();
        for QuarantinedName { label, name, source, first_at, last_at, count } in names {
            let known = view.names.entry(NonconformingName { label, name, source });
            let seen = known.or_insert(Sightings { first_at, last_at, count: 0 });
            seen.count += count;
            seen.first_at = seen.first_at.min(first_at);
            seen.last_at = seen.last_at.max(last_at);
        }
        for record in templates {
            match view.templates.get_mut(&record.id) {
                Some(known) => {
                    known.count += record.count;
                    known.first_at = known.first_at.min(record.first_at);
                    known.last_at = known.last_at.max(record.last_at);
                }
                None => {
                    view.templates.insert(record.id, record);
                }
            }
        }
        view
    }

    pub fn apply(&mut self, normalised: &Normalised) {
        match normalised {
            Normalised::NameQuarantined { name, at } => {
                let first = Sightings { first_at: *at, last_at: *at, count: 0 };
                let seen = self.names.entry(name.clone()).or_insert(first);
                seen.count += 1;
                seen.last_at = *at;
            }
            Normalised::NameForgotten { name, count } => {
                let Some(seen) = self.names.get_mut(name) else { return };
                seen.count = seen.count.saturating_sub(*count);
                if seen.count == 0 {
                    self.names.remove(name);
                }
            }
            Normalised::TemplateSeen { id, at, text } => self.see(*id, *at, text.as_ref()),
            Normalised::TemplateForgotten { id, count } => {
                let Some(template) = self.templates.get_mut(id) else { return };
                template.count = template.count.saturating_sub(*count);
                if template.count == 0 {
                    self.templates.remove(id);
                }
            }
        }
    }

    fn see(&mut self, id: TemplateId, at: Timestamp, text: Option<&String>) {
        let new = || TemplateRecord { id, text: String::new(), first_at: at, last_at: at, count: 0 };
        let template = self.templates.entry(id).or_insert_with(new);
        template.count += 1;
        template.last_at = at;
        if let Some(text) = text {
            template.text.clone_from(text);
        }
    }

    /// Those seen last come first.
    pub fn quarantined(&self) -> Vec<QuarantinedName> {
        let shown = |(name, seen): (&NonconformingName, &Sightings)| QuarantinedName {
            label: name.label.clone(),
            name: name.name.clone(),
            source: name.source.clone(),
            first_at: seen.first_at,
            last_at: seen.last_at,
            count: seen.count,
        };
        let mut names: Vec<QuarantinedName> = self.names.iter().map(shown).collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.last_at));
        names
    }

    /// The most frequent come first.
    pub fn templates(&self) -> Vec<TemplateRecord> {
        let mut templates: Vec<TemplateRecord> = self.templates.values().cloned().collect();
        templates.sort_by_key(|template| (std::cmp::Reverse(template.count), template.id));
        templates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_partitions_share_a_line_of_the_list_until_both_forget_it() {
        let at = Timestamp::from_seconds;
        let record = |last: i64, count: u64| TemplateRecord {
            id: TemplateId(7),
            text: "端口 <*> 中断".to_owned(),
            first_at: at(1),
            last_at: at(last),
            count,
        };
        let mut view = NormalisedView::of(std::iter::empty(), [record(5, 2), record(3, 4)].into_iter());
        assert_eq!(view.templates(), [record(5, 6)]);
        view.apply(&Normalised::TemplateSeen { id: TemplateId(7), at: at(9), text: None });
        view.apply(&Normalised::TemplateForgotten { id: TemplateId(7), count: 4 });
        assert_eq!(view.templates(), [record(9, 3)]);
        view.apply(&Normalised::TemplateForgotten { id: TemplateId(7), count: 3 });
        assert_eq!(view.templates(), []);
    }

    #[test]
    fn names_are_counted_and_forgotten() {
        let name = |name: &str| NonconformingName {
            label: "device".to_owned(),
            name: name.to_owned(),
            source: "x".to_owned(),
        };
        let mut view = NormalisedView::default();
        for (second, bad) in [(1, "坏"), (2, "b"), (3, "坏")] {
            view.apply(&Normalised::NameQuarantined { name: name(bad), at: Timestamp::from_seconds(second) });
        }
        let shown: Vec<(String, u64)> = view.quarantined().into_iter().map(|one| (one.name, one.count)).collect();
        assert_eq!(shown, [("坏".to_owned(), 2), ("b".to_owned(), 1)]);
        view.apply(&Normalised::NameForgotten { name: name("坏"), count: 2 });
        assert_eq!(view.quarantined().len(), 1);
    }
}
