//! The lexer of dumps. It reads a block from its first byte and stops at the last place where the next block can go on.
//!
//! Nearly all bytes of a dump lie in strings, so the lexer jumps from quote to escape to quote and looks at single bytes
//! only between them.

use std::sync::Arc;

use crate::finder::Finder;

use super::run::{Found, Item, ItemKind, More, Run};
use super::statement::{Phase, Statement, backslash_after_set};
use super::string::{end_of_string, is_word, tail_to_keep};

/// What a block may begin in the midst of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Code,
    /// `/* … */`
    Comment,
    /// `-- …` up to the end of the line.
    Line,
    /// A string that is too long to be held: passed on as it is.
    Endless(u8),
}

pub(super) struct Lexer {
    within: Within,
    statement: Statement,
    /// Where the statement starts: in this block, or on this line before it.
    statement_at: Option<usize>,
    /// Whether a statement has begun, in this block or before.
    begun: bool,
    /// Where in this block a `SET` stands that has not ended.
    set_at: Option<usize>,
    statement_line: u64,
    backslash: bool,
    delimiter: Vec<u8>,
    /// Bytes between strings at which something may begin.
    stops: [bool; 256],
    /// The line on which the block begins, and the place up to which its lines are counted.
    line: u64,
    counted: usize,
    /// The last byte of the block before.
    last_byte: u8,
    /// Blocks are cut where this much is in hand, even inside a string.
    longest: usize,
    pub promised: bool,
    pub completed: bool,
    /// Strings that were too long.
    pub endless: Vec<(Option<Arc<str>>, u64)>,
    shortest_needle: usize,
}

/// A `SET` that is longer than this says nothing about backslashes.
const LONGEST_SET: usize = 65536;

/// A word that is longer than this is none.
const LONGEST_WORD: usize = 4096;

impl Lexer {
    pub fn new(finder: &Finder, longest: usize) -> Self {
        let mut lexer = Self {
            within: Within::Code,
            statement: Statement::new(),
            statement_at: None,
            begun: false,
            set_at: None,
            statement_line: 1,
            backslash: true,
            delimiter: b";".to_vec(),
            stops: [false; 256],
            line: 1,
            counted: 0,
            last_byte: b'\n',
            longest,
            promised: false,
            completed: false,
            endless: Vec::new(),
            shortest_needle: finder.shortest(),
        };
        lexer.set_stops();
        lexer
    }

    /// The statement that the end of the dump cuts off, by its line.
    pub fn unfinished(&self) -> Option<u64> {
        let open = self.statement.phase != Phase::Start
            || matches!(self.within, Within::Comment | Within::Endless(_));
        open.then_some(self.statement_line)
    }

