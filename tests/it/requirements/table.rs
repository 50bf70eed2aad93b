//! `tests/requirements.md` against the tests that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The rows that an issue has named so far; the others may stand as `not built`.
const DUE: [u32; 48] = [
    2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 22, 23, 25, 27, 28, 29, 30, 31, 32, 33, 35, 36, 43, 44, 46, 47, 49, 50,
    51, 53, 55, 58, 60, 62, 63, 64, 65, 66, 67, 71, 74, 75, 77, 38, 37,
];
const ROWS: u32 = 77;
const NOT_BUILT: &str = "not built";

/// What the table says of each row: its tests, none when it is not built.
fn listed(table: &str) -> BTreeMap<u32, Vec<String>> {
    let rows = table.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let number: u32 = cells.next()?.parse().ok()?;
        let tests = cells.nth(1)?;
        let tests = tests.split(',').map(|test| test.trim().to_owned()).filter(|test| test != NOT_BUILT);
        Some((number, tests.collect()))
    });
    rows.collect()
}

/// Every test whose name carries a row's number, as `module::name`.
fn existing() -> BTreeSet<(u32, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/requirements");
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut tests = BTreeSet::new();
    for file in files {
        let module = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        for name in text.split("fn ").skip(1).filter_map(|rest| rest.split_once('(')).map(|(name, _)| name) {
            let number =
                name.strip_prefix("row_").and_then(|rest| rest.get(..2)).and_then(|digits| digits.parse().ok());
            if let Some(number) = number {
                tests.insert((number, format!("requirements::{module}::{name}")));
            }
        }
    }
    tests
}

#[test]
fn each_row_that_is_due_has_a_test_and_each_test_its_row() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/requirements.md");
    let (table, tests) = (listed(&std::fs::read_to_string(path).unwrap()), existing());
    let mut wrong = Vec::new();
    for row in 1..=ROWS {
        match table.get(&row) {
            None => wrong.push(format!("row {row} is missing from the table")),
            Some(named) if named.is_empty() && DUE.contains(&row) => {
                wrong.push(format!("row {row} is due, and not built"))
            }
            Some(named) => wrong.extend(
                named
                    .iter()
                    .filter(|test| !tests.contains(&(row, (*test).clone())))
                    .map(|test| format!("row {row} names {test}, which does not exist or carries another number")),
            ),
        }
    }
    let named = |row: &u32, test: &String| table.get(row).is_some_and(|named| named.contains(test));
    wrong.extend(
        tests
            .iter()
            .filter(|(row, test)| !named(row, test))
            .map(|(row, test)| format!("{test} stands in no row {row}")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
