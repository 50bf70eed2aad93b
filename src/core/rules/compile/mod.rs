//! From rule files to a rulebook: reads every file, collects every diagnostic, and only then decides.

mod actions;
mod calendar;
mod channel;
pub(super) mod escalation_policy;
mod fact;
pub(super) mod grouping;
mod inspection_devices;
mod inspection_item;
pub(super) mod inspection_plan;
pub(super) mod inventory;
pub(super) mod normalising;
pub(super) mod pattern;
pub(super) mod person;
mod playbook;
pub(super) mod problem;
mod reader;
pub(super) mod roster;
mod rule;
mod rule_fingerprint;
pub(super) mod sla_target;
mod source_heartbeat;
pub(super) mod suppression;
pub(super) mod table;
pub(super) mod team;
pub(super) mod test_case;
mod time_interval;

use std::collections::{BTreeMap, BTreeSet};

use serde_saphyr::Location;
use sha2::{Digest, Sha256};

pub use crate::core::rules::syntax::schema_document::schema;

use self::calendar::ALWAYS;
use self::reader::{RefKind, Reference, SectionReader, place};
use super::diagnostic::{Diagnostic, SourceLocation};
use super::{RuleText, Rulebook, RulebookHash, Source, defaults};
use crate::core::calendar::WorkCalendar;
use crate::core::rules::syntax::file::FileSyntax;
use crate::core::rules::syntax::inventory::InventorySyntax;
use crate::core::rules::syntax::suppression::{MaintenanceSyntax, StormSyntax};

/// Maximum number of rules in a rulebook.
const RULES_MAX: usize = 20_000;
/// Maximum number of reported diagnostics; more are nearly always repeats of one.
const MISTAKES_MAX: usize = 200;

