//! Metrics of committed engine effects: counters from effects, gauges of open records.

use prometheus::{HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Registry};

use super::bounded_label::{BoundedLabel, OTHER};
use super::names;
use super::on_call::OnCallMetrics;
use super::registration::{begin, counter, counters, gauges, histograms};
use super::severity_words::SeverityWordMetrics;
use crate::core::engine::{Breach, LimitHit, Metric, Normalised, NotificationKind, Suppressor, TargetOutcome};
use crate::core::inspections::{ItemOutcome, RunState, SubjectKind};
use crate::core::model::{Class, ClockKind, Priority, Severity, Status, Tier};
use crate::core::problems::ProblemState;

/// Distinct rules with a series of their own.
const RULES_MAX: usize = 2_000;
/// Distinct sources with series of their own.
const SOURCES_MAX: usize = 200;
/// Distinct invariants with a series of their own.
const INVARIANTS_MAX: usize = 50;

const STATUSES: [Status; 3] = [Status::Firing, Status::Resolved, Status::Point];
/// The limit of a condition's steps, which is no effect of an input: nothing is decided by its count.
pub(super) const CONDITION_STEPS: &str = "condition_steps";
/// The built-in sources, which have no source file.
pub(super) const BUILT_IN_SOURCES: [&str; 4] = ["v2", "native", "inspection", "watchfire"];

/// From half a minute to a day: first contact.
const ACKNOWLEDGE_SECONDS: [f64; 12] =
    [15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 28_800.0, 86_400.0];
/// From a minute to a week: repair.
const RESOLVE_SECONDS: [f64; 12] =
    [60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0, 28_800.0, 57_600.0, 86_400.0, 259_200.0, 604_800.0];

pub(super) struct EngineMetrics {
    pub(super) sources: BoundedLabel,
    pub(super) events: IntCounterVec,
    pub(super) resent: IntCounter,
    pub(super) duplicates: IntCounterVec,
    pub(super) clamped: IntCounter,
    pub(super) unmatched: IntCounterVec,
    pub(super) naming_violations: IntCounterVec,
    pub(super) rules: BoundedLabel,
    pub(super) rules_fired: IntCounterVec,
    pub(super) windows_dropped: IntCounterVec,
    pub(super) suppressed: IntCounterVec,
    pub(super) limits: IntCounterVec,
    pub(super) invariants: BoundedLabel,
    pub(super) invariants_broken: IntCounterVec,
    pub(super) alerts_active: IntGaugeVec,
    pub(super) incidents_open: IntGaugeVec,
    pub(super) incidents_unacknowledged: IntGaugeVec,
    pub(super) incidents_opened: IntCounterVec,
    pub(super) incidents_reopened: IntCounter,
    pub(super) time_to_acknowledge: HistogramVec,
    pub(super) time_to_resolve: HistogramVec,
    pub(super) escalations: IntCounterVec,
    pub(super) deescalations: IntCounterVec,
    pub(super) manager_notifications: IntCounter,
    pub(super) playbook_steps: IntCounter,
    pub(super) escalation_timeouts: IntCounterVec,
    pub(super) notifications: IntCounterVec,
    pub(super) notifications_digested: IntCounter,
    pub(super) commands_refused: IntCounter,
    pub(super) sla_outcomes: IntCounterVec,
    pub(super) opened_by_type: IntCounterVec,
    pub(super) not_in_catalogue: IntCounter,
    pub(super) budget_alerts: IntCounter,
    pub(super) problems: IntGaugeVec,
    pub(super) problems_opened: IntCounter,
    pub(super) problems_reopened: IntCounter,
    pub(super) workarounds_tried: IntCounterVec,
    pub(super) runs: IntCounterVec,
    pub(super) items: IntCounterVec,
    pub(super) staffed: OnCallMetrics,
    pub(super) findings: IntCounterVec,
    pub(super) severity_words: SeverityWordMetrics,
}

