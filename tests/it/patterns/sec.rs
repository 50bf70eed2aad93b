//! The real `sec` as a judge: cases in its format, on a virtual clock, many in one process.

use std::fmt::Write;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::case::{Becomes, Case, Guard, Name, Pattern, Rule, SECOND, Told, What};

/// Where the virtual clock begins; `sec` takes small numbers for durations here and there.
const START: i64 = 1_000_000;

/// What `sec` does at a line `@T seconds`: it moves the clock, before everything else.
const CLOCK: &str = "type=Single
continue=EndMatch
ptype=RegExp
pattern=^\\@T (\\d+)$
desc=clock
action=lcall %o $1 -> (sub { main::advance($_[0]) })
";

/// What `sec` says of each case, until `horizon` seconds. Each case has a rule file of its own; all share the clock.
pub fn play(cases: &[Case], horizon: i64) -> Vec<Vec<Told>> {
    let files: Vec<String> = cases.iter().enumerate().map(|(number, case)| rule_file(number, case)).collect();
    let mut lines: Vec<(i64, String)> = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        for event in &case.events {
            lines.push((event.at / SECOND, format!("c{number} {} {} {}\n", event.name, event.site, event.host)));
        }
    }
    // Stable: what happens in one second keeps its order.
    lines.sort_by_key(|(second, _)| *second);
    let mut input = String::new();
    let mut lines = lines.into_iter().peekable();
    for second in 0..=horizon {
        writeln!(input, "@T {}", START + second).unwrap();
        while let Some((_, line)) = lines.next_if(|(at, _)| *at <= second) {
            input.push_str(&line);
        }
    }
    let mut told = vec![Vec::new(); cases.len()];
    for line in run(&files, &input).lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [at, case, rule, what, key] = words[..] else { panic!("sec said {line:?}") };
        let what = match what {
            "raised" => What::Raised,
            "cleared" => What::Cleared,
            other => panic!("sec said {other:?}"),
        };
        let at = (at.parse::<i64>().unwrap() - START) * SECOND;
        told[case.parse::<usize>().unwrap()].push(Told { at, rule: rule.parse().unwrap(), key: key.to_owned(), what });
    }
    told
}

/// Feeds `input` to `sec` with these rule files and answers what it wrote.
fn run(files: &[String], input: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("perl");
    command.current_dir(dir.path()).args(["clock.pl", "/usr/bin/sec", "--cleantime=0", "--notail", "--input=-"]);
    command.args(["--nodetach", "--log=sec.log", "--debug=3"]);
    std::fs::write(dir.path().join("clock.pl"), include_str!("clock.pl")).unwrap();
    for (number, text) in [CLOCK.to_owned()].iter().chain(files).enumerate() {
        let name = format!("{number:04}.conf");
        std::fs::write(dir.path().join(&name), text).unwrap();
        command.arg(format!("--conf={name}"));
    }
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.expect("perl is installed");
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        // A child that ends early closes the pipe; what it said then tells why.
        scope.spawn(move || stdin.write_all(input.as_bytes()).ok());
        child.wait_with_output().unwrap()
    });
    let stderr = String::from_utf8_lossy(&output.stderr);
    let log = std::fs::read_to_string(dir.path().join("sec.log")).unwrap_or_default();
    let hint = "tests/run installs sec";
    assert!(output.status.success(), "sec does not run ({hint}): {stderr}\n{log}");
    assert!(log.is_empty(), "sec complains:\n{log}\n{}", files.join("\n"));
    String::from_utf8(output.stdout).unwrap()
}

fn rule_file(number: usize, case: &Case) -> String {
    case.rules.iter().enumerate().map(|(rule, one)| translated(number, rule, one) + "\n").collect()
}

/// The name of a context of that case.
fn named(case: usize, context: &str) -> String {
    format!("c{case}_{}", context.replace("{site}", "$1"))
}

/// What the rule does when it fires or clears, as a list of actions.
fn action(case: usize, number: usize, rule: &Rule, on: What) -> String {
    let what = match on {
        What::Raised => "raised",
        What::Cleared => "cleared",
    };
    let mut list = format!("write - %u {case} {number} {what} %s");
    let event = |name: Name| format!("event c{case} {name} {} a", rule.place().replace("{site}", "$1"));
    for change in rule.changes.iter().filter(|change| change.on == on) {
        let name = named(case, change.context);
        list += &match change.becomes {
            Becomes::Unset => format!("; delete {name}"),
            Becomes::Set { lifetime, then } => {
                let then = then.map(|name| format!(" ({})", event(name))).unwrap_or_default();
                format!("; create {name} {}{then}", lifetime.unwrap_or(0))
            }
        };
    }
    if let Some((name, _)) = rule.emits.filter(|_| on == What::Raised) {
        list += &format!("; {}", event(name));
    }
    list
}

