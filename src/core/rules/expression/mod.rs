//! Expressions of rule and source files, in CEL (Common Expression Language).
//!
//! Every error that needs no event is found at load: syntax, misspelt names, regular expressions, and sizes that could
//! exhaust the stack. Missing data remains at run time; the caller decides its meaning (a rule does not match, a source
//! reports the key).

mod check;
mod cost;
mod error;
mod values;

use self::error::shorten;
pub use error::ParseExpressionError;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use cel::common::ast::IdedExpr;
use cel::common::types::{CelBool, CelDouble, CelString};
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::{Context, Env, Value};

use crate::core::model::{Event, Labels, Severity};
use cost::{Budget, MESSAGE_STEPS_MAX};
use values::LazyMap;

pub use cost::{Cost, STEPS_MAX};

/// Maximum length of an expression, in bytes.
const TEXT_MAX_BYTES: usize = 2048;
/// Variables of a rule's `when:`.
const EVENT_VARIABLES: [&str; 8] =
    ["labels", "annotations", "severity", "status", "source", "summary", "value", "facts"];

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::stdlib();
    environment
        .add_extension(cel::extensions::strings)
        .expect("the strings extension shares no name with the standard library");
    Arc::new(environment)
});

/// A compiled CEL expression. Cloning shares; two are equal if their texts are.
#[derive(Clone)]
pub struct Expression(Arc<Compiled>);

struct Compiled {
    text: String,
    root: IdedExpr,
    /// The standard functions and this expression's own `matches`, one for each pattern in it.
    context: Context<'static, 'static>,
    cost: Cost,
    /// How often it was broken off at the bound of its steps. For people: nothing is decided by it.
    broken_off: AtomicU64,
}

impl Expression {
    /// Compiles an expression that may name those variables and no others.
    pub fn compile(text: &str, variables: &[&str]) -> Result<Expression, ParseExpressionError> {
        if text.len() > TEXT_MAX_BYTES {
            let reason = format!("an expression of {} bytes; at most {TEXT_MAX_BYTES} are allowed", text.len());
            return Err(ParseExpressionError::at_start(reason));
        }
        if text.trim().is_empty() {
            return Err(ParseExpressionError::at_start("an empty expression".to_owned()));
        }
        check::nesting(text)?;
        let (mut root, positions) =
            ENVIRONMENT.parser().parse_with_source_info(text).map_err(|errors| syntax_error(&errors))?;
        let patterns = check::names(&mut root, &positions, text, variables)?;
        let cost = Cost::of(&root);
        cost::count_rounds(&mut root);
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        for (name, pattern) in patterns {
            check::declare_pattern(&mut context, &name, pattern);
        }
        let (text, broken_off) = (text.to_owned(), AtomicU64::new(0));
        Ok(Expression(Arc::new(Compiled { text, root, context, cost, broken_off })))
    }

    /// Compiles a rule's `when:`, for [`Expression::holds`].
    pub fn condition(text: &str) -> Result<Expression, ParseExpressionError> {
        Expression::compile(text, &EVENT_VARIABLES)
    }

    /// True if the event, with that severity and those facts, fulfils the condition. A value that cannot be computed (a
    /// missing label, a text instead of a number) does not, nor does what takes more than [`STEPS_MAX`] steps.
    pub fn holds(&self, event: &Event, severity: Severity, facts: &Labels) -> bool {
        let budget = Budget::of(STEPS_MAX);
        let variables = EventVariables::new(event, severity, facts, &budget);
        let mut scope = self.scope();
        scope.set_variable_resolver(&variables);
        let holds = matches!(Value::resolve(&self.0.root, &scope), Ok(Value::Bool(true)));
        !self.is_broken_off(&budget) && holds
    }

