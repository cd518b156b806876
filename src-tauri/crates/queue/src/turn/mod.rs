//! The runner's loop. Each turn is one transaction: it writes down what ended, wakes what is due, takes what fits, and
//! reads what operators want of the running jobs.

mod upkeep;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clonedeck_store::rusqlite::Connection;
use clonedeck_store::{Ballast, RunnerLock};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::Instrument;

use crate::admission::{Ledger, Limits, Taker};
use crate::advance::Mark;
use crate::attempt::Attempt;
use crate::claim::{Claimant, Claimed, claim};
use crate::clock::millis;
use crate::drive::{Ending, Finish, drive};
use crate::finish::{Now, finish};
use crate::job::Needs;
use crate::meter::Load;
use crate::queue::Shared;
use crate::runner::Control;
use crate::state::Intent;
use crate::stop::Stop;
use crate::{Error, Policy, Result, StepError, due, let_go, steer};

/// How many times longer it waits between two looks while no job runs.
const REST: u32 = 5;
/// How long small jobs are waited for so that they end in one commit.
const MOMENT: Duration = Duration::from_micros(100);

/// A job at work.
struct Active {
    attempt: Arc<Attempt>,
    needs: Arc<Needs>,
    rank: i64,
    task: JoinHandle<()>,
}

/// What a turn found out.
struct Report {
    /// Jobs whose attempts are written down, or fenced off.
    ended: Vec<i64>,
    claimed: Vec<Claimed>,
    /// What operators want of running jobs, where it is not just to go on.
    wishes: Vec<(i64, Intent)>,
    due: due::Next,
}

pub(crate) struct Turns {
    shared: Arc<Shared>,
    who: Claimant,
    control: Arc<Control>,
    _lock: RunnerLock,
    active: HashMap<i64, Active>,
    inbox: mpsc::UnboundedReceiver<Finish>,
    outbox: mpsc::UnboundedSender<Finish>,
    ended: Vec<Finish>,
    /// Whether there may be something to take or to heed.
    look: bool,
    due: due::Next,
    load: Load,
    /// How many jobs ran when the load was measured.
    measured: usize,
    ballast: Ballast,
    /// Nothing could be written; nothing is tried until there may be room again.
    held: bool,
    /// Whether the data directory is where it was; nothing is started while it is not.
    in_place: bool,
    sampled: Duration,
    /// When jobs were last put to work.
    begun: Instant,
    /// When finished jobs are looked through next.
    tidy_at: Duration,
    /// Time of day at the start, less active time at the start.
    anchor: i64,
}

impl Turns {
    pub fn new(shared: Arc<Shared>, who: Claimant, control: Arc<Control>, lock: RunnerLock) -> Self {
        let (outbox, inbox) = mpsc::unbounded_channel();
        let ballast = Ballast::new(&shared.dir, shared.options.ballast);
        let active = shared.clock.active();
        Self {
            anchor: shared.now_ms() - millis(active),
            who,
            control,
            _lock: lock,
            active: HashMap::new(),
            inbox,
            outbox,
            ended: Vec::new(),
            look: true,
            due: due::Next::default(),
            load: Load::default(),
            measured: 0,
            ballast,
            held: false,
            in_place: true,
            sampled: active,
            begun: Instant::now(),
            tidy_at: active + upkeep::FIRST_TIDY,
            shared,
        }
    }

    /// Runs until told to stop.
    pub async fn run(mut self) {
        self.shared.bell.set_runs_here(true);
        self.measure();
        if !self.ballast.load() {
            tracing::warn!("there is too little room on the disk to keep some back");
        }
        let mut commits = self.shared.store.watch_commits().ok();
        #[cfg(unix)]
        let socket = self.shared.bell.listen();
        let mut polled = Instant::now();
        loop {
            while let Ok(finish) = self.inbox.try_recv() {
                self.ended.push(finish);
            }
            if !self.held && (self.look || !self.ended.is_empty() || self.is_due()) {
                self.gather().await;
                self.turn().await;
                continue;
            }
            if self.control.kill.load(Ordering::Acquire) && !self.active.is_empty() {
                self.cut_off().await;
            }
            if self.control.stop.load(Ordering::Acquire) {
                if self.active.is_empty() {
                    break;
                }
                for job in self.active.values() {
                    job.attempt.ask_to_stop(Stop::Shutdown);
                }
            }
            let shared = Arc::clone(&self.shared);
            let rest = if self.active.is_empty() { REST } else { 1 };
            let poll = tokio::time::sleep_until((polled + shared.options.poll * rest).into());
            #[cfg(unix)]
            let called = hear(socket.as_ref());
            #[cfg(not(unix))]
            let called = std::future::pending::<()>();
            tokio::select! {
                biased;
                Some(finish) = self.inbox.recv() => self.ended.push(finish),
                () = shared.bell.runner_rung() => self.look = true,
                () = self.control.changed.notified() => {}
                () = called => self.look = true,
                () = poll => {
                    self.poll(&mut commits).await;
                    polled = Instant::now();
                }
            }
        }
        self.shared.bell.set_runs_here(false);
        self.shared.bell.close();
        self.control.idle.send_replace(Some(u64::MAX));
    }

