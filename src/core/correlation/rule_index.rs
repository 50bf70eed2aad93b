//! The rulebook in the form that a correlator runs: rules by number, candidates by label, the catch-all at the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::alerts::enrichment::Enrichment;
use super::conditions::guard::guard_holds;
use super::keys::{ConditionKey, RuleId};
use super::match_target::MatchTarget;
use super::matcher_index::MatcherIndex;
use super::patterns::MatchRole;
use super::state::CorrelatorState;
use super::suppression::dependency::{ANCESTORS_MAX, DependencyEdge, Relation, Topology};
use super::suppression::inhibition::{InhibitionKey, InhibitionRole, Side};
use super::suppression::maintenance_window::Scope;
use super::suppression::suppressors::SuppressorKeys;
use crate::core::model::{Labels, LabelsBuilder, Matchers, Status, TimeDelta};
use crate::core::rules::{
    Actions, CATCH_ALL, Counts, Flap, GroupClass, ItemIndex, Maintenance, MissingDependencies, Pattern, Rule, Rulebook,
    Semantics, Sequence, Through,
};

pub(super) struct RuleIndex {
    pub rulebook: Arc<Rulebook>,
    /// By position: the rulebook's rules in their order, then the catch-all.
    entries: Vec<IndexedRule>,
    catch_all: Rule,
    /// Looked up several times per event, never iterated.
    positions: hashbrown::HashMap<RuleId, usize>,
    candidates: MatcherIndex,
    pub enrichment: Enrichment,
    inhibition_sources: MatcherIndex,
    inhibition_targets: MatcherIndex,
    /// Empty if no inhibition uses it.
    topology: Topology,
    /// By number: the maintenance windows.
    scopes: Vec<Scope>,
    no_labels: Labels,
    /// Dependencies that the inventory probably lacks.
    pub gaps: MissingDependencies,
}

struct IndexedRule {
    id: RuleId,
    /// Its `by`, sorted, each once.
    by: Vec<String>,
    /// A resolved event is no match unless the rule names the status.
    names_status: bool,
    /// The same for each further matcher set: a pair's `until`, the steps of a sequence, the classes of a group.
    parts_name_status: Vec<bool>,
}

/// A rule that an event matches, and its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub position: usize,
    /// `None`: it belongs to the rule, but does not count.
    pub role: Option<MatchRole>,
    pub hold: Hold,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// Later rules do not see it.
    Owner,
    /// A `continue` rule.
    Link,
    /// The rule passed the alert on earlier; its events still count.
    Passed,
}

impl RuleIndex {
    pub fn new(rulebook: Arc<Rulebook>, ids: &BTreeMap<String, RuleId>) -> RuleIndex {
        let rule_count = rulebook.rules.len();
        let mut entries: Vec<IndexedRule> = Vec::with_capacity(rule_count + 1);
        let mut positions = hashbrown::HashMap::with_capacity(rule_count + 1);
        for (position, rule) in rulebook.rules.iter().enumerate() {
            let id = ids.get(&rule.name).copied().unwrap_or(RuleId::CATCH_ALL);
            positions.entry(id).or_insert(position);
            entries.push(IndexedRule::new(id, rule));
        }
        let catch_all = catch_all();
        positions.insert(RuleId::CATCH_ALL, rule_count);
        entries.push(IndexedRule::new(RuleId::CATCH_ALL, &catch_all));
        let numbered = || rulebook.rules.iter().zip(0_u32..);
        let sets: Vec<(u32, Matchers)> =
            numbered().flat_map(|(rule, number)| sets(rule).into_iter().map(move |set| (number, set))).collect();
        let candidates = MatcherIndex::new(sets.iter().map(|(number, set)| (*number, set)));
        let inhibitions = || rulebook.inhibitions.iter().zip(0_u32..);
        let inhibition_sources = MatcherIndex::new(inhibitions().map(|(rule, number)| (number, &rule.source)));
        let inhibition_targets = MatcherIndex::new(inhibitions().map(|(rule, number)| (number, &rule.target)));
        let follows = rulebook.inhibitions.iter().any(|inhibition| inhibition.through.is_some());
        let topology = if follows { Topology::new(&rulebook.inventory) } else { Topology::default() };
        let scopes = rulebook.maintenance.iter().map(|window| Scope::new(window, &rulebook.inventory)).collect();
        let no_labels = Labels::empty();
        RuleIndex {
            rulebook: Arc::clone(&rulebook),
            entries,
            catch_all,
            positions,
            candidates,
            enrichment: Enrichment::new(&rulebook),
            inhibition_sources,
            inhibition_targets,
            topology,
            scopes,
            no_labels,
            gaps: MissingDependencies::of(&rulebook.inventory),
        }
    }

