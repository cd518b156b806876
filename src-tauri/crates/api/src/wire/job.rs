use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Problem;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export)]
pub enum JobState {
    /// Will start when its turn comes.
    Queued,
    /// At work.
    Running,
    /// Waits for a time, for resources, for the network or for a person; see `waiting_for`.
    Waiting,
    /// Held by an operator.
    Paused,
    /// Ended well.
    Completed,
    /// Ended with an error.
    Failed,
    /// Ended by an operator; what it made is undone.
    Cancelled,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export)]
pub enum StepState {
    /// Not begun.
    Pending,
    /// At work.
    Running,
    /// Between two tries, or for a person.
    Waiting,
    /// Ended well.
    Completed,
    /// Had nothing to do; `message` says why.
    Skipped,
    /// Ended with an error.
    Failed,
    /// What it made is undone.
    Undone,
}

/// Why a job is not running, and who or what moves it on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WaitingFor {
    /// Stable code: `retry`, `memory`, `cpu`, `slot`, `disk`, `target`, `person`, `queue-paused`, …
    pub code: String,
    /// The sentence for people.
    pub message: String,
    /// When it goes on by itself, where that is known.
    pub until: Option<String>,
    /// Whether it waits until a person does something.
    pub needs_person: bool,
    /// What to do; may be empty.
    pub help: String,
}

/// How long still, as a range of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Eta {
    /// Lower bound, seconds.
    pub low: f64,
    /// Upper bound, seconds.
    pub high: f64,
}

/// One step of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StepView {
    /// Stable name: `copy-database`.
    pub name: String,
    /// Title for people: `Copy database`.
    pub title: String,
    /// Where it stands.
    pub state: StepState,
    /// 0–100.
    pub progress: f64,
    /// Units done.
    pub done: u64,
    /// Units in all; 0 while not known.
    pub total: u64,
    /// What is counted: `bytes`, `files`, `rows`, `tables`, `items`; empty where nothing is.
    pub unit: String,
    /// Units a second; 0 while not known.
    pub rate: f64,
    /// Tries begun.
    pub attempts: u32,
    /// Begun first.
    pub started_at: Option<String>,
    /// Ended.
    pub finished_at: Option<String>,
    /// Time at work, milliseconds, pauses and suspends left out.
    pub active_ms: u64,
    /// What it is doing (running), what it did (completed) or why it did nothing (skipped).
    pub message: String,
    /// The error of the last try, if that failed.
    pub error: Option<Problem>,
}

/// What came out of a job, for people. The password is asked for apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobResult {
    /// Address at which the copy answers.
    pub url: Option<String>,
    /// Login made for the operator.
    pub username: Option<String>,
    /// Folder of the copy.
    pub folder: Option<String>,
    /// Database of the copy, without password.
    pub database: Option<String>,
    /// Whether the copy was deleted since.
    #[ts(optional)]
    pub deleted: Option<bool>,
    /// How many findings the check listed; 0 means clean.
    pub findings: u32,
    /// What a command counted, by name.
    #[ts(type = "Record<string, number>")]
    pub stats: BTreeMap<String, u64>,
    /// The port of the server that shows a build.
    #[ts(optional)]
    pub port: Option<u16>,
    /// The file with what that server writes.
    #[ts(optional)]
    pub log: Option<String>,
}

/// A job in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobRow {
    /// UUIDv7.
    pub id: String,
    /// Job kind: `clone`, `command`, `build`.
    pub kind: String,
    /// Title: the site's name or address.
    pub title: String,
    /// Source folder or address, where the kind has one.
    pub source: Option<String>,
    /// Target folder or address, where the kind has one.
    pub target: Option<String>,
    /// Where it stands.
    pub state: JobState,
    /// −10…10, higher first.
    pub priority: i32,
    /// 0–100.
    pub progress: f64,
    /// Name of the step at work (or waiting).
    pub current_step: Option<String>,
    /// Title of that step.
    pub current_title: Option<String>,
    /// What that step is doing.
    pub message: String,
    /// How long still.
    pub eta_seconds: Option<Eta>,
    /// Why it does not run.
    pub waiting_for: Option<WaitingFor>,
    /// Why it failed.
    pub error: Option<Problem>,
    /// Accepted.
    pub created_at: String,
    /// First begun.
    pub started_at: Option<String>,
    /// Ended.
    pub finished_at: Option<String>,
    /// Time at work, milliseconds.
    pub active_ms: u64,
    /// Times it went on after a stop of the program.
    pub resumed: u32,
    /// Batch it belongs to.
    pub batch: Option<String>,
    /// Title of that batch.
    pub batch_title: Option<String>,
    /// Findings of its check, once completed.
    pub findings: u32,
    /// Sequence number of its last change.
    pub seq: u64,
}

/// One job whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobView {
    /// UUIDv7.
    pub id: String,
    /// Job kind.
    pub kind: String,
    /// Title.
    pub title: String,
    /// Source folder or address.
    pub source: Option<String>,
    /// Target folder or address.
    pub target: Option<String>,
    /// Platform and version of the site, once recognised: `WordPress 6.8`.
    pub platform: Option<String>,
    /// Where it stands.
    pub state: JobState,
    /// −10…10, higher first.
    pub priority: i32,
    /// 0–100.
    pub progress: f64,
    /// Name of the step at work.
    pub current_step: Option<String>,
    /// Accepted.
    pub created_at: String,
    /// First begun.
    pub started_at: Option<String>,
    /// Ended.
    pub finished_at: Option<String>,
    /// Time at work, milliseconds.
    pub active_ms: u64,
    /// Tries of steps in all.
    pub attempts: u32,
    /// Times it took the program down.
    pub crashes: u32,
    /// Times it went on after a stop.
    pub resumed: u32,
    /// How long still.
    pub eta_seconds: Option<Eta>,
    /// Why it does not run.
    pub waiting_for: Option<WaitingFor>,
    /// Its steps in order.
    pub steps: Vec<StepView>,
    /// What came out.
    pub result: Option<JobResult>,
    /// Why it failed.
    pub error: Option<Problem>,
    /// Batch it belongs to.
    pub batch: Option<String>,
    /// Title of that batch.
    pub batch_title: Option<String>,
    /// What was asked, without secrets.
    #[ts(type = "unknown")]
    pub spec: serde_json::Value,
    /// Sequence number of its last change.
    pub seq: u64,
}

/// What is shown only on request.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobSecrets {
    /// Login made for the operator.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<String>,
}

impl std::fmt::Debug for JobSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobSecrets").field("username", &self.username).field("password", &"•••").finish()
    }
}

/// Which jobs a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export)]
pub struct JobFilter {
    /// Only these states; all when empty.
    pub states: Vec<JobState>,
    /// Only these kinds; all when empty.
    pub kinds: Vec<String>,
    /// Words that title, source or target hold.
    pub search: String,
    /// Only jobs that read or write this folder.
    pub site: Option<String>,
    /// Only children of this batch.
    pub batch: Option<String>,
}

/// A page of a list, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobPage {
    /// The rows.
    pub jobs: Vec<JobRow>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
}

/// What steering a job asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[ts(export)]
pub enum Steer {
    /// Hold at the next safe point.
    Pause,
    /// Go on.
    Resume,
    /// End and undo.
    Cancel,
    /// Try the failed step again.
    Retry,
    /// Try from the first step.
    RetryFromStart,
    /// Change the priority.
    Priority {
        /// −10…10.
        to: i32,
    },
}
