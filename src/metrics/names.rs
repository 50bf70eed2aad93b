//! Every metric's name and meaning, once. The dashboard and the alerting rules in `dashboards/` use these names.
//!
//! Base units (seconds, bytes); counters end in `_total`. A released name is never reused with another meaning.

/// A metric or a label that had another name before; the old one is exposed beside it for one release.
pub(super) struct OldName {
    pub old: &'static str,
    pub new: &'static str,
    /// The label that was renamed as well: its name now, and before.
    pub label: Option<(&'static str, &'static str)>,
}

const fn renamed(old: &'static str, new: &MetricText) -> OldName {
    OldName { old, new: new.name, label: None }
}

const fn relabelled(old: &'static str, new: &MetricText, label: &'static str, old_label: &'static str) -> OldName {
    OldName { old, new: new.name, label: Some((label, old_label)) }
}

/// Delete an entry with the release after the one that renamed it. The label `door` of
/// `watchfire_events_refused_total` became `protocol` without an alias, since a family has one set of labels.
pub(super) const OLD_NAMES: [OldName; 14] = [
    renamed("watchfire_bounces_total", &DEESCALATIONS),
    renamed("watchfire_breaches_total", &ESCALATION_TIMEOUTS),
    relabelled("watchfire_targets_total", &SLA_OUTCOMES, "metric", "clock"),
    renamed("watchfire_managers_told_total", &MANAGER_NOTIFICATIONS),
    renamed("watchfire_notices_total", &NOTIFICATIONS),
    renamed("watchfire_notices_gathered_total", &NOTIFICATIONS_DIGESTED),
    renamed("watchfire_outbox_waiting_notices", &OUTBOX_NOTIFICATIONS),
    renamed("watchfire_attended_records", &RECORDS_AWAITING_ACTION),
    relabelled("watchfire_classified_total", &INCIDENTS_OPENED_BY_TYPE, "type", "class"),
    renamed("watchfire_out_of_catalogue_total", &NOT_IN_CATALOGUE),
    renamed("watchfire_names_quarantined_total", &NAMING_VIOLATIONS),
    renamed("watchfire_intake_waiting_events", &INTAKE_QUEUE),
    renamed("watchfire_queue_waiting_incidents", &ASSIGNMENT_QUEUE),
    relabelled("watchfire_bounds_hit_total", &LIMITS_HIT, "limit", "bound"),
];

/// A metric's name, and its help text in the exposition.
pub(super) struct MetricText {
    pub name: &'static str,
    pub help: &'static str,
}

const fn text(name: &'static str, help: &'static str) -> MetricText {
    MetricText { name, help }
}

// Intake.
pub(super) const EVENTS: MetricText =
    text("watchfire_events_total", "Events taken from sources and committed, by what they said.");
pub(super) const EVENTS_RESENT: MetricText =
    text("watchfire_events_resent_total", "Events that repeated a known alert and moved only its times.");
pub(super) const EVENTS_DUPLICATE: MetricText =
    text("watchfire_events_duplicate_total", "Events dropped because the same one had been taken before.");
pub(super) const EVENTS_CLAMPED: MetricText =
    text("watchfire_events_clamped_total", "Events whose own time was too old or in the future and was clamped.");
pub(super) const EVENTS_UNMATCHED: MetricText =
    text("watchfire_events_unmatched_total", "Point events (log lines, traps) that no rule wanted.");
pub(super) const NAMING_VIOLATIONS: MetricText =
    text("watchfire_naming_violations_total", "Events whose name of a thing breaks the naming standard.");
pub(super) const SEVERITY_WORDS_UNKNOWN: MetricText = text(
    "watchfire_severity_words_unknown_total",
    "Events taken whose severity word nobody knows, and what they count as; name the word in the source file.",
);
pub(super) const EVENTS_REFUSED: MetricText =
    text("watchfire_events_refused_total", "Events and messages refused at intake, by protocol and reason.");
pub(super) const DEAD_LETTERS: MetricText =
    text("watchfire_dead_letters_total", "Unreadable messages kept for people to look at.");
pub(super) const INTAKE_QUEUE: MetricText =
    text("watchfire_intake_queue_events", "Events that wait in the intake queue or for their commit.");

// Correlation.
pub(super) const WINDOWS_DROPPED: MetricText =
    text("watchfire_windows_dropped_total", "Windows that a reload dropped, by the rule that is gone or another.");
