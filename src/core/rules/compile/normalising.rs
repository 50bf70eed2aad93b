//! The sections `extract:`, `severities:`, `templates:`, and an inventory's `naming:`.

use super::fact::check_fact;
use crate::core::rules::syntax::normalising::{ExtractSyntax, NamingSyntax, SeveritiesSyntax};
use crate::core::rules::syntax::table::TableSyntax;
use std::collections::BTreeMap;

use super::inventory::ReadItem;
use super::reader::{ClosedSet, SectionReader, each, place};
use super::table;
use super::table::DeclaredTable;
use crate::core::model::{NAME_MAX_BYTES, Severity};
use crate::core::rules::diagnostic::Diagnostic;
use crate::core::rules::syntax::file::FileSyntax;
use crate::core::rules::syntax::spanned::Text;
use crate::core::rules::{
    EventText, Extraction, Inventory, NamedGroups, NamingStandard, Normalising, RuleText, SeverityWords, TemplateScope,
    odd_names,
};

/// Maximum number of entries in each of these sections.
const ENTRIES_MAX: usize = 1_000;
const WORDS_MAX: usize = 256;
const EXAMPLES_MAX: usize = 64;
/// Maximum number of the inventory's nonconforming names reported one by one.
const ODD_NAMES_SHOWN: usize = 50;

/// Normalising settings collected from the files so far.
#[derive(Default)]
pub(super) struct CollectedNormalising {
    normalising: Normalising,
    tables: Vec<DeclaredTable>,
}

impl CollectedNormalising {
    pub fn sections(&mut self, reader: &mut SectionReader<'_>, file: &mut FileSyntax) {
        let all = &mut self.normalising;
        for entry in file.extract.take().unwrap_or_default() {
            bounded(reader, &entry.name, all.extractions.len());
            all.extractions.extend(extraction(reader, &entry));
        }
        for entry in file.severities.take().unwrap_or_default() {
            if all.severities.len() == ENTRIES_MAX {
                reader.mistake(entry.words.referenced, "one entry too many", format!("at most {ENTRIES_MAX}"));
            }
            all.severities.extend(severities(reader, &entry));
        }
        for entry in file.templates.take().unwrap_or_default() {
            bounded(reader, &entry.from, all.templates.len());
            let matchers = reader.matchers(entry.matches.as_ref(), ClosedSet::OfEvents);
            let from = event_text(reader, &entry.from);
            all.templates.extend(from.map(|from| TemplateScope { matchers, from }));
        }
    }

    pub fn of_inventory(
        &mut self,
        reader: &mut SectionReader<'_>,
        tables: Option<Vec<TableSyntax>>,
        naming: Option<Vec<NamingSyntax>>,
    ) {
        for entry in tables.unwrap_or_default() {
            bounded(reader, &entry.name, self.tables.len());
            self.tables.push(table::declared(reader, &entry));
        }
        for entry in naming.unwrap_or_default() {
            bounded(reader, &entry.label, self.normalising.naming.len());
            self.normalising.naming.extend(naming_standard(reader, &entry));
        }
    }

    /// Completes them with the rows of the tables.
    pub fn finish(
        self,
        texts: &[RuleText],
        mistakes: &mut Vec<Diagnostic>,
        warnings: &mut Vec<Diagnostic>,
    ) -> Normalising {
        let tables = table::read_all(self.tables, texts, mistakes, warnings);
        Normalising { tables, ..self.normalising }
    }
}

/// Checks the inventory's own names against the naming standard, each at its item's place.
pub(super) fn judge_names(
    inventory: &Inventory,
    items: &BTreeMap<String, (usize, serde_saphyr::Location)>,
    naming: &[NamingStandard],
    texts: &[RuleText],
) -> Vec<Diagnostic> {
    if naming.is_empty() {
        return Vec::new();
    }
    let odd = odd_names(inventory, naming);
    let more = odd.len().saturating_sub(ODD_NAMES_SHOWN);
    let mut warnings = Vec::new();
    for one in odd.into_iter().take(ODD_NAMES_SHOWN) {
        let Some((file, at)) = items.get(&one.name).and_then(|(file, at)| Some((texts.get(*file)?, *at))) else {
            continue;
        };
        let message = format!("{:?}: {}", one.name, one.what);
        warnings.push(Diagnostic::at(&file.path, &file.text, place(at), message, ""));
    }
    if let (Some(last), true) = (warnings.last_mut(), more > 0) {
        last.message.push_str(&format!(" (and {more} more such names)"));
    }
    warnings
}

/// Places of the items' names.
pub(super) fn places(items: &[ReadItem]) -> BTreeMap<String, (usize, serde_saphyr::Location)> {
    items.iter().map(|read| (read.item.name.clone(), (read.file, read.at))).collect()
}

