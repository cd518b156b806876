//! Reading rows of a table, some of which may have values that are too long to be held several times over.
//!
//! Rows come as one long answer. One with such a value is left out of it and read afterwards: alone, its long values in parts, and with
//! the room in memory that it takes, which other rows leave it.

use mysql_async::{Row, Value};

use super::quote;
use super::range::{Room, Taken};
use super::rows::Rows;
use super::session::{Cells, PACKET, Session};
use super::shape::Shape;
use crate::databases::Key;
use crate::{Problem, Result};

/// Bytes from which on a value is long: it is read in parts.
pub(super) const LONG: usize = 256 << 10;

/// Parts that one statement asks for. The server takes the whole value into its hands once for each statement, and may need more of its
/// stack for a statement of more parts than it has.
const PARTS: usize = 256;

/// How many times over a long value is in memory at most: as it was read, and as it is rewritten.
const TIMES: usize = 2;

/// How often a row is read that changes while it is.
const TRIES: u32 = 3;

/// How some columns of a table are read.
pub(super) struct Reading<'a> {
    shape: &'a Shape,
    table: String,
    columns: &'a [usize],
    /// The rows that were left out, each as the condition that finds it.
    left_out: Vec<String>,
}

impl<'a> Reading<'a> {
    pub(super) fn of(database: &str, shape: &'a Shape, columns: &'a [usize]) -> Self {
        Self { shape, table: quote::table(database, &shape.name), columns, left_out: Vec::new() }
    }

    /// The statement that reads rows, up to the name of the table. Its last column says whether a row is to be left out.
    pub(super) fn select(&self) -> String {
        // What has no key could not be found again.
        let alone = matches!(self.shape.key, Key::Primary | Key::Unique);
        let long = self.columns.iter().map(|at| &self.shape.columns[*at]).filter(|column| column.long);
        let exceeds: Vec<String> =
            long.map(|column| format!("IFNULL(LENGTH({})>{LONG},0)", column.quoted())).collect();
        let exceeds = if alone && !exceeds.is_empty() { exceeds.join("+") } else { "0".to_owned() };
        format!("SELECT {},{exceeds} FROM {}", self.reads(alone.then_some(LONG)), self.table)
    }

    /// Adds a row of that answer, or leaves it out.
    pub(super) fn take(&mut self, row: Row, rows: &mut Rows) {
        if matches!(row.as_ref(self.columns.len()), Some(Value::Bytes(exceeds)) if exceeds == b"0") {
            rows.push(&row);
            return;
        }
        let row = Cells::from(row);
        let places = self.shape.key_columns.iter().map(|key| self.columns.iter().position(|at| at == key));
        let key = self.shape.literals(places.filter_map(|place| row.bytes(place?)));
        self.left_out.push(self.shape.is(&key));
    }

    /// The rows that were left out.
    pub(super) fn left_out(&mut self) -> Vec<String> {
        std::mem::take(&mut self.left_out)
    }

    /// Reads one of them, once there is room for it. No rows when it is gone.
    pub(super) async fn alone(&self, session: &mut Session, is: &str, room: &Room) -> Result<(Rows, Taken)> {
        let from = format!("FROM {} WHERE {is}", self.table);
        let columns = || self.columns.iter().map(|at| &self.shape.columns[*at]);
        let lengths: Vec<String> = columns().map(|column| format!("LENGTH({})", column.read())).collect();
        let short = format!("SELECT {},{} {from}", self.reads(Some(LONG)), lengths.join(","));
        let mut tries = 0;
        loop {
            let row = session.first(&short).await?;
            let lengths: Vec<Option<usize>> = (self.columns.len()..2 * self.columns.len())
                .map(|at| std::str::from_utf8(row.as_ref()?.bytes(at)?).ok()?.parse().ok())
                .collect();
            let bytes = lengths.iter().flatten().copied().fold(0, usize::saturating_add);
            let taken = room.take(bytes.saturating_mul(TIMES)).await;
            let Some(row) = row else { return Ok((Rows::of(self.columns.len()), taken)) };
            let mut rows = Rows::with_room(self.columns.len(), bytes);
            let mut lacking = 0;
            for (at, (column, length)) in columns().zip(lengths).enumerate() {
                match (row.bytes(at), length) {
                    (None, Some(bytes)) => {
                        let (value, cell) = (column.read(), rows.unfilled(bytes));
                        // No function of a server gives more than a packet, and what is in a column may be longer.
                        let filled = if bytes < session.packet {
                            fill(session, &value, &from, cell).await?
                        } else {
                            whole(session, &value, &from, cell).await?
                        };
                        lacking += bytes - filled;
                    }
                    (cell, _) => rows.cell(cell),
                }
            }
            tries += 1;
            // What keeps changing under a reader without a moment of its own is compared again, and told.
            if lacking == 0 || tries == TRIES && !self.shape.transactional() {
                return Ok((rows, taken));
            }
            if tries == TRIES {
                return Err(Problem::transient(
                    "database.gone",
                    format!("Of a row of {} with {bytes} bytes the server did not give {lacking}.", self.shape.name),
                )
                .help("Look whether the server may hold such a value (max_allowed_packet) and has room for it in its folder for temporary files (tmpdir)."));
            }
        }
    }

    /// The expressions that read a row with commas. A value of more bytes than `most` reads as NULL.
    fn reads(&self, most: Option<usize>) -> String {
        let read = |at: &usize| {
            let column = &self.shape.columns[*at];
            let (name, read) = (column.quoted(), column.read());
            match most {
                Some(most) if column.long => format!("IF(LENGTH({name})>{most},NULL,{read})"),
                _ => read,
            }
        };
        self.columns.iter().map(read).collect::<Vec<_>>().join(",")
    }
}

/// Reads a value as it is, and answers how many of its bytes came.
async fn whole(session: &mut Session, value: &str, from: &str, cell: &mut [u8]) -> Result<usize> {
    let row = session.first(format!("SELECT {value} {from}")).await?;
    let bytes = row.as_ref().and_then(|row| row.bytes(0)).unwrap_or_default();
    if bytes.len() != cell.len() {
        return Ok(0);
    }
    cell.copy_from_slice(bytes);
    Ok(bytes.len())
}

/// Reads a long value in parts, and answers how many of its bytes came. The server lays it down as bytes first: of text it would look at
/// every character for each part.
async fn fill(session: &mut Session, value: &str, from: &str, cell: &mut [u8]) -> Result<usize> {
    let starts: Vec<usize> = (0..cell.len()).step_by(PACKET).collect();
    let mut filled = 0;
    for starts in starts.chunks(PARTS) {
        let starts: Vec<String> = starts.iter().map(|start| format!("SELECT {start} AS s")).collect();
        let mut parts = session
            .stream(format!(
                "SELECT part.s, SUBSTRING(whole.v,part.s+1,{PACKET}) FROM (SELECT CAST({value} AS BINARY) AS v {from} LIMIT 1) AS whole \
                 STRAIGHT_JOIN ({}) AS part",
                starts.join(" UNION ALL ")
            ))
            .await?;
        while let Some(row) = parts.row().await? {
            let row = Cells::from(row);
            let start = usize::try_from(row.number(0)).unwrap_or(usize::MAX);
            let bytes = row.bytes(1).unwrap_or_default();
            // The server may give the parts in any order.
            if let Some(place) = cell.get_mut(start..start.saturating_add(bytes.len())) {
                place.copy_from_slice(bytes);
                filled += bytes.len();
            }
        }
    }
    Ok(filled)
}
