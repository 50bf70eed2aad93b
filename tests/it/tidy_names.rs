//! Few names of types stand for several things: a reader who searches for one finds it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How many names may stand for more than one type.
const SHARED_NAMES_MAX: usize = 30;

#[test]
fn few_type_names_stand_for_several_types() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for path in super::tidy::rust_files(&src) {
        let file = path.strip_prefix(&src).unwrap().display().to_string();
        if !file.contains("tests") {
            files.push((file, std::fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(files.len() > 300, "the walk found only {} files", files.len());
    let shared = shared_names(files.iter().map(|(file, text)| (file.as_str(), text.as_str())));
    println!("{} names of types stand for several: {:?}", shared.len(), shared.keys().collect::<Vec<_>>());
    assert!(shared.len() <= SHARED_NAMES_MAX, "{} names: {shared:#?}", shared.len());
}

#[test]
fn a_name_that_stands_twice_is_found_and_tests_do_not_count() {
    let one = "pub struct Place;\nenum Kind { A }\n#[cfg(test)]\nmod tests {\n    struct Rig;\n}\n";
    let other = "/// struct Kind\npub(super) enum Place {}\nfn kind() {\n    struct Rig;\n}\n";
    let shared = shared_names([("a.rs", one), ("b.rs", other)].into_iter());
    assert_eq!(shared.keys().copied().collect::<Vec<_>>(), ["Place"]);
}

/// The names of struct, enum, trait and type items that stand in more than one file, with the files.
fn shared_names<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (file, text) in files {
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for name in code.lines().filter_map(type_name) {
            all.entry(name).or_default().insert(file);
        }
    }
    all.retain(|_, files| files.len() > 1);
    all
}

/// The type that a line at the outermost level defines.
fn type_name(line: &str) -> Option<&str> {
    let item = line.strip_prefix("pub").map_or(line, |rest| {
        let rest = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(rest, |(_, rest)| rest);
        rest.trim_start()
    });
    let name = ["struct ", "enum ", "trait ", "type "].into_iter().find_map(|kind| item.strip_prefix(kind))?;
    name.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next()
}
