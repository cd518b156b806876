//! Where a job stands in the database, and moving it.

use clonedeck_store::rusqlite::{Connection, OptionalExtension, Row, params};

use crate::event::record;
use crate::state::{Event, Intent, Position, State, next};
use crate::wait::WaitNote;
use crate::{Error, JobId, Result, batch, rank};

/// What a move of a job has to know about it.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub seq: i64,
    pub id: JobId,
    pub position: Position,
    pub epoch: i64,
    pub step: usize,
    pub priority: i32,
    pub ready_at: i64,
    pub batch: Option<i64>,
    pub unique: Option<String>,
    pub crashes: u32,
    pub kind: String,
}

const COLUMNS: &str =
    "seq, id, state, intent, epoch, step, priority, ready_at, batch, unique_key, crashes, kind";

impl Standing {
    fn read(row: &Row<'_>) -> Result<Self, clonedeck_store::rusqlite::Error> {
        let word = |text: String| State::parse(&text).unwrap_or(State::Failed);
        Ok(Self {
            seq: row.get(0)?,
            id: JobId::from_bytes(&row.get::<_, Vec<u8>>(1)?),
            position: Position::new(
                word(row.get(2)?),
                Intent::parse(&row.get::<_, String>(3)?).unwrap_or(Intent::Go),
            ),
            epoch: row.get(4)?,
            step: row.get::<_, i64>(5)?.max(0) as usize,
            priority: row.get(6)?,
            ready_at: row.get(7)?,
            batch: row.get(8)?,
            unique: row.get(9)?,
            crashes: row.get(10)?,
            kind: row.get(11)?,
        })
    }

    pub fn find(db: &Connection, seq: i64) -> Result<Option<Self>> {
        let mut query = db.prepare_cached(&format!("SELECT {COLUMNS} FROM job WHERE seq = ?1"))?;
        Ok(query.query_row([seq], Self::read).optional()?)
    }

    /// Every job in a state, oldest first.
    pub fn all_in(db: &Connection, state: State) -> Result<Vec<Self>> {
        let sql = format!("SELECT {COLUMNS} FROM job WHERE state = '{}' ORDER BY seq", state.word());
        let mut query = db.prepare_cached(&sql)?;
        Ok(query.query_map([], Self::read)?.collect::<Result<_, _>>()?)
    }

    /// Whether any step has begun whose undo has not run yet.
    pub fn has_undos(&self, db: &Connection) -> Result<bool> {
        Ok(!self.open_undos(db)?.is_empty())
    }

    /// The steps that have begun and whose undo has not run yet, the last one first.
    pub fn open_undos(&self, db: &Connection) -> Result<Vec<usize>> {
        let mut query = db.prepare_cached(
            "SELECT idx FROM step WHERE job = ?1 AND undone = 0 AND state NOT IN ('skipped', 'undone') ORDER BY idx DESC",
        )?;
        let rows = query.query_map([self.seq], |row| Ok(row.get::<_, i64>(0)?.max(0) as usize))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Where `event` takes it, or a refusal for the operator.
    pub fn after(&self, event: Event) -> Result<Position> {
        next(self.position, event).map_err(|_| Error::Refused {
            id: self.id,
            action: event.verb(),
            state: match self.position.intent {
                Intent::Cancel => format!("{} and being cancelled", self.position.state),
                Intent::Fail | Intent::Restart => {
                    format!("{} and taking back what it did", self.position.state)
                }
                _ => self.position.state.to_string(),
            },
        })
    }

    /// Moves the job to where it no longer runs and has not ended: queued, waiting or paused.
    pub fn rest(&mut self, db: &Connection, now: i64, to: Position, hold: Hold) -> Result<()> {
        let rank =
            if to.intent.undoes() { rank::UNDO_RANK } else { rank::rank(self.ready_at, self.priority) };
        let Hold { note, timer, due_at } = hold;
        if to.intent.undoes() && !self.position.intent.undoes() {
            // Undos have tries of their own.
            db.prepare_cached("UPDATE step SET failures = 0 WHERE job = ?1")?.execute([self.seq])?;
        }
        db.prepare_cached(
            "UPDATE job SET state = ?2, intent = ?3, rank = ?4, wait = ?5, timer = ?6, due_at = ?7, finished_at = NULL
             WHERE seq = ?1",
        )?
        .execute(params![
            self.seq,
            to.state.word(),
            to.intent.word(),
            rank,
            note.as_ref().map(WaitNote::to_json),
            timer,
            due_at
        ])?;
        self.position = to;
        let data = note.map(|note| note.to_json());
        record(db, now, self.seq, event_name(to.state), None, data.as_deref())
    }

    /// Ends the job: lets go of what it holds and tells its batch.
    pub fn end(&mut self, db: &Connection, now: i64, to: Position, data: Option<&str>) -> Result<()> {
        db.prepare_cached(
            "UPDATE job SET state = ?2, intent = 'go', wait = NULL, timer = NULL, due_at = NULL, unique_live = 0,
                    finished_at = ?3
             WHERE seq = ?1",
        )?
        .execute(params![self.seq, to.state.word(), now])?;
        db.prepare_cached("DELETE FROM hold WHERE job = ?1")?.execute([self.seq])?;
        self.position = to;
        record(db, now, self.seq, event_name(to.state), None, data)?;
        if let Some(batch) = self.batch {
            batch::child_ended(db, now, batch, to.state)?;
        }
        Ok(())
    }
}

/// Why and until when a job rests.
#[derive(Default)]
pub(crate) struct Hold {
    pub note: Option<WaitNote>,
    pub timer: Option<&'static str>,
    pub due_at: Option<i64>,
}

impl Hold {
    pub fn because(note: WaitNote) -> Self {
        Self { note: Some(note), ..Self::default() }
    }
}

pub(crate) const fn event_name(state: State) -> &'static str {
    match state {
        State::Queued => "job.queued",
        State::Running => "job.running",
        State::Waiting => "job.waiting",
        State::Paused => "job.paused",
        State::Completed => "job.completed",
        State::Failed => "job.failed",
        State::Cancelled => "job.cancelled",
    }
}
