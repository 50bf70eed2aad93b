//! Tables that align in a terminal, also with Chinese text, whose characters are two columns wide.

use std::fmt;

use unicode_width::UnicodeWidthStr;

use crate::core::model::one_line;

/// Rows under headings.
pub struct TextTable {
    rows: Vec<Vec<String>>,
}

impl TextTable {
    pub fn new<const N: usize>(headings: [&str; N]) -> TextTable {
        TextTable { rows: vec![headings.map(str::to_owned).to_vec()] }
    }

    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.iter().map(|cell| one_line(cell).into_owned()).collect());
    }
}

impl fmt::Display for TextTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.first().map_or(0, Vec::len);
        let width = |column: usize| self.rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            for (column, cell) in row.iter().enumerate() {
                if column + 1 == columns {
                    f.write_str(cell)?;
                } else {
                    write!(f, "{cell}{:gap$}", "", gap = widths[column] - cell.width() + 2)?;
                }
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_line_whatever_an_event_wrote_into_it() {
        let mut table = TextTable::new(["id", "title"]);
        table.row(["1".to_owned(), "断\n2   \u{1b}[2J".to_owned()]);
        assert_eq!(table.to_string(), "id  title\n1   断 2    [2J\n");
    }

    #[test]
    fn chinese_cells_take_two_columns_a_character() {
        let mut table = TextTable::new(["id", "title", "x"]);
        table.row(["1".to_owned(), "链路中断".to_owned(), "y".to_owned()]);
        table.row(["12".to_owned(), "disk".to_owned(), "z".to_owned()]);
        assert_eq!(table.to_string(), "id  title     x\n1   链路中断  y\n12  disk      z\n");
    }
}
