//! Reading back what was written, range by range as each is committed: while the server still has it in memory, by a session that writes
//! nothing, and while other writers wait for their turn at the table.
//!
//! A table counts as read back when all of its ranges were, and when the copy has every row and every value that parses as the source
//! has it. Of any other nothing is said here, and the check looks at it as a whole.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::account::Range;
use super::check::{Looked, look, merge};
use super::range::{Brought, Room, Way};
use super::session::{Mode, Session};
use super::shape::Shape;
use super::target::Target;
use crate::Result;
use crate::databases::parsing::Parsing;
use crate::databases::{LeftOver, ReadBack};

/// What was read back of all tables.
#[derive(Default)]
pub(super) struct Back {
    tables: Mutex<BTreeMap<String, Table>>,
    /// Not that of the writers: who reads back would wait for rows that none of them takes meanwhile.
    room: Room,
}

/// What was read back of a table.
#[derive(Default)]
struct Table {
    /// Ranges that are still to be read.
    open: usize,
    rows: u64,
    source: Parsing,
    differs: bool,
    left_over: Vec<LeftOver>,
}

impl Back {
    /// Nothing yet; rows that are read back lie in the same memory as those that are written.
    pub(super) fn of(way: &Way) -> Self {
        Self { room: Room::beside(&way.room.spare), ..Self::default() }
    }

    /// A table is to be read back in so many ranges.
    pub(super) fn expect(&mut self, table: &str, ranges: usize) {
        let tables = self.tables.get_mut().unwrap_or_else(PoisonError::into_inner);
        tables.insert(table.to_owned(), Table { open: ranges, ..Table::default() });
    }

    /// Reads a range that was brought and committed.
    pub(super) async fn read(
        &self,
        reading: &mut Option<Session>,
        target: &Target,
        way: &Way,
        shape: &Arc<Shape>,
        range: &Range,
        brought: Brought,
    ) -> Result<()> {
        let Some(source) = brought.parsing else { return Ok(()) };
        let session = match reading {
            Some(session) => session,
            // A server that gives no more sessions has its tables looked at later.
            None => match target.login.open(&target.name, Mode::Read).await {
                Ok(session) => reading.insert(session),
                Err(_) => return Ok(()),
            },
        };
        let looked =
            look(session, &way.target, shape, way.rewriting.as_ref(), Some(range), &self.room).await?;
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = tables.get_mut(&shape.name) {
            table.take(brought.held.rows, source, looked);
        }
        Ok(())
    }

    /// The tables that are read back.
    pub(super) fn whole(self) -> Vec<ReadBack> {
        let tables = self.tables.into_inner().unwrap_or_else(PoisonError::into_inner);
        tables
            .into_iter()
            .filter(|(_, table)| table.open == 0 && !table.differs)
            .map(|(name, table)| ReadBack {
                table: name,
                rows: table.rows,
                parsing: table.source.values,
                left_over: table.left_over,
            })
            .collect()
    }
}

impl Table {
    fn take(&mut self, rows: u64, source: Parsing, looked: Looked) {
        self.open = self.open.saturating_sub(1);
        self.rows += looked.rows;
        self.differs |= looked.rows != rows || looked.parsing != source;
        self.source.add(source);
        merge(&mut self.left_over, looked.left_over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_one(values: u64) -> Parsing {
        let mut parsing = Parsing::default();
        (0..values).for_each(|at| parsing.cell([Some(&b"1"[..])].into_iter(), at as usize, b"[1]"));
        parsing
    }

    fn looked(rows: u64, values: u64) -> Looked {
        Looked { rows, parsing: of_one(values), left_over: Vec::new() }
    }

    #[test]
    fn a_table_is_read_back_when_every_range_has_the_rows_and_the_values_of_the_source() {
        let read = |ranges: &[(Looked, u64, u64)]| {
            let mut back = Back::default();
            back.expect("posts", 2);
            for (looked, rows, values) in ranges {
                let looked = Looked { left_over: Vec::new(), ..*looked };
                back.tables.get_mut().unwrap().get_mut("posts").unwrap().take(*rows, of_one(*values), looked);
            }
            back.whole()
        };
        let whole = read(&[(looked(3, 2), 3, 2), (looked(4, 0), 4, 0)]);
        assert_eq!((whole[0].rows, whole[0].parsing), (7, 2));
        assert_eq!(read(&[(looked(3, 2), 3, 2)]), [], "a range is not read");
        assert_eq!(read(&[(looked(3, 2), 3, 2), (looked(3, 0), 4, 0)]), [], "a row is not there");
        assert_eq!(read(&[(looked(3, 1), 3, 2), (looked(4, 1), 4, 0)]), [], "a value does not parse");
    }
}
