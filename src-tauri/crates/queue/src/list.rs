//! Lists of jobs, page by page.

use clonedeck_store::rusqlite::{Connection, types::Value};
use serde::{Deserialize, Serialize};

use crate::queue::Shared;
use crate::state::State;
use crate::steer::is_paused;
use crate::view::{COLUMNS, HEAD, JobView, complete, complete_at, read};
use crate::{BatchId, Queue, Result};

/// Where an order says what it reads and writes. Orders that have nothing of that name are about no place.
const PLACES: [&str; 3] = ["$.source", "$.target", "$.site"];

/// Which jobs, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Only these states; all when empty.
    pub states: Vec<State>,
    /// Only these kinds; all when empty.
    pub kinds: Vec<String>,
    /// Only those whose title or places (folders, addresses of the order) hold this text, in any case.
    pub text: Option<String>,
    /// Only those whose order names just this place as what it reads or writes.
    pub place: Option<String>,
    /// Only children of this batch.
    pub batch: Option<BatchId>,
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

    /// The head of the line: those whose place in it is told, in the order in which they start.
    pub async fn head(&self) -> Result<Vec<JobView>> {
        let shared = std::sync::Arc::clone(&self.shared);
        self.read(move |db| in_state(db, &shared, State::Queued, HEAD)).await
    }

    /// How many jobs are in each state.
    pub async fn counts(&self) -> Result<Counts> {
        self.read(counts).await
    }
}

/// The most jobs of a line that are told; what stands behind them starts long after.
const LINE: i64 = 5_000;

/// Every job that has not ended in the order in which they start: those at work, those that wait, the line by rank, those held.
pub(crate) fn open_jobs(db: &Connection, shared: &Shared) -> Result<Vec<JobView>> {
    let mut jobs = Vec::new();
    for state in [State::Running, State::Waiting, State::Queued, State::Paused] {
        jobs.extend(in_state(db, shared, state, LINE)?);
    }
    Ok(jobs)
}

fn in_state(db: &Connection, shared: &Shared, state: State, most: i64) -> Result<Vec<JobView>> {
    let order = if state == State::Queued { "j.rank, j.seq" } else { "j.seq" };
    let sql = format!(
        "SELECT {COLUMNS} FROM job j LEFT JOIN batch b ON b.seq = j.batch WHERE j.state = '{}' ORDER BY {order} LIMIT {most}",
        state.word()
    );
    let mut query = db.prepare_cached(&sql)?;
    let mut rows = query.query([])?;
    let mut raws = Vec::new();
    while let Some(row) = rows.next()? {
        raws.push(read(row)?);
    }
    let placed = raws.into_iter().enumerate();
    placed.map(|(place, raw)| complete_at(db, shared, raw, Some(place as i64))).collect()
}

pub(crate) fn page(db: &Connection, shared: &Shared, filter: &Filter) -> Result<Page> {
    let limit = filter.limit.unwrap_or(50).clamp(1, 1000);
    let (clauses, values) = conditions(filter);
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

/// What a job must be like, as conditions and the values in them.
fn conditions(filter: &Filter) -> (Vec<String>, Vec<Value>) {
    let mut clauses = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    let mut bind = |value: Value| {
        values.push(value);
        format!("?{}", values.len())
    };
    if let Some(before) = filter.before {
        clauses.push(format!("j.seq < {}", bind(before.into())));
    }
    if let Some(batch) = filter.batch {
        clauses.push(format!(
            "j.batch = (SELECT seq FROM batch WHERE id = {})",
            bind(batch.bytes().to_vec().into())
        ));
    }
    if !filter.kinds.is_empty() {
        let kinds: Vec<String> = filter.kinds.iter().map(|kind| bind(kind.clone().into())).collect();
        clauses.push(format!("j.kind IN ({})", kinds.join(", ")));
    }
    let in_places =
        |how: &str| PLACES.map(|path| format!("json_extract(j.spec, '{path}') {how}")).join(" OR ");
    // Orders are looked into only where their text holds what is wanted: reading a hundred thousand of them takes long.
    if let Some(place) = &filter.place {
        let text = bind(json_text(place).into());
        let whole = bind(place.clone().into());
        clauses.push(format!("instr(j.spec, {text}) > 0 AND ({})", in_places(&format!("= {whole}"))));
    }
    if let Some(text) = &filter.text {
        let text_like = like(text);
        let json_like = bind(like(json_text(text).trim_matches('"')).into());
        let text = bind(text_like.into());
        clauses.push(format!(
            "(j.title LIKE {text} ESCAPE '\\' OR j.spec LIKE {json_like} ESCAPE '\\' AND ({}))",
            in_places(&format!("LIKE {text} ESCAPE '\\'"))
        ));
    }
    (clauses, values)
}

/// A text as it stands in JSON, with its quotes.
fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The pattern that matches whatever holds `text`.
fn like(text: &str) -> String {
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
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