pub(super) const RULES_FIRED: MetricText = text(
    "watchfire_rules_fired_total",
    "How often each rule fired; past the bound of distinct rules the rest count as \"other\".",
);
pub(super) const ALERTS_SUPPRESSED: MetricText =
    text("watchfire_alerts_suppressed_total", "Alerts held back, by what held them.");
pub(super) const LIMITS_HIT: MetricText =
    text("watchfire_limits_hit_total", "How often a limit of the engine was reached: something was dropped or folded.");
pub(super) const INVARIANTS_BROKEN: MetricText =
    text("watchfire_invariants_broken_total", "Invariants of the engine found broken. Anything above 0 is a bug.");
pub(super) const ALERTS_ACTIVE: MetricText = text("watchfire_alerts_active", "Alerts that fire now, by severity.");

// Incidents and tiers.
pub(super) const INCIDENTS_OPEN: MetricText =
    text("watchfire_incidents_open", "Incidents that somebody still has to take care of, by tier and priority.");
pub(super) const INCIDENTS_UNACKNOWLEDGED: MetricText = text(
    "watchfire_incidents_unacknowledged",
    "Open incidents that nobody of their present tier has acknowledged, by priority; unpaged ones are not among them.",
);
pub(super) const INCIDENTS_OPENED: MetricText =
    text("watchfire_incidents_opened_total", "Incidents opened, by priority at that time.");
pub(super) const INCIDENTS_REOPENED: MetricText =
    text("watchfire_incidents_reopened_total", "Resolved incidents that came back.");
pub(super) const TIME_TO_ACKNOWLEDGE: MetricText = text(
    "watchfire_time_to_acknowledge_seconds",
    "From the opening of an incident to its first acknowledgement, by priority and the tier that acknowledged.",
);
pub(super) const TIME_TO_RESOLVE: MetricText = text(
    "watchfire_time_to_resolve_seconds",
    "From the opening of an incident to its resolution, by priority and the tier that held it.",
);
pub(super) const ESCALATIONS: MetricText =
    text("watchfire_escalations_total", "Incidents handed on from one tier to another.");
pub(super) const DEESCALATIONS: MetricText =
    text("watchfire_deescalations_total", "Incidents that a higher tier handed back to a lower one (de-escalations).");
pub(super) const MANAGER_NOTIFICATIONS: MetricText =
    text("watchfire_manager_notifications_total", "Notifications of managers about an incident that others work on.");
pub(super) const PLAYBOOK_STEPS: MetricText =
    text("watchfire_playbook_steps_total", "Steps of playbooks that people have ticked.");
pub(super) const RECORDS_AWAITING_ACTION: MetricText = text(
    "watchfire_records_awaiting_action",
    "Records that wait for people, as the auditor found them at the newest snapshot: with an armed deadline, with a stated reason for none, or with neither, which is a bug.",
);
pub(super) const AUDITS: MetricText =
    text("watchfire_audits_total", "Times that the auditor has looked at every record that waits for people.");
pub(super) const HEARTBEATS: MetricText =
    text("watchfire_heartbeats_total", "Signs of life sent to the outside watcher, by what became of them.");
pub(super) const ESCALATION_TIMEOUTS: MetricText = text(
    "watchfire_escalation_timeouts_total",
    "Time limits of escalation steps to respond or to resolve that passed unmet, by tier.",
);
pub(super) const SLA_OUTCOMES: MetricText = text(
    "watchfire_sla_outcomes_total",
    "Outcomes of SLA targets by metric (tto: time to own, ttr: time to resolve): warned of, met, breached.",
);
pub(super) const INCIDENTS_OPENED_BY_TYPE: MetricText =
    text("watchfire_incidents_opened_by_type_total", "Incidents opened, by record type.");
pub(super) const NOT_IN_CATALOGUE: MetricText =
    text("watchfire_not_in_catalogue_total", "Incidents opened for what no service catalogue offers.");
pub(super) const BUDGET_ALERTS: MetricText =
    text("watchfire_outage_budget_alerts_total", "How often a year's outage budget was said to burn.");
pub(super) const NOTIFICATIONS: MetricText =
    text("watchfire_notifications_total", "Notifications to teams that the desk decided on, by kind.");
pub(super) const NOTIFICATIONS_DIGESTED: MetricText =
    text("watchfire_notifications_digested_total", "Notifications that waited for the next digest of their channel.");
pub(super) const COMMANDS_REFUSED: MetricText =
    text("watchfire_commands_refused_total", "Commands of people that the state of things did not allow.");

// On-call.
pub(super) const DISPATCHED: MetricText =
    text("watchfire_dispatched_total", "Incidents that dispatch gave to somebody by itself.");
