//! Pushes what happens to the page: one message at most ten times a second for all jobs, the last value always.

use std::time::Duration;

use clonedeck_api::Follower;
use clonedeck_api::wire::{Problem, Update};
use tauri::ipc::Channel;
use tauri::{AppHandle, Manager, async_runtime};

use crate::state::Shell;

/// How soon the queue is followed again after it could not be read.
const AGAIN: Duration = Duration::from_secs(1);

/// Feeds `channel` with everything after `after`, in place of the channel that was fed before.
pub async fn follow(app: AppHandle, channel: Channel<Update>, after: u64) -> Result<(), Problem> {
    let shell = app.state::<Shell>();
    let mut follower = shell.clonedeck()?.follow(Some(after)).await?;
    let mut seq = after;
    let feed = app.clone();
    shell.set_pump(async_runtime::spawn(async move {
        let shell = feed.state::<Shell>();
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
            if !empty && channel.send(update).is_err() {
                return;
            }
        }
    }));
    Ok(())
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
