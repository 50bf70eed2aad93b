//! The shipped sources: each compiles, and reads what real tools send.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use serde::Deserialize;
use watchfire::core::model::{Event, Severity, Timestamp};
use watchfire::core::rules::{Source, SourceSyntax};
use watchfire::ingest::{alertmanager, decode};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    sources: Vec<SourceSyntax>,
}

/// Every source under rules/sources, compiled; its samples have run then.
pub fn shipped() -> Vec<Source> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/sources");
    let mut sources = Vec::new();
    for (path, _, file) in rule_files(&folder) {
        for source in file.sources {
            let compiled = Source::compile(source);
            sources.push(compiled.unwrap_or_else(|mistakes| panic!("{}: {mistakes:#?}", path.display())));
        }
    }
    sources
}

#[test]
fn every_shipped_source_compiles_and_its_samples_hold() {
    let names: Vec<String> = shipped().into_iter().map(|source| source.name).collect();
    println!("{} sources: {}", names.len(), names.join(", "));
    assert!(names.len() >= 60);
}

/// Every source shows what it reads: a sample of each, and of those that begin and end a pair.
#[test]
fn every_shipped_file_has_samples_and_says_what_to_set() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/sources");
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let (mut files, mut sources, mut pairs) = (0, 0, 0);
    for (path, text, file) in rule_files(&folder) {
        let shown = path.display();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(text.starts_with("# "), "{shown} begins with what to set in the tool");
        let head: String = text.lines().take_while(|line| line.starts_with('#')).collect();
        assert!(
            head.contains("documentation") || head.contains("Tried with") || head.contains("recipe"),
            "{shown}: tried with what?"
        );
        assert!(readme.contains(&format!("`{name}`")), "{name} is missing in rules/sources/README.md");
        files += 1;
        for source in file.sources {
            assert!(!source.samples.is_empty(), "{shown}: {} has no sample", source.name.value);
            pairs +=
                source.samples.iter().filter(|sample| sample.firing.is_some() && sample.resolved.is_some()).count();
            sources += 1;
        }
    }
    println!("{files} files, {sources} sources, {pairs} pairs of samples with one identity");
    assert!(files >= 55 && pairs >= 60, "{files} files, {pairs} pairs");
}

fn rule_files(folder: &Path) -> Vec<(PathBuf, String, RuleFile)> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|ending| ending == "yaml")).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let file = serde_saphyr::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        (path, text, file)
    };
    paths.into_iter().map(read).collect()
}

/// The folder of payloads that real tools sent; `None`, said aloud, where it is not there.
fn payloads() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = std::env::var_os("WATCHFIRE_SHARED").map_or_else(beside, PathBuf::from);
    let folder = shared.join("data/payloads");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("ABSENT: {} (set WATCHFIRE_SHARED to the shared folder); no payload was decoded", folder.display());
    None
}

