//! No two files of `src` import each other in a circle, directly or over others.
//!
//! An arrow goes from a file to the file that defines the item it names: a re-export in a `mod.rs` is followed to its
//! end, and declaring or re-exporting a child module is no arrow.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// One source file: its module path and its text without comments and tests.
struct Source {
    file: String,
    module: Vec<String>,
    code: String,
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources: Vec<Source> = super::tidy::rust_files(&src)
        .into_iter()
        .filter_map(|path| {
            let file = path.strip_prefix(&src).unwrap().display().to_string();
            let text = std::fs::read_to_string(&path).unwrap();
            source(&file, &text)
        })
        .collect();
    assert!(sources.len() > 300, "the walk found only {} files", sources.len());
    let found = circles(&sources);
    assert!(found.is_empty(), "{} circles:\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_circle_is_found_through_re_exports_and_relative_paths() {
    let of = |files: &[(&str, &str)]| {
        circles(&files.iter().filter_map(|(file, text)| source(file, text)).collect::<Vec<_>>())
    };
    let direct = of(&[
        ("a/mod.rs", "mod one;\nmod two;\npub use one::One;\n"),
        ("a/one.rs", "use super::two::Two;\npub struct One;\n"),
        ("a/two.rs", "use super::One;\npub struct Two;\n"),
    ]);
    assert_eq!(direct.len(), 1, "{direct:?}");
    assert!(direct[0].contains("a/one.rs") && direct[0].contains("a/two.rs"), "{direct:?}");
    let inline = of(&[("b/mod.rs", "mod x;\npub fn f() { x::g() }\n"), ("b/x.rs", "pub fn g() { crate::b::f() }\n")]);
    assert_eq!(inline.len(), 1, "{inline:?}");
    let straight = of(&[
        ("c/mod.rs", "mod one;\nmod two;\npub use one::One;\npub use two::Two;\n"),
        ("c/one.rs", "use super::Two;\npub struct One;\n"),
        ("c/two.rs", "pub struct Two;\n"),
    ]);
    assert!(straight.is_empty(), "{straight:?}");
}

/// The file as a module; tests are left out.
fn source(file: &str, text: &str) -> Option<Source> {
    if super::tidy::is_test_file(file) || file == "main.rs" {
        return None;
    }
    let mut module: Vec<String> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod" || last == "lib") {
        module.pop();
    }
    let code = super::tidy::without_comments(&super::tidy::without_tests(text));
    Some(Source { file: file.to_owned(), module, code })
}

/// Each circle in words, one line per strongly connected set of files.
fn circles(sources: &[Source]) -> Vec<String> {
    let by_module: BTreeMap<&[String], usize> =
        sources.iter().enumerate().map(|(index, source)| (source.module.as_slice(), index)).collect();
    let exports: Vec<BTreeMap<String, Vec<String>>> =
        sources.iter().map(|source| exports_of(source, &by_module)).collect();
    let arrows: Vec<BTreeSet<usize>> = sources
        .iter()
        .enumerate()
        .map(|(index, source)| {
            let named = paths_of(source, &by_module);
            let targets = named.iter().filter_map(|path| definition(path, &by_module, &exports, 0));
            targets.filter(|target| *target != index).collect()
        })
        .collect();
    strongly_connected(&arrows)
        .into_iter()
        .filter(|set| set.len() > 1)
        .map(|set| describe(&set, sources, &arrows))
        .collect()
}

fn describe(set: &BTreeSet<usize>, sources: &[Source], arrows: &[BTreeSet<usize>]) -> String {
    let mut words = Vec::new();
    for one in set {
        let targets: Vec<&str> = arrows[*one].intersection(set).map(|target| sources[*target].file.as_str()).collect();
        words.push(format!("{} -> {}", sources[*one].file, targets.join(", ")));
    }
    words.join("\n    ")
}

/// The file that defines what an absolute path names.
fn definition(
    path: &[String],
    by_module: &BTreeMap<&[String], usize>,
    exports: &[BTreeMap<String, Vec<String>>],
    depth: usize,
) -> Option<usize> {
    let length = (1..=path.len()).rev().find(|length| by_module.contains_key(&path[..*length]))?;
    let module = by_module[&path[..length]];
    let item = path.get(length)?;
    match exports[module].get(item) {
        Some(target) if depth < 8 => definition(target, by_module, exports, depth + 1).or(Some(module)),
        _ => Some(module),
    }
}

/// Names that a module re-exports, with the absolute path behind each.
fn exports_of(source: &Source, by_module: &BTreeMap<&[String], usize>) -> BTreeMap<String, Vec<String>> {
    let mut exports = BTreeMap::new();
    for (is_export, tree) in uses(&source.code) {
        if is_export {
            for (path, name) in leaves(&tree) {
                if let Some(path) = absolute(&path, &source.module, by_module) {
                    exports.insert(name, path);
                }
            }
        }
    }
    exports
}

