//! What closing and quitting do: the queue goes on in the tray, or stops at a safe point.

use std::sync::atomic::Ordering;
use std::time::Duration;

use clonedeck_api::wire::OnClose;
use tauri::{AppHandle, Emitter, Manager, RunEvent, Window, WindowEvent, async_runtime};

use crate::state::Shell;
use crate::{tray, window};

/// How long a quit waits for running steps to come to a safe point before the window goes away; they are durable all the same.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the page may take to put a question up. One that does not is gone, and must not hold the program.
const HEARD: Duration = Duration::from_secs(5);

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

/// Closes the window as the person has set, or asks.
pub async fn close(app: &AppHandle) {
    let wish = match app.state::<Shell>().clonedeck() {
        Ok(clonedeck) => clonedeck.settings().await.map_or(OnClose::Ask, |settings| settings.on_close),
        Err(_) => return quit(app).await,
    };
    match wish {
        OnClose::Quit => ask_quit(app).await,
        OnClose::Hide => hide(app),
        OnClose::Ask if tray::host_is_there().await => hide(app),
        // A hidden window could not be brought back from a tray, so somebody has to want that.
        OnClose::Ask => ask(app, Question::Close).await,
    }
}

/// Quit was chosen: with jobs at work it is said first what that means for them.
pub async fn ask_quit(app: &AppHandle) {
    if app.state::<Shell>().quitting.load(Ordering::Relaxed) {
        return;
    }
    let running = match app.state::<Shell>().clonedeck() {
        Ok(clonedeck) => clonedeck.status().await.map_or(0, |status| status.running),
        Err(_) => 0,
    };
    if running == 0 {
        quit(app).await;
    } else {
        ask(app, Question::Quit).await;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Question {
    Close,
    Quit,
}

async fn ask(app: &AppHandle, question: Question) {
    let shell = app.state::<Shell>();
    window::raise(app);
    shell.asking.store(true, Ordering::Relaxed);
    let _ = app.emit_to(window::MAIN, "leave-asked", question);
    tokio::time::sleep(HEARD).await;
    if shell.asking.swap(false, Ordering::Relaxed) {
        tracing::warn!("the page does not answer; the program ends at a safe point");
        quit(app).await;
    }
}

/// The page has put the question up.
pub fn heard(app: &AppHandle) {
    app.state::<Shell>().asking.store(false, Ordering::Relaxed);
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

/// The system speaks to the program: it is to end, or a link was opened with it.
pub fn on_run_event(app: &AppHandle, event: RunEvent) {
    match event {
        RunEvent::ExitRequested { api, code: None, .. } => {
            api.prevent_exit();
            let app = app.clone();
            async_runtime::spawn(async move { ask_quit(&app).await });
        }
        #[cfg(target_os = "macos")]
        RunEvent::Opened { urls } => {
            for url in urls {
                window::hand_over(app, url.as_str(), std::path::Path::new("/"));
            }
        }
        _ => {}
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
