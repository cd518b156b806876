//! Watching the queue and steering it.

use clonedeck_api::wire::{JobFilter, JobPage, JobView, LogPage, Notice, Problem, Snapshot, Steer, Update};
use tauri::{AppHandle, command};
use tauri_plugin_opener::OpenerExt;

use super::{Answer, Here, cannot};
use crate::pump;

#[command]
pub async fn snapshot(shell: Here<'_>) -> Answer<Snapshot> {
    shell.clonedeck()?.snapshot().await
}

#[command]
pub async fn follow(app: AppHandle, after: u64) -> Answer<u32> {
    pump::follow(app, after).await
}

#[command]
pub async fn next_update(shell: Here<'_>, feed: u32) -> Answer<Option<Update>> {
    Ok(pump::next(&shell, feed).await)
}

#[command]
pub fn set_visible(shell: Here<'_>, visible: bool) {
    shell.set_visible(visible);
}

#[command]
pub fn set_looking(shell: Here<'_>, job: Option<String>) {
    shell.set_looking(job);
}

#[command]
pub async fn jobs_page(
    shell: Here<'_>,
    filter: JobFilter,
    after: Option<String>,
    limit: u32,
) -> Answer<JobPage> {
    shell.clonedeck()?.jobs_page(&filter, after.as_deref(), limit).await
}

#[command]
pub async fn job(shell: Here<'_>, id: String) -> Answer<JobView> {
    shell.clonedeck()?.job(&id).await
}

#[command]
pub async fn log_page(shell: Here<'_>, id: String, from: u64, count: u32) -> Answer<LogPage> {
    shell.clonedeck()?.log_page(&id, from, count).await
}

#[command]
pub async fn log_search(
    shell: Here<'_>,
    id: String,
    text: String,
    from: u64,
    backwards: bool,
) -> Answer<Option<u64>> {
    shell.clonedeck()?.log_search(&id, &text, from, backwards).await
}

#[command]
pub async fn open_log(app: AppHandle, shell: Here<'_>, id: String) -> Answer<()> {
    let file = shell.clonedeck()?.log_as_file(&id).await?;
    app.opener()
        .open_path(file, None::<&str>)
        .map_err(|why| cannot("open.log", format!("The log cannot be opened: {why}.")))
}

#[command]
pub async fn steer(shell: Here<'_>, ids: Vec<String>, action: Steer) -> Answer<Vec<Problem>> {
    shell.clonedeck()?.steer_all(&ids, action).await
}

#[command]
pub async fn pause_queue(shell: Here<'_>) -> Answer<()> {
    shell.clonedeck()?.pause_queue().await
}

#[command]
pub async fn resume_queue(shell: Here<'_>) -> Answer<()> {
    shell.clonedeck()?.resume_queue().await
}

#[command]
pub async fn notices(shell: Here<'_>) -> Answer<Vec<Notice>> {
    shell.clonedeck()?.notices().await
}

#[command]
pub async fn notices_read(shell: Here<'_>) -> Answer<()> {
    shell.clonedeck()?.notices_read().await
}
