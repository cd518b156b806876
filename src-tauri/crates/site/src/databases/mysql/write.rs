//! Writing a batch of rows into the copy.
//!
//! LOAD DATA LOCAL is the fastest way in for many small rows: the server looks at every byte of a load, and at every value of a
//! statement. It is a careless one, too: the server turns what it cannot store into something else and leaves out rows that clash, with
//! a warning. So a load counts only when every row arrived without one; else it is taken back, and the rows are inserted by statements,
//! which fail where something is wrong. Engines that take nothing back get statements from the start. Values too long for a statement go
//! to the server before it, in packets.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::batch::{Batch, Packets};
use super::quote;
use super::range::{Clash, Way};
use super::reading::LONG;
use super::session::{PACKET, STATEMENTS, Session};
use super::shape::{Column, Shape};
use crate::databases::UnsafeCell;
use crate::{Problem, Result};

/// Rows that are written by one statement at most; a power of two, like every number of rows that a statement is made for.
const STATEMENT_ROWS: usize = 256;
// A session keeps them all while it writes a batch.
const _: () = assert!((STATEMENT_ROWS.ilog2() as usize) < STATEMENTS);

/// Bytes of an average row from which on statements cost a server less than a load.
const LOAD_ROW: u64 = 600;

/// Marks of values that one statement may hold.
const MARKS: usize = 65_535;

/// Whether rows of a table are loaded through this session, rather than inserted.
fn loads(session: &Session, shape: &Shape, batch: &Batch) -> bool {
    let fits = shape.row_bytes < LOAD_ROW || batch.long;
    session.loads && shape.transactional() && !shape.columns.is_empty() && fits
}

/// What became of a batch.
pub(super) struct Written {
    /// Whether the copy holds exactly its rows. With [`Clash::Fail`] it does.
    pub sure: bool,
    /// Rewritten cells that were written as they had been.
    pub kept: Vec<UnsafeCell>,
}

impl Written {
    fn all(sure: bool) -> Self {
        Self { sure, kept: Vec::new() }
    }
}

/// Writes a batch.
pub(super) async fn write(
    session: &mut Session,
    way: &Way,
    shape: &Shape,
    batch: &Arc<Batch>,
    clash: Clash,
) -> Result<Written> {
    if shape.transactional() {
        session.run("SAVEPOINT batch").await?;
    }
    if loads(session, shape, batch) {
        match session.load(load(way, shape), Packets::of(batch)).await {
            Ok(done) if done.affected == batch.len() as u64 && done.warnings == 0 => {
                return Ok(Written::all(true));
            }
            // Rows were left out that are there already. The comparison brings the range again.
            Ok(done) if clash == Clash::Leave && done.affected < batch.len() as u64 => {
                return Ok(Written::all(false));
            }
            Ok(_) => {}
            // Something in between takes no loads, or the statements say better what is wrong.
            Err(problem) if problem.code == "database.refused" => {}
            Err(problem) => return Err(problem),
        }
        session.run("ROLLBACK TO SAVEPOINT batch").await?;
    }
    let every: Vec<usize> = (0..batch.len()).collect();
    match insert(session, way, shape, batch, &every, "").await {
        // What a failed statement of an engine without transactions wrote stays: it cannot be done again row by row.
        Err(problem)
            if is_duplicate(&problem) && (clash == Clash::Leave || shape.transactional() && !batch.giant) => {
        }
        done => return done.map(|()| Written::all(true)),
    }
    if shape.transactional() {
        session.run("ROLLBACK TO SAVEPOINT batch").await?;
    }
    match clash {
        Clash::Leave => {
            insert(session, way, shape, batch, &every, " IGNORE").await?;
            Ok(Written::all(false))
        }
        Clash::Fail => Ok(Written { sure: true, kept: one_by_one(session, way, shape, batch).await? }),
    }
}

/// The statement that loads rows. Bytes are taken as bytes of the column's own character set; what takes no bytes goes through a
/// variable and is told what it is.
fn load(way: &Way, shape: &Shape) -> String {
    let values: Vec<Option<String>> =
        (0..).zip(&shape.columns).map(|(at, column)| column.loaded(&format!("@c{at}"))).collect();
    let any = values.iter().any(Option::is_some);
    let mut fields = Vec::new();
    let mut sets = Vec::new();
    for (at, (column, value)) in shape.columns.iter().zip(values).enumerate() {
        // Where any column is set, MariaDB counts a 0 up in one that is not.
        match value.or_else(|| (any && column.counts).then(|| format!("@c{at}"))) {
            None => fields.push(column.quoted()),
            Some(value) => {
                fields.push(format!("@c{at}"));
                sets.push(format!("{}={value}", column.quoted()));
            }
        }
    }
    let sets = if sets.is_empty() { String::new() } else { format!(" SET {}", sets.join(",")) };
    format!(
        "LOAD DATA LOCAL INFILE 'rows' INTO TABLE {} CHARACTER SET binary FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' \
         LINES TERMINATED BY '\\n' ({}){sets}",
        quote::table(&way.target, &shape.name),
        fields.join(",")
    )
}

