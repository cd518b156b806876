use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use clonedeck_queue::{Handle, StepError};
use clonedeck_site::{Class, Level, Problem, Stopped, Unit, Watch};

use crate::step_error;

/// A step's report to the queue, as site work knows it.
pub struct Watching {
    handle: Handle,
    /// Why the queue told the work to stop: handed on in place of the site's word for it.
    stopped: Mutex<Option<StepError>>,
}

impl Watching {
    /// Reports to `handle`.
    pub fn new(handle: Handle) -> Self {
        Self { handle, stopped: Mutex::new(None) }
    }

    /// The error of a step whose site work ended with `problem`.
    pub fn error(&self, problem: Problem) -> StepError {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner).take();
        match stopped {
            Some(stopped) if problem.class == Class::Stopped => stopped,
            _ if problem.class == Class::Stopped => {
                self.handle.safe_point().err().unwrap_or_else(|| step_error(problem))
            }
            _ => step_error(problem),
        }
    }

    fn note_stop(&self, outcome: Result<(), StepError>) -> Result<(), Stopped> {
        outcome.map_err(|why| {
            *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
            Stopped
        })
    }
}

#[async_trait]
impl Watch for Watching {
    fn progress(&self, done: u64, total: u64, unit: Unit) {
        self.handle.unit(match unit {
            Unit::Bytes => "bytes",
            Unit::Files => "files",
            Unit::Rows => "rows",
            Unit::Tables => "tables",
            Unit::Items => "items",
        });
        self.handle.progress(done, total);
    }

    fn doing(&self, what: &str) {
        self.handle.message(what);
    }

    fn note(&self, level: Level, line: &str) {
        let level = match level {
            Level::Info => clonedeck_queue::Level::Info,
            Level::Warn => clonedeck_queue::Level::Warn,
            Level::Error => clonedeck_queue::Level::Error,
        };
        self.handle.log(level, line);
    }

    fn stop_requested(&self) -> bool {
        self.handle.stop_requested()
    }

    async fn safe_point(&self) -> Result<(), Stopped> {
        tokio::task::consume_budget().await;
        self.note_stop(self.handle.safe_point())
    }

    async fn checkpoint(&self, cursor: serde_json::Value) -> Result<(), Stopped> {
        let kept = self.handle.checkpoint(&cursor).await;
        self.note_stop(kept)
    }
}
