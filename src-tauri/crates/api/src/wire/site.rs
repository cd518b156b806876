use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Eta, Problem};

/// Files of one part of a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PartReport {
    /// `core`, `modules`, `themes` or `media`.
    pub part: String,
    /// Files and folders.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

/// A database as `inspect` and the plan show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DatabaseReport {
    /// Where it is, without password.
    pub address: String,
    /// Server and version: `MariaDB 10.11.6`, `SQLite 3.51`.
    pub server: String,
    /// Tables.
    pub tables: u64,
    /// Rows, about.
    pub rows: u64,
    /// Bytes, about.
    pub bytes: u64,
}

/// What is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SiteReport {
    /// The folder.
    pub path: String,
    /// `wordpress`, `static`, `php`.
    pub platform: String,
    /// Title of the platform with version: `WordPress 6.8`.
    pub platform_title: String,
    /// Version, where known.
    pub version: Option<String>,
    /// Title of the site, where known.
    pub title: Option<String>,
    /// Addresses, the main one first.
    pub addresses: Vec<String>,
    /// Files by part.
    pub parts: Vec<PartReport>,
    /// The database, where there is one.
    pub database: Option<DatabaseReport>,
    /// Things an operator should know: a value that could not be read, a plugin that is known to phone home.
    pub notes: Vec<String>,
}

/// A clone as it is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export)]
pub struct CloneRequest {
    /// Folder of the source.
    pub source: String,
    /// Folder of the copy.
    pub target: String,
    /// Address of the copy; a preview address on this machine when none.
    pub url: Option<String>,
    /// Database of the copy; beside the source's when none.
    pub db: Option<String>,
    /// Database of the source, where its configuration does not say.
    pub source_db: Option<String>,
    /// Address of the source, where neither configuration nor database say.
    pub source_url: Option<String>,
    /// What the names of the source's tables begin with, where its configuration does not say.
    #[ts(optional)]
    pub source_prefix: Option<String>,
    /// Configuration file of the source, where it is in no usual place.
    #[ts(optional)]
    pub source_config: Option<String>,
    /// What becomes of folders outside of the source that it has by links: `copy` (when none), `keep` or `leave-out`.
    #[ts(optional)]
    pub links: Option<String>,
    /// Parts that are left out.
    pub skip: Vec<String>,
    /// Patterns of files that are left out.
    pub exclude: Vec<String>,
    /// Put a target that holds something aside.
    pub replace: bool,
    /// Leave the guid of posts as they are.
    pub keep_guids: bool,
    /// Let the copy reach the network.
    pub open_egress: bool,
    /// Neutralise switches that are off, by id.
    pub neutralise_off: Vec<String>,
    /// Copy what can be read when something cannot.
    pub allow_unreadable: bool,
    /// `sampled` or `full`: how many files are compared byte for byte.
    pub verify: String,
    /// −10…10.
    pub priority: i32,
}

/// Passwords that go with a clone as it is asked for. They travel beside the request, which is stored in the open.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, TS)]
#[serde(default)]
#[ts(export)]
pub struct ClonePasswords {
    /// Of the database of the copy, where one is named.
    pub copy: Option<String>,
    /// Of the database of the source, where its configuration does not say.
    pub source: Option<String>,
}

impl std::fmt::Debug for ClonePasswords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClonePasswords").finish_non_exhaustive()
    }
}

/// Several clones that were launched in one go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LaunchedBatch {
    /// Id of the batch.
    pub batch: String,
    /// Ids of its jobs, in the order in which they were asked for.
    pub jobs: Vec<String>,
}

/// Something in a folder of a site, with all that is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FolderEntry {
    /// Its name.
    pub name: String,
    /// Where it is below the site's folder, parts separated by `/`.
    pub path: String,
    /// The pattern that leaves out just this, in gitignore's language.
    pub pattern: String,
    /// Whether it is a folder.
    pub folder: bool,
    /// Files in it; 1 for a file.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Why it is left out unless it is taken back in; none where it is copied.
    pub left_out: Option<String>,
}

/// What one folder of a site holds, the largest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FolderPage {
    /// Its entries.
    pub entries: Vec<FolderEntry>,
    /// Entries that are not told one by one, all smaller than those that are.
    pub more: u64,
    /// Bytes of those.
    pub more_bytes: u64,
}

