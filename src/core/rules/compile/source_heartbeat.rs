//! The dead man's switch of a source: `silent_after:` becomes a rule that fires when no message comes any more.

use super::pattern::SECOND;
use super::rule_fingerprint;
use crate::core::model::{Labels, Matcher, Matchers, Severity, TimeDelta};
use crate::core::rules::defaults::LADDER;
use crate::core::rules::{Actions, Counts, Emit, EmitKind, Grading, Pattern, Rule, Semantics, Source};

/// Alert name of the event for a silent source.
pub(super) const ALERTNAME: &str = "SourceSilent";

/// The rule of one source; `None` if its file does not ask for one. It only acts: its event goes through all rules.
pub(super) fn rule(source: &Source) -> Option<Rule> {
    let within = source.silent_after?;
    let name = format!("silence of {}", source.name);
    let matchers = Matchers(vec![Matcher::equal("@source", &source.name)]);
    let pattern = Pattern::Absence { within };
    let parts = rule_fingerprint::FingerprintInput {
        matchers: &matchers,
        unless: &[],
        when: None,
        by: &source.silent_by,
        one_group: false,
        pattern: &pattern,
        counts: Counts::Transitions,
        semantics: Semantics::Own,
        guard: None,
    };
    let shape = rule_fingerprint::of(&parts);
    let places: Vec<(String, String)> =
        source.silent_by.iter().map(|label| (label.clone(), format!("{{{label}}}"))).collect();
    let own = [("alertname", ALERTNAME), ("source", source.name.as_str())];
    let labels = places.iter().map(|(name, place)| (name.as_str(), place.as_str())).chain(own);
    let emit = Emit {
        labels: Labels::from_pairs(labels),
        severity: Some(Severity::Major),
        summary: format!("no message from {} for {within} (监控源无消息)", source.name),
        kind: EmitKind::Firing,
    };
    Some(Rule {
        name,
        matchers,
        unless: Vec::new(),
        when: None,
        by: source.silent_by.clone(),
        one_group: false,
        pattern,
        counts: Counts::Transitions,
        semantics: Semantics::Own,
        guard: None,
        actions: Actions { contexts: Vec::new(), emit: Some(emit) },
        opens_incident: false,
        continues: true,
        because: None,
        title: String::new(),
        severity: None,
        priority: None,
        ladder: LADDER.to_owned(),
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
        otherwise_after: SECOND,
        grading: Grading::default(),
        groups: false,
        shape,
    })
}
