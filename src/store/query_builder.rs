//! A query built from fixed pieces of SQL and bound values, and the cursors of lists.

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::columns::{Value, search_text};
use super::{Page, PageRequest, StoreError};

/// Maximum length of a search text, in characters.
const NEEDLE_MAX_CHARS: usize = 256;
/// Maximum rows of a page.
const PAGE_MAX_ROWS: u32 = 500;

/// SQL of literal pieces only, with its values.
pub(super) struct QueryBuilder {
    text: String,
    values: Vec<Value>,
}

impl QueryBuilder {
    /// A whole statement.
    pub(super) fn fixed(text: &'static str, values: Vec<Value>) -> QueryBuilder {
        QueryBuilder { text: text.to_owned(), values }
    }

    /// The beginning of a statement, up to and with `WHERE true`.
    pub(super) fn new(text: &'static str) -> QueryBuilder {
        QueryBuilder::fixed(text, Vec::new())
    }

    pub(super) fn push(&mut self, piece: &'static str) -> &mut QueryBuilder {
        self.text.push_str(piece);
        self
    }

    pub(super) fn bind(&mut self, value: impl Into<Value>) -> &mut QueryBuilder {
        self.values.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        self
    }

    /// `piece` and the value behind it, if there is one.
    pub(super) fn and(&mut self, piece: &'static str, value: Option<impl Into<Value>>) -> &mut QueryBuilder {
        if let Some(value) = value {
            self.push(piece).bind(value);
        }
        self
    }

    /// `piece` (up to `IN`) and the list, unless it is empty.
    pub(super) fn and_in(&mut self, piece: &'static str, values: impl IntoIterator<Item = Value>) -> &mut QueryBuilder {
        let mut values = values.into_iter();
        if let Some(first) = values.next() {
            self.push(piece).push(" (").bind(first);
            for value in values {
                self.push(",").bind(value);
            }
            self.push(")");
        }
        self
    }

    /// Rows whose `search` contains that text.
    pub(super) fn and_search(&mut self, text: Option<&str>) -> &mut QueryBuilder {
        if let Some(text) = text {
            self.push(" AND search LIKE ").bind(containing(text)).push(" ESCAPE '\\'");
        }
        self
    }

    /// One row beyond the page shows if there is a next page.
    pub(super) fn page(&mut self, order: &'static str, request: &PageRequest) -> &mut QueryBuilder {
        self.push(order).push(" LIMIT ").bind(i64::from(rows_of(request)) + 1)
    }

    pub(super) fn into_parts(self) -> (SqlStr, Vec<Value>) {
        // Only `&'static str` pieces and placeholders ever reach the text.
        (AssertSqlSafe(self.text).into_sql_str(), self.values)
    }
}

/// A LIKE pattern for texts that contain this one, with `%` and `_` escaped.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in search_text(text).chars().take(NEEDLE_MAX_CHARS) {
        if matches!(character, '\\' | '%' | '_') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

fn rows_of(request: &PageRequest) -> u32 {
    request.limit.clamp(1, PAGE_MAX_ROWS)
}

/// A list with cursors; its letter keeps them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    Alerts,
    Audit,
    DeadLetters,
    Incidents,
    Problems,
    Runs,
}

impl List {
    const fn letter(self) -> char {
        match self {
            List::Alerts => 'a',
            List::Audit => 'u',
            List::DeadLetters => 'd',
            List::Incidents => 'i',
            List::Problems => 'p',
            List::Runs => 'r',
        }
    }

    /// The sort key after which the page begins, if it is not the first.
    pub(super) fn after<const N: usize>(self, request: &PageRequest) -> Result<Option<[i64; N]>, StoreError> {
        let Some(cursor) = &request.cursor else { return Ok(None) };
        let bad = || StoreError::BadCursor { cursor: cursor.chars().take(64).collect() };
        let mut numbers = cursor.strip_prefix(self.letter()).ok_or_else(bad)?.split('.');
        let mut key = [0; N];
        for part in &mut key {
            *part = numbers.next().and_then(from_base36).ok_or_else(bad)?;
        }
        if numbers.next().is_some() { Err(bad()) } else { Ok(Some(key)) }
    }

    /// Cuts the rows to the page, each with its sort key.
    pub(super) fn page<T, const N: usize>(self, mut rows: Vec<([i64; N], T)>, request: &PageRequest) -> Page<T> {
        let size = rows_of(request) as usize;
        let more = rows.len() > size;
        rows.truncate(size);
        let next = match rows.last() {
            Some((key, _)) if more => Some(self.cursor(*key)),
            Some(_) | None => None,
        };
        Page { items: rows.into_iter().map(|(_, item)| item).collect(), next }
    }

    fn cursor<const N: usize>(self, key: [i64; N]) -> String {
        let numbers: Vec<String> = key.into_iter().map(to_base36).collect();
        format!("{}{}", self.letter(), numbers.join("."))
    }
}

fn to_base36(number: i64) -> String {
    let mut rest = number.cast_unsigned();
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit((rest % 36) as u32, 36).unwrap_or('0'));
        rest /= 36;
        if rest == 0 {
            return digits.iter().rev().collect();
        }
    }
}

fn from_base36(text: &str) -> Option<i64> {
    // A sign would parse as another cursor.
    if text.starts_with('+') { None } else { u64::from_str_radix(text, 36).ok().map(u64::cast_signed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_read_back_and_only_in_their_own_list() {
        for key in [[0, 0], [1, -1], [i64::MAX, i64::MIN]] {
            let request = PageRequest { cursor: Some(List::Alerts.cursor(key)), limit: 1 };
            assert_eq!(List::Alerts.after::<2>(&request).unwrap(), Some(key));
            assert!(List::Audit.after::<2>(&request).is_err());
            assert!(List::Alerts.after::<1>(&request).is_err());
        }
        for cursor in ["", "a", "a1", "a1.", "a1.2.3", "a+1.2", "a广.1", "a1.zzzzzzzzzzzzzzzzz", "'; DROP TABLE alerts"]
        {
            let request = PageRequest { cursor: Some(cursor.to_owned()), limit: 1 };
            assert!(List::Alerts.after::<2>(&request).is_err(), "{cursor:?}");
        }
    }

    #[test]
    fn questions_hold_placeholders_only() {
        let mut question = QueryBuilder::new("SELECT 1 FROM t WHERE true");
        question
            .and(" AND a = ", Some(1))
            .and(" AND b = ", None::<i64>)
            .and_in(" AND c IN", [Value::Int(1), Value::Int(2)])
            .and_in(" AND d IN", [])
            .and_in(" AND e IN", [Value::Int(1)])
            .and_search(Some("100%"));
        let (sql, values) = question.into_parts();
        assert_eq!(
            sql.as_str(),
            "SELECT 1 FROM t WHERE true AND a = $1 AND c IN ($2,$3) AND e IN ($4) AND search LIKE $5 ESCAPE '\\'"
        );
        assert_eq!(values.len(), 5);
    }

    #[test]
    fn search_patterns_mean_what_was_typed() {
        assert_eq!(containing("50%_\\广州 GZ"), "%50\\%\\_\\\\广州 gz%");
        assert_eq!(containing(&"x".repeat(1000)).len(), NEEDLE_MAX_CHARS + 2);
    }
}
