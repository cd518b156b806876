//! What becomes of a job when an attempt leaves off.

use clonedeck_store::rusqlite::{Connection, params};

use crate::advance::{complete_step, merge_result, undo_failed};
use crate::drive::{Ending, Finish};
use crate::event::record;
use crate::failure::FailureView;
use crate::job::{OnFailure, Policy};
use crate::standing::{Hold, Standing};
use crate::state::{Event, Intent, State};
use crate::steer::begin_anew;
use crate::wait::WaitNote;
use crate::{Class, Result, StepError};

/// The moment of a turn, in the kinds of time that it needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    /// Time of day.
    pub wall: i64,
    /// The queue's own time, which waits for retries count in: set to the time of day at the start of the runner, it
    /// grows with active time only.
    pub queue: i64,
    /// Chance for the jitter of this turn, between 0 and 1.
    pub luck: f64,
}

/// Writes down how an attempt ended; `false` when it was fenced off and nothing may be written.
pub(crate) fn finish(db: &Connection, now: Now, finish: &Finish, policy: &Policy) -> Result<bool> {
    let Some(mut job) = Standing::find(db, finish.seq)? else { return Ok(false) };
    if job.epoch != finish.mark.epoch || job.position.state != State::Running {
        return Ok(false);
    }
    fail::fail_point!("queue::finish", |_| std::process::abort());
    let done = matches!(finish.ending, Ending::Completed(_));
    let step = if done { finish.mark.index as i64 + 1 } else { job.step as i64 };
    db.prepare_cached(
        "UPDATE job SET active_ms = ?2, step = ?3, error = CASE ?4 WHEN 1 THEN NULL ELSE error END WHERE seq = ?1",
    )?
    .execute(params![finish.seq, finish.job_active_ms, step, done])?;
    if !done {
        // One that worked ahead and could not say how it left off.
        db.prepare_cached(
            "UPDATE step SET state = 'pending' WHERE job = ?1 AND idx > ?2 AND state = 'running'",
        )?
        .execute([finish.seq, finish.mark.index as i64])?;
    }
    match &finish.ending {
        Ending::Completed(done) => {
            complete_step(db, now.wall, &finish.mark, done)?;
            if let Some(result) = &finish.result {
                merge_result(db, finish.seq, result)?;
            }
            let to = job.after(Event::Complete)?;
            match to.state {
                State::Completed => job.end(db, now.wall, to, None)?,
                _ => job.rest(db, now.wall, to, Hold::default())?,
            }
        }
        Ending::Undone => {
            let to = job.after(Event::Undone)?;
            if to.state.is_final() {
                job.end(db, now.wall, to, None)?;
            } else {
                begin_anew(db, &job)?;
                job.rest(db, now.wall, to, Hold::default())?;
            }
        }
        Ending::Yielded => give_way(db, now, &mut job, finish)?,
        Ending::Failed(error) => {
            let report = finish.failure.clone().unwrap_or_else(|| error.report(str::to_owned));
            failed(db, now, &mut job, finish, policy, error, &report)?;
        }
    }
    Ok(true)
}

fn give_way(db: &Connection, now: Now, job: &mut Standing, finish: &Finish) -> Result<()> {
    keep_step(db, finish, "pending", None, 0)?;
    if !finish.undoing && job.position.intent == Intent::Cancel {
        let undo = job.has_undos(db)?;
        let to = job.after(Event::Fail { undo })?;
        return if undo {
            job.rest(db, now.wall, to, Hold::default())
        } else {
            job.end(db, now.wall, to, None)
        };
    }
    let to = job.after(Event::Yield)?;
    if to.state == State::Queued {
        db.prepare_cached("UPDATE job SET interrupted = 1 WHERE seq = ?1")?.execute([finish.seq])?;
    }
    let hold = if to.state == State::Paused { Hold::because(WaitNote::paused()) } else { Hold::default() };
    job.rest(db, now.wall, to, hold)
}

