//! Following the queue: a picture of now, then what happens.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clonedeck_store::CommitWatch;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::attempt::Attempt;
use crate::event::{self, Happening};
use crate::list::{Counts, Filter, counts, open_jobs, page};
use crate::progress::Progress;
use crate::queue::{Shared, blocking};
use crate::stage::Stage;
use crate::view::JobView;
use crate::{JobId, Queue, Result};

/// Least time between two messages.
const PACE: Duration = Duration::from_millis(100);
/// How often it is looked for news of which nobody would have told, where nothing is at work.
const REST: Duration = Duration::from_secs(2);
/// Most events in one message.
const EVENTS: usize = 500;

/// The queue at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The last event that is in the picture.
    pub seq: i64,
    /// Every job that has not ended, in the order in which they start, and the newest that have.
    pub jobs: Vec<JobView>,
    /// How many there are of each.
    pub counts: Counts,
}

/// How far a running job is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobProgress {
    /// The job.
    pub job: JobId,
    /// Index of its step.
    pub step: usize,
    /// How far the step is.
    pub progress: Progress,
}

/// What happened since the last message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct News {
    /// The last event in it; ask for what comes after it when following anew.
    pub seq: i64,
    /// What happened, in order, none left out and none twice.
    pub events: Vec<Happening>,
    /// The latest progress of the jobs whose progress changed.
    pub progress: Vec<JobProgress>,
}

/// Follows the queue, in the process that runs it or any other. At most ten messages a second.
pub struct Subscription {
    shared: Arc<Shared>,
    /// The picture with which it began.
    pub snapshot: Snapshot,
    seq: i64,
    bell: watch::Receiver<u64>,
    commits: Option<CommitWatch>,
    last: Option<Instant>,
    /// What was told of each step at work.
    known: HashMap<(i64, usize), Progress>,
}

impl Queue {
    /// Follows the queue from event `after` on, or from now when it is `None` or no longer kept. The snapshot is of now;
    /// events that are already in it may come again and find nothing to change.
    pub async fn subscribe(&self, after: Option<i64>) -> Result<Subscription> {
        // Looked at before the picture is taken, so that nothing falls between.
        let bell = self.shared.bell.watch();
        let commits = self.shared.store.watch_commits().ok();
        let shared = Arc::clone(&self.shared);
        let (snapshot, first) = self
            .read(move |db| {
                let whole = db.unchecked_transaction()?;
                let seq = event::last_seq(&whole)?;
                let mut jobs = open_jobs(&whole, &shared)?;
                let newest = page(&whole, &shared, &Filter { limit: Some(100), ..Filter::default() })?.jobs;
                jobs.extend(newest.into_iter().filter(|job| job.state.is_final()));
                Ok((Snapshot { seq, jobs, counts: counts(&whole)? }, event::first_seq(&whole)?))
            })
            .await?;
        let seq = after.filter(|after| *after + 1 >= first && *after <= snapshot.seq).unwrap_or(snapshot.seq);
        Ok(Subscription {
            shared: Arc::clone(&self.shared),
            snapshot,
            seq,
            bell,
            commits,
            last: None,
            known: HashMap::new(),
        })
    }
}

impl Subscription {
    /// The last event that was told.
    pub fn seq(&self) -> i64 {
        self.seq
    }

    /// The next message; waits until there is something to say.
    pub async fn next(&mut self) -> Result<News> {
        loop {
            if let Some(last) = self.last {
                tokio::time::sleep(PACE.saturating_sub(last.elapsed())).await;
            }
            let news = self.collect().await?;
            if !news.events.is_empty() || !news.progress.is_empty() {
                self.last = Some(Instant::now());
                return Ok(news);
            }
            self.wait().await;
        }
    }

    /// Waits for a sign that there may be news.
    async fn wait(&mut self) {
        loop {
            // The runner of this process hears of every commit, and rings. While it has nothing to do, nothing else can be new.
            let rests = self.shared.bell.runs_here() && self.shared.live().is_empty();
            let pause = if rests { REST } else { self.shared.options.poll.max(Duration::from_millis(20)) };
            let rung = tokio::time::timeout(pause, self.bell.changed());
            if rung.await.is_ok() || self.commits.as_mut().is_some_and(CommitWatch::changed) {
                return;
            }
            let is_new = |attempt: &Attempt, stage: &Stage| {
                self.known.get(&(attempt.seq, stage.index)).is_none_or(|known| *known != stage.ticks.read())
            };
            let live = self.shared.live();
            if live.values().any(|attempt| attempt.stages().iter().any(|stage| is_new(attempt, stage))) {
                return;
            }
        }
    }

    async fn collect(&mut self) -> Result<News> {
        self.bell.mark_unchanged();
        let shared = Arc::clone(&self.shared);
        let seq = self.seq;
        let here = shared.bell.runs_here();
        let (events, elsewhere) = blocking(move || {
            shared.store.read(|db| {
                let events = event::after(db, seq, EVENTS)?;
                let elsewhere = if here { Vec::new() } else { running_steps(db)? };
                Ok::<_, crate::Error>((events, elsewhere))
            })
        })
        .await?;
        let now: Vec<(i64, JobId, usize, Progress)> = if here {
            let live = self.shared.live();
            live.values()
                .filter(|attempt| !attempt.is_undoing())
                .flat_map(|attempt| {
                    let of = |stage: Arc<Stage>| (attempt.seq, attempt.id, stage.index, stage.ticks.read());
                    attempt.stages().into_iter().map(of).collect::<Vec<_>>()
                })
                .collect()
        } else {
            elsewhere
        };
        self.known.retain(|(seq, step), _| now.iter().any(|(job, _, at, _)| job == seq && at == step));
        let mut progress = Vec::new();
        for (seq, job, step, now) in now {
            let known = self.known.insert((seq, step), now.clone());
            let fresh = known.as_ref().is_none_or(|known| *known != now);
            if fresh && (known.is_some() || now != Progress::default()) {
                progress.push(JobProgress { job, step, progress: now });
            }
        }
        if let Some(last) = events.last() {
            self.seq = last.seq;
        }
        Ok(News { seq: self.seq, events, progress })
    }
}

/// Progress as another process's runner last wrote it.
fn running_steps(db: &clonedeck_store::rusqlite::Connection) -> Result<Vec<(i64, JobId, usize, Progress)>> {
    let mut query = db.prepare_cached(
        "SELECT j.seq, j.id, s.idx, s.done, s.total, s.unit, s.message FROM job j
         JOIN step s ON s.job = j.seq AND s.state = 'running' WHERE j.state = 'running'",
    )?;
    let rows = query.query_map([], |row| {
        Ok((
            row.get(0)?,
            JobId::from_bytes(&row.get::<_, Vec<u8>>(1)?),
            row.get::<_, i64>(2)?.max(0) as usize,
            Progress {
                done: row.get::<_, i64>(3)?.max(0) as u64,
                total: row.get::<_, Option<i64>>(4)?.map(|total| total.max(0) as u64),
                unit: row.get(5)?,
                message: row.get(6)?,
                rate: None,
            },
        ))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
