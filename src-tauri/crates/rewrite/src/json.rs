//! JSON, read without building anything: whether it is valid, and where its strings are.

use std::collections::HashSet;
use std::ops::Range;

/// Deeper documents are treated as text.
const DEEPEST: usize = 4096;

/// Not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken;

/// A piece of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub start: usize,
    pub end: usize,
    pub what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A number, a word, a bracket, a comma or a colon.
    Plain,
    /// A string; its place includes the quotes. `owner` numbers the object it is a key of; 0 is no key.
    Text { owner: u32 },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    /// A value, or the end of an array that has just begun.
    ValueOrEnd,
    /// A key, or the end of an object that has just begun.
    KeyOrEnd,
    Key,
    Colon,
    CommaOrEnd,
    Nothing,
}

/// Reads one document, token by token.
pub(crate) struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// The number of the object, or 0 for an array.
    stack: Vec<u32>,
    opened: u32,
    expect: Expect,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, stack: Vec::new(), opened: 0, expect: Expect::Value }
    }

    /// The next token; `Ok(None)` when the document is complete and nothing but space follows.
    pub fn next(&mut self) -> Result<Option<Token>, Broken> {
        while self.peek().is_some_and(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        let start = self.at;
        let Some(byte) = self.peek() else {
            return if self.expect == Expect::Nothing { Ok(None) } else { Err(Broken) };
        };
        let owner = self.stack.last().copied().unwrap_or(0);
        let mut what = What::Plain;
        match (self.expect, byte) {
            (Expect::Value | Expect::ValueOrEnd, b'{' | b'[') => {
                if self.stack.len() >= DEEPEST {
                    return Err(Broken);
                }
                self.at += 1;
                self.opened += 1;
                self.stack.push(if byte == b'{' { self.opened } else { 0 });
                self.expect = if byte == b'{' { Expect::KeyOrEnd } else { Expect::ValueOrEnd };
            }
            (Expect::Value | Expect::ValueOrEnd, b'"') => {
                self.string()?;
                what = What::Text { owner: 0 };
                self.end_value();
            }
            (Expect::KeyOrEnd | Expect::Key, b'"') => {
                self.string()?;
                what = What::Text { owner };
                self.expect = Expect::Colon;
            }
            (Expect::Colon, b':') => {
                self.at += 1;
                self.expect = Expect::Value;
            }
            (Expect::CommaOrEnd, b',') => {
                self.at += 1;
                self.expect = if owner == 0 { Expect::Value } else { Expect::Key };
            }
            (Expect::CommaOrEnd | Expect::KeyOrEnd, b'}') if owner != 0 => self.close(),
            (Expect::CommaOrEnd | Expect::ValueOrEnd, b']') if owner == 0 => self.close(),
            (Expect::Value | Expect::ValueOrEnd, _) => {
                self.scalar()?;
                self.end_value();
            }
            _ => return Err(Broken),
        }
        Ok(Some(Token { start, end: self.at, what }))
    }

    fn close(&mut self) {
        self.at += 1;
        self.stack.pop();
        self.end_value();
    }

    fn end_value(&mut self) {
        self.expect = if self.stack.is_empty() { Expect::Nothing } else { Expect::CommaOrEnd };
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn string(&mut self) -> Result<(), Broken> {
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let stop = memchr::memchr2(b'"', b'\\', rest).ok_or(Broken)?;
            if rest[..stop].iter().any(|b| *b < 0x20) {
                return Err(Broken);
            }
            self.at += stop + 1;
            if rest[stop] == b'"' {
                return Ok(());
            }
            match self.peek() {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
                Some(b'u') => {
                    let digits = self.text.get(self.at + 1..self.at + 5).ok_or(Broken)?;
                    if !digits.iter().all(u8::is_ascii_hexdigit) {
                        return Err(Broken);
                    }
                    self.at += 5;
                }
                _ => return Err(Broken),
            }
        }
    }

    fn scalar(&mut self) -> Result<(), Broken> {
        let rest = &self.text[self.at..];
        for word in [&b"true"[..], b"false", b"null"] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(());
            }
        }
        let digits = |from: usize| rest[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let mut length = usize::from(rest.starts_with(b"-"));
        let whole = digits(length);
        if whole == 0 || (whole > 1 && rest[length] == b'0') {
            return Err(Broken);
        }
        length += whole;
        if rest.get(length) == Some(&b'.') {
            let fraction = digits(length + 1);
            if fraction == 0 {
                return Err(Broken);
            }
            length += 1 + fraction;
        }
        if matches!(rest.get(length), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(rest.get(length + 1), Some(b'+' | b'-')));
            let exponent = digits(length + 1 + sign);
            if exponent == 0 {
                return Err(Broken);
            }
            length += 1 + sign + exponent;
        }
        self.at += length;
        Ok(())
    }
}

