//! Following the queue, for a window or a terminal.

mod backlog;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use backlog::Backlog;
use clonedeck_queue::{JobId, JobView, Subscription};

use crate::Clonedeck;
use crate::convert;
use crate::wire::{JobState, Problem, QueueStatus, Tick, Update};

/// More changed jobs than this at once are not sent one by one.
const MOST_CHANGED: usize = 40;
/// How old the picture of a ticking job may be, for what a tick alone does not tell: its ETA.
const FRESH: Duration = Duration::from_secs(1);
/// How often the load of the machine is told when nothing else happens.
const BEAT: Duration = Duration::from_secs(2);
/// The same while there is no job that could move.
const REST: Duration = Duration::from_secs(6);
/// How soon ticks are sent that had no room in the message before.
const SOON: Duration = Duration::from_millis(150);

/// Follows the queue: at most ten messages a second for all jobs, the last value always among them. Where many jobs tick at once, each
/// is told in its turn.
pub struct Follower {
    clonedeck: Clonedeck,
    subscription: Subscription,
    known: HashMap<JobId, (JobView, Instant)>,
    backlog: Backlog,
    status: Option<QueueStatus>,
    status_at: Option<Instant>,
    unread: Option<u64>,
    /// What was told last of the head of the line: why each of it is not running.
    line: HashMap<JobId, Option<String>>,
    nudged: watch::Receiver<u64>,
    first: bool,
}

impl Clonedeck {
    /// Follows what happens after event `after`, or from now.
    pub async fn follow(&self, after: Option<u64>) -> Result<Follower, Problem> {
        let after = after.map(|after| after as i64);
        let subscription = self.queue.subscribe(after).await.map_err(convert::queue_problem)?;
        Ok(Follower {
            clonedeck: self.clone(),
            subscription,
            known: HashMap::new(),
            backlog: Backlog::default(),
            status: None,
            status_at: None,
            unread: None,
            line: HashMap::new(),
            nudged: self.nudge.subscribe(),
            first: true,
        })
    }

