//! Lists of jobs, page by page.

use clonedeck_store::rusqlite::{Connection, types::Value};
use serde::{Deserialize, Serialize};

use crate::queue::Shared;
use crate::state::State;
use crate::steer::is_paused;
use crate::view::{COLUMNS, JobView, complete, read};
use crate::{Queue, Result};

/// Which jobs, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Only these states; all when empty.
    pub states: Vec<State>,
    /// Only these kinds; all when empty.
    pub kinds: Vec<String>,
    /// Only titles that hold this text, in any case.
    pub text: Option<String>,
    /// Only jobs before this place, from [`Page::next`].
    pub before: Option<i64>,
    /// How many at most; 50 when not said.
    pub limit: Option<usize>,
}

/// Some jobs of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// The jobs.
    pub jobs: Vec<JobView>,
    /// Where the next page begins; `None` when this is the last one.
    pub next: Option<i64>,
}

/// How many jobs are in each state, and whether the queue is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Ready to run.
    pub queued: u64,
    /// At work.
    pub running: u64,
    /// Waiting.
    pub waiting: u64,
    /// Paused.
    pub paused: u64,
    /// Completed.
    pub completed: u64,
    /// Failed.
    pub failed: u64,
    /// Cancelled.
    pub cancelled: u64,
    /// The whole queue is held.
    pub queue_paused: bool,
}

impl Queue {
    /// A page of jobs, newest first.
    pub async fn list(&self, filter: Filter) -> Result<Page> {
        let shared = std::sync::Arc::clone(&self.shared);
        self.read(move |db| page(db, &shared, &filter)).await
    }

    /// How many jobs are in each state.
    pub async fn counts(&self) -> Result<Counts> {
        self.read(counts).await
    }
}

pub(crate) fn page(db: &Connection, shared: &Shared, filter: &Filter) -> Result<Page> {
    let limit = filter.limit.unwrap_or(50).clamp(1, 1000);
    let mut clauses = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    if let Some(before) = filter.before {
        values.push(before.into());
        clauses.push(format!("j.seq < ?{}", values.len()));
    }
    if !filter.kinds.is_empty() {
        let first = values.len() + 1;
        values.extend(filter.kinds.iter().map(|kind| kind.clone().into()));
        let places: Vec<String> = (first..=values.len()).map(|place| format!("?{place}")).collect();
        clauses.push(format!("j.kind IN ({})", places.join(", ")));
    }
    if let Some(text) = &filter.text {
        let text = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        values.push(format!("%{text}%").into());
        clauses.push(format!("j.title LIKE ?{} ESCAPE '\\'", values.len()));
    }
    // A list of one state is read from that state's own index, so each state is asked for by itself.
    let mut states: Vec<Option<State>> = filter.states.iter().copied().map(Some).collect();
    states.dedup();
    if states.is_empty() {
        states.push(None);
    }
    let mut raws = Vec::new();
    for state in states {
        let mut clauses = clauses.clone();
        if let Some(state) = state {
            clauses.push(format!("j.state = '{}'", state.word()));
        }
        let clauses =
            if clauses.is_empty() { String::new() } else { format!("WHERE {}", clauses.join(" AND ")) };
        let sql = format!(
            "SELECT {COLUMNS} FROM job j LEFT JOIN batch b ON b.seq = j.batch {clauses} ORDER BY j.seq DESC LIMIT {}",
            limit + 1
        );
        let mut query = db.prepare_cached(&sql)?;
        let mut rows = query.query(clonedeck_store::rusqlite::params_from_iter(values.iter()))?;
        while let Some(row) = rows.next()? {
            raws.push(read(row)?);
        }
    }
    raws.sort_by_key(|raw| std::cmp::Reverse(raw.seq));
    raws.dedup_by_key(|raw| raw.seq);
    let more = raws.len() > limit;
    raws.truncate(limit);
    let next = raws.last().map(|raw| raw.seq).filter(|_| more);
    let jobs = raws.into_iter().map(|raw| complete(db, shared, raw)).collect::<Result<_>>()?;
    Ok(Page { jobs, next })
}

pub(crate) fn counts(db: &Connection) -> Result<Counts> {
    let count = |state: State| -> Result<u64> {
        let sql = format!("SELECT count(*) FROM job WHERE state = '{}'", state.word());
        Ok(db.prepare_cached(&sql)?.query_row([], |row| row.get::<_, i64>(0))? as u64)
    };
    let ended: i64 = db
        .prepare_cached("SELECT count(*) FROM job WHERE finished_at IS NOT NULL")?
        .query_row([], |row| row.get(0))?;
    let (failed, cancelled) = (count(State::Failed)?, count(State::Cancelled)?);
    Ok(Counts {
        queued: count(State::Queued)?,
        running: count(State::Running)?,
        waiting: count(State::Waiting)?,
        paused: count(State::Paused)?,
        completed: (ended as u64).saturating_sub(failed + cancelled),
        failed,
        cancelled,
        queue_paused: is_paused(db)?,
    })
}