/// Whether a text begins like JSON that can hold an address.
pub(crate) fn begins_like(text: &[u8]) -> bool {
    let first = text.iter().find(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r'));
    matches!(first, Some(b'{' | b'[' | b'"'))
}

/// Whether the whole text is one document.
pub(crate) fn is_whole(text: &[u8]) -> bool {
    let mut reader = Reader::new(text);
    loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(Broken) => return false,
        }
    }
}

/// The law: the new document is valid, and it is the old one in everything but its strings.
pub(crate) fn same_but_for_strings(old: &[u8], new: &[u8]) -> bool {
    let (mut a, mut b) = (Reader::new(old), Reader::new(new));
    loop {
        let (Ok(left), Ok(right)) = (a.next(), b.next()) else { return false };
        let (left, right) = match (left, right) {
            (Some(left), Some(right)) => (left, right),
            (None, None) => return true,
            _ => return false,
        };
        let same = left.what == right.what
            && (left.what != What::Plain || old[left.start..left.end] == new[right.start..right.end]);
        if !same {
            return false;
        }
    }
}

/// Whether the document writes `/` as `\/`. Where no slash tells, PHP's own habit is the best guess.
pub(crate) fn escapes_slashes(text: &[u8]) -> bool {
    memchr::memchr(b'/', text).is_none_or(|at| crate::letter::backslashes_before(text, at) % 2 == 1)
}

/// Whether one of these objects has two equal keys.
pub(crate) fn has_equal_keys(text: &[u8], owners: &HashSet<u32>) -> bool {
    let mut reader = Reader::new(text);
    let mut seen: HashSet<(u32, &[u8])> = HashSet::new();
    while let Ok(Some(token)) = reader.next() {
        if let What::Text { owner } = token.what
            && owners.contains(&owner)
            && !seen.insert((owner, &text[token.start..token.end]))
        {
            return true;
        }
    }
    false
}

/// The inside of a string token.
pub(crate) fn inside(token: &Token) -> Range<usize> {
    token.start + 1..token.end - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid(text: &str) -> bool {
        is_whole(text.as_bytes())
    }

    #[test]
    fn json_is_told_from_what_is_not() {
        for good in [
            "{}",
            "[]",
            " [1, -2.5e+3, true,null , \"a\\u00e4\\/\"] ",
            "{\"a\":{\"b\":[{}]},\"c\":0}",
            "\"x\"",
            "[[],{}]",
            "{\"\":1.0,\"a\":12345678901234567890}",
        ] {
            assert!(valid(good), "{good}");
        }
        for bad in [
            "",
            "{",
            "}",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "{a:1}",
            "[1] x",
            "[01]",
            "[1.]",
            "[.5]",
            "\"a\nb\"",
            "\"a\\x\"",
            "[1}",
            "{\"a\":1]",
            "['a']",
            "[1 2]",
            "[--1]",
            "{\"a\":}",
        ] {
            assert!(!valid(bad), "{bad}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(valid(&deep(4000)));
        assert!(!valid(&deep(100_000)));
    }
}
