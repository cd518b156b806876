//! Has ready for the page what happens: one message at most ten times a second for all jobs, the last value always.
//!
//! The page fetches each message when it has taken the one before. Tauri's channel would send each as a script, and the page's engine keeps
//! the scripts that it was sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use clonedeck_api::Follower;
use clonedeck_api::wire::{Problem, Update};
use tauri::{AppHandle, Manager, async_runtime};
use tokio::sync::{Mutex, mpsc};

use crate::state::Shell;

/// How soon the queue is followed again after it could not be read.
const AGAIN: Duration = Duration::from_secs(1);

/// Messages as they become ready.
pub type Updates = Arc<Mutex<mpsc::Receiver<Update>>>;

/// What one page is fed from, until another takes its place.
pub struct Feed {
    number: u32,
    task: async_runtime::JoinHandle<()>,
    updates: Updates,
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Feed {
    /// The messages, if it is the feed with this number.
    pub fn updates(&self, number: u32) -> Option<Updates> {
        (self.number == number).then(|| Arc::clone(&self.updates))
    }
}

/// Begins to gather everything after `after`, in place of the feed before; answers the feed's number.
pub async fn follow(app: AppHandle, after: u64) -> Result<u32, Problem> {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let shell = app.state::<Shell>();
    let follower = shell.clonedeck()?.follow(Some(after)).await?;
    // While one message waits to be fetched, the follower gathers what comes next.
    let (ready, updates) = mpsc::channel(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let task = async_runtime::spawn(gather(app.clone(), follower, after, ready));
    shell.set_feed(Feed { number, task, updates: Arc::new(Mutex::new(updates)) });
    Ok(number)
}

/// The next message of the feed with this number, as soon as there is one; none when another has taken its place.
pub async fn next(shell: &Shell, number: u32) -> Option<Update> {
    let updates = shell.feed(number)?;
    let mut updates = updates.lock().await;
    updates.recv().await
}

async fn gather(app: AppHandle, mut follower: Follower, mut seq: u64, ready: mpsc::Sender<Update>) {
    let shell = app.state::<Shell>();
    loop {
        let mut update = match follower.next().await {
            Ok(update) => update,
            Err(problem) => {
                tracing::warn!(code = problem.code, "the page cannot be fed: {}", problem.message);
                follower = again(&shell, seq).await;
                continue;
            }
        };
        seq = seq.max(update.seq);
        update.show = shell.take_show();
        update.offer = shell.take_handed_over();
        if !shell.visible() {
            update.ticks.clear();
        }
        let empty = update.changed.is_empty()
            && update.removed.is_empty()
            && update.ticks.is_empty()
            && update.queue.is_none()
            && update.unread.is_none()
            && update.show.is_none()
            && update.offer.is_none()
            && !update.resync;
        if !empty && ready.send(update).await.is_err() {
            return;
        }
    }
}

/// Follows anew from where the page stands, as soon as the queue can be read again.
async fn again(shell: &Shell, seq: u64) -> Follower {
    loop {
        tokio::time::sleep(AGAIN).await;
        if let Ok(clonedeck) = shell.clonedeck()
            && let Ok(follower) = clonedeck.follow(Some(seq)).await
        {
            return follower;
        }
    }
}
