//! The lexer of dumps. It reads a block from its first byte and stops at the last place where the next block can go on.
//!
//! Nearly all bytes of a dump lie in strings, so the lexer jumps from quote to escape to quote and looks at single bytes
//! only between them.

use std::sync::Arc;

use crate::finder::Finder;
use crate::near::Stops;

use super::run::{Found, Item, ItemKind, More, Run};
use super::statement::{Phase, Statement, backslash_after_set};
use super::string::is_word;

/// What a block may begin in the midst of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    Code,
    /// `/* … */`
    Comment,
    /// `-- …` up to the end of the line.
    Line,
    /// A string that is too long to be held: passed on as it is.
    Endless(u8),
}

pub(super) struct Lexer {
    pub(super) within: Within,
    pub(super) statement: Statement,
    /// Where the statement starts: in this block, or on this line before it.
    statement_at: Option<usize>,
    /// Whether a statement has begun, in this block or before.
    begun: bool,
    /// Where in this block a `SET` stands that has not ended.
    set_at: Option<usize>,
    statement_line: u64,
    pub(super) backslash: bool,
    delimiter: Vec<u8>,
    /// Bytes between strings at which something may begin.
    stops: Stops,
    /// The line on which the block begins, and the place up to which its lines are counted.
    line: u64,
    counted: usize,
    /// The last byte of the block before.
    last_byte: u8,
    /// Blocks are cut where this much is in hand, even inside a string.
    pub(super) longest: usize,
    pub promised: bool,
    pub completed: bool,
    /// Strings that were too long.
    pub endless: Vec<(Option<Arc<str>>, u64)>,
    pub(super) shortest_needle: usize,
}

/// A `SET` that is longer than this says nothing about backslashes.
const LONGEST_SET: usize = 65536;

/// A word that is longer than this is none.
const LONGEST_WORD: usize = 4096;

/// Where something may begin between strings, or end.
fn stops(delimiter: &[u8]) -> Stops {
    Stops::new(&[b"'\"`-#/xX", &delimiter[..1]].concat())
}

impl Lexer {
    pub fn new(finder: &Finder, longest: usize) -> Self {
        Self {
            within: Within::Code,
            statement: Statement::new(),
            statement_at: None,
            begun: false,
            set_at: None,
            statement_line: 1,
            backslash: true,
            delimiter: b";".to_vec(),
            stops: stops(b";"),
            line: 1,
            counted: 0,
            last_byte: b'\n',
            longest,
            promised: false,
            completed: false,
            endless: Vec::new(),
            shortest_needle: finder.shortest(),
        }
    }

    /// The statement that the end of the dump cuts off, by its line.
    pub fn unfinished(&self) -> Option<u64> {
        let open = self.statement.phase != Phase::Start
            || matches!(self.within, Within::Comment | Within::Endless(_));
        open.then_some(self.statement_line)
    }

    /// Reads a block. `last` says that nothing follows it.
    pub fn block(&mut self, finder: &Finder, block: &[u8], last: bool) -> Found {
        let mut run = Run {
            candidates: finder.candidates(block),
            next: 0,
            block,
            last_byte: self.last_byte,
            last,
            at: 0,
            found: Found::default(),
        };
        self.counted = 0;
        while run.at < block.len() {
            let step = match self.within {
                Within::Code => self.code(&mut run),
                Within::Comment => self.comment(&mut run),
                Within::Line => self.line_comment(&mut run),
                Within::Endless(quote) => self.endless(&mut run, quote),
            };
            if step.is_err() {
                if last {
                    // Something has begun that has no end.
                    self.begin_statement(run.at);
                    self.statement.phase = Phase::Other;
                    run.at = block.len();
                }
                break;
            }
        }
        let done = run.at;
        self.report_code(&mut run, done);
        if last && self.within == Within::Comment && self.statement.phase == Phase::Start {
            // A comment without an end between statements: where the dump ends is all there is to say.
            self.statement_at = Some(done);
        }
        self.keep_set_whole(&mut run);
        let done = run.at;
        self.mark_statement_line(block);
        self.line = self.line_at(block, done);
        self.last_byte = run.before(done);
        run.found.done = done;
        run.found
    }

    /// A `SET` is read as a whole: one that the block cuts off belongs to the next block from its start on.
    fn keep_set_whole(&mut self, run: &mut Run) {
        let Some(start) = self.set_at.take().filter(|_| self.statement.phase == Phase::Set && !run.last)
        else {
            return;
        };
        if start > 0 || run.block.len() < LONGEST_SET {
            self.statement = Statement::new();
            self.within = Within::Code;
            if self.statement_at == Some(start) {
                self.statement_at = None;
                self.begun = false;
            }
            run.at = start;
            run.found.items.retain(|item| item.start < start);
        }
    }

    fn line_at(&mut self, block: &[u8], at: usize) -> u64 {
        if at > self.counted {
            self.line += memchr::memchr_iter(b'\n', &block[self.counted..at]).count() as u64;
            self.counted = at;
        }
        self.line
    }

