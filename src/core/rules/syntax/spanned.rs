//! A value of a rule file with its location, for diagnostics. Transparent to the schema of the files.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Location;

/// A value, and its location in the file.
#[derive(Debug, Clone)]
pub struct Spanned<T> {
    pub value: T,
    /// The place of use; for an alias, not the place of its anchor.
    pub referenced: Location,
}

/// A text of a rule file.
pub type Text = Spanned<String>;

impl<T> Spanned<T> {
    pub fn new(value: T, referenced: Location) -> Spanned<T> {
        Spanned { value, referenced }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let serde_saphyr::Spanned { value, referenced, .. } = serde_saphyr::Spanned::deserialize(deserializer)?;
        Ok(Spanned { value, referenced })
    }
}

/// The schema of the value alone, because the location is not written in the file.
impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        // As texts, `GZ: 01` and `on: true` are read as they are written.
        if schema.get("type").is_some_and(|kind| kind == "string") {
            schema.insert("type".to_owned(), serde_json::json!(["string", "number", "boolean"]));
        }
        schema
    }
}
