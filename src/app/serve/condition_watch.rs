//! Says which rules have a condition that events make too costly: counted, logged, and raised as an event that names the
//! rule. What the engine decides does not depend on it: a condition that is broken off does not hold.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::api::Now;
use crate::app::own_events::OwnTrouble;
use crate::core::model::Severity;
use crate::core::rules::{RulebookHash, STEPS_MAX};
use crate::ingest::Intake;
use crate::metrics::Metrics;
use crate::store::LiveView;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(2);

/// What is known of the rulebook in force.
struct Seen {
    rulebook: RulebookHash,
    /// By rule: how often its condition was broken off, and whether somebody was told.
    broken_off: BTreeMap<String, (u64, bool)>,
}

/// Until `stop`.
pub async fn keep(live: Arc<LiveView>, metrics: Arc<Metrics>, intake: Intake, now: Now, stop: CancellationToken) {
    let mut seen = Seen { rulebook: live.rulebook().hash, broken_off: BTreeMap::new() };
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        look(&mut seen, &live, &metrics, &intake, &now).await;
    }
}

async fn look(seen: &mut Seen, live: &LiveView, metrics: &Metrics, intake: &Intake, now: &Now) {
    let rulebook = live.rulebook();
    if rulebook.hash != seen.rulebook {
        // Other rules: what was said of the old ones is over.
        for (rule, (_, is_told)) in std::mem::take(&mut seen.broken_off) {
            if is_told {
                trouble(&rule, None).tell(intake, now()).await;
            }
        }
        seen.rulebook = rulebook.hash;
    }
    for rule in &rulebook.rules {
        let broken_off = rule.when.as_ref().map_or(0, |when| when.broken_off());
        if broken_off == 0 {
            continue;
        }
        let (before, is_told) = seen.broken_off.entry(rule.name.clone()).or_default();
        metrics.conditions_broken_off(broken_off.saturating_sub(*before));
        *before = broken_off;
        if !*is_told {
            let trouble = trouble(&rule.name, Some(Severity::Major));
            tracing::error!(rule = rule.name, "{}", trouble.summary);
            *is_told = trouble.tell(intake, now()).await;
        }
    }
}

fn trouble(rule: &str, severity: Option<Severity>) -> OwnTrouble {
    let summary = match severity {
        Some(_) => format!(
            "the condition (when:) of rule {rule} takes more than {STEPS_MAX} steps on some events and does not hold for \
             them; `watchfire check` shows its cost: loop once, or over fewer labels"
        ),
        None => format!("other rules are in force; rule {rule} may be tried again"),
    };
    OwnTrouble { name: "ConditionTooCostly", labels: vec![("rule", rule.to_owned())], severity, summary }
}
