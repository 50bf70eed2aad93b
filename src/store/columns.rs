//! Values and rows on their way into either database.

/// One bound value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Int(i64),
    MaybeInt(Option<i64>),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Int(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Text(value)
    }
}

/// Tables that take many rows in one statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BulkTable {
    Alerts,
    Incidents,
    Memberships,
    Timeline,
    Evidence,
    Problems,
    Runs,
    Silences,
    Audit,
    Outbox,
    /// Updates of the outbox's rows.
    Deliveries,
    DeadLetters,
    ManifestSections,
}

/// Rows of one table, by column: used directly by UNNEST, and bound row by row elsewhere.
#[derive(Debug)]
pub(super) struct ColumnRows {
    pub(super) table: BulkTable,
    /// In the order of the table's statement; all of one length.
    pub(super) columns: Vec<Column>,
}

#[derive(Debug)]
pub(super) enum Column {
    Int(Vec<i64>),
    MaybeInt(Vec<Option<i64>>),
    Text(Vec<String>),
    MaybeText(Vec<Option<String>>),
}

impl Column {
    pub(super) fn ints(values: impl IntoIterator<Item = i64>) -> Column {
        Column::Int(values.into_iter().collect())
    }

    pub(super) fn texts(values: impl IntoIterator<Item = String>) -> Column {
        Column::Text(values.into_iter().collect())
    }

    fn len(&self) -> usize {
        match self {
            Column::Int(values) => values.len(),
            Column::MaybeInt(values) => values.len(),
            Column::Text(values) => values.len(),
            Column::MaybeText(values) => values.len(),
        }
    }
}

impl ColumnRows {
    pub(super) fn len(&self) -> usize {
        self.columns.first().map_or(0, Column::len)
    }
}

/// Maximum length of a text in an indexed column, in characters: PostgreSQL refuses index entries above 2,700 bytes.
const KEY_MAX_CHARS: usize = 500;
/// Maximum length of a searched text, in characters.
const SEARCH_MAX_CHARS: usize = 16_384;

/// A text for a column that filters compare. Rows and filters are cut alike, so a cut text still matches. The whole
/// text stays in the record's JSON.
pub(super) fn key_text(text: &str) -> String {
    if text.len() <= KEY_MAX_CHARS && !text.contains('\0') {
        return text.to_owned();
    }
    text.chars().take(KEY_MAX_CHARS).map(without_nul).collect()
}

/// A text for the `search` column, and for a search in it.
pub(super) fn search_text(text: &str) -> String {
    if text.len() <= SEARCH_MAX_CHARS && !text.contains('\0') {
        return text.to_ascii_lowercase();
    }
    text.chars().take(SEARCH_MAX_CHARS).map(|c| without_nul(c).to_ascii_lowercase()).collect()
}

/// PostgreSQL has no NUL in texts; inside JSON it is escaped and does no harm.
pub(super) fn without_nul(character: char) -> char {
    if character == '\0' { char::REPLACEMENT_CHARACTER } else { character }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn column_texts_are_bounded_and_without_nul() {
        assert_eq!(key_text("a\0广"), "a\u{fffd}广");
        assert_eq!(key_text(&"广".repeat(1000)).chars().count(), KEY_MAX_CHARS);
        assert_eq!(search_text("GZ01 广州\0"), "gz01 广州\u{fffd}");
    }
}
