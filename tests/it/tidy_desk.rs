//! The order of the desk's parts: what an input changes is carried from one to the next, so no part names an earlier one,
//! and no files of the desk lean on one another in a circle.
//!
//! The checks are functions over source text, so that a test of the test can show each of them failing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The parts, as the pipeline runs them.
const PARTS: &[&str] = &["incidents", "problems", "inspections", "sla", "assignment", "escalation", "notifications"];

/// Where the desk lies, in whatever room the engine is.
const DESK: &str = "engine/desk/";

#[test]
fn the_desk_is_a_pipeline() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let all = rust_files(&src);
    let is_of_desk = |path: &PathBuf| path.strip_prefix(&src).is_ok_and(|path| path.to_string_lossy().contains(DESK));
    let (desk, others): (Vec<PathBuf>, Vec<PathBuf>) = all.into_iter().partition(is_of_desk);
    let read = |path: &PathBuf| std::fs::read_to_string(path).unwrap();
    let files: Vec<(String, String)> = desk.iter().map(|path| (below_desk(path), read(path))).collect();
    assert!(files.len() > 30, "the walk found only {} files of the desk", files.len());
    for part in PARTS {
        assert!(files.iter().any(|(path, _)| path.starts_with(&format!("{part}/"))), "the desk has no part {part}");
    }
    let elsewhere: BTreeSet<String> = others.iter().flat_map(|path| methods_defined(&read(path))).collect();
    let complaints = complaints_about(&files, &elsewhere);
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

/// Each check fails on a file that breaks its rule, and names it.
#[test]
fn every_check_of_the_desk_bites() {
    let desk = |path: &str, text: &str| {
        let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        let files = [
            file("mod.rs", "mod context;\nmod incidents;\nmod sla;\nmod notifications;\nuse incidents::decisions;\n"),
            file("context.rs", "pub struct Step;\n"),
            file("incidents/mod.rs", "pub mod decisions;\npub mod standing;\n"),
            file("incidents/decisions.rs", "use super::standing;\nuse crate::engine::desk::sla::clocks;\n"),
            file("incidents/standing.rs", "pub struct Held;\nimpl Held {\n    pub fn weigh_again(&self) {}\n}\n"),
            file("sla/mod.rs", "pub mod clocks;\n"),
            file("sla/clocks.rs", "use crate::engine::desk::context::Step;\nuse crate::incidents::Incident;\n"),
        ];
        let mut files: Vec<_> = files.into_iter().filter(|(known, _)| known != path).collect();
        files.push(file(path, text));
        complaints_about(&files, &["known_elsewhere".to_owned()].into())
    };
    let check = |path: &str, text: &str, expected: &str| {
        let complaints = desk(path, text);
        assert!(complaints.iter().any(|one| one.contains(expected)), "{path}: expected {expected:?} in {complaints:?}");
    };
    assert_eq!(desk("sla/outages.rs", "use super::clocks;\nuse crate::incidents::Incident;\n"), Vec::<String>::new());
    let names = "sla/clocks.rs: names incidents, an earlier part";
    check("sla/clocks.rs", "use crate::engine::desk::incidents::decisions;\n", names);
    check(
        "sla/clocks.rs",
        "use crate::core::engine::desk::{context::Step, incidents::{decisions, standing}};\n",
        names,
    );
    check("sla/clocks.rs", "fn f() {\n    super::super::incidents::decisions::f();\n}\n", names);
    check("sla/clocks.rs", "fn f(held: &Held) {\n    held.weigh_again();\n}\n", "calls weigh_again of incidents");
    check("notifications/mod.rs", "use super::sla::clocks;\n", "names sla, an earlier part");
    let circle = "circle of files: incidents/decisions.rs, incidents/standing.rs";
    check("incidents/standing.rs", "use super::decisions::decide;\n", circle);
    check("incidents/standing.rs", "fn f() {\n    super::decisions::decide()\n}\n", circle);
    check("context.rs", "use super::sla::clocks;\npub struct Step;\n", "circle of files: context.rs, sla/clocks.rs");
    check("context.rs", "use super::Desk;\n", "circle of files");
    // A test may name what it likes.
    let tested = "#[cfg(test)]\nmod tests {\n    use crate::engine::desk::incidents::decisions;\n}\n";
    assert_eq!(desk("sla/clocks.rs", tested), Vec::<String>::new());
}