/// A switch of what keeps a copy quiet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct NeutraliseSwitch {
    /// Stable id: `mail`, `cron`, `crawlers`, `egress`, `identities`, `salts`, `sessions`.
    pub id: String,
    /// Title.
    pub title: String,
    /// What it does.
    pub message: String,
    /// Whether it will be done.
    pub on: bool,
}

/// Files that are left out, by pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Excluded {
    /// The pattern.
    pub pattern: String,
    /// Why it is left out.
    pub reason: String,
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What a clone will do, before it is launched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ClonePlan {
    /// The source as it was recognised.
    pub source: SiteReport,
    /// Folder of the copy.
    pub target: String,
    /// Address of the copy. The port of a preview address is chosen at the launch; `…` stands for it.
    pub url: String,
    /// Database of the copy, where there is one.
    pub database: Option<String>,
    /// What is left out.
    pub excluded: Vec<Excluded>,
    /// Bytes that the copy will take on the target's file system (the database's on this machine included).
    pub bytes_needed: u64,
    /// Bytes that are free there.
    pub bytes_free: u64,
    /// How long about.
    pub eta_seconds: Option<Eta>,
    /// What will be neutralised.
    pub neutralise: Vec<NeutraliseSwitch>,
    /// What stands in the way; it cannot be launched while there is anything.
    pub obstacles: Vec<Problem>,
    /// What an operator should know.
    pub warnings: Vec<String>,
}

/// Sane answers for a new clone of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CloneDefaults {
    /// Folder beside the source that does not exist.
    pub target: String,
    /// Database beside the source's that does not exist.
    pub db: Option<String>,
}

/// A site that was seen as source or copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SiteSeen {
    /// The folder.
    pub path: String,
    /// Its address, where known.
    pub address: Option<String>,
    /// Platform with version.
    pub platform: Option<String>,
    /// Whether it is a copy made here.
    pub copy: bool,
    /// The job that made or used it last.
    pub last_job: String,
    /// When that was.
    pub last_at: String,
    /// Jobs that had to do with it.
    pub jobs: u64,
}

/// Rows of one table on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TableReceipt {
    /// Name of the table.
    pub name: String,
    /// Rows in the source.
    pub rows_source: u64,
    /// Rows in the copy.
    pub rows_target: u64,
}

/// Files of the copy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export)]
pub struct FilesReceipt {
    /// Files and folders copied.
    pub count: u64,
    /// Bytes copied.
    pub bytes: u64,
    /// What was left out.
    pub excluded: Vec<Excluded>,
    /// Files compared byte for byte.
    pub verified: u64,
    /// Differences found; empty is clean.
    pub differences: Vec<String>,
    /// Listed for the operator: links that lead outside, special files, files that changed while read.
    pub listed: Vec<String>,
}

/// What the rewriter did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export)]
pub struct RewriteReceipt {
    /// Cells that were read.
    pub cells_scanned: u64,
    /// Cells that were changed.
    pub cells_changed: u64,
    /// Changed by kind of value: `text`, `serialized`, `json`, …
    pub by_kind: BTreeMap<String, u64>,
    /// Where the old address is left.
    pub left_over: Vec<String>,
    /// Values that parsed before and no longer do; must be 0.
    pub newly_broken: u64,
    /// Values that hold the old address and were left because changing them is not safe.
    pub unchanged_unsafe: Vec<String>,
}

/// A setting of the copy that differs from the source's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SettingChange {
    /// Name of the setting.
    pub name: String,
    /// Its value in the source; `•••` for secrets.
    pub from: String,
    /// Its value in the copy; `•••` for secrets.
    pub to: String,
}

/// Time that one step took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StepReceipt {
    /// Name of the step.
    pub name: String,
    /// Time at work, milliseconds.
    pub active_ms: u64,
}

/// What a clone did, and the proof of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export)]
pub struct Receipt {
    /// The files.
    pub files: FilesReceipt,
    /// The tables.
    pub tables: Vec<TableReceipt>,
    /// Definitions of the database that could not be brought over exactly, and what stands in the copy instead.
    pub definitions: Vec<String>,
    /// The addresses.
    pub rewrite: RewriteReceipt,
    /// What was done to keep the copy quiet.
    pub neutralised: Vec<String>,
    /// Settings that were changed.
    pub settings: Vec<SettingChange>,
    /// What the running copy answered, a line a page.
    pub pages: Vec<String>,
    /// Everything a person should read; empty is clean.
    pub findings: Vec<String>,
    /// Time by step.
    pub steps: Vec<StepReceipt>,
}
