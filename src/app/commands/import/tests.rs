//! Compares the whole rule file and report of a configuration.

use super::alertmanager;

const ROUTES: &str = r#"
global: {smtp_smarthost: 'localhost:25'}
route:
  receiver: default
  group_by: [alertname, cluster]
  repeat_interval: 3h
  routes:
    - matchers: ['service=~"db|数据库"']
      receiver: dba
      group_wait: 10s
      routes:
        - match: {severity: critical}
          receiver: dba-pager
          group_by: ['...']
    - match_re: {test: '^[12]$'}
      receiver: web
      continue: true
receivers:
  - {name: default}
  - name: dba-pager
    webhook_configs: [{url: 'http://127.0.0.1:9/dba', send_resolved: true, http_config: {}}]
  - name: web
    slack_configs: [{channel: ops}]
    email_configs: [{to: 'ops@noc.example, 值班 <duty@noc.example>', send_resolved: true}]
inhibit_rules:
  - {source_matchers: ['severity="critical"'], target_match: {severity: warning}, equal: [cluster]}
"#;

/// The written file, and the report as lines of `place: instead`.
fn check(config: &str, expected: &str, report: &[&str]) {
    let imported = alertmanager(config).unwrap();
    assert_eq!(imported.text.trim(), expected.trim());
    let lines: Vec<&str> = imported.report.lines().map(|(place, _)| place.as_str()).collect();
    assert_eq!(lines, report);
}

#[test]
fn routes_become_rules_innermost_first_and_receivers_teams() {
    check(
        ROUTES,
        r#"
# From an Alertmanager. The last rule takes everything: let this file be read last.

rules:
  - name: "dba-pager"
    match: ["service=~\"db|数据库\"", "severity=\"critical\""]
    tiers: "dba-pager, again every 3h"
    notify_delay: 10s
  - name: "dba"
    match: ["service=~\"db|数据库\""]
    by: ["alertname", "cluster"]
    tiers: "dba, again every 3h"
    notify_delay: 10s
  - name: "web"
    match: ["test=~\"^[12]$\""]
    by: ["alertname", "cluster"]
    tiers: "web, again every 3h"
    notify_delay: 30s
    continue: true
  - name: "default"
    by: ["alertname", "cluster"]
    tiers: "default, again every 3h"
    notify_delay: 30s

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
      - webhook: {url: "http://127.0.0.1:9/dba"}
  - name: "default"
    members: ["default"]
  - name: "web"
    members: ["web"]
    notify:
      - email: {to: ["ops@noc.example"]}

inhibitions:
  - name: "imported 1"
    source: ["severity=\"critical\""]
    target: ["severity=\"warning\""]
    equal: ["cluster"]
"#,
        &[
            "receivers[1].webhook_configs[0].http_config",
            "receivers[2].email_configs[0].to",
            "receiver \"web\": slack_configs",
            "route.routes[1].continue",
            "global.smtp_smarthost",
        ],
    );
}

#[test]
fn what_is_no_configuration_is_refused_with_the_reason() {
    let refused = |config: &str| alertmanager(config).err().unwrap();
    assert!(refused("receivers: []\n").contains("no route"));
    assert!(refused("- 1\n").contains("not the configuration"));
    assert!(refused("route: {receiver: a, matchers: ['a=~\"(\"']}\n").contains("route.matchers"));
    assert!(refused("route: [\n").contains("line 1"));
}
