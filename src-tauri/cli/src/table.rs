//! Tables: plain columns, no lines, no colour, the most telling column first.
//!
//! No cell is ever folded: a model's name in two pieces cannot be copied.

use std::fmt::Display;

use comfy_table::{ColumnConstraint, Row, Table, presets};

use crate::terminal;

/// Blanks between two columns.
const GAP: u16 = 2;

/// An empty table under its headings.
pub(crate) fn new<const COLUMNS: usize>(headings: [&str; COLUMNS]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(headings);
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    table
}

/// A row whose cells may come from anywhere.
pub(crate) fn row<const COLUMNS: usize>(cells: [&dyn Display; COLUMNS]) -> Row {
    cells.into_iter().map(|cell| terminal::name(&cell.to_string()).into_owned()).collect::<Vec<_>>().into()
}

/// Leaves out as many columns from the right as a width asks for; two always stay.
pub(crate) fn fit(table: &mut Table, width: u16) {
    let mut used = 0;
    let widths = table.column_max_content_widths();
    for (index, (column, content)) in table.column_iter_mut().zip(widths).enumerate() {
        used += content;
        // The last column's gap is blank and may hang over the edge.
        if index >= 2 && used > width {
            column.set_constraint(ColumnConstraint::Hidden);
        }
        used += GAP;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(width: u16, expected: &str) {
        let mut table = new(["One", "Two", "Three", "Four"]);
        table.add_row(row([&"first", &"2", &"3", &"fourth"]));
        fit(&mut table, width);
        assert_eq!(table.trim_fmt(), expected, "at a width of {width}");
    }

    #[test]
    fn a_narrow_terminal_sees_fewer_columns() {
        let all = "One    Two  Three  Four\nfirst  2    3      fourth";
        check(200, all);
        check(25, all);
        check(24, "One    Two  Three\nfirst  2    3");
        check(1, "One    Two\nfirst  2");
        check(0, "One    Two\nfirst  2");
    }
}
