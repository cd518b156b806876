//! Ticks that wait to be sent: the newest of each step, no message longer than a window takes in one frame.

use std::collections::VecDeque;

use crate::wire::Tick;

/// Bytes of ticks in one message, with room left for the rest of it below the 8 KB that a message may have.
const BYTES: usize = 7 << 10;

/// Progress that is still to be told. A newer tick of a step takes the place of the one that waits.
#[derive(Default)]
pub(super) struct Backlog {
    waiting: VecDeque<Tick>,
}

impl Backlog {
    pub(super) fn put(&mut self, tick: Tick) {
        match self.waiting.iter_mut().find(|old| old.job == tick.job && old.step == tick.step) {
            Some(old) => *old = tick,
            None => self.waiting.push_back(tick),
        }
    }

    /// What waits of a job is told by something newer.
    pub(super) fn forget(&mut self, job: &str) {
        self.waiting.retain(|tick| tick.job != job);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The ticks of the next message: those that have waited longest.
    pub(super) fn take(&mut self) -> Vec<Tick> {
        let mut taken = Vec::new();
        let mut bytes = 0;
        while let Some(tick) = self.waiting.front() {
            bytes += serde_json::to_vec(tick).map_or(0, |text| text.len() + 1);
            if bytes > BYTES && !taken.is_empty() {
                break;
            }
            taken.extend(self.waiting.pop_front());
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(job: usize, done: u64) -> Tick {
        Tick {
            job: format!("019abcde-0000-7000-8000-{job:012}"),
            progress: 12.34,
            step: "copy-media".into(),
            step_progress: 56.78,
            done,
            total: 1_700_000_000,
            unit: "bytes".into(),
            rate: 312_000_000.0,
            message: "wp-content/uploads/2024/05/a-rather-long-name-of-a-picture-1024x768.jpg".into(),
            eta_seconds: None,
            active_ms: 123_456,
            log_lines: 1234,
        }
    }

    #[test]
    fn fifty_busy_jobs_are_told_in_messages_below_eight_kilobytes_and_each_in_its_turn() {
        let mut backlog = Backlog::default();
        (0..50).for_each(|job| backlog.put(tick(job, 1)));
        let mut told = Vec::new();
        while !backlog.is_empty() {
            let message = backlog.take();
            assert!(serde_json::to_vec(&message).unwrap().len() < 8 << 10);
            told.extend(message);
            assert!(told.len() < 60, "what was told does not come again");
        }
        let jobs: Vec<_> = told.iter().map(|tick| tick.job.clone()).collect();
        assert_eq!(jobs, (0..50).map(|job| tick(job, 1).job).collect::<Vec<_>>());
    }

    #[test]
    fn the_newest_value_is_told_and_who_waits_keeps_the_place() {
        let mut backlog = Backlog::default();
        (0..3).for_each(|job| backlog.put(tick(job, 1)));
        backlog.put(tick(0, 2));
        backlog.forget(&tick(1, 0).job);
        assert_eq!(backlog.take(), [tick(0, 2), tick(2, 1)]);
    }

    #[test]
    fn a_tick_that_is_longer_than_a_message_is_sent_alone() {
        let mut backlog = Backlog::default();
        backlog.put(Tick { message: "x".repeat(10_000), ..tick(0, 1) });
        backlog.put(tick(1, 1));
        assert_eq!((backlog.take().len(), backlog.take().len()), (1, 1));
    }
}
