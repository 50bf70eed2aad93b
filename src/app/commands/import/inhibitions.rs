//! Inhibitions: they have the same meaning here.

use super::routes::matchers;
use super::strict_map::{Document, ImportReport};
use crate::core::model::Matcher;

pub(super) struct ImportedInhibition {
    pub name: Option<String>,
    pub source: Vec<Matcher>,
    pub target: Vec<Matcher>,
    pub equal: Vec<String>,
}

pub(super) fn read(document: &mut Document, report: &mut ImportReport) -> Result<Vec<ImportedInhibition>, String> {
    let mut all = Vec::new();
    for mut entry in document.list("inhibit_rules") {
        let source = matchers(&mut entry, ["source_match", "source_match_re", "source_matchers"])?;
        let target = matchers(&mut entry, ["target_match", "target_match_re", "target_matchers"])?;
        if source.is_empty() && target.is_empty() {
            report
                .no_equal(entry.place(), "left out: without a matcher every alert is on both sides, so it mutes none");
            continue;
        }
        all.push(ImportedInhibition { name: entry.text("name"), source, target, equal: entry.texts("equal") });
        entry.leftovers(report);
    }
    Ok(all)
}