    /// Gives jobs that have just begun a moment to end as well: many small jobs then share one commit, and none waits
    /// longer than that moment.
    async fn gather(&mut self) {
        if self.ended.is_empty() {
            return;
        }
        while self.ended.len() < self.active.len() && self.begun.elapsed() < MOMENT {
            tokio::task::yield_now().await;
            while let Ok(finish) = self.inbox.try_recv() {
                self.ended.push(finish);
            }
        }
    }

    fn now(&self) -> Now {
        Now {
            wall: self.shared.now_ms(),
            queue: self.anchor + millis(self.shared.clock.active()),
            luck: uuid::Uuid::now_v7().as_u128() as u32 as f64 / f64::from(u32::MAX),
        }
    }

    fn is_due(&self) -> bool {
        let now = self.now();
        self.due.active.is_some_and(|at| at <= now.queue) || self.due.wall.is_some_and(|at| at <= now.wall)
    }

    /// One transaction, and what follows from it.
    async fn turn(&mut self) {
        self.look = false;
        let rings = self.shared.bell.rings();
        let stopping = self.control.stop.load(Ordering::Acquire) || !self.in_place;
        let ended = Arc::new(std::mem::take(&mut self.ended));
        let given_up: Vec<i64> =
            ended.iter().filter(|finish| finish.gives_up()).map(|finish| finish.seq).collect();
        let answer = self.commit(Arc::clone(&ended), stopping).await;
        let report = match answer {
            Ok(report) => report,
            Err(error) => {
                // Nothing is lost: what ended is reported again in the next turn.
                self.ended = Arc::try_unwrap(ended).unwrap_or_default();
                self.look = true;
                if error.is_disk_full() {
                    self.disk_is_full();
                } else if error.is_read_only() {
                    self.disk_is_read_only();
                } else {
                    tracing::error!(%error, "the queue could not write; it tries again");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                return;
            }
        };
        self.could_write();
        for seq in &report.ended {
            self.active.remove(seq);
            self.shared.live().remove(seq);
        }
        if !given_up.is_empty() {
            tokio::spawn(let_go::cancelled(Arc::clone(&self.shared), given_up));
        }
        let started = !report.claimed.is_empty();
        if started {
            self.begun = Instant::now();
        }
        for claimed in report.claimed {
            self.begin(claimed);
        }
        self.heed(&report.wishes);
        self.due = report.due;
        self.shared.bell.ring_watchers();
        let at_rest = self.active.is_empty() && !started && self.ended.is_empty();
        // A wait for room ends by itself, like one for the next try.
        let idle = at_rest && self.due.active.is_none() && !self.due.room;
        let idle = idle.then_some(rings);
        self.control.idle.send_if_modified(|known| std::mem::replace(known, idle) != idle);
    }

    fn measure(&mut self) {
        self.load = self.shared.options.meter.load();
        self.measured = self.active.len();
    }

    async fn commit(&self, ended: Arc<Vec<Finish>>, stopping: bool) -> Result<Report> {
        let now = self.now();
        let due = self.is_due();
        let shared = Arc::clone(&self.shared);
        let who = self.who.clone();
        let leaving: Vec<i64> = ended.iter().map(|finish| finish.seq).collect();
        let running: Vec<(i64, i64, Arc<Needs>, f64)> = self
            .active
            .iter()
            .filter(|(seq, _)| !leaving.contains(seq))
            .map(|(seq, job)| {
                (*seq, job.rank, Arc::clone(&job.needs), job.attempt.front().ticks.read().fraction())
            })
            .collect();
        let limits = Limits {
            slots: shared.slots.load(Ordering::Relaxed),
            cpu: shared.options.cpu_limit,
            memory: shared.options.memory_budget,
            load: self.load,
            measured: self.measured,
        };
        let (sender, receiver) = oneshot::channel();
        self.shared.store.write_then(
            move |db| {
                for finished in ended.iter() {
                    let policy = policy_of(&shared, finished.seq);
                    if !finish(db, now, finished, &policy)? {
                        tracing::warn!(job = finished.seq, "a stale attempt ended; nothing of it is written");
                    }
                }
                if due {
                    due::wake(db, now)?;
                }
                let mut claimed = Vec::new();
                if !stopping && !steer::is_paused(db)? {
                    let takers = running.iter().map(|(_, rank, needs, done)| Taker {
                        rank: *rank,
                        needs,
                        done: *done,
                    });
                    let mut ledger = Ledger::new(&limits, takers, &*shared.options.meter);
                    claimed = claim(db, now.wall, &shared.registry, &who, &mut ledger)?;
                }
                fail::fail_point!("queue::turn", |_| std::process::abort());
                Ok(Report {
                    ended: ended.iter().map(|finish| finish.seq).collect(),
                    claimed,
                    wishes: wishes(db)?,
                    due: due::next(db)?,
                })
            },
            move |answer: Result<Report>| {
                let _ = sender.send(answer);
            },
        );
        receiver.await.unwrap_or(Err(Error::Store(clonedeck_store::StoreError::Closed)))
    }

    fn begin(&mut self, mut claimed: Claimed) {
        let (seq, rank, needs) = (claimed.seq, claimed.rank, Arc::clone(&claimed.needs));
        let attempt = match claimed.take_work() {
            Ok(work) => Arc::new(Attempt::new(&self.shared, &mut claimed, work)),
            Err(error) => {
                self.ended.push(unfit(&claimed, error));
                return;
            }
        };
        self.shared.live().insert(seq, Arc::clone(&attempt));
        let span =
            tracing::info_span!("job", id = %attempt.id, kind = attempt.kind.name, epoch = attempt.epoch);
        let outbox = self.outbox.clone();
        let work = Arc::clone(&attempt);
        let task = tokio::spawn(
            async move {
                let _ = outbox.send(drive(work, claimed).await);
            }
            .instrument(span),
        );
        self.active.insert(seq, Active { attempt, needs, rank, task });
    }

    fn heed(&self, wishes: &[(i64, Intent)]) {
        for (seq, job) in &self.active {
            match wishes.iter().find(|(wisher, _)| wisher == seq).map(|(_, intent)| *intent) {
                Some(Intent::Pause) => job.attempt.ask_to_stop(Stop::Pause),
                Some(Intent::Cancel) => job.attempt.ask_to_stop(Stop::Cancel),
                _ => job.attempt.take_pause_back(),
            }
        }
    }

    /// Stops waiting for attempts that do not reach a safe point.
    async fn cut_off(&mut self) {
        for (_, job) in self.active.drain() {
            job.attempt.ask_to_stop(Stop::Shutdown);
            job.task.abort();
            self.shared.live().remove(&job.attempt.seq);
            self.ended.push(Finish {
                seq: job.attempt.seq,
                mark: job.attempt.mark(&job.attempt.front()),
                undoing: job.attempt.is_undoing(),
                ending: Ending::Yielded,
                failure: None,
                result: None,
                job_active_ms: millis(job.attempt.active()),
            });
        }
        let ended = Arc::new(std::mem::take(&mut self.ended));
        if let Err(error) = self.commit(ended, true).await {
            tracing::warn!(%error, "running jobs were left as they are; the next start takes them over");
        }
    }
}

#[cfg(unix)]
async fn hear(socket: Option<&tokio::net::UnixDatagram>) {
    match socket {
        Some(socket) => {
            let mut byte = [0u8; 8];
            let _ = socket.recv(&mut byte).await;
        }
        None => std::future::pending().await,
    }
}

fn policy_of(shared: &Shared, seq: i64) -> Policy {
    shared.live().get(&seq).map(|attempt| attempt.kind.policy).unwrap_or_default()
}

/// A job that this version of the program does not know how to carry on.
fn unfit(claimed: &Claimed, error: StepError) -> Finish {
    Finish {
        seq: claimed.seq,
        mark: Mark {
            seq: claimed.seq,
            epoch: claimed.epoch,
            index: claimed.step,
            progress: crate::Progress::default(),
            step_active_ms: claimed.step_active_ms,
        },
        undoing: claimed.intent.undoes(),
        ending: Ending::Failed(error),
        failure: None,
        result: None,
        job_active_ms: claimed.active_ms,
    }
}

fn wishes(db: &Connection) -> Result<Vec<(i64, Intent)>> {
    let mut query =
        db.prepare_cached("SELECT seq, intent FROM job WHERE state = 'running' AND intent <> 'go'")?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
    let mut found = Vec::new();
    for row in rows {
        let (seq, word) = row?;
        found.extend(Intent::parse(&word).map(|intent| (seq, intent)));
    }
    Ok(found)
}
