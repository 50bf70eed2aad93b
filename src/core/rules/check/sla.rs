//! What promises ask of rules: a class, and ladders whose lines of support together are not slower than the target.

use super::FindingKind;
use crate::core::model::{Priority, TimeDelta};
use crate::core::rules::{EscalationPolicy, Rule, Rulebook, SlaTarget};

/// What is missing or too slow: the kind, the rule and the sentence.
pub(super) fn findings(rulebook: &Rulebook) -> Vec<(FindingKind, &str, String)> {
    let mut found = Vec::new();
    for rule in rulebook.rules.iter().filter(|rule| rule.opens_incident) {
        if rule.grading.class.is_none() {
            let message = format!("rule {:?} has no class", rule.name);
            found.push((FindingKind::Unclassified, rule.name.as_str(), message));
        }
        let Some(ladder) = rulebook.ladder(&rule.ladder).filter(|_| rule.pages) else { continue };
        let sum = all_tiers(ladder);
        let too_slow = rulebook.targets.iter().filter(|target| may_hold(target, rule));
        for (target, promised) in too_slow.filter_map(|target| Some((target, target.ttr.as_ref()?.within))) {
            if sum > promised {
                let (rule_name, target_name) = (&rule.name, &target.name);
                let message = format!(
                    "rule {rule_name:?}: the tiers of ladder {:?} take {sum} together, target {target_name:?} promises {promised}",
                    ladder.name
                );
                found.push((FindingKind::BeyondTarget, rule.name.as_str(), message));
            }
        }
    }
    found
}

/// How long an incident may stay on the ladder; a step without a time to resolve counts its time to respond.
fn all_tiers(ladder: &EscalationPolicy) -> TimeDelta {
    ladder.steps.iter().fold(TimeDelta::ZERO, |sum, step| sum + step.resolve_by.unwrap_or(step.respond_by))
}

/// Whether incidents of the rule come under the target, as far as class and priority say it. Where the priority follows
/// from the alerts, only targets for every priority are looked at: the others would be found at nearly every rule.
fn may_hold(target: &SlaTarget, rule: &Rule) -> bool {
    let class = rule.grading.class.unwrap_or_default();
    let priorities: Vec<Priority> = match (rule.priority, rule.severity) {
        (Some(priority), _) => vec![priority],
        (None, Some(severity)) if rule.grading.urgency.is_none() => vec![Priority::from_severity(severity)],
        (None, _) => rule.grading.priorities(),
    };
    !rule.grading.out_of_catalogue
        && (target.classes.is_empty() || target.classes.contains(&class))
        && (target.priorities.is_empty() || target.priorities.iter().any(|one| priorities.contains(one)))
}