pub(super) const STEPS_SKIPPED: MetricText = text(
    "watchfire_steps_skipped_total",
    "Steps of ladders passed over at once because their team could not act, by tier.",
);
pub(super) const ASSIGNMENT_QUEUE: MetricText = text(
    "watchfire_assignment_queue_incidents",
    "Open incidents that wait because nobody of their team can take them, by priority.",
);
pub(super) const ON_DUTY: MetricText =
    text("watchfire_on_duty_people", "People on duty now by each roster, whether they are present or not.");

// Problems and inspections.
pub(super) const PROBLEMS: MetricText = text("watchfire_problems", "Problem records, by state.");
pub(super) const PROBLEMS_OPENED: MetricText =
    text("watchfire_problems_opened_total", "Problems opened because incidents kept coming back.");
pub(super) const PROBLEMS_REOPENED: MetricText = text(
    "watchfire_problems_reopened_total",
    "Problems that came back after their fix was observed or they were closed.",
);
pub(super) const WORKAROUNDS_TRIED: MetricText =
    text("watchfire_workarounds_tried_total", "Workarounds of known errors that people tried, by whether they helped.");
pub(super) const INSPECTION_RUNS: MetricText =
    text("watchfire_inspection_runs_total", "Inspection runs that ended, by the state in which they ended.");
pub(super) const INSPECTION_FINDINGS: MetricText =
    text("watchfire_inspection_findings_total", "What inspections found, by what it is about.");
pub(super) const INSPECTION_ITEMS: MetricText =
    text("watchfire_inspection_items_total", "Inspection items checked, by outcome.");
pub(super) const PROBES: MetricText =
    text("watchfire_probes_total", "Automated inspection checks that ran, by kind and outcome.");
pub(super) const PROBE_DURATION: MetricText =
    text("watchfire_probe_duration_seconds", "How long automated inspection checks took, by kind.");

// Notifications.
pub(super) const DELIVERIES: MetricText =
    text("watchfire_deliveries_total", "Attempts to deliver a notification, by channel and outcome.");
pub(super) const DELIVERY_DURATION: MetricText =
    text("watchfire_delivery_duration_seconds", "How long attempts to deliver a notification took, by channel.");
pub(super) const OUTBOX_NOTIFICATIONS: MetricText = text(
    "watchfire_outbox_notifications",
    "Notifications neither delivered nor given up; at least so many when more wait than are delivered at once.",
);

// Journal and store.
pub(super) const JOURNAL_INPUTS: MetricText =
    text("watchfire_journal_inputs_total", "Inputs made durable in the journal since the start.");
pub(super) const JOURNAL_BYTES: MetricText = text("watchfire_journal_bytes", "Size of the journal kept in the store.");
pub(super) const JOURNAL_LAG: MetricText =
    text("watchfire_journal_lag_seconds", "Age of the oldest input that waits for its commit.");
pub(super) const COMMIT_DURATION: MetricText =
    text("watchfire_commit_duration_seconds", "How long commits to the store took.");
pub(super) const COMMIT_FAILURES: MetricText =
    text("watchfire_commit_failures_total", "Commits to the store that failed; their senders were not acknowledged.");
pub(super) const SNAPSHOTS: MetricText = text("watchfire_snapshots_total", "Snapshots of the engine taken.");
pub(super) const SNAPSHOT_DURATION: MetricText =
    text("watchfire_snapshot_duration_seconds", "How long taking a snapshot took.");
pub(super) const SNAPSHOT_BYTES: MetricText =
    text("watchfire_snapshot_bytes", "Size of the newest snapshot as written.");
pub(super) const ACKNOWLEDGED_LOST: MetricText = text(
    "watchfire_acknowledged_inputs_lost_total",
    "Inputs that were acknowledged and that the database no longer has. Anything above 0 is a loss.",
);
pub(super) const SNAPSHOTS_PASSED_OVER: MetricText = text(
    "watchfire_snapshots_passed_over_total",
    "Snapshots that could not be used when the state was put back; an older one and the journal took their place.",
);
pub(super) const DATABASE_FILES_GONE: MetricText = text(
    "watchfire_database_files_gone_total",
    "Times that files of the embedded database were found deleted or replaced while the service ran.",
);
pub(super) const BACKUPS: MetricText = text("watchfire_backups_total", "Scheduled backups, by what became of them.");
pub(super) const BACKUP_VERIFIED: MetricText = text(
    "watchfire_backup_last_verified_timestamp_seconds",
    "When the newest scheduled backup that reads back was made; 0 when there is none.",
);

