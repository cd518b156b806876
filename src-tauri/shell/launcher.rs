//! Progress and a count on the program's icon in the dock or the taskbar.

use tauri::AppHandle;

use crate::glance::Glance;

/// What the icon shows.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Face {
    /// Whole per cent of the running jobs together; none when nothing runs.
    percent: Option<u8>,
    paused: bool,
    count: u64,
}

/// The program's icon.
pub struct Launcher {
    shown: Option<Face>,
    place: Place,
}

impl Launcher {
    /// Finds the icon.
    pub async fn open(app: &AppHandle) -> Self {
        Self { shown: None, place: Place::find(app).await }
    }

    /// Shows how the queue stands, when that looks different.
    pub async fn show(&mut self, glance: &Glance) {
        let face = Face {
            percent: glance.progress().map(|part| (part * 100.0) as u8),
            paused: glance.paused(),
            count: glance.unread,
        };
        if self.shown != Some(face) {
            self.shown = Some(face);
            self.place.show(face).await;
        }
    }
}

/// Docks of Linux desktops listen to a signal of the session bus (KDE, Ubuntu, elementary; others pass it over).
#[cfg(target_os = "linux")]
struct Place(Option<zbus::Connection>);

#[cfg(target_os = "linux")]
impl Place {
    async fn find(_: &AppHandle) -> Self {
        Self(zbus::Connection::session().await.ok())
    }

    async fn show(&self, face: Face) {
        use zbus::zvariant::Value;
        let Some(bus) = &self.0 else { return };
        let shown = [
            ("progress", Value::from(f64::from(face.percent.unwrap_or(0)) / 100.0)),
            ("progress-visible", Value::from(face.percent.is_some())),
            ("count", Value::from(face.count as i64)),
            ("count-visible", Value::from(face.count > 0)),
        ];
        let shown: std::collections::HashMap<_, _> = shown.into_iter().collect();
        let desktop_file = format!("application://{}", crate::DESKTOP_FILE);
        let sent = bus
            .emit_signal(
                None::<&str>,
                "/dev/clonedeck/desktop",
                "com.canonical.Unity.LauncherEntry",
                "Update",
                &(desktop_file, shown),
            )
            .await;
        if let Err(why) = sent {
            tracing::debug!(%why, "the icon's progress was not told");
        }
    }
}

#[cfg(not(target_os = "linux"))]
struct Place(AppHandle);

#[cfg(not(target_os = "linux"))]
impl Place {
    async fn find(app: &AppHandle) -> Self {
        Self(app.clone())
    }

    async fn show(&self, face: Face) {
        use tauri::window::{ProgressBarState, ProgressBarStatus};
        let Some(window) = crate::window::main(&self.0) else { return };
        let status = match face.percent {
            None => ProgressBarStatus::None,
            Some(_) if face.paused => ProgressBarStatus::Paused,
            Some(_) => ProgressBarStatus::Normal,
        };
        let state = ProgressBarState { status: Some(status), progress: face.percent.map(u64::from) };
        let _ = window.set_progress_bar(state);
        #[cfg(target_os = "macos")]
        let _ = window.set_badge_count((face.count > 0).then_some(face.count as i64));
    }
}
