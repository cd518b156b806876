//! Looking whether the copy is one.
//!
//! Every row of the copy is read again, by sessions that have nothing to do with those that wrote it. Several tables are read at a time,
//! and what was read is searched while the next rows come.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;

use super::account::Range;
use super::range::Room;
use super::reading::Reading;
use super::rows::Rows;
use super::session::{Mode, Session};
use super::shape::{Shape, shapes};
use super::source::{self, Source};
use super::target::Target;
use crate::databases::parsing::Parsing;
use crate::databases::{Checked, Known, LeftOver, Rewriting, TableRows};
use crate::{Result, Unit, Watch};

/// Tables that are read at a time.
const TABLES: usize = 2;

/// Bytes of rows that are searched at a time.
const BATCH_BYTES: usize = 1 << 20;

/// What was found in one table; the number is its place among all.
type Found = (usize, TableRows, Vec<LeftOver>);

/// Counts rows on both sides and looks for old addresses in every column of text.
pub(crate) async fn check(
    source: &Source,
    target: &Target,
    rewriting: Option<&Rewriting>,
    known: Known<'_>,
    watch: &dyn Watch,
) -> Result<Checked> {
    let mut copy = target.login.open(&target.name, Mode::Read).await?;
    let shapes = shapes(&mut copy, &target.name).await?;
    copy.close().await;
    let total = shapes.len() as u64;
    let mut found: Vec<Found> = Vec::new();
    let mut open: Vec<(usize, Arc<Shape>)> = Vec::new();
    for (place, shape) in shapes.into_iter().enumerate() {
        match known.read_back.iter().find(|known| known.table == shape.name) {
            Some(back) => {
                let rows_source = known.rows(&shape.name).unwrap_or(back.rows);
                let rows = TableRows { name: shape.name, rows_source, rows_target: back.rows };
                found.push((place, rows, back.left_over.clone()));
            }
            None => open.push((place, Arc::new(shape))),
        }
    }
    // The largest first, so that none of them is left for one session at the end.
    open.sort_by_key(|(_, shape)| std::cmp::Reverse(shape.bytes));
    let lookers = TABLES.min(open.len());
    let open = Mutex::new(VecDeque::from(open));
    let found = Mutex::new(found);
    let room = Room::default();
    let lookers = (0..lookers).map(|_| async {
        let mut reading = source.session().await?;
        let mut copy = target.login.open(&target.name, Mode::Read).await?;
        loop {
            let next = locked(&open).pop_front();
            let Some((place, shape)) = next else { break };
            watch.safe_point().await?;
            watch.doing(&shape.name);
            let in_source = async {
                match known.rows(&shape.name) {
                    Some(rows) => Ok(rows),
                    None => source::rows(&mut reading, &source.name, &shape).await,
                }
            };
            let (rows_source, looked) =
                futures::join!(in_source, look(&mut copy, &target.name, &shape, rewriting, None, &room));
            let (rows_source, looked) = (rows_source?, looked?);
            let rows = TableRows { name: shape.name.clone(), rows_source, rows_target: looked.rows };
            let mut found = locked(&found);
            found.push((place, rows, looked.left_over));
            watch.progress(found.len() as u64, total, Unit::Tables);
        }
        reading.close().await;
        copy.close().await;
        Ok::<_, crate::Problem>(())
    });
    futures::future::try_join_all(lookers).await?;
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(place, ..)| *place);
    let mut checked = Checked::default();
    for (_, rows, mut left_over) in found {
        checked.tables.push(rows);
        checked.left_over.append(&mut left_over);
    }
    Ok(checked)
}

fn locked<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was found in rows of the copy.
#[derive(Default)]
pub(super) struct Looked {
    pub rows: u64,
    pub left_over: Vec<LeftOver>,
    /// What of them parses, where one range was looked at.
    pub parsing: Parsing,
}

