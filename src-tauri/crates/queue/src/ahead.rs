//! A step that works ahead of the line.
//!
//! Most steps stand on the one before them. One that stands on an earlier step alone, such as the copy of a database beside the copy
//! of files, may set out as soon as that one is done ([`Line::ahead`](crate::Line::ahead)), where the machine has a processor to
//! spare. Working ahead decides nothing. When it comes to a good end, the step is completed like any other, and the line passes it by.
//! When it does not, whatever the reason, that is as if it had been cut off: nothing is counted, its cursor stays, and the step runs
//! again in its turn, where an error has its full weight. The attempt ends only once nothing of it is at work.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tracing::Instrument;

use crate::advance;
use crate::attempt::Attempt;
use crate::drive::caught;
use crate::log::Level;
use crate::stage::Stage;

/// The step at work ahead of an attempt's line, if one is. Dropped, it is cut off.
#[derive(Default)]
pub(crate) struct Ahead {
    lane: Option<Lane>,
    /// What set out in this attempt; each does so once.
    known: HashSet<usize>,
}

struct Lane {
    stage: Arc<Stage>,
    task: JoinHandle<()>,
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Ahead {
    /// Lets a step set out beside the one at `front`, where there is one that may and room for it.
    pub async fn set_out(&mut self, attempt: &Arc<Attempt>, front: usize) {
        if self.lane.as_ref().is_some_and(|lane| lane.task.is_finished()) {
            self.lane = None;
        }
        if self.lane.is_some() || attempt.must_stop() {
            return;
        }
        let Some(index) = attempt.ahead_of(front).find(|index| !self.known.contains(index)) else {
            return;
        };
        if !has_room(attempt) {
            return;
        }
        self.known.insert(index);
        let name = attempt.step_name(index).to_owned();
        let (seq, epoch, now) = (attempt.seq, attempt.epoch, attempt.now_ms());
        let span = tracing::info_span!("ahead", name = %name);
        let begin = move |db: &_| advance::begin_ahead(db, now, seq, epoch, index, &name);
        // A write that fails is met again by the line itself.
        let Ok(Some(begun)) = attempt.shared.store.write(begin).await else { return };
        let stage = Stage::new(index, begun.failures + 1, begun.active_ms, attempt.clock().active());
        attempt.set_ahead(Some(Arc::clone(&stage)));
        attempt.shared.bell.ring_watchers();
        let work = work(Arc::clone(attempt), Arc::clone(&stage), begun.cursor);
        self.lane = Some(Lane { stage, task: tokio::spawn(work.instrument(span)) });
    }

    /// Index of the step at work ahead.
    pub fn index(&self) -> Option<usize> {
        self.lane.as_ref().filter(|lane| !lane.task.is_finished()).map(|lane| lane.stage.index)
    }

    /// Waits until the step at work ahead has ended. From now on it is the one that the line has come to.
    pub async fn meet(&mut self, attempt: &Arc<Attempt>) {
        if let Some(mut lane) = self.lane.take() {
            attempt.set_front(Arc::clone(&lane.stage));
            attempt.set_ahead(None);
            let _ = (&mut lane.task).await;
        }
    }

    /// Tells the step at work ahead to give way and waits until it has.
    pub async fn recall(&mut self, attempt: &Arc<Attempt>) {
        if let Some(mut lane) = self.lane.take() {
            lane.stage.recall();
            attempt.wake_steps();
            let _ = (&mut lane.task).await;
            attempt.set_ahead(None);
        }
    }
}

/// Whether a processor is left for one more step.
fn has_room(attempt: &Attempt) -> bool {
    let at_work: usize = attempt.shared.live().values().map(|attempt| attempt.stages().len()).sum();
    at_work < attempt.shared.options.steps_at_once
}

async fn work(attempt: Arc<Attempt>, stage: Arc<Stage>, cursor: Option<String>) {
    let outcome = caught(attempt.line[stage.index].step.run(&attempt, &stage, cursor.as_deref())).await;
    let (now, mark) = (attempt.now_ms(), attempt.mark(&stage));
    let written = match outcome {
        Ok(done) => {
            // Before the line can pass it by.
            attempt.hand_on(attempt.step_name(stage.index), &done.output);
            let result = stage.take_result();
            attempt
                .shared
                .store
                .write(move |db| advance::ahead_done(db, now, &mark, &done, result.as_ref()))
                .await
        }
        Err(error) => {
            if !error.is_stopped() {
                attempt.log(
                    &stage,
                    Level::Warn,
                    &format!("begun ahead, and to be tried again in its turn: {error}"),
                );
            }
            attempt.shared.store.write(move |db| advance::ahead_left(db, now, &mark)).await
        }
    };
    if let Err(error) = written {
        tracing::warn!(job = %attempt.id, %error, "the end of a step that worked ahead could not be written");
    }
    attempt.leave_ahead(&stage);
    attempt.shared.bell.ring_watchers();
}