fn translated(case: usize, number: usize, rule: &Rule) -> String {
    let mut text = String::new();
    // What the second event of a pair does sees the first event's captures by another name.
    let (raised, cleared) = (action(case, number, rule, What::Raised), action(case, number, rule, What::Cleared));
    let cleared_by_second = cleared.replace("$1", "%1");
    let key = if rule.keyed { "$1" } else { "all" };
    let proceed = if rule.continues { "TakeNext" } else { "DontCont" };
    let mut put = |name: &str, value: &str| writeln!(text, "{name}={value}").unwrap();
    let pattern = |suffix: &str, names: &[Name], put: &mut dyn FnMut(&str, &str)| {
        put(&format!("ptype{suffix}"), "RegExp");
        put(&format!("pattern{suffix}"), &format!("^c{case} (?:{}) (\\S+) \\S+$", names.join("|")));
        put(&format!("continue{suffix}"), proceed);
        if let Some(Guard { context, alive }) = &rule.guard {
            put(&format!("context{suffix}"), &format!("{}{}", if *alive { "" } else { "!" }, named(case, context)));
        }
    };
    let second = |until: &[Name], put: &mut dyn FnMut(&str, &str)| {
        let site = if rule.keyed { "$1" } else { "\\S+" };
        put("ptype2", "RegExp");
        put("pattern2", &format!("^c{case} (?:{}) {site} \\S+$", until.join("|")));
        put("continue2", proceed);
        put("desc2", if rule.keyed { "%1" } else { "all" });
        put("action2", &cleared_by_second);
    };
    match &rule.pattern {
        Pattern::Each { .. } => {
            put("type", "Single");
            pattern("", &rule.names, &mut put);
            put("desc", key);
            put("action", &raised);
        }
        Pattern::Suppress { within } => {
            put("type", "SingleWithSuppress");
            pattern("", &rule.names, &mut put);
            put("desc", key);
            put("action", &raised);
            put("window", &within.to_string());
        }
        Pattern::Threshold { count, within, .. } => {
            put("type", "SingleWithThreshold");
            pattern("", &rule.names, &mut put);
            put("desc", key);
            put("action", &raised);
            put("action2", &cleared);
            put("thresh", &count.to_string());
            put("window", &within.to_string());
        }
        Pattern::Thresholds { rise, fall } => {
            put("type", "SingleWith2Thresholds");
            pattern("", &rule.names, &mut put);
            put("desc", key);
            put("action", &raised);
            put("thresh", &rise.0.to_string());
            put("window", &rise.1.to_string());
            put("desc2", key);
            put("action2", &cleared);
            put("thresh2", &fall.0.to_string());
            put("window2", &fall.1.to_string());
        }
        Pattern::Pair { until, within } => {
            put("type", "Pair");
            pattern("", &rule.names, &mut put);
            put("desc", key);
            put("action", &raised);
            second(until, &mut put);
            put("window", &within.unwrap_or(0).to_string());
        }
        Pattern::PairWindow { until, within } => {
            put("type", "PairWithWindow");
            pattern("", &rule.names, &mut put);
            put("desc", key);
            put("action", &raised);
            second(until, &mut put);
            put("window", &within.to_string());
        }
        Pattern::Group { all, within, repeat, .. } => {
            put("type", &format!("EventGroup{}", all.len()));
            for (class, (names, count)) in all.iter().enumerate() {
                let suffix = if class == 0 { String::new() } else { (class + 1).to_string() };
                let both: Vec<Name> = names.iter().copied().filter(|name| rule.names.contains(name)).collect();
                pattern(&suffix, &both, &mut put);
                put(&format!("thresh{suffix}"), &count.to_string());
            }
            put("desc", key);
            put("action", &raised);
            put("end", &cleared);
            put("multact", if *repeat { "yes" } else { "no" });
            put("window", &within.to_string());
        }
        other => panic!("sec has no such pattern: {other}"),
    }
    text
}
