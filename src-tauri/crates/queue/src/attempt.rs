//! One attempt: a claimed job at work, and what its steps, the runner and the views share of it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;

use crate::advance::{self, Mark};
use crate::claim::{Claimed, Work};
use crate::line::{AnySpec, Kind, Placed};
use crate::log::{Level, LogWriter, Mask};
use crate::progress::Progress;
use crate::queue::Shared;
use crate::stage::Stage;
use crate::stop::{Stop, StopReason};
use crate::{Clock, Error, JobId, StepError, Trouble, vault};

/// A claimed job at work. Its steps, the runner and the views share it.
pub(crate) struct Attempt {
    pub shared: Arc<Shared>,
    pub kind: Arc<Kind>,
    pub seq: i64,
    pub id: JobId,
    pub epoch: i64,
    pub spec: AnySpec,
    /// The steps, in order.
    pub line: Vec<Placed>,
    pub undoing: bool,
    /// The step that the line has come to.
    front: Mutex<Arc<Stage>>,
    /// The step at work ahead of it.
    ahead: Mutex<Option<Arc<Stage>>>,
    outputs: Mutex<HashMap<String, String>>,
    mask: Mask,
    masked: AtomicBool,
    log: Mutex<Option<LogWriter>>,
    /// Lines that came while the log could not be opened.
    unlogged: AtomicU64,
    stop: AtomicU8,
    stopping: Notify,
    /// Active time used by earlier attempts.
    used: Duration,
    began: Duration,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Attempt {
    pub fn new(shared: &Arc<Shared>, claimed: &mut Claimed, Work { spec, line }: Work) -> Self {
        let now = shared.clock.active();
        Self {
            shared: Arc::clone(shared),
            kind: Arc::clone(&claimed.kind),
            seq: claimed.seq,
            id: claimed.id,
            epoch: claimed.epoch,
            spec,
            line,
            undoing: claimed.intent.undoes(),
            front: Mutex::new(Stage::new(claimed.step, claimed.failures + 1, claimed.step_active_ms, now)),
            ahead: Mutex::new(None),
            outputs: Mutex::new(std::mem::take(&mut claimed.outputs)),
            mask: Mask::default(),
            masked: AtomicBool::new(false),
            log: Mutex::new(None),
            unlogged: AtomicU64::new(0),
            stop: AtomicU8::new(Stop::None as u8),
            stopping: Notify::new(),
            used: Duration::from_millis(claimed.active_ms.max(0) as u64),
            began: now,
        }
    }

    pub fn clock(&self) -> &dyn Clock {
        &*self.shared.clock
    }

    pub fn now_ms(&self) -> i64 {
        self.shared.now_ms()
    }

    /// The step that the line has come to.
    pub fn front(&self) -> Arc<Stage> {
        Arc::clone(&lock(&self.front))
    }

    pub fn set_front(&self, stage: Arc<Stage>) {
        *lock(&self.front) = stage;
    }

    pub fn set_ahead(&self, stage: Option<Arc<Stage>>) {
        *lock(&self.ahead) = stage;
    }

    /// The step that worked ahead no longer does.
    pub fn leave_ahead(&self, stage: &Arc<Stage>) {
        lock(&self.ahead).take_if(|ahead| Arc::ptr_eq(ahead, stage));
    }

    /// The steps at work, the one that the line has come to first.
    pub fn stages(&self) -> Vec<Arc<Stage>> {
        let ahead = lock(&self.ahead).clone();
        std::iter::once(self.front()).chain(ahead).collect()
    }

    /// The steps beyond `front` that may work ahead while it is at work.
    pub fn ahead_of(&self, front: usize) -> impl Iterator<Item = usize> + '_ {
        let further = self.line.iter().enumerate().skip(front + 1);
        further
            .filter(move |(_, placed)| placed.after.is_some_and(|after| after < front))
            .map(|(index, _)| index)
    }

    /// The name of the step at this place of the line; empty behind its end.
    pub fn step_name(&self, index: usize) -> &str {
        self.line.get(index).map_or("", |placed| &placed.name)
    }

    pub fn is_undoing(&self) -> bool {
        self.undoing
    }

    pub fn output(&self, step: &str) -> Option<String> {
        lock(&self.outputs).get(step).cloned()
    }

    /// Makes the output of a step known to the later ones.
    pub fn hand_on(&self, step: &str, output: &str) {
        lock(&self.outputs).insert(step.into(), output.into());
    }

    pub fn add_secret_result(&self, value: Value) -> Result<(), StepError> {
        vault::add_result(&*self.shared.vault, self.id, value)
            .map_err(|error| StepError::io(&error, vault::folder(&self.shared.dir)))
    }

    pub fn register_secret(&self, word: &str) {
        self.mask.add(word);
        self.masked.store(true, Ordering::Release);
    }

    pub fn masked(&self, text: &str) -> String {
        if self.masked.load(Ordering::Acquire) { self.mask.apply(text) } else { text.to_owned() }
    }

    pub fn tell(&self, stage: &Stage, message: &str) {
        stage.ticks.set_message(self.masked(message));
    }