    pub fn rule(&self, position: usize) -> &Rule {
        self.rulebook.rules.get(position).unwrap_or(&self.catch_all)
    }

    pub fn id(&self, position: usize) -> RuleId {
        self.entries.get(position).map_or(RuleId::CATCH_ALL, |entry| entry.id)
    }

    /// The rule of a condition; only a condition of a former rulebook has none.
    pub fn rule_of(&self, key: &ConditionKey) -> Option<&Rule> {
        self.position_of(key).map(|position| self.rule(position))
    }

    pub fn position_of(&self, key: &ConditionKey) -> Option<usize> {
        self.positions.get(&key.rule).copied()
    }

    pub fn catch_all_position(&self) -> usize {
        self.rulebook.rules.len()
    }

    /// True if one alert can suppress another.
    pub fn has_holders(&self) -> bool {
        !self.inhibition_sources.is_empty()
    }

    /// A maintenance window by its number.
    pub fn window(&self, number: u32) -> Option<(&Scope, &Maintenance)> {
        Some((self.scopes.get(number as usize)?, self.rulebook.maintenance.get(number as usize)?))
    }

    /// True if that window, while open, covers the subject.
    pub fn is_maintained(&self, number: u32, subject: &MatchTarget<'_>) -> bool {
        self.window(number).is_some_and(|(scope, window)| scope.covers(window, &self.rulebook.inventory, subject))
    }

    /// The rules that the event matches, up to and with its owner; rules in `passed` cannot own it again.
    pub fn hits(&self, state: &CorrelatorState, subject: &MatchTarget<'_>, passed: &[RuleId]) -> Vec<Match> {
        let mut hits = Vec::new();
        for position in self.positions_for(subject) {
            let Some(hit) = self.hit(state, position, subject, passed) else { continue };
            let is_owner = hit.hold == Hold::Owner;
            hits.push(hit);
            if is_owner {
                break;
            }
        }
        hits
    }

    /// The rules that the event may match by its labels, in their order.
    pub fn positions_for(&self, subject: &MatchTarget<'_>) -> impl Iterator<Item = usize> + use<> {
        let mut numbers = Vec::new();
        self.candidates.find(subject.labels, subject.facts, &mut numbers);
        numbers.into_iter().map(|number| number as usize)
    }

    /// The match of the event with that rule, under the current contexts.
    pub fn hit(
        &self,
        state: &CorrelatorState,
        position: usize,
        subject: &MatchTarget<'_>,
        passed: &[RuleId],
    ) -> Option<Match> {
        let role = self.role(state, position, subject)?;
        let hold = if passed.contains(&self.id(position)) {
            Hold::Passed
        } else if self.rule(position).continues {
            Hold::Link
        } else {
            Hold::Owner
        };
        Some(Match { position, role, hold })
    }

    /// The event's role in that rule, if it matches.
    pub fn role(
        &self,
        state: &CorrelatorState,
        position: usize,
        subject: &MatchTarget<'_>,
    ) -> Option<Option<MatchRole>> {
        let (rule, entry) = (self.rule(position), self.entries.get(position)?);
        let when_holds = || match (&rule.when, subject.event) {
            (None, _) => true,
            (Some(when), Some(event)) => when.holds(event, subject.severity, subject.facts),
            (Some(_), None) => false,
        };
        let is_excepted = || rule.unless.iter().any(|set| subject.fits(set));
        let holds = || !is_excepted() && when_holds() && guard_holds(state, rule.guard.as_ref(), subject);
        match &rule.pattern {
            Pattern::Calendar { .. } => return None,
            Pattern::Sequence(sequence) => return steps(sequence, entry, subject, holds),
            Pattern::Group(group) if subject.fits(&rule.matchers) => {
                let class = group.classes.iter().position(|class| subject.fits(&class.matchers)).filter(|_| holds())?;
                let counts = subject.status != Status::Resolved || entry.names_status || entry.part_names_status(class);
                return Some(counts.then_some(MatchRole::Class(class as u8)));
            }
            Pattern::Group(_) => return None,
            Pattern::Each
            | Pattern::Suppress { .. }
            | Pattern::Threshold { .. }
            | Pattern::Rate(_)
            | Pattern::Thresholds { .. }
            | Pattern::Pair { .. }
            | Pattern::PairWindow { .. }
            | Pattern::Absence { .. }
            | Pattern::Flap(_) => {}
        }
        if subject.fits(&rule.matchers) && holds() {
            if counts(rule, entry, subject) {
                return Some(Some(MatchRole::Entry));
            }
            return Some(self.closes(rule, entry, subject).then_some(MatchRole::Closer));
        }
        self.closes(rule, entry, subject).then_some(Some(MatchRole::Closer))
    }

