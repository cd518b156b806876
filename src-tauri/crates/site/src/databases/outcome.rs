//! What the parts of the work answer. Everything here goes into a receipt as it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A thing of the source that could not be brought over exactly, and what stands in the copy instead.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Change {
    /// The table, view, routine… that differs.
    pub what: String,
    /// What was changed, in words.
    pub how: String,
}

/// A right that a database user lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingRight {
    /// The right as the server calls it: `CREATE`.
    pub right: String,
    /// The database on which it is needed.
    pub database: String,
    /// The statement that gives it, for somebody who may.
    pub grant: String,
}

/// What a copy did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// Tables.
    pub tables: u64,
    /// Rows of all tables.
    pub rows: u64,
    /// How the data went: inside the server, streamed, or as a file.
    pub way: String,
    /// Where the copy differs from the source by need.
    pub changes: Vec<Change>,
    /// Tables that were read back, with [`Rewriting::reading_back`](super::Rewriting::reading_back).
    #[serde(default)]
    pub read_back: Vec<ReadBack>,
}

/// A table of the copy that was read again as soon as its rows were committed, by sessions that write nothing, and that has every row and
/// every value that parses as the source has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadBack {
    /// The table.
    pub table: String,
    /// Its rows.
    pub rows: u64,
    /// Serialized values and JSON documents of the source, each of which parses in the copy as well.
    pub parsing: u64,
    /// Old addresses that are still in it.
    pub left_over: Vec<LeftOver>,
}

/// How often the source was compared, and what it took to bring the copy to one moment of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Passes over the source.
    pub passes: u32,
    /// Ranges of rows that were compared in the last pass: none where the copy shows one moment already.
    pub compared: u64,
    /// Ranges that had changed since they were copied and were brought over again, of all passes.
    pub brought: u64,
    /// The tables that these ranges are of.
    #[serde(default)]
    pub renewed: Vec<String>,
    /// Rows of each table in the moment of the source that the copy holds, and in the copy.
    pub tables: Vec<TableRows>,
    /// Tables that kept changing during the passes and whose engine cannot read one moment. Empty on a sound copy.
    pub moving: Vec<String>,
    /// Where the copy differs from the source by need: views, triggers, routines and events.
    pub changes: Vec<Change>,
}

/// Rows of a table on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRows {
    /// The table.
    pub name: String,
    /// In the source.
    pub rows_source: u64,
    /// In the copy.
    pub rows_target: u64,
}

/// What rewriting did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewritten {
    /// Cells of text in which addresses were looked for.
    pub cells_scanned: u64,
    /// Cells that were changed.
    pub cells_changed: u64,
    /// Changes by kind of place: serialized, JSON, plain…
    pub by_kind: BTreeMap<String, u64>,
    /// Cells that hold an old address and were left as they are because changing them was not safe. At most
    /// [`Rewritten::LISTED`] are listed.
    pub unchanged_unsafe: Vec<UnsafeCell>,
    /// All of these cells, listed or not.
    pub unsafe_count: u64,
    /// Values that parsed before and do not parse now. The rewriter checks each value that it changes and leaves what would break, so
    /// this is zero.
    pub newly_broken: u64,
}

impl Rewritten {
    /// How many unsafe cells are listed one by one.
    pub const LISTED: usize = 1000;

    /// Adds the counts of another piece.
    pub fn add(&mut self, other: Self) {
        self.cells_scanned += other.cells_scanned;
        self.cells_changed += other.cells_changed;
        self.newly_broken += other.newly_broken;
        self.unsafe_count += other.unsafe_count;
        for (kind, count) in other.by_kind {
            *self.by_kind.entry(kind).or_default() += count;
        }
        self.list(other.unchanged_unsafe);
    }

    /// Takes changes back: cells that were to be rewritten and are as they had been.
    pub(crate) fn keep(&mut self, cells: Vec<UnsafeCell>) {
        self.cells_changed -= cells.len() as u64;
        self.unsafe_count += cells.len() as u64;
        self.list(cells);
    }

    fn list(&mut self, cells: Vec<UnsafeCell>) {
        let room = Self::LISTED.saturating_sub(self.unchanged_unsafe.len());
        self.unchanged_unsafe.extend(cells.into_iter().take(room));
    }
}

/// A cell that holds an old address and was left as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnsafeCell {
    /// Its table.
    pub table: String,
    /// The key of its row, as SQL values.
    pub key: String,
    /// Its column.
    pub column: String,
    /// Why it was left.
    pub reason: String,
}

/// What is known of a copy before it is checked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// Rows of the source in the moment of the copy; the source has moved on since.
    pub tables: &'a [TableRows],
    /// Tables that were read back, and not written since.
    pub read_back: &'a [ReadBack],
}

impl Known<'_> {
    /// Rows of a table of the source.
    pub(crate) fn rows(&self, table: &str) -> Option<u64> {
        self.tables.iter().find(|known| known.name == table).map(|known| known.rows_source)
    }
}

/// What a check of the copy found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Rows of each table now, on both sides.
    pub tables: Vec<TableRows>,
    /// Old addresses that are still in the copy.
    pub left_over: Vec<LeftOver>,
}

/// A column of the copy in which old addresses were found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LeftOver {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// Cells with an old address.
    pub cells: u64,
    /// The key of one such row, as SQL values.
    pub example: String,
}
