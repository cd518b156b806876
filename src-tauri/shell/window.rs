use std::collections::hash_map::DefaultHasher;
use std::ffi::OsString;
use std::hash::{Hash, Hasher};
use std::path::Path;

use tauri::plugin::TauriPlugin;
use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindow, WebviewWindowBuilder, Wry};

use crate::state::{Arguments, Shell};

/// Name of the only window.
pub const MAIN: &str = "main";

/// Opens the window, or only prepares it when the program starts hidden.
pub fn open(app: &AppHandle, shown: bool) -> tauri::Result<()> {
    WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App("index.html".into()))
        .title("Clonedeck")
        .inner_size(1280.0, 800.0)
        .min_inner_size(480.0, 420.0)
        .visible(shown)
        .on_navigation(|url| {
            // The page never leaves the program; addresses of copies open in the system's browser.
            matches!(url.scheme(), "tauri" | "about" | "ipc")
                || url.host_str().is_some_and(|host| host == "tauri.localhost")
                || cfg!(debug_assertions) && url.host_str() == Some("127.0.0.1")
        })
        .build()?;
    app.state::<Shell>().set_visible(shown);
    Ok(())
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

/// A second start hands over what it was given and raises the first. Starts on different data directories are different programs.
pub fn single_instance(arguments: &Arguments) -> TauriPlugin<Wry> {
    let mut builder = tauri_plugin_single_instance::Builder::new().callback(|app, words, folder| {
        if let Ok(arguments) = Arguments::read(words.into_iter().skip(1).map(OsString::from))
            && let Some(source) = arguments.source
        {
            app.state::<Shell>().hand_over(Path::new(&folder).join(source).display().to_string());
        }
        raise(app);
    });
    if let Some(dir) = &arguments.data_dir {
        let mut hasher = DefaultHasher::new();
        std::path::absolute(dir).unwrap_or_else(|_| dir.clone()).hash(&mut hasher);
        builder = builder.dbus_id(format!("dev.clonedeck.desktop.d{:x}", hasher.finish()));
    }
    builder.build()
}