/// A rulebook, and the warnings about it.
#[derive(Debug)]
pub struct Loaded {
    pub rulebook: Rulebook,
    pub warnings: Vec<Diagnostic>,
    /// The tests beside the rules; the engine never sees them.
    pub tests: Vec<super::TestCase>,
    /// Place of each named definition, by its kind (`rule`, `inhibition`, …) and its name.
    pub places: BTreeMap<(&'static str, String), SourceLocation>,
}

/// Compiles rule files. Files count in the order of their paths; the order of rules is that of the files.
pub fn load(mut texts: Vec<RuleText>) -> Result<Loaded, Vec<Diagnostic>> {
    texts.sort_by(|a, b| a.path.cmp(&b.path));
    let mut loading = Loading::default();
    for (number, file) in texts.iter().enumerate() {
        if number > 0 && texts[number - 1].path == file.path {
            let expected = "each file once";
            loading.mistakes.push(Diagnostic::at(
                &file.path,
                &file.text,
                (1, 1),
                "a second file of that path",
                expected,
            ));
        }
        if table::is_table(file) {
            continue;
        }
        match crate::core::rules::syntax::yaml::parse(file) {
            Ok(parsed) => {
                loading.file(SectionReader::new(file, number), parsed);
                loading.warnings.extend(crate::core::rules::syntax::old_words::warnings(file));
            }
            Err(mistake) => loading.mistakes.push(*mistake),
        }
    }
    loading.finish(texts)
}

impl Rulebook {
    /// The same rules for a service whose wall clock is that many microseconds ahead of its moments: calendars, rosters,
    /// schedules and dated windows follow the wall clock. Made from the texts anew; `None` when there are none.
    pub fn with_clock_ahead(&self, micros: i64) -> Option<Rulebook> {
        let texts = Some(self.texts.clone()).filter(|texts| !texts.is_empty())?;
        let mut rulebook = load(texts).ok()?.rulebook;
        rulebook.calendars.values_mut().for_each(|calendar| calendar.set_ahead(micros));
        rulebook.time_intervals.values_mut().flatten().for_each(|interval| interval.set_ahead(micros));
        rulebook.rosters.values_mut().for_each(|roster| roster.ahead = micros);
        rulebook.plans.values_mut().for_each(|plan| plan.schedule.set_ahead(micros));
        rulebook.maintenance.iter_mut().for_each(|window| window.time.set_ahead(micros));
        Some(rulebook)
    }
}

/// The content of the files read so far.
#[derive(Default)]
struct Loading {
    mistakes: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    references: Vec<Reference>,
    /// Places of definitions, by section and name.
    defined: BTreeMap<(&'static str, String), SourceLocation>,
    sources: Vec<Source>,
    items: Vec<inventory::ReadItem>,
    entity_labels: Vec<String>,
    /// Names of items are found as they are written only.
    spelled_exactly: bool,
    grouping: Option<super::Grouping>,
    normalising: normalising::CollectedNormalising,
    rules: Vec<super::Rule>,
    inhibitions: Vec<super::Inhibition>,
    maintenance: Vec<super::Maintenance>,
    storms: Vec<super::Storm>,
    time_intervals: BTreeMap<String, Vec<crate::core::calendar::TimeInterval>>,
    resolve_timeout: Option<crate::core::model::TimeDelta>,
    /// Items that maintenance names, with the places of their names.
    item_names: Vec<suppression::ItemName>,
    calendars: BTreeMap<String, WorkCalendar>,
    ladders: BTreeMap<String, super::EscalationPolicy>,
    teams: BTreeMap<String, super::Team>,
    people: BTreeMap<String, super::Person>,
    rosters: BTreeMap<String, super::Roster>,
    targets: Vec<super::SlaTarget>,
    breach_reasons: BTreeMap<String, String>,
    outage_budgets: Vec<super::OutageBudget>,
    problems: Vec<super::ProblemPolicy>,
    playbooks: BTreeMap<String, super::Playbook>,
    plans: inspection_plan::CollectedPlans,
    tests: Vec<super::TestCase>,
}

impl Loading {
    fn file(&mut self, mut reader: SectionReader<'_>, mut file: FileSyntax) {
        self.normalising.sections(&mut reader, &mut file);
        self.of_people(&mut reader, &mut file);
        self.of_alertmanager(&mut reader, &mut file);
        for entry in file.sources.unwrap_or_default() {
            self.define(&mut reader, "source", &entry.name.value, entry.name.referenced);
            match Source::compile(entry) {
                Ok(source) => self.sources.push(source),
                Err(mistakes) => mistakes
                    .into_iter()
                    .for_each(|mistake| reader.mistake_at((mistake.line, mistake.column), mistake.message, "")),
            }
        }
        if let Some(section) = file.inventory.take() {
            self.inventory_section(&mut reader, section);
        }
        if let Some(section) = &file.grouping {
            self.define(&mut reader, "section", "grouping", section.referenced);
            self.grouping = Some(grouping::grouping(&mut reader, &section.value));
        }
        for entry in file.rules.unwrap_or_default() {
            self.define(&mut reader, "rule", &entry.name.value, entry.name.referenced);
            if self.rules.len() == RULES_MAX {
                reader.mistake(entry.name.referenced, "one rule too many", format!("at most {RULES_MAX}"));
            }
            self.rules.push(rule::rule(&mut reader, entry));
        }
        for entry in file.inhibitions.unwrap_or_default() {
            let at = rule::place_of(&entry);
            let inhibition = rule::inhibition(&mut reader, &entry, self.inhibitions.len() + 1);
            self.define(&mut reader, "inhibition", &inhibition.name, at);
            self.inhibitions.push(inhibition);
        }
        self.holding(&mut reader, file.maintenance.unwrap_or_default(), file.storms.unwrap_or_default());
        let (targets, reasons, outages) = (file.sla.take(), file.breach_reasons.take(), file.outages.take());
        self.service_levels(&mut reader, targets, reasons, outages);
        for entry in file.problems.unwrap_or_default() {
            self.define(&mut reader, "problem policy", &entry.name.value, entry.name.referenced);
            self.problems.push(problem::problem(&mut reader, &entry));
        }
        for entry in file.inspections.unwrap_or_default() {
            self.define(&mut reader, "inspection plan", &entry.name.value, entry.name.referenced);
            self.plans.plan(&mut reader, &entry);
        }
        for entry in file.checklists.unwrap_or_default() {
            self.define(&mut reader, "checklist", &entry.name.value, entry.name.referenced);
            self.plans.checklist(&mut reader, &entry);
        }
        for entry in file.tests.unwrap_or_default() {
            self.define(&mut reader, "test", &entry.name.value, entry.name.referenced);
            self.tests.push(test_case::test(&mut reader, &entry));
        }
        self.mistakes.extend(reader.mistakes);
        self.warnings.extend(reader.warnings);
        self.references.extend(reader.references);
    }