    fn set_stops(&mut self) {
        self.stops = [false; 256];
        for byte in b"'\"`-#/xX" {
            self.stops[usize::from(*byte)] = true;
        }
        self.stops[usize::from(self.delimiter[0])] = true;
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
    fn mark_statement_line(&mut self, block: &[u8]) -> u64 {
        if let Some(at) = self.statement_at.take() {
            self.statement_line = self.line_at(block, at);
        }
        self.statement_line
    }

    fn begin_statement(&mut self, at: usize) {
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
            let Some(stop) = rest.iter().position(|byte| self.stops[usize::from(*byte)]) else {
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
            self.set_stops();
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

    fn open_comment(&mut self, run: &mut Run) -> Result<(), More> {
        let rest = &run.block[run.at..];
        if rest.len() < 16 && !run.last {
            return Err(More);
        }
        // `/*!50100 code */` and `/*M!100100 code */` are code for the server that the number speaks of. What begins with
        // a backslash speaks to the client: the sandbox line.
        let mark = match rest {
            [_, _, b'!', ..] => Some(3),
            [_, _, b'M', b'!', ..] => Some(4),
            _ => None,
        };
        if let Some(mark) = mark {
            let digits = rest[mark..].iter().take(6).take_while(|b| b.is_ascii_digit()).count();
            if rest.get(mark + digits) != Some(&b'\\') {
                self.begin_statement(run.at);
                run.at += mark + digits;
                return Ok(());
            }
        }
        self.report_code(run, run.at);
        run.at += 2;
        self.within = Within::Comment;
        self.comment(run)
    }

    fn comment(&mut self, run: &mut Run) -> Result<(), More> {
        let rest = &run.block[run.at..];
        let end = memchr::memmem::find(rest, b"*/").map(|stop| run.at + stop + 2);
        if end.is_some() {
            self.within = Within::Code;
        }
        // The star of an end that is cut in two stays for the next block.
        let cut = run.block.len() - usize::from(!run.last && rest.ends_with(b"*"));
        run.at = end.unwrap_or(cut);
        run.skip_candidates();
        if end.is_none() && cut < run.block.len() { Err(More) } else { Ok(()) }
    }

    fn line_comment(&mut self, run: &mut Run) -> Result<(), More> {
        if self.within == Within::Code {
            self.report_code(run, run.at);
        }
        let rest = &run.block[run.at..];
        let end = memchr::memchr(b'\n', rest);
        if end.is_none() && !run.last && rest.len() < 4096 {
            return Err(More);
        }
        let text = &rest[..end.unwrap_or(rest.len())];
        if self.within == Within::Code {
            if text.starts_with(b"-- MySQL dump ") || text.starts_with(b"-- MariaDB dump ") {
                (self.promised, self.completed) = (true, false);
            } else if text.starts_with(b"-- Dump completed") {
                self.completed = true;
            }
        }
        self.within = if end.is_some() { Within::Code } else { Within::Line };
        run.at += end.unwrap_or(rest.len());
        if run.last {
            self.within = Within::Code;
        }
        run.skip_candidates();
        Ok(())
    }

    fn quoted_name(&mut self, run: &mut Run, quote: u8) -> Result<(), More> {
        let start = run.at + 1;
        let Some(end) = end_of_string(&run.block[start..], quote, false, run.last) else {
            return self.too_long(run, quote, start);
        };
        self.begin_statement(run.at);
        self.statement.name(&run.block[start..start + end]);
        run.at = start + end + 1;
        Ok(())
    }

    fn string(&mut self, run: &mut Run, quote: u8) -> Result<(), More> {
        let start = run.at + 1;
        let Some(length) = end_of_string(&run.block[start..], quote, self.backslash, run.last) else {
            return self.too_long(run, quote, start);
        };
        let end = start + length;
        if self.statement.phase == Phase::Rows {
            run.found.values += 1;
            let at = run.at;
            let hex = at > 0 && matches!(run.before(at), b'x' | b'X') && !is_word(run.before(at - 1));
            if hex {
                self.hex_item(run, start, end);
            } else if run.has_candidate(start, end) {
                let kind = ItemKind::Text { quote, backslash: self.backslash };
                self.push(run, start, end, kind);
            }
            run.next_at(end);
        } else {
            self.begin_statement(run.at);
            if self.statement.phase == Phase::Start {
                self.statement.phase = Phase::Other;
            }
        }
        run.at = end + 1;
        Ok(())
    }

    /// A string has no end in this block: wait for more of it, or let it through when it is too long to be held.
    fn too_long(&mut self, run: &mut Run, quote: u8, start: usize) -> Result<(), More> {
        if run.block.len() - run.at < self.longest || run.last {
            // The letter before the quote says what kind of string it is.
            run.at -= usize::from(run.at > 0 && matches!(run.block[run.at - 1], b'x' | b'X'));
            return Err(More);
        }
        let line = self.mark_statement_line(run.block);
        self.endless.push((self.statement.table.clone(), line));
        self.within = Within::Endless(quote);
        run.at = start;
        Ok(())
    }

    fn endless(&mut self, run: &mut Run, quote: u8) -> Result<(), More> {
        let rest = &run.block[run.at..];
        if let Some(end) = end_of_string(rest, quote, self.backslash, run.last) {
            run.at += end + 1;
            self.within = Within::Code;
            run.skip_candidates();
            return Ok(());
        }
        // What is cut off must not hide the escape before it.
        let keep = if run.last { 0 } else { tail_to_keep(rest, quote, self.backslash) };
        run.at = run.block.len() - keep;
        run.skip_candidates();
        if keep > 0 { Err(More) } else { Ok(()) }
    }

    /// `0x…` between strings.
    fn hex(&mut self, run: &mut Run) -> Result<(), More> {
        let at = run.at;
        run.at += 1;
        let zero = at > 0 && run.before(at) == b'0' && !is_word(run.before(at - 1));
        if !zero {
            if run.at == run.block.len() && !run.last {
                run.at = at;
                return Err(More);
            }
            return Ok(());
        }
        let start = at + 1;
        let length = run.block[start..].iter().take_while(|b| b.is_ascii_hexdigit()).count();
        let end = start + length;
        let cut = end == run.block.len() && !run.last;
        if cut && length < self.longest {
            run.at = at - 1;
            return Err(More);
        }
        run.found.values += 1;
        if cut {
            let line = self.mark_statement_line(run.block);
            self.endless.push((self.statement.table.clone(), line));
        } else {
            self.hex_item(run, start, end);
        }
        run.at = end;
        run.next_at(end);
        Ok(())
    }

    fn hex_item(&mut self, run: &mut Run, start: usize, end: usize) {
        if end - start >= self.shortest_needle * 2 {
            self.push(run, start, end, ItemKind::Hex);
        }
    }

    fn push(&mut self, run: &mut Run, start: usize, end: usize, kind: ItemKind) {
        let line = self.mark_statement_line(run.block);
        run.found.items.push(Item { start, end, kind, table: self.statement.table.clone(), line });
    }

    /// Candidates up to here that were in no string of a row and in no comment.
    fn report_code(&mut self, run: &mut Run, end: usize) {
        while let Some(&at) = run.candidates.get(run.next).filter(|at| **at < end) {
            run.next += 1;
            if self.statement.phase != Phase::Rows {
                self.push(run, at, at, ItemKind::Code);
            }
        }
    }
}