    /// The value of the expression over these variables; a missing key and a wrong type are errors, with the reason.
    pub fn evaluate(&self, bindings: &[(&str, &serde_json::Value)]) -> Result<serde_json::Value, String> {
        let variables = JsonVariables { bindings, budget: Budget::of(MESSAGE_STEPS_MAX) };
        let mut scope = self.scope();
        scope.set_variable_resolver(&variables);
        let value = Value::resolve(&self.0.root, &scope);
        if self.is_broken_off(&variables.budget) {
            return Err(format!("it takes more than {MESSAGE_STEPS_MAX} steps on this message"));
        }
        values::to_json(&value.map_err(|error| shorten(&error.to_string()))?)
    }

    /// What it costs, as far as its text shows.
    pub fn cost(&self) -> Cost {
        self.0.cost
    }

    /// How often it was broken off since it was compiled, on this event or that.
    pub fn broken_off(&self) -> u64 {
        self.0.broken_off.load(Ordering::Relaxed)
    }

    fn is_broken_off(&self, budget: &Budget) -> bool {
        let is_spent = budget.is_spent();
        self.0.broken_off.fetch_add(u64::from(is_spent), Ordering::Relaxed);
        is_spent
    }

    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// A scope on top of the shared functions. The shared context holds no variables, so it outlives any data.
    fn scope<'a>(&'a self) -> Context<'a, 'a> {
        let shared: &'a Context<'a, 'a> = &self.0.context;
        shared.new_inner_scope()
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for Expression {}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({:?})", self.0.text)
    }
}

/// An event as the variables of a condition. Its maps are lent: the library copies a map that it is given before it
/// looks anything up in it.
struct EventVariables<'a> {
    event: &'a Event,
    severity: Severity,
    labels: LazyMap<'a>,
    facts: LazyMap<'a>,
    annotations: LazyMap<'a>,
    budget: &'a Budget,
}

impl<'a> EventVariables<'a> {
    fn new(event: &'a Event, severity: Severity, facts: &'a Labels, budget: &'a Budget) -> EventVariables<'a> {
        EventVariables {
            event,
            severity,
            labels: LazyMap::of_labels(&event.labels, budget),
            facts: LazyMap::of_labels(facts, budget),
            annotations: LazyMap::of_labels(&event.annotations, budget),
            budget,
        }
    }
}

impl VariableResolver for EventVariables<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        if let Some(another) = self.budget.round(variable) {
            return Some(CowVal::owned(CelBool::from(another)));
        }
        let (event, budget) = (self.event, self.budget);
        let text = |text: &'b str| {
            budget.spend_on_text(text);
            Some(CowVal::owned(CelString::from(text)))
        };
        match variable {
            "labels" => Some(CowVal::Borrowed(&self.labels)),
            "facts" => Some(CowVal::Borrowed(&self.facts)),
            "annotations" => Some(CowVal::Borrowed(&self.annotations)),
            "severity" => text(self.severity.as_str()),
            "status" => text(event.status.as_str()),
            "source" => text(&event.source),
            "summary" => text(&event.summary),
            "value" => event.value.map(|value| CowVal::owned(CelDouble::from(value))),
            _ => None,
        }
    }
}

struct JsonVariables<'a> {
    bindings: &'a [(&'a str, &'a serde_json::Value)],
    budget: Budget,
}

impl VariableResolver for JsonVariables<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        if let Some(another) = self.budget.round(variable) {
            return Some(CowVal::owned(CelBool::from(another)));
        }
        let (_, value) = self.bindings.iter().find(|(name, _)| *name == variable)?;
        Some(CowVal::Owned(values::from_json(value, &self.budget)))
    }
}

/// A short text of the first error: the library lists every token that it would have accepted.
fn syntax_error(errors: &cel::ParseErrors) -> ParseExpressionError {
    let Some(first) = errors.errors.first() else {
        return ParseExpressionError::at_start("not a CEL expression".to_owned());
    };
    let message = first.msg.lines().next().unwrap_or_default();
    let message = message.split(" expecting ").next().unwrap_or_default();
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    let position = |number: isize| usize::try_from(number).unwrap_or(1).max(1);
    ParseExpressionError {
        reason: format!("not a CEL expression: {}", shorten(message)),
        line: position(first.pos.0),
        column: position(first.pos.1),
    }
}

#[cfg(test)]
mod tests;
