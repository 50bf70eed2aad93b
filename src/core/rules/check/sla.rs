//! Demands of SLA targets on rules: a class, and escalation policies whose steps together are not slower than the
//! target.

use super::FindingKind;
use crate::core::model::{Priority, TimeDelta};
use crate::core::rules::{EscalationPolicy, Rule, Rulebook, SlaTarget};

/// Missing or too slow settings: the kind, the rule and the sentence.
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

/// Total time of an incident on the policy; a step without a time to resolve counts its time to respond.
fn all_tiers(ladder: &EscalationPolicy) -> TimeDelta {
    ladder.steps.iter().fold(TimeDelta::ZERO, |sum, step| sum + step.resolve_by.unwrap_or(step.respond_by))
}

/// True if incidents of the rule may fall under the target, by class and priority. If the priority follows from the
/// alerts, only targets for every priority are checked, because the others would be found at nearly every rule.
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
