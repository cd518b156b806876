//! A batch of rows on its way: as it was read, what rewriting changes of it, and the bytes in which it is loaded.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use memchr::memchr3_iter;

use super::account::Held;
use super::memory::Memory;
use super::range::Way;
use super::reading::LONG;
use super::rows::Rows;
use super::session::PACKET;
use super::shape::Shape;
use crate::databases::Rewritten;
use crate::databases::parsing::Parsing;

/// Rows that were read, with what becomes of them.
pub(super) struct Batch {
    rows: Rows,
    columns: usize,
    /// The cells that are rewritten, by row and column, in order.
    changed: Vec<Changed>,
    /// Their new values, one after the other.
    new: Memory,
    /// What the source held.
    pub held: Held,
    /// What rewriting did.
    pub work: Rewritten,
    /// What of the rows parsed as they were read, where that is asked for.
    pub parsing: Parsing,
    /// Whether it is one row that is long.
    pub long: bool,
    /// Whether that row is too long to be held several times over: how it was is forgotten.
    pub giant: bool,
}

/// A cell that is rewritten.
struct Changed {
    row: usize,
    column: usize,
    new: New,
}

/// The new value of a cell.
enum New {
    /// Among those of the batch.
    Among(Range<usize>),
    /// By itself, where it is long.
    Alone(Vec<u8>),
}

/// Bytes from which on a row is too long to be held several times over.
const GIANT: usize = 1 << 20;

impl Batch {
    /// Sums and rewrites rows. Takes as long as that takes; for threads that may be busy.
    pub(super) fn new(way: &Way, shape: &Shape, rows: Rows) -> Self {
        let mut batch = Self {
            rows,
            columns: shape.columns.len(),
            changed: Vec::new(),
            new: Memory::default(),
            held: Held::default(),
            work: Rewritten::default(),
            parsing: Parsing::default(),
            long: false,
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
        batch.long = batch.len() == 1 && batch.rows.size() > LONG;
        batch.giant = batch.len() == 1 && batch.rows.size() > GIANT;
        if batch.giant {
            // Nobody could hold both.
            for changed in &batch.changed {
                if matches!(&changed.new, New::Alone(new) if new.len() > GIANT / 2) {
                    batch.rows.drain(changed.row, changed.column);
                }
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
        let mut changed = self.changed_from(row).peekable();
        (0..self.columns).map(move |column| {
            let new = changed.next_if(|changed| (changed.row, changed.column) == (row, column));
            self.cell(new, row, column)
        })
    }

    /// A cell as it is to be written.
    fn cell<'a>(&'a self, changed: Option<&'a Changed>, row: usize, column: usize) -> Option<&'a [u8]> {
        match changed.map(|changed| &changed.new) {
            Some(New::Among(place)) => Some(&self.new[place.clone()]),
            Some(New::Alone(new)) => Some(new),
            None => self.rows.get(row, column),
        }
    }

    /// The rewritten cells of a row and of those after it.
    fn changed_from(&self, row: usize) -> std::slice::Iter<'_, Changed> {
        self.changed[self.changed.partition_point(|changed| changed.row < row)..].iter()
    }

    /// A cell as it was read.
    pub(super) fn old_cell(&self, row: usize, column: usize) -> Option<&[u8]> {
        self.rows.get(row, column)
    }

    /// The columns of a row that are rewritten.
    pub(super) fn rewritten(&self, row: usize) -> impl Iterator<Item = usize> + '_ {
        self.changed_from(row).take_while(move |changed| changed.row == row).map(|changed| changed.column)
    }

    /// The key of a row as SQL values.
    pub(super) fn key(&self, shape: &Shape, row: usize) -> String {
        shape.literals(shape.key_columns.iter().filter_map(|at| self.rows.get(row, *at))).join(",")
    }

    fn rewrite(&mut self, way: &Way, shape: &Shape, columns: &[usize]) {
        let Some(rewriting) = &way.rewriting else { return };
        self.new = Memory::spare(&way.room.spare);
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
                    let new = if new.len() > LONG {
                        New::Alone(new)
                    } else {
                        let start = self.new.len();
                        self.new.extend(&new);
                        New::Among(start..self.new.len())
                    };
                    self.changed.push(Changed { row, column: *at, new });
                }
            }
        }
    }
}

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
            let new = batch.changed.get(self.changed).filter(|new| (new.row, new.column) == (row, column));
            match batch.cell(new, row, column) {
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
