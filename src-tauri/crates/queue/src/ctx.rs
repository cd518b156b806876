//! What a step sees of the queue.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::attempt::Attempt;
use crate::log::Level;
use crate::stage::Stage;
use crate::stop::{Stop, StopReason};
use crate::{Clock, Job, JobId, Step, StepError};

type SpecOf<S> = <<S as Step>::Job as Job>::Spec;

/// A running step's view of its job.
///
/// Reporting is cheap and never fails: progress and messages live in memory and reach the disk at most once a second.
/// [`checkpoint`](Self::checkpoint) and [`safe_point`](Self::safe_point) are where the queue may tell the step to stop;
/// hand their error on with `?`.
pub struct Ctx<S: Step> {
    attempt: Arc<Attempt>,
    spec: Arc<SpecOf<S>>,
    cursor: S::Cursor,
    stage: Arc<Stage>,
}

impl<S: Step> Ctx<S> {
    pub(crate) fn new(
        attempt: &Arc<Attempt>,
        stage: &Arc<Stage>,
        cursor: Option<&str>,
    ) -> Result<Self, StepError> {
        let spec = Arc::clone(&attempt.spec).downcast().map_err(|_| {
            StepError::permanent(
                "wrong-job",
                format!("The step {} is not made for this kind of job.", S::NAME),
            )
        })?;
        let cursor = cursor.map_or_else(S::Cursor::default, |text| {
            serde_json::from_str(text).unwrap_or_else(|error| {
                // Written by another version. A step is idempotent, so it may begin anew.
                tracing::warn!(step = S::NAME, %error, "a cursor does not fit and is forgotten");
                S::Cursor::default()
            })
        });
        Ok(Self { attempt: Arc::clone(attempt), spec, cursor, stage: Arc::clone(stage) })
    }

    /// The order.
    pub fn spec(&self) -> &SpecOf<S> {
        &self.spec
    }

    /// Where the step stood at its last durable checkpoint when this run of it began; the default when there is none.
    pub fn cursor(&self) -> &S::Cursor {
        &self.cursor
    }

    /// What the earlier step `T` handed on.
    ///
    /// # Errors
    /// Permanent, `output-missing`, when `T` is not an earlier step of this line or did not complete.
    pub fn output_of<T: Step<Job = S::Job>>(&self) -> Result<T::Output, StepError> {
        let text = self.attempt.output(T::NAME).ok_or_else(|| {
            StepError::permanent(
                "output-missing",
                format!("{} needs the outcome of {}, which has none.", S::TITLE, T::TITLE),
            )
        })?;
        serde_json::from_str(&text).map_err(|error| {
            StepError::permanent(
                "output-unfit",
                format!("The outcome of {} cannot be read: {error}", T::TITLE),
            )
            .help("It was written by another version: retry the job from the start.")
        })
    }

    /// How far the step is: `done` of `total`, in the unit set with [`unit`](Self::unit). `total` 0 means unknown.
    pub fn progress(&self, done: u64, total: u64) {
        self.stage.ticks.set(done, total);
    }

    /// What [`progress`](Self::progress) counts: `files`, `bytes`, `rows`…
    pub fn unit(&self, unit: &str) {
        self.stage.ticks.set_unit(unit);
    }

    /// What the step does right now, such as the name of a table.
    pub fn message(&self, message: impl AsRef<str>) {
        self.attempt.tell(&self.stage, message.as_ref());
    }

    /// Makes `cursor` durable: after a crash, a retry or a pause the step begins there. Also a
    /// [safe point](Self::safe_point), once the cursor is kept.
    ///
    /// # Errors
    /// When the step has to stop, or the cursor could not be kept because the disk is full.
    pub async fn checkpoint(&mut self, cursor: &S::Cursor) -> Result<(), StepError> {
        let text = serde_json::to_string(cursor).map_err(|error| {
            StepError::permanent(
                "cursor-unfit",
                format!("The cursor of {} cannot be stored: {error}", S::TITLE),
            )
        })?;
        self.attempt.checkpoint(&self.stage, text).await?;
        self.safe_point().await
    }

    /// A moment at which the step may be cut off without harm. Pause, cancel, deadline and the stop of the program take
    /// hold here. Costs nothing when there is no reason to stop; call it often.
    pub async fn safe_point(&self) -> Result<(), StepError> {
        // Lets other jobs run when this one never waits for anything.
        tokio::task::consume_budget().await;
        self.attempt.may_go_on(&self.stage)
    }

