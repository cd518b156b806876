//! The window of Clonedeck: the only Rust that knows Tauri.
//!
//! [`commands`] are what the page may ask, one line each over the `api` crate; [`pump`] has ready for it what happens; [`notify`]
//! and [`announce`] tell the desktop how jobs end; [`glance`] shows the queue in the [`tray`] and on the program's icon
//! ([`launcher`]); [`close`] keeps it running when the window is not there.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod announce;
mod close;
mod commands;
mod glance;
mod launcher;
mod notify;
mod pump;
mod state;
mod tray;
mod window;

use std::process::ExitCode;

use state::{Arguments, Instead, Shell};
use tauri::Manager;

/// Name of the file by which Linux desktops know this program; the package installs it.
#[cfg(all(unix, not(target_os = "macos")))]
const DESKTOP_FILE: &str = "Clonedeck.desktop";

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(Instead::Said(text)) => {
            println!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(Instead::Refused(why)) => {
            eprintln!("error[words]: {why}");
            return ExitCode::from(2);
        }
    };
    #[cfg(all(unix, not(target_os = "macos")))]
    if gtk::init().is_err() {
        return no_window("no display answers");
    }
    let app = tauri::Builder::default()
        .plugin(window::single_instance(&arguments))
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_opener::init())
        .plugin(tauri_plugin_autostart::init(
            tauri_plugin_autostart::MacosLauncher::LaunchAgent,
            Some(vec!["--hidden"]),
        ))
        .invoke_handler(commands::handler())
        .on_window_event(close::on_window_event)
        .setup(move |app| {
            let handle = app.handle().clone();
            let shell = Shell::open(&arguments);
            let theme = shell.theme();
            app.manage(shell);
            window::open(&handle, !arguments.hidden, theme)?;
            glance::start(&handle, tray::Tray::build(&handle)?);
            announce::start(&handle);
            close::stop_on_signal(&handle);
            state::keep_going(&handle);
            Ok(())
        })
        .build(tauri::generate_context!());
    match app {
        Ok(app) => {
            app.run(close::on_run_event);
            ExitCode::SUCCESS
        }
        Err(why) => no_window(&why.to_string()),
    }
}

fn no_window(why: &str) -> ExitCode {
    eprintln!("error[window.open]: The window cannot be opened: {why}.");
    eprintln!("help: Without a desktop, `clonedeck` does the same work in a terminal.");
    ExitCode::FAILURE
}