fn bounded(reader: &mut SectionReader<'_>, at: &Text, so_far: usize) {
    if so_far == ENTRIES_MAX {
        reader.mistake(at.referenced, "one entry too many", format!("at most {ENTRIES_MAX}"));
    }
}

fn event_text(reader: &mut SectionReader<'_>, text: &Text) -> Option<EventText> {
    let place = EventText::parse(&text.value);
    if place.is_none() {
        let message = format!("{:?} is no text of an event", text.value);
        reader.mistake(text.referenced, message, "summary, labels.NAME or annotations.NAME");
    }
    place
}

fn check_parts<'a>(reader: &mut SectionReader<'_>, at: &Text, names: impl Iterator<Item = &'a str>) {
    for name in names {
        if let Err(expected) = check_fact(name) {
            reader.mistake(at.referenced, format!("{name:?} cannot be the name of a fact"), expected);
        }
    }
}

fn extraction(reader: &mut SectionReader<'_>, entry: &ExtractSyntax) -> Option<Extraction> {
    let name = reader.name(&entry.name);
    let matchers = reader.matchers(entry.matches.as_ref(), ClosedSet::OfEvents);
    let from = event_text(reader, &entry.from);
    let groups = match NamedGroups::compile(&entry.regex.value) {
        Ok(groups) => groups,
        Err(bad) => {
            reader.mistake(entry.regex.referenced, bad.reason, "a regular expression as in matchers");
            return None;
        }
    };
    if groups.names().next().is_none() {
        reader.mistake(entry.regex.referenced, "no named group", "a group such as (?P<interface>\\S+)");
    }
    check_parts(reader, &entry.regex, groups.names());
    Some(Extraction::new(name, matchers, from?, groups))
}

fn severities(reader: &mut SectionReader<'_>, entry: &SeveritiesSyntax) -> Option<SeverityWords> {
    let matchers = reader.matchers(entry.matches.as_ref(), ClosedSet::OfEvents);
    for matcher in matchers.iter().filter(|matcher| matcher.name() == "@severity") {
        let expected = "labels, @source, or @status: the severity is what follows from this entry";
        reader.mistake(entry.words.referenced, format!("{matcher} asks for the severity"), expected);
    }
    let from = match &entry.from {
        Some(from) => event_text(reader, from),
        None => Some(EventText::Label("severity".to_owned())),
    };
    if entry.words.value.is_empty() || entry.words.value.len() > WORDS_MAX {
        let count = entry.words.value.len();
        reader.mistake(entry.words.referenced, format!("{count} words"), format!("1 to {WORDS_MAX}"));
    }
    let mut words = BTreeMap::new();
    for (word, meant) in &entry.words.value {
        let severity: Option<Severity> = reader.word(meant);
        words.extend(severity.map(|severity| (word.trim().to_lowercase(), severity)));
    }
    Some(SeverityWords { matchers, from: from?, words })
}

fn naming_standard(reader: &mut SectionReader<'_>, entry: &NamingSyntax) -> Option<NamingStandard> {
    let matchers = reader.matchers(entry.matches.as_ref(), ClosedSet::OfEvents);
    let label = entry.label.value.clone();
    if label.is_empty() || label.len() > NAME_MAX_BYTES || label.starts_with('@') {
        reader.mistake(entry.label.referenced, format!("{label:?} is not a label"), "the name of a label");
    }
    let standard = match NamingStandard::new(label, matchers, &entry.pattern.value) {
        Ok(standard) => standard,
        Err(bad) => {
            reader.mistake(entry.pattern.referenced, bad.reason, "a regular expression as in matchers");
            return None;
        }
    };
    check_parts(reader, &entry.pattern, standard.parts());
    let examples = entry.examples.as_ref().map(each).unwrap_or_default();
    if examples.len() > EXAMPLES_MAX {
        let message = format!("{} examples", examples.len());
        reader.mistake(entry.pattern.referenced, message, format!("at most {EXAMPLES_MAX}"));
    }
    for (example, at) in examples {
        if standard.parse(example).is_none() {
            reader.mistake(at, format!("the example {example:?} does not fit the pattern"), "a name that fits");
        }
    }
    Some(standard)
}

#[cfg(test)]
mod tests {
    use crate::core::rules::{Loaded, RuleText, load};

    fn file(path: &str, text: &str) -> RuleText {
        RuleText { path: path.to_owned(), text: text.to_owned() }
    }

    fn check(yaml: &str, table: &str, expected: &[&str]) {
        let mistakes = load(vec![file("a.yaml", yaml), file("t.csv", table)]).expect_err(yaml);
        let shown: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(shown, expected, "{yaml}\n{table}");
    }

    fn loaded(yaml: &str, table: &str) -> Loaded {
        load(vec![file("a.yaml", yaml), file("t.csv", table)]).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
    }

