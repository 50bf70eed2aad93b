//! Checks of an expression before it may run: its nesting, its names, its patterns.

use std::collections::BTreeMap;

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo};
use cel::common::types::CelString;
use cel::{Context, ExecutionError, FunctionContext, Value};
use regex::Regex;

use super::error::ParseExpressionError;
use crate::core::model::search_regex;

/// Maximum nesting of an expression, in operators: a tenth of what overflows the stack of a thread, and far more than a
/// person can read.
const NESTING_MAX: usize = 60;
/// Weight of an open bracket, or of a choice, in operators: the parser runs through its whole grammar for each.
const BRACKET_WEIGHT: usize = 3;
/// Maximum nesting of `map`, `filter`, `all`, `exists`: each level multiplies the work by the size of a list.
const LOOPS_MAX: usize = 2;

/// The function that gives a pattern's first group: ours, beside those of CEL.
const CAPTURE: &str = "capture";

const FUNCTIONS: [&str; 34] = [
    "bool",
    "bytes",
    CAPTURE,
    "charAt",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "format",
    "hasValue",
    "indexOf",
    "int",
    "join",
    "lastIndexOf",
    "lowerAscii",
    "matches",
    "none",
    "of",
    "ofNonZeroValue",
    "or",
    "orValue",
    "quote",
    "replace",
    "reverse",
    "size",
    "split",
    "startsWith",
    "string",
    "substring",
    "trim",
    "type",
    "uint",
    "upperAscii",
    "value",
];
/// Functions with a dot in their name, whose first part therefore looks like a variable.
const NAMESPACES: [&str; 2] = ["optional", "strings"];
const TYPES: [&str; 9] = ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "uint"];

/// Refuses texts that could overflow the parser's or the evaluator's stack, before either runs: an upper bound of the
/// depth of the syntax tree from the text alone. `&&`, `||` and commas reset the depth, as the parser balances them.
pub(super) fn nesting(text: &str) -> Result<(), ParseExpressionError> {
    let mut depths = vec![0_usize];
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let here = text.len() - rest.len();
        rest = &rest[c.len_utf8()..];
        let current = depths.len() - 1;
        match c {
            '"' | '\'' => {
                let is_raw = text[..here].ends_with(['r', 'R']);
                rest = after_literal(rest, c, is_raw).ok_or_else(|| {
                    mistake_at(text, here, "a text that does not end; write it in one pair of quotes".to_owned())
                })?;
            }
            '(' | '[' | '{' => {
                depths[current] += BRACKET_WEIGHT;
                depths.push(0);
            }
            ')' | ']' | '}' if current > 0 => {
                depths.pop();
                // Closed, a bracket is one node of the tree like an operator.
                depths[current - 1] = (depths[current - 1] + 1).saturating_sub(BRACKET_WEIGHT);
            }
            ',' => depths[current] = 0,
            '&' | '|' if rest.starts_with(c) => depths[current] = 0,
            '?' => depths[current] += BRACKET_WEIGHT,
            '+' | '-' | '*' | '/' | '%' | '<' | '>' | '=' | '!' | '.' => depths[current] += 1,
            'i' if is_word_in(text, here) => depths[current] += 1,
            _ => {}
        }
        if depths.iter().sum::<usize>() > NESTING_MAX {
            let brackets = NESTING_MAX / BRACKET_WEIGHT;
            let reason =
                format!("nested too deeply: at most {brackets} brackets or {NESTING_MAX} operators in one another");
            return Err(mistake_at(text, here, reason));
        }
    }
    Ok(())
}

/// The text after a literal whose opening quote has been read. Long literals (three quotes) are refused.
fn after_literal(rest: &str, quote: char, is_raw: bool) -> Option<&str> {
    if let Some(after) = rest.strip_prefix(quote) {
        return (!after.starts_with(quote)).then_some(after);
    }
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        if c == quote {
            return Some(chars.as_str());
        }
        if c == '\\' && !is_raw {
            chars.next();
        }
    }
    None
}

/// True if the operator `in` is at that position.
fn is_word_in(text: &str, at: usize) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let (before, after) = (&text[..at], &text[at..]);
    after.strip_prefix("in").is_some_and(|after| !after.starts_with(is_part)) && !before.ends_with(is_part)
}

fn mistake_at(text: &str, byte: usize, reason: String) -> ParseExpressionError {
    let before = &text[..byte];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    ParseExpressionError { reason, line, column }
}

