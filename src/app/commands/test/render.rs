//! Outcomes for a tired person: expected and actual side by side, differences marked, and the progress of the rule.

use std::fmt::Write;

use serde_json::{Value, json};

use super::compare::{ComparedField, Mismatch};
use super::run::{Failure, TestOutcome};
use crate::app::terminal::local_time::local;
use crate::app::terminal::table::TextTable;

pub fn text(outcomes: &[TestOutcome<'_>]) -> String {
    let mut out = String::new();
    for outcome in outcomes {
        let test = outcome.test;
        let mark = if outcome.has_failed() { "FAIL" } else { "ok  " };
        line(&mut out, format_args!("{mark}  {}  ({}:{})", test.name, test.path, test.line));
        if let Some((at, reason)) = &outcome.broken {
            line(&mut out, format_args!("      {}:{at}: this input cannot be taken: {reason}", test.path));
        }
        outcome.failures.iter().for_each(|failure| failed(&mut out, &test.path, failure));
    }
    out
}

fn failed(out: &mut String, path: &str, failure: &Failure) {
    let moment = local(failure.moment);
    line(out, format_args!("\n      at {} ({moment}), as {path}:{} expects:", failure.at, failure.line));
    for wrong in &failure.wrong {
        match wrong {
            Mismatch::Missing { what, line: at, fields, why } => {
                line(out, format_args!("\n        MISSING {what} ({path}:{at})"));
                table(out, fields, "expected", "got");
                reasons(out, why);
            }
            Mismatch::Differs { what, line: at, name, fields, why } => {
                line(out, format_args!("\n        DIFFERENT {what} {name} ({path}:{at})"));
                table(out, fields, "expected", "got");
                reasons(out, why);
            }
            Mismatch::TooMuch { name, fields } => {
                line(out, format_args!("\n        TOO MUCH: {name}"));
                table(out, fields, "", "got");
            }
        }
    }
    out.push('\n');
}

fn reasons(out: &mut String, why: &[String]) {
    why.iter().for_each(|reason| line(out, format_args!("          why: {reason}")));
}

fn table(out: &mut String, fields: &[ComparedField], expected: &str, got: &str) {
    let with_expected = !expected.is_empty();
    let mut table =
        if with_expected { TextTable::new(["", "", expected, got]) } else { TextTable::new(["", "", got, ""]) };
    for field in fields {
        let nothing = if field.got.is_empty() { "-" } else { &field.got };
        let mark = if field.same || !with_expected { " " } else { "≠" };
        let (mark, name) = (mark.to_owned(), field.name.to_owned());
        if with_expected {
            let expected = if field.expected.is_empty() { "-" } else { &field.expected };
            table.row([mark, name, expected.to_owned(), nothing.to_owned()]);
        } else {
            table.row([mark, name, nothing.to_owned(), String::new()]);
        }
    }
    table.to_string().lines().for_each(|row| line(out, format_args!("        {}", row.trim_end())));
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a text cannot fail.
    let _ = writeln!(out, "{text}");
}

pub fn json(outcomes: &[TestOutcome<'_>]) -> Value {
    let one = |outcome: &TestOutcome<'_>| {
        let failures: Vec<Value> = outcome
            .failures
            .iter()
            .map(|failure| {
                json!({ "at": failure.at, "moment": failure.moment, "line": failure.line, "wrong": failure.wrong })
            })
            .collect();
        json!({
            "name": outcome.test.name,
            "path": outcome.test.path,
            "line": outcome.test.line,
            "passed": !outcome.has_failed(),
            "broken": outcome.broken.as_ref().map(|(line, reason)| json!({ "line": line, "reason": reason })),
            "failures": failures,
        })
    };
    let failed = outcomes.iter().filter(|outcome| outcome.has_failed()).count();
    json!({ "tests": outcomes.iter().map(one).collect::<Vec<_>>(), "failed": failed })
}
