//! Carrying an attempt along its line: forward to its end, or back over what is to be undone.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use serde_json::Value;
use tracing::Instrument;

use crate::advance::{self, Mark};
use crate::ahead::Ahead;
use crate::attempt::Attempt;
use crate::claim::Claimed;
use crate::clock::millis;
use crate::failure::FailureView;
use crate::line::{Placed, RawDone};
use crate::log::Level;
use crate::stop::Stop;
use crate::{StepError, Undone};

/// How an attempt left off.
pub(crate) enum Ending {
    /// The last step is done.
    Completed(RawDone),
    /// A step or an undo did not succeed.
    Failed(StepError),
    /// It gave way.
    Yielded,
    /// Every undo has run.
    Undone,
}

/// What an attempt reports when it ends.
pub(crate) struct Finish {
    pub seq: i64,
    pub mark: Mark,
    pub undoing: bool,
    pub ending: Ending,
    pub failure: Option<FailureView>,
    pub result: Option<Value>,
    pub job_active_ms: i64,
}

impl Finish {
    /// Whether it may be the end of a job that was cancelled.
    pub fn gives_up(&self) -> bool {
        matches!(self.ending, Ending::Undone | Ending::Yielded)
    }
}

/// Carries the job on until it ends or has to stop.
pub(crate) async fn drive(attempt: Arc<Attempt>, claimed: Claimed) -> Finish {
    let ending = if claimed.intent.undoes() {
        undo(&attempt, &claimed).await
    } else {
        forward(&attempt, &claimed).await
    };
    let ending = match ending {
        Ending::Failed(error) if error.is_stopped() && attempt.stop() == Stop::Deadline => {
            Ending::Failed(StepError::permanent(
                "deadline",
                format!("The job took longer than {} hours.", attempt.kind.policy.deadline.as_secs() / 3600),
            ))
        }
        Ending::Failed(error) if error.is_stopped() => Ending::Yielded,
        // Whatever a step missed, this is why.
        Ending::Failed(error) => Ending::Failed(match attempt.shared.misplaced() {
            Some(trouble) => StepError::data_folder(trouble, &attempt.shared.dir),
            None => error,
        }),
        other => other,
    };
    let failure = match &ending {
        Ending::Failed(error) => {
            attempt.log(&attempt.front(), Level::Error, &error.to_string());
            Some(error.report(|text| attempt.masked(text)))
        }
        _ => None,
    };
    let front = attempt.front();
    Finish {
        seq: attempt.seq,
        mark: attempt.mark(&front),
        undoing: attempt.undoing,
        ending,
        failure,
        result: front.take_result(),
        job_active_ms: millis(attempt.active()),
    }
}

async fn forward(attempt: &Arc<Attempt>, claimed: &Claimed) -> Ending {
    let mut ahead = Ahead::default();
    let ending = walk(attempt, claimed, &mut ahead).await;
    ahead.recall(attempt).await;
    ending
}

/// Goes along the line, step by step.
async fn walk(attempt: &Arc<Attempt>, claimed: &Claimed, ahead: &mut Ahead) -> Ending {
    let mut cursor = claimed.cursor.clone();
    loop {
        let stage = attempt.front();
        let Some(Placed { name, step, .. }) = attempt.line.get(stage.index) else {
            // The line of this kind has become shorter since the job was added: nothing is left to do.
            return Ending::Completed(RawDone { skipped: None, output: "null".into() });
        };
        ahead.set_out(attempt, stage.index).await;
        let span = tracing::info_span!("step", name = %name);
        let run = caught(step.run(attempt, &stage, cursor.as_deref()));
        let done = match run.instrument(span).await {
            Ok(done) => done,
            Err(error) => return Ending::Failed(error),
        };
        if stage.index + 1 >= attempt.line.len() {
            return Ending::Completed(done);
        }
        attempt.hand_on(name, &done.output);
        let (mark, result, now) = (attempt.mark(&stage), stage.take_result(), attempt.now_ms());
        let way = what_follows(attempt, ahead);
        let write = move |db: &_| advance::step_done(db, now, &mark, &done, result.as_ref(), &way);
        let mut next = attempt.shared.store.write(write).await;
        if matches!(next, Ok(advance::Next::Ahead)) {
            ahead.meet(attempt).await;
            let met = attempt.front().index;
            let (now, way) = (attempt.now_ms(), what_follows(attempt, ahead));
            next = attempt.shared.store.write(move |db| advance::pass(db, now, met, &way)).await;
        }
        match next {
            Ok(advance::Next::Begun { index, begun }) => {
                attempt.begin_step(index, begun.failures + 1, begun.active_ms);
                cursor = begun.cursor;
                attempt.shared.bell.ring_watchers();
            }
            Ok(advance::Next::Held { index }) => {
                attempt.begin_step(index, 1, 0);
                return Ending::Yielded;
            }
            other => {
                return match attempt.heed(other.map(|_| false)) {
                    Ok(()) => Ending::Yielded,
                    Err(error) => Ending::Failed(error),
                };
            }
        }
    }
}

/// What of the line may follow right now.
fn what_follows(attempt: &Arc<Attempt>, ahead: &Ahead) -> advance::Way {
    advance::Way { attempt: Arc::clone(attempt), go_on: !attempt.must_stop(), ahead: ahead.index() }
}

async fn undo(attempt: &Arc<Attempt>, claimed: &Claimed) -> Ending {
    for (index, cursor) in &claimed.undos {
        if attempt.must_stop() {
            return Ending::Yielded;
        }
        let Some(Placed { name, step, .. }) = attempt.line.get(*index) else { continue };
        attempt.begin_step(*index, attempt.front().try_number, 0);
        let stage = attempt.front();
        attempt.tell(&stage, "taking back");
        let span = tracing::info_span!("undo", name = %name);
        let outcome = match caught(step.undo(attempt, &stage, cursor.as_deref())).instrument(span).await {
            Ok(outcome) => Ok(outcome),
            Err(error) if error.class() == Some(crate::Class::Permanent) => {
                attempt.log(&stage, Level::Error, &error.to_string());
                Err(error.report(|text| attempt.masked(text)))
            }
            Err(error) => return Ending::Failed(error),
        };
        let mark = attempt.mark(&stage);
        let now = attempt.now_ms();
        let written =
            attempt.shared.store.write(move |db| advance::step_undone(db, now, &mark, &outcome)).await;
        if let Err(error) = attempt.heed(written) {
            return Ending::Failed(error);
        }
        attempt.shared.bell.ring_watchers();
    }
    Ending::Undone
}

/// A step that panics fails for good; it does not take the program along.
pub(crate) async fn caught<T>(
    mut step: Pin<Box<dyn Future<Output = Result<T, StepError>> + Send + '_>>,
) -> Result<T, StepError> {
    std::future::poll_fn(move |cx| match catch_unwind(AssertUnwindSafe(|| step.as_mut().poll(cx))) {
        Ok(poll) => poll,
        Err(panic) => {
            let text = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "no message".into());
            Poll::Ready(Err(StepError::permanent(
                "panic",
                format!("The step broke off with a fault in the program: {text}"),
            )
            .help("This is a bug; please report it with the log of the job.")))
        }
    })
    .await
}

/// What an undo did, or how it failed for good.
pub(crate) type UndoOutcome = Result<Undone, FailureView>;
