//! The notification server on the session bus: what it is given, and what comes back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use notify_rust::{Hint, Notification, NotificationHandle, NotificationResponse, Timeout, Urgency};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::task::{AbortHandle, LocalSet};

use super::{Choice, Told};

const SERVER: &str = "org.freedesktop.Notifications";
/// How long the server may take over one call.
const PATIENCE: Duration = Duration::from_secs(5);
/// Notices whose buttons are heard at once; those of older ones fall silent.
const MOST_HEARD: usize = 32;

/// Shows what comes, until nothing more can come.
pub async fn show_all(mut inbox: UnboundedReceiver<Told>, chosen: Arc<impl Fn(Choice) + 'static>) {
    let servers = watch::Sender::new(0_u64);
    let watched = async {
        if let Err(why) = watch_servers(&servers).await {
            tracing::debug!(%why, "the notification server is not watched");
        }
        std::future::pending::<()>().await;
    };
    let shown = LocalSet::new();
    let show = shown.run_until(async {
        let mut desk = Desk { servers: servers.subscribe(), buttons: None, complained: false };
        let mut heard: VecDeque<AbortHandle> = VecDeque::new();
        while let Some(told) = inbox.recv().await {
            let Some((handle, buttons)) = desk.show(&told).await else { continue };
            heard.retain(|task| !task.is_finished());
            if heard.len() >= MOST_HEARD
                && let Some(oldest) = heard.pop_front()
            {
                oldest.abort();
            }
            let (servers, chosen) = (servers.subscribe(), Arc::clone(&chosen));
            let hear = async move {
                if let Some(choice) = answer(&handle, told.notice.job, servers).await.filter(|_| buttons) {
                    // Not every server takes an answered notice off the screen by itself.
                    let _ = tokio::time::timeout(PATIENCE, handle.close_async()).await;
                    chosen(choice);
                }
            };
            heard.push_back(tokio::task::spawn_local(hear).abort_handle());
        }
    });
    tokio::select! {
        () = show => {}
        () = watched => {}
    }
}

/// Counts up whenever a server goes, by itself or for another one. One that comes where none was has nothing to forget; it may
/// well have been started by the notice that is being shown.
async fn watch_servers(servers: &watch::Sender<u64>) -> zbus::Result<()> {
    let bus = zbus::Connection::session().await?;
    let names = zbus::fdo::DBusProxy::new(&bus).await?;
    let mut changes = names.receive_name_owner_changed_with_args(&[(0, SERVER)]).await?;
    while let Some(change) = changes.next().await {
        if change.args()?.old_owner().is_some() {
            servers.send_modify(|count| *count += 1);
        }
    }
    Ok(())
}

/// What is known of the server of the moment.
struct Desk {
    servers: watch::Receiver<u64>,
    /// Whether it has buttons; none while it has not said so.
    buttons: Option<bool>,
    complained: bool,
}

impl Desk {
    /// Shows a notice, and answers whether it has buttons. The handle keeps it on the screen: GNOME takes those away whose sender
    /// is gone.
    async fn show(&mut self, told: &Told) -> Option<(NotificationHandle, bool)> {
        if self.servers.has_changed().unwrap_or(false) {
            self.servers.mark_unchanged();
            self.buttons = None;
        }
        let shown = tokio::time::timeout(PATIENCE, async {
            let buttons = self.has_buttons().await;
            notification(told, buttons).show_async().await.map(|handle| (handle, buttons))
        })
        .await;
        let why = match shown {
            Ok(Ok(shown)) => {
                self.complained = false;
                return Some(shown);
            }
            Ok(Err(why)) => why.to_string(),
            Err(_) => "it does not answer in time".to_owned(),
        };
        if !std::mem::replace(&mut self.complained, true) {
            tracing::warn!(%why, "no notification server shows notices; they stay in the inbox");
        }
        None
    }

    async fn has_buttons(&mut self) -> bool {
        if self.buttons.is_none() {
            self.buttons = capabilities().await.ok().map(|all| all.iter().any(|one| one == "actions"));
        }
        self.buttons.unwrap_or(false)
    }
}

async fn capabilities() -> zbus::Result<Vec<String>> {
    let bus = zbus::Connection::session().await?;
    let path = "/org/freedesktop/Notifications";
    bus.call_method(Some(SERVER), path, Some(SERVER), "GetCapabilities", &()).await?.body().deserialize()
}

fn notification(told: &Told, buttons: bool) -> Notification {
    let notice = &told.notice;
    // Servers that know markup read a body as such.
    let body = notice.body.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut shown = Notification::new();
    shown
        .appname("Clonedeck")
        .summary(&notice.title)
        .body(&body)
        .icon("clonedeck-desktop")
        .hint(Hint::DesktopEntry(crate::DESKTOP_FILE.trim_end_matches(".desktop").into()));
    if told.retries() {
        shown.urgency(Urgency::Critical).timeout(Timeout::Never);
    }
    if buttons {
        shown.action("default", "Show");
        if told.opens {
            shown.action("open", "Open copy");
        }
        if told.retries() {
            shown.action("retry", "Retry");
        }
        shown.action("show", "Show");
    }
    shown
}

/// What a person chooses; none when the notice goes without a choice, or its server does.
async fn answer(
    handle: &NotificationHandle,
    job: Option<String>,
    mut servers: watch::Receiver<u64>,
) -> Option<Choice> {
    let mut chosen = None;
    let heard = handle.wait_for_action_async(|response| {
        chosen = match (response, job) {
            (NotificationResponse::Default, job) => Some(Choice::Show(job)),
            (NotificationResponse::Action(action), job) => match (action.as_str(), job) {
                ("show", job) => Some(Choice::Show(job)),
                ("open", Some(job)) => Some(Choice::OpenCopy(job)),
                ("retry", Some(job)) => Some(Choice::Retry(job)),
                _ => None,
            },
            _ => None,
        };
    });
    tokio::select! {
        () = heard => {}
        _ = servers.changed() => {}
    }
    chosen
}
