//! What closing and quitting do: the queue goes on in the tray, or stops at a safe point.

use std::sync::atomic::Ordering;
use std::time::Duration;

use clonedeck_api::wire::OnClose;
use tauri::{AppHandle, Emitter, Manager, RunEvent, Window, WindowEvent, async_runtime};

use crate::state::Shell;
use crate::window;

/// How long a quit waits for running steps to come to a safe point before the window goes away; they are durable all the same.
const PATIENCE: Duration = Duration::from_secs(10);

/// The window is about to close.
pub fn on_window_event(window: &Window, event: &WindowEvent) {
    let app = window.app_handle();
    match event {
        WindowEvent::CloseRequested { api, .. } => {
            let shell = app.state::<Shell>();
            if shell.quitting.load(Ordering::Relaxed) {
                return;
            }
            api.prevent_close();
            let app = app.clone();
            async_runtime::spawn(async move { close(&app).await });
        }
        WindowEvent::Focused(true) => app.state::<Shell>().set_visible(true),
        _ => {}
    }
}

async fn close(app: &AppHandle) {
    let shell = app.state::<Shell>();
    let wish = match shell.clonedeck() {
        Ok(clonedeck) => clonedeck.settings().await.map_or(OnClose::Ask, |settings| settings.on_close),
        Err(_) => OnClose::Quit,
    };
    match wish {
        OnClose::Quit => quit(app).await,
        OnClose::Hide if shell.tray.load(Ordering::Relaxed) => hide(app),
        // Without a tray host a hidden window could not be brought back by the operator, so it is asked again.
        OnClose::Hide | OnClose::Ask => {
            let _ = app.emit_to(window::MAIN, "close-asked", shell.tray.load(Ordering::Relaxed));
        }
    }
}

/// Hides the window; the queue goes on.
pub fn hide(app: &AppHandle) {
    if let Some(window) = window::main(app) {
        let _ = window.hide();
    }
    app.state::<Shell>().set_visible(false);
}

/// Stops at a safe point and ends the program. Jobs go on from their checkpoint at the next start.
pub async fn quit(app: &AppHandle) {
    let shell = app.state::<Shell>();
    if shell.quitting.swap(true, Ordering::Relaxed) {
        return;
    }
    if let Some(window) = window::main(app) {
        let _ = window.hide();
    }
    if let Some(runner) = shell.take_runner()
        && tokio::time::timeout(PATIENCE, runner.stop()).await.is_err()
    {
        tracing::warn!(
            "a step did not come to a safe point in time; it goes on from its last checkpoint at the next start"
        );
    }
    if let Ok(clonedeck) = shell.clonedeck() {
        clonedeck.end_previews().await;
    }
    app.exit(0);
}

/// The last window was closed by the system, or something asked the program to end.
pub fn on_run_event(app: &AppHandle, event: RunEvent) {
    if let RunEvent::ExitRequested { api, code: None, .. } = event {
        api.prevent_exit();
        let app = app.clone();
        async_runtime::spawn(async move { quit(&app).await });
    }
}

/// A polite request of the system to end (log-out, `kill`) is a quit.
pub fn stop_on_signal(app: &AppHandle) {
    #[cfg(unix)]
    {
        let app = app.clone();
        async_runtime::spawn(async move {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut terminate), Ok(mut interrupt)) =
                (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
            else {
                return;
            };
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            quit(&app).await;
        });
    }
    #[cfg(not(unix))]
    let _ = app;
}