/// Counts the rows of a table of the copy, or of one range of it, and finds old addresses in them. A row with a value that is too long
/// takes its place in `room`.
pub(super) async fn look(
    copy: &mut Session,
    database: &str,
    shape: &Arc<Shape>,
    rewriting: Option<&Rewriting>,
    range: Option<&Range>,
    room: &Room,
) -> Result<Looked> {
    let (rewriting, columns) = match rewriting.map(|rewriting| (rewriting, shape.rewritten(rewriting))) {
        Some((rewriting, columns)) if !columns.is_empty() => (rewriting, columns),
        _ => {
            let rows = source::rows(copy, database, shape).await?;
            return Ok(Looked { rows, ..Looked::default() });
        }
    };
    let which = range.map_or(String::new(), |range| {
        let within = shape.between(range.low.as_deref(), range.high.as_deref());
        format!("{} WHERE {within}", shape.along())
    });
    // The key first, then the columns to look at, and nothing else of a row.
    let read: Vec<usize> = shape.key_columns.iter().chain(&columns).copied().collect();
    let mut reading = Reading::of(database, shape, &read);
    let mut answer = copy.stream(format!("{}{which}", reading.select())).await?;
    let mut rows = Rows::spare(read.len(), &room.spare);
    let mut search = Search {
        shape: Arc::clone(shape),
        rewriting: rewriting.clone(),
        columns: columns.into(),
        parses: range.is_some(),
        running: None,
        found: Looked::default(),
    };
    while let Some(row) = answer.row().await? {
        search.found.rows += 1;
        reading.take(row, &mut rows);
        if rows.size() >= BATCH_BYTES {
            search.begin(std::mem::replace(&mut rows, Rows::spare(read.len(), &room.spare))).await;
        }
    }
    drop(answer);
    search.begin(rows).await;
    let left_out = reading.left_out();
    if left_out.is_empty() {
        return Ok(search.end().await);
    }
    // In one moment: somebody may be at work in the copy already.
    copy.run("START TRANSACTION READ ONLY").await?;
    for is in left_out {
        search.gather().await;
        let (rows, taken) = reading.alone(copy, &is, room).await?;
        search.begin(rows).await;
        search.gather().await;
        drop(taken);
    }
    copy.run("COMMIT").await?;
    Ok(search.end().await)
}

/// The search through rows, away from the threads that wait for the network: one batch at a time.
struct Search {
    shape: Arc<Shape>,
    rewriting: Rewriting,
    columns: Arc<[usize]>,
    parses: bool,
    running: Option<JoinHandle<(Vec<LeftOver>, Parsing)>>,
    found: Looked,
}

impl Search {
    /// Searches these rows, once those before are searched.
    async fn begin(&mut self, rows: Rows) {
        self.gather().await;
        let (shape, rewriting, columns) =
            (Arc::clone(&self.shape), self.rewriting.clone(), Arc::clone(&self.columns));
        let parses = self.parses;
        self.running = Some(tokio::task::spawn_blocking(move || {
            // The cells of a row begin with those of the key.
            let keys: Vec<usize> = (0..shape.key_columns.len()).collect();
            let cells: Vec<_> = (keys.len()..).zip(columns.iter().copied()).collect();
            let parsing = if parses { rows.parsing(&keys, &cells) } else { Parsing::default() };
            (left_over(&rows, &shape, &rewriting, &columns), parsing)
        }));
    }

    async fn end(mut self) -> Looked {
        self.gather().await;
        self.found
    }

    async fn gather(&mut self) {
        let Some(running) = self.running.take() else { return };
        let (left_over, parsing) = running.await.expect("searching does not panic");
        merge(&mut self.found.left_over, left_over);
        self.found.parsing.add(parsing);
    }
}

/// Adds what was found in other rows of the same table.
pub(super) fn merge(found: &mut Vec<LeftOver>, more: Vec<LeftOver>) {
    for new in more {
        match found.iter_mut().find(|known| known.column == new.column) {
            Some(known) => known.cells += new.cells,
            None => found.push(new),
        }
    }
}

/// The columns of these rows that hold an old address. Their cells begin with those of the key.
fn left_over(rows: &Rows, shape: &Shape, rewriting: &Rewriting, columns: &[usize]) -> Vec<LeftOver> {
    let keys = shape.key_columns.len();
    let mut found: Vec<LeftOver> = Vec::new();
    for row in 0..rows.len() {
        for (place, at) in columns.iter().enumerate() {
            if !rows.get(row, keys + place).is_some_and(|value| rewriting.holds_old(value)) {
                continue;
            }
            let column = &shape.columns[*at].name;
            match found.iter_mut().find(|known| known.column == *column) {
                Some(known) => known.cells += 1,
                None => found.push(LeftOver {
                    table: shape.name.clone(),
                    column: column.clone(),
                    cells: 1,
                    example: shape.literals((0..keys).filter_map(|key| rows.get(row, key))).join(","),
                }),
            }
        }
    }
    found
}
