//! Compares the whole rule file and report of a configuration; `tests/it/import.rs` tries what the rules do.

use super::alertmanager;

const ROUTES: &str = r#"
global: {smtp_smarthost: 'localhost:25', resolve_timeout: 20m}
route:
  receiver: default
  group_by: [alertname, cluster]
  repeat_interval: 3h
  routes:
    - matchers: ['service=~"db|数据库"']
      receiver: dba
      group_wait: 10s
      mute_time_intervals: [lunch]
      routes:
        - match: {severity: critical}
          receiver: dba-pager
          group_by: ['...']
    - match_re: {test: '^[12]$'}
      receiver: web
      continue: true
receivers:
  - {name: default, webhook_configs: [{url: 'http://127.0.0.1:9/all'}]}
  - name: dba-pager
    webhook_configs: [{url: 'http://127.0.0.1:9/dba', send_resolved: true, http_config: {}}]
  - name: web
    slack_configs: [{channel: ops}]
    email_configs: [{to: 'ops@noc.example, 值班 <duty@noc.example>', send_resolved: true}]
inhibit_rules:
  - {source_matchers: ['severity="critical"'], target_match: {severity: warning}, equal: [cluster]}
time_intervals:
  - {name: lunch, time_intervals: [{times: [{start_time: '12:00', end_time: '13:00'}], location: Local}]}
"#;

/// The written file, and the places that the report names.
fn check(config: &str, expected: &str, report: &[&str]) {
    let imported = alertmanager(config, "Asia/Shanghai").unwrap();
    assert_eq!(imported.text.trim(), expected.trim());
    let lines = imported.report.render("am.yml");
    let places =
        lines.lines().skip(1).map(|line| line.split("  ").map(str::trim).filter(|part| !part.is_empty()).take(2));
    let places: Vec<String> = places.map(|parts| parts.collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(places, report);
}

#[test]
fn routes_become_rules_innermost_first_and_receivers_teams() {
    check(
        ROUTES,
        r#"
# From an Alertmanager. The last rule takes everything: let this file be read last.

alertmanager: {resolve_timeout: 20m}

rules:
  - name: "dba-pager"
    match: ["service=~\"db|数据库\"", "severity=\"critical\""]
    group: false
    tiers: "dba-pager, again every 3h"
    notify_delay: 10s
    resolve_after: 5m
  - name: "dba"
    match: ["service=~\"db|数据库\""]
    by: ["alertname", "cluster"]
    group: false
    tiers: "dba, again every 3h"
    notify_delay: 10s
    resolve_after: 5m
    mute_time_intervals: ["lunch"]
  - name: "web"
    match: ["test=~\"^[12]$\""]
    by: ["alertname", "cluster"]
    group: false
    tiers: "web, again every 3h"
    notify_delay: 30s
    resolve_after: 5m
    continue: true
  - name: "default"
    unless: ["test=~\"^[12]$\""]
    by: ["alertname", "cluster"]
    group: false
    tiers: "default, again every 3h"
    notify_delay: 30s
    resolve_after: 5m
  - name: "told by the routes before"
    incident: false
    justification: "a route that continues has taken it"

# One step each: add a second and a third line, so that what nobody takes climbs.
tiers:
  - name: "dba, again every 3h"
    steps:
      - {tier: 1, team: "dba", respond_by: 90d, page_every: 3h}
  - name: "dba-pager, again every 3h"
    steps:
      - {tier: 1, team: "dba-pager", respond_by: 90d, page_every: 3h}
  - name: "default, again every 3h"
    steps:
      - {tier: 1, team: "default", respond_by: 90d, page_every: 3h}
  - name: "web, again every 3h"
    steps:
      - {tier: 1, team: "web", respond_by: 90d, page_every: 3h}

teams:
  - name: "dba"
    members: ["dba"]
  - name: "dba-pager"
    members: ["dba-pager"]
    notify:
      - webhook: {url: "http://127.0.0.1:9/dba", format: alertmanager}
  - name: "default"
    members: ["default"]
    notify:
      - webhook: {url: "http://127.0.0.1:9/all", format: alertmanager}
  - name: "web"
    members: ["web"]
    notify:
      - email: {to: ["ops@noc.example"]}

time_intervals:
  - name: "lunch"
    time_intervals: [{times: [{start_time: "12:00", end_time: "13:00"}], location: "Asia/Shanghai"}]

inhibitions:
  - name: "imported 1"
    source: ["severity=\"critical\""]
    target: ["severity=\"warning\""]
    equal: ["cluster"]
"#,
        &[
            "am.yml:2 global.smtp_smarthost",
            "am.yml:3 route.group_interval",
            "am.yml:6 route.repeat_interval",
            "am.yml:22 receivers[1].webhook_configs[0].http_config",
            "am.yml:24 receivers[2].slack_configs",
            "am.yml:25 receivers[2].email_configs[0].to",
            "am.yml:29 time_intervals[0].time_intervals[0].location",
        ],
    );
}

#[test]
fn what_is_no_configuration_is_refused_with_the_reason() {
    let refused = |config: &str| alertmanager(config, "UTC").err().unwrap();
    assert!(refused("receivers: []\n").contains("no route"));
    assert!(refused("- 1\n").contains("not the configuration"));
    assert!(refused("route: {receiver: a, matchers: ['a=~\"(\"']}\n").contains("line 1: route.matchers"));
    assert!(refused("route: [\n").contains("line "));
}
