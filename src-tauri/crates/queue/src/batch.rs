//! Jobs that belong together.
//!
//! The children of a batch are added in one transaction. What follows them is decided by the transaction that ends a
//! child, which is why it is decided once, whatever crashes when: `catch` with the first child that fails or is
//! cancelled, `finally` when all have ended, `then` when all have completed (or, with
//! [`allow_failures`](Batch::allow_failures), have ended). A child that is retried and completes later can still bring
//! `then` about.

use clonedeck_store::rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use crate::add::{NewJob, Start, insert, parse_draft};
use crate::event::record;
use crate::state::State;
use crate::{AddOptions, BatchId, Error, Job, JobId, Queue, Result};

type Make = Box<dyn FnOnce(&Queue) -> Result<NewJob> + Send>;

/// A batch to be added with [`Queue::add_batch`].
pub struct Batch {
    title: String,
    children: Vec<Make>,
    then: Option<Make>,
    catch: Option<Make>,
    finally: Option<Make>,
    allow_failures: bool,
}

fn make<J: Job>(spec: J::Spec, options: AddOptions) -> Make {
    Box::new(move |queue| queue.new_job::<J>(&spec, options))
}

impl Batch {
    /// An empty batch.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            children: Vec::new(),
            then: None,
            catch: None,
            finally: None,
            allow_failures: false,
        }
    }

    /// Adds a child.
    pub fn job<J: Job>(mut self, spec: J::Spec, options: AddOptions) -> Self {
        self.children.push(make::<J>(spec, options));
        self
    }

    /// The job that follows when all children have completed.
    pub fn then<J: Job>(mut self, spec: J::Spec, options: AddOptions) -> Self {
        self.then = Some(make::<J>(spec, options));
        self
    }

    /// The job that follows as soon as a child has failed or was cancelled.
    pub fn catch<J: Job>(mut self, spec: J::Spec, options: AddOptions) -> Self {
        self.catch = Some(make::<J>(spec, options));
        self
    }

    /// The job that follows when all children have ended, however.
    pub fn finally<J: Job>(mut self, spec: J::Spec, options: AddOptions) -> Self {
        self.finally = Some(make::<J>(spec, options));
        self
    }

    /// Failed children do not keep `then` from following.
    pub fn allow_failures(mut self) -> Self {
        self.allow_failures = true;
        self
    }
}

/// A batch as it stands; the counts are those of its children now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchView {
    /// Its id.
    pub id: BatchId,
    /// Its title.
    pub title: String,
    /// How many children there are.
    pub total: u64,
    /// Children that have not ended.
    pub open: u64,
    /// Children that completed.
    pub completed: u64,
    /// Children that failed.
    pub failed: u64,
    /// Children that were cancelled.
    pub cancelled: u64,
    /// Part of the children that have ended, 0 to 100.
    pub progress: f64,
    /// The children, in the order in which they were added.
    pub jobs: Vec<JobId>,
}

impl Queue {
    /// Adds all jobs of a batch, or none. Answers with the batch's id and the children's.
    pub async fn add_batch(&self, batch: Batch) -> Result<(BatchId, Vec<JobId>)> {
        if batch.children.is_empty() {
            return Err(Error::invalid("a batch", "it has no jobs"));
        }
        let id = BatchId::new();
        let children: Vec<NewJob> =
            batch.children.into_iter().map(|make| make(self)).collect::<Result<_>>()?;
        let follower = |make: Option<Make>, role: &str| -> Result<Option<String>> {
            let Some(make) = make else { return Ok(None) };
            let mut job = make(self)?;
            // Adding it twice would answer with the first one.
            job.draft.unique = Some(format!("batch:{id}:{role}"));
            serde_json::to_string(&job.draft)
                .map(Some)
                .map_err(|error| Error::invalid("a job of a batch", error))
        };
        let then = follower(batch.then, "then")?;
        let catch = follower(batch.catch, "catch")?;
        let finally = follower(batch.finally, "finally")?;
        let now = self.shared.now_ms();
        let added = self
            .shared
            .store
            .write(move |db| {
                db.execute(
                    "INSERT INTO batch (id, title, allow_failures, on_then, on_catch, on_finally, created_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![id.bytes(), batch.title, batch.allow_failures, then, catch, finally, now],
                )?;
                let seq = db.last_insert_rowid();
                children
                    .into_iter()
                    .map(|mut child| {
                        child.batch = Some(seq);
                        let stored = insert(db, now, &child)?;
                        if stored != child.id {
                            return Err(Error::Duplicate { other: stored });
                        }
                        Ok(stored)
                    })
                    .collect::<Result<Vec<_>>>()
            })
            .await?;
        self.shared.bell.ring();
        Ok((id, added))
    }

