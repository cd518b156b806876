//! Two kinds of time, under the control of tests.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Where the queue gets its time from.
///
/// *Wall* time is what people read and schedules follow; it can jump. *Active* time only grows, and stands still while
/// the machine sleeps; backoff, deadlines and rates count in it.
pub trait Clock: Send + Sync + 'static {
    /// The time of day.
    fn wall(&self) -> Timestamp;
    /// Time during which the machine was awake, since some fixed moment.
    fn active(&self) -> Duration;
}

/// The clock of the machine.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
    #[cfg(not(unix))]
    awake: Mutex<(Instant, Duration)>,
}

impl SystemClock {
    /// A clock whose active time starts now.
    pub fn new() -> Self {
        let start = Instant::now();
        Self {
            start,
            #[cfg(not(unix))]
            awake: Mutex::new((start, Duration::ZERO)),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    // The monotonic clock of Unix systems stands still in suspend.
    #[cfg(unix)]
    fn active(&self) -> Duration {
        self.start.elapsed()
    }

    // Windows counts suspended time. The runner asks many times a second, so a long gap was sleep.
    #[cfg(not(unix))]
    fn active(&self) -> Duration {
        const GAP: Duration = Duration::from_secs(30);
        let mut awake = self.awake.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let passed = now - awake.0;
        awake.0 = now;
        if passed < GAP {
            awake.1 += passed;
        }
        awake.1
    }
}

/// A clock that stands still until a test moves it. Clones share it.
///
/// ```
/// use std::time::Duration;
/// use clonedeck_queue::{Clock, ManualClock};
///
/// let clock = ManualClock::new("2026-11-22T08:00:00Z".parse().unwrap());
/// clock.advance(Duration::from_secs(60));
/// clock.jump(jiff::SignedDuration::from_hours(-24));
/// assert_eq!(clock.wall().to_string(), "2026-11-21T08:01:00Z");
/// assert_eq!(clock.active(), Duration::from_secs(60));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    time: Arc<Mutex<(Timestamp, Duration)>>,
}

impl ManualClock {
    /// A clock that shows `wall`.
    pub fn new(wall: Timestamp) -> Self {
        Self { time: Arc::new(Mutex::new((wall, Duration::ZERO))) }
    }

    fn change(&self, change: impl FnOnce(&mut (Timestamp, Duration))) {
        change(&mut self.time.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Time passes while the machine is awake.
    pub fn advance(&self, by: Duration) {
        self.change(|time| {
            time.0 += by;
            time.1 += by;
        });
    }

    /// Time passes while the machine sleeps.
    pub fn sleep(&self, by: Duration) {
        self.change(|time| time.0 += by);
    }

    /// Somebody sets the clock.
    pub fn jump(&self, by: jiff::SignedDuration) {
        self.change(|time| time.0 += by);
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Timestamp {
        self.time.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn active(&self) -> Duration {
        self.time.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or_default()
}
