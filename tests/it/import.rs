//! `watchfire import alertmanager`: its rule files load, and send an alert to whom the real amtool says.

use std::path::{Path, PathBuf};
use std::process::Command;

use watchfire::core::model::Labels;
use watchfire::core::rules::{RuleText, Rulebook, load};

use crate::support::service::program;

/// A tree with everything that decides where an alert goes, but `continue`, which means another thing here.
const CONFIG: &str = r#"
route:
  receiver: everybody
  group_by: [alertname]
  routes:
    - matchers: ['service=~"foo1|foo2|数据库"']
      receiver: mails
      routes:
        - matchers: ['severity="critical"', 'env!="test"']
          receiver: pager
        - matchers: ['severity!~"info|warning"']
          receiver: second
    - match: {service: files}
      receiver: files
      routes:
        - match_re: {severity: crit.*}
    - matchers: [owner="", env="prod"]
      receiver: nobody
receivers: [{name: everybody}, {name: mails}, {name: pager}, {name: second}, {name: files}, {name: nobody}]
"#;

fn import(config: &Path) -> (Rulebook, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_watchfire")).args(["import", "alertmanager"]).arg(config).output();
    let output = output.unwrap();
    let report = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{}: {report}", config.display());
    let text = String::from_utf8(output.stdout).unwrap();
    let file = RuleText { path: "95-alertmanager.yaml".to_owned(), text };
    (load(vec![file]).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).rulebook, report)
}

/// The team of the first step of the rule that owns an alert with those labels.
fn receiver(rulebook: &Rulebook, labels: &Labels) -> String {
    let rule = rulebook.rules.iter().find(|rule| rule.matchers.matches(labels)).unwrap();
    rulebook.ladder(&rule.ladder).unwrap().steps[0].team.clone()
}

#[test]
fn an_imported_tree_sends_every_alert_to_whom_amtool_says() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("alertmanager.yml");
    std::fs::write(&config, CONFIG).unwrap();
    let (rulebook, report) = import(&config);
    assert_eq!(report, "everything has its equal\n");
    let mut compared = 0;
    for service in ["", "foo1", "foo11", "数据库", "files"] {
        for severity in ["", "critical", "warning"] {
            for (env, owner) in [("", ""), ("prod", ""), ("prod", "x"), ("test", "")] {
                let pairs = [("service", service), ("severity", severity), ("env", env), ("owner", owner)];
                let given = pairs.into_iter().filter(|(_, value)| !value.is_empty());
                let labels = Labels::from_pairs(given.clone());
                let mut arguments: Vec<String> = given.map(|(name, value)| format!("{name}={value}")).collect();
                arguments.insert(0, format!("--config.file={}", config.display()));
                let mut amtool = Command::new(program("amtool"));
                amtool.args(["config", "routes", "test"]).args(&arguments);
                let said = amtool.env("HOME", directory.path()).output().unwrap();
                let said = String::from_utf8(said.stdout).unwrap();
                assert_eq!(receiver(&rulebook, &labels), said.trim(), "{labels}");
                compared += 1;
            }
        }
    }
    println!("{compared} label sets compared with amtool");
}

#[test]
fn published_configurations_become_rule_files_that_load() {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = std::env::var_os("WATCHFIRE_SHARED").map_or_else(beside, PathBuf::from);
    let folder = shared.join("data/payloads/alertmanager-config");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("ABSENT: {} (set WATCHFIRE_SHARED to the shared folder); nothing was imported", folder.display());
        return;
    };
    let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e != "md"));
    let mut imported = 0;
    for file in files {
        let (rulebook, report) = import(&file);
        assert!(!rulebook.rules.is_empty() && !report.is_empty(), "{}", file.display());
        assert!(rulebook.rules.last().unwrap().matchers.0.is_empty(), "{}: the root takes everything", file.display());
        imported += 1;
    }
    println!("{imported} configurations imported");
    assert!(imported >= 9);
}
