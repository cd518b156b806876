//! A batch of rows on its way: as it was read, what rewriting changes of it, and the bytes in which it is loaded.

use std::sync::Arc;

use bytes::Bytes;
use memchr::memchr3_iter;

use super::account::Held;
use super::range::Way;
use super::reading::GIANT;
use super::rows::Rows;
use super::shape::Shape;
use crate::databases::Rewritten;
use crate::databases::parsing::Parsing;

/// Rows that were read, with what becomes of them.
pub(super) struct Batch {
    rows: Rows,
    columns: usize,
    /// The new values of rewritten cells, by row and column, in order.
    changed: Vec<(usize, usize, Vec<u8>)>,
    /// What the source held.
    pub held: Held,
    /// What rewriting did.
    pub work: Rewritten,
    /// What of the rows parsed as they were read, where that is asked for.
    pub parsing: Parsing,
    /// Whether it is one row with a value that is too long to be held several times over: how it was is forgotten.
    pub giant: bool,
}

impl Batch {
    /// Sums and rewrites rows. Takes as long as that takes; for threads that may be busy.
    pub(super) fn new(way: &Way, shape: &Shape, rows: Rows) -> Self {
        let mut batch = Self {
            rows,
            columns: shape.columns.len(),
            changed: Vec::new(),
            held: Held::default(),
            work: Rewritten::default(),
            parsing: Parsing::default(),
            giant: false,
        };
        let mut text = Vec::new();
        for row in 0..batch.rows.len() {
            let sum = shape.row_sum((0..batch.columns).map(|at| batch.rows.get(row, at)), &mut text);
            batch.held.row(sum);
        }
        let columns = way.rewritten(shape);
        if way.reads_back(shape) {
            let cells: Vec<_> = columns.iter().map(|at| (*at, *at)).collect();
            batch.parsing = batch.rows.parsing(&shape.key_columns, &cells);
        }
        batch.rewrite(way, shape, &columns);
        batch.giant = batch.len() == 1 && batch.rows.size() > GIANT;
        if batch.giant {
            // Nobody could hold both.
            for (row, column, _) in batch.changed.iter().filter(|changed| changed.2.len() > GIANT / 2) {
                batch.rows.drain(*row, *column);
            }
        }
        batch
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The cells of a row as they are to be written.
    pub(super) fn cells(&self, row: usize) -> impl Iterator<Item = Option<&[u8]>> {
        let from = self.changed.partition_point(|changed| changed.0 < row);
        let mut changed = self.changed[from..].iter().peekable();
        (0..self.columns).map(move |column| {
            let new = changed.next_if(|changed| (changed.0, changed.1) == (row, column));
            new.map(|new| &new.2[..]).or_else(|| self.rows.get(row, column))
        })
    }

    /// A cell as it was read.
    pub(super) fn old_cell(&self, row: usize, column: usize) -> Option<&[u8]> {
        self.rows.get(row, column)
    }

    /// The columns of a row that are rewritten.
    pub(super) fn rewritten(&self, row: usize) -> impl Iterator<Item = usize> + '_ {
        let from = self.changed.partition_point(|changed| changed.0 < row);
        self.changed[from..].iter().take_while(move |changed| changed.0 == row).map(|changed| changed.1)
    }

    /// The key of a row as SQL values.
    pub(super) fn key(&self, shape: &Shape, row: usize) -> String {
        shape.literals(shape.key_columns.iter().filter_map(|at| self.rows.get(row, *at))).join(",")
    }

    fn rewrite(&mut self, way: &Way, shape: &Shape, columns: &[usize]) {
        let Some(rewriting) = &way.rewriting else { return };
        for row in 0..self.rows.len() {
            for at in columns {
                let Some(value) = self.rows.get(row, *at) else {
                    self.work.cells_scanned += 1;
                    continue;
                };
                let key = || {
                    shape
                        .literals(shape.key_columns.iter().filter_map(|at| self.rows.get(row, *at)))
                        .join(",")
                };
                let name = &shape.columns[*at].name;
                if let Some(new) = rewriting.cell(value, &shape.name, name, key, &mut self.work) {
                    self.changed.push((row, *at, new));
                }
            }
        }
    }
}

/// Bytes of a load that are sent in one packet, well below what any server takes.
const PACKET: usize = 256 << 10;

/// The rows of a batch as LOAD DATA reads them, a packet at a time: fields end with a tab and rows with a newline, and a backslash
/// before any byte that would mean something takes its meaning away.
pub(super) struct Packets {
    batch: Arc<Batch>,
    /// The next cell, counted through all rows, and how much of it went out already.
    cell: usize,
    sent: usize,
    /// The next rewritten cell.
    changed: usize,
}

impl Packets {
    pub(super) fn of(batch: &Arc<Batch>) -> Self {
        Self { batch: Arc::clone(batch), cell: 0, sent: 0, changed: 0 }
    }
}

impl Iterator for Packets {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let batch = &self.batch;
        let cells = batch.len() * batch.columns;
        let room = PACKET.min((cells - self.cell) * 16 + batch.rows.size());
        let mut out = Vec::with_capacity(room + room / 8);
        while self.cell < cells && out.len() < PACKET {
            let (row, column) = (self.cell / batch.columns, self.cell % batch.columns);
            let new = batch.changed.get(self.changed).filter(|new| (new.0, new.1) == (row, column));
            match new.map(|new| &new.2[..]).or_else(|| batch.rows.get(row, column)) {
                Some(value) => {
                    let end = value.len().min(self.sent + PACKET);
                    escape(&value[self.sent..end], &mut out);
                    self.sent = end;
                    if end < value.len() {
                        continue;
                    }
                }
                None => out.extend_from_slice(b"\\N"),
            }
            self.changed += usize::from(new.is_some());
            self.sent = 0;
            self.cell += 1;
            out.push(if column + 1 == batch.columns { b'\n' } else { b'\t' });
        }
        (!out.is_empty()).then(|| out.into())
    }
}

/// Appends a part of a field as LOAD DATA reads it.
fn escape(value: &[u8], out: &mut Vec<u8>) {
    let mut clean = 0;
    for at in memchr3_iter(b'\t', b'\n', b'\\', value) {
        out.extend_from_slice(&value[clean..at]);
        out.push(b'\\');
        clean = at;
    }
    out.extend_from_slice(&value[clean..]);
}
