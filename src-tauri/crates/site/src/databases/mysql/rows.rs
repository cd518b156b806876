//! Rows in one piece of memory, as the server sent them.

use mysql_async::{Row, Value};

use crate::databases::parsing::Parsing;

/// Set in an end that belongs to a NULL.
const NULL: usize = 1 << (usize::BITS - 1);

/// Some rows of a table. Their cells stand one after the other, so that a row costs no allocation.
#[derive(Debug, Default)]
pub(super) struct Rows {
    columns: usize,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Rows {
    /// No rows yet, each of so many cells.
    pub(super) fn of(columns: usize) -> Self {
        Self { columns, ..Self::default() }
    }

    /// The same, with memory for so many bytes of cells and a last row of common size: growing into it would take up to twice of that.
    pub(super) fn with_room(columns: usize, bytes: usize) -> Self {
        Self { columns, bytes: Vec::with_capacity(bytes + bytes / 16), ends: Vec::new() }
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
        self.bytes.extend_from_slice(value.unwrap_or_default());
        self.ends.push(self.bytes.len() | if value.is_none() { NULL } else { 0 });
    }

    /// Adds a cell of so many bytes that is yet to be filled.
    pub(super) fn unfilled(&mut self, bytes: usize) -> &mut [u8] {
        let start = self.bytes.len();
        self.bytes.reserve_exact(bytes);
        self.bytes.resize(start + bytes, 0);
        self.ends.push(self.bytes.len());
        &mut self.bytes[start..]
    }

    /// Lets the bytes of a cell go, which is empty then.
    pub(super) fn drain(&mut self, row: usize, column: usize) {
        let at = row * self.columns + column;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before] & !NULL);
        let gone = (self.ends[at] & !NULL) - start;
        self.bytes.drain(start..start + gone);
        self.bytes.shrink_to_fit();
        for end in &mut self.ends[at..] {
            *end -= gone;
        }
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len() / self.columns.max(1)
    }

    /// Bytes of memory they take, about.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + self.ends.len() * size_of::<usize>()
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
        let at = row * self.columns + column;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before] & !NULL);
        let end = self.ends[at];
        (end & NULL == 0).then(|| &self.bytes[start..end])
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