    /// Reads the sections that an Alertmanager's configuration has too.
    fn of_alertmanager(&mut self, reader: &mut SectionReader<'_>, file: &mut FileSyntax) {
        for entry in file.time_intervals.take().unwrap_or_default() {
            self.define(reader, "time interval", &entry.name.value, entry.name.referenced);
            let (name, intervals) = time_interval::named(reader, &entry);
            self.time_intervals.insert(name, intervals);
        }
        if let Some(section) = &file.alertmanager {
            self.define(reader, "section", "alertmanager", section.referenced);
            self.resolve_timeout = time_interval::resolve_timeout(reader, &section.value);
        }
    }

    /// Reads the sections on people: schedules, calendars, escalation, targets and playbooks.
    fn of_people(&mut self, reader: &mut SectionReader<'_>, file: &mut FileSyntax) {
        for entry in file.calendars.take().unwrap_or_default() {
            self.define(reader, "calendar", &entry.name.value, entry.name.referenced);
            if entry.name.value == ALWAYS {
                reader.mistake(entry.name.referenced, format!("{ALWAYS:?} is 7×24 everywhere"), "another name");
            }
            let calendar = calendar::calendar(reader, &entry);
            self.calendars.insert(calendar.name.clone(), calendar);
        }
        for entry in file.teams.take().unwrap_or_default() {
            self.define(reader, "team", &entry.name.value, entry.name.referenced);
            let team = team::team(reader, &entry);
            self.teams.insert(team.name.clone(), team);
        }
        for entry in file.people.take().unwrap_or_default() {
            self.define(reader, "person", &entry.name.value, entry.name.referenced);
            let person = person::person(reader, &entry);
            self.people.insert(person.name.clone(), person);
        }
        for entry in file.rosters.take().unwrap_or_default() {
            self.define(reader, "roster", &entry.name.value, entry.name.referenced);
            let roster = roster::roster(reader, &entry);
            self.rosters.insert(roster.name.clone(), roster);
        }
        for entry in file.tiers.take().unwrap_or_default() {
            self.define(reader, "ladder", &entry.name.value, entry.name.referenced);
            let ladder = escalation_policy::ladder(reader, &entry);
            self.ladders.insert(ladder.name.clone(), ladder);
        }
        for entry in file.playbooks.take().unwrap_or_default() {
            self.define(reader, "playbook", &entry.name.value, entry.name.referenced);
            let playbook = playbook::playbook(reader, &entry);
            self.playbooks.insert(playbook.name.clone(), playbook);
        }
    }

    fn holding(
        &mut self,
        reader: &mut SectionReader<'_>,
        maintenance: Vec<MaintenanceSyntax>,
        storms: Vec<StormSyntax>,
    ) {
        for entry in maintenance {
            self.define(reader, "maintenance", &entry.name.value, entry.name.referenced);
            self.item_names.extend(suppression::item_names(reader, &entry));
            self.maintenance.extend(suppression::maintenance(reader, &entry));
        }
        for entry in storms {
            // Its incidents carry its name as those of a rule do.
            self.define(reader, "rule", &entry.name.value, entry.name.referenced);
            self.storms.push(suppression::storm(reader, &entry));
        }
        suppression::check_counts(reader, self.maintenance.len(), self.storms.len());
    }

    fn service_levels(
        &mut self,
        reader: &mut SectionReader<'_>,
        targets: Option<Vec<crate::core::rules::syntax::sla_target::TargetSyntax>>,
        reasons: Option<Vec<crate::core::rules::syntax::sla_target::BreachReasonSyntax>>,
        outages: Option<Vec<crate::core::rules::syntax::sla_target::OutageBudgetSyntax>>,
    ) {
        for entry in targets.unwrap_or_default() {
            let target = sla_target::target(reader, &entry);
            let at = entry.name.referenced;
            self.define(reader, "target", &format!("{} v{}", target.name, target.version), at);
            if let Some(other) = sla_target::together(&self.targets, &target) {
                let message = format!("versions {} and {} are in effect together", other.version, target.version);
                reader.mistake(at, message, "until: in the older, and from: in the newer version");
            }
            self.targets.push(target);
        }
        for entry in reasons.unwrap_or_default() {
            self.define(reader, "breach reason", &entry.code.value, entry.code.referenced);
            let (code, title) = sla_target::breach_reason(reader, &entry);
            self.breach_reasons.insert(code, title);
        }
        for entry in outages.unwrap_or_default() {
            self.define(reader, "outage budget", &entry.name.value, entry.name.referenced);
            self.outage_budgets.push(sla_target::outage_budget(reader, &entry));
        }
    }

