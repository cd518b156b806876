//! Notices on the operator's desktop.
//!
//! They are shown from a thread of their own, and the server is given a moment for each: one that hangs, goes or never was there
//! holds nothing up, and what it did not show is in the inbox.

#[cfg(all(unix, not(target_os = "macos")))]
mod server;

use clonedeck_api::wire::Notice;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What a person chose on a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Bring the window up, and this job in it.
    Show(Option<String>),
    /// Open the copy that this job made.
    OpenCopy(String),
    /// Try the failed step of this job again.
    Retry(String),
}

/// A notice, and what can be done about it besides looking.
#[derive(Debug)]
pub struct Told {
    /// What is said.
    pub notice: Notice,
    /// Whether its job made something that can be opened.
    pub opens: bool,
}

impl Told {
    /// Whether trying again can help.
    fn retries(&self) -> bool {
        matches!(self.notice.kind.as_str(), "failed" | "needs-person")
    }
}

/// The thread that shows notices.
pub struct Notifier {
    notices: UnboundedSender<Told>,
}

impl Notifier {
    /// Starts it; `chosen` is called with what a person clicks.
    pub fn start(chosen: impl Fn(Choice) + Send + Sync + 'static) -> Self {
        let (notices, inbox) = unbounded_channel();
        std::thread::Builder::new()
            .name("notices".into())
            .spawn(move || show_all(inbox, chosen))
            .expect("a thread for notices can be started");
        Self { notices }
    }

    /// Shows a notice soon. Never waits.
    pub fn show(&self, told: Told) {
        // The thread lives as long as the program, so this cannot fail; and if it could, the notice is still in the inbox.
        let _ = self.notices.send(told);
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
fn show_all(inbox: UnboundedReceiver<Told>, chosen: impl Fn(Choice) + Send + Sync + 'static) {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(server::show_all(inbox, std::sync::Arc::new(chosen))),
        Err(why) => tracing::error!(%why, "notices cannot be shown; they stay in the inbox"),
    }
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn show_all(mut inbox: UnboundedReceiver<Told>, _: impl Fn(Choice) + Send + Sync + 'static) {
    let mut complained = false;
    while let Some(Told { notice, .. }) = inbox.blocking_recv() {
        let shown = notify_rust::Notification::new()
            .appname("Clonedeck")
            .summary(&notice.title)
            .body(&notice.body)
            .show();
        if let Err(why) = shown
            && !std::mem::replace(&mut complained, true)
        {
            tracing::warn!(%why, "notices cannot be shown; they stay in the inbox");
        }
    }
}
