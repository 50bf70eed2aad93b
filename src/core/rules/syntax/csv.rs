//! Tables as spreadsheets write them: RFC 4180, read strictly; between cells stands a comma, or a semicolon or a tab where the
//! first line has no comma. Rows without any content are left out.
//!
//! A lenient reader takes a forgotten quote for the start of a cell that swallows the rest of the file; here every such
//! place is an error with its line and column.

use std::iter::Peekable;
use std::str::Chars;

/// Maximum number of cells in a row.
const CELLS_MAX: usize = 64;
/// Maximum length of a cell, in bytes.
const CELL_MAX_BYTES: usize = 4096;

/// One cell and its start: line and column from 1, the column in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    pub text: String,
    pub at: (usize, usize),
}

/// Reason why a text is no table, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ParseCsvError {
    pub at: (usize, usize),
    pub message: &'static str,
    pub expected: &'static str,
}

/// The rows of a text, empty ones left out. Ends after the first mistake.
pub(crate) struct CsvRows<'a> {
    rest: Peekable<Chars<'a>>,
    between: char,
    line: usize,
    column: usize,
    failed: bool,
}

pub(crate) fn rows(text: &str) -> CsvRows<'_> {
    // Spreadsheets mark UTF-8 with it.
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    let between = [',', '\t', ';'].into_iter().find(|between| first.contains(*between)).unwrap_or(',');
    CsvRows { rest: text.chars().peekable(), between, line: 1, column: 1, failed: false }
}

impl Iterator for CsvRows<'_> {
    type Item = Result<Vec<Cell>, ParseCsvError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.failed {
                return None;
            }
            self.rest.peek()?;
            let row = self.row();
            self.failed = row.is_err();
            match row {
                Ok(cells) if cells.iter().all(|cell| cell.text.is_empty()) => {}
                row => return Some(row),
            }
        }
    }
}

impl CsvRows<'_> {
    fn row(&mut self) -> Result<Vec<Cell>, ParseCsvError> {
        let mut cells = Vec::new();
        loop {
            let cell = self.cell()?;
            let at = cell.at;
            cells.push(cell);
            if cells.len() > CELLS_MAX {
                return Err(ParseCsvError { at, message: "a row of too many cells", expected: "at most 64" });
            }
            match self.take() {
                Some(between) if between == self.between => {}
                Some('\n') | None => return Ok(cells),
                Some(_) => {
                    let expected = "a comma or the end of the line; a quote inside a cell is written \"\"";
                    return Err(ParseCsvError {
                        at: self.before(),
                        message: "text behind a cell's closing quote",
                        expected,
                    });
                }
            }
        }
    }

    fn cell(&mut self) -> Result<Cell, ParseCsvError> {
        let at = (self.line, self.column);
        let mut text = String::new();
        if self.rest.peek() == Some(&'"') {
            self.take();
            loop {
                match self.take() {
                    Some('"') if self.rest.peek() == Some(&'"') => {
                        self.take();
                        text.push('"');
                    }
                    Some('"') => break,
                    Some(c) => text.push(c),
                    None => {
                        return Err(ParseCsvError {
                            at,
                            message: "a cell whose quote does not end",
                            expected: "a closing \"",
                        });
                    }
                }
            }
            self.skip_carriage_return();
        } else {
            while let Some(c) = self.rest.peek().copied() {
                self.skip_carriage_return();
                match c {
                    '\n' => break,
                    between if between == self.between => break,
                    '\r' => continue,
                    '"' => {
                        let expected = "the whole cell in quotes, with \"\" for each quote in it";
                        let at = (self.line, self.column);
                        return Err(ParseCsvError { at, message: "a quote inside a cell", expected });
                    }
                    _ => text.extend(self.take()),
                }
            }
            text = text.trim().to_owned();
        }
        if text.len() > CELL_MAX_BYTES {
            return Err(ParseCsvError { at, message: "a cell that is too long", expected: "at most 4096 bytes" });
        }
        Ok(Cell { text, at })
    }

    /// The one before the end of a line belongs to it.
    fn skip_carriage_return(&mut self) {
        if self.rest.peek() == Some(&'\r') {
            self.rest.next();
        }
    }

    fn take(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(c)
    }

    /// The place of the character read last, inside a line.
    fn before(&self) -> (usize, usize) {
        (self.line, self.column.saturating_sub(1).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Vec<String>>, ParseCsvError> {
        rows(text).map(|row| row.map(|cells| cells.into_iter().map(|cell| cell.text).collect())).collect()
    }

    fn check(text: &str, expected: &[&[&str]]) {
        assert_eq!(read(text).unwrap(), expected, "{text:?}");
    }

    #[test]
    fn tables_are_read_as_spreadsheets_write_them() {
        check("room,floor\nA,3\n", &[&["room", "floor"], &["A", "3"]]);
        check("\u{FEFF}机房,层\r\nA , 3\r\n\r\n", &[&["机房", "层"], &["A", "3"]]);
        check("a,\"x, \"\"y\"\"\nz\",\n", &[&["a", "x, \"y\"\nz", ""]]);
        check("a,\"b\"\r\n\"\",c", &[&["a", "b"], &["", "c"]]);
        check("", &[]);
        check("\n\n", &[]);
        check("a,b,,\r\n1,2,,\r\n,,,\r\n", &[&["a", "b", "", ""], &["1", "2", "", ""]]);
        check("a\tb\n1,5\t2\n", &[&["a", "b"], &["1,5", "2"]]);
        check("a;b\n1,5;2\n", &[&["a", "b"], &["1,5", "2"]]);
    }

    #[test]
    fn what_is_no_table_is_named_with_its_place() {
        let place = |text: &str| read(text).unwrap_err().at;
        assert_eq!(place("a,b\nc,\"d\ne,f\n"), (2, 3));
        assert_eq!(place("房,b\n机房\"x,d\n"), (2, 3));
        assert_eq!(place("a\n\"b\"c,d"), (2, 4));
        assert_eq!(place(&format!("a,{}", "x".repeat(5000))), (1, 3));
        assert_eq!(place(&",".repeat(64)), (1, 65));
    }

    #[test]
    fn cells_know_where_they_begin() {
        let cells: Vec<Vec<Cell>> = rows("机房,x\n\"a\nb\",c\n").map(Result::unwrap).collect();
        let places: Vec<(usize, usize)> = cells.iter().flatten().map(|cell| cell.at).collect();
        assert_eq!(places, [(1, 1), (1, 4), (2, 1), (3, 4)]);
    }
}