    /// Makes every follower say something soon, so that what rides along with an update gets there.
    pub fn nudge(&self) {
        self.nudge.send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl Follower {
    /// The next message; waits until there is something to say, but not longer than the beat at which the machine's load is told.
    pub async fn next(&mut self) -> Result<Update, Problem> {
        let news = if self.first {
            self.first = false;
            None
        } else {
            let rests = |status: &QueueStatus| status.running + status.queued + status.waiting == 0;
            let pause = match &self.status {
                _ if !self.backlog.is_empty() => SOON,
                Some(status) if rests(status) => REST,
                _ => BEAT,
            };
            tokio::select! {
                news = self.subscription.next() => Some(news.map_err(convert::queue_problem)?),
                () = tokio::time::sleep(pause) => None,
                _ = self.nudged.changed() => {
                    self.unread = None;
                    None
                }
            }
        };
        let mut update = Update::default();
        if let Some(news) = news {
            update.seq = news.seq.max(0) as u64;
            let mut seen = HashSet::new();
            let changed: Vec<JobId> =
                news.events.iter().filter_map(|event| event.job).filter(|job| seen.insert(*job)).collect();
            if changed.len() > MOST_CHANGED {
                update.resync = true;
                self.known.clear();
                self.backlog = Backlog::default();
            } else {
                for id in changed {
                    self.backlog.forget(&id.to_string());
                    // A job that retention took away meanwhile is no failure.
                    match self.look(id).await? {
                        Some(view) => update.changed.push(convert::row(&view, news.seq)),
                        None => update.removed.push(id.to_string()),
                    }
                }
            }
            for tick in news.progress {
                if let Some(tick) = self.tick(tick.job, tick.step, &tick.progress).await? {
                    self.backlog.put(tick);
                }
            }
        } else {
            update.seq = self.subscription.seq().max(0) as u64;
        }
        update.ticks = self.backlog.take();
        // Ticks alone change neither counts nor notices, and a step that follows another changes no notice.
        let changed = !update.changed.is_empty() || update.resync;
        let due = self.status_at.is_none_or(|at| at.elapsed() >= BEAT);
        if changed || due || self.unread.is_none() {
            let status = self.clonedeck.status().await?;
            self.status_at = Some(Instant::now());
            // What holds the whole queue is the reason of every job in line, and no event of any of them.
            update.resync |= self.status.as_ref().is_some_and(|before| held(before) != held(&status));
            if self.status.as_ref() != Some(&status) {
                update.queue = Some(status.clone());
                self.status = Some(status);
            }
        }
        let moved = update.changed.iter().any(|row| row.state != JobState::Running);
        if moved || self.unread.is_none() || update.resync {
            let unread = self.clonedeck.unread().await?;
            if self.unread != Some(unread) {
                update.unread = Some(unread);
                self.unread = Some(unread);
            }
        }
        if due {
            self.tell_line(&mut update).await?;
        }
        Ok(update)
    }

    /// Why the jobs at the head of the line are not running changes with what others do, without an event of theirs.
    async fn tell_line(&mut self, update: &mut Update) -> Result<(), Problem> {
        let waits = self.status.as_ref().is_some_and(|status| status.queued > 0);
        let head = if waits {
            self.clonedeck.queue.head().await.map_err(convert::queue_problem)?
        } else {
            Vec::new()
        };
        let mut told = HashMap::new();
        for job in head {
            let why = job.waiting_for.as_ref().map(|why| why.message.clone());
            let known = update.changed.iter().any(|row| row.id == job.id.to_string());
            if !known && self.line.get(&job.id) != Some(&why) {
                update.changed.push(convert::row(&job, update.seq as i64));
            }
            told.insert(job.id, why);
        }
        self.line = told;
        Ok(())
    }

    async fn look(&mut self, id: JobId) -> Result<Option<JobView>, Problem> {
        match self.clonedeck.queue.job(id).await {
            Ok(view) => {
                if view.state.is_final() {
                    self.known.remove(&id);
                } else {
                    self.known.insert(id, (view.clone(), Instant::now()));
                }
                Ok(Some(view))
            }
            Err(clonedeck_queue::Error::UnknownJob(_)) => Ok(None),
            Err(why) => Err(convert::queue_problem(why)),
        }
    }

    async fn tick(
        &mut self,
        id: JobId,
        step: usize,
        now: &clonedeck_queue::Progress,
    ) -> Result<Option<Tick>, Problem> {
        let fresh = self.known.get(&id).is_some_and(|(_, at)| at.elapsed() < FRESH);
        if !fresh && self.look(id).await?.is_none() {
            return Ok(None);
        }
        let Some((view, at)) = self.known.get_mut(&id) else { return Ok(None) };
        view.advance(step, now);
        let Some(current) = view.steps.get(step) else { return Ok(None) };
        Ok(Some(Tick {
            job: id.to_string(),
            progress: hundredths(view.progress),
            step: current.name.clone(),
            step_progress: hundredths(current.progress),
            done: now.done,
            total: now.total.unwrap_or(0),
            unit: now.unit.clone().unwrap_or_default(),
            rate: hundredths(now.rate.unwrap_or(0.0)),
            message: now.message.clone().unwrap_or_default(),
            eta_seconds: view.eta_seconds.map(convert::eta),
            active_ms: view.active_ms + at.elapsed().as_millis() as u64,
            log_lines: self.clonedeck.queue.log_lines(id).await.map_err(convert::queue_problem)?,
        }))
    }
}

/// What keeps every job in line from starting.
fn held(status: &QueueStatus) -> (bool, bool, bool) {
    (status.paused, status.trouble.is_some(), status.runner.is_some())
}

/// A number as exact as anybody sees it, and as short.
fn hundredths(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
