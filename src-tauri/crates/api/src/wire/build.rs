use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::JobLimits;

/// What to build, and what of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BuildRequest {
    /// A folder, or an archive of one.
    pub source: String,
    /// Check its types, where it has any.
    pub type_check: bool,
    /// Run its build script.
    pub build: bool,
    /// Start a server that shows it.
    pub preview: bool,
    /// The server stays when the program ends.
    pub stays: bool,
    /// The first and the last port that the server may get; those of the settings when none.
    pub ports: Option<(u16, u16)>,
    /// From -10 (last) to 10 (first).
    pub priority: i32,
    /// Limits of each program that it runs, but not of the server.
    #[serde(default)]
    #[ts(optional)]
    pub limits: Option<JobLimits>,
}

/// What is known of a project before it is built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BuildReport {
    /// The folder or archive, as the system names it.
    pub path: String,
    /// Whether it is an archive: what is in it shows once it is unpacked, and the rest here is empty.
    pub archive: bool,
    /// Bytes of the archive; 0 for a folder.
    pub bytes: u64,
    /// The folder that holds the project; a folder below the one given, where that holds nothing else.
    pub folder: String,
    /// What it is made with: `Vite`, `Next.js`, `Astro`, `SvelteKit`, `plain files`, `a dev script`.
    pub framework: String,
    /// What installs its packages: `npm`, `pnpm`, `yarn`, `bun`; none when it needs none.
    pub manager: Option<String>,
    /// Name of its lock file.
    pub lock: Option<String>,
    /// Whether its types can be checked.
    pub has_types: bool,
    /// Whether it has a build script.
    pub can_build: bool,
    /// Things an operator should know.
    pub remarks: Vec<String>,
    /// Bytes of memory that it is thought to need.
    pub memory: u64,
    /// Limits of its programs where nobody says otherwise.
    pub usual: JobLimits,
}

/// A server of this machine that shows a copy or a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Preview {
    /// The job that started it.
    pub job: String,
    /// The kind of that job: `clone` or `build`.
    pub kind: String,
    /// What is shown, for people.
    pub title: String,
    /// Where it answers.
    pub url: String,
    /// Its port.
    pub port: u16,
    /// The folder that is shown.
    pub folder: String,
    /// Its output.
    pub log: String,
    /// Bytes of memory that it and what it started use.
    pub memory: u64,
    /// Processor time since its start, milliseconds.
    pub cpu_ms: u64,
    /// Whether it stays when the program ends.
    pub stays: bool,
}

/// What the cache of builds takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CacheUse {
    /// Entries.
    pub entries: u64,
    /// Bytes.
    pub bytes: u64,
}
