//! Waking jobs whose time has come.

use std::path::PathBuf;

use clonedeck_store::rusqlite::Connection;

use crate::finish::Now;
use crate::standing::{Hold, Standing};
use crate::state::{Event, State};
use crate::wait::WaitNote;
use crate::{Result, schedule};

/// When the next job is due, in each kind of time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Next {
    pub wall: Option<i64>,
    pub active: Option<i64>,
    /// Whether a job waits for room on a disk.
    pub room: bool,
}

pub(crate) const EARLIEST: &str = "SELECT min(due_at) FROM job WHERE timer = ?1 AND due_at IS NOT NULL";

pub(crate) fn next(db: &Connection) -> Result<Next> {
    let mut query = db.prepare_cached(EARLIEST)?;
    let wall: Option<i64> = query.query_row(["wall"], |row| row.get(0))?;
    Ok(Next {
        wall: wall.into_iter().chain(schedule::earliest(db)?).min(),
        active: query.query_row(["active"], |row| row.get(0))?,
        room: query.query_row(["room"], |row| row.get::<_, Option<i64>>(0))?.is_some(),
    })
}

/// Puts the jobs whose time has come back in line.
pub(crate) fn wake(db: &Connection, now: Now) -> Result<()> {
    schedule::run_due(db, now.wall)?;
    for (timer, time) in [("wall", now.wall), ("active", now.queue)] {
        let due: Vec<i64> = {
            let mut query = db.prepare_cached(
                "SELECT seq FROM job WHERE timer = ?1 AND due_at IS NOT NULL AND due_at <= ?2 ORDER BY due_at LIMIT 1000",
            )?;
            let rows = query.query_map(clonedeck_store::rusqlite::params![timer, time], |row| row.get(0))?;
            rows.collect::<Result<_, _>>()?
        };
        wake_these(db, now.wall, &due)?;
    }
    Ok(())
}

/// Jobs that wait for room, with the path and the bytes they wait for.
pub(crate) fn waiting_for_room(db: &Connection) -> Result<Vec<(i64, PathBuf, u64)>> {
    let mut query =
        db.prepare_cached("SELECT seq, wait FROM job WHERE timer = 'room' AND due_at IS NOT NULL")?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?)))?;
    let mut found = Vec::new();
    for row in rows {
        let (seq, note): (i64, _) = row?;
        let room = note.as_deref().and_then(WaitNote::parse).and_then(|note| note.room);
        found.extend(room.map(|(path, bytes)| (seq, path, bytes)));
    }
    Ok(found)
}

/// Puts jobs back in line that have room now.
pub(crate) fn wake_these(db: &Connection, now: i64, jobs: &[i64]) -> Result<()> {
    for seq in jobs {
        if let Some(mut job) = Standing::find(db, *seq)?
            && job.position.state == State::Waiting
        {
            let to = job.after(Event::Due)?;
            job.rest(db, now, to, Hold::default())?;
        }
    }
    Ok(())
}
