//! Expressions of rule and source files, in CEL.

/// A compiled CEL expression.
#[derive(Debug, Clone)]
pub struct Expression {
    pub text: String,
}
