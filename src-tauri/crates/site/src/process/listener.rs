use std::time::{Duration, SystemTime};

use super::family::Usage;

/// Where a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
    /// Clonedeck itself, about the output.
    Note,
}

/// A line of a program, cleaned and masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it comes from.
    pub stream: Stream,
    /// When it came.
    pub at: SystemTime,
    /// What it says; colours are kept.
    pub text: String,
}

/// Who hears what a running program does. Called from the task that drives it, so it must not take long.
pub trait Listener: Send + Sync {
    /// A line.
    fn line(&self, line: &Line);

    /// What a line that is not finished shows: a progress bar, a prompt. Told at most four times a second, and only when new.
    fn showing(&self, stream: Stream, text: &str) {
        let _ = (stream, text);
    }

    /// What it takes of the machine.
    fn usage(&self, usage: &Usage) {
        let _ = usage;
    }

    /// It has been silent for as long as its limits allow. Told once for each silence.
    fn stalled(&self, silent: Duration) {
        let _ = silent;
    }

    /// Whether a line (as bytes) may not be left out even when lines come too fast.
    fn must_hear(&self, line: &[u8]) -> bool {
        let _ = line;
        false
    }
}

/// A listener that hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Listener for Silent {
    fn line(&self, _: &Line) {}
}