    /// Why the step is asked to stop: what a step does with something that it has started can depend on whether the job
    /// pauses, is cancelled, or only the program ends. `None` while it is not asked.
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.attempt.stop_reason()
    }

    /// The step's name in its line.
    pub fn step_name(&self) -> &str {
        self.attempt.step_name(self.stage.index)
    }

    /// Ends when the step is asked to stop; for `select!` beside something that takes long.
    pub async fn stop_requested(&self) {
        self.attempt.stop_requested(&self.stage).await;
    }

    /// Sleeps, unless asked to stop.
    pub async fn sleep(&self, duration: Duration) -> Result<(), StepError> {
        tokio::select! {
            () = tokio::time::sleep(duration) => self.attempt.may_go_on(&self.stage),
            () = self.attempt.stop_requested(&self.stage) => self.attempt.may_go_on(&self.stage),
        }
    }

    /// Adds to the job's log; text of several lines becomes several lines, colours stay. Secrets that were
    /// [registered](Self::register_secret) are masked.
    pub fn log(&self, level: Level, text: impl AsRef<str>) {
        self.attempt.log(&self.stage, level, text.as_ref());
    }

    /// From now on this text never reaches the log, an error or a message of this attempt. It is not stored, so every
    /// step that handles the secret registers it.
    pub fn register_secret(&self, secret: &str) {
        self.attempt.register_secret(secret);
    }

    /// Tells how much work each step really is, once it is known; by step name, in one common unit.
    pub async fn set_weights(&self, weights: &[(&str, f64)]) -> Result<(), StepError> {
        let weights = weights.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect();
        self.attempt.set_weights(weights).await
    }

    /// Part of the job's public result, kept when this step completes. The fields of several calls come together in one
    /// object; a later value of the same field wins.
    pub fn set_result(&self, result: impl Serialize) -> Result<(), StepError> {
        let value = serde_json::to_value(result).map_err(|error| {
            StepError::permanent(
                "result-unfit",
                format!("The result of {} cannot be stored: {error}", S::TITLE),
            )
        })?;
        self.stage.add_result(value);
        Ok(())
    }

    /// Part of the job's secret result (a password): a file that only this user can read, shown on request only.
    pub fn set_secret_result(&self, secret: impl Serialize) -> Result<(), StepError> {
        let value = serde_json::to_value(secret).map_err(|error| {
            StepError::permanent(
                "result-unfit",
                format!("The result of {} cannot be stored: {error}", S::TITLE),
            )
        })?;
        self.attempt.add_secret_result(value)
    }

    /// Which try of this step this is, counted from 1. Going on after a stop of the program is the same try.
    pub fn attempt(&self) -> u32 {
        self.stage.try_number
    }

    /// Active time that the step has taken, earlier runs of it included.
    pub fn active(&self) -> Duration {
        let active_ms = self.stage.active_ms(self.attempt.clock().active());
        Duration::from_millis(active_ms.max(0) as u64)
    }

    /// The job's id.
    pub fn job_id(&self) -> JobId {
        self.attempt.id
    }

    /// The queue's clock.
    pub fn clock(&self) -> &dyn Clock {
        self.attempt.clock()
    }

    /// A folder for the job's own bulky state, such as an index of files. It is there for all steps and is removed with
    /// the job's record.
    pub fn job_dir(&self) -> Result<PathBuf, StepError> {
        self.attempt.job_dir()
    }

    /// For threads and tasks that the step starts.
    pub fn handle(&self) -> Handle {
        Handle { attempt: Arc::clone(&self.attempt), stage: Arc::clone(&self.stage) }
    }
}

/// Reporting for the threads of a step.
#[derive(Clone)]
pub struct Handle {
    attempt: Arc<Attempt>,
    stage: Arc<Stage>,
}

impl Handle {
    /// See [`Ctx::unit`].
    pub fn unit(&self, unit: &str) {
        self.stage.ticks.set_unit(unit);
    }

    /// [`Ctx::checkpoint`] for work that does not know the step's type. The step's `Cursor` has to be able to read it back.
    pub async fn checkpoint(&self, cursor: &impl Serialize) -> Result<(), StepError> {
        let text = serde_json::to_string(cursor).map_err(|error| {
            StepError::permanent("cursor-unfit", format!("The cursor of this step cannot be stored: {error}"))
        })?;
        self.attempt.checkpoint(&self.stage, text).await?;
        self.attempt.may_go_on(&self.stage)
    }

    /// See [`Ctx::progress`].
    pub fn progress(&self, done: u64, total: u64) {
        self.stage.ticks.set(done, total);
    }

    /// Adds to what is done; for several threads that share one total.
    pub fn advance(&self, by: u64) {
        self.stage.ticks.add(by);
    }

    /// See [`Ctx::message`].
    pub fn message(&self, message: impl AsRef<str>) {
        self.attempt.tell(&self.stage, message.as_ref());
    }

    /// See [`Ctx::log`].
    pub fn log(&self, level: Level, text: impl AsRef<str>) {
        self.attempt.log(&self.stage, level, text.as_ref());
    }

    /// See [`Ctx::register_secret`].
    pub fn register_secret(&self, secret: &str) {
        self.attempt.register_secret(secret);
    }

    /// Whether the step is asked to stop. A thread that sees it ends soon; the step then meets a safe point.
    pub fn stop_requested(&self) -> bool {
        self.attempt.stop() != Stop::None || self.stage.is_recalled()
    }

    /// [`Ctx::safe_point`] for threads.
    pub fn safe_point(&self) -> Result<(), StepError> {
        self.attempt.may_go_on(&self.stage)
    }
}
