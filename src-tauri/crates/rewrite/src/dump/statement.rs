//! The head of a statement, word by word: whether rows follow, and of which table.

use std::sync::Arc;

/// How far into a statement the lexer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Between statements.
    Start,
    /// Behind `INSERT` or `REPLACE`, before the name of the table.
    Into,
    /// Behind the name of the table.
    Columns,
    /// In the rows, where strings are values.
    Rows,
    /// `SET`, which may change how strings are escaped.
    Set,
    /// Any other statement.
    Other,
}

#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub phase: Phase,
    pub table: Option<Arc<str>>,
    /// After `db.` the table comes.
    pub dotted: bool,
}

/// Words between `INSERT` and the name of the table.
const MODIFIERS: [&[u8]; 7] =
    [b"into", b"ignore", b"low_priority", b"high_priority", b"delayed", b"or", b"overwrite"];

impl Statement {
    pub fn new() -> Self {
        Self { phase: Phase::Start, table: None, dotted: false }
    }

    /// Goes on by one word that is not quoted.
    pub fn word(&mut self, word: &[u8]) {
        let is = |names: &[&[u8]]| names.iter().any(|name| word.eq_ignore_ascii_case(name));
        match self.phase {
            Phase::Start => {
                self.table = None;
                self.dotted = false;
                self.phase = if is(&[b"insert", b"replace"]) {
                    Phase::Into
                } else if is(&[b"set"]) {
                    Phase::Set
                } else {
                    Phase::Other
                };
            }
            Phase::Into if !is(&MODIFIERS) => self.name(word),
            Phase::Columns if self.dotted => self.name(word),
            Phase::Columns if is(&[b"values", b"value", b"set", b"select"]) => self.phase = Phase::Rows,
            _ => {}
        }
    }

    /// Goes on by a quoted name.
    pub fn name(&mut self, name: &[u8]) {
        match self.phase {
            Phase::Start => self.phase = Phase::Other,
            Phase::Into => {
                self.table = Some(String::from_utf8_lossy(name).into());
                self.phase = Phase::Columns;
            }
            Phase::Columns if self.dotted => {
                self.table = Some(String::from_utf8_lossy(name).into());
                self.dotted = false;
            }
            _ => {}
        }
    }
}

/// What a `SET` statement says about backslashes in strings, if it speaks of the mode at all.
pub(super) fn backslash_after_set(statement: &[u8]) -> Option<bool> {
    let lower = statement.to_ascii_lowercase();
    memchr::memmem::find(&lower, b"sql_mode")?;
    Some(memchr::memmem::find(&lower, b"no_backslash_escapes").is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(words: &[&str]) -> Statement {
        let mut statement = Statement::new();
        for word in words {
            match word.strip_prefix('`') {
                Some(name) => statement.name(name.as_bytes()),
                None if *word == "." => statement.dotted = true,
                None => statement.word(word.as_bytes()),
            }
        }
        statement
    }

    #[test]
    fn rows_begin_behind_values_or_set() {
        for words in [
            &["INSERT", "INTO", "`wp_posts", "VALUES"][..],
            &["insert", "ignore", "wp_posts", "value"],
            &["REPLACE", "INTO", "`db", ".", "`wp_posts", "SET"],
            &["INSERT", "INTO", "`wp_posts", "`a", "`b", "VALUES"],
        ] {
            let statement = after(words);
            assert_eq!(statement.phase, Phase::Rows, "{words:?}");
            assert_eq!(statement.table.as_deref(), Some("wp_posts"), "{words:?}");
        }
        assert_eq!(after(&["CREATE", "TABLE", "`x", "VALUES"]).phase, Phase::Other);
    }

    #[test]
    fn the_mode_of_backslashes_is_read() {
        assert_eq!(backslash_after_set(b"SET sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES'"), Some(false));
        assert_eq!(
            backslash_after_set(b"SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO'"),
            Some(true)
        );
        assert_eq!(backslash_after_set(b"SET NAMES utf8mb4"), None);
    }
}
