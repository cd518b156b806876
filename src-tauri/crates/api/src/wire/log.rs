use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LogLine {
    /// Number of the line, from 0.
    pub n: u64,
    /// When.
    pub at: String,
    /// `info`, `warn`, `error`, `out` or `err` (the output streams of a child process).
    pub level: String,
    /// Name of the step that wrote it; empty for the job itself.
    pub step: String,
    /// The text, ANSI colours kept.
    pub text: String,
}

/// Some lines of a job's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LogPage {
    /// The lines, in order.
    pub lines: Vec<LogLine>,
    /// Lines in all, now.
    pub total: u64,
}
