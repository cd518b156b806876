//! Jobs as they are shown.

use clonedeck_store::rusqlite::{Connection, OptionalExtension, Row};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::timestamp;
use crate::eta::{self, Eta};
use crate::failure::FailureView;
use crate::line::Planned;
use crate::progress::Progress;
use crate::queue::Shared;
use crate::state::{Intent, State};
use crate::steer::{is_paused, seq_of};
use crate::wait::{WaitNote, WaitingFor};
use crate::{BatchId, Error, JobId, Queue, Result};

/// A job, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    /// Its id.
    pub id: JobId,
    /// Its kind.
    pub kind: String,
    /// Its name in lists.
    pub title: String,
    /// What it is doing.
    pub state: State,
    /// Where it is heading: a running job with [`Intent::Pause`] is about to pause.
    pub intent: Intent,
    /// From −10 to 10.
    pub priority: i32,
    /// 0 to 100 over all steps, by their weights.
    pub progress: f64,
    /// Name of the step that runs or is next; `None` when the job has ended well.
    pub current_step: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When its first step began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Tries: 0 before the first start, then 1 and one more for each step that was tried again.
    pub attempts: u32,
    /// How often the program died under it.
    pub crashes: u32,
    /// How often it went on after the program had stopped.
    pub resumed: u32,
    /// Active time spent on it, in milliseconds.
    pub active_ms: u64,
    /// How long still; `None` when nothing can be said.
    pub eta_seconds: Option<Eta>,
    /// Why it is not running; `None` when it runs or has ended.
    pub waiting_for: Option<WaitingFor>,
    /// The batch it belongs to.
    pub batch: Option<BatchId>,
    /// That batch's title.
    pub batch_title: Option<String>,
    /// Its line.
    pub steps: Vec<StepView>,
    /// Its order.
    pub spec: Value,
    /// Its public result.
    pub result: Option<Value>,
    /// Why it failed, or the last error of the step that is being tried again.
    pub error: Option<FailureView>,
}

/// A step of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepView {
    /// Stable name.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// What it is doing.
    pub state: StepState,
    /// 0 to 100.
    pub progress: f64,
    /// Units done.
    pub done: u64,
    /// Units in all, where known.
    pub total: Option<u64>,
    /// What is counted.
    pub unit: Option<String>,
    /// Units a second of active time, while it runs.
    pub rate: Option<f64>,
    /// Tries; going on after a stop of the program is the same try.
    pub attempts: u32,
    /// Share of the work.
    pub weight: f64,
    /// When it first began.
    pub started_at: Option<Timestamp>,
    /// When it was done.
    pub finished_at: Option<Timestamp>,
    /// Active time spent on it, in milliseconds.
    pub active_ms: u64,
    /// What it does right now, or why it was skipped.
    pub message: Option<String>,
    /// Why its last try did not succeed.
    pub error: Option<FailureView>,
}

/// What a step is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// Not begun, or interrupted.
    Pending,
    /// At work.
    Running,
    /// Waits for its next try or for a person.
    Waiting,
    /// Done.
    Completed,
    /// There was nothing to do.
    Skipped,
    /// Gave up.
    Failed,
    /// Taken back.
    Undone,
}

impl StepState {
    fn parse(word: &str) -> Self {
        match word {
            "running" => Self::Running,
            "waiting" => Self::Waiting,
            "completed" => Self::Completed,
            "skipped" => Self::Skipped,
            "failed" => Self::Failed,
            "undone" => Self::Undone,
            _ => Self::Pending,
        }
    }

    /// Whether the step is done with.
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Completed | Self::Skipped)
    }
}

impl JobView {
    /// 0 to 100 over all steps, by their weights. Only a job that completed shows 100.
    fn overall(&self) -> f64 {
        if self.state == State::Completed {
            return 100.0;
        }
        let whole: f64 = self.steps.iter().map(|step| step.weight).sum();
        if whole <= 0.0 {
            return 0.0;
        }
        let done: f64 = self.steps.iter().map(|step| step.weight * step.progress / 100.0).sum();
        (done / whole * 100.0).clamp(0.0, 99.9)
    }

    /// Takes the newest progress of a step into the picture.
    pub fn advance(&mut self, step: usize, now: &Progress) {
        let Some(moved) = self.steps.get_mut(step) else { return };
        overlay(moved, now);
        self.progress = self.overall();
    }
}