    /// The line of the running statement, counted only where somebody asks.
    pub(super) fn mark_statement_line(&mut self, block: &[u8]) -> u64 {
        if let Some(at) = self.statement_at.take() {
            self.statement_line = self.line_at(block, at);
        }
        self.statement_line
    }

    pub(super) fn begin_statement(&mut self, at: usize) {
        if !self.begun {
            self.begun = true;
            self.statement_at = Some(at);
        }
    }

    fn code(&mut self, run: &mut Run) -> Result<(), More> {
        let rows = self.statement.phase == Phase::Rows;
        let calm = rows || self.statement.phase == Phase::Other || self.statement.phase == Phase::Set;
        if calm {
            let rest = &run.block[run.at..];
            let Some(stop) = self.stops.next(rest) else {
                // A word at the end may be the beginning of a hex number.
                let word = rest.iter().rev().take(16).take_while(|b| is_word(**b)).count();
                run.at = run.block.len() - if run.last { 0 } else { word };
                return if run.at < run.block.len() { Err(More) } else { Ok(()) };
            };
            run.at += stop;
        }
        let at = run.at;
        let byte = run.block[at];
        if byte == self.delimiter[0] && run.starts_with(&self.delimiter)? {
            self.end_statement(run);
            return Ok(());
        }
        match byte {
            b'\'' => self.string(run, b'\'')?,
            b'"' if calm && self.backslash => self.string(run, b'"')?,
            b'"' | b'`' => self.quoted_name(run, byte)?,
            b'-' if run.starts_with(b"--")? && run.blank_at(at + 2)? => self.line_comment(run)?,
            b'#' => self.line_comment(run)?,
            b'/' if run.starts_with(b"/*")? => self.open_comment(run)?,
            b'x' | b'X' if rows => self.hex(run)?,
            _ if calm => run.at += 1,
            _ => self.head(run, byte)?,
        }
        Ok(())
    }

    /// A word, a dot or a space before the rows begin.
    fn head(&mut self, run: &mut Run, byte: u8) -> Result<(), More> {
        let at = run.at;
        if !is_word(byte) {
            run.at += 1;
            if byte == b'.' {
                self.statement.dotted = true;
            } else if !byte.is_ascii_whitespace() && self.statement.phase == Phase::Start && byte != b'*' {
                // `(SELECT …)` and whatever else begins with no word; the end of a hint is no beginning.
                if run.before(at) != b'*' {
                    self.begin_statement(at);
                    self.statement.phase = Phase::Other;
                }
            }
            return Ok(());
        }
        let length = run.block[at..].iter().take_while(|b| is_word(**b)).count();
        let end = at + length;
        if end == run.block.len() && !run.last && length < LONGEST_WORD {
            return Err(More);
        }
        let word = &run.block[at..end];
        if self.statement.phase == Phase::Start {
            if word.eq_ignore_ascii_case(b"delimiter") {
                return self.new_delimiter(run, end);
            }
            if word.eq_ignore_ascii_case(b"pragma") {
                // Only SQLite has it, and there a backslash is a character like any other.
                self.backslash = false;
            }
            self.begin_statement(at);
        }
        self.statement.word(word);
        if self.statement.phase == Phase::Set && self.set_at.is_none() {
            self.set_at = Some(at);
        }
        run.at = end;
        Ok(())
    }

    fn new_delimiter(&mut self, run: &mut Run, end: usize) -> Result<(), More> {
        let rest = &run.block[end..];
        let length = match memchr::memchr(b'\n', rest) {
            Some(length) => length,
            None if run.last || rest.len() > LONGEST_WORD => rest.len(),
            None => return Err(More),
        };
        let word = rest[..length].trim_ascii();
        if !word.is_empty() {
            self.delimiter = word.to_vec();
            self.stops = stops(&self.delimiter);
        }
        run.at = end + length;
        Ok(())
    }

    fn end_statement(&mut self, run: &mut Run) {
        let end = run.at;
        if self.statement.phase == Phase::Set {
            let start = self.set_at.take().unwrap_or(0);
            if let Some(backslash) = backslash_after_set(&run.block[start..end]) {
                self.backslash = backslash;
            }
        }
        self.report_code(run, end);
        self.statement.phase = Phase::Start;
        self.statement_at = None;
        self.begun = false;
        self.set_at = None;
        run.at = end + self.delimiter.len();
    }

    pub(super) fn push(&mut self, run: &mut Run, start: usize, end: usize, kind: ItemKind) {
        let line = self.mark_statement_line(run.block);
        run.found.items.push(Item { start, end, kind, table: self.statement.table.clone(), line });
    }

    /// Candidates up to here that were in no string of a row and in no comment.
    pub(super) fn report_code(&mut self, run: &mut Run, end: usize) {
        while let Some(&at) = run.candidates.get(run.next).filter(|at| **at < end) {
            run.next += 1;
            if self.statement.phase != Phase::Rows {
                self.push(run, at, at, ItemKind::Code);
            }
        }
    }
}