/// What one file must give.
enum Holds {
    /// Through that source: each event as `status alertname severity`, `-` for no severity, `skipped` for an item
    /// that is no event.
    Events(&'static str, &'static [&'static str]),
    /// Not something that a tool sends as an event, and why.
    Nothing(&'static str),
}

use Holds::{Events, Nothing};

const DOWN: &str = "firing HostDown critical";
const UP_AGAIN: &str = "resolved HostDown critical";
const CPU: &str = "firing High CPU utilization (over 90% for 5m) on 核心交换机-01 major";
const CPU_OVER: &str = "resolved High CPU utilization (over 90% for 5m) on 核心交换机-01 major";
const DISK_97: &str = "firing com.example.monitor.alarm critical";

/// By file without its ending: a body and the raw request with it hold the same.
const FILES: &[(&str, Holds)] = &[
    ("alertmanager/live-01-firing-group3", Events("alertmanager", &[DOWN; 3])),
    ("alertmanager/live-02-firing-group-grown", Events("alertmanager", &[DOWN; 4])),
    ("alertmanager/live-03-one-of-four-resolved", Events("alertmanager", &[UP_AGAIN, DOWN, DOWN, DOWN])),
    ("alertmanager/live-04-all-resolved", Events("alertmanager", &[UP_AGAIN; 4])),
    ("alertmanager/live-05-repeat", Events("alertmanager", &["firing HighLoad warning"])),
    ("alertmanager/live-06-single-warning", Events("alertmanager", &["firing HighLoad warning"])),
    ("alertmanager/src-alerta-prometheus-v3-alert", Events("alertmanager", &["firing failedConnect critical"])),
    ("alertmanager/src-alerta-prometheus-v4-alert", Events("alertmanager", &["firing thing_dead critical"])),
    ("grafana/src-keep-grafana-12-test-alert", Events("grafana", &["firing TestAlert -"])),
    ("grafana/src-keep-highmemoryconsumption", Nothing("the definition of an alert rule, not a notification")),
    ("grafana-legacy/src-alerta-grafana-6", Events("grafana-legacy", &["firing GrafanaAlert warning"])),
    ("grafana-legacy/src-alerta-grafana-alert-alerting", Events("grafana-legacy", &["firing GrafanaAlert -"])),
    ("grafana-legacy/src-alerta-grafana-example", Events("grafana-legacy", &["firing GrafanaAlert -"])),
    ("zabbix/live-params-pagerduty.problem", Events("zabbix", &[CPU])),
    ("zabbix/live-params-pagerduty.recovery", Events("zabbix", &[CPU_OVER])),
    ("zabbix/live-signl4-problem-53", Events("zabbix", &[CPU])),
    ("zabbix/live-signl4-update-54", Events("zabbix", &[CPU])),
    ("zabbix/live-signl4-recovery-55", Events("zabbix", &[CPU_OVER])),
    ("zabbix/live-pagerduty-problem-43", Events("zabbix-pagerduty", &["firing ZabbixProblem major"])),
    ("zabbix/live-pagerduty-update-44", Events("zabbix-pagerduty", &["skipped"])),
    ("zabbix/live-pagerduty-recovery-45", Events("zabbix-pagerduty", &["resolved ZabbixProblem -"])),
    ("zabbix/live-opsgenie-problem-40", Events("zabbix-text", &[CPU])),
    ("zabbix/live-opsgenie-update-41", Events("zabbix-text", &["skipped"])),
    ("zabbix/live-opsgenie-recovery-42", Events("zabbix-text", &[CPU_OVER])),
    ("zabbix/live-pushover-problem-46", Events("zabbix-text", &[CPU])),
    ("zabbix/live-pushover-update-47", Events("zabbix-text", &["skipped"])),
    ("zabbix/live-pushover-recovery-48", Events("zabbix-text", &[CPU_OVER])),
    ("zabbix/live-slack-problem-59", Events("zabbix-text", &[CPU])),
    ("zabbix/live-slack-update-61", Events("zabbix-text", &[CPU])),
    ("zabbix/live-slack-recovery-62", Events("zabbix-text", &[CPU_OVER])),
    ("zabbix/live-ms_teams-problem-24", Events("zabbix-text", &[CPU])),
    ("zabbix/live-ms_teams-update-25", Events("zabbix-text", &[CPU])),
    ("zabbix/live-ms_teams-recovery-26", Events("zabbix-text", &[CPU_OVER])),
    ("icinga2/live-notify-01-host-problem", Events("icinga2", &["firing HostDown critical"])),
    ("icinga2/live-notify-02-host-recovery", Events("icinga2", &["resolved HostDown cleared"])),
    ("icinga2/live-notify-04-service-problem", Events("icinga2", &["firing ping4 critical"])),
    ("icinga2/live-notify-05-service-acknowledgement", Events("icinga2", &["firing ping4 critical"])),
    ("icinga2/live-notify-07-service-downtimestart", Events("icinga2", &["resolved ping4 cleared"])),
    (
        "icinga2/live-event-stream-a",
        // One line a request: a soft state, then hard ones between notifications, a comment and an acknowledgement.
        Events(
            "icinga2",
            &[
                "skipped",
                "firing ping4 warning",
                "skipped",
                "firing ping4 critical",
                "skipped",
                "skipped",
                "skipped",
                "skipped",
                "skipped",
                "resolved ping4 cleared",
            ],
        ),
    ),
    ("nagios/live-01-host-problem-down", Events("nagios", &["firing HostDown critical"])),
    ("nagios/live-03-service-problem-warning", Events("nagios", &["firing Disk /data warning"])),
    ("nagios/live-04-service-problem-warning", Events("nagios", &["firing Disk /data warning"])),
    ("nagios/live-06-service-problem-critical", Events("nagios", &["firing Disk /data critical"])),
    ("nagios/live-07-service-acknowledgement-critical", Events("nagios", &["firing Disk /data critical"])),
    ("nagios/live-09-service-downtimestart-ok", Events("nagios", &["resolved Disk /data cleared"])),
    ("uptime-kuma/src-keep-event-1", Events("uptime-kuma", &["resolved MonitorDown cleared"])),
    ("uptime-kuma/src-keep-event-3", Events("uptime-kuma", &["resolved MonitorDown cleared"])),
    ("cloudevents/live-http-binary", Events("cloudevents", &[DISK_97])),
    ("cloudevents/live-http-structured", Events("cloudevents", &[DISK_97])),
    ("cloudevents/live-mqtt311-structured", Events("cloudevents", &[DISK_97])),
    (
        "collectd/live-notification-collectd_filecount_files-warning",
        Events("collectd", &["firing collectd_filecount_files warning"]),
    ),
    (
        "collectd/live-notification-collectd_filecount_files-okay",
        Events("collectd", &["resolved collectd_filecount_files cleared"]),
    ),
    ("collectd/live-notification-collectd_load-failure", Events("collectd", &["firing collectd_load major"])),
    ("collectd/live-values-1", Events("collectd", &["skipped"; 20])),
    ("collectd/live-command-1", Nothing("metrics in collectd's own text format")),
    ("collectd/live-mqtt-a", Nothing("metrics")),
    ("alibabacloud-cms/src-hertzbeat-1", Events("alibabacloud-cms", &["firing CloudMonitorAlert warning"])),
    ("alibabacloud-cms/src-hertzbeat-2", Events("alibabacloud-cms", &["resolved ECS CPU usage is high critical"])),
    ("artifactory/src-telegraf-02", Events("artifactory", &["point Artifactory indeterminate"])),
    ("artifactory/src-telegraf-04", Events("artifactory", &["point Artifactory indeterminate"])),
    ("artifactory/src-telegraf-05", Events("artifactory", &["point Artifactory indeterminate"])),
    ("artifactory/src-telegraf-06", Events("artifactory", &["point Artifactory indeterminate"])),
    ("artifactory/src-telegraf-09", Events("artifactory", &["point Artifactory indeterminate"])),
    ("artifactory/src-telegraf-10", Events("artifactory", &["point Artifactory indeterminate"])),
    ("artifactory/src-telegraf-11", Events("artifactory", &["point Artifactory indeterminate"])),
    (
        "aws-cloudwatch-sns/src-alerta-cloudwatch-insufficient-data",
        Events("aws-cloudwatch-sns", &["firing notificationCountAlarm warning"]),
    ),
    (
        "aws-cloudwatch-sns/src-alerta-cloudwatch-subscription-confirmation",
        Events("aws-cloudwatch-sns", &["point SnsConfirmation major"]),
    ),
    (
        "aws-cloudwatch-sns/src-aws-cloudwatch-alarm-sns-payload-multiple-metrics",
        Events("aws-cloudwatch-sns", &["firing EXAMPLE major"]),
    ),
    (
        "aws-cloudwatch-sns/src-aws-cloudwatch-alarm-sns-payload-single-metric",
        Events("aws-cloudwatch-sns", &["firing EXAMPLE major"]),
    ),
    ("aws-cloudwatch-sns/src-keep-high-error-rate", Events("aws-cloudwatch-sns", &["firing APIErrorRate critical"])),
    ("aws-other/src-aws-config-event", Nothing("the invocation of a rule of AWS Config, not a notification")),
    ("axiom/src-keep-sample", Events("axiom", &["firing AxiomMonitor major"])),
    ("azure-monitor/src-alerta-classic-metric-alert-1", Events("azure-monitor", &["firing ruleName1 major"])),
    ("azure-monitor/src-alerta-classic-metric-alert-2", Events("azure-monitor", &["firing Alert_1_runscope12 major"])),
    ("checkmk/src-keep-sample", Events("checkmk", &["resolved HostDown cleared"])),
    ("datadog/src-keep-low-disk-space", Events("datadog", &["firing DatadogMonitor warning"])),
    ("datadog/src-keep-mq-consumer-struggling", Events("datadog", &["firing DatadogMonitor warning"])),
    ("dynatrace/src-keptn-closed-problem", Events("dynatrace", &["resolved DynatraceProblem critical"])),
    ("dynatrace/src-keptn-open-problem", Events("dynatrace", &["firing DynatraceProblem major"])),
    ("dynatrace/src-problems-api-v2", Events("dynatrace", &["firing DynatraceProblem minor"])),
    ("gcp-monitoring/src-alerta-stackdriver-open", Events("gcp-monitoring", &["firing GcpIncident major"])),
    ("gcp-monitoring/src-keep-5xx-errors-production", Events("gcp-monitoring", &["firing GcpIncident critical"])),
    ("gcp-monitoring/src-keep-database-latency", Events("gcp-monitoring", &["firing GcpIncident warning"])),
    ("gcp-monitoring/src-keep-high-memory-usage", Events("gcp-monitoring", &["firing GcpIncident warning"])),
    ("graylog/src-alerta-graylog-notification", Events("graylog", &["point GraylogStreamAlert major"])),
    ("kibana/doc-webhook-connector-1", Events("kibana", &["firing KibanaRule major"])),
    ("librenms/src-keep-sample", Events("librenms", &["resolved LibreNmsAlert cleared"])),
    ("netdata/live-alerta-clear", Events("netdata", &["resolved test_alarm cleared"])),
    ("netdata/live-alerta-warning", Events("netdata", &["firing test_alarm warning"])),
    ("netdata/live-custom-sender-1", Events("netdata", &["firing test_alarm warning"])),
    ("netdata/live-custom-sender-3", Events("netdata", &["resolved test_alarm cleared"])),
    ("netdata/live-msteams-warning", Events("netdata", &["firing test_alarm warning"])),
    ("netdata/live-opsgenie-critical", Events("netdata", &["firing test_alarm critical"])),
    ("netdata/live-opsgenie-warning", Events("netdata", &["firing test_alarm warning"])),
    ("newrelic/src-alerta-new-relic-notification", Events("newrelic", &["firing NewRelicIncident indeterminate"])),
    (
        "pagerduty/src-alerta-pagerduty-alert",
        Events("pagerduty", &["firing PagerDutyIncident major", "resolved PagerDutyIncident major"]),
    ),
    ("pagerduty/src-go-webhookv3-1", Events("pagerduty", &["firing PagerDutyIncident critical"])),
    ("pingdom/src-alerta-pingdom-up", Events("pingdom", &["resolved CheckDown cleared"])),
    (
        "prometheus-mock/src-keep-mqfull-message-queue-is-full",
        Events("generic", &["firing Message queue is over 90% capacity critical"]),
    ),
    (
        "prometheus-mock/src-keep-mqthirdfull-message-queue-is-over-33",
        Events("generic", &["firing Message queue is over 33% capacity warning"]),
    ),
    (
        "prometheus-mock/src-keep-networklatencyhigh",
        Events("generic", &["firing Network latency is higher than normal for customer_id:acme indeterminate"]),
    ),
    (
        "rsyslog/live-rfc5424-octet-counted",
        Events(
            "rsyslog",
            &[
                "point sshd warning",
                "point kernel critical",
                "firing LinkDown major",
                "point CRON indeterminate",
                "point Syslog indeterminate",
            ],
        ),
    ),
    (
        "rsyslog/live-rsyslog-forward-format",
        Events(
            "rsyslog",
            &[
                "point sshd warning",
                "point kernel critical",
                "firing LinkDown major",
                "point CRON indeterminate",
                "point Syslog indeterminate",
            ],
        ),
    ),
    ("sentry/src-alerta-payload-1", Events("sentry", &["point SentryIssue major"])),
    ("sentry/src-alerta-payload-v9-2", Events("sentry", &["point SentryIssue major"])),
    ("sentry/src-keep-browser-timeout", Events("sentry", &["point SentryIssue major"])),
    ("snmptrapd/live-authfail-inform-OnOQ", Events("snmptrapd", &["point AuthenticationFailure warning"])),
    ("snmptrapd/live-cisco-config-v1-OnOQ", Events("snmptrapd", &["point SnmpTrap minor"])),
    ("snmptrapd/live-coldstart-v2c-OnOQ", Events("snmptrapd", &["point ColdStart warning"])),
    ("snmptrapd/live-coldstart-v2c-default", Events("snmptrapd", &["point ColdStart warning"])),
    ("snmptrapd/live-linkdown-v2c-OnOQ", Events("snmptrapd", &["firing LinkDown major"])),
    ("snmptrapd/live-linkdown-v2c-default", Events("snmptrapd", &["firing LinkDown major"])),
    ("splunk/doc-webhook-alert-1", Events("splunk", &["point Payment gateway errors > 40 in 5m major"])),
    (
        "syslog-framing/src-telegraf-non-transparent-best-effort-tcp-1st-min-ok-2nd-min-ok",
        Events("syslog", &["point Syslog critical", "point Syslog warning"]),
    ),
    (
        "syslog-framing/src-telegraf-non-transparent-strict-tcp-1st-avg-ok",
        Events("syslog", &["point someservice indeterminate"]),
    ),
    (
        "syslog-framing/src-telegraf-octet-counting-best-effort-tcp-1st-min-ok",
        Events("syslog", &["point Syslog critical"]),
    ),
    (
        "syslog-framing/src-telegraf-octet-counting-best-effort-tcp-1st-newline-ok",
        Events("syslog", &["point Syslog critical"]),
    ),
    (
        "syslog-framing/src-telegraf-octet-counting-best-effort-tcp-1st-underflow-malfunction",
        Events("syslog", &["point Syslog critical", "skipped"]),
    ),
    (
        "syslog-framing/src-telegraf-octet-counting-best-effort-tcp-1st-underflow-nok",
        Events("syslog", &["point Syslog critical"]),
    ),
    (
        "syslog-framing/src-telegraf-octet-counting-best-effort-tcp-1st-utf8-ok",
        Events("syslog", &["point Syslog critical"]),
    ),
    ("syslog-framing/src-telegraf-octet-counting-strict-tcp-1st-min-ok", Events("syslog", &["point Syslog critical"])),
    (
        "syslog-framing/src-telegraf-octet-counting-strict-tcp-1st-newline-ok",
        Events("syslog", &["point Syslog critical"]),
    ),
    (
        "syslog-framing/src-telegraf-octet-counting-strict-tcp-1st-underflow-malfunction",
        Events("syslog", &["point Syslog critical", "skipped"]),
    ),
    ("syslog-framing/src-telegraf-octet-counting-strict-tcp-1st-utf8-ok", Events("syslog", &["point Syslog critical"])),
    (
        "syslog-ng/live-ndjson-batch",
        Events(
            "syslog-ng",
            &[
                "point sshd warning",
                "point kernel critical",
                "point app indeterminate",
                "point app indeterminate",
                "point app indeterminate",
                "point app indeterminate",
            ],
        ),
    ),
    ("syslog-ng/live-rfc5424-auth", Events("syslog-ng", &["point sshd warning"])),
    ("telegraf/src-field-layout", Nothing("measurements, a field a topic")),
    ("telegraf/src-json-serializer-1", Events("telegraf", &["skipped"])),
    ("wazuh/src-keep-sample", Events("wazuh", &["point WazuhAlert indeterminate"])),
];

/// Folders that hold what other doors read, or what is no payload.
const OTHER_DOORS: &[&str] = &[
    "alert-catalogue",
    "alertmanager-api-answers",
    "alertmanager-config",
    "amtool",
    "kubernetes-alerts",
    "prometheus",
];

/// Files that must be one alert: what fires in the first is what ends in the second.
const PAIRS: &[(&str, &str)] = &[
    ("alertmanager/live-02-firing-group-grown.json", "alertmanager/live-04-all-resolved.json"),
    ("zabbix/live-params-pagerduty.problem.json", "zabbix/live-params-pagerduty.recovery.json"),
    ("zabbix/live-signl4-problem-53.txt", "zabbix/live-signl4-recovery-55.http"),
    ("zabbix/live-signl4-problem-53.txt", "zabbix/live-signl4-update-54.txt"),
    ("zabbix/live-pagerduty-problem-43.json", "zabbix/live-pagerduty-recovery-45.json"),
    ("zabbix/live-opsgenie-problem-40.json", "zabbix/live-opsgenie-recovery-42.json"),
    ("zabbix/live-pushover-problem-46.json", "zabbix/live-pushover-recovery-48.json"),
    ("zabbix/live-slack-problem-59.json", "zabbix/live-slack-recovery-62.json"),
    ("zabbix/live-slack-problem-59.json", "zabbix/live-slack-update-61.json"),
    ("zabbix/live-ms_teams-problem-24.json", "zabbix/live-ms_teams-recovery-26.json"),
    ("zabbix/live-slack-problem-59.json", "zabbix/live-opsgenie-recovery-42.json"),
    ("icinga2/live-notify-01-host-problem.json", "icinga2/live-notify-02-host-recovery.json"),
    ("icinga2/live-notify-04-service-problem.json", "icinga2/live-notify-07-service-downtimestart.json"),
    ("nagios/live-06-service-problem-critical.env", "nagios/live-09-service-downtimestart-ok.env"),
    (
        "collectd/live-notification-collectd_filecount_files-warning.json",
        "collectd/live-notification-collectd_filecount_files-okay.json",
    ),
    ("netdata/live-alerta-warning.json", "netdata/live-alerta-clear.json"),
    ("netdata/live-custom-sender-1.env", "netdata/live-custom-sender-3.env"),
    ("netdata/live-opsgenie-warning.json", "netdata/live-opsgenie-critical.json"),
    ("netdata/live-custom-sender-1.env", "netdata/live-msteams-warning.json"),
    ("snmptrapd/live-linkdown-v2c-OnOQ.txt", "snmptrapd/live-linkdown-v2c-default.txt"),
    ("rsyslog/live-rfc5424-octet-counted.txt", "rsyslog/live-rsyslog-forward-format.txt"),
    ("cloudevents/live-http-binary.http", "cloudevents/live-http-structured.json"),
    ("cloudevents/live-http-structured.http", "cloudevents/live-mqtt311-structured.jsonl"),
];

#[test]
fn the_shipped_sources_read_what_real_tools_sent() {
    let Some(folder) = payloads() else { return };
    let sources = shipped();
    let mut events: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    let (mut decoded, mut told) = (0, 0);
    for file in files_of_known_tools(&folder) {
        let stem = &file[..file.rfind('.').unwrap()];
        let holds = FILES.iter().find(|(name, _)| *name == stem).map(|(_, holds)| holds);
        match holds.unwrap_or_else(|| panic!("{file} is not in the table")) {
            Nothing(why) => {
                println!("no event: {file}: {why}");
                told += 1;
            }
            // The bare body of a binary CloudEvent: what makes it one stood in the headers.
            Events(..) if file == "cloudevents/live-http-binary.json" => told += 1,
            Events(name, expected) => {
                let source = sources.iter().find(|source| source.name == *name).expect(name);
                let found = read(source, &folder.join(&file), &file);
                let described: Vec<String> = found.iter().map(describe).collect();
                assert_eq!(described, *expected, "{file}");
                events.insert(file, found.into_iter().flatten().collect());
                decoded += 1;
            }
        }
    }
    for (firing, resolved) in PAIRS {
        let identities = |file: &str| -> Vec<String> {
            let events = events.get(file).unwrap_or_else(|| panic!("{file} was not decoded"));
            events.iter().map(|event| event.labels.to_string()).collect()
        };
        assert_eq!(identities(firing), identities(resolved), "{firing} and {resolved}");
    }
    let count: usize = events.values().map(Vec::len).sum();
    println!(
        "{decoded} payloads decoded into {count} events, {told} that are none, {} pairs share an identity",
        PAIRS.len()
    );
    assert!(decoded >= 140, "only {decoded}");
}

fn files_of_known_tools(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for tool in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir()) {
        let tool = tool.file_name().into_string().unwrap();
        if OTHER_DOORS.contains(&tool.as_str()) {
            continue;
        }
        for entry in std::fs::read_dir(folder.join(&tool)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name != "README.md" {
                files.push(format!("{tool}/{name}"));
            }
        }
    }
    files.sort();
    files
}

/// The items of one file: an event, or `None` for one that was passed over.
fn read(source: &Source, path: &Path, file: &str) -> Vec<Option<Event>> {
    let bytes = std::fs::read(path).unwrap();
    let no_headers = HeaderMap::new();
    let here = Uri::from_static("/");
    match path.extension().and_then(|ending| ending.to_str()).unwrap() {
        "http" => {
            let (headers, body) = raw_request(&bytes);
            run(source, body, &decode::http_context(&headers, &here), file)
        }
        "jsonl" if file.contains("mqtt") => {
            let text = String::from_utf8(bytes).unwrap();
            let message = |line: &str| {
                let message: serde_json::Value = serde_json::from_str(line).unwrap();
                let payload = message["payload_utf8"].as_str().unwrap();
                run(source, payload.as_bytes(), &decode::mqtt_context(message["topic"].as_str().unwrap()), file)
            };
            text.lines().flat_map(message).collect()
        }
        "jsonl" => {
            let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            lines.flat_map(|line| run(source, line, &decode::http_context(&no_headers, &here), file)).collect()
        }
        _ => run(source, &bytes, &decode::http_context(&no_headers, &here), file),
    }
}

fn run(source: &Source, body: &[u8], context: &decode::DecodeContext, file: &str) -> Vec<Option<Event>> {
    let decoded = decode::decode(source, body, context).unwrap_or_else(|why| panic!("{file}: {why}"));
    assert!(decoded.rejected.is_empty(), "{file}: {:?}", decoded.rejected);
    let skipped = std::iter::repeat_with(|| None).take(decoded.skipped);
    decoded.events.into_iter().map(Some).chain(skipped).collect()
}

fn raw_request(bytes: &[u8]) -> (HeaderMap, &[u8]) {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| (at, at + 4));
    let (head, body) = end.or_else(|| bytes.windows(2).position(|two| two == b"\n\n").map(|at| (at, at + 2))).unwrap();
    let head = std::str::from_utf8(&bytes[..head]).unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        (name.trim().parse::<HeaderName>().unwrap(), HeaderValue::from_str(value.trim()).unwrap())
    };
    (head.lines().skip(1).map(header).collect(), &bytes[body..])
}

