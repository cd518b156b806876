use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Eta, JobPage, JobRow, Problem};

/// The queue as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct QueueStatus {
    /// Held by an operator: nothing new starts.
    pub paused: bool,
    /// Jobs that may run at once.
    pub slots: u32,
    /// Running now.
    pub running: u64,
    /// Queued.
    pub queued: u64,
    /// Waiting.
    pub waiting: u64,
    /// Paused.
    pub held: u64,
    /// CPU of the machine in use, per cent.
    pub cpu_percent: f64,
    /// Memory of the machine in use, bytes.
    pub memory_used: u64,
    /// Memory of the machine, bytes.
    pub memory_total: u64,
    /// What is wrong with the data folder: nothing new starts until it is put right.
    pub trouble: Option<Problem>,
    /// Whether this program runs the queue; else who does.
    pub runner: Option<String>,
}

/// All that a window needs to draw itself; it then follows from `seq`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Snapshot {
    /// Sequence number of the last change that is in it.
    pub seq: u64,
    /// Every job that has not ended, in the order in which they run.
    pub active: Vec<JobRow>,
    /// First page of those that have.
    pub history: JobPage,
    /// The queue.
    pub queue: QueueStatus,
    /// Unread notices.
    pub unread: u64,
}

/// A tick of progress of one running job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Tick {
    /// The job.
    pub job: String,
    /// 0–100.
    pub progress: f64,
    /// Name of the step at work.
    pub step: String,
    /// 0–100 of the step.
    pub step_progress: f64,
    /// Units done.
    pub done: u64,
    /// Units in all.
    pub total: u64,
    /// What is counted.
    pub unit: String,
    /// Units a second.
    pub rate: f64,
    /// What it is doing.
    pub message: String,
    /// How long still.
    pub eta_seconds: Option<Eta>,
    /// Time at work of the job, milliseconds.
    pub active_ms: u64,
    /// Lines in its log.
    pub log_lines: u64,
}

/// What a window is sent, at most ten times a second.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Update {
    /// Sequence number of the last change that is in it.
    pub seq: u64,
    /// Jobs that changed, whole rows.
    pub changed: Vec<JobRow>,
    /// Jobs that are gone.
    pub removed: Vec<String>,
    /// Progress of running jobs.
    pub ticks: Vec<Tick>,
    /// The queue, when it changed.
    pub queue: Option<QueueStatus>,
    /// Unread notices, when that changed.
    pub unread: Option<u64>,
    /// Something asks the window to show this: a job id.
    pub show: Option<String>,
    /// Somebody outside the window wants a clone: the window asks for the rest.
    pub offer: Option<Offer>,
    /// More changed than is worth sending: the window asks for a new snapshot.
    pub resync: bool,
}

/// Something was handed over from outside the window: a folder by a second start, a link by a browser, the wish for a new clone or to
/// cancel a job by the tray. A person looks at it; nothing is done by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Offer {
    /// The folder to clone; empty when it is yet to be chosen.
    pub source: String,
    /// Whether a link named it, which anybody may have written: then not even a look is taken at the folder unasked.
    pub by_link: bool,
    /// Why it cannot be followed.
    pub refused: Option<Problem>,
    /// The job that is to be cancelled, if that is what is wanted: the window says what will be undone, and asks.
    pub cancel: Option<String>,
}

/// A notice: what an OS notification said, kept for whoever missed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Notice {
    /// Number, rising.
    pub id: u64,
    /// When.
    pub at: String,
    /// `finished`, `failed`, `needs-person`, `stalled`, `resumed`, `batch`.
    pub kind: String,
    /// The job it speaks of.
    pub job: Option<String>,
    /// Title.
    pub title: String,
    /// Sentence.
    pub body: String,
    /// Whether somebody has seen it.
    pub read: bool,
}