impl EngineMetrics {
    pub fn new(registry: &Registry) -> EngineMetrics {
        let by_person = ["priority", "tier"];
        let decided = EngineMetrics {
            sources: BoundedLabel::new(SOURCES_MAX),
            events: counters(registry, &names::EVENTS, &["source", "status"]),
            resent: counter(registry, &names::EVENTS_RESENT),
            duplicates: counters(registry, &names::EVENTS_DUPLICATE, &["source"]),
            clamped: counter(registry, &names::EVENTS_CLAMPED),
            unmatched: counters(registry, &names::EVENTS_UNMATCHED, &["source"]),
            naming_violations: counters(registry, &names::NAMING_VIOLATIONS, &["source"]),
            rules: BoundedLabel::new(RULES_MAX),
            rules_fired: counters(registry, &names::RULES_FIRED, &["rule"]),
            windows_dropped: counters(registry, &names::WINDOWS_DROPPED, &["rule"]),
            suppressed: counters(registry, &names::ALERTS_SUPPRESSED, &["by"]),
            limits: counters(registry, &names::LIMITS_HIT, &["limit"]),
            invariants: BoundedLabel::new(INVARIANTS_MAX),
            invariants_broken: counters(registry, &names::INVARIANTS_BROKEN, &["invariant"]),
            alerts_active: gauges(registry, &names::ALERTS_ACTIVE, &["severity"]),
            incidents_open: gauges(registry, &names::INCIDENTS_OPEN, &["tier", "priority"]),
            incidents_unacknowledged: gauges(registry, &names::INCIDENTS_UNACKNOWLEDGED, &["priority"]),
            incidents_opened: counters(registry, &names::INCIDENTS_OPENED, &["priority"]),
            incidents_reopened: counter(registry, &names::INCIDENTS_REOPENED),
            time_to_acknowledge: histograms(registry, &names::TIME_TO_ACKNOWLEDGE, &by_person, &ACKNOWLEDGE_SECONDS),
            time_to_resolve: histograms(registry, &names::TIME_TO_RESOLVE, &by_person, &RESOLVE_SECONDS),
            escalations: counters(registry, &names::ESCALATIONS, &["from", "to"]),
            deescalations: counters(registry, &names::DEESCALATIONS, &["from", "to"]),
            manager_notifications: counter(registry, &names::MANAGER_NOTIFICATIONS),
            playbook_steps: counter(registry, &names::PLAYBOOK_STEPS),
            escalation_timeouts: counters(registry, &names::ESCALATION_TIMEOUTS, &["tier", "what"]),
            notifications: counters(registry, &names::NOTIFICATIONS, &["kind"]),
            notifications_digested: counter(registry, &names::NOTIFICATIONS_DIGESTED),
            commands_refused: counter(registry, &names::COMMANDS_REFUSED),
            sla_outcomes: counters(registry, &names::SLA_OUTCOMES, &["metric", "outcome"]),
            opened_by_type: counters(registry, &names::INCIDENTS_OPENED_BY_TYPE, &["type"]),
            not_in_catalogue: counter(registry, &names::NOT_IN_CATALOGUE),
            budget_alerts: counter(registry, &names::BUDGET_ALERTS),
            problems: gauges(registry, &names::PROBLEMS, &["state"]),
            problems_opened: counter(registry, &names::PROBLEMS_OPENED),
            problems_reopened: counter(registry, &names::PROBLEMS_REOPENED),
            workarounds_tried: counters(registry, &names::WORKAROUNDS_TRIED, &["verdict"]),
            runs: counters(registry, &names::INSPECTION_RUNS, &["state"]),
            items: counters(registry, &names::INSPECTION_ITEMS, &["outcome"]),
            staffed: OnCallMetrics::new(registry),
            findings: counters(registry, &names::INSPECTION_FINDINGS, &["subject"]),
            severity_words: SeverityWordMetrics::new(registry),
        };
        decided.begin_closed_sets();
        for source in BUILT_IN_SOURCES.into_iter().chain([OTHER]) {
            decided.begin_source(source);
        }
        decided.rules_fired.with_label_values(&[decided.rules.admit(crate::core::rules::CATCH_ALL).as_ref()]);
        decided.rules_fired.with_label_values(&[OTHER]);
        decided.windows_dropped.with_label_values(&[OTHER]);
        decided.invariants_broken.with_label_values(&[OTHER]);
        decided
    }

