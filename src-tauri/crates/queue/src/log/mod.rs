//! A job's log: append-only files with an index.
//!
//! A log is a folder of segments, each named by the number of its first line. A segment holds one line of text per log
//! line and has an index beside it with the place of every 64th line, so that any page is found with one seek. When the
//! log grows over its limit the first segment (the head) and the newest ones (the tail) stay; what was between is
//! counted as missing. Lines are numbered from 1 and keep their numbers.

mod mask;
mod read;
mod write;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use mask::Mask;
pub use read::LogPage;
pub(crate) use read::{lines, page};
pub(crate) use write::LogWriter;

/// Every how many lines the index has an entry.
const STRIDE: u64 = 64;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For finding faults.
    Debug,
    /// What is done.
    Info,
    /// Something is odd, the job goes on.
    Warn,
    /// Something failed.
    Error,
}

impl Level {
    /// The word for it, as in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Debug, Self::Info, Self::Warn, Self::Error].into_iter().find(|level| level.word() == word)
    }
}

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Its number, from 1; lines of a job never change number.
    pub number: u64,
    /// When it was written.
    pub at: Timestamp,
    /// How much it matters.
    pub level: Level,
    /// The step that wrote it; empty for the queue itself.
    pub step: String,
    /// The text, with colour codes as they came.
    pub text: String,
}

impl LogLine {
    fn parse(number: u64, line: &str) -> Self {
        let mut parts = line.splitn(4, '\t');
        let mut part = || parts.next().unwrap_or_default();
        let at = part().parse().unwrap_or_default();
        let level = Level::parse(part()).unwrap_or(Level::Info);
        let step = part().to_owned();
        Self { number, at, level, step, text: part().to_owned() }
    }
}

fn segment_name(first: u64) -> String {
    format!("{first:012}.log")
}

/// First line numbers of the segments in a log folder, in order.
fn segments(folder: &std::path::Path) -> Vec<u64> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<u64> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".log")?.parse().ok())
        .collect();
    found.sort_unstable();
    found
}
