//! The program itself: its settings, its check of this machine, and its end.

use clonedeck_api::wire::{About, DoctorFinding, Settings};
use tauri::{AppHandle, command};
use tauri_plugin_autostart::ManagerExt;

use super::{Answer, Here, cannot};
use crate::{close, tray, window};

#[command]
pub async fn about(shell: Here<'_>) -> Answer<About> {
    shell.clonedeck()?.about(tray::host_is_there().await).await
}

/// Tries again to open the queue.
#[command]
pub async fn open_again(shell: Here<'_>) -> Answer<()> {
    shell.go_on().await;
    shell.clonedeck().map(|_| ())
}

#[command]
pub async fn settings(shell: Here<'_>) -> Answer<Settings> {
    shell.clonedeck()?.settings().await
}

#[command]
pub async fn save_settings(app: AppHandle, shell: Here<'_>, settings: Settings) -> Answer<()> {
    shell.clonedeck()?.save_settings(&settings).await?;
    window::dress(&app, settings.theme);
    let start = app.autolaunch();
    let changed = if settings.start_at_login {
        start.enable()
    } else if start.is_enabled().unwrap_or(false) {
        start.disable()
    } else {
        Ok(())
    };
    changed.map_err(|why| {
        cannot("settings.start-at-login", format!("Starting at login cannot be changed: {why}."))
    })
}

#[command]
pub async fn doctor(shell: Here<'_>) -> Answer<Vec<DoctorFinding>> {
    clonedeck_api::Clonedeck::doctor(Some(shell.clonedeck()?.data_dir())).await
}

#[command]
pub fn hide(app: AppHandle) {
    close::hide(&app);
}

#[command]
pub fn leave_heard(app: AppHandle) {
    close::heard(&app);
}

#[command]
pub async fn ask_close(app: AppHandle) {
    close::close(&app).await;
}

#[command]
pub async fn ask_quit(app: AppHandle) {
    close::ask_quit(&app).await;
}

#[command]
pub async fn quit(app: AppHandle) {
    close::quit(&app).await;
}
