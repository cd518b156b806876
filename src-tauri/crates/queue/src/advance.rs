//! What an attempt writes while it runs. Every write is fenced: it counts only while the job is running in the
//! attempt's epoch, and says `false` or [`Next::Lost`] when it is not.

use std::collections::HashMap;
use std::sync::Arc;

use clonedeck_store::rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use crate::attempt::Attempt;
use crate::drive::UndoOutcome;
use crate::event::record;
use crate::line::{Planned, RawDone};
use crate::progress::Progress;
use crate::state::Intent;
use crate::{Error, Result, Undone};

/// Where an attempt is.
pub(crate) struct Mark {
    pub seq: i64,
    pub epoch: i64,
    pub index: usize,
    pub progress: Progress,
    pub step_active_ms: i64,
}

/// What of the line may follow a step.
pub(crate) struct Way {
    pub attempt: Arc<Attempt>,
    /// Whether there is no reason to stop.
    pub go_on: bool,
    /// The step that is at work ahead.
    pub ahead: Option<usize>,
}

/// Where a step begins.
pub(crate) struct Begun {
    pub cursor: Option<String>,
    pub failures: u32,
    pub active_ms: i64,
}

/// What follows a completed step.
pub(crate) enum Next {
    /// This step has begun.
    Begun { index: usize, begun: Begun },
    /// The next step is at work ahead already.
    Ahead,
    /// The step is kept; the job has to stop before this one.
    Held { index: usize },
    /// The attempt was fenced off.
    Lost,
}

/// The intent of the job if it is running in this epoch.
pub(crate) fn fence(db: &Connection, seq: i64, epoch: i64) -> Result<Option<Intent>> {
    let mut query =
        db.prepare_cached("SELECT intent FROM job WHERE seq = ?1 AND epoch = ?2 AND state = 'running'")?;
    let word: Option<String> = query.query_row(params![seq, epoch], |row| row.get(0)).optional()?;
    Ok(word.and_then(|word| Intent::parse(&word)))
}

pub(crate) fn checkpoint(db: &Connection, mark: &Mark, cursor: &str) -> Result<bool> {
    if fence(db, mark.seq, mark.epoch)?.is_none() {
        return Ok(false);
    }
    let changed = db
        .prepare_cached(
            "UPDATE step SET cursor = ?3, done = ?4, total = ?5, unit = ?6, message = ?7, active_ms = ?8
             WHERE job = ?1 AND idx = ?2",
        )?
        .execute(params![
            mark.seq,
            mark.index as i64,
            cursor,
            mark.progress.done as i64,
            mark.progress.total.map(|total| total as i64),
            mark.progress.unit,
            mark.progress.message,
            mark.step_active_ms
        ])?;
    Ok(changed == 1)
}

/// Writes how far the step is, without a new cursor.
pub(crate) fn flush(db: &Connection, mark: &Mark, job_active_ms: i64) -> Result<bool> {
    if fence(db, mark.seq, mark.epoch)?.is_none() {
        return Ok(false);
    }
    db.prepare_cached(
        "UPDATE step SET done = ?3, total = ?4, unit = ?5, message = ?6, active_ms = ?7 WHERE job = ?1 AND idx = ?2",
    )?
    .execute(params![
        mark.seq,
        mark.index as i64,
        mark.progress.done as i64,
        mark.progress.total.map(|total| total as i64),
        mark.progress.unit,
        mark.progress.message,
        mark.step_active_ms
    ])?;
    db.prepare_cached("UPDATE job SET active_ms = ?2 WHERE seq = ?1")?.execute([mark.seq, job_active_ms])?;
    Ok(true)
}

/// Marks a step as done. The caller has looked at the fence.
pub(crate) fn complete_step(db: &Connection, now: i64, mark: &Mark, done: &RawDone) -> Result<()> {
    let (state, message) = match &done.skipped {
        Some(reason) => ("skipped", Some(reason)),
        None => ("completed", mark.progress.message.as_ref()),
    };
    db.prepare_cached(
        "UPDATE step SET state = ?3, output = ?4, cursor = NULL, error = NULL, done = ?5, total = ?6, unit = ?7,
                message = ?8, active_ms = ?9, finished_at = ?10
         WHERE job = ?1 AND idx = ?2",
    )?
    .execute(params![
        mark.seq,
        mark.index as i64,
        state,
        done.output,
        mark.progress.done as i64,
        mark.progress.total.map(|total| total as i64),
        mark.progress.unit,
        message,
        mark.step_active_ms,
        now
    ])?;
    record(
        db,
        now,
        mark.seq,
        if done.skipped.is_some() { "step.skipped" } else { "step.completed" },
        Some(mark.index),
        None,
    )
}

