use std::sync::atomic::{AtomicBool, Ordering};
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

/// The watch of a second piece of work in the same step: how far it is, is told once it is its turn to speak.
pub(crate) struct Later<'a> {
    watch: &'a dyn Watch,
    speaks: AtomicBool,
}

impl<'a> Later<'a> {
    pub(crate) fn new(watch: &'a dyn Watch) -> Self {
        Self { watch, speaks: AtomicBool::new(false) }
    }

    /// The first piece of work is done.
    pub(crate) fn speak(&self) {
        self.speaks.store(true, Ordering::Relaxed);
    }
}

#[async_trait]
impl Watch for Later<'_> {
    fn progress(&self, done: u64, total: u64, unit: Unit) {
        if self.speaks.load(Ordering::Relaxed) {
            self.watch.progress(done, total, unit);
        }
    }

    fn doing(&self, what: &str) {
        if self.speaks.load(Ordering::Relaxed) {
            self.watch.doing(what);
        }
    }

    fn note(&self, level: Level, line: &str) {
        self.watch.note(level, line);
    }

    fn stop_requested(&self) -> bool {
        self.watch.stop_requested()
    }

    async fn safe_point(&self) -> Result<(), Stopped> {
        self.watch.safe_point().await
    }

    async fn checkpoint(&self, cursor: serde_json::Value) -> Result<(), Stopped> {
        self.watch.checkpoint(cursor).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Told(Mutex<Vec<String>>);

    #[async_trait]
    impl Watch for Told {
        fn progress(&self, done: u64, total: u64, _: Unit) {
            self.0.lock().unwrap().push(format!("{done} of {total}"));
        }
        fn doing(&self, what: &str) {
            self.0.lock().unwrap().push(what.to_owned());
        }
        fn note(&self, _: Level, line: &str) {
            self.0.lock().unwrap().push(line.to_owned());
        }
        fn stop_requested(&self) -> bool {
            false
        }
        async fn safe_point(&self) -> Result<(), Stopped> {
            Err(Stopped)
        }
        async fn checkpoint(&self, _: serde_json::Value) -> Result<(), Stopped> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_second_piece_of_work_is_steered_from_the_start_and_tells_how_far_it_is_in_its_turn() {
        let told = Told::default();
        let later = Later::new(&told);
        later.progress(1, 3, Unit::Tables);
        later.doing("wp_options");
        later.note(Level::Warn, "a line of the log is never held back");
        assert_eq!(later.safe_point().await, Err(Stopped));
        later.speak();
        later.progress(2, 3, Unit::Tables);
        assert_eq!(*told.0.lock().unwrap(), ["a line of the log is never held back", "2 of 3"]);
    }
}
