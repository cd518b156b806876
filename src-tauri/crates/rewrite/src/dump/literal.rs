//! Names, strings and hex numbers: where each ends, and whether it is a value to look at.

use super::lexer::{Lexer, Within};
use super::run::{ItemKind, More, Run};
use super::statement::Phase;
use super::string::{end_of_string, is_word, tail_to_keep};

impl Lexer {
    pub(super) fn quoted_name(&mut self, run: &mut Run, quote: u8) -> Result<(), More> {
        let start = run.at + 1;
        let Some(end) = end_of_string(&run.block[start..], quote, false, run.last) else {
            return self.too_long(run, quote, start);
        };
        self.begin_statement(run.at);
        self.statement.name(&run.block[start..start + end]);
        run.at = start + end + 1;
        Ok(())
    }

    pub(super) fn string(&mut self, run: &mut Run, quote: u8) -> Result<(), More> {
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

    pub(super) fn endless(&mut self, run: &mut Run, quote: u8) -> Result<(), More> {
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
    pub(super) fn hex(&mut self, run: &mut Run) -> Result<(), More> {
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
}
