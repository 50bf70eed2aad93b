//! The house rules that Cargo does not hold inside one crate: layering, purity, sizes, heads.
//!
//! The checks are functions over source text, so that a test of the test can show each of them failing.

use std::path::{Path, PathBuf};

/// The rooms that every other room may import.
const GROUND: &[&str] = &["model", "calendar", "rules"];
/// One room a record, with its lifecycle and its policy; none of them imports another.
const RECORDS: &[&str] = &["incidents", "sla", "escalation", "problems", "on_call", "inspections"];

/// The rooms of `core/` that the service is built on; only `simulation` is not among them.
fn core_rooms() -> Vec<&'static str> {
    [GROUND, &["correlation"], RECORDS, &["reports", "engine"]].concat()
}

/// The rooms that a room may import; `None`: it is not one of the house.
fn may_import(room: &str) -> Option<Vec<&'static str>> {
    let core_and = |others: &[&'static str]| [&core_rooms(), others].concat();
    Some(match room {
        "model" => Vec::new(),
        "calendar" | "simulation" | "mqtt" => vec!["model"],
        "rules" => vec!["model", "calendar"],
        "correlation" => GROUND.to_vec(),
        record if RECORDS.contains(&record) => GROUND.to_vec(),
        "reports" => [GROUND, RECORDS].concat(),
        "engine" => [GROUND, &["correlation"], RECORDS].concat(),
        "store" | "metrics" => core_rooms(),
        "ingest" => vec!["model", "rules", "metrics", "mqtt"],
        "probes" => vec!["model", "rules", "inspections", "metrics", "mqtt"],
        "notify" => core_and(&["store", "metrics", "mqtt"]),
        "api" => core_and(&["store", "metrics", "ingest"]),
        "console" => core_and(&["store", "metrics", "ingest", "api"]),
        "app" => core_and(&["console", "api", "notify", "probes", "ingest", "mqtt", "store", "metrics", "simulation"]),
        _ => return None,
    })
}

/// Words that no file of `core/` contains.
const IMPURE: &[&str] = &[
    "tokio",
    "sqlx",
    "axum",
    "rumqttc",
    "prometheus",
    "reqwest",
    "std::fs",
    "std::net",
    "std::env",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "Utc::now",
    "getrandom",
    "rand::",
];

/// The demo publishes from outside: it may start the service, but must not reach inside it.
const DEMO_FORBIDDEN: &[&str] = &["crate::store", "crate::core::engine"];

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

#[test]
fn the_house_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = rust_files(&root.join("src"));
    assert!(files.len() > 50, "the walk found only {} files", files.len());
    let mut complaints = Vec::new();
    for path in &files {
        let text = std::fs::read_to_string(path).unwrap();
        let shown = path.strip_prefix(root.join("src")).unwrap().display().to_string();
        complaints.extend(complaints_about(&shown, &text));
    }
    complaints.extend(rooms_unlisted(&root.join("src"), "lib.rs"));
    complaints.extend(rooms_unlisted(&root.join("src/core"), "mod.rs"));
    complaints.extend(migrations_unpaired(root));
    complaints.extend(top_level_strangers(root));
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

