//! Tells the desktop how jobs end.

use std::time::Duration;

use clonedeck_api::wire::{Notice, Steer};
use tauri::{AppHandle, Manager, async_runtime};
use tauri_plugin_opener::OpenerExt;

use crate::notify::{Choice, Notifier, Told};
use crate::state::Shell;
use crate::window;

/// How soon it is tried again to hear what is to be announced.
const AGAIN: Duration = Duration::from_secs(2);

/// Starts to announce. What was announced once is never announced again, also after a restart.
pub fn start(app: &AppHandle) {
    let notifier = {
        let app = app.clone();
        Notifier::start(move |choice| chosen(&app, choice))
    };
    let app = app.clone();
    async_runtime::spawn(async move {
        let shell = app.state::<Shell>();
        let clonedeck = shell.opened().await;
        let mut announcements = loop {
            match clonedeck.announcements().await {
                Ok(announcements) => break announcements,
                Err(problem) => {
                    tracing::warn!(code = problem.code, "nothing can be announced yet: {}", problem.message);
                    tokio::time::sleep(AGAIN).await;
                }
            }
        };
        while let Some(notice) = announcements.next().await {
            if is_looked_at(&app, &notice) {
                continue;
            }
            let opens = match &notice.job {
                Some(job) if notice.kind == "finished" => clonedeck
                    .job(job)
                    .await
                    .is_ok_and(|job| job.result.is_some_and(|result| result.url.is_some())),
                _ => false,
            };
            notifier.show(Told { notice, opens });
        }
    });
}

/// Whether somebody has the job of a notice on a focused screen, and so sees there what it says.
fn is_looked_at(app: &AppHandle, notice: &Notice) -> bool {
    let shell = app.state::<Shell>();
    notice.job.is_some()
        && matches!(notice.kind.as_str(), "finished" | "failed" | "needs-person" | "stalled")
        && notice.job == shell.looking()
        && shell.visible()
        && window::main(app).is_some_and(|window| window.is_focused().unwrap_or(false))
}

fn chosen(app: &AppHandle, choice: Choice) {
    let app = app.clone();
    async_runtime::spawn(async move {
        let shell = app.state::<Shell>();
        let Ok(clonedeck) = shell.clonedeck() else { return };
        let outcome = match choice {
            Choice::Show(Some(job)) => {
                window::show_job(&app, &job);
                Ok(())
            }
            Choice::Show(None) => {
                window::raise(&app);
                Ok(())
            }
            Choice::OpenCopy(job) => clonedeck.copy_address(&job).await.map(|address| {
                if let Err(why) = app.opener().open_url(address, None::<&str>) {
                    tracing::warn!(%why, "the copy cannot be opened");
                }
            }),
            Choice::Retry(job) => {
                let steered = clonedeck.steer(&job, Steer::Retry).await;
                if steered.is_err() {
                    // Somebody steered it otherwise meanwhile; the job's page says how it stands.
                    window::show_job(&app, &job);
                }
                steered
            }
        };
        if let Err(problem) = outcome {
            tracing::warn!(
                code = problem.code,
                "a choice on a notice could not be carried out: {}",
                problem.message
            );
        }
    });
}
