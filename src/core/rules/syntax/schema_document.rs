//! The JSON Schema of rule files as a whole.

use schemars::generate::SchemaSettings;

use super::file::FileSyntax;

/// The schema of one rule file, in the dialect 2020-12. It holds less than `load` does: it covers neither references
/// between files (an undefined team) nor the inside of matchers and expressions.
pub fn schema() -> serde_json::Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<FileSyntax>();
    schema.insert("title".to_owned(), "watchfire rule file".into());
    schema.to_value()
}