fn describe(event: &Option<Event>) -> String {
    let Some(event) = event else { return "skipped".to_owned() };
    let severity = event.severity.map_or("-", Severity::as_str);
    format!("{} {} {severity}", event.status.as_str(), event.labels.get("alertname").unwrap_or("(no alertname)"))
}

/// One address for all that Zabbix's media types send.
#[test]
fn the_source_zabbix_reads_every_form_that_media_types_send() {
    let Some(folder) = payloads() else { return };
    let sources = shipped();
    let zabbix = sources.iter().find(|source| source.name == "zabbix").unwrap();
    let mut count = 0;
    for file in files_of_known_tools(&folder).iter().filter(|file| file.starts_with("zabbix/")) {
        let found: Vec<String> = read(zabbix, &folder.join(file), file).iter().map(describe).collect();
        let expected = match file {
            name if name.contains("pagerduty") && name.contains("live-params") => {
                if name.contains("problem") {
                    CPU
                } else {
                    CPU_OVER
                }
            }
            name if name.contains("pagerduty-problem") => "firing ZabbixProblem major",
            name if name.contains("pagerduty-recovery") => "resolved ZabbixProblem -",
            name if name.contains("pagerduty-update")
                || name.contains("opsgenie-update")
                || name.contains("pushover-update") =>
            {
                "skipped"
            }
            name if name.contains("recovery") => CPU_OVER,
            _ => CPU,
        };
        assert_eq!(found, [expected], "{file}");
        count += 1;
    }
    println!("{count} bodies of Zabbix's media types through one source");
    assert!(count >= 25, "only {count}");
}

#[test]
fn alertmanagers_door_reads_what_prometheus_and_amtool_sent() {
    let Some(folder) = payloads() else { return };
    let mut count = 0;
    for (file, expected) in [
        ("prometheus/live-01-firing-two-alerts", 2),
        ("prometheus/live-02-still-firing", 2),
        ("prometheus/live-03-second-group-fires", 1),
        ("prometheus/live-04-one-resolved", 1),
        ("prometheus/live-05-resolved-resent", 1),
        ("prometheus/live-06-queue-batch-firing-and-resolved", 5),
        ("prometheus/live-07-resolved-endsat-earlier", 1),
        ("amtool/live-alert-add-start.request", 1),
    ] {
        let bytes = std::fs::read(folder.join(format!("{file}.http"))).unwrap();
        let (_, body) = raw_request(&bytes);
        let decoded = alertmanager::decode(body, Timestamp::from_seconds(1_795_284_000)).unwrap();
        assert_eq!((decoded.events.len(), decoded.faults.len()), (expected, 0), "{file}");
        assert!(decoded.events.iter().all(|event| event.starts_at.is_some()), "{file}");
        count += 1;
    }
    println!("{count} requests of Prometheus and amtool decoded");
}