    fn begin_closed_sets(&self) {
        begin(&self.suppressed, Suppressor::ALL.map(Suppressor::as_str));
        begin(&self.limits, LimitHit::ALL.map(LimitHit::as_str));
        begin(&self.limits, [CONDITION_STEPS]);
        begin(&self.alerts_active, Severity::ALL.map(Severity::as_str));
        begin(&self.incidents_unacknowledged, Priority::ALL.map(Priority::as_str));
        begin(&self.incidents_opened, Priority::ALL.map(Priority::as_str));
        begin(&self.notifications, NotificationKind::ALL.map(NotificationKind::as_str));
        begin(&self.workarounds_tried, [true, false].map(verdict));
        begin(&self.problems, ProblemState::ALL.map(ProblemState::as_str));
        begin(&self.runs, RunState::ALL.map(RunState::as_str));
        begin(&self.items, ItemOutcome::ALL.map(ItemOutcome::as_str));
        begin(&self.findings, SubjectKind::ALL.map(SubjectKind::as_str));
        begin(&self.opened_by_type, Class::ALL.map(Class::as_str));
        for clock in ClockKind::ALL {
            for outcome in TargetOutcome::ALL {
                self.sla_outcomes.with_label_values(&[clock.as_str(), outcome.as_str()]);
            }
        }
        for tier in Tier::ALL {
            for what in Breach::ALL {
                self.escalation_timeouts.with_label_values(&[tier.as_str(), what.as_str()]);
            }
            for higher in Tier::ALL.into_iter().filter(|higher| *higher > tier) {
                self.escalations.with_label_values(&[tier.as_str(), higher.as_str()]);
                self.deescalations.with_label_values(&[higher.as_str(), tier.as_str()]);
            }
            for priority in Priority::ALL {
                self.incidents_open.with_label_values(&[tier.as_str(), priority.as_str()]);
                self.time_to_acknowledge.with_label_values(&[priority.as_str(), tier.as_str()]);
                self.time_to_resolve.with_label_values(&[priority.as_str(), tier.as_str()]);
            }
        }
    }

    fn begin_source(&self, source: &str) {
        let source = self.sources.admit(source);
        for status in STATUSES {
            self.events.with_label_values(&[source.as_ref(), status.as_str()]);
        }
        self.duplicates.with_label_values(&[source.as_ref()]);
        self.unmatched.with_label_values(&[source.as_ref()]);
        self.naming_violations.with_label_values(&[source.as_ref()]);
    }

    pub(super) fn normalised(&self, normalised: &Normalised) {
        match normalised {
            Normalised::NameQuarantined { name, .. } => {
                self.naming_violations.with_label_values(&[self.sources.admit(&name.source).as_ref()]).inc();
            }
            Normalised::NameForgotten { .. }
            | Normalised::TemplateSeen { .. }
            | Normalised::TemplateForgotten { .. } => {}
        }
    }

    pub fn begin_names(&self, sources: &[&str], rules: &[&str]) {
        for source in sources {
            self.begin_source(source);
        }
        for rule in rules {
            self.rules_fired.with_label_values(&[self.rules.admit(rule).as_ref()]);
        }
    }

