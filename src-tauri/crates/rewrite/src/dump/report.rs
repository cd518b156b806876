//! What happened to a dump.

use serde::Serialize;

use crate::report::{Note, Tally, Trace};

/// At most this many places are listed; the counts go on.
const LISTED: usize = 1000;

/// Where in a dump something is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place<T> {
    /// The table of the statement, where it has one.
    pub table: Option<String>,
    /// The line on which the statement starts, from 1.
    pub line: u64,
    /// What is there.
    #[serde(flatten)]
    pub what: T,
}

/// Something wrong with a dump as a whole. All of its bytes are passed on nevertheless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Problem {
    /// The last statement has no end.
    #[error(
        "the dump ends in the middle of the statement that starts on line {line}; it is probably cut off"
    )]
    EndsInStatement {
        /// The line on which the statement starts.
        line: u64,
    },
    /// Its header is of a program that writes a mark at the end, and there is none.
    #[error("the dump does not end with its completion mark, so its writer probably stopped half way")]
    NoCompletionMark,
}

/// What happened to a dump.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DumpReport {
    /// Bytes read, after decompression.
    pub bytes_in: u64,
    /// Bytes written, before compression.
    pub bytes_out: u64,
    /// Strings and hex numbers seen in rows.
    pub values_scanned: u64,
    /// Those of them that changed.
    pub values_changed: u64,
    /// Occurrences changed, by form and container.
    pub changed: Tally,
    /// How many notes there are in all.
    pub unsafe_count: u64,
    /// What was left or is worth a look, the first thousand.
    #[serde(rename = "unsafe")]
    pub notes: Vec<Place<Note>>,
    /// How many traces of old addresses are left in all.
    pub left_over_count: u64,
    /// Traces of old addresses that are left, in values and in statements that are not rows, the first thousand.
    pub left_over: Vec<Place<Trace>>,
    /// What is wrong with the dump as a whole.
    pub problems: Vec<Problem>,
}

impl DumpReport {
    /// Adds what a later block brought.
    pub(super) fn add(&mut self, other: Self) {
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.values_scanned += other.values_scanned;
        self.values_changed += other.values_changed;
        self.changed.add(&other.changed);
        self.unsafe_count += other.unsafe_count;
        self.left_over_count += other.left_over_count;
        let room = |list: usize| LISTED.saturating_sub(list);
        self.notes.extend(other.notes.into_iter().take(room(self.notes.len())));
        self.left_over.extend(other.left_over.into_iter().take(room(self.left_over.len())));
        self.problems.extend(other.problems);
    }
}