    fn closes(&self, rule: &Rule, entry: &IndexedRule, subject: &MatchTarget<'_>) -> bool {
        let may_close = subject.status != Status::Resolved || entry.part_names_status(0);
        may_close && rule.pattern.until().is_some_and(|until| subject.fits(until))
    }

    /// True if that rule counts every message of an alert, not its transitions alone.
    pub fn counts_messages(&self, position: usize) -> bool {
        let rule = self.rule(position);
        match rule.pattern {
            Pattern::Absence { .. } | Pattern::Flap(Flap::Nagios | Flap::Icinga) => true,
            Pattern::Each
            | Pattern::Suppress { .. }
            | Pattern::Threshold { .. }
            | Pattern::Rate(_)
            | Pattern::Thresholds { .. }
            | Pattern::Pair { .. }
            | Pattern::PairWindow { .. }
            | Pattern::Sequence(_)
            | Pattern::Group(_)
            | Pattern::Flap(Flap::Timed { .. })
            | Pattern::Calendar { .. } => rule.counts == Counts::Messages,
        }
    }

    /// The key under which the event falls in that rule.
    pub fn key(&self, position: usize, subject: &MatchTarget<'_>) -> ConditionKey {
        let Some(entry) = self.entries.get(position) else {
            return ConditionKey::new(RuleId::CATCH_ALL, self.no_labels.clone());
        };
        let labels = if entry.id == RuleId::CATCH_ALL {
            let alertname = subject.value("alertname");
            build([("alertname", alertname), ("source", subject.source)].into_iter())
        } else if !entry.by.is_empty() {
            build(entry.by.iter().map(|name| (name.as_str(), subject.value(name))))
        } else if self.rule(position).pattern == Pattern::Each && !self.rule(position).one_group {
            subject.labels.clone()
        } else {
            self.no_labels.clone()
        };
        ConditionKey::new(entry.id, labels)
    }

    /// The subject's keys in the inhibitions, in their order.
    pub fn places(&self, subject: &MatchTarget<'_>) -> SuppressorKeys {
        let mut places = SuppressorKeys::default();
        if !self.has_holders() {
            return places;
        }
        let rules = &self.rulebook.inhibitions;
        let (mut sources, mut targets) = (Vec::new(), Vec::new());
        self.inhibition_sources.find(subject.labels, subject.facts, &mut sources);
        sources.retain(|number| rules.get(*number as usize).is_some_and(|rule| subject.fits(&rule.source)));
        self.inhibition_targets.find(subject.labels, subject.facts, &mut targets);
        targets.retain(|number| rules.get(*number as usize).is_some_and(|rule| subject.fits(&rule.target)));
        let mut numbers: Vec<u32> = sources.iter().chain(&targets).copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers {
            let Some(rule) = rules.get(number as usize) else { continue };
            let side = match (sources.binary_search(&number).is_ok(), targets.binary_search(&number).is_ok()) {
                (true, true) => Side::Both,
                (true, false) => Side::Source,
                (false, _) => Side::Target,
            };
            let values = rule.equal.iter().map(|name| subject.value(name));
            match rule.through {
                None => places.inhibitions.push(InhibitionRole {
                    rule: number,
                    group: InhibitionKey::new(number, values),
                    side,
                }),
                Some(through) => {
                    self.tie(number, values.map(str::to_owned).collect(), side, through, subject, &mut places.ties);
                }
            }
        }
        places
    }

    /// Its item as a source, its item's ancestors as a target.
    fn tie(
        &self,
        rule: u32,
        values: Arc<[String]>,
        side: Side,
        through: Through,
        subject: &MatchTarget<'_>,
        ties: &mut Vec<DependencyEdge>,
    ) {
        let inventory = &self.rulebook.inventory;
        let Some(item) = inventory.entity_of(subject.labels) else { return };
        let mut push = |item: ItemIndex, relation: Relation| {
            ties.push(DependencyEdge { rule, values: Arc::clone(&values), item, relation });
        };
        match side {
            Side::Source | Side::Both => push(item, Relation::Source),
            Side::Target => {}
        }
        match side {
            Side::Target | Side::Both => {
                let above = self.topology.above(inventory, item, through.hops);
                above.into_iter().take(ANCESTORS_MAX).for_each(|(item, relation)| push(item, relation));
            }
            Side::Source => {}
        }
    }
}