    fn inventory_section(&mut self, reader: &mut SectionReader<'_>, section: InventorySyntax) {
        let named = reader.label_names(section.entity.as_ref());
        self.entity_labels.extend(named);
        match section.spelling.as_ref().map(|word| (word.value.as_str(), word.referenced)) {
            None | Some(("lenient", _)) => {}
            Some(("exact", _)) => self.spelled_exactly = true,
            Some((other, at)) => reader.mistake(at, format!("{other:?} is not a spelling"), "lenient or exact"),
        }
        self.normalising.of_inventory(reader, section.tables, section.naming);
        for entry in section.items.unwrap_or_default() {
            self.define(reader, "inventory item", &entry.name.value, entry.name.referenced);
            if self.items.len() == inventory::ITEMS_MAX {
                let expected = format!("at most {}", inventory::ITEMS_MAX);
                reader.mistake(entry.name.referenced, "one item too many", expected);
            }
            self.items.push(inventory::item(reader, &entry));
        }
    }

    /// Records the place of a definition; a second one of that name is an error.
    fn define(&mut self, reader: &mut SectionReader<'_>, what: &'static str, name: &str, at: Location) {
        let (line, column) = place(at);
        let here = SourceLocation { path: reader.file.path.clone(), line, column };
        if let Some(before) = self.defined.insert((what, name.to_owned()), here) {
            let before = format!("{}:{}", before.path, before.line);
            reader.mistake(at, format!("a second {what} named {name:?}; the first stands in {before}"), "another name");
        }
    }

    fn finish(mut self, texts: Vec<RuleText>) -> Result<Loaded, Vec<Diagnostic>> {
        for team in defaults::teams() {
            self.teams.entry(team.name.clone()).or_insert(team);
        }
        self.calendars.insert(ALWAYS.to_owned(), WorkCalendar::always(ALWAYS));
        if self.breach_reasons.is_empty() {
            self.breach_reasons = sla_target::default_reasons();
        }
        self.ladders.entry(defaults::LADDER.to_owned()).or_insert_with(defaults::ladder);
        self.watch_sources();
        self.check_references(&texts);
        let places = normalising::places(&self.items);
        self.check_tests(&texts);
        let inventory = self.inventory(&texts);
        let normalising = std::mem::take(&mut self.normalising);
        let normalising = normalising.finish(&texts, &mut self.mistakes, &mut self.warnings);
        self.warnings.extend(normalising::judge_names(&inventory, &places, &normalising.naming, &texts));
        let plans = std::mem::take(&mut self.plans);
        let plans = plans.finish(&inventory, &texts, &mut self.mistakes, &mut self.warnings);
        self.mistakes.extend(suppression::unknown_items(&self.item_names, &inventory, &texts));
        if !self.mistakes.is_empty() {
            self.mistakes.sort_by(|a, b| (&a.path, a.line, a.column).cmp(&(&b.path, b.line, b.column)));
            self.mistakes.truncate(MISTAKES_MAX);
            return Err(self.mistakes);
        }
        let rulebook = Rulebook {
            hash: hash(&texts),
            texts,
            sources: self.sources,
            inventory,
            grouping: self.grouping.unwrap_or_default(),
            normalising,
            rules: self.rules,
            inhibitions: self.inhibitions,
            maintenance: self.maintenance,
            storms: self.storms,
            time_intervals: self.time_intervals,
            resolve_timeout: self.resolve_timeout.unwrap_or(super::RESOLVE_TIMEOUT),
            calendars: self.calendars,
            ladders: self.ladders,
            teams: self.teams,
            people: self.people,
            rosters: self.rosters,
            targets: self.targets,
            breach_reasons: self.breach_reasons,
            outage_budgets: self.outage_budgets,
            problems: self.problems,
            playbooks: self.playbooks,
            plans,
        };
        Ok(Loaded { rulebook, warnings: self.warnings, tests: self.tests, places: self.defined })
    }

    /// Adds the rules that sources ask for before all others, so that no rule hides a message from them.
    fn watch_sources(&mut self) {
        let watching: Vec<super::Rule> = self.sources.iter().filter_map(source_heartbeat::rule).collect();
        self.rules.splice(0..0, watching);
    }