    pub(super) fn count(&self, counted: &Metric) {
        match counted {
            Metric::Event { source, status } => {
                self.events.with_label_values(&[self.sources.admit(source).as_ref(), status.as_str()]).inc();
            }
            Metric::Resent => self.resent.inc(),
            Metric::Duplicate { source } => {
                self.duplicates.with_label_values(&[self.sources.admit(source).as_ref()]).inc();
            }
            Metric::Clamped => self.clamped.inc(),
            Metric::RuleFired { rule } => {
                self.rules_fired.with_label_values(&[self.rules.admit(rule).as_ref()]).inc();
            }
            Metric::Unmatched { source } => {
                self.unmatched.with_label_values(&[self.sources.admit(source).as_ref()]).inc();
            }
            Metric::Suppressed { by } => self.suppressed.with_label_values(&[by.as_str()]).inc(),
            Metric::Bound { which } => self.limits.with_label_values(&[which.as_str()]).inc(),
            Metric::Acknowledged { priority, tier, after_micros } => {
                observe_micros(&self.time_to_acknowledge, *priority, *tier, *after_micros);
            }
            Metric::Resolved { priority, tier, after_micros } => {
                observe_micros(&self.time_to_resolve, *priority, *tier, *after_micros);
            }
            Metric::Escalated { from, to } => {
                self.escalations.with_label_values(&[from.as_str(), to.as_str()]).inc();
            }
            Metric::Breached { tier, what } => {
                self.escalation_timeouts.with_label_values(&[tier.as_str(), what.as_str()]).inc();
            }
            Metric::Bounced { from, to } => self.deescalations.with_label_values(&[from.as_str(), to.as_str()]).inc(),
            Metric::ManagersTold => self.manager_notifications.inc(),
            Metric::StepTicked => self.playbook_steps.inc(),
            Metric::IncidentOpened { priority } => {
                self.incidents_opened.with_label_values(&[priority.as_str()]).inc();
            }
            Metric::Dispatched => self.staffed.dispatched.inc(),
            Metric::StepSkipped { tier } => self.staffed.skipped.with_label_values(&[tier.as_str()]).inc(),
            Metric::Reopened => self.incidents_reopened.inc(),
            Metric::ProblemOpened => self.problems_opened.inc(),
            Metric::ProblemReopened => self.problems_reopened.inc(),
            Metric::WorkaroundTried { helped } => {
                self.workarounds_tried.with_label_values(&[verdict(*helped)]).inc();
            }
            Metric::RunEnded { state } => self.runs.with_label_values(&[state.as_str()]).inc(),
            Metric::ItemChecked { outcome } => self.items.with_label_values(&[outcome.as_str()]).inc(),
            Metric::InspectionFound { subject } => self.findings.with_label_values(&[subject.as_str()]).inc(),
            Metric::WindowsDropped { rule, windows } => {
                self.windows_dropped.with_label_values(&[self.rules.admit(rule).as_ref()]).inc_by(*windows);
            }
            Metric::Target { clock, outcome } => {
                self.sla_outcomes.with_label_values(&[clock.as_str(), outcome.as_str()]).inc();
            }
            Metric::Classified { class } => self.opened_by_type.with_label_values(&[class.as_str()]).inc(),
            Metric::OutOfCatalogue => self.not_in_catalogue.inc(),
            Metric::BudgetAlert => self.budget_alerts.inc(),
            Metric::SeverityUnknown { source, word } => {
                self.severity_words.count(self.sources.admit(source).as_ref(), word);
            }
            Metric::NoticeGathered => self.notifications_digested.inc(),
            Metric::CommandRefused => self.commands_refused.inc(),
            Metric::InvariantBroken { which } => {
                self.invariants_broken.with_label_values(&[self.invariants.admit(which).as_ref()]).inc();
            }
        }
    }
}

fn observe_micros(histogram: &HistogramVec, priority: Priority, tier: Tier, micros: i64) {
    histogram.with_label_values(&[priority.as_str(), tier.as_str()]).observe(micros.max(0) as f64 / 1e6);
}

const fn verdict(helped: bool) -> &'static str {
    if helped { "helped" } else { "not_helped" }
}