/// Each check fails on a file that breaks its rule, and names it.
#[test]
fn every_check_bites() {
    let check = |path: &str, text: &str, expected: &str| {
        let complaints = complaints_about(path, text);
        assert!(
            complaints.iter().any(|one| one.contains(expected)),
            "{path}: expected a complaint with {expected:?}, got {complaints:?}"
        );
    };
    check("core/model/a.rs", "//! Head.\nuse crate::core::rules::Rule;\n", "model may not import rules");
    check(
        "ingest/a.rs",
        "//! Head.\nuse crate::{\n    core::model::Event,\n    store::Store,\n};\n",
        "ingest may not import store",
    );
    check(
        "core/escalation/a.rs",
        "//! Head.\nfn f() { crate::core::incidents::x(); }\n",
        "escalation may not import incidents",
    );
    check("core/model/a.rs", "//! Head.\nuse crate::store::Store;\n", "model may not import store");
    check("cellar/a.rs", "//! Head.\n", "the room cellar is not in the table of layers");
    check("core/engine/a.rs", "//! Head.\nuse tokio::sync::mpsc;\n", "names tokio");
    check("core/calendar/a.rs", "//! Head.\nfn f() { jiff::Timestamp::now(); }\n", "names Timestamp::now");
    check("core/model/a.rs", "use std::fmt;\n", "no //! head");
    check("app/commands/demo/story.rs", "//! Head.\nuse crate::store::Store;\n", "the demo");
    let long = format!("//! Head.\n{}", "const A: u8 = 0;\n".repeat(FILE_LINES_MAX));
    check("core/model/a.rs", &long, "lines");
    let function = format!("//! Head.\nfn long() {{\n{}}}\n", "    let a = 0;\n".repeat(FUNCTION_LINES_MAX));
    check("core/model/a.rs", &function, "fn long");
    let method = format!(
        "//! Head.\nimpl A {{\n    pub async fn m(\n        &self,\n    ) {{\n{}    }}\n}}\n",
        "        let a = 0;\n".repeat(70)
    );
    check("core/model/a.rs", &method, "fn m");
    check("core/model/a.rs", &format!("//! Head.\n// {}: later\n", ["FIX", "ME"].concat()), "unfinished");
    assert!(complaints_about("core/model/a.rs", "//! Head.\nuse std::fmt;\nfn f() {}\n").is_empty());
    // Tests inside a file may be as long and as impure as they need.
    let tested =
        format!("//! Head.\n#[cfg(test)]\nmod tests {{\n    use tokio::x;\n{}}}\n", "    // line\n".repeat(600));
    assert!(complaints_about("core/model/a.rs", &tested).is_empty());
}

/// Everything that is wrong with one file of `src`, by its path below it.
fn complaints_about(path: &str, text: &str) -> Vec<String> {
    let is_test = is_test_file(path);
    let mut complaints = Vec::new();
    if !text.starts_with("//! ") {
        complaints.push(format!("{path}: no //! head that says what the file is for"));
    }
    if is_test {
        return complaints;
    }
    let code = without_tests(text);
    let lines = code.lines().count();
    if lines > FILE_LINES_MAX {
        complaints.push(format!("{path}: {lines} lines; at most {FILE_LINES_MAX}"));
    }
    for word in [["FIX", "ME"].concat(), ["TO", "DO"].concat(), "todo!(".to_owned(), "unimplemented!(".to_owned()] {
        if code.contains(&word) {
            complaints.push(format!("{path}: unfinished: {word}"));
        }
    }
    complaints.extend(
        long_functions(&code)
            .into_iter()
            .map(|(name, length)| format!("{path}: fn {name} has {length} lines; at most {FUNCTION_LINES_MAX}")),
    );
    let bare = without_comments(&code);
    let in_core = path.strip_prefix("core/");
    let Some((room, _)) = in_core.unwrap_or(path).split_once('/') else { return complaints };
    complaints.extend(wrong_imports(path, room, &bare));
    if in_core.is_some() {
        for word in IMPURE.iter().filter(|word| names(&bare, word)) {
            complaints.push(format!("{path}: the pure half names {word}"));
        }
    }
    if path.starts_with("app/commands/demo") {
        for word in DEMO_FORBIDDEN.iter().filter(|word| bare.contains(**word)) {
            complaints.push(format!("{path}: the demo publishes from outside only, and may not name {word}"));
        }
    }
    complaints
}

/// Whether a file of `src` holds tests only.
pub fn is_test_file(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("/tests/")
}

fn wrong_imports(path: &str, room: &str, code: &str) -> Vec<String> {
    let Some(allowed) = may_import(room) else {
        return vec![format!("{path}: the room {room} is not in the table of layers")];
    };
    let mut wrong = Vec::new();
    for imported in imported_rooms(code) {
        if imported != room && may_import(&imported).is_some() && !allowed.contains(&imported.as_str()) {
            wrong.push(format!("{path}: {room} may not import {imported}"));
        }
    }
    wrong.dedup();
    wrong
}