/// Inserts rows by statements of many rows each, which the server keeps prepared.
async fn insert(
    session: &mut Session,
    way: &Way,
    shape: &Shape,
    batch: &Batch,
    mut rows: &[usize],
    ignore: &str,
) -> Result<()> {
    if batch.giant {
        return insert_giant(session, way, shape, batch, ignore).await;
    }
    let most = STATEMENT_ROWS.min(1 << (MARKS / shape.columns.len().max(1)).max(1).ilog2());
    let room = PACKET.min(session.packet / 2);
    let size = |row: usize| batch.cells(row).flatten().map(|cell| cell.len() + 9).sum::<usize>();
    let mut prepared = BTreeMap::new();
    while !rows.is_empty() {
        let (mut fit, mut bytes) = (0, 0);
        while fit < rows.len().min(most) {
            bytes += size(rows[fit]);
            if fit > 0 && bytes > room {
                break;
            }
            fit += 1;
        }
        // Few different numbers of rows, so that the server has each statement prepared already.
        let (some, rest) = rows.split_at(1 << fit.ilog2());
        let statement = match prepared.entry(some.len()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                new.insert(session.prepare(statement(way, shape, some.len(), ignore)).await?)
            }
        };
        session.put(statement, some.iter().flat_map(|row| batch.cells(*row))).await?;
        rows = rest;
    }
    Ok(())
}

/// Inserts the one row of a batch, whose long values the server has in variables first.
async fn insert_giant(
    session: &mut Session,
    way: &Way,
    shape: &Shape,
    batch: &Batch,
    ignore: &str,
) -> Result<()> {
    let (mut values, mut cells, mut variables) = (Vec::new(), Vec::new(), Vec::new());
    for (at, (column, cell)) in shape.columns.iter().zip(batch.cells(0)).enumerate() {
        match cell {
            Some(value) if value.len() > LONG => {
                let variable = format!("@c{at}");
                session.keep(&variable, value).await?;
                values.push(column.loaded(&variable).unwrap_or_else(|| variable.clone()));
                variables.push(variable);
            }
            cell => {
                values.push(column.mark());
                cells.push(cell);
            }
        }
    }
    let insert = session.prepare(into(way, shape, &values.join(","), 1, ignore)).await?;
    let done = session.put(&insert, cells.into_iter()).await;
    for variable in variables {
        session.run(format!("SET {variable} = NULL")).await?;
    }
    done.map(drop)
}

/// Writes rows of which one, rewritten, has a value that may be there once alone and is there already. It stays as it was.
async fn one_by_one(
    session: &mut Session,
    way: &Way,
    shape: &Shape,
    batch: &Batch,
) -> Result<Vec<UnsafeCell>> {
    let mut cells = Vec::new();
    // Rows that keep what they hold come first, so that no rewritten one takes a value of theirs.
    let (rewritten, kept): (Vec<usize>, Vec<usize>) =
        (0..batch.len()).partition(|row| batch.rewritten(*row).next().is_some());
    insert(session, way, shape, batch, &kept, "").await?;
    for row in rewritten {
        match insert(session, way, shape, batch, &[row], "").await {
            Err(problem) if is_duplicate(&problem) => {}
            done => {
                done?;
                continue;
            }
        }
        let plain = session.prepare(statement(way, shape, 1, "")).await?;
        session.put(&plain, (0..shape.columns.len()).map(|at| batch.old_cell(row, at))).await?;
        let key = batch.key(shape, row);
        cells.extend(batch.rewritten(row).map(|at| UnsafeCell {
            table: shape.name.clone(),
            key: key.clone(),
            column: shape.columns[at].name.clone(),
            reason: "another row has the rewritten value already, and the table allows it once".to_owned(),
        }));
    }
    Ok(cells)
}

fn is_duplicate(problem: &Problem) -> bool {
    problem.code == "database.refused"
        && problem.context.get("server_code").is_some_and(|code| code == "1062")
}

fn statement(way: &Way, shape: &Shape, rows: usize, ignore: &str) -> String {
    into(way, shape, &shape.columns.iter().map(Column::mark).collect::<Vec<_>>().join(","), rows, ignore)
}

fn into(way: &Way, shape: &Shape, values: &str, rows: usize, ignore: &str) -> String {
    format!(
        "INSERT{ignore} INTO {} ({}) VALUES {}",
        quote::table(&way.target, &shape.name),
        shape.names(),
        vec![format!("({values})"); rows].join(",")
    )
}
