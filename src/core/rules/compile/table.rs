//! Tables of an inventory: `tables:` names a `.csv` file among the rule files and the keys that find a row in it.

use super::fact::check_fact;
use crate::core::rules::syntax::table::TableSyntax;
use std::collections::BTreeMap;

use serde_saphyr::Location;

use super::reader::{SectionReader, place};
use crate::core::model::LabelsBuilder;
use crate::core::rules::diagnostic::Diagnostic;
use crate::core::rules::fact_names::fact_named;
use crate::core::rules::syntax::csv;
use crate::core::rules::syntax::csv::Cell;
use crate::core::rules::{FactTable, RuleText};

/// Maximum number of rows in all tables of one file.
const ROWS_MAX: usize = 200_000;
const KEYS_MAX: usize = 8;

/// A table as a rule file declares it; its rows are read after all files are known.
pub(super) struct DeclaredTable {
    name: String,
    file: String,
    file_at: Location,
    keys: Vec<String>,
    keys_at: Location,
    declared_in: usize,
}

/// True if a rule file is a table.
pub(super) fn is_table(file: &RuleText) -> bool {
    file.path.ends_with(".csv")
}

pub(super) fn declared(reader: &mut SectionReader<'_>, entry: &TableSyntax) -> DeclaredTable {
    let keys = reader.label_names(Some(&entry.key));
    if keys.is_empty() || keys.len() > KEYS_MAX {
        reader.mistake(entry.key.referenced, format!("{} labels in key", keys.len()), format!("1 to {KEYS_MAX}"));
    }
    DeclaredTable {
        name: reader.name(&entry.name),
        file: entry.file.value.clone(),
        file_at: entry.file.referenced,
        keys,
        keys_at: entry.key.referenced,
        declared_in: reader.file_number,
    }
}

/// Reads the tables from their files, and reports files that no entry names.
pub(super) fn read_all(
    tables: Vec<DeclaredTable>,
    texts: &[RuleText],
    mistakes: &mut Vec<Diagnostic>,
    warnings: &mut Vec<Diagnostic>,
) -> Vec<FactTable> {
    let files: BTreeMap<&str, &RuleText> =
        texts.iter().filter(|file| is_table(file)).map(|file| (file.path.as_str(), file)).collect();
    for (path, file) in &files {
        if !tables.iter().any(|table| table.file == *path) {
            warnings.push(Diagnostic::at(path, &file.text, (1, 1), "no table of an inventory names this file", ""));
        }
    }
    let mut read = Vec::new();
    for declared in tables {
        let Some(declared_in) = texts.get(declared.declared_in) else { continue };
        let mut mistake = |at: Location, message: String, expected: String| {
            mistakes.push(Diagnostic::at(&declared_in.path, &declared_in.text, place(at), message, expected));
        };
        let Some(file) = files.get(declared.file.as_str()) else {
            let known: Vec<&str> = files.keys().copied().collect();
            let known = if known.is_empty() { "there is none".to_owned() } else { known.join(", ") };
            let message = format!("no table {:?} among the rule files", declared.file);
            mistake(declared.file_at, message, format!("a .csv below the directory of rules: {known}"));
            continue;
        };
        match rows(&declared, file) {
            Ok(table) => read.push(table),
            Err(TableMistake::Keys { missing }) => {
                let message = format!("{:?} has no column {missing:?}", declared.file);
                mistake(declared.keys_at, message, "the columns that find a row".to_owned());
            }
            Err(TableMistake::At { at, message, expected }) => {
                mistakes.push(Diagnostic::at(&file.path, &file.text, at, message, expected));
            }
        }
    }
    read
}

enum TableMistake {
    Keys { missing: String },
    At { at: (usize, usize), message: String, expected: String },
}

fn wrong(at: (usize, usize), message: impl Into<String>, expected: impl Into<String>) -> TableMistake {
    TableMistake::At { at, message: message.into(), expected: expected.into() }
}

impl From<csv::ParseCsvError> for TableMistake {
    fn from(bad: csv::ParseCsvError) -> TableMistake {
        wrong(bad.at, bad.message, bad.expected)
    }
}

/// The first error ends the file, because everything after a shifted cell is noise.
fn rows(declared: &DeclaredTable, file: &RuleText) -> Result<FactTable, TableMistake> {
    let mut rows = csv::rows(&file.text);
    let mut columns = rows.next().unwrap_or_else(|| Ok(Vec::new()))?;
    // Spreadsheets write columns that somebody once touched.
    let named = columns.iter().rposition(|column| !column.text.is_empty()).map_or(0, |last| last + 1);
    columns.truncate(named);
    check_columns(&columns)?;
    let column_of = |key: &String| {
        let wanted = fact_named(key).unwrap_or(key);
        let found = columns.iter().position(|column| column.text == wanted);
        found.ok_or_else(|| TableMistake::Keys { missing: wanted.to_owned() })
    };
    let keys = declared.keys.iter().map(column_of).collect::<Result<Vec<usize>, TableMistake>>()?;
    let mut table = FactTable::new(declared.name.clone(), declared.keys.clone());
    for row in rows {
        let mut row = row?;
        let start = row.first().map_or((1, 1), |cell| cell.at);
        while row.len() > columns.len() && row.last().is_some_and(|cell| cell.text.is_empty()) {
            row.pop();
        }
        if row.len() != columns.len() {
            return Err(wrong(start, format!("a row of {} cells", row.len()), format!("{}", columns.len())));
        }
        if table.len() == ROWS_MAX {
            return Err(wrong(start, "one row too many", format!("at most {ROWS_MAX}")));
        }
        let values: Vec<&str> = keys.iter().map(|key| row[*key].text.as_str()).collect();
        if let Some(empty) = keys.iter().find(|key| row[**key].text.is_empty()) {
            let expected = format!("a {}", columns[*empty].text);
            return Err(wrong(row[*empty].at, "an empty cell of the key", expected));
        }
        let mut facts = LabelsBuilder::default();
        for (number, (column, cell)) in columns.iter().zip(&row).enumerate() {
            if !keys.contains(&number) {
                facts.push(&column.text, &cell.text);
            }
        }
        // Columns differ, so no fact can repeat.
        if !table.insert(&values, facts.build().unwrap_or_default()) {
            let message = format!("a second row of {}", values.join(", "));
            return Err(wrong(start, message, "each key once"));
        }
    }
    Ok(table)
}

fn check_columns(columns: &[Cell]) -> Result<(), TableMistake> {
    if columns.is_empty() {
        return Err(wrong((1, 1), "an empty table", "a first row with the names of the columns"));
    }
    for (number, column) in columns.iter().enumerate() {
        check_fact(&column.text).map_err(|expected| {
            wrong(column.at, format!("{:?} cannot be the name of a column", column.text), expected)
        })?;
        if columns[..number].iter().any(|other| other.text == column.text) {
            return Err(wrong(column.at, format!("the column {:?} stands twice", column.text), "each column once"));
        }
    }
    Ok(())
}