pub(crate) const COLUMNS: &str = "j.seq, j.id, j.kind, j.title, j.state, j.intent, j.priority, j.created_at, \
     j.started_at, j.finished_at, j.attempts, j.crashes, j.resumed, j.active_ms, j.wait, b.id, j.line, j.spec, j.result, \
     j.error, j.step, j.rank, j.due_at, j.timer, b.title";

impl Queue {
    /// A job, whole.
    pub async fn job(&self, id: JobId) -> Result<JobView> {
        let shared = std::sync::Arc::clone(&self.shared);
        self.read(move |db| {
            let seq = seq_of(db, id)?;
            one(db, &shared, seq)?.ok_or_else(|| Error::UnknownJob(id.to_string()))
        })
        .await
    }
}

/// The job with this number.
pub(crate) fn one(db: &Connection, shared: &Shared, seq: i64) -> Result<Option<JobView>> {
    let sql = format!("SELECT {COLUMNS} FROM job j LEFT JOIN batch b ON b.seq = j.batch WHERE j.seq = ?1");
    let found = db.prepare_cached(&sql)?.query_row([seq], |row| Ok(read(row))).optional()?;
    found.transpose()?.map(|raw| complete(db, shared, raw)).transpose()
}

/// A row of the table, before steps and live values are added.
pub(crate) struct Raw {
    pub seq: i64,
    rank: i64,
    step: usize,
    line: Vec<Planned>,
    note: Option<WaitNote>,
    view: JobView,
}

pub(crate) fn read(row: &Row<'_>) -> Result<Raw> {
    let json = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
    let time = |at: Option<i64>| at.map(timestamp);
    let line: String = row.get(16)?;
    Ok(Raw {
        seq: row.get(0)?,
        rank: row.get(21)?,
        step: row.get::<_, i64>(20)?.max(0) as usize,
        line: serde_json::from_str(&line).unwrap_or_default(),
        note: row.get::<_, Option<String>>(14)?.as_deref().and_then(WaitNote::parse),
        view: JobView {
            id: JobId::from_bytes(&row.get::<_, Vec<u8>>(1)?),
            kind: row.get(2)?,
            title: row.get(3)?,
            state: State::parse(&row.get::<_, String>(4)?).unwrap_or(State::Failed),
            intent: Intent::parse(&row.get::<_, String>(5)?).unwrap_or(Intent::Go),
            priority: row.get(6)?,
            progress: 0.0,
            current_step: None,
            created_at: timestamp(row.get(7)?),
            started_at: time(row.get(8)?),
            finished_at: time(row.get(9)?),
            attempts: row.get(10)?,
            crashes: row.get(11)?,
            resumed: row.get(12)?,
            active_ms: row.get::<_, i64>(13)?.max(0) as u64,
            eta_seconds: None,
            waiting_for: None,
            batch: row.get::<_, Option<Vec<u8>>>(15)?.map(|bytes| BatchId::from_bytes(&bytes)),
            batch_title: row.get(24)?,
            steps: Vec::new(),
            spec: json(row.get(17)?).unwrap_or(Value::Null),
            result: json(row.get(18)?),
            error: row.get::<_, Option<String>>(19)?.and_then(|text| serde_json::from_str(&text).ok()),
        },
    })
}

/// Adds the steps, what is known only in memory, and the reasons.
pub(crate) fn complete(db: &Connection, shared: &Shared, raw: Raw) -> Result<JobView> {
    complete_at(db, shared, raw, None)
}

/// [`complete`], where it is known already how many jobs are ahead in the line.
pub(crate) fn complete_at(db: &Connection, shared: &Shared, raw: Raw, ahead: Option<i64>) -> Result<JobView> {
    let Raw { seq, rank, step: next, line, note, mut view } = raw;
    view.steps = steps(db, seq, &line)?;
    if let Some(attempt) = shared.live().get(&seq).filter(|_| view.state == State::Running) {
        view.active_ms = attempt.active().as_millis() as u64;
        for stage in attempt.stages() {
            let Some(step) = view.steps.get_mut(stage.index) else { continue };
            if !attempt.is_undoing() && step.state == StepState::Running {
                overlay(step, &stage.ticks.read());
                step.active_ms = stage.active_ms(shared.clock.active()).max(0) as u64;
            }
        }
    }
    view.progress = view.overall();
    view.current_step = match view.state {
        State::Completed | State::Cancelled => None,
        _ => view
            .steps
            .iter()
            .find(|step| step.state == StepState::Running)
            .or_else(|| view.steps.get(next))
            .map(|step| step.name.clone()),
    };
    if view.error.is_none()
        && !view.state.is_final()
        && let Some(step) = view.steps.get(next)
    {
        view.error.clone_from(&step.error);
    }
    view.eta_seconds = eta::of(db, &view)?;
    view.waiting_for = reason(db, shared, &view, rank, ahead, note)?;
    Ok(view)
}

