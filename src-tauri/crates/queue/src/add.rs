//! Adding jobs.

use std::time::Duration;

use clonedeck_store::rusqlite::{Connection, OptionalExtension, params};
use jiff::Timestamp;

use crate::event::record;
use crate::line::Draft;
use crate::wait::WaitNote;
use crate::{Error, Job, JobId, Queue, Result, rank};

/// How a job is added.
///
/// ```
/// use std::time::Duration;
/// use clonedeck_queue::AddOptions;
///
/// let options = AddOptions::default().priority(5).unique("clone:/srv/shop").after(Duration::from_secs(60));
/// ```
#[derive(Clone, Debug, Default)]
pub struct AddOptions {
    pub(crate) priority: i32,
    pub(crate) unique: Option<String>,
    pub(crate) start: Start,
}

#[derive(Clone, Debug, Default)]
pub(crate) enum Start {
    #[default]
    Now,
    At(Timestamp),
    After(Duration),
    Paused,
}

impl AddOptions {
    /// From −10 to 10; 0 when not said. See [`rank`](crate::rank).
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// While an unfinished job holds this key, adding another one with it answers with that job's id.
    pub fn unique(mut self, key: impl Into<String>) -> Self {
        self.unique = Some(key.into());
        self
    }

    /// Not before this time of day.
    pub fn at(mut self, time: Timestamp) -> Self {
        self.start = Start::At(time);
        self
    }

    /// Not before this much time has passed.
    pub fn after(mut self, wait: Duration) -> Self {
        self.start = Start::After(wait);
        self
    }

    /// Adds the job paused: it starts when it is resumed.
    pub fn paused(mut self) -> Self {
        self.start = Start::Paused;
        self
    }
}

/// A job ready to go into the table.
pub(crate) struct NewJob {
    pub id: JobId,
    pub draft: Draft,
    pub start: Start,
    pub batch: Option<i64>,
}

impl Queue {
    /// Adds a job. When this returns, the job is on the disk and will run, whatever happens to this process.
    ///
    /// # Errors
    /// [`Error::UnknownKind`] when the kind is not registered, [`Error::Invalid`] for a bad priority or an order that is
    /// no JSON, [`Error::Store`] when it could not be kept; then nothing was added.
    pub async fn add<J: Job>(&self, spec: &J::Spec, options: AddOptions) -> Result<JobId> {
        let job = self.new_job::<J>(spec, options)?;
        let now = self.shared.now_ms();
        let id = self.shared.store.write(move |db| insert(db, now, &job)).await?;
        self.shared.bell.ring();
        Ok(id)
    }

    /// Adds many jobs of a kind in one transaction: all of them or none.
    pub async fn add_many<J: Job>(&self, specs: &[J::Spec], options: AddOptions) -> Result<Vec<JobId>> {
        let jobs: Vec<NewJob> =
            specs.iter().map(|spec| self.new_job::<J>(spec, options.clone())).collect::<Result<_>>()?;
        let now = self.shared.now_ms();
        let ids = self
            .shared
            .store
            .write(move |db| jobs.iter().map(|job| insert(db, now, job)).collect::<Result<Vec<_>>>())
            .await?;
        self.shared.bell.ring();
        Ok(ids)
    }

    pub(crate) fn new_job<J: Job>(&self, spec: &J::Spec, options: AddOptions) -> Result<NewJob> {
        let mut draft = self.shared.registry.draft::<J>(spec)?;
        draft.priority = rank::check(options.priority)?;
        draft.unique = options.unique;
        Ok(NewJob { id: JobId::new(), draft, start: options.start, batch: None })
    }
}

/// Puts a job into the table; answers with the id of the job that has its unique key already, if one has.
pub(crate) fn insert(db: &Connection, now: i64, job: &NewJob) -> Result<JobId> {
    let Draft { kind, title, spec, line, needs, priority, unique } = &job.draft;
    if let Some(key) = unique
        && let Some(first) = holder_of(db, key)?
    {
        return Ok(first.1);
    }
    let (state, ready_at, due) = match &job.start {
        Start::Now => ("queued", now, None),
        Start::Paused => ("paused", now, None),
        Start::At(time) if time.as_millisecond() <= now => ("queued", now, None),
        Start::At(time) => ("waiting", time.as_millisecond(), Some(time.as_millisecond())),
        Start::After(wait) => {
            let at = now.saturating_add(crate::clock::millis(*wait));
            ("waiting", at, Some(at))
        }
    };
    let wait = due.map(|at| WaitNote::new("scheduled", "It starts at its time.").until(at).to_json());
    db.prepare_cached(
        "INSERT INTO job (id, kind, title, spec, line, needs, state, priority, ready_at, rank, timer, due_at, wait,
                          unique_key, unique_live, batch, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
    )?
    .execute(params![
        job.id.bytes(),
        kind,
        title,
        spec,
        line,
        needs,
        state,
        priority,
        ready_at,
        rank::rank(ready_at, *priority),
        due.map(|_| "wall"),
        due,
        wait,
        unique,
        i64::from(unique.is_some()),
        job.batch,
        now
    ])?;
    let name = match state {
        "queued" => "job.queued",
        "paused" => "job.paused",
        _ => "job.waiting",
    };
    record(db, now, db.last_insert_rowid(), name, None, None)?;
    Ok(job.id)
}

/// The unfinished job that holds a unique key.
pub(crate) fn holder_of(db: &Connection, key: &str) -> Result<Option<(i64, JobId)>> {
    let mut query = db.prepare_cached("SELECT seq, id FROM job WHERE unique_key = ?1 AND unique_live = 1")?;
    let found = query.query_row([key], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?))).optional()?;
    Ok(found.map(|(seq, id)| (seq, JobId::from_bytes(&id))))
}

/// Reads a stored draft.
pub(crate) fn parse_draft(text: &str) -> Result<Draft> {
    serde_json::from_str(text).map_err(|error| Error::invalid("a stored job", error))
}
