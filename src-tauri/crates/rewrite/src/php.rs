//! The format of PHP's `serialize`, read byte by byte: `N b i d s S a O C E R r`.
//!
//! The reader gives one token after the other and keeps open arrays on a stack of its own, so depth costs memory and never
//! the thread's stack. Nothing is built from what it reads.

use std::ops::Range;

/// PHP itself refuses deeper values (`unserialize_max_depth`).
const DEEPEST: usize = 4096;

/// Not serialized data, at least not from here on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken;

/// A piece of serialized data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub what: What,
    pub start: usize,
    pub end: usize,
    /// Which array or object of the value it is in, in the order of their opening; 0 is none.
    pub owner: u32,
    /// Whether it is a key of that array or a property's name.
    pub key: bool,
}

impl Token {
    /// Whether it holds bytes that may change.
    pub fn has_strings(&self) -> bool {
        matches!(self.what, What::Text(_) | What::Custom { .. })
    }

    /// Where the length of its bytes stands.
    pub fn digits(&self) -> Range<usize> {
        match &self.what {
            What::Text(Text { digits, .. }) | What::Custom { digits, .. } => digits.clone(),
            _ => self.start..self.start,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// `N b i d R r E`: copied as it is.
    Plain,
    /// The head of an array or object up to `{`.
    Open,
    /// `}`.
    Close,
    /// `s` or `S`.
    Text(Text),
    /// `C`: a class, and a body in a format of the class.
    Custom { class: Range<usize>, digits: Range<usize>, body: Range<usize> },
}

/// A string, with its length and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    pub digits: Range<usize>,
    pub body: Range<usize>,
    /// `S`: bytes may stand as `\xx`.
    pub escaped: bool,
}

struct Frame {
    left: usize,
    id: u32,
    key_next: bool,
}

/// Reads one value, token by token.
pub(crate) struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    stack: Vec<Frame>,
    opened: u32,
    done: bool,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a [u8], at: usize) -> Self {
        Self { text, at, stack: Vec::new(), opened: 0, done: false }
    }

    /// The end of what was read.
    pub fn place(&self) -> usize {
        self.at
    }

    /// The next token; `Ok(None)` when the value is complete.
    pub fn next(&mut self) -> Result<Option<Token>, Broken> {
        if self.done {
            return Ok(None);
        }
        let start = self.at;
        let (owner, key, left) = match self.stack.last() {
            Some(frame) => (frame.id, frame.key_next, frame.left),
            None => (0, false, 1),
        };
        if left == 0 && !key {
            self.expect(b'}')?;
            self.stack.pop();
            self.close_value();
            return Ok(Some(Token { what: What::Close, start, end: self.at, owner, key: false }));
        }
        let what = self.piece(key)?;
        match (&what, key) {
            (What::Open, _) => {}
            (_, true) => {
                if let Some(frame) = self.stack.last_mut() {
                    frame.key_next = false;
                }
            }
            (_, false) => self.close_value(),
        }
        Ok(Some(Token { what, start, end: self.at, owner, key }))
    }

    /// A value has ended: its array expects one less, and a key again if there is more.
    fn close_value(&mut self) {
        match self.stack.last_mut() {
            Some(frame) => {
                frame.left -= 1;
                frame.key_next = frame.left > 0;
            }
            None => self.done = true,
        }
    }

    fn piece(&mut self, key: bool) -> Result<What, Broken> {
        let letter = self.byte()?;
        if key && !matches!(letter, b'i' | b's' | b'S') {
            return Err(Broken);
        }
        if letter == b'N' {
            self.expect(b';')?;
            return Ok(What::Plain);
        }
        self.expect(b':')?;
        match letter {
            b'b' => {
                if !matches!(self.byte()?, b'0' | b'1') {
                    return Err(Broken);
                }
                self.expect(b';')?;
                Ok(What::Plain)
            }
            b'i' => {
                if matches!(self.peek(), Some(b'-' | b'+')) {
                    self.at += 1;
                }
                self.digits()?;
                self.expect(b';')?;
                Ok(What::Plain)
            }
            b'd' => self.float(),
            b'R' | b'r' => {
                self.digits()?;
                self.expect(b';')?;
                Ok(What::Plain)
            }
            b's' => {
                let (digits, body) = self.counted()?;
                self.expect(b';')?;
                Ok(What::Text(Text { digits, body, escaped: false }))
            }
            b'S' => self.escaped_text(),
            b'a' => {
                let digits = self.digits()?;
                self.expect(b':')?;
                self.open(&digits)
            }
            b'O' => {
                self.counted()?;
                self.expect(b':')?;
                let digits = self.digits()?;
                self.expect(b':')?;
                self.open(&digits)
            }
            b'E' => {
                self.counted()?;
                self.expect(b';')?;
                Ok(What::Plain)
            }
            b'C' => {
                let (_, class) = self.counted()?;
                self.expect(b':')?;
                let digits = self.digits()?;
                self.expect(b':')?;
                self.expect(b'{')?;
                let body = self.take(self.number(&digits)?)?;
                self.expect(b'}')?;
                Ok(What::Custom { class, digits, body })
            }
            _ => Err(Broken),
        }
    }

    fn open(&mut self, digits: &Range<usize>) -> Result<What, Broken> {
        self.expect(b'{')?;
        let left = self.number(digits)?;
        // Each entry takes some bytes, so a count beyond that is no count.
        if left > self.text.len() - self.at || self.stack.len() >= DEEPEST {
            return Err(Broken);
        }
        self.opened += 1;
        self.stack.push(Frame { left, id: self.opened, key_next: left > 0 });
        Ok(What::Open)
    }

    fn float(&mut self) -> Result<What, Broken> {
        let rest = &self.text[self.at..];
        let length = memchr::memchr(b';', &rest[..rest.len().min(400)]).ok_or(Broken)?;
        let number = &rest[..length];
        let plain = matches!(number, b"NAN" | b"INF" | b"-INF")
            || (number.iter().any(u8::is_ascii_digit)
                && number.iter().all(|b| b.is_ascii_digit() || b"+-.eE".contains(b)));
        if !plain {
            return Err(Broken);
        }
        self.at += length + 1;
        Ok(What::Plain)
    }

    /// `5:"bytes"`: the places of the length and of the bytes.
    fn counted(&mut self) -> Result<(Range<usize>, Range<usize>), Broken> {
        let digits = self.digits()?;
        self.expect(b':')?;
        self.expect(b'"')?;
        let body = self.take(self.number(&digits)?)?;
        self.expect(b'"')?;
        Ok((digits, body))
    }

    fn escaped_text(&mut self) -> Result<What, Broken> {
        let digits = self.digits()?;
        self.expect(b':')?;
        self.expect(b'"')?;
        let start = self.at;
        for _ in 0..self.number(&digits)? {
            if self.byte()? == b'\\' {
                let hex = self.take(2)?;
                if !self.text[hex].iter().all(u8::is_ascii_hexdigit) {
                    return Err(Broken);
                }
            }
        }
        let body = start..self.at;
        self.expect(b'"')?;
        self.expect(b';')?;
        Ok(What::Text(Text { digits, body, escaped: true }))
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn byte(&mut self) -> Result<u8, Broken> {
        let byte = self.peek().ok_or(Broken)?;
        self.at += 1;
        Ok(byte)
    }

    fn expect(&mut self, wanted: u8) -> Result<(), Broken> {
        if self.byte()? == wanted { Ok(()) } else { Err(Broken) }
    }

    fn take(&mut self, length: usize) -> Result<Range<usize>, Broken> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.text.len()).ok_or(Broken)?;
        let range = self.at..end;
        self.at = end;
        Ok(range)
    }

    fn digits(&mut self) -> Result<Range<usize>, Broken> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(Broken) } else { Ok(start..self.at) }
    }

    fn number(&self, digits: &Range<usize>) -> Result<usize, Broken> {
        let mut value: usize = 0;
        for digit in &self.text[digits.clone()] {
            value =
                value.checked_mul(10).and_then(|v| v.checked_add(usize::from(digit - b'0'))).ok_or(Broken)?;
        }
        Ok(value)
    }
}

