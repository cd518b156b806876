//! The window: how it opens, and how it is brought back.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsString;
use std::hash::{Hash, Hasher};
use std::path::Path;

use clonedeck_api::wire::{Offer, Theme};
use tauri::plugin::TauriPlugin;
use tauri::utils::config::Color;
use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindow, WebviewWindowBuilder, Wry, async_runtime};

use crate::state::{Arguments, Shell};

/// Name of the only window.
pub const MAIN: &str = "main";

/// Grounds of the page, as in `ui/src/kit/tokens.css`: what is seen before it has drawn itself.
const LIGHT: Color = Color(0xf6, 0xf6, 0xf4, 0xff);
const DARK: Color = Color(0x17, 0x18, 0x1a, 0xff);

/// Opens the window, or only prepares it when the program starts hidden.
pub fn open(app: &AppHandle, shown: bool, theme: Theme) -> tauri::Result<()> {
    let chosen = native(theme);
    let mut builder = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App("index.html".into()))
        .title("Clonedeck")
        .inner_size(1280.0, 800.0)
        .min_inner_size(480.0, 420.0)
        .theme(chosen)
        .zoom_hotkeys_enabled(true)
        .visible(false)
        .on_navigation(|url| {
            // The page never leaves the program; addresses of copies open in the system's browser.
            matches!(url.scheme(), "tauri" | "about" | "ipc")
                || url.host_str().is_some_and(|host| host == "tauri.localhost")
                || cfg!(debug_assertions) && url.host_str() == Some("127.0.0.1")
        });
    if let Some(chosen) = chosen {
        builder = builder.initialization_script(format!(
            "document.documentElement?.setAttribute('data-theme', '{chosen}')"
        ));
    }
    let window = builder.build()?;
    paint(&window, theme);
    if shown {
        window.show()?;
    }
    let shell = app.state::<Shell>();
    shell.set_visible(shown);
    if shell.clonedeck().is_err() {
        let app = app.clone();
        async_runtime::spawn(async move {
            // What was chosen is known once the settings can be read.
            if let Ok(settings) = app.state::<Shell>().opened().await.settings().await {
                dress(&app, settings.theme);
            }
        });
    }
    Ok(())
}

/// Gives frame and ground of the window the chosen colours.
pub fn dress(app: &AppHandle, theme: Theme) {
    if let Some(window) = main(app) {
        let _ = window.set_theme(native(theme));
        paint(&window, theme);
    }
}

fn paint(window: &WebviewWindow, theme: Theme) {
    let dark = match theme {
        Theme::System => window.theme().is_ok_and(|system| system == tauri::Theme::Dark),
        chosen => chosen == Theme::Dark,
    };
    let _ = window.set_background_color(Some(if dark { DARK } else { LIGHT }));
}

fn native(theme: Theme) -> Option<tauri::Theme> {
    match theme {
        Theme::System => None,
        Theme::Light => Some(tauri::Theme::Light),
        Theme::Dark => Some(tauri::Theme::Dark),
    }
}

/// Shows the window in front of the others.
pub fn raise(app: &AppHandle) {
    if let Some(window) = main(app) {
        let _ = window.show();
        let _ = window.unminimize();
        let _ = window.set_focus();
        app.state::<Shell>().set_visible(true);
    }
}

/// The window, while it exists.
pub fn main(app: &AppHandle) -> Option<WebviewWindow> {
    app.get_webview_window(MAIN)
}

/// A folder or a link came from outside: the page puts it before the person.
pub fn hand_over(app: &AppHandle, word: &str, here: &Path) {
    offer(app, Offer::word(word, here));
}

/// Puts an offer before the person.
pub fn offer(app: &AppHandle, offer: Offer) {
    let shell = app.state::<Shell>();
    shell.hand_over(offer);
    raise(app);
    if let Ok(clonedeck) = shell.clonedeck() {
        clonedeck.nudge();
    }
}

/// Brings a job up in the window.
pub fn show_job(app: &AppHandle, job: &str) {
    let shell = app.state::<Shell>();
    shell.ask_to_show(job.to_owned());
    raise(app);
    if let Ok(clonedeck) = shell.clonedeck() {
        clonedeck.nudge();
    }
}

/// A second start hands over what it was given and raises the first. Starts on different data directories are different programs.
pub fn single_instance(arguments: &Arguments) -> TauriPlugin<Wry> {
    let mut builder = tauri_plugin_single_instance::Builder::new().callback(|app, words, folder| {
        match Arguments::read(words.into_iter().skip(1).map(OsString::from)) {
            Ok(Arguments { source: Some(source), .. }) => hand_over(app, &source, Path::new(&folder)),
            Ok(_) => raise(app),
            Err(_) => {}
        }
    });
    if let Some(dir) = &arguments.data_dir {
        let mut hasher = DefaultHasher::new();
        std::path::absolute(dir).unwrap_or_else(|_| dir.clone()).hash(&mut hasher);
        builder = builder.dbus_id(format!("dev.clonedeck.desktop.d{:x}", hasher.finish()));
    }
    builder.build()
}
