//! A step at work: where it is in the line, and how far.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::clock::millis;
use crate::progress::Ticks;

/// How often the active time of a step is written that tells nothing else.
const SILENT: Duration = Duration::from_secs(30);

/// A step at work. Its view of the job, the runner and the views of the queue share it.
pub(crate) struct Stage {
    /// Index in the line.
    pub index: usize,
    /// Which try of the step this is, from 1.
    pub try_number: u32,
    pub ticks: Ticks,
    /// Active time when this run of it began.
    began: Duration,
    /// Active time that earlier runs of it took.
    used_ms: i64,
    /// Active time, in milliseconds, at which it was last written how far it is.
    written: AtomicI64,
    /// It is to give way although its job need not.
    recalled: AtomicBool,
    result: Mutex<Option<Value>>,
}

impl Stage {
    pub fn new(index: usize, try_number: u32, used_ms: i64, now: Duration) -> Arc<Self> {
        Arc::new(Self {
            index,
            try_number,
            ticks: Ticks::default(),
            began: now,
            used_ms,
            written: AtomicI64::new(millis(now)),
            recalled: AtomicBool::new(false),
            result: Mutex::new(None),
        })
    }

    /// Active time that the step has taken in all, at the active time `now`.
    pub fn active_ms(&self, now: Duration) -> i64 {
        self.used_ms + millis(now.saturating_sub(self.began))
    }

    /// Whether it has to be written how far the step is: there is news, or a crash would take more of its active time than
    /// [`SILENT`].
    pub fn take_due(&self, now: Duration) -> bool {
        let is_old = millis(now) - self.written.load(Ordering::Relaxed) >= millis(SILENT);
        let is_due = self.ticks.take_changed() || is_old;
        if is_due {
            self.written.store(millis(now), Ordering::Relaxed);
        }
        is_due
    }

    pub fn recall(&self) {
        self.recalled.store(true, Ordering::Release);
    }

    pub fn is_recalled(&self) -> bool {
        self.recalled.load(Ordering::Acquire)
    }

    /// Adds to what the step gives to the result of its job.
    pub fn add_result(&self, value: Value) {
        let mut result = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        match (&mut *result, value) {
            (Some(Value::Object(all)), Value::Object(more)) => all.extend(more),
            (place, value) => *place = Some(value),
        }
    }

    pub fn take_result(&self) -> Option<Value> {
        self.result.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_written_when_it_tells_something_and_now_and_then_when_it_tells_nothing() {
        let at = Duration::from_secs;
        let stage = Stage::new(0, 1, 0, at(100));
        assert!(!stage.take_due(at(101)));
        stage.ticks.set(1, 2);
        assert!(stage.take_due(at(102)));
        assert!(!stage.take_due(at(131)));
        assert!(stage.take_due(at(132)));
        assert!(!stage.take_due(at(133)));
    }
}