/// Everything that is wrong with the files of the desk, given by their paths below it. `elsewhere`: the methods that the
/// rest of the house defines.
fn complaints_about(files: &[(String, String)], elsewhere: &BTreeSet<String>) -> Vec<String> {
    let files: Vec<(&str, String)> = files
        .iter()
        .filter(|(path, _)| !path.ends_with("tests.rs"))
        .map(|(path, text)| (path.as_str(), code_of(text)))
        .collect();
    let known: BTreeSet<&str> = files.iter().map(|(path, _)| *path).collect();
    let mut complaints = Vec::new();
    let mut edges: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (path, code) in &files {
        let named: BTreeSet<&str> = files_named(path, code, &known).into_iter().filter(|other| other != path).collect();
        for part in named.iter().filter_map(|other| part_of(other)).collect::<BTreeSet<_>>() {
            if part_of(path).is_some_and(|own| rank(part) < rank(own)) {
                complaints.push(format!("{path}: names {part}, an earlier part"));
            }
        }
        edges.insert(path, named);
    }
    complaints.extend(methods_of_earlier_parts(&files, elsewhere));
    complaints.extend(circles(&edges).iter().map(|circle| format!("circle of files: {}", circle.join(", "))));
    complaints
}

/// Calls of methods that only an earlier part defines.
fn methods_of_earlier_parts(files: &[(&str, String)], elsewhere: &BTreeSet<String>) -> Vec<String> {
    let mut owners: BTreeMap<String, BTreeSet<Option<&str>>> = BTreeMap::new();
    for (path, code) in files {
        for method in methods_defined(code) {
            owners.entry(method).or_default().insert(part_of(path));
        }
    }
    let mut complaints = Vec::new();
    for (method, owners) in owners.iter().filter(|(method, owners)| owners.len() == 1 && !elsewhere.contains(*method)) {
        let Some(owner) = owners.first().copied().flatten() else { continue };
        for (path, code) in files {
            let is_later = part_of(path).is_some_and(|part| rank(owner) < rank(part));
            if is_later && code.contains(&format!(".{method}(")) {
                complaints.push(format!("{path}: calls {method} of {owner}, an earlier part"));
            }
        }
    }
    complaints
}

/// Each group of files that lead to one another.
fn circles<'a>(edges: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<Vec<&'a str>> {
    let reach = |from: &'a str| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(file) = next.pop() {
            next.extend(edges.get(file).into_iter().flatten().filter(|other| seen.insert(**other)));
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> = edges.keys().map(|file| (*file, reach(file))).collect();
    let circle_of = |file: &'a str| -> Vec<&'a str> {
        let back = |other: &&'a str| reached[file].contains(other) && reached[*other].contains(file);
        edges.keys().copied().filter(back).collect()
    };
    let circles: BTreeSet<Vec<&str>> = edges.keys().map(|file| circle_of(file)).filter(|all| all.len() > 1).collect();
    circles.into_iter().collect()
}

/// The files of the desk that the code of one of them names, in imports and in paths.
fn files_named<'a>(path: &str, code: &str, known: &BTreeSet<&'a str>) -> Vec<&'a str> {
    let module = module_of(path);
    let mut named = Vec::new();
    for tree in path_trees(code) {
        for segments in tree {
            let Some(segments) = below(&module, &segments) else { continue };
            named.extend(file_of(&segments, known));
        }
    }
    named
}

/// A path as it stands below the desk; `None`: it leads elsewhere.
fn below(module: &[String], segments: &[String]) -> Option<Vec<String>> {
    let ups = segments.iter().take_while(|segment| *segment == "super").count();
    match segments.first()?.as_str() {
        "crate" => {
            let at = segments.iter().position(|segment| segment == "desk")?;
            Some(segments[at + 1..].to_vec())
        }
        "super" if ups <= module.len() => Some([&module[..module.len() - ups], &segments[ups..]].concat()),
        "super" => None,
        "self" => Some([module, &segments[1..]].concat()),
        // In the folder's own file its children have no prefix.
        _ => Some([module, segments].concat()),
    }
}

