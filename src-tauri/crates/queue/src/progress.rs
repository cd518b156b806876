//! Progress in memory: the latest value wins.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How far a step is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Units done.
    pub done: u64,
    /// Units in all; `None` while unknown.
    pub total: Option<u64>,
    /// What is counted.
    pub unit: Option<String>,
    /// What is being done right now.
    pub message: Option<String>,
    /// Units a second of active time, once it can be told.
    pub rate: Option<f64>,
}

impl Progress {
    /// The part that is done, between 0 and 1; 0 while the total is unknown.
    pub fn fraction(&self) -> f64 {
        match self.total {
            Some(total) if total > 0 => (self.done as f64 / total as f64).clamp(0.0, 1.0),
            _ => 0.0,
        }
    }
}

/// What the step writes and the runner samples.
#[derive(Default)]
pub(crate) struct Ticks {
    done: AtomicU64,
    total: AtomicU64,
    changed: AtomicBool,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    unit: Option<String>,
    message: Option<String>,
    pace: Pace,
}

/// A smoothed rate.
#[derive(Default)]
struct Pace {
    last: Option<(Duration, u64)>,
    rate: Option<f64>,
}

impl Pace {
    /// Weight of the newest second in the smoothed rate.
    const FRESH: f64 = 0.25;

    fn sample(&mut self, now: Duration, done: u64) {
        let Some((then, before)) = self.last else {
            self.last = Some((now, done));
            return;
        };
        let passed = now.saturating_sub(then).as_secs_f64();
        if passed < 0.25 {
            return;
        }
        self.last = Some((now, done));
        if done < before {
            self.rate = None;
            return;
        }
        let current = (done - before) as f64 / passed;
        let fresh = 1.0 - (1.0 - Self::FRESH).powf(passed);
        self.rate = Some(self.rate.map_or(current, |rate| rate + (current - rate) * fresh));
    }
}

impl Ticks {
    pub fn set(&self, done: u64, total: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
        self.changed.store(true, Ordering::Release);
    }

    pub fn add(&self, by: u64) {
        self.done.fetch_add(by, Ordering::Relaxed);
        self.changed.store(true, Ordering::Release);
    }

    pub fn set_unit(&self, unit: &str) {
        self.told().unit = Some(unit.into());
        self.changed.store(true, Ordering::Release);
    }

    pub fn set_message(&self, message: String) {
        self.told().message = Some(message);
        self.changed.store(true, Ordering::Release);
    }

    /// Whether there is news since the last call.
    pub fn take_changed(&self) -> bool {
        self.changed.swap(false, Ordering::Acquire)
    }

    /// Brings the rate up to date.
    pub fn sample(&self, now: Duration) {
        let done = self.done.load(Ordering::Relaxed);
        self.told().pace.sample(now, done);
    }

    pub fn read(&self) -> Progress {
        let told = self.told();
        Progress {
            done: self.done.load(Ordering::Relaxed),
            total: Some(self.total.load(Ordering::Relaxed)).filter(|total| *total > 0),
            unit: told.unit.clone(),
            message: told.message.clone(),
            rate: told.pace.rate,
        }
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_follows_active_time_and_forgets_when_counting_starts_over() {
        let ticks = Ticks::default();
        for second in 0..20 {
            ticks.set(second * 50, 1_000);
            ticks.sample(Duration::from_secs(second));
        }
        assert!((ticks.read().rate.unwrap() - 50.0).abs() < 0.5);
        ticks.set(0, 1_000);
        ticks.sample(Duration::from_secs(21));
        assert_eq!(ticks.read().rate, None);
    }

    #[test]
    fn a_total_of_zero_is_unknown() {
        let ticks = Ticks::default();
        ticks.set(7, 0);
        assert_eq!(ticks.read().total, None);
        assert!(ticks.read().fraction().abs() < f64::EPSILON);
        assert!(ticks.take_changed());
        assert!(!ticks.take_changed());
    }
}