/// Absolute paths of everything of this crate that the file names, re-exports set aside.
fn paths_of(source: &Source, by_module: &BTreeMap<&[String], usize>) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut modules_in_scope: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (is_export, tree) in uses(&source.code) {
        for (path, name) in leaves(&tree) {
            let Some(path) = absolute(&path, &source.module, by_module) else { continue };
            if by_module.contains_key(path.as_slice()) {
                modules_in_scope.insert(name, path.clone());
            }
            if !is_export {
                paths.push(path);
            }
        }
    }
    for child in by_module.keys().filter(|module| module.len() == source.module.len() + 1) {
        if child.starts_with(&source.module) {
            modules_in_scope.entry(child[child.len() - 1].clone()).or_insert_with(|| child.to_vec());
        }
    }
    for words in inline_paths(&without_uses(&source.code)) {
        let path = match modules_in_scope.get(&words[0]) {
            Some(module) => Some(module.iter().chain(&words[1..]).cloned().collect()),
            None => absolute(&words, &source.module, by_module),
        };
        paths.extend(path);
    }
    paths
}

/// `use` statements: whether each re-exports, and its tree as text.
fn uses(code: &str) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("use ") {
        let line_start = rest[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let before = rest[line_start..at].trim();
        let after = &rest[at + 4..];
        let Some(end) = after.find(';') else { break };
        let is_export = before == "pub" || (before.starts_with("pub(") && before.ends_with(')'));
        if before.is_empty() || is_export {
            found.push((is_export, after[..end].split_whitespace().collect::<Vec<_>>().join(" ")));
            rest = &after[end + 1..];
        } else {
            rest = after;
        }
    }
    found
}

fn without_uses(code: &str) -> String {
    let mut kept = String::new();
    let mut in_use = false;
    for line in code.lines() {
        let start = line.trim_start();
        let begins = start.starts_with("use ") || (start.starts_with("pub") && start.contains(" use "));
        in_use |= begins;
        if !in_use {
            kept.push_str(line);
            kept.push('\n');
        }
        if in_use && line.contains(';') {
            in_use = false;
        }
    }
    kept
}

/// Every path of a `use` tree with the name that it brings into scope.
fn leaves(tree: &str) -> Vec<(Vec<String>, String)> {
    let tree = tree.trim();
    if let Some(open) = tree.find('{') {
        let prefix: Vec<String> = tree[..open]
            .trim_end_matches("::")
            .split("::")
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        let inside = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
        return split_top(inside)
            .into_iter()
            .flat_map(leaves)
            .map(|(path, name)| ([prefix.clone(), path].concat(), name))
            .collect();
    }
    let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias)));
    let mut words: Vec<String> = path.split("::").map(|word| word.trim().to_owned()).collect();
    if words.last().is_some_and(|last| last == "self") && words.len() > 1 {
        words.pop();
    }
    let name = alias.map_or_else(|| words[words.len() - 1].clone(), |alias| alias.trim().to_owned());
    vec![(words, name)]
}

fn split_top(list: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[start..]);
    parts.into_iter().filter(|part| !part.trim().is_empty()).collect()
}

/// Paths of two words and more outside `use`.
fn inline_paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = code;
    while let Some(at) = rest.find("::") {
        let start = rest[..at]
            .rfind(|c: char| !is_word(c) && c != ':')
            .map_or(0, |before| before + rest[before..].chars().next().map_or(1, char::len_utf8));
        let tail = &rest[start..];
        let end = tail.find(|c: char| !is_word(c) && c != ':').unwrap_or(tail.len());
        let words: Vec<String> = tail[..end].split("::").filter(|word| !word.is_empty()).map(str::to_owned).collect();
        if words.len() > 1 {
            found.push(words);
        }
        rest = &rest[(start + end).max(at + 2)..];
    }
    found
}

/// A path from the crate's root; `None` where it names something of another crate.
fn absolute(path: &[String], module: &[String], by_module: &BTreeMap<&[String], usize>) -> Option<Vec<String>> {
    let supers = path.iter().take_while(|word| *word == "super").count();
    match path.first()?.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "self" => Some([module, &path[1..]].concat()),
        "super" => Some([&module[..module.len().checked_sub(supers)?], &path[supers..]].concat()),
        _ => {
            let child = [module, &path[..1]].concat();
            by_module.contains_key(child.as_slice()).then(|| [module, path].concat())
        }
    }
}

/// The sets of files that reach one another.
fn strongly_connected(arrows: &[BTreeSet<usize>]) -> Vec<BTreeSet<usize>> {
    let reach: Vec<BTreeSet<usize>> = (0..arrows.len())
        .map(|start| {
            let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
            while let Some(one) = open.pop() {
                open.extend(arrows[one].iter().filter(|next| seen.insert(**next)));
            }
            seen
        })
        .collect();
    let mut sets: BTreeSet<BTreeSet<usize>> = BTreeSet::new();
    for (one, reached) in reach.iter().enumerate() {
        let set: BTreeSet<usize> =
            reached.iter().copied().filter(|other| reach[*other].contains(&one)).chain([one]).collect();
        sets.insert(set);
    }
    sets.into_iter().collect()
}
