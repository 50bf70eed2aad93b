//! What an expression costs, in steps: a bound that holds while it runs, and an estimate before it does.
//!
//! A step is one node of the expression that is computed, or 64 bytes of a text that is looked at; time plays no
//! part, so that every replay decides alike. Each loop is given a hidden variable that counts its rounds and says when
//! it has had enough.

use std::sync::atomic::{AtomicU32, Ordering};

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};
use serde::Serialize;

/// What one expression may cost on one event. Far more than a condition that a person can read needs, and a few
/// milliseconds.
pub const STEPS_MAX: u32 = 30_000;
/// The same for an expression of a source file on one message, which may be a megabyte.
pub(super) const MESSAGE_STEPS_MAX: u32 = 1_000_000;

/// With so many entries of so many bytes is a map of an ordinary event, for the estimate.
const ENTRIES_USUAL: u64 = 12;
/// The most that an event can have.
const ENTRIES_MAX: u64 = 64;
/// Steps for looking at one text of an ordinary event, and of the largest.
const TEXT_USUAL: u64 = 1;
const TEXT_MAX: u64 = 64;
const BYTES_A_STEP: usize = 64;

/// How the hidden variable of a loop begins; no text can spell it. What one round costs stands behind it.
const ROUND: &str = "@round:";

/// What is left of the steps of one evaluation.
#[derive(Debug)]
pub(super) struct Budget(AtomicU32);

impl Budget {
    pub fn of(steps: u32) -> Budget {
        Budget(AtomicU32::new(steps))
    }

    /// Whether there were enough left.
    pub fn spend(&self, steps: u32) -> bool {
        let left = self.0.load(Ordering::Relaxed).saturating_sub(steps);
        self.0.store(left, Ordering::Relaxed);
        left > 0
    }

    pub fn spend_on_text(&self, text: &str) {
        self.spend(1 + u32::try_from(text.len() / BYTES_A_STEP).unwrap_or(u32::MAX));
    }

    pub fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// The hidden variable of a loop: whether another round may begin. `None`: another variable.
    pub fn round(&self, variable: &str) -> Option<bool> {
        let weight = variable.strip_prefix(ROUND)?;
        Some(self.spend(weight.parse().unwrap_or(STEPS_MAX)))
    }
}

/// An estimate, in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// On an event with a dozen short labels.
    pub usual: u64,
    /// On the largest event that is let in; more than the bound, and it may be cut short there.
    pub most: u64,
}

impl Cost {
    pub(super) fn of(root: &IdedExpr) -> Cost {
        Cost { usual: estimate(root, ENTRIES_USUAL, TEXT_USUAL), most: estimate(root, ENTRIES_MAX, TEXT_MAX) }
    }
}

/// Makes every loop count its rounds. After the names were checked, since the hidden variable is none that may be written.
pub(super) fn count_rounds(node: &mut IdedExpr) {
    match &mut node.expr {
        Expr::Literal(_) | Expr::Ident(_) | Expr::Unspecified | Expr::Struct(_) => {}
        Expr::Select(select) => count_rounds(&mut select.operand),
        Expr::List(list) => list.elements.iter_mut().for_each(count_rounds),
        Expr::Map(map) => {
            for entry in &mut map.entries {
                match &mut entry.expr {
                    EntryExpr::MapEntry(pair) => {
                        count_rounds(&mut pair.key);
                        count_rounds(&mut pair.value);
                    }
                    EntryExpr::StructField(field) => count_rounds(&mut field.value),
                }
            }
        }
        Expr::Call(call) => {
            call.target.iter_mut().for_each(|target| count_rounds(target));
            call.args.iter_mut().for_each(count_rounds);
        }
        Expr::Comprehension(comprehension) => {
            let weight = nodes(&comprehension.loop_step);
            count_rounds(&mut comprehension.iter_range);
            count_rounds(&mut comprehension.loop_step);
            guard(comprehension, weight);
        }
    }
}

/// Puts the hidden variable before what the loop computes in each round, so that the library still knows the shape of
/// the loop. With nothing left, a round answers at once with what ends the loop, where there is such an answer.
fn guard(comprehension: &mut ComprehensionExpr, weight: u64) {
    let accumulator = comprehension.accu_var.clone();
    let step = &mut comprehension.loop_step;
    let Expr::Call(call) = &mut step.expr else { return guarded(step, weight, Expr::Ident(accumulator)) };
    let place = match call.func_name.as_str() {
        operators::LOGICAL_AND | operators::LOGICAL_OR | operators::ADD => 1,
        operators::CONDITIONAL => 0,
        _ => return guarded(step, weight, Expr::Ident(accumulator)),
    };
    let otherwise = call.func_name == operators::LOGICAL_OR;
    match call.args.get_mut(place) {
        Some(IdedExpr { expr: Expr::List(list), .. }) => {
            list.elements.iter_mut().for_each(|element| guarded(element, weight, boolean(false)));
        }
        Some(body) => guarded(body, weight, boolean(otherwise)),
        None => {}
    }
}

fn guarded(node: &mut IdedExpr, weight: u64, otherwise: Expr) {
    let id = node.id;
    let ided = |expr| IdedExpr { id, expr };
    let body = std::mem::replace(node, ided(Expr::Unspecified));
    let round = ided(Expr::Ident(format!("{ROUND}{weight}")));
    node.expr = Expr::Call(CallExpr {
        func_name: operators::CONDITIONAL.to_owned(),
        target: None,
        args: vec![round, body, ided(otherwise)],
    });
}

fn boolean(truth: bool) -> Expr {
    Expr::Literal(LiteralValue::Boolean(truth.into()))
}

/// How many nodes are computed, each loop once.
fn nodes(node: &IdedExpr) -> u64 {
    estimate(node, 1, 0)
}

/// The steps with so many entries in every map, and so many steps for every text.
fn estimate(node: &IdedExpr, entries: u64, text: u64) -> u64 {
    let of = |node: &IdedExpr| estimate(node, entries, text);
    let inside: u64 = match &node.expr {
        Expr::Literal(_) | Expr::Unspecified | Expr::Struct(_) => 0,
        // A variable of the event may be a text, and so may what is looked up in one.
        Expr::Ident(name) => {
            if name.starts_with('@') {
                0
            } else {
                text
            }
        }
        Expr::Select(select) => of(&select.operand),
        Expr::List(list) => list.elements.iter().map(of).sum(),
        Expr::Map(map) => map
            .entries
            .iter()
            .map(|entry| match &entry.expr {
                EntryExpr::MapEntry(pair) => of(&pair.key) + of(&pair.value),
                EntryExpr::StructField(field) => of(&field.value),
            })
            .sum(),
        Expr::Call(call) => call.target.as_deref().map_or(0, of) + call.args.iter().map(of).sum::<u64>(),
        Expr::Comprehension(comprehension) => {
            of(&comprehension.iter_range) + entries.saturating_mul(of(&comprehension.loop_step))
        }
    };
    inside.saturating_add(1)
}
