//! A walk over one block of a dump: what is found in it, and what stands around a place.

use std::sync::Arc;

/// A value in a block that may hold an old address. `start..end` is what is inside the quotes, or the hex digits.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub start: usize,
    pub end: usize,
    pub kind: ItemKind,
    pub table: Option<Arc<str>>,
    pub line: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemKind {
    /// A quoted string, and whether a backslash escapes in it.
    Text { quote: u8, backslash: bool },
    /// Hex digits.
    Hex,
    /// A needle outside of the rows, in code and not in a comment: nothing to change, but to report.
    Code,
}

/// What the lexer found in a block.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// How much of the block is done; the rest belongs to the next one.
    pub done: usize,
    pub items: Vec<Item>,
    pub values: u64,
}

/// The lexer cannot go on before there is more.
pub(super) struct More;

/// A walk over one block.
pub(super) struct Run<'b> {
    pub block: &'b [u8],
    /// What stood before the block.
    pub last_byte: u8,
    pub last: bool,
    pub at: usize,
    pub candidates: Vec<usize>,
    pub next: usize,
    pub found: Found,
}

impl Run<'_> {
    /// The byte before a place, which may be the last one of the block before.
    pub fn before(&self, at: usize) -> u8 {
        if at == 0 { self.last_byte } else { self.block[at - 1] }
    }

    /// Whether a word stands here; more is needed when the block ends in the midst of it.
    pub fn starts_with(&self, word: &[u8]) -> Result<bool, More> {
        let rest = &self.block[self.at..];
        if rest.len() < word.len() && !self.last && word.starts_with(rest) {
            return Err(More);
        }
        Ok(rest.starts_with(word))
    }

    pub fn blank_at(&self, at: usize) -> Result<bool, More> {
        match self.block.get(at) {
            Some(byte) => Ok(byte.is_ascii_whitespace() || byte.is_ascii_control()),
            None if self.last => Ok(true),
            None => Err(More),
        }
    }

    pub fn has_candidate(&mut self, start: usize, end: usize) -> bool {
        self.candidates.get(self.next).is_some_and(|at| *at < end) && {
            self.next_at(start);
            self.candidates.get(self.next).is_some_and(|at| *at < end)
        }
    }

    pub fn next_at(&mut self, at: usize) {
        while self.candidates.get(self.next).is_some_and(|candidate| *candidate < at) {
            self.next += 1;
        }
    }

    pub fn skip_candidates(&mut self) {
        self.next_at(self.at);
    }
}