/// Checks every name, and takes the patterns of `matches` out of the tree: their calls are renamed to functions of
/// their own, which the caller declares. The library's own `matches` compiles its pattern again at every call.
pub(super) fn names(
    root: &mut IdedExpr,
    positions: &SourceInfo,
    text: &str,
    variables: &[&str],
) -> Result<BTreeMap<String, Regex>, ParseExpressionError> {
    let mut walk = Walk { positions, text, variables, bound: Vec::new(), loops: 0, patterns: BTreeMap::new() };
    walk.expression(root)?;
    Ok(walk.patterns)
}

/// Declares `matches` or `capture` with one compiled pattern.
pub(super) fn declare_pattern(context: &mut Context<'static, 'static>, name: &str, pattern: Regex) {
    let captures = name.starts_with(CAPTURE);
    let function = move |call: &FunctionContext| -> Result<Value, ExecutionError> {
        let subject = call.this.as_ref().or(call.args.first());
        match subject.and_then(|value| value.downcast_ref::<CelString>()) {
            Some(text) if captures => captured(&pattern, text.inner()),
            Some(text) => Ok(Value::Bool(pattern.is_match(text.inner()))),
            None => Err(ExecutionError::function_error("matches", "only a text can match a pattern")),
        }
    };
    context.add_function(name, function).expect("the name holds a character that no declared function has");
}

/// The first group that took part.
fn captured(pattern: &Regex, text: &str) -> Result<Value, ExecutionError> {
    let group = pattern.captures(text).and_then(|groups| groups.iter().skip(1).flatten().next());
    let group = group.ok_or_else(|| ExecutionError::function_error(CAPTURE, "the pattern does not fit"))?;
    Ok(Value::from(group.as_str()))
}

struct Walk<'a> {
    positions: &'a SourceInfo,
    text: &'a str,
    variables: &'a [&'a str],
    /// Names bound by the enclosing loops.
    bound: Vec<String>,
    loops: usize,
    patterns: BTreeMap<String, Regex>,
}

