//! What operators do to jobs. Any process may; the runner follows.

use clonedeck_store::rusqlite::{Connection, OptionalExtension, params};

use serde_json::Value;

use crate::add::holder_of;
use crate::event::record;
use crate::id::prefix_range;
use crate::standing::{Hold, Standing};
use crate::state::{Event, Position, State};
use crate::wait::WaitNote;
use crate::{Error, JobId, Queue, Result, rank};

impl Queue {
    /// The id of the job whose id begins with `prefix`.
    ///
    /// # Errors
    /// [`Error::UnknownJob`] when there is none, [`Error::AmbiguousJob`] when there are several.
    pub async fn find(&self, prefix: &str) -> Result<JobId> {
        let prefix = prefix.trim().to_owned();
        self.read(move |db| find(db, &prefix)).await
    }

    /// Pauses a job: one that runs at its next safe point, any other at once.
    pub async fn pause(&self, id: JobId) -> Result<()> {
        self.steer(id, |db, now, job| {
            let to = job.after(Event::Pause)?;
            change(db, now, job, to)
        })
        .await
    }

    /// Lets a paused job go on, or one that waits for a person or a time.
    pub async fn resume(&self, id: JobId) -> Result<()> {
        self.steer(id, |db, now, job| {
            let to = job.after(Event::Resume)?;
            forgive(db, job)?;
            change(db, now, job, to)
        })
        .await
    }

    /// Cancels a job: one that runs at its next safe point; then the undos of its steps run, last one first. A failed job
    /// whose kind keeps what a failure left is cleared up.
    pub async fn cancel(&self, id: JobId) -> Result<()> {
        self.steer(id, |db, now, job| {
            let undo = job.has_undos(db)?;
            let to = job.after(Event::Cancel { undo })?;
            change(db, now, job, to)
        })
        .await?;
        self.let_go_if_cancelled(id).await;
        Ok(())
    }

    /// Tries a job again: a failed or cancelled one from the first step that is not done, one that waits at once.
    pub async fn retry(&self, id: JobId) -> Result<()> {
        self.steer(id, |db, now, job| {
            let to = job.after(Event::Retry)?;
            reopen(db, job)?;
            change(db, now, job, to)
        })
        .await
    }

    /// Tries a job again from its first step: one that failed or was cancelled, one that waits or is paused. What it has done so far
    /// is taken back first, as by a cancel.
    pub async fn retry_from_start(&self, id: JobId) -> Result<()> {
        self.steer(id, |db, now, job| {
            let undo = job.has_undos(db)?;
            let to = job.after(Event::Restart { undo })?;
            if job.position == to {
                return Ok(());
            }
            forgive(db, job)?;
            take_key(db, job)?;
            db.prepare_cached("UPDATE job SET attempts = attempts + 1, error = NULL WHERE seq = ?1")?
                .execute([job.seq])?;
            if !undo {
                begin_anew(db, job)?;
            }
            change(db, now, job, to)
        })
        .await
    }

    /// Changes what a job that has ended left as its result, once that is not so any more.
    pub async fn correct_result(&self, id: JobId, result: &Value) -> Result<()> {
        let text = result.to_string();
        self.steer(id, move |db, now, job| {
            if !job.position.state.is_final() {
                let state = job.position.state.to_string();
                return Err(Error::Refused { id: job.id, action: "correct the result of", state });
            }
            db.prepare_cached("UPDATE job SET result = ?2 WHERE seq = ?1")?
                .execute(params![job.seq, text])?;
            record(db, now, job.seq, "job.changed", None, None)
        })
        .await
    }

    /// Gives a job that has not ended another priority, from −10 to 10.
    pub async fn set_priority(&self, id: JobId, priority: i32) -> Result<()> {
        let priority = rank::check(priority)?;
        self.steer(id, move |db, now, job| {
            if job.position.state.is_final() {
                let state = job.position.state.to_string();
                return Err(Error::Refused { id: job.id, action: "change the priority of", state });
            }
            let place = if job.position.intent.undoes() {
                rank::UNDO_RANK
            } else {
                rank::rank(job.ready_at, priority)
            };
            db.prepare_cached("UPDATE job SET priority = ?2, rank = ?3 WHERE seq = ?1")?
                .execute(params![job.seq, priority, place])?;
            record(db, now, job.seq, "job.changed", None, None)
        })
        .await
    }

    /// Holds the whole queue: nothing more is started; what runs goes on.
    pub async fn pause_queue(&self) -> Result<()> {
        self.set_setting("paused", Some("1")).await
    }

    /// Lets the queue start jobs again.
    pub async fn resume_queue(&self) -> Result<()> {
        self.set_setting("paused", None).await
    }

    async fn set_setting(&self, name: &'static str, value: Option<&'static str>) -> Result<()> {
        let now = self.shared.now_ms();
        self.shared
            .store
            .write(move |db| {
                match value {
                    Some(value) => db.execute(
                        "INSERT OR REPLACE INTO setting (name, value) VALUES (?1, ?2)",
                        [name, value],
                    )?,
                    None => db.execute("DELETE FROM setting WHERE name = ?1", [name])?,
                };
                let what = if value.is_some() { "queue.paused" } else { "queue.resumed" };
                record(db, now, 0, what, None, None)
            })
            .await?;
        self.shared.bell.ring();
        Ok(())
    }