    fn check_tests(&mut self, texts: &[RuleText]) {
        let known = |name: &str| name == super::CATCH_ALL || self.rules.iter().any(|rule| rule.name == name);
        for (test, line, rule) in test_case::unknown_rules(&self.tests, known) {
            if let Some(file) = texts.iter().find(|file| file.path == test.path) {
                let message = format!("the test {:?} names an unknown rule {rule:?}", test.name);
                self.warnings.push(Diagnostic::at(&file.path, &file.text, (line, 1), message, ""));
            }
        }
    }

    /// The items of all files, joined; their dependencies must be among them.
    fn inventory(&mut self, texts: &[RuleText]) -> super::Inventory {
        let known: BTreeSet<&str> = self.items.iter().map(|read| read.item.name.as_str()).collect();
        for read in &self.items {
            let Some(file) = texts.get(read.file) else { continue };
            for (_, at) in read.depends_on.iter().filter(|(name, _)| !known.contains(name.as_str())) {
                let message = format!("{:?} depends on something that the inventory does not hold", read.item.name);
                let mistake = Diagnostic::at(&file.path, &file.text, place(*at), message, "the name of an item");
                self.mistakes.push(mistake);
            }
        }
        if self.entity_labels.is_empty() {
            self.entity_labels = super::ENTITY_LABELS.map(str::to_owned).to_vec();
        }
        let items = std::mem::take(&mut self.items).into_iter();
        let items = items.map(|read| (read.item, read.depends_on.into_iter().map(|(name, _)| name).collect()));
        let inventory = super::Inventory::new(items.collect(), std::mem::take(&mut self.entity_labels));
        if self.spelled_exactly { inventory.spelled_exactly() } else { inventory }
    }

    fn check_references(&mut self, texts: &[RuleText]) {
        for reference in &self.references {
            let (what, known): (_, Vec<&str>) = match reference.what {
                RefKind::Ladder => ("ladder", self.ladders.keys().map(String::as_str).collect()),
                RefKind::Calendar => ("calendar", self.calendars.keys().map(String::as_str).collect()),
                RefKind::Playbook => ("playbook", self.playbooks.keys().map(String::as_str).collect()),
                RefKind::Team => ("team", self.teams.keys().map(String::as_str).collect()),
                RefKind::TimeInterval => ("time interval", self.time_intervals.keys().map(String::as_str).collect()),
                RefKind::Roster => ("roster", self.rosters.keys().map(String::as_str).collect()),
                RefKind::Person => {
                    self.warnings.extend(self.stranger(reference, texts));
                    continue;
                }
            };
            let Some(file) = texts.get(reference.file) else { continue };
            let at = place(reference.at);
            if !known.contains(&reference.name.as_str()) {
                let message = format!("unknown {what} {:?}", reference.name);
                let expected = match known.as_slice() {
                    [] => format!("the name of a {what}; these rules have none yet"),
                    known => format!("one of {}", known.join(", ")),
                };
                self.mistakes.push(Diagnostic::at(&file.path, &file.text, at, message, expected));
            } else if reference.what == RefKind::Team
                && self.teams.get(&reference.name).is_some_and(super::Team::is_empty)
            {
                let message =
                    format!("nobody is in team {:?} and nothing reaches it: its steps are skipped", reference.name);
                self.warnings.push(Diagnostic::at(&file.path, &file.text, at, message, ""));
            }
        }
    }
}

impl Loading {
    /// A warning for a person named by an on-call schedule without an entry, if there is a `people:` section at all.
    fn stranger(&self, reference: &Reference, texts: &[RuleText]) -> Option<Diagnostic> {
        let name = &reference.name;
        let is_member = |team: &super::Team| team.members.contains(name);
        if self.people.is_empty() || self.people.contains_key(name) || self.teams.values().any(is_member) {
            return None;
        }
        let file = texts.get(reference.file)?;
        let message = format!("nobody named {name:?} stands in people");
        Some(Diagnostic::at(&file.path, &file.text, place(reference.at), message, ""))
    }
}

/// Hashes paths and texts, each with its length, in the order of the paths.
fn hash(texts: &[RuleText]) -> RulebookHash {
    let mut hasher = Sha256::new();
    for part in texts.iter().flat_map(|file| [&file.path, &file.text]) {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    RulebookHash(hasher.finalize().into())
}

#[cfg(test)]
mod tests;
