//! What is seen of the queue without the window: the tray's menu, and progress and a count on the program's icon.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use clonedeck_api::Clonedeck;
use clonedeck_api::wire::{JobRow, JobState, Problem, QueueStatus, Update};
use tauri::{AppHandle, Manager, async_runtime};

use crate::launcher::Launcher;
use crate::state::Shell;
use crate::tray::Tray;

/// Least time between two looks: a menu is read, not watched.
const PACE: Duration = Duration::from_secs(1);

/// A job that was begun and has not ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Begun {
    pub job: String,
    pub title: String,
    pub state: JobState,
    /// 0–100.
    pub progress: f64,
}

impl Begun {
    fn of(row: JobRow) -> Option<Self> {
        let begun = matches!(row.state, JobState::Running | JobState::Paused | JobState::Waiting);
        begun.then_some(Self { job: row.id, title: row.title, state: row.state, progress: row.progress })
    }
}

/// The queue at a glance.
#[derive(Debug, Default)]
pub struct Glance {
    begun: HashMap<String, Begun>,
    pub status: Option<QueueStatus>,
    /// Notices that nobody has read.
    pub unread: u64,
}

impl Glance {
    /// Jobs that were begun: those at work before those that wait or are held, the oldest first.
    pub fn begun(&self) -> Vec<&Begun> {
        let mut all: Vec<_> = self.begun.values().collect();
        // Ids are made in the order of time.
        let place = |job: &Begun| job.state != JobState::Running;
        all.sort_by(|one, other| (place(one), &one.job).cmp(&(place(other), &other.job)));
        all
    }

    /// Jobs at work.
    pub fn running(&self) -> impl Iterator<Item = &Begun> {
        self.begun.values().filter(|job| job.state == JobState::Running)
    }

    /// How far all of it is, 0–1; none when nothing runs.
    pub fn progress(&self) -> Option<f64> {
        let running = self.running().count();
        let sum: f64 = self.running().map(|job| job.progress).sum();
        (running > 0).then(|| sum / 100.0 / running as f64)
    }

    /// Whether an operator holds the queue.
    pub fn paused(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.paused)
    }

    async fn anew(clonedeck: &Clonedeck) -> Result<Self, Problem> {
        let snapshot = clonedeck.snapshot().await?;
        let begun =
            snapshot.active.into_iter().filter_map(Begun::of).map(|job| (job.job.clone(), job)).collect();
        Ok(Self { begun, status: Some(snapshot.queue), unread: snapshot.unread })
    }

    fn take(&mut self, update: Update) {
        for row in update.changed {
            let id = row.id.clone();
            match Begun::of(row) {
                Some(job) => self.begun.insert(id, job),
                None => self.begun.remove(&id),
            };
        }
        for id in update.removed {
            self.begun.remove(&id);
        }
        for tick in update.ticks {
            if let Some(job) = self.begun.get_mut(&tick.job) {
                job.progress = tick.progress;
            }
        }
        if update.queue.is_some() {
            self.status = update.queue;
        }
        self.unread = update.unread.unwrap_or(self.unread);
    }
}

/// Keeps tray and icon true for as long as the program runs.
pub fn start(app: &AppHandle, mut tray: Option<Tray>) {
    let app = app.clone();
    async_runtime::spawn(async move {
        let mut launcher = Launcher::open(&app).await;
        let shell = app.state::<Shell>();
        let clonedeck = shell.opened().await;
        loop {
            let Err(problem) = follow(clonedeck, tray.as_mut(), &mut launcher).await;
            tracing::warn!(code = problem.code, "the tray shows nothing new right now: {}", problem.message);
            tokio::time::sleep(PACE).await;
        }
    });
}

/// Shows how the queue stands until that can no longer be read.
async fn follow(
    clonedeck: &Clonedeck,
    mut tray: Option<&mut Tray>,
    launcher: &mut Launcher,
) -> Result<Infallible, Problem> {
    // Followed before it is looked at, so that nothing falls between.
    let mut follower = clonedeck.follow(None).await?;
    let mut glance = Glance::anew(clonedeck).await?;
    loop {
        if let Some(tray) = &mut tray {
            tray.show(&glance);
        }
        launcher.show(&glance).await;
        tokio::time::sleep(PACE).await;
        let update = follower.next().await?;
        if update.resync {
            glance = Glance::anew(clonedeck).await?;
        } else {
            glance.take(update);
        }
    }
}
