//! Notices on the operator's desktop.
//!
//! They are shown from a thread of their own: a notification server that hangs holds nothing up. Each shown notice keeps its handle
//! for as long as the server shows it, because GNOME closes a notification whose sender is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use clonedeck_api::wire::Notice;

/// What a person chose on a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Bring this job up.
    Show(String),
    /// Open the copy that this job made.
    OpenCopy(String),
    /// Try the failed step of this job again.
    Retry(String),
}

/// Notices that wait for an answer at once; beyond that they are shown without buttons.
const MOST_ANSWERS: usize = 32;

/// The thread that shows notices.
pub struct Notifier {
    notices: Sender<Notice>,
}

impl Notifier {
    /// Starts it; `chosen` is called with what a person clicks.
    pub fn start(chosen: impl Fn(Choice) + Send + Sync + 'static) -> Self {
        let (notices, inbox) = channel();
        std::thread::Builder::new()
            .name("notices".into())
            .spawn(move || show_all(&inbox, &Arc::new(chosen)))
            .expect("a thread for notices can be started");
        Self { notices }
    }

    /// Shows a notice soon. Never waits.
    pub fn show(&self, notice: Notice) {
        // The thread lives as long as the program, so this cannot fail; and if it could, the notice is still in the inbox.
        let _ = self.notices.send(notice);
    }
}

fn show_all<F: Fn(Choice) + Send + Sync + 'static>(inbox: &Receiver<Notice>, chosen: &Arc<F>) {
    let buttons = takes_buttons();
    let waiting = Arc::new(AtomicUsize::new(0));
    let mut complained = false;
    while let Ok(notice) = inbox.recv() {
        let mut shown = notify_rust::Notification::new();
        shown.appname("Clonedeck").summary(&notice.title).body(&escaped(&notice.body));
        #[cfg(all(unix, not(target_os = "macos")))]
        {
            shown.icon("clonedeck-desktop").hint(notify_rust::Hint::DesktopEntry(
                crate::DESKTOP_FILE.trim_end_matches(".desktop").into(),
            ));
            if matches!(notice.kind.as_str(), "failed" | "needs-person") {
                shown.urgency(notify_rust::Urgency::Critical).timeout(notify_rust::Timeout::Never);
            }
            if buttons && notice.job.is_some() {
                shown.action("default", "Show");
                match notice.kind.as_str() {
                    "finished" => {
                        shown.action("open", "Open copy");
                    }
                    "failed" | "needs-person" => {
                        shown.action("retry", "Retry");
                    }
                    _ => {}
                }
                shown.action("show", "Show");
            }
        }
        match shown.show() {
            Ok(handle) => answer(handle, notice, buttons, &waiting, chosen),
            Err(why) if !complained => {
                complained = true;
                tracing::warn!(%why, "no notification server answers; notices stay in the inbox");
            }
            Err(_) => {}
        }
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
fn takes_buttons() -> bool {
    notify_rust::get_capabilities().is_ok_and(|all| all.iter().any(|one| one == "actions"))
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn takes_buttons() -> bool {
    false
}

/// Servers that know markup read a body as such.
fn escaped(text: &str) -> String {
    if cfg!(target_os = "linux") {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    } else {
        text.to_owned()
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
fn answer<F: Fn(Choice) + Send + Sync + 'static>(
    handle: notify_rust::NotificationHandle,
    notice: Notice,
    buttons: bool,
    waiting: &Arc<AtomicUsize>,
    chosen: &Arc<F>,
) {
    let Some(job) = notice.job else { return };
    if !buttons || waiting.fetch_add(1, Ordering::Relaxed) >= MOST_ANSWERS {
        if buttons {
            waiting.fetch_sub(1, Ordering::Relaxed);
        }
        return;
    }
    let (waiting, chosen, id) = (Arc::clone(waiting), Arc::clone(chosen), handle.id());
    let thread = std::thread::Builder::new().name("notice".into()).spawn(move || {
        let mut answered = true;
        handle.wait_for_action(|action| match action {
            "default" | "show" => chosen(Choice::Show(job.clone())),
            "open" => chosen(Choice::OpenCopy(job.clone())),
            "retry" => chosen(Choice::Retry(job.clone())),
            _ => answered = false,
        });
        if answered {
            dismiss(id);
        }
        waiting.fetch_sub(1, Ordering::Relaxed);
    });
    if let Err(why) = thread {
        tracing::warn!(%why, "a notice is shown, but what is chosen on it cannot be heard");
    }
}

/// Takes a notice off the screen once it was answered; not every server does so by itself.
#[cfg(all(unix, not(target_os = "macos")))]
fn dismiss(id: u32) {
    const SERVER: &str = "org.freedesktop.Notifications";
    let closed = tauri::async_runtime::block_on(async {
        let bus = zbus::Connection::session().await?;
        let path = "/org/freedesktop/Notifications";
        bus.call_method(Some(SERVER), path, Some(SERVER), "CloseNotification", &(id,)).await
    });
    if let Err(why) = closed {
        tracing::debug!(%why, "an answered notice stays on the screen");
    }
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn answer<H, F>(_: H, _: Notice, _: bool, _: &Arc<AtomicUsize>, _: &Arc<F>) {}
