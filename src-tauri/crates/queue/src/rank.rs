//! Priority that nobody starves under.
//!
//! The queue runs jobs in the order of their rank, `ready_at − priority × W`, smallest first. The rank of a job never
//! changes while it waits, so there is nothing to age and the order is one index. It bounds every wait: job *b* goes
//! before job *a* only when `b.ready_at < a.ready_at + (b.priority − a.priority) × W`. With priorities from −10 to 10 and
//! *W* = 2 minutes, **no job that became ready more than 40 minutes after another one goes before it**, whatever their
//! priorities are.

use crate::{Error, Result};

/// What one level of priority is worth, in milliseconds of waiting.
pub const LEVEL_MS: i64 = 2 * 60 * 1000;
/// The lowest priority.
pub const LOWEST: i32 = -10;
/// The highest priority.
pub const HIGHEST: i32 = 10;
/// Jobs that take back what they did go first: they hold targets.
pub(crate) const UNDO_RANK: i64 = i64::MIN / 2;

/// The rank of a job; the smaller goes first.
pub const fn rank(ready_at_ms: i64, priority: i32) -> i64 {
    ready_at_ms - priority as i64 * LEVEL_MS
}

pub(crate) fn check(priority: i32) -> Result<i32> {
    if (LOWEST..=HIGHEST).contains(&priority) {
        return Ok(priority);
    }
    Err(Error::invalid(format!("priority {priority}"), format!("priorities go from {LOWEST} to {HIGHEST}")))
}
