//! What happened, as rows in the order of commits.

use clonedeck_store::rusqlite::{Connection, params};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::timestamp;
use crate::{JobId, Result};

/// Something that happened to a job. It is announced after its commit, never before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Happening {
    /// Its place in the order of all of them; grows, with gaps.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// To which job; `None` when its record is gone.
    pub job: Option<JobId>,
    /// What: `job.queued`, `job.running`, `job.waiting`, `job.paused`, `job.completed`, `job.failed`, `job.cancelled`,
    /// `job.rescued`, `job.changed`, `step.running`, `step.completed`, `step.skipped`, `step.failed`, `step.undone`,
    /// `step.undo-failed`.
    pub name: String,
    /// Index of the step, for what happens to steps.
    pub step: Option<usize>,
    /// More, such as the error.
    pub data: Option<Value>,
}

/// Writes down what happened, in the transaction that makes it so.
pub(crate) fn record(
    db: &Connection,
    now: i64,
    job: i64,
    name: &str,
    step: Option<usize>,
    data: Option<&str>,
) -> Result<()> {
    db.prepare_cached("INSERT INTO event (at, job, name, step, data) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![now, job, name, step.map(|step| step as i64), data])?;
    Ok(())
}

/// The number of the last event.
pub(crate) fn last_seq(db: &Connection) -> Result<i64> {
    Ok(db.prepare_cached("SELECT coalesce(max(seq), 0) FROM event")?.query_row([], |row| row.get(0))?)
}

/// The number of the first event that is still kept.
pub(crate) fn first_seq(db: &Connection) -> Result<i64> {
    Ok(db.prepare_cached("SELECT coalesce(min(seq), 1) FROM event")?.query_row([], |row| row.get(0))?)
}

/// Events after `seq`, oldest first.
pub(crate) fn after(db: &Connection, seq: i64, limit: usize) -> Result<Vec<Happening>> {
    let mut query = db.prepare_cached(
        "SELECT e.seq, e.at, j.id, e.name, e.step, e.data FROM event e LEFT JOIN job j ON j.seq = e.job
         WHERE e.seq > ?1 ORDER BY e.seq LIMIT ?2",
    )?;
    let rows = query.query_map([seq, limit as i64], |row| {
        Ok(Happening {
            seq: row.get(0)?,
            at: timestamp(row.get(1)?),
            job: row.get::<_, Option<Vec<u8>>>(2)?.map(|bytes| JobId::from_bytes(&bytes)),
            name: row.get(3)?,
            step: row.get::<_, Option<i64>>(4)?.map(|step| step as usize),
            data: row.get::<_, Option<String>>(5)?.and_then(|text| serde_json::from_str(&text).ok()),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