fn overlay(step: &mut StepView, now: &Progress) {
    step.done = now.done;
    step.total = now.total;
    if now.unit.is_some() {
        step.unit.clone_from(&now.unit);
    }
    step.message.clone_from(&now.message);
    step.rate = now.rate;
    step.progress = now.fraction() * 100.0;
}

fn steps(db: &Connection, seq: i64, line: &[Planned]) -> Result<Vec<StepView>> {
    let mut steps: Vec<StepView> = line
        .iter()
        .map(|planned| StepView {
            name: planned.name.clone(),
            title: planned.title.clone(),
            state: StepState::Pending,
            progress: 0.0,
            done: 0,
            total: None,
            unit: None,
            rate: None,
            attempts: 0,
            weight: planned.weight,
            started_at: None,
            finished_at: None,
            active_ms: 0,
            message: None,
            error: None,
        })
        .collect();
    let mut query = db.prepare_cached(
        "SELECT idx, state, done, total, unit, failures, started_at, finished_at, active_ms, message, error
         FROM step WHERE job = ?1 ORDER BY idx",
    )?;
    let mut rows = query.query([seq])?;
    while let Some(row) = rows.next()? {
        let Some(step) = steps.get_mut(row.get::<_, i64>(0)?.max(0) as usize) else { continue };
        step.state = StepState::parse(&row.get::<_, String>(1)?);
        step.done = row.get::<_, i64>(2)?.max(0) as u64;
        step.total = row.get::<_, Option<i64>>(3)?.map(|total| total.max(0) as u64);
        step.unit = row.get(4)?;
        let failures: u32 = row.get(5)?;
        step.attempts = failures + u32::from(!matches!(step.state, StepState::Failed | StepState::Waiting));
        step.attempts = step.attempts.max(1);
        step.started_at = row.get::<_, Option<i64>>(6)?.map(timestamp);
        step.finished_at = row.get::<_, Option<i64>>(7)?.map(timestamp);
        step.active_ms = row.get::<_, i64>(8)?.max(0) as u64;
        step.message = row.get(9)?;
        step.error = row.get::<_, Option<String>>(10)?.and_then(|text| serde_json::from_str(&text).ok());
        step.progress = match (step.state.is_done(), step.total) {
            (true, _) => 100.0,
            (false, Some(total)) if total > 0 => (step.done as f64 / total as f64).clamp(0.0, 1.0) * 100.0,
            _ => 0.0,
        };
    }
    Ok(steps)
}

/// How many jobs at the head of the line have their place told.
pub(crate) const HEAD: i64 = 10;

/// Why the job is not running.
fn reason(
    db: &Connection,
    shared: &Shared,
    view: &JobView,
    rank: i64,
    ahead: Option<i64>,
    note: Option<WaitNote>,
) -> Result<Option<WaitingFor>> {
    let note = match view.state {
        State::Queued => Some(if !shared.is_run() {
            WaitNote::new("no-runner", "No program runs the queue right now.")
                .person("Open Clonedeck, or start `clonedeck work`.")
        } else if is_paused(db)? {
            WaitNote::new("queue-paused", "The whole queue is paused.").person("Resume the queue.")
        } else if let Some(note) = note {
            note
        } else {
            let ahead = match ahead {
                Some(ahead) => ahead,
                None => db
                    .prepare_cached("SELECT count(*) FROM job WHERE state = 'queued' AND rank < ?1")?
                    .query_row([rank], |row| row.get(0))?,
            };
            WaitNote::new(
                "slot",
                match ahead {
                    0 => "It is next, as soon as a slot is free.".to_owned(),
                    1 => "It waits for its turn; 1 job is ahead of it.".to_owned(),
                    _ if ahead < HEAD => format!("It waits for its turn; {ahead} jobs are ahead of it."),
                    _ => format!("It waits for its turn; {HEAD} jobs or more are ahead of it."),
                },
            )
        }),
        State::Waiting => Some(note.unwrap_or_else(|| WaitNote::new("waiting", "It waits."))),
        State::Paused => Some(note.unwrap_or_else(WaitNote::paused)),
        State::Running | State::Completed | State::Failed | State::Cancelled => None,
    };
    Ok(note.map(WaitNote::view))
}
