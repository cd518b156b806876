//! The icon in the tray and its menu. Linux has no clicks on such icons, so everything is in the menu.

use std::sync::atomic::Ordering;

use tauri::menu::{Menu, MenuBuilder, MenuItem, MenuItemBuilder};
use tauri::tray::TrayIconBuilder;
use tauri::{AppHandle, Manager, Wry, async_runtime};

use clonedeck_api::wire::Update;

use crate::state::Shell;
use crate::{close, window};

/// Puts the icon up and keeps its menu true, where a host shows it.
pub fn build(app: &AppHandle) -> tauri::Result<()> {
    let Some(icon) = app.default_window_icon().cloned() else { return Ok(()) };
    let status = MenuItemBuilder::with_id("status", "No jobs are running").enabled(false).build(app)?;
    let queue = MenuItemBuilder::with_id("queue", "Pause the queue").build(app)?;
    let menu = menu(app, &status, &queue)?;
    TrayIconBuilder::with_id("main")
        .icon(icon)
        .tooltip("Clonedeck")
        .menu(&menu)
        .on_menu_event(on_menu)
        .build(app)?;
    let app = app.clone();
    async_runtime::spawn(async move {
        let shell = app.state::<Shell>();
        shell.tray.store(host_is_there().await, Ordering::Relaxed);
        let Ok(clonedeck) = shell.clonedeck() else { return };
        let Ok(mut follower) = clonedeck.follow(None).await else { return };
        let mut said = String::new();
        while let Ok(update) = follower.next().await {
            if let Some(text) = say(&update)
                && text != said
            {
                let _ = status.set_text(&text);
                said = text;
            }
            if let Some(status) = update.queue {
                let _ = queue.set_text(if status.paused { "Resume the queue" } else { "Pause the queue" });
            }
        }
    });
    Ok(())
}

fn menu(app: &AppHandle, status: &MenuItem<Wry>, queue: &MenuItem<Wry>) -> tauri::Result<Menu<Wry>> {
    MenuBuilder::new(app)
        .item(status)
        .separator()
        .text("open", "Open Clonedeck")
        .text("new", "New clone…")
        .item(queue)
        .separator()
        .text("quit", "Quit")
        .build()
}

fn say(update: &Update) -> Option<String> {
    let running = update.queue.as_ref().map(|queue| queue.running);
    if running == Some(0) {
        return Some("No jobs are running".to_owned());
    }
    match update.ticks.as_slice() {
        [] => running.map(|running| {
            if running == 1 { "1 job is running".to_owned() } else { format!("{running} jobs are running") }
        }),
        [one] => Some(format!("Running: {:.0} %", one.progress.floor())),
        many => {
            let all: Vec<_> = many.iter().map(|tick| format!("{:.0} %", tick.progress.floor())).collect();
            Some(format!("Running: {}", all.join(", ")))
        }
    }
}

fn on_menu(app: &AppHandle, event: tauri::menu::MenuEvent) {
    let app = app.clone();
    match event.id().as_ref() {
        "open" => window::raise(&app),
        "new" => {
            app.state::<Shell>().hand_over(String::new());
            window::raise(&app);
            if let Ok(clonedeck) = app.state::<Shell>().clonedeck() {
                clonedeck.nudge();
            }
        }
        "queue" => {
            async_runtime::spawn(async move {
                let shell = app.state::<Shell>();
                if let Ok(clonedeck) = shell.clonedeck()
                    && let Err(problem) = clonedeck.toggle_queue().await
                {
                    tracing::warn!(code = problem.code, "{}", problem.message);
                }
            });
        }
        "quit" => {
            async_runtime::spawn(async move { close::quit(&app).await });
        }
        _ => {}
    }
}

/// Whether something shows tray icons here.
#[cfg(target_os = "linux")]
async fn host_is_there() -> bool {
    let Ok(bus) = zbus::Connection::session().await else { return false };
    let Ok(names) = zbus::fdo::DBusProxy::new(&bus).await else { return false };
    let Ok(name) = zbus::names::BusName::try_from("org.kde.StatusNotifierWatcher") else { return false };
    names.name_has_owner(name).await.unwrap_or(false)
}

#[cfg(not(target_os = "linux"))]
async fn host_is_there() -> bool {
    true
}