impl IndexedRule {
    fn new(id: RuleId, rule: &Rule) -> IndexedRule {
        let mut by = rule.by.clone();
        by.sort_unstable();
        by.dedup();
        let names_status = |matchers: &Matchers| matchers.iter().any(|matcher| matcher.name() == "@status");
        IndexedRule {
            id,
            by,
            names_status: names_status(&rule.matchers),
            parts_name_status: match &rule.pattern {
                Pattern::Sequence(sequence) => sequence.steps.iter().map(|step| names_status(&step.matchers)).collect(),
                Pattern::Group(group) => group.classes.iter().map(|class| names_status(&class.matchers)).collect(),
                Pattern::Each
                | Pattern::Suppress { .. }
                | Pattern::Threshold { .. }
                | Pattern::Rate(_)
                | Pattern::Thresholds { .. }
                | Pattern::Pair { .. }
                | Pattern::PairWindow { .. }
                | Pattern::Absence { .. }
                | Pattern::Flap(_)
                | Pattern::Calendar { .. } => rule.pattern.until().map(names_status).into_iter().collect(),
            },
        }
    }

    fn part_names_status(&self, part: usize) -> bool {
        self.parts_name_status.get(part).copied().unwrap_or(false)
    }
}

/// True if an event that fits the rule's own matchers counts: a resolved one does only if the rule names the status.
fn counts(rule: &Rule, entry: &IndexedRule, subject: &MatchTarget<'_>) -> bool {
    let is_clear = subject.status == Status::Resolved;
    match rule.pattern {
        Pattern::Absence { .. } | Pattern::Flap(Flap::Nagios | Flap::Icinga) => subject.is_message,
        Pattern::Flap(Flap::Timed { .. }) => true,
        Pattern::Each => !is_clear,
        Pattern::Suppress { .. }
        | Pattern::Threshold { .. }
        | Pattern::Rate(_)
        | Pattern::Thresholds { .. }
        | Pattern::Pair { .. }
        | Pattern::PairWindow { .. } => !is_clear || entry.names_status,
        Pattern::Sequence(_) | Pattern::Group(_) | Pattern::Calendar { .. } => false,
    }
}

/// The steps that an event fits; the window compares captures.
fn steps(
    sequence: &Sequence,
    entry: &IndexedRule,
    subject: &MatchTarget<'_>,
    holds: impl Fn() -> bool,
) -> Option<Option<MatchRole>> {
    let (mut is_ours, mut mask) = (false, 0);
    for (number, step) in sequence.steps.iter().enumerate() {
        if !subject.fits(&step.matchers) || (number == 0 && !holds()) {
            continue;
        }
        is_ours = true;
        if subject.status != Status::Resolved || entry.part_names_status(number) {
            mask |= 1_u16 << number;
        }
    }
    is_ours.then_some((mask != 0).then_some(MatchRole::Steps(mask)))
}

/// The alternative matcher sets of the rule's events, for the index of candidates.
fn sets(rule: &Rule) -> Vec<Matchers> {
    let own = || rule.matchers.clone();
    match &rule.pattern {
        Pattern::Calendar { .. } => Vec::new(),
        Pattern::Sequence(sequence) => sequence.steps.iter().map(|step| step.matchers.clone()).collect(),
        Pattern::Group(group) => {
            let both = |class: &GroupClass| Matchers([own().0, class.matchers.0.clone()].concat());
            group.classes.iter().map(both).collect()
        }
        Pattern::Each
        | Pattern::Suppress { .. }
        | Pattern::Threshold { .. }
        | Pattern::Rate(_)
        | Pattern::Thresholds { .. }
        | Pattern::Pair { .. }
        | Pattern::PairWindow { .. }
        | Pattern::Absence { .. }
        | Pattern::Flap(_) => [Some(own()), rule.pattern.until().cloned()].into_iter().flatten().collect(),
    }
}

/// Names are sorted and distinct, so no pair repeats.
fn build<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Labels {
    let mut builder = LabelsBuilder::default();
    for (name, value) in pairs {
        builder.push(name, value);
    }
    builder.build().unwrap_or_default()
}

/// Groups alerts without an owner by source and alert name, so that no alert is lost and no one is flooded.
fn catch_all() -> Rule {
    Rule {
        name: CATCH_ALL.to_owned(),
        matchers: Matchers::default(),
        unless: Vec::new(),
        when: None,
        by: vec!["alertname".to_owned(), "source".to_owned()],
        one_group: false,
        pattern: Pattern::Each,
        counts: Counts::Transitions,
        semantics: Semantics::Own,
        guard: None,
        actions: Actions::default(),
        opens_incident: true,
        continues: false,
        because: None,
        title: String::new(),
        severity: None,
        priority: None,
        ladder: "default".to_owned(),
        after_hours: None,
        pages: false,
        notify_times: Default::default(),
        tells_new_alerts: None,
        runbook: None,
        playbook: None,
        settle: TimeDelta::ZERO,
        resolve_after: TimeDelta::ZERO,
        close_after: None,
        reopen_within: TimeDelta::ZERO,
        quiet: None,
        otherwise_after: TimeDelta::ZERO,
        groups: false,
        grading: Default::default(),
        shape: 0,
    }
}
