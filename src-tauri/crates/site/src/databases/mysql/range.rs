//! Bringing one range of rows over.
//!
//! On one server and with nothing to rewrite, the server copies by itself. Else the rows come through this process: read with a
//! checksum that the source's server makes of each, rewritten, and written by prepared statements of many rows, which spare both
//! sides quoting and parsing. Either way a row is written once and always comes from the source, so nothing is ever rewritten twice.

use std::sync::Arc;

use super::account::{self, Held, Range, State};
use super::quote;
use super::session::{Cells, Session};
use super::shape::{Column, Shape};
use crate::databases::{Rewriting, Rewritten, UnsafeCell};
use crate::{Problem, Result};

/// Bytes of rows that are rewritten and written at a time.
const BATCH_BYTES: usize = 1 << 20;

/// Rows that are written by one statement at most; a power of two, like every number of rows that a statement is made for.
const BATCH_ROWS: usize = 256;

/// Marks of values that one statement may hold.
const MARKS: usize = 65_535;

/// What all ranges of a job have in common.
#[derive(Debug, Clone)]
pub(super) struct Way {
    pub source: String,
    pub target: String,
    /// Whether the server can copy by itself.
    pub beside: bool,
    pub rewriting: Option<Rewriting>,
}

/// Two sessions that bring ranges over, one after the other.
pub(super) struct Carrier {
    pub reading: Session,
    pub writing: Session,
}

/// What to do when a row of the range is in the target already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clash {
    /// Leave it, and have the range compared later: the source moves while it is copied.
    Leave,
    /// Fail: the source stands still.
    Fail,
}

impl Way {
    /// The columns of a table in which addresses are rewritten.
    pub(super) fn rewritten(&self, shape: &Shape) -> Vec<usize> {
        let Some(rewriting) = &self.rewriting else { return Vec::new() };
        (0..shape.columns.len())
            .filter(|at| {
                let column = &shape.columns[*at];
                column.kind.holds_text() && !rewriting.keeps(&shape.name, &column.name)
            })
            .collect()
    }
}

impl Carrier {
    /// Brings a range over as one transaction, its account with it. What of it was there before is replaced.
    pub(super) async fn bring(
        &mut self,
        way: &Way,
        shape: &Arc<Shape>,
        range: &Range,
        clash: Clash,
    ) -> Result<Held> {
        if !shape.transactional() && range.state == State::Copied {
            account::forget(&mut self.writing, range).await?;
        }
        self.writing.run("START TRANSACTION").await?;
        match self.fill(way, shape, range, clash).await {
            Ok((held, work)) => {
                let work = way.rewriting.is_some().then_some(&work);
                account::copied(&mut self.writing, range, held, work).await?;
                self.writing.run("COMMIT").await?;
                Ok(held)
            }
            Err(problem) => {
                // On a lost connection the server rolls back by itself.
                let _ = self.writing.run("ROLLBACK").await;
                Err(problem)
            }
        }
    }

    async fn fill(
        &mut self,
        way: &Way,
        shape: &Arc<Shape>,
        range: &Range,
        clash: Clash,
    ) -> Result<(Held, Rewritten)> {
        let within = shape.between(range.low.as_deref(), range.high.as_deref());
        let into = quote::table(&way.target, &shape.name);
        if range.state == State::Copied || !shape.transactional() {
            self.writing.run(format!("DELETE FROM {into} WHERE {within}")).await?;
        }
        if !way.beside || clash == Clash::Fail || !way.rewritten(shape).is_empty() {
            return self.stream(way, shape, &within, clash).await;
        }
        self.writing
            .run(format!(
                "INSERT IGNORE INTO {into} ({}) SELECT {} FROM {}{} WHERE {within}",
                shape.names(),
                shape.names(),
                quote::table(&way.source, &shape.name),
                shape.along()
            ))
            .await?;
        let held = sums(&mut self.writing, &way.target, shape, &within).await?;
        Ok((held, Rewritten::default()))
    }

    /// Brings rows through this process. When a row was in the target already, it is open what is there.
    async fn stream(
        &mut self,
        way: &Way,
        shape: &Arc<Shape>,
        within: &str,
        clash: Clash,
    ) -> Result<(Held, Rewritten)> {
        let mut rows = self
            .reading
            .stream(format!(
                "SELECT {},{} FROM {}{} WHERE {within}",
                shape.reads(),
                shape.sum(),
                quote::table(&way.source, &shape.name),
                shape.along()
            ))
            .await?;
        let most = most_rows(shape);
        let mut held = Held::default();
        let mut work = Rewritten::default();
        let mut sure = true;
        let mut batch = Vec::new();
        let mut bytes = 0;
        loop {
            let row = rows.next().await?;
            let end = row.is_none();
            if let Some(row) = row {
                held.row(row.number(shape.columns.len()));
                bytes += row.0.iter().flatten().map(Vec::len).sum::<usize>();
                batch.push(row);
            }
            if batch.len() == most || bytes >= BATCH_BYTES || end && !batch.is_empty() {
                bytes = 0;
                let (full, done) = rewrite(way, shape, std::mem::take(&mut batch)).await;
                work.add(done);
                sure &= write(&mut self.writing, way, shape, full, clash, &mut work).await?;
            }
            if end {
                return Ok((if sure { held } else { held.open() }, work));
            }
        }
    }
}

fn most_rows(shape: &Shape) -> usize {
    let fit = (MARKS / shape.columns.len().max(1)).max(1);
    BATCH_ROWS.min(1 << fit.ilog2())
}

/// A row as it is to be written, and the cells of it that were rewritten, as they were.
struct Ready {
    cells: Cells,
    before: Vec<(usize, Vec<u8>)>,
}

