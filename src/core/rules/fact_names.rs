//! Names of facts in matchers.

/// The fact that is `bad` if a name breaks the naming standard.
pub const NAMING_FACT: &str = "naming";

/// The fact that holds the id of a text's template.
pub const TEMPLATE_FACT: &str = "template";

const PREFIX: &str = "fact.";

/// The fact that a name in a matcher, a key or a title refers to; `None` for a label.
pub fn fact_named(name: &str) -> Option<&str> {
    name.strip_prefix(PREFIX)
}