    /// A batch as it stands.
    pub async fn batch(&self, id: BatchId) -> Result<BatchView> {
        self.read(move |db| view(db, id)).await
    }
}

fn view(db: &Connection, id: BatchId) -> Result<BatchView> {
    let found = db
        .prepare_cached("SELECT seq, title FROM batch WHERE id = ?1")?
        .query_row([id.bytes()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    let (seq, title) = found.ok_or_else(|| Error::NotFound(format!("batch {id}")))?;
    let mut query = db.prepare_cached("SELECT id, state FROM job WHERE batch = ?1 ORDER BY seq")?;
    let children: Vec<(JobId, Option<State>)> = query
        .query_map([seq], |row| {
            Ok((JobId::from_bytes(&row.get::<_, Vec<u8>>(0)?), State::parse(&row.get::<_, String>(1)?)))
        })?
        .collect::<Result<_, _>>()?;
    let count = |wanted: State| children.iter().filter(|(_, state)| *state == Some(wanted)).count() as u64;
    let total = children.len() as u64;
    let (completed, failed, cancelled) =
        (count(State::Completed), count(State::Failed), count(State::Cancelled));
    let ended = completed + failed + cancelled;
    Ok(BatchView {
        id,
        title,
        total,
        open: total - ended,
        completed,
        failed,
        cancelled,
        progress: if total == 0 { 100.0 } else { ended as f64 * 100.0 / total as f64 },
        jobs: children.into_iter().map(|(id, _)| id).collect(),
    })
}

/// Decides, in the transaction that ended a child, what follows.
pub(crate) fn child_ended(db: &Connection, now: i64, batch: i64, ended: State) -> Result<()> {
    fail::fail_point!("queue::batch", |_| std::process::abort());
    let any = |states: &str| -> Result<bool> {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM job WHERE batch = ?1 AND state IN ({states}))");
        Ok(db.prepare_cached(&sql)?.query_row([batch], |row| row.get(0))?)
    };
    if ended != State::Completed {
        follow(db, now, batch, "caught_at", "on_catch")?;
    }
    if any("'queued', 'running', 'waiting', 'paused'")? {
        return Ok(());
    }
    let allow: bool = db
        .prepare_cached("SELECT allow_failures FROM batch WHERE seq = ?1")?
        .query_row([batch], |row| row.get(0))?;
    if allow || !any("'failed', 'cancelled'")? {
        follow(db, now, batch, "then_at", "on_then")?;
    }
    follow(db, now, batch, "settled_at", "on_finally")
}

/// Adds the job in column `what`, if this is the first time.
fn follow(db: &Connection, now: i64, batch: i64, once: &str, what: &str) -> Result<()> {
    let sql = format!("UPDATE batch SET {once} = ?2 WHERE seq = ?1 AND {once} IS NULL RETURNING {what}");
    let draft: Option<Option<String>> =
        db.prepare_cached(&sql)?.query_row([batch, now], |row| row.get(0)).optional()?;
    if let Some(Some(draft)) = draft {
        let job = NewJob { id: JobId::new(), draft: parse_draft(&draft)?, start: Start::Now, batch: None };
        let id = insert(db, now, &job)?;
        record(db, now, 0, "batch.followed", None, Some(&format!("{{\"job\":\"{id}\",\"by\":\"{what}\"}}")))?;
    }
    Ok(())
}