/// Every room behind `crate::` and `crate::core::`, also inside `use crate::{…}` over several lines.
fn imported_rooms(code: &str) -> Vec<String> {
    let code = code.replace("core::", "");
    let mut rooms = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let (mut depth, mut word, mut at_start) = (0, String::new(), true);
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => at_start = true,
                    c if depth == 0 && at_start && (c.is_alphanumeric() || c == '_') => word.push(c),
                    _ if !word.is_empty() => at_start = false,
                    _ => {}
                }
                if !word.is_empty() && (!at_start || c == ',') {
                    rooms.push(std::mem::take(&mut word));
                }
            }
            rooms.extend(Some(word).filter(|word| !word.is_empty()));
        } else {
            rooms.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    rooms
}

/// Whether the code names that word, not merely a longer one.
fn names(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let after = code[at + word.len()..].chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_');
        before && (after || word.ends_with(':'))
    })
}

/// Functions longer than allowed, by the indentation that rustfmt gives them.
fn long_functions(code: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = code.lines().collect();
    let mut long = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let Some(name) = function_name(trimmed) else { continue };
        let indent = &line[..line.len() - trimmed.len()];
        let end = format!("{indent}}}");
        if trimmed.ends_with('}') || trimmed.ends_with(';') {
            continue;
        }
        let length = lines[index..].iter().position(|one| **one == end).map_or(0, |length| length + 1);
        if length > FUNCTION_LINES_MAX {
            long.push((name.to_owned(), length));
        }
    }
    long
}

fn function_name(line: &str) -> Option<&str> {
    let mut rest = line;
    loop {
        if let Some(name) = rest.strip_prefix("fn ") {
            return name.split(['(', '<']).next();
        }
        let (word, after) = rest.split_once(' ')?;
        let is_prefix = word.starts_with("pub") || ["async", "const", "unsafe", "extern"].contains(&word);
        if !is_prefix {
            return None;
        }
        rest = after;
    }
}

/// The text up to its own tests.
pub fn without_tests(text: &str) -> String {
    let mut kept = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line == "#[cfg(test)]" && lines.peek().is_some_and(|next| next.starts_with("mod ") && next.ends_with('{')) {
            for skipped in lines.by_ref() {
                if skipped == "}" {
                    break;
                }
            }
            continue;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    kept
}

pub fn without_comments(code: &str) -> String {
    code.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

fn rooms_unlisted(src: &Path, list: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let listing = std::fs::read_to_string(src.join(list)).unwrap();
    for entry in std::fs::read_dir(src).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            continue;
        }
        let room = path.file_name().unwrap().to_string_lossy().into_owned();
        if !listing.contains(&format!("pub mod {room};")) {
            wrong.push(format!("{list} does not list the room {room}"));
        }
        let head: String = std::fs::read_to_string(path.join("mod.rs"))
            .unwrap_or_default()
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .collect();
        if !["never", "Never"].iter().any(|word| head.contains(word)) {
            wrong.push(format!("{room}/mod.rs: its head does not say what the room must never do"));
        }
    }
    wrong
}

fn migrations_unpaired(root: &Path) -> Vec<String> {
    let names = |database: &str| -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(root.join("migrations").join(database))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    let (sqlite, postgres) = (names("sqlite"), names("postgres"));
    if sqlite == postgres && !sqlite.is_empty() {
        return Vec::new();
    }
    vec![format!("migrations are not paired: sqlite has {sqlite:?}, postgres has {postgres:?}")]
}

fn top_level_strangers(root: &Path) -> Vec<String> {
    const KNOWN: &[&str] = &[
        "Cargo.toml",
        "Cargo.lock",
        "src",
        "rules",
        "migrations",
        "dashboards",
        "tests",
        "README.md",
        "benches",
        "LICENSE",
        "clippy.toml",
        "deny.toml",
        "rustfmt.toml",
        "target",
        "watchfire-data",
        "findings",
    ];
    std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !KNOWN.contains(&name.as_str()))
        .map(|name| format!("{name} stands at the top level; only what the project's tools demand may"))
        .collect()
}

pub fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
