//! Bringing one range of rows over.
//!
//! With nothing to rewrite and on one server, the server copies by itself. Else the rows come through this process: one session reads
//! them, in one moment of the source, and another writes them. A row is written once and always comes from the source, so nothing is
//! ever rewritten twice.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::account::{self, Held, Range, State};
use super::batch::Batch;
use super::memory::Spare;
use super::quote;
use super::reading::Reading;
use super::rows::Rows;
use super::session::Session;
use super::shape::Shape;
use super::source::Source;
use super::write::write;
use crate::databases::parsing::Parsing;
use crate::databases::{Key, Rewriting, Rewritten};
use crate::{Problem, Result};

/// Bytes of rows that are rewritten and written at a time.
const BATCH_BYTES: usize = 2 << 20;
const _: () = assert!(BATCH_BYTES < Spare::PIECE);

/// Bytes of rows that are in memory at a time, from being read until they are written; a row that is larger has all of it.
const AHEAD: usize = 16 << 20;

/// What all ranges of a job have in common.
#[derive(Debug, Clone)]
pub(super) struct Way {
    pub source: String,
    pub target: String,
    /// Whether the server can copy by itself.
    pub beside: bool,
    pub rewriting: Option<Rewriting>,
    /// What may be in memory on its way to the writers.
    pub room: Room,
}

/// Room in memory for rows that are read and not written or searched yet. Reading runs ahead within it, so that every writer has something to do.
#[derive(Debug, Clone)]
pub(super) struct Room {
    /// Kilobytes that are free.
    free: Arc<Semaphore>,
    /// Memory that rows had which are written or searched.
    pub spare: Spare,
}

impl Default for Room {
    fn default() -> Self {
        Self::beside(&Spare::default())
    }
}

impl Room {
    /// A room of its own, for rows in the same memory.
    pub fn beside(spare: &Spare) -> Self {
        Self { free: Arc::new(Semaphore::new(AHEAD >> 10)), spare: spare.clone() }
    }

    /// A place for so many bytes, once there is one.
    pub async fn take(&self, bytes: usize) -> Taken {
        let kilobytes = bytes.div_ceil(1 << 10).min(AHEAD >> 10);
        let taken = self.free.clone().acquire_many_owned(kilobytes as u32).await.expect("never closed");
        if kilobytes == AHEAD >> 10 {
            self.spare.clear();
        }
        taken
    }
}

/// A place that rows have in memory until they are written or searched.
pub(super) type Taken = OwnedSemaphorePermit;

/// What to do when a row of the range is in the target already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clash {
    /// Leave it, and have the range compared later: what is there is of another moment.
    Leave,
    /// Fail: everything is of one moment.
    Fail,
}

/// One moment of a source: a session that sees nothing of what is written later, and a number that no other moment has.
pub(super) struct Moment {
    pub session: Session,
    pub number: u64,
}

/// Rows on their way from the reader to a writer.
pub(super) struct Part {
    pub rows: Rows,
    /// What they hold of the room until they are written.
    pub taken: Taken,
}

/// A part of a range; none at its end. Without that end the range is not whole.
pub(super) type Piece = Result<Option<Part>>;

/// Where the rows of a range come from.
pub(super) enum From {
    /// From the server itself, in a moment of its own.
    Inside,
    /// From the reader of the moment with this number.
    Reader(u64, mpsc::UnboundedReceiver<Piece>),
}

/// What was brought of a range.
pub(super) struct Brought {
    pub held: Held,
    /// What parsed as it was read; none where the range is not to be read back.
    pub parsing: Option<Parsing>,
}

impl Way {
    /// The columns of a table in which addresses are rewritten.
    pub(super) fn rewritten(&self, shape: &Shape) -> Vec<usize> {
        let Some(rewriting) = &self.rewriting else { return Vec::new() };
        shape.rewritten(rewriting)
    }

    /// Whether rows of a table are read back once they are written. Not those that can change under a reader or cannot be told apart, and
    /// none without text, of which there is nothing but a number to know.
    pub(super) fn reads_back(&self, shape: &Shape) -> bool {
        self.rewriting.as_ref().is_some_and(Rewriting::reads_back)
            && shape.transactional()
            && matches!(shape.key, Key::Primary | Key::Unique)
            && !self.rewritten(shape).is_empty()
    }

    /// Whether the server copies by itself.
    pub(super) fn inside(&self) -> bool {
        self.beside && self.rewriting.is_none()
    }
}

impl Moment {
    /// The source as it is now, to be read from now on.
    pub(super) async fn of(source: &Source) -> Result<Self> {
        let mut session = source.session().await?;
        session.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").await?;
        // Zero stands for no moment, and the server's numbers have a sign in some places.
        let number = getrandom::u64().map_err(|error| {
            Problem::transient("system.random", format!("The system gives no random numbers: {error}."))
        })?;
        Ok(Self { session, number: (number >> 1).max(1) })
    }

    /// Does something with the session, and lets go afterwards of the tables that it read: they may be altered meanwhile.
    pub(super) async fn letting_go<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Session) -> Result<T>,
    ) -> Result<T> {
        self.session.run("SAVEPOINT look").await?;
        let done = work(&mut self.session).await?;
        self.session.run("ROLLBACK TO SAVEPOINT look").await?;
        Ok(done)
    }

    /// Reads a range for a writer; answers whether it went well. The writer is told.
    pub(super) async fn read(
        &mut self,
        way: &Way,
        shape: &Shape,
        range: &Range,
        to: &mpsc::UnboundedSender<Piece>,
    ) -> bool {
        let done = self.letting_go(async |session| read(session, way, shape, range, to).await).await;
        let well = done.is_ok();
        // A writer that is gone has a failure of its own.
        let _ = to.send(done.map(|()| None));
        well
    }
}