    const TABLE: &str = "inventory:\n  tables:\n    - {name: t, file: t.csv, key: [room]}\n";

    #[test]
    fn tables_are_located_where_they_are_wrong() {
        check(TABLE, "", &["t.csv:1:1: an empty table; expected a first row with the names of the columns"]);
        check(
            TABLE,
            "site,floor\n",
            &["a.yaml:3:35: \"t.csv\" has no column \"room\"; expected the columns that find a row"],
        );
        check(TABLE, "room,floor\n机房A,3\n机房B\n", &["t.csv:3:1: a row of 1 cells; expected 2"]);
        check(TABLE, "room,floor\n机房A,3\n机房A,4\n", &["t.csv:3:1: a second row of 机房A; expected each key once"]);
        check(TABLE, "floor,room\n3,\n", &["t.csv:2:3: an empty cell of the key; expected a room"]);
        check(TABLE, "room,room\n", &["t.csv:1:6: the column \"room\" stands twice; expected each column once"]);
        check(TABLE, "room,\"floor\nA,3\n", &["t.csv:1:6: a cell whose quote does not end; expected a closing \""]);
        check(
            TABLE,
            "room,template\n",
            &[
                "t.csv:1:6: \"template\" cannot be the name of a column; expected another name: template is watchfire's own fact",
            ],
        );
        check(
            &TABLE.replace("t.csv", "x.csv"),
            "room\n",
            &[
                "a.yaml:3:23: no table \"x.csv\" among the rule files; expected a .csv below the directory of rules: t.csv",
            ],
        );
    }

    #[test]
    fn a_table_that_nobody_names_is_told() {
        let warnings: Vec<String> = loaded("rules: []\n", "a\n").warnings.iter().map(ToString::to_string).collect();
        assert_eq!(warnings, ["t.csv:1:1: no table of an inventory names this file"]);
    }

    #[test]
    fn sections_of_normalising_are_located_where_they_are_wrong() {
        let check = |yaml: &str, expected: &[&str]| {
            let mistakes = load(vec![file("a.yaml", yaml)]).expect_err(yaml);
            let shown: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            let fits = |(shown, expected): (&String, &&str)| shown.starts_with(expected);
            assert!(shown.len() == expected.len() && shown.iter().zip(expected).all(fits), "{yaml}\n{shown:#?}");
        };
        check(
            "extract:\n- {name: x, from: text, regex: '(?P<a>b)'}\n",
            &["a.yaml:2:19: \"text\" is no text of an event"],
        );
        check("extract:\n- {name: x, from: summary, regex: 'ab'}\n", &["a.yaml:2:35: no named group"]);
        check("extract:\n- {name: x, from: summary, regex: '('}\n", &["a.yaml:2:35: bad regular expression"]);
        check(
            "extract:\n- {name: x, from: summary, regex: '(?P<naming>b)'}\n",
            &["a.yaml:2:35: \"naming\" cannot be the name of a fact"],
        );
        check(
            "extract:\n- {name: x, from: summary, regex: '((a{0,1000}){0,1000}(?P<a>){0,1000})'}\n",
            &["a.yaml:2:35: bad regular expression"],
        );
        check("severities:\n- words: {}\n", &["a.yaml:2:10: 0 words; expected 1 to 256"]);
        check("severities:\n- words: {a: bad}\n", &["a.yaml:2:14: \"bad\" is not a severity"]);
        check("templates:\n- {from: x}\n", &["a.yaml:2:10: \"x\" is no text of an event"]);
        let naming = "inventory:\n  naming:\n  - {label: device, pattern: '[A-Z]+', examples: [AB, a1]}\n";
        check(naming, &["a.yaml:3:55: the example \"a1\" does not fit the pattern; expected a name that fits"]);
        let facts = "inventory:\n  items:\n  - {name: a, facts: {site: x, naming: y}}\n";
        check(facts, ["a.yaml:3:29: site is a key of the item itself", "a.yaml:3:40: \"naming\" cannot"].as_slice());
    }

    #[test]
    fn the_inventorys_own_names_are_held_to_the_standard() {
        let yaml = "inventory:
  items:
    - {name: GZ01-SW-1, site: GZ01}
    - {name: GZ02-SW-1, site: GZ01}
    - {name: 老交换机}
  naming:
    - {label: device, pattern: '(?P<site>[A-Z]{2}[0-9]{2})-SW-[0-9]+'}
";
        let loaded = load(vec![file("a.yaml", yaml)]).unwrap();
        let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(
            warnings,
            [
                "a.yaml:4:14: \"GZ02-SW-1\": its name says site \"GZ02\", the item says \"GZ01\"",
                "a.yaml:5:14: \"老交换机\": the naming standard does not know such a name",
            ]
        );
    }
}