/// Puts a step to work: a new row, or the row of an earlier try.
pub(crate) fn begin_step(db: &Connection, now: i64, seq: i64, index: usize, name: &str) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO step (job, idx, name, state, started_at) VALUES (?1, ?2, ?3, 'running', ?4)
         ON CONFLICT (job, idx) DO UPDATE SET state = 'running', error = NULL, undone = 0, finished_at = NULL,
                name = excluded.name, started_at = coalesce(started_at, excluded.started_at)",
    )?
    .execute(params![seq, index as i64, name, now])?;
    record(db, now, seq, "step.running", Some(index), None)
}

pub(crate) fn merge_result(db: &Connection, seq: i64, result: &Value) -> Result<()> {
    let stored: Option<String> =
        db.prepare_cached("SELECT result FROM job WHERE seq = ?1")?.query_row([seq], |row| row.get(0))?;
    let stored = stored.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let merged = match (stored, result) {
        (Some(Value::Object(mut all)), Value::Object(more)) => {
            all.extend(more.clone());
            Value::Object(all)
        }
        (_, value) => value.clone(),
    };
    db.prepare_cached("UPDATE job SET result = ?2 WHERE seq = ?1")?
        .execute(params![seq, merged.to_string()])?;
    Ok(())
}

/// Completes a step in the middle of the line and goes on to what follows.
pub(crate) fn step_done(
    db: &Connection,
    now: i64,
    mark: &Mark,
    done: &RawDone,
    result: Option<&Value>,
    way: &Way,
) -> Result<Next> {
    let Some(intent) = fence(db, mark.seq, mark.epoch)? else { return Ok(Next::Lost) };
    fail::fail_point!("queue::step-done", |_| std::process::abort());
    complete_step(db, now, mark, done)?;
    if let Some(result) = result {
        merge_result(db, mark.seq, result)?;
    }
    go_on(db, now, mark.seq, mark.index + 1, intent, way)
}

/// Goes on from a step that worked ahead when the line came to it: past it where it is done, else it begins in its turn.
pub(crate) fn pass(db: &Connection, now: i64, index: usize, way: &Way) -> Result<Next> {
    let seq = way.attempt.seq;
    match fence(db, seq, way.attempt.epoch)? {
        Some(intent) => go_on(db, now, seq, index, intent, way),
        None => Ok(Next::Lost),
    }
}

fn go_on(db: &Connection, now: i64, seq: i64, from: usize, intent: Intent, way: &Way) -> Result<Next> {
    let index = first_open(db, seq, from)?;
    db.prepare_cached("UPDATE job SET step = ?2 WHERE seq = ?1")?.execute([seq, index as i64])?;
    if way.ahead == Some(index) {
        return Ok(Next::Ahead);
    }
    let step = way.attempt.line.get(index).filter(|_| way.go_on && intent == Intent::Go);
    let Some(step) = step else { return Ok(Next::Held { index }) };
    begin_step(db, now, seq, index, &step.name)?;
    Ok(Next::Begun { index, begun: begun(db, seq, index)? })
}

/// The first step from `from` on that is not done: those that worked ahead may be.
pub(crate) fn first_open(db: &Connection, seq: i64, from: usize) -> Result<usize> {
    let mut query = db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM step WHERE job = ?1 AND idx = ?2 AND state IN ('completed', 'skipped'))",
    )?;
    let mut index = from;
    while query.query_row([seq, index as i64], |row| row.get(0))? {
        index += 1;
    }
    Ok(index)
}

fn begun(db: &Connection, seq: i64, index: usize) -> Result<Begun> {
    let mut query =
        db.prepare_cached("SELECT cursor, failures, active_ms FROM step WHERE job = ?1 AND idx = ?2")?;
    Ok(query.query_row([seq, index as i64], |row| {
        Ok(Begun { cursor: row.get(0)?, failures: row.get(1)?, active_ms: row.get(2)? })
    })?)
}

