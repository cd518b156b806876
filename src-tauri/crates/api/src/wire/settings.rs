use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What an operator can set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export)]
pub struct Settings {
    /// Jobs that may run at once, 1–64.
    pub slots: u32,
    /// New jobs are held back above this CPU load, per cent.
    pub cpu_limit_percent: u32,
    /// Jobs together may use this share of the memory, per cent.
    pub memory_limit_percent: u32,
    /// Notify when a job is finished.
    pub notify_finished: bool,
    /// Notify when a job failed.
    pub notify_failed: bool,
    /// Notify when a job needs a person.
    pub notify_needs_person: bool,
    /// Notify once for a batch.
    pub notify_batch: bool,
    /// No notifications from this hour (`22:00`); empty for never.
    pub quiet_from: String,
    /// … to this hour.
    pub quiet_to: String,
    /// What closing the window does.
    pub on_close: OnClose,
    /// Start hidden when the operator logs in.
    pub start_at_login: bool,
    /// Ended jobs are kept this many days.
    pub retention_days: u32,
    /// … and at most this many.
    pub retention_jobs: u32,
    /// Colours of the window.
    pub theme: Theme,
    /// The first port that previews of builds get, 1024–65535.
    pub port_from: u16,
    /// … and the last.
    pub port_to: u16,
    /// Outcomes of builds are kept this many hours after their last use.
    pub cache_hours: u32,
    /// … and at most this many gigabytes of them.
    pub cache_gigabytes: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            slots: std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(4) as u32,
            cpu_limit_percent: 80,
            memory_limit_percent: 90,
            notify_finished: true,
            notify_failed: true,
            notify_needs_person: true,
            notify_batch: true,
            quiet_from: String::new(),
            quiet_to: String::new(),
            on_close: OnClose::Ask,
            start_at_login: false,
            retention_days: 90,
            retention_jobs: 10_000,
            theme: Theme::System,
            port_from: 4300,
            port_to: 4499,
            cache_hours: 24,
            cache_gigabytes: 10,
        }
    }
}

/// What closing the window does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export)]
pub enum OnClose {
    /// Ask.
    Ask,
    /// Go on in the tray.
    Hide,
    /// Stop at a safe point and quit.
    Quit,
}

/// Colours of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export)]
pub enum Theme {
    /// As the system.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// One thing the environment check looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DoctorFinding {
    /// Stable code: `php`, `database-client`, `keychain`, `notifications`, `tray`, `disk`, `limits`.
    pub code: String,
    /// Title.
    pub title: String,
    /// `ok`, `warn` or `bad`.
    pub status: String,
    /// What is there or lacks, and what that means.
    pub message: String,
    /// What to do; empty where nothing has to be done.
    pub fix: String,
}

/// About the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct About {
    /// Version of the program.
    pub version: String,
    /// Where its data lives.
    pub data_dir: String,
    /// Whether a tray host is there.
    pub tray: bool,
    /// Whether this is the first start: no job was ever added.
    pub first_start: bool,
}
