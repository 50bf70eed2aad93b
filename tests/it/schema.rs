//! The JSON Schema of rule files, judged by a validator that is not ours: it takes what the loader takes.

use std::path::{Path, PathBuf};
use std::process::Command;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;
use watchfire::core::rules::{RuleText, builtin, load, schema};

struct Validator {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Validator {
    fn of_rule_files() -> Validator {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("rules.json", schema()).unwrap();
        let index = compiler.compile("rules.json", &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
        Validator { schemas, index }
    }

    fn judge(&self, yaml: &str) -> Result<(), String> {
        let value: Value = serde_saphyr::from_str(yaml).map_err(|error| error.to_string())?;
        self.schemas.validate(&value, self.index).map_err(|error| format!("{error:#}"))
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn mistakes(yaml: &str) -> Vec<String> {
    let file = RuleText { path: "x.yaml".to_owned(), text: yaml.to_owned() };
    let mistakes = load(vec![file]).err().unwrap_or_default();
    mistakes.iter().map(ToString::to_string).collect()
}

/// The reference of the rule language and each block of it that is a rule file.
fn blocks(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let blocks = text.split("```yaml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_schema_is_valid_2020_12_and_the_command_prints_it() {
    let dialect = "https://json-schema.org/draft/2020-12/schema";
    assert_eq!(schema()["$schema"], dialect);
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let index = compiler.compile(dialect, &mut schemas).unwrap();
    schemas.validate(&schema(), index).unwrap_or_else(|error| panic!("{error:#}"));
    let output = Command::new(env!("CARGO_BIN_EXE_watchfire")).arg("schema").output().unwrap();
    assert!(output.status.success());
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), schema());
}

#[test]
fn the_shipped_rules_and_the_reference_fit_the_schema() {
    let validator = Validator::of_rule_files();
    let shipped = builtin();
    let reference = blocks(&root().join("rules/README.md"));
    assert!(shipped.len() >= 10 && reference.len() >= 10, "{} files, {} blocks", shipped.len(), reference.len());
    for file in shipped.iter().filter(|file| file.path.ends_with(".yaml")) {
        validator.judge(&file.text).unwrap_or_else(|error| panic!("{}: {error}", file.path));
    }
    for block in reference {
        validator.judge(&block).unwrap_or_else(|error| panic!("{error}\n{block}"));
    }
}

/// Spellings that are unusual and right.
#[test]
fn what_the_loader_takes_the_schema_takes() {
    let validator = Validator::of_rule_files();
    for yaml in [
        "rules: [{name: 5, match: 'a=\"1\"', title: 3.5, notify_delay: 0, runbook: true, close_after: 1w2d3h4m5s6ms}]",
        "rules: [{name: 链路抖动, match: ['设备=\"核心交换机\"', 'b=\"2\"'], by: [设备, 2], on: null, severity: ~}]",
        "rules:\nteams: [{name: 值班, members: [1, 李雷], notify: [{mqtt: {topic: 'noc/{id}'}}]}]",
        "rules: [{name: a, match: 'a=\"1\"', pattern: {suppress: {within: ' 90s '}}}]",
        "sources: [{name: acme-2, labels: {alertname: \"'x'\"}, samples: [{firing: {a: [1, null]}, headers: {X-A: b}}]}]",
    ] {
        assert_eq!(mistakes(yaml), [""; 0], "{yaml}");
        validator.judge(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    }
}

#[test]
fn a_broken_file_fits_neither_the_schema_nor_the_loader() {
    let validator = Validator::of_rule_files();
    for yaml in [
        // Misspelt or misplaced keys, at every depth.
        "rule: []",
        "rules: [{name: a, macth: 'a=\"1\"'}]",
        "rules: [{name: a, match: 'a=\"1\"', pattern: {threshold: {count: 5, withn: 10m, within: 1m}}}]",
        "rules: [{name: a, match: 'a=\"1\"', pattern: {treshold: {count: 5, within: 10m}}}]",
        "teams: [{name: a, notify: [{webhok: {url: 'http://a/'}}]}]",
        "inventory: {items: [{name: a, 站点: GZ01}]}",
        "sources: [{name: a, labels: {alertname: item.a}, sample: []}]",
        // Missing keys.
        "rules: [{match: 'a=\"1\"'}]",
        "rules: [{name: a, match: 'a=\"1\"', pattern: {threshold: {count: 5}}}]",
        "rules: [{name: a, match: 'a=\"1\"', contexts: [{for: 5m}]}]",
        "problems: [{name: a, count: 3, within: 1d}]",
        // Wrong words.
        "rules: [{name: a, match: 'a=\"1\"', severity: 严重}]",
        "rules: [{name: a, match: 'a=\"1\"', priority: p1}]",
        "severities: [{words: {a: bad}}]",
        "sources: [{name: a, labels: {alertname: item.a}, statuses: {'1': on}}]",
        "sources: [{name: A B, labels: {alertname: item.a}}]",
        "inhibitions: [{source: 'a=\"1\"', target: 'a=\"2\"', through: cables}]",
        // Wrong lengths and numbers.
        "rules: [{name: a, match: 'a=\"1\"', notify_delay: 5 minutes}]",
        "rules: [{name: a, match: 'a=\"1\"', notify_delay: 30}]",
        "rules: [{name: a, match: 'a=\"1\"', pattern: {threshold: {count: 1001, within: 10m}}}]",
        "rules: [{name: a, match: 'a=\"1\"', pattern: {threshold: {count: -1, within: 10m}}}]",
        "tiers: [{name: a, steps: [{tier: 4, team: first-line, respond_by: 5m}]}]",
        "storms: [{name: a, scope: site, factor: 101}]",
        // Wrong kinds of value.
        "rules: {name: a}",
        "rules: [a]",
        "rules: [{name: [a], match: 'a=\"1\"'}]",
        "rules: [{name: a, match: 5}]",
        "rules: [{name: a, match: 'a=\"1\"', paging: often}]",
        "rules: [{name: a, match: 'a=\"1\"', pattern: each of them}]",
    ] {
        assert!(validator.judge(yaml).is_err(), "the schema takes {yaml}");
        assert!(!mistakes(yaml).is_empty(), "the loader takes {yaml}");
    }
}

/// The loader tells a word that it does not know in quotes.
#[test]
fn every_word_that_the_schema_offers_is_one_that_the_loader_knows() {
    let rule = "name: a, match: 'a=\"1\"'";
    let check = |of: &str, key: &str, yaml: &str| {
        let yaml = yaml.replace("RULE", rule);
        let schema = schema();
        let words = schema["$defs"][of]["properties"][key]["enum"].as_array();
        let words: Vec<&str> = words.unwrap_or_else(|| panic!("{of}.{key}")).iter().filter_map(Value::as_str).collect();
        assert!(!words.is_empty(), "{of}.{key}");
        let is_unknown = |word: &str| {
            let quoted = format!("{word:?}");
            mistakes(&yaml.replace("WORD", word)).iter().any(|mistake| mistake.contains(&quoted))
        };
        assert!(is_unknown("无此词"), "{yaml}");
        words.into_iter().for_each(|word| assert!(!is_unknown(word), "{word}: {yaml}"));
    };
    check("RuleSyntax", "severity", "rules: [{RULE, severity: WORD}]");
    check("RuleSyntax", "priority", "rules: [{RULE, priority: WORD}]");
    check("RuleSyntax", "on", "rules: [{RULE, on: WORD}]");
    check("RuleSyntax", "semantics", "rules: [{RULE, semantics: WORD}]");
    check("FlapSyntax", "mode", "rules: [{RULE, pattern: {flap: {mode: WORD}}}]");
    check("ContextActionSyntax", "when", "rules: [{RULE, contexts: [{unset: a, when: WORD}]}]");
    check("EmitSyntax", "status", "rules: [{RULE, emit: {labels: {alertname: a}, status: WORD}}]");
    check("InhibitionSyntax", "through", "inhibitions: [{source: 'a=\"1\"', target: 'a=\"2\"', through: WORD}]");
    check("StormSyntax", "top_severity", "storms: [{name: a, scope: site, top_severity: WORD}]");
    check("SourceSyntax", "format", "sources: [{name: a, labels: {alertname: item.a}, format: WORD}]");
    let test =
        |input: &str, expect: &str| format!("tests: [{{name: a, input: [{{{input}}}], expect: [{{{expect}}}]}}]");
    check("InputSyntax", "status", &test("labels: {alertname: a}, status: WORD", "incidents: []"));
    check("IncidentSyntax", "state", &test("labels: {alertname: a}", "incidents: [{state: WORD}]"));
    check("AlertSyntax", "status", &test("labels: {alertname: a}", "alerts: [{labels: {a: b}, status: WORD}]"));
}

/// What an editor shows beside a key.
#[test]
fn every_key_says_what_it_is_for() {
    let schema = schema();
    let mut keys = 0;
    let definitions = schema["$defs"].as_object().unwrap().iter().map(|(name, of)| (name.as_str(), of));
    for (name, of) in definitions.chain([("the file", &schema)]) {
        for (key, of) in of["properties"].as_object().into_iter().flatten() {
            assert!(of["description"].as_str().is_some_and(|said| !said.is_empty()), "{name}: {key}");
            keys += 1;
        }
    }
    assert!(keys > 150, "only {keys} keys were found");
}
