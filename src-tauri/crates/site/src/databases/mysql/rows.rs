//! Rows in one piece of memory, as the server sent them.

use std::ops::Range;

use mysql_async::{Row, Value};

use super::memory::{Memory, Spare};
use crate::databases::parsing::Parsing;

/// Set in an end that belongs to a NULL.
const NULL: u64 = 1 << (u64::BITS - 1);

/// Bytes of an end.
const END: usize = size_of::<u64>();

/// Some rows of a table. Their cells stand one after the other, so that a row costs no allocation.
#[derive(Debug, Default)]
pub(super) struct Rows {
    columns: usize,
    bytes: Memory,
    /// Where each cell ends, and whether it is NULL.
    ends: Memory,
}

impl Rows {
    /// No rows yet, each of so many cells.
    pub(super) fn of(columns: usize) -> Self {
        Self { columns, ..Self::default() }
    }

    /// The same, with room for so many bytes of cells and a last row of common size.
    pub(super) fn with_room(columns: usize, bytes: usize) -> Self {
        Self { columns, bytes: Memory::with_room(bytes + bytes / 16), ends: Memory::with_room(bytes / 2) }
    }

    /// The same, in memory that other rows had.
    pub(super) fn spare(columns: usize, spare: &Spare) -> Self {
        Self { columns, bytes: Memory::spare(spare), ends: Memory::spare(spare) }
    }

    /// Adds the first cells of a row.
    pub(super) fn push(&mut self, row: &Row) {
        for at in 0..self.columns {
            match row.as_ref(at) {
                Some(Value::Bytes(bytes)) => self.cell(Some(bytes)),
                None | Some(Value::NULL) => self.cell(None),
                // The text protocol knows bytes alone.
                Some(other) => self.cell(Some(other.as_sql(true).as_bytes())),
            }
        }
    }

    /// Adds a cell.
    pub(super) fn cell(&mut self, value: Option<&[u8]>) {
        self.bytes.extend(value.unwrap_or_default());
        self.end(self.bytes.len(), value.is_none());
    }

    /// Adds a cell of so many bytes that is yet to be filled.
    pub(super) fn unfilled(&mut self, bytes: usize) -> &mut [u8] {
        self.end(self.bytes.len() + bytes, false);
        self.bytes.zeroes(bytes)
    }

    fn end(&mut self, at: usize, is_null: bool) {
        let null = if is_null { NULL } else { 0 };
        self.ends.extend(&(at as u64 | null).to_ne_bytes());
    }

    /// Where a cell starts and ends, counted through all rows, and whether it is NULL.
    fn place(&self, cell: usize) -> (Range<usize>, bool) {
        let end = |cell: usize| {
            let bytes = self.ends[cell * END..].first_chunk().expect("a cell has an end");
            u64::from_ne_bytes(*bytes)
        };
        let start = cell.checked_sub(1).map_or(0, |before| end(before) & !NULL);
        ((start as usize)..(end(cell) & !NULL) as usize, end(cell) & NULL != 0)
    }

    /// Lets the bytes of a cell go, which is empty then.
    pub(super) fn drain(&mut self, row: usize, column: usize) {
        let at = row * self.columns + column;
        let gone = self.place(at).0;
        self.bytes.remove(gone.clone());
        let ends = std::mem::take(&mut self.ends);
        for (cell, end) in ends.as_chunks::<END>().0.iter().enumerate() {
            let less = if cell < at { 0 } else { gone.len() as u64 };
            self.ends.extend(&(u64::from_ne_bytes(*end) - less).to_ne_bytes());
        }
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len() / END / self.columns.max(1)
    }

    /// Bytes of memory they take, about.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + self.ends.len()
    }

    /// What parses of some cells of each row, which its cells at `keys` name. Each of `cells` is a place in the row and the number of its
    /// column: a copy may be read with fewer columns than its source.
    pub(super) fn parsing(&self, keys: &[usize], cells: &[(usize, usize)]) -> Parsing {
        let mut parsing = Parsing::default();
        for row in 0..self.len() {
            for (place, column) in cells {
                if let Some(value) = self.get(row, *place) {
                    parsing.cell(keys.iter().map(|key| self.get(row, *key)), *column, value);
                }
            }
        }
        parsing
    }

    /// A cell; none for NULL.
    pub(super) fn get(&self, row: usize, column: usize) -> Option<&[u8]> {
        let (place, is_null) = self.place(row * self.columns + column);
        (!is_null).then(|| &self.bytes[place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_come_back_as_they_went_in_and_null_is_no_empty_text() {
        let mut rows = Rows::of(3);
        let cells = [Some(&b"one"[..]), None, Some(b""), None, Some(b"\0\xff"), None];
        for cell in cells {
            rows.cell(cell);
        }
        assert_eq!(rows.len(), 2);
        let back: Vec<_> = (0..2).flat_map(|row| (0..3).map(move |at| (row, at))).collect();
        assert_eq!(back.iter().map(|(row, at)| rows.get(*row, *at)).collect::<Vec<_>>(), cells);
        rows.drain(0, 0);
        assert_eq!((rows.get(0, 0), rows.get(0, 1), rows.get(0, 2)), (Some(&b""[..]), None, Some(&b""[..])));
        assert_eq!((rows.get(1, 0), rows.get(1, 1), rows.get(1, 2)), (None, Some(&b"\0\xff"[..]), None));
    }
}
