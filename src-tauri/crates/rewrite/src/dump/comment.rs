//! Comments of a dump, which hold no values, and hints, which are code.

use super::lexer::{Lexer, Within};
use super::run::{More, Run};

impl Lexer {
    pub(super) fn open_comment(&mut self, run: &mut Run) -> Result<(), More> {
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

    pub(super) fn comment(&mut self, run: &mut Run) -> Result<(), More> {
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

    pub(super) fn line_comment(&mut self, run: &mut Run) -> Result<(), More> {
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
}
