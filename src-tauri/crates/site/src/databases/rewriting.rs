use std::collections::BTreeSet;

use clonedeck_rewrite::{Container, Outcome, Reason, Rewriter};

use super::Rewritten;
use super::outcome::UnsafeCell;

/// How the addresses of a copy are rewritten.
#[derive(Debug, Clone)]
pub struct Rewriting {
    rewriter: Rewriter,
    keep: BTreeSet<(String, String)>,
    read_back: bool,
}

impl Rewriting {
    /// Rewrites every column of text.
    pub fn new(rewriter: Rewriter) -> Self {
        Self { rewriter, keep: BTreeSet::new(), read_back: false }
    }

    /// Leaves a column as it is: `wp_posts`, `guid`.
    pub fn keeping(mut self, table: &str, column: &str) -> Self {
        self.keep.insert((table.to_owned(), column.to_owned()));
        self
    }

    /// Has every table read back as soon as it is written, where the kind of database allows it: then it need not be read later, when it
    /// is in nobody's memory any more. See [`Copied::read_back`](super::Copied::read_back).
    pub fn reading_back(mut self) -> Self {
        self.read_back = true;
        self
    }

    pub(crate) fn reads_back(&self) -> bool {
        self.read_back
    }

    pub(crate) fn keeps(&self, table: &str, column: &str) -> bool {
        self.keep.contains(&(table.to_owned(), column.to_owned()))
    }

    /// Whether a value holds an old address.
    pub(crate) fn holds_old(&self, value: &[u8]) -> bool {
        self.rewriter.may_hold(value) && !self.rewriter.scan(value).is_empty()
    }

    /// The new bytes of a cell, if it changes; what was done is added to `work`. `key` names the row when that is needed.
    pub(crate) fn cell(
        &self,
        value: &[u8],
        table: &str,
        column: &str,
        key: impl Fn() -> String,
        work: &mut Rewritten,
    ) -> Option<Vec<u8>> {
        work.cells_scanned += 1;
        if !self.rewriter.may_hold(value) {
            return None;
        }
        let done = self.rewriter.rewrite(value);
        for (container, count) in &done.tally.containers {
            *work.by_kind.entry(name(*container).to_owned()).or_default() += count;
        }
        for note in &done.notes {
            if note.reason == Reason::BrokenSerialized {
                // It was broken before, and was changed as text.
                *work.by_kind.entry("serialized-but-broken".to_owned()).or_default() += 1;
                continue;
            }
            work.unsafe_count += 1;
            work.unchanged_unsafe.push(UnsafeCell {
                table: table.to_owned(),
                key: key(),
                column: column.to_owned(),
                reason: note.reason.to_string(),
            });
        }
        match done.outcome {
            Outcome::Changed(bytes) => {
                work.cells_changed += 1;
                Some(bytes)
            }
            Outcome::Unchanged | Outcome::Unsafe(_) => None,
        }
    }
}

fn name(container: Container) -> &'static str {
    match container {
        Container::Text => "text",
        Container::Serialized => "serialized",
        Container::Json => "json",
        Container::Base64 => "base64",
        _ => "other",
    }
}