    async fn steer<F>(&self, id: JobId, act: F) -> Result<()>
    where
        F: FnOnce(&Connection, i64, &mut Standing) -> Result<()> + Send + 'static,
    {
        let now = self.shared.now_ms();
        self.shared
            .store
            .write(move |db| {
                fail::fail_point!("queue::steer", |_| std::process::abort());
                let seq = seq_of(db, id)?;
                let mut job = Standing::find(db, seq)?.ok_or_else(|| Error::UnknownJob(id.to_string()))?;
                act(db, now, &mut job)
            })
            .await?;
        self.shared.bell.ring();
        Ok(())
    }
}

/// Whether the queue is held.
pub(crate) fn is_paused(db: &Connection) -> Result<bool> {
    let mut query = db.prepare_cached("SELECT EXISTS (SELECT 1 FROM setting WHERE name = 'paused')")?;
    Ok(query.query_row([], |row| row.get(0))?)
}

pub(crate) fn seq_of(db: &Connection, id: JobId) -> Result<i64> {
    let mut query = db.prepare_cached("SELECT seq FROM job WHERE id = ?1")?;
    query
        .query_row([id.bytes()], |row| row.get(0))
        .optional()?
        .ok_or_else(|| Error::UnknownJob(id.to_string()))
}

fn find(db: &Connection, prefix: &str) -> Result<JobId> {
    let unknown = || Error::UnknownJob(prefix.to_owned());
    let (low, high) = prefix_range(prefix).ok_or_else(unknown)?;
    let mut query =
        db.prepare_cached("SELECT id FROM job WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 5")?;
    let ids: Vec<JobId> = query
        .query_map(params![low.as_slice(), high.as_slice()], |row| row.get::<_, Vec<u8>>(0))?
        .map(|bytes| bytes.map(|bytes| JobId::from_bytes(&bytes)))
        .collect::<Result<_, _>>()?;
    match ids.as_slice() {
        [] => Err(unknown()),
        [one] => Ok(*one),
        _ => Err(Error::AmbiguousJob { prefix: prefix.into(), matches: ids }),
    }
}

/// Writes where an operator's order takes a job.
fn change(db: &Connection, now: i64, job: &mut Standing, to: Position) -> Result<()> {
    if to.state == State::Running {
        // Only the intent changes; the attempt learns of it from the runner.
        db.prepare_cached("UPDATE job SET intent = ?2 WHERE seq = ?1")?
            .execute(params![job.seq, to.intent.word()])?;
        job.position = to;
        return record(db, now, job.seq, "job.changed", None, None);
    }
    if to.state.is_final() {
        return job.end(db, now, to, None);
    }
    let hold = match to.state {
        State::Paused => Hold::because(WaitNote::paused()),
        _ => Hold::default(),
    };
    job.rest(db, now, to, hold)
}

/// A new order to go on brings new tries and a new crash budget.
fn forgive(db: &Connection, job: &Standing) -> Result<()> {
    if job.position.state != State::Running {
        db.prepare_cached("UPDATE job SET crashes = 0 WHERE seq = ?1")?.execute([job.seq])?;
        db.prepare_cached("UPDATE step SET failures = 0 WHERE job = ?1")?.execute([job.seq])?;
    }
    Ok(())
}

/// Takes the key that no two unfinished jobs share, for one that ended.
fn take_key(db: &Connection, job: &Standing) -> Result<()> {
    let Some(key) = job.unique.as_ref().filter(|_| job.position.state.is_final()) else { return Ok(()) };
    if let Some((_, other)) = holder_of(db, key)? {
        return Err(Error::Duplicate { other });
    }
    db.prepare_cached("UPDATE job SET unique_live = 1 WHERE seq = ?1")?.execute([job.seq])?;
    Ok(())
}

/// Makes a job look as it did before its first step.
pub(crate) fn begin_anew(db: &Connection, job: &Standing) -> Result<()> {
    db.prepare_cached("DELETE FROM step WHERE job = ?1")?.execute([job.seq])?;
    db.prepare_cached(
        "UPDATE job SET step = 0, result = NULL, started_at = NULL, active_ms = 0 WHERE seq = ?1",
    )?
    .execute([job.seq])?;
    Ok(())
}

/// Makes a job that ended ready to run again from the first step that is not done.
fn reopen(db: &Connection, job: &Standing) -> Result<()> {
    forgive(db, job)?;
    if !job.position.state.is_final() {
        return Ok(());
    }
    take_key(db, job)?;
    // What comes after a step that was taken back was built on it.
    let first: i64 = db
        .prepare_cached(
            "SELECT min(?2, coalesce((SELECT min(idx) FROM step WHERE job = ?1 AND state NOT IN ('completed', 'skipped')), ?2))",
        )?
        .query_row(params![job.seq, job.step as i64], |row| row.get(0))?;
    let taken_back: bool = db
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM step WHERE job = ?1 AND idx = ?2 AND state = 'undone')",
        )?
        .query_row([job.seq, first], |row| row.get(0))?;
    // What worked ahead of a step that failed keeps what it has done.
    let rows = if taken_back { "idx >= ?2" } else { "idx > ?2 AND state = 'undone'" };
    db.prepare_cached(&format!("DELETE FROM step WHERE job = ?1 AND {rows}"))?.execute([job.seq, first])?;
    db.prepare_cached("UPDATE step SET undone = 0, error = NULL, finished_at = NULL, state = CASE idx WHEN ?2 THEN 'pending' ELSE state END WHERE job = ?1")?
        .execute([job.seq, first])?;
    db.prepare_cached("UPDATE job SET step = ?2, attempts = attempts + 1, error = NULL WHERE seq = ?1")?
        .execute([job.seq, first])?;
    Ok(())
}