impl Ready {
    fn values(&self, shape: &Shape) -> Vec<Option<Vec<u8>>> {
        self.cells.0[..shape.columns.len()].to_vec()
    }
}

/// Writes rows; answers whether none of them was there already.
async fn write(
    session: &mut Session,
    way: &Way,
    shape: &Shape,
    mut rows: Vec<Ready>,
    clash: Clash,
    work: &mut Rewritten,
) -> Result<bool> {
    let mut sure = true;
    // What a failed statement of such an engine wrote stays, so that it cannot be done again row by row.
    let again = clash == Clash::Fail && shape.transactional();
    while !rows.is_empty() {
        // Few different numbers of rows, so that the server has each statement prepared already.
        let count = 1 << rows.len().ilog2();
        let rest = rows.split_off(count);
        let some = std::mem::replace(&mut rows, rest);
        if again && some.iter().any(|row| !row.before.is_empty()) {
            let values = some.iter().flat_map(|row| row.values(shape)).collect();
            match session.put(&statement(way, shape, count, clash), values).await {
                Err(problem) if is_duplicate(&problem) => one_by_one(session, way, shape, some, work).await?,
                done => drop(done?),
            }
        } else {
            let values =
                some.into_iter().flat_map(|row| row.cells.0.into_iter().take(shape.columns.len())).collect();
            sure &= session.put(&statement(way, shape, count, clash), values).await? == count as u64;
        }
    }
    Ok(sure)
}

/// Writes rows of which one, rewritten, has a value that may be there once alone and is there already. It stays as it was.
async fn one_by_one(
    session: &mut Session,
    way: &Way,
    shape: &Shape,
    rows: Vec<Ready>,
    work: &mut Rewritten,
) -> Result<()> {
    let insert = statement(way, shape, 1, Clash::Fail);
    // Rows that keep what they hold come first, so that no rewritten one takes a value of theirs.
    let (kept, rewritten): (Vec<Ready>, Vec<Ready>) = rows.into_iter().partition(|row| row.before.is_empty());
    for mut row in kept.into_iter().chain(rewritten) {
        match session.put(&insert, row.values(shape)).await {
            Err(problem) if is_duplicate(&problem) && !row.before.is_empty() => {}
            done => {
                done?;
                continue;
            }
        }
        let before = std::mem::take(&mut row.before);
        let columns: Vec<usize> = before.iter().map(|(at, _)| *at).collect();
        for (at, value) in before {
            row.cells.0[at] = Some(value);
        }
        let key = shape.literals(shape.key_columns.iter().filter_map(|at| row.cells.bytes(*at))).join(",");
        for at in columns {
            work.cells_changed -= 1;
            work.unsafe_count += 1;
            work.unchanged_unsafe.push(UnsafeCell {
                table: shape.name.clone(),
                key: key.clone(),
                column: shape.columns[at].name.clone(),
                reason: "another row has the rewritten value already, and the table allows it once"
                    .to_owned(),
            });
        }
        session.put(&insert, row.values(shape)).await?;
    }
    Ok(())
}

fn is_duplicate(problem: &Problem) -> bool {
    problem.code == "database.refused"
        && problem.context.get("server_code").is_some_and(|code| code == "1062")
}

fn statement(way: &Way, shape: &Shape, rows: usize, clash: Clash) -> String {
    let marks = shape.columns.iter().map(Column::mark).collect::<Vec<_>>().join(",");
    let ignore = if clash == Clash::Leave { " IGNORE" } else { "" };
    format!(
        "INSERT{ignore} INTO {} ({}) VALUES {}",
        quote::table(&way.target, &shape.name),
        shape.names(),
        vec![format!("({marks})"); rows].join(",")
    )
}

/// Rewrites rows away from the threads that wait for the network.
async fn rewrite(way: &Way, shape: &Arc<Shape>, rows: Vec<Cells>) -> (Vec<Ready>, Rewritten) {
    let columns = way.rewritten(shape);
    let Some(rewriting) = way.rewriting.clone().filter(|_| !columns.is_empty()) else {
        let rows = rows.into_iter().map(|cells| Ready { cells, before: Vec::new() }).collect();
        return (rows, Rewritten::default());
    };
    let shape = Arc::clone(shape);
    let work = move || {
        let mut work = Rewritten::default();
        let rows =
            rows.into_iter().map(|row| rewrite_row(&rewriting, &shape, &columns, row, &mut work)).collect();
        (rows, work)
    };
    tokio::task::spawn_blocking(work).await.expect("rewriting does not panic")
}

fn rewrite_row(
    rewriting: &Rewriting,
    shape: &Shape,
    columns: &[usize],
    mut cells: Cells,
    work: &mut Rewritten,
) -> Ready {
    let mut before = Vec::new();
    for at in columns {
        let Some(value) = cells.bytes(*at) else {
            work.cells_scanned += 1;
            continue;
        };
        let key = || shape.literals(shape.key_columns.iter().filter_map(|at| cells.bytes(*at))).join(",");
        if let Some(new) = rewriting.cell(value, &shape.name, &shape.columns[*at].name, key, work) {
            before.extend(cells.0[*at].replace(new).map(|old| (*at, old)));
        }
    }
    Ready { cells, before }
}

/// What a range of a table holds now, as the session sees it.
pub(super) async fn sums(session: &mut Session, database: &str, shape: &Shape, within: &str) -> Result<Held> {
    let row = session
        .first(format!(
            "SELECT COUNT(*), COALESCE(SUM({}),0) FROM {}{} WHERE {within}",
            shape.sum(),
            quote::table(database, &shape.name),
            shape.along()
        ))
        .await?;
    Ok(row.map(|row| Held { rows: row.number(0), sum: row.number(1) }).unwrap_or_default())
}