/// Where the value that starts at `at` ends; the error is how far it could be read.
pub(crate) fn end_of(text: &[u8], at: usize) -> Result<usize, usize> {
    let mut reader = Reader::new(text, at);
    loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(reader.place()),
            Err(Broken) => return Err(reader.place()),
        }
    }
}

/// Whether the whole text is one value.
pub(crate) fn is_whole(text: &[u8]) -> bool {
    end_of(text, 0) == Ok(text.len())
}

/// Whether a text begins like serialized data that can hold an address.
pub(crate) fn begins_like(text: &[u8]) -> bool {
    matches!(text, [b'a' | b'O' | b'C' | b's' | b'S' | b'E', b':', digit, ..] if digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_the_format_is_read() {
        for good in [
            "N;",
            "b:1;",
            "i:-7;",
            "d:0.10000000000000001;",
            "d:-INF;",
            "d:1.0E+25;",
            "s:0:\"\";",
            "s:4:\"a\";b\";",
            "S:3:\"a\\62c\";",
            "a:0:{}",
            "a:2:{i:0;s:1:\"a\";s:1:\"k\";a:1:{i:5;N;}}",
            "O:8:\"stdClass\":1:{s:4:\"\0*\0p\";R:1;}",
            "O:3:\"Foo\":1:{s:6:\"\0Foo\0x\";r:1;}",
            "E:11:\"Suit:Hearts\";",
            "C:11:\"ArrayObject\":21:{x:i:0;a:0:{};m:a:0:{}}",
        ] {
            assert_eq!(end_of(good.as_bytes(), 0), Ok(good.len()), "{good}");
        }
    }

    #[test]
    fn what_php_refuses_is_refused() {
        for bad in [
            "",
            "N",
            "b:2;",
            "i:;",
            "i:1",
            "d:x;",
            "s:5:\"abc\";",
            "s:2:\"abc\";",
            "s:3:\"abc\"",
            "a:1:{}",
            "a:0:{i:0;N;}",
            "a:1:{N;N;}",
            "a:1:{i:0;N;",
            "O:8:\"stdClass\":0:{",
            "O:9:\"stdClass\":0:{}",
            "x:1;",
            "a:-1:{}",
            "s:99999999999999999999:\"a\";",
            "a:1:{a:0:{}i:1;}",
            "E:4:\"Suit\":0:{}",
            "O:1:\"A\";",
        ] {
            assert!(end_of(bad.as_bytes(), 0).is_err(), "{bad}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = |n: usize| format!("{}N;{}", "a:1:{i:0;".repeat(n), "}".repeat(n));
        assert!(end_of(deep(4000).as_bytes(), 0).is_ok());
        assert!(end_of(deep(100_000).as_bytes(), 0).is_err());
    }
}