/// Puts a step to work ahead of the line; none when it is done, or the job has to stop.
pub(crate) fn begin_ahead(
    db: &Connection,
    now: i64,
    seq: i64,
    epoch: i64,
    index: usize,
    name: &str,
) -> Result<Option<Begun>> {
    if fence(db, seq, epoch)? != Some(Intent::Go) || first_open(db, seq, index)? != index {
        return Ok(None);
    }
    begin_step(db, now, seq, index, name)?;
    Ok(Some(begun(db, seq, index)?))
}

/// Completes a step that worked ahead; the line passes it by when it comes to it.
pub(crate) fn ahead_done(
    db: &Connection,
    now: i64,
    mark: &Mark,
    done: &RawDone,
    result: Option<&Value>,
) -> Result<bool> {
    if fence(db, mark.seq, mark.epoch)?.is_none() {
        return Ok(false);
    }
    fail::fail_point!("queue::ahead-done", |_| std::process::abort());
    complete_step(db, now, mark, done)?;
    if let Some(result) = result {
        merge_result(db, mark.seq, result)?;
    }
    Ok(true)
}

/// A step that worked ahead has left off: it runs again in its turn.
pub(crate) fn ahead_left(db: &Connection, now: i64, mark: &Mark) -> Result<bool> {
    if fence(db, mark.seq, mark.epoch)?.is_none() {
        return Ok(false);
    }
    db.prepare_cached("UPDATE step SET state = 'pending', active_ms = ?3 WHERE job = ?1 AND idx = ?2")?
        .execute([mark.seq, mark.index as i64, mark.step_active_ms])?;
    record(db, now, mark.seq, "job.changed", None, None)?;
    Ok(true)
}

pub(crate) fn step_undone(db: &Connection, now: i64, mark: &Mark, outcome: &UndoOutcome) -> Result<bool> {
    if fence(db, mark.seq, mark.epoch)?.is_none() {
        return Ok(false);
    }
    fail::fail_point!("queue::step-undone", |_| std::process::abort());
    let at = [mark.seq, mark.index as i64];
    match outcome {
        Ok(Undone::Nothing) => {
            db.prepare_cached("UPDATE step SET undone = 1 WHERE job = ?1 AND idx = ?2")?.execute(at)?;
        }
        Ok(Undone::Reverted) => {
            db.prepare_cached(
                "UPDATE step SET undone = 1, state = 'undone', cursor = NULL, output = NULL WHERE job = ?1 AND idx = ?2",
            )?
            .execute(at)?;
            record(db, now, mark.seq, "step.undone", Some(mark.index), None)?;
        }
        Err(failure) => {
            let text = serde_json::to_string(failure).unwrap_or_default();
            undo_failed(db, now, mark.seq, mark.index, &text)?;
        }
    }
    Ok(true)
}

/// Tells that a step could not be taken back, and leaves it at that. `failure` is a [`FailureView`](crate::FailureView) as JSON.
pub(crate) fn undo_failed(db: &Connection, now: i64, seq: i64, index: usize, failure: &str) -> Result<()> {
    db.prepare_cached("UPDATE step SET undone = 1, error = ?3 WHERE job = ?1 AND idx = ?2")?
        .execute(params![seq, index as i64, failure])?;
    record(db, now, seq, "step.undo-failed", Some(index), Some(failure))
}

pub(crate) fn set_weights(
    db: &Connection,
    seq: i64,
    epoch: i64,
    weights: &HashMap<String, f64>,
) -> Result<bool> {
    if fence(db, seq, epoch)?.is_none() {
        return Ok(false);
    }
    let text: String =
        db.prepare_cached("SELECT line FROM job WHERE seq = ?1")?.query_row([seq], |row| row.get(0))?;
    let mut line: Vec<Planned> =
        serde_json::from_str(&text).map_err(|error| Error::invalid("the line of a job", error))?;
    for step in &mut line {
        if let Some(weight) = weights.get(&step.name).filter(|weight| weight.is_finite() && **weight >= 0.0) {
            step.weight = *weight;
        }
    }
    let text = serde_json::to_string(&line).map_err(|error| Error::invalid("the line of a job", error))?;
    db.prepare_cached("UPDATE job SET line = ?2 WHERE seq = ?1")?.execute(params![seq, text])?;
    Ok(true)
}