async fn read(
    session: &mut Session,
    way: &Way,
    shape: &Shape,
    range: &Range,
    to: &mpsc::UnboundedSender<Piece>,
) -> Result<()> {
    let within = shape.between(range.low.as_deref(), range.high.as_deref());
    let columns: Vec<usize> = (0..shape.columns.len()).collect();
    let mut reading = Reading::of(&way.source, shape, &columns);
    let mut answer = session.stream(format!("{}{} WHERE {within}", reading.select(), shape.along())).await?;
    let mut rows = Rows::spare(columns.len(), &way.room.spare);
    loop {
        let row = answer.row().await?;
        let end = row.is_none();
        if let Some(row) = row {
            reading.take(row, &mut rows);
        }
        if rows.size() >= BATCH_BYTES || end && rows.len() > 0 {
            let rows = std::mem::replace(&mut rows, Rows::spare(columns.len(), &way.room.spare));
            let taken = way.room.take(rows.size()).await;
            if to.send(Ok(Some(Part { rows, taken }))).is_err() {
                return Ok(());
            }
        }
        if end {
            break;
        }
    }
    drop(answer);
    for is in reading.left_out() {
        let (rows, taken) = reading.alone(session, &is, &way.room).await?;
        if rows.len() == 0 && shape.transactional() {
            return Err(Problem::permanent(
                "database.refused",
                format!("A row of {} that the server gave is not found by its key: {is}.", shape.name),
            ));
        }
        if to.send(Ok(Some(Part { rows, taken }))).is_err() {
            break;
        }
    }
    Ok(())
}

/// Brings a range over as one transaction, its account with it. What of it was there before is replaced.
pub(super) async fn bring(
    writing: &mut Session,
    way: &Way,
    shape: &Arc<Shape>,
    range: &Range,
    from: From,
    clash: Clash,
) -> Result<Brought> {
    if !shape.transactional() {
        if range.state == State::Copied {
            account::forget(writing, range).await?;
        }
        empty(writing, way, shape, range).await?;
    }
    writing.run("START TRANSACTION").await?;
    match fill(writing, way, shape, range, from, clash).await {
        Ok((brought, moment, work)) => {
            let work = way.rewriting.is_some().then_some(&work);
            account::copied(writing, range, brought.held, moment, work).await?;
            writing.run("COMMIT").await?;
            Ok(brought)
        }
        Err(problem) => {
            // On a lost connection the server rolls back by itself.
            let _ = writing.run("ROLLBACK").await;
            Err(problem)
        }
    }
}

/// Takes what is in a range out of the copy.
pub(super) async fn empty(writing: &mut Session, way: &Way, shape: &Shape, range: &Range) -> Result<()> {
    let within = shape.between(range.low.as_deref(), range.high.as_deref());
    writing.run(shape.emptying(&quote::table(&way.target, &shape.name), &within)).await?;
    Ok(())
}

async fn fill(
    writing: &mut Session,
    way: &Way,
    shape: &Arc<Shape>,
    range: &Range,
    from: From,
    clash: Clash,
) -> Result<(Brought, u64, Rewritten)> {
    let within = shape.between(range.low.as_deref(), range.high.as_deref());
    if shape.transactional() && range.state == State::Copied {
        empty(writing, way, shape, range).await?;
    }
    let From::Reader(moment, mut pieces) = from else {
        writing
            .run(format!(
                "INSERT IGNORE INTO {} ({}) SELECT {} FROM {}{} WHERE {within}",
                quote::table(&way.target, &shape.name),
                shape.names(),
                shape.names(),
                quote::table(&way.source, &shape.name),
                shape.along()
            ))
            .await?;
        let held = sums(writing, &way.target, shape, &within).await?;
        return Ok((Brought { held, parsing: None }, 0, Rewritten::default()));
    };
    let mut held = Held::default();
    let mut work = Rewritten::default();
    let mut parsing = way.reads_back(shape).then(Parsing::default);
    let mut sure = true;
    loop {
        let Part { rows, taken } = match pieces.recv().await {
            Some(Ok(Some(part))) => part,
            Some(Ok(None)) => break,
            Some(Err(problem)) => return Err(problem),
            None => {
                return Err(Problem::transient(
                    "database.gone",
                    "The reading of the source ended too early.",
                ));
            }
        };
        let (batch, done) = prepare(way, shape, rows).await;
        let written = write(writing, way, shape, &batch, clash).await?;
        sure &= written.sure;
        // Values that nobody can hold several times over are looked at alone, later.
        match &mut parsing {
            Some(parsing) if written.sure && !batch.giant => parsing.add(batch.parsing),
            _ => parsing = None,
        }
        held.add(batch.held);
        work.add(done);
        work.keep(written.kept);
        drop((batch, taken));
    }
    // When a row was in the target already, it is open what is there.
    let (held, moment) = if sure { (held, moment) } else { (held.open(), 0) };
    Ok((Brought { held, parsing }, moment, work))
}

/// Sums and rewrites rows away from the threads that wait for the network.
async fn prepare(way: &Way, shape: &Arc<Shape>, rows: Rows) -> (Arc<Batch>, Rewritten) {
    let (way, shape) = (way.clone(), Arc::clone(shape));
    let work = move || {
        let mut batch = Batch::new(&way, &shape, rows);
        let work = std::mem::take(&mut batch.work);
        (Arc::new(batch), work)
    };
    tokio::task::spawn_blocking(work).await.expect("rewriting does not panic")
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