fn failed(
    db: &Connection,
    now: Now,
    job: &mut Standing,
    finish: &Finish,
    policy: &Policy,
    error: &StepError,
    report: &FailureView,
) -> Result<()> {
    let text = serde_json::to_string(report).unwrap_or_default();
    // A cancel that was accepted before the error came makes the error unimportant.
    if !finish.undoing && job.position.intent == Intent::Cancel {
        return give_way(db, now, job, finish);
    }
    let step = Some(finish.mark.index);
    match report.class {
        Class::NeedsPerson => {
            keep_step(db, finish, "waiting", Some(&text), 0)?;
            record(db, now.wall, finish.seq, "step.failed", step, Some(&text))?;
            let mut note = WaitNote::new(&report.code, &report.message).person(&report.help);
            let room = error.room();
            if let Some(room) = room {
                note.room = Some((room.path.clone(), room.bytes));
            }
            let to = job.after(Event::Wait)?;
            let hold = match (to.state, room) {
                (State::Waiting, Some(_)) => Hold { note: Some(note), timer: Some("room"), due_at: Some(0) },
                (State::Waiting, None) => Hold::because(note),
                _ => Hold::because(WaitNote::paused()),
            };
            job.rest(db, now.wall, to, hold)
        }
        Class::Transient if failures(db, finish)? + 1 < policy.tries => {
            let tries = failures(db, finish)? + 1;
            keep_step(db, finish, "waiting", Some(&text), 1)?;
            record(db, now.wall, finish.seq, "step.failed", step, Some(&text))?;
            db.prepare_cached("UPDATE job SET attempts = attempts + 1 WHERE seq = ?1")?
                .execute([finish.seq])?;
            let pause = policy.backoff(tries, now.luck).max(error.retry_hint().unwrap_or_default());
            let pause = crate::clock::millis(pause);
            let note = WaitNote::new(
                "retry",
                format!("Try {} of {} follows: {}", tries + 1, policy.tries, report.message),
            )
            .until(now.wall + pause);
            let to = job.after(Event::Wait)?;
            let hold = if to.state == State::Waiting {
                Hold { note: Some(note), timer: Some("active"), due_at: Some(now.queue + pause) }
            } else {
                Hold::because(WaitNote::paused())
            };
            job.rest(db, now.wall, to, hold)
        }
        // An undo that keeps failing is told and left; the other undos of the line are still to run.
        Class::Transient if finish.undoing => {
            undo_failed(db, now.wall, finish.seq, finish.mark.index, &text)?;
            let to = job.after(Event::Yield)?;
            job.rest(db, now.wall, to, Hold::default())
        }
        // None of its undos can run.
        Class::Permanent if finish.undoing => {
            for index in job.open_undos(db)? {
                undo_failed(db, now.wall, finish.seq, index, &text)?;
            }
            let anew = job.position.intent == Intent::Restart;
            if anew {
                db.prepare_cached("UPDATE job SET error = ?2 WHERE seq = ?1")?
                    .execute(params![finish.seq, text])?;
            }
            // What cannot be taken back cannot be begun anew either.
            let to = job.after(if anew { Event::Fail { undo: false } } else { Event::Undone })?;
            job.end(db, now.wall, to, anew.then_some(&*text))
        }
        Class::Transient | Class::Permanent => {
            keep_step(db, finish, "failed", Some(&text), 1)?;
            record(db, now.wall, finish.seq, "step.failed", step, Some(&text))?;
            db.prepare_cached("UPDATE job SET error = ?2 WHERE seq = ?1")?
                .execute(params![finish.seq, text])?;
            let undo = policy.on_failure == OnFailure::Undo && job.has_undos(db)?;
            let to = job.after(Event::Fail { undo })?;
            if undo {
                job.rest(db, now.wall, to, Hold::default())
            } else {
                job.end(db, now.wall, to, Some(&text))
            }
        }
    }
}

fn failures(db: &Connection, finish: &Finish) -> Result<u32> {
    use clonedeck_store::rusqlite::OptionalExtension;
    let mut query = db.prepare_cached("SELECT failures FROM step WHERE job = ?1 AND idx = ?2")?;
    Ok(query.query_row([finish.seq, finish.mark.index as i64], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// Writes down where the step was left. A step that was being undone keeps its state.
fn keep_step(db: &Connection, finish: &Finish, state: &str, error: Option<&str>, failed: u32) -> Result<()> {
    let mark = &finish.mark;
    if finish.undoing {
        db.prepare_cached("UPDATE step SET failures = failures + ?3, error = coalesce(?4, error) WHERE job = ?1 AND idx = ?2")?
            .execute(params![mark.seq, mark.index as i64, failed, error])?;
        return Ok(());
    }
    db.prepare_cached(
        "UPDATE step SET state = ?3, error = ?4, failures = failures + ?5, done = ?6, total = ?7, unit = ?8,
                message = ?9, active_ms = ?10
         WHERE job = ?1 AND idx = ?2",
    )?
    .execute(params![
        mark.seq,
        mark.index as i64,
        state,
        error,
        failed,
        mark.progress.done as i64,
        mark.progress.total.map(|total| total as i64),
        mark.progress.unit,
        mark.progress.message,
        mark.step_active_ms
    ])?;
    Ok(())
}