impl Walk<'_> {
    fn expression(&mut self, node: &mut IdedExpr) -> Result<(), ParseExpressionError> {
        let id = node.id;
        match &mut node.expr {
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => {
                let name = name.clone();
                self.variable(id, &name)
            }
            Expr::Select(select) => self.expression(&mut select.operand),
            Expr::List(list) => list.elements.iter_mut().try_for_each(|element| self.expression(element)),
            Expr::Map(map) => map.entries.iter_mut().try_for_each(|entry| match &mut entry.expr {
                EntryExpr::MapEntry(pair) => {
                    self.expression(&mut pair.key)?;
                    self.expression(&mut pair.value)
                }
                EntryExpr::StructField(field) => self.expression(&mut field.value),
            }),
            Expr::Call(call) => {
                if call.func_name == "matches" || call.func_name == CAPTURE {
                    self.take_pattern(id, call)?;
                } else {
                    self.function(id, &call.func_name)?;
                }
                if let Some(target) = &mut call.target {
                    self.target(target)?;
                }
                call.args.iter_mut().try_for_each(|argument| self.expression(argument))
            }
            Expr::Comprehension(comprehension) => self.comprehension(id, comprehension),
            Expr::Struct(_) => Err(self.mistake(id, "messages cannot be built here; use a map".to_owned())),
            Expr::Unspecified => Err(self.mistake(id, "not a CEL expression".to_owned())),
        }
    }

    fn comprehension(
        &mut self,
        id: u64,
        comprehension: &mut cel::common::ast::ComprehensionExpr,
    ) -> Result<(), ParseExpressionError> {
        if holds_map_literal(&comprehension.iter_range) {
            let reason = "a loop over a map that is written here has no fixed order; loop over a list of its keys";
            return Err(self.mistake(id, reason.to_owned()));
        }
        self.expression(&mut comprehension.iter_range)?;
        self.expression(&mut comprehension.accu_init)?;
        if self.loops == LOOPS_MAX {
            return Err(self.mistake(id, format!("loops nested too deeply: at most {LOOPS_MAX} inside one another")));
        }
        self.loops += 1;
        let before = self.bound.len();
        self.bound.push(comprehension.accu_var.clone());
        self.bound.push(comprehension.iter_var.clone());
        self.bound.extend(comprehension.iter_var2.clone());
        self.expression(&mut comprehension.loop_cond)?;
        self.expression(&mut comprehension.loop_step)?;
        self.expression(&mut comprehension.result)?;
        self.bound.truncate(before);
        self.loops -= 1;
        Ok(())
    }

    fn target(&mut self, target: &mut IdedExpr) -> Result<(), ParseExpressionError> {
        match &target.expr {
            Expr::Ident(name) if NAMESPACES.contains(&name.as_str()) => Ok(()),
            Expr::Ident(_)
            | Expr::Literal(_)
            | Expr::Select(_)
            | Expr::List(_)
            | Expr::Map(_)
            | Expr::Call(_)
            | Expr::Comprehension(_)
            | Expr::Struct(_)
            | Expr::Unspecified => self.expression(target),
        }
    }

    fn variable(&self, id: u64, name: &str) -> Result<(), ParseExpressionError> {
        let plain = name.strip_prefix('.').unwrap_or(name);
        if self.bound.iter().any(|bound| bound == name) || self.variables.contains(&plain) || TYPES.contains(&plain) {
            return Ok(());
        }
        let known = self.variables.join(", ");
        Err(self.mistake(id, format!("unknown name {name:?}; known are {known}")))
    }

    fn function(&self, id: u64, name: &str) -> Result<(), ParseExpressionError> {
        // Operators are functions whose names no text can spell.
        let is_operator = !name.starts_with(|c: char| c.is_ascii_alphabetic());
        if is_operator || FUNCTIONS.contains(&name) {
            return Ok(());
        }
        let known = match FUNCTIONS.iter().find(|known| known.eq_ignore_ascii_case(name)) {
            Some(known) => format!("did you mean {known:?}?"),
            None => format!("known are {}", FUNCTIONS.join(", ")),
        };
        Err(self.mistake_in_call(id, name, format!("unknown function {name:?}; {known}")))
    }

    fn take_pattern(&mut self, id: u64, call: &mut cel::common::ast::CallExpr) -> Result<(), ParseExpressionError> {
        let subjects = usize::from(call.target.is_none());
        let pattern = match call.args.get(subjects).map(|argument| &argument.expr) {
            Some(Expr::Literal(LiteralValue::String(pattern))) if call.args.len() == subjects + 1 => pattern.inner(),
            _ => {
                let reason = format!("{}() takes one pattern, as a text in quotes", call.func_name);
                return Err(self.mistake_in_call(id, &call.func_name, reason));
            }
        };
        let regex = search_regex(pattern).map_err(|bad| self.mistake_in_call(id, &call.func_name, bad.reason))?;
        if call.func_name == CAPTURE && regex.captures_len() < 2 {
            let reason = format!("{pattern:?} has no group to capture; put what is wanted into ( )");
            return Err(self.mistake_in_call(id, CAPTURE, reason));
        }
        let name = format!("{}#{}", call.func_name, self.patterns.len());
        call.args.truncate(subjects);
        call.func_name.clone_from(&name);
        self.patterns.insert(name, regex);
        Ok(())
    }

    /// The parser places a call at its bracket; a person looks for the name before it.
    fn mistake_in_call(&self, id: u64, name: &str, reason: String) -> ParseExpressionError {
        let mut bad = self.mistake(id, reason);
        bad.column = bad.column.saturating_sub(name.len()).max(1);
        bad
    }

    fn mistake(&self, id: u64, reason: String) -> ParseExpressionError {
        let offset = self.positions.offset_for(id).map_or(0, |(start, _)| start as usize);
        let byte = self.text.floor_char_boundary(offset);
        mistake_at(self.text, byte, reason)
    }
}

/// True if a map literal could be in the result: the library keeps such a map in a hash table, and the engine's
/// decisions must not depend on its order.
fn holds_map_literal(node: &IdedExpr) -> bool {
    match &node.expr {
        Expr::Map(_) => true,
        Expr::Literal(_) | Expr::Ident(_) | Expr::Unspecified => false,
        Expr::Select(select) => holds_map_literal(&select.operand),
        Expr::List(list) => list.elements.iter().any(holds_map_literal),
        Expr::Call(call) => {
            call.target.as_deref().is_some_and(holds_map_literal) || call.args.iter().any(holds_map_literal)
        }
        Expr::Comprehension(comprehension) => {
            holds_map_literal(&comprehension.iter_range) || holds_map_literal(&comprehension.loop_step)
        }
        Expr::Struct(_) => true,
    }
}
