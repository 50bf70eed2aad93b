//! Verdict on a result: the worst of the reported outcome, of the value against its limits, and of the observed against
//! the expected text.

use super::ItemOutcome;
use super::task::{ItemAnswer, RunItem};

/// The outcome, and the evidence with the reason for a worse one.
pub(super) fn judge(task: &RunItem, answer: &ItemAnswer) -> (ItemOutcome, String) {
    let (mut outcome, mut evidence) = (answer.outcome, answer.evidence.trim().to_owned());
    match outcome {
        ItemOutcome::Pass | ItemOutcome::Warn | ItemOutcome::Fail => {}
        ItemOutcome::NotApplicable | ItemOutcome::NotDone => return (outcome, evidence),
    }
    let mut say = |found: ItemOutcome, why: String| {
        outcome = outcome.max(found);
        if !evidence.is_empty() {
            evidence.push_str("; ");
        }
        evidence.push_str(&why);
    };
    if let Some(value) = answer.value {
        let breaks = |limit: &crate::core::rules::Limit| limit.is_broken_by(value);
        if let Some(limit) = task.fail.filter(breaks) {
            say(ItemOutcome::Fail, format!("{value} is {limit}"));
        } else if let Some(limit) = task.warn.filter(breaks) {
            say(ItemOutcome::Warn, format!("{value} is {limit}"));
        }
    }
    if let Some(expected) = &task.expect {
        match (found(answer), &expected.value) {
            (Some(found), Some(value)) if same(&found, value) => {}
            (Some(found), Some(value)) => {
                say(ItemOutcome::Fail, format!("found {found:?}, the inventory says {value:?} ({})", expected.fact));
            }
            (Some(found), None) => {
                say(ItemOutcome::Fail, format!("found {found:?}, the inventory says no {}", expected.fact));
            }
            (None, Some(value)) => {
                say(ItemOutcome::Fail, format!("found nothing, the inventory says {value:?} ({})", expected.fact));
            }
            (None, None) => {}
        }
    }
    (outcome, evidence)
}

/// The observed value: the text, or the number.
fn found(answer: &ItemAnswer) -> Option<String> {
    let text = answer.found.as_deref().map(str::trim).filter(|text| !text.is_empty());
    text.map(str::to_owned).or_else(|| answer.value.map(|value| value.to_string()))
}

/// Compared as numbers if both are, else as texts.
fn same(found: &str, expected: &str) -> bool {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let as_numbers = number(found).zip(number(expected)).is_some_and(|(found, expected)| found == expected);
    as_numbers || found.trim() == expected.trim()
}
