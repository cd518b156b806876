//! What the runner does between its turns: it measures the machine, writes progress down, and minds the room on the disk.

use std::sync::Arc;
use std::time::Duration;

use clonedeck_store::CommitWatch;

use super::Turns;
use crate::advance::{self, Mark};
use crate::clock::millis;
use crate::stop::Stop;
use crate::{Error, Trouble, due, retention};

/// How often running jobs are sampled and the machine is measured.
const SAMPLE: Duration = Duration::from_secs(1);
/// How long after the start the first look through finished jobs is, and how long after each the next.
pub(super) const FIRST_TIDY: Duration = Duration::from_mins(1);
const NEXT_TIDY: Duration = Duration::from_hours(1);

impl Turns {
    /// Looks around when nothing else has called: have others written, is there room, how far is what runs?
    pub(super) async fn poll(&mut self, commits: &mut Option<CommitWatch>) {
        if commits.as_mut().is_some_and(CommitWatch::changed) {
            self.look = true;
        }
        let now = self.shared.clock.active();
        if now.saturating_sub(self.sampled) < SAMPLE {
            return;
        }
        self.sampled = now;
        self.check_place();
        self.check_room();
        if now >= self.tidy_at {
            self.tidy_at = now + NEXT_TIDY;
            tokio::spawn(retention::keep_house(Arc::clone(&self.shared)));
        }
        if self.due.room && self.in_place {
            self.wake_roomy().await;
        }
        if self.active.is_empty() {
            return;
        }
        self.measure();
        // What did not fit a second ago may fit now.
        self.look = true;
        let mut marks: Vec<(Mark, i64)> = Vec::new();
        for job in self.active.values() {
            if job.attempt.is_over_deadline() && !job.attempt.is_undoing() {
                job.attempt.ask_to_stop(Stop::Deadline);
            }
            for stage in job.attempt.stages() {
                stage.ticks.sample(now);
                if stage.take_due(now) {
                    marks.push((job.attempt.mark(&stage), millis(job.attempt.active())));
                }
            }
        }
        if marks.is_empty() {
            return;
        }
        let written = self
            .shared
            .store
            .write(move |db| {
                for (mark, active_ms) in &marks {
                    advance::flush(db, mark, *active_ms)?;
                }
                Ok::<_, Error>(())
            })
            .await;
        match written {
            Ok(()) => self.shared.bell.ring_watchers(),
            Err(error) => tracing::debug!(%error, "progress was not written"),
        }
    }

    /// Gives up the ballast so that the end of what runs can be written, and starts nothing until there is room.
    pub(super) fn disk_is_full(&mut self) {
        self.shared.refused.set(Some(Trouble::Full));
        if self.ballast.release() {
            tracing::warn!("the disk is full; the queue gave up the room it had kept back");
            return;
        }
        tracing::warn!("the disk is full; the queue waits for room");
        self.held = true;
    }

    /// Nothing is tried until the next look, a second on.
    pub(super) fn disk_is_read_only(&mut self) {
        tracing::warn!("nothing can be written where the queue lives; it waits");
        self.shared.refused.set(Some(Trouble::ReadOnly));
        self.held = true;
    }

    /// Takes note that the disk took something.
    pub(super) fn could_write(&self) {
        // A full disk stays one until there is room to keep back as well.
        if self.shared.refused.get() == Some(Trouble::ReadOnly) {
            self.shared.refused.set(None);
        }
    }

    fn check_place(&mut self) {
        let trouble = self.shared.misplaced();
        let before = std::mem::replace(&mut self.in_place, trouble.is_none());
        match (before, self.in_place) {
            (true, false) => {
                tracing::warn!(?trouble, "nothing is started until the data folder is as it was");
            }
            (false, true) => {
                tracing::info!("the data folder is back; the queue goes on");
                self.look = true;
            }
            _ => {}
        }
    }

    fn check_room(&mut self) {
        if !self.in_place {
            return;
        }
        let has_room = self.ballast.load();
        if self.shared.refused.get() == Some(Trouble::ReadOnly) {
            self.look |= std::mem::take(&mut self.held);
        }
        if !has_room {
            return;
        }
        if self.shared.refused.get() == Some(Trouble::Full) {
            tracing::info!("there is room on the disk again; the queue goes on");
            self.shared.refused.set(None);
        }
        self.look |= std::mem::take(&mut self.held);
    }

    /// Puts jobs that wait for room on a disk back in line when there is enough.
    async fn wake_roomy(&mut self) {
        let meter = Arc::clone(&self.shared.options.meter);
        let now = self.shared.now_ms();
        let woken = self
            .shared
            .store
            .write(move |db| {
                let mut waiting = due::waiting_for_room(db)?;
                waiting.retain(|(_, path, bytes)| meter.disk(path).is_none_or(|disk| disk.free >= *bytes));
                let jobs: Vec<i64> = waiting.into_iter().map(|(seq, ..)| seq).collect();
                due::wake_these(db, now, &jobs)?;
                Ok::<_, Error>(jobs.len())
            })
            .await;
        self.look |= woken.is_ok_and(|jobs| jobs > 0);
    }
}
