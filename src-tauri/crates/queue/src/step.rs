//! What a step is.

use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Ctx, Job, StepError};

/// One step of a job's line.
///
/// A step can be cut off at any moment by a crash and is then run again, so it must be idempotent: what it finds done it
/// leaves. Once completed it never runs again.
pub trait Step: Send + Sync + Sized + 'static {
    /// The kind of job it belongs to.
    type Job: Job;
    /// Where the step stands inside itself; what [`Ctx::checkpoint`] keeps. Use `()` when it has no middle.
    type Cursor: Serialize + DeserializeOwned + Default + Send + Sync + 'static;
    /// What it hands to later steps, which read it with [`Ctx::output_of`]. Use `()` when nothing.
    type Output: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// Stable name, such as `copy-files`; unique in the line.
    const NAME: &'static str;
    /// The name for people, such as `Copy files`.
    const TITLE: &'static str;

    /// Its share of the work, in any unit that all steps of the job have in common. An early step that finds out the
    /// real amount of work can say so with [`Ctx::set_weights`].
    fn weight(&self, spec: &<Self::Job as Job>::Spec) -> f64 {
        let _ = spec;
        1.0
    }

    /// Does the work.
    fn run(&self, ctx: &mut Ctx<Self>) -> impl Future<Output = Result<Done<Self::Output>, StepError>> + Send;

    /// Takes back what [`run`](Self::run) did, wholly or in part, as far as the world shows it. Runs backwards through
    /// the line after a cancel, and after a failure unless the policy says [`OnFailure::Keep`](crate::OnFailure).
    /// It too can be cut off and run again. Says whether there was anything to take back.
    fn undo(&self, ctx: &mut Ctx<Self>) -> impl Future<Output = Result<Undone, StepError>> + Send {
        let _ = ctx;
        std::future::ready(Ok(Undone::Nothing))
    }
}

/// How a step ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done<T> {
    /// The work is done.
    Completed(T),
    /// There was nothing to do.
    Skipped {
        /// Why, for people.
        reason: String,
        /// Later steps get this all the same.
        output: T,
    },
}

/// What an undo found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undone {
    /// The step leaves nothing behind; it stays completed, and a retry of the job need not run it again.
    Nothing,
    /// What the step did was taken back; a retry of the job runs it again.
    Reverted,
}