// MQTT.
pub(super) const MQTT_CONNECTED: MetricText =
    text("watchfire_mqtt_connected", "Whether the connection to the broker stands (1) or not (0).");
pub(super) const MQTT_RECONNECTS: MetricText =
    text("watchfire_mqtt_reconnects_total", "How often the connection to the broker had to be made again.");
pub(super) const MQTT_SESSIONS_LOST: MetricText = text(
    "watchfire_mqtt_sessions_lost_total",
    "How often the broker had forgotten our session, and with it what it had kept for us.",
);
pub(super) const MQTT_FILTERS_REFUSED: MetricText =
    text("watchfire_mqtt_filters_refused", "Topic filters that the broker refuses now; nothing arrives on them.");
pub(super) const MQTT_REFUSED: MetricText =
    text("watchfire_mqtt_refused_total", "Connections and packets refused by the built-in MQTT intake, by reason.");
pub(super) const MQTT_UNACKNOWLEDGED: MetricText = text(
    "watchfire_mqtt_unacknowledged_messages",
    "Messages received from the broker and not acknowledged yet, because they are not committed yet.",
);

// The listeners.
pub(super) const CERTIFICATE_EXPIRY: MetricText = text(
    "watchfire_certificate_expiry_timestamp_seconds",
    "When the certificate of a listener comes to its end; +Inf of a listener without TLS.",
);
pub(super) const CERTIFICATE_LOADS: MetricText = text(
    "watchfire_certificate_loads_total",
    "Changed certificate files read while running, by outcome; after a failure the one before stays in use.",
);
pub(super) const HTTP_CONNECTIONS: MetricText = text("watchfire_http_connections", "HTTP connections open now.");
pub(super) const HTTP_CONNECTIONS_CUT: MetricText = text(
    "watchfire_http_connections_cut_total",
    "HTTP connections closed before their peer wished it, by reason; made_room and full mean a flood.",
);
pub(super) const HTTP_REFUSED: MetricText =
    text("watchfire_http_refused_total", "HTTP requests refused before they reached what they asked for, by reason.");
pub(super) const HTTP_STREAMS: MetricText = text("watchfire_http_streams", "Streams of changes open now.");

// This process among others, and its clock.
pub(super) const IS_LEAD: MetricText =
    text("watchfire_cluster_is_lead", "Whether this process holds the lease on the database (1) or is a standby (0).");
pub(super) const TAKEOVERS: MetricText = text(
    "watchfire_cluster_takeovers_total",
    "Leases taken by this process from one that had not given it back, by why.",
);
pub(super) const FENCED: MetricText =
    text("watchfire_cluster_fenced_total", "Times that another process took the lease from this one.");
pub(super) const CLOCK_OFFSET: MetricText = text(
    "watchfire_clock_offset_seconds",
    "How far the wall clock is ahead of the service's time, which no step of it moves; below 0 when it is behind.",
);
pub(super) const CLOCK_STEPS: MetricText =
    text("watchfire_clock_steps_total", "Steps of the wall clock that stood for 10 s and so count.");

// The service itself.
pub(super) const HTTP_REQUESTS: MetricText =
    text("watchfire_http_requests_total", "HTTP requests answered, by route, method and status code.");
pub(super) const HTTP_DURATION: MetricText =
    text("watchfire_http_request_duration_seconds", "How long HTTP requests took to answer, by route.");
pub(super) const READY: MetricText = text("watchfire_ready", "Whether the service can take work (1) or not (0).");
pub(super) const RULEBOOK_OK: MetricText = text(
    "watchfire_rulebook_last_load_successful",
    "Whether the newest attempt to load the rule files succeeded (1); at 0 the rulebook before it is still in force.",
);
pub(super) const RULEBOOK_LOADS: MetricText =
    text("watchfire_rulebook_loads_total", "Attempts to load the rule files, by outcome.");
pub(super) const RULEBOOK_RULES: MetricText =
    text("watchfire_rulebook_rules", "Correlation rules of the rulebook in force.");
pub(super) const RULEBOOK_INFO: MetricText =
    text("watchfire_rulebook_info", "The rulebook in force, by the hash of its files; always 1.");
pub(super) const BUILD_INFO: MetricText =
    text("watchfire_build_info", "The version of watchfire and of its engine's behaviour; always 1.");
pub(super) const ALERTMANAGER_BUILD_INFO: MetricText = text(
    "alertmanager_build_info",
    "The version of Alertmanager whose API is answered here; always 1. Read by karma and other clients of that API.",
);