/// The file that a path below the desk leads to: of the longest module in it.
fn file_of<'a>(segments: &[String], known: &BTreeSet<&'a str>) -> Option<&'a str> {
    (0..=segments.len()).rev().find_map(|length| {
        let stem = segments[..length].join("/");
        let (file, folder) = (format!("{stem}.rs"), format!("{stem}/mod.rs"));
        let root = if length == 0 { "mod.rs" } else { "" };
        known.iter().copied().find(|path| *path == file || *path == folder || *path == root)
    })
}

/// Every path that begins with `crate`, `super` or `self`, and every import, with its groups taken apart.
fn path_trees(code: &str) -> Vec<Vec<Vec<String>>> {
    let mut trees = Vec::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_none_or(|c| c != ':' && c != '_' && !c.is_alphanumeric()) {
                trees.push(expand(&mut code[at..].chars().peekable()));
            }
        }
    }
    // What leads to another crate resolves to nothing below the desk.
    let mut at = 0;
    for line in code.lines() {
        let visibility = line.find("use ").filter(|before| *before == 0 || line.starts_with("pub"));
        trees.extend(visibility.map(|before| expand(&mut code[at + before + "use ".len()..].chars().peekable())));
        at += line.len() + 1;
    }
    trees
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn expand(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Vec<Vec<String>> {
    let (mut head, mut word) = (Vec::new(), String::new());
    while let Some(c) = chars.peek().copied() {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            chars.next();
        } else if c == ':' {
            head.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
            chars.next();
        } else if c == '{' && word.is_empty() && !head.is_empty() {
            chars.next();
            let mut tails = Vec::new();
            loop {
                while chars.peek().is_some_and(|c| c.is_whitespace() || *c == ',') {
                    chars.next();
                }
                if chars.peek().is_none_or(|c| *c == '}') {
                    chars.next();
                    break;
                }
                let tail = expand(chars);
                // `x as y` and `*` end a path too.
                while chars.peek().is_some_and(|c| *c != ',' && *c != '}') {
                    chars.next();
                }
                tails.extend(tail);
            }
            let whole = |tail: Vec<String>| [head.clone(), tail].concat();
            return tails.into_iter().map(whole).collect();
        } else {
            break;
        }
    }
    head.extend(Some(word).filter(|word| !word.is_empty() && word != "self"));
    vec![head]
}

/// The names of the methods that a text defines.
fn methods_defined(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let rest = &code[at + "fn ".len()..];
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let Some((_, inside)) = rest.split_once('(') else { continue };
        let first: String = inside.trim_start().chars().take(24).collect();
        let receiver = first.trim_start_matches(['&', '\'', 'a', '_']).trim_start_matches(" ");
        if receiver.starts_with("self") || receiver.starts_with("mut self") {
            names.push(name);
        }
    }
    names
}

fn part_of(path: &str) -> Option<&str> {
    path.split_once('/').map(|(part, _)| part).filter(|part| PARTS.contains(part))
}

fn rank(part: &str) -> usize {
    PARTS.iter().position(|one| *one == part).expect("a part")
}

/// `incidents/open.rs` is the module `incidents::open`, `incidents/mod.rs` is `incidents`.
fn module_of(path: &str) -> Vec<String> {
    let stem = path.trim_end_matches(".rs").trim_end_matches("mod").trim_end_matches('/');
    stem.split('/').filter(|one| !one.is_empty()).map(str::to_owned).collect()
}

/// The text without comments and its own tests.
fn code_of(text: &str) -> String {
    let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    own.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

fn below_desk(path: &Path) -> String {
    let path = path.to_string_lossy();
    path.split_once(DESK).map_or(String::new(), |(_, below)| below.to_owned())
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
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