    pub fn log(&self, stage: &Stage, level: Level, text: &str) {
        let step = self.step_name(stage.index);
        let text = self.masked(text);
        let mut log = lock(&self.log);
        if log.is_none() {
            let lines = text.split('\n').count() as u64;
            if self.shared.misplaced().is_some() {
                self.unlogged.fetch_add(lines, Ordering::Relaxed);
                return;
            }
            let folder = self.shared.log_dir(self.id);
            let lost = self.unlogged.load(Ordering::Relaxed);
            match LogWriter::open(&folder, self.shared.options.log_limit, lost) {
                Ok(writer) => *log = Some(writer),
                Err(error) => {
                    tracing::warn!(job = %self.id, %error, "the log of a job cannot be opened");
                    self.unlogged.fetch_add(lines, Ordering::Relaxed);
                    return;
                }
            }
        }
        if let Some(writer) = &mut *log {
            writer.append(self.shared.clock.wall(), level, step, &text);
        }
    }

    pub fn job_dir(&self) -> Result<PathBuf, StepError> {
        if let Some(trouble) = self.shared.misplaced() {
            // A folder made now would stand where the data directory is to be put back.
            return Err(StepError::data_folder(trouble, &self.shared.dir));
        }
        let folder = self.shared.job_dir(self.id);
        match std::fs::create_dir_all(&folder) {
            Ok(()) => Ok(folder),
            Err(error) => Err(StepError::io(&error, folder)),
        }
    }

    pub fn stop(&self) -> Stop {
        Stop::of(self.stop.load(Ordering::Acquire))
    }

    /// Why the step has to stop; `None` while it need not.
    pub fn stop_reason(&self) -> Option<StopReason> {
        if self.must_stop() { self.stop().reason() } else { None }
    }

    /// Asks the attempt to stop; a stronger reason replaces a weaker one.
    pub fn ask_to_stop(&self, why: Stop) {
        if self.stop.fetch_max(why as u8, Ordering::AcqRel) < why as u8 {
            self.stopping.notify_waiters();
        }
    }

    /// An operator took the pause back before it could take hold.
    pub fn take_pause_back(&self) {
        let (pause, none) = (Stop::Pause as u8, Stop::None as u8);
        let _ = self.stop.compare_exchange(pause, none, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Lets steps that wait look again whether they have to stop.
    pub fn wake_steps(&self) {
        self.stopping.notify_waiters();
    }

    pub async fn stop_requested(&self, stage: &Stage) {
        loop {
            let asked = self.stopping.notified();
            tokio::pin!(asked);
            asked.as_mut().enable();
            if self.must_stop() || stage.is_recalled() {
                return;
            }
            asked.await;
        }
    }

    /// Undoing is not cut short by a pause or a cancel: it is the cancel.
    pub fn must_stop(&self) -> bool {
        match self.stop() {
            Stop::None => false,
            Stop::Pause | Stop::Cancel | Stop::Deadline => !self.undoing,
            Stop::Shutdown | Stop::Lost => true,
        }
    }

    pub fn may_go_on(&self, stage: &Stage) -> Result<(), StepError> {
        if self.must_stop() || stage.is_recalled() { Err(StepError::stopped()) } else { Ok(()) }
    }

    pub fn active(&self) -> Duration {
        self.used + self.shared.clock.active().saturating_sub(self.began)
    }

    pub fn is_over_deadline(&self) -> bool {
        self.active() > self.kind.policy.deadline
    }

    /// What a write needs to know about where a step is.
    pub fn mark(&self, stage: &Stage) -> Mark {
        let mut progress: Progress = stage.ticks.read();
        progress.rate = None;
        Mark {
            seq: self.seq,
            epoch: self.epoch,
            index: stage.index,
            progress,
            step_active_ms: stage.active_ms(self.shared.clock.active()),
        }
    }

    pub async fn checkpoint(&self, stage: &Stage, cursor: String) -> Result<(), StepError> {
        let mark = self.mark(stage);
        let outcome = self.shared.store.write(move |db| advance::checkpoint(db, &mark, &cursor)).await;
        self.heed(outcome)
    }

    pub async fn set_weights(&self, weights: HashMap<String, f64>) -> Result<(), StepError> {
        let (seq, epoch) = (self.seq, self.epoch);
        let outcome = self.shared.store.write(move |db| advance::set_weights(db, seq, epoch, &weights)).await;
        self.heed(outcome)
    }

    /// Takes in what became of a write: `false` means that the attempt was fenced off.
    pub fn heed(&self, outcome: Result<bool, Error>) -> Result<(), StepError> {
        match outcome {
            Ok(true) => Ok(()),
            Ok(false) => {
                tracing::warn!(job = %self.id, epoch = self.epoch, "this attempt was taken over");
                self.ask_to_stop(Stop::Lost);
                Err(StepError::stopped())
            }
            Err(error) if error.is_disk_full() => {
                Err(StepError::disk_full(&self.shared.dir, self.shared.options.ballast * 2))
            }
            Err(error) if error.is_read_only() => {
                Err(StepError::data_folder(Trouble::ReadOnly, &self.shared.dir))
            }
            Err(error) => Err(StepError::transient(error.code(), error.to_string()).help(error.help())),
        }
    }

    pub fn begin_step(&self, index: usize, try_number: u32, used_ms: i64) {
        self.set_front(Stage::new(index, try_number, used_ms, self.shared.clock.active()));
    }
}
