//! Hosts some of whose letters are escaped: `\u006fld.example.com`, and `\6fld.example.com` in PHP's `S:` strings.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::letter::{self, hex_byte};

/// How letters are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// `\u006f`
    Unicode,
    /// `\6f`
    PhpHex,
}

/// A host to look for.
#[derive(Debug)]
pub(super) struct Spelled {
    needle: usize,
    name: Vec<u8>,
    escape: Escape,
}

/// A letter that was read, and where it ends (or starts, when read backwards).
struct Read {
    byte: u8,
    place: usize,
}

impl Spelled {
    pub fn new(needle: usize, name: &str, escape: Escape) -> Self {
        Self { needle, name: name.as_bytes().to_ascii_lowercase(), escape }
    }

    /// The places of all occurrences that hold this escaped letter.
    fn around(&self, text: &[u8], start: usize, read: &Read) -> Option<(usize, usize)> {
        let byte = read.byte.to_ascii_lowercase();
        (0..self.name.len()).filter(|place| self.name[*place] == byte).find_map(|place| {
            let end = self.name[place + 1..].iter().try_fold(read.place, |at, wanted| {
                self.after(text, at).filter(|read| read.byte.eq_ignore_ascii_case(wanted)).map(|r| r.place)
            })?;
            let start = self.name[..place].iter().rev().try_fold(start, |at, wanted| {
                self.before(text, at).filter(|read| read.byte.eq_ignore_ascii_case(wanted)).map(|r| r.place)
            })?;
            Some((start, end))
        })
    }

    /// Looks around the escape whose last backslash is at a place. False if `found` has seen enough.
    fn look(&self, text: &[u8], at: usize, found: &mut impl FnMut(usize, usize, usize) -> bool) -> bool {
        // Of a run of backslashes only the last leads to a letter.
        let Some(read) = self.after(text, at).filter(|_| text.get(at + 1) != Some(&b'\\')) else {
            return true;
        };
        let start = at - letter::backslashes_before(text, at);
        self.around(text, start, &read).is_none_or(|(start, end)| found(self.needle, start, end))
    }

    fn after(&self, text: &[u8], at: usize) -> Option<Read> {
        let byte = *text.get(at)?;
        match self.escape {
            _ if byte != b'\\' => Some(Read { byte, place: at + 1 }),
            Escape::Unicode => {
                let letter = letter::after(text, at).filter(|letter| letter.how == letter::How::Unicode)?;
                Some(Read { byte: u8::try_from(letter.ch).ok()?, place: letter.end })
            }
            Escape::PhpHex => {
                let digits = at + text[at..].iter().take_while(|b| **b == b'\\').count();
                Some(Read { byte: hex_byte(text.get(digits..digits + 2)?)?, place: digits + 2 })
            }
        }
    }

    fn before(&self, text: &[u8], at: usize) -> Option<Read> {
        let byte = *text.get(at.checked_sub(1)?)?;
        let escaped = match self.escape {
            Escape::Unicode => letter::before(text, at)
                .filter(|letter| letter.how == letter::How::Unicode)
                .and_then(|letter| Some((u8::try_from(letter.ch).ok()?, letter.start))),
            Escape::PhpHex => at
                .checked_sub(3)
                .filter(|mark| text[*mark] == b'\\')
                .and_then(|mark| Some((hex_byte(&text[mark + 1..at])?, mark)))
                .map(|(byte, mark)| (byte, mark - letter::backslashes_before(text, mark))),
        };
        Some(escaped.map_or(Read { byte, place: at - 1 }, |(byte, place)| Read { byte, place }))
    }
}

/// The two beginnings of escapes, ready to be searched for.
static UNICODE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\\u00"));
static STRING: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"S:"));

/// Calls `found` with each host that has an escaped letter, until it says false. A host may come more than once.
pub(super) fn each(all: &[Spelled], text: &[u8], mut found: impl FnMut(usize, usize, usize) -> bool) {
    for spelled in all.iter().filter(|spelled| spelled.escape == Escape::Unicode) {
        for at in UNICODE.find_iter(text) {
            if !spelled.look(text, at, &mut found) {
                return;
            }
        }
    }
    if !has_escaped_string(text) {
        return;
    }
    for spelled in all.iter().filter(|spelled| spelled.escape == Escape::PhpHex) {
        for at in memchr::memchr_iter(b'\\', text) {
            if !spelled.look(text, at, &mut found) {
                return;
            }
        }
    }
}

/// Whether there is anything like `S:5:"`, however its quote is escaped.
fn has_escaped_string(text: &[u8]) -> bool {
    STRING.find_iter(text).any(|at| {
        let rest = &text[at + 2..];
        let digits = rest.iter().take(12).take_while(|b| b.is_ascii_digit()).count();
        let rest = &rest[digits..];
        digits > 0 && rest.first() == Some(&b':') && matches!(rest.get(1), Some(b'"' | b'\\' | b'&'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<(usize, usize, usize)> {
        let all = [
            Spelled::new(0, "old.example.com", Escape::Unicode),
            Spelled::new(1, "old.example.com", Escape::PhpHex),
        ];
        let mut places = Vec::new();
        each(&all, text.as_bytes(), |needle, start, end| {
            places.push((needle, start, end));
            true
        });
        places
    }

    #[test]
    fn a_host_is_found_by_any_escaped_letter() {
        assert_eq!(places(r"//\u006fld.example.com/"), [(0, 2, 22)]);
        assert_eq!(places(r"//old\u002Eexample.com/"), [(0, 2, 22)]);
        assert_eq!(places(r"//ol\\u0064.example.c\\u006F\\u004d/").last(), Some(&(0, 2, 35)));
        assert_eq!(places(r#"S:15:"\6fld.example.com""#), [(1, 6, 23)]);
        assert_eq!(places(r#"S:15:\"old\\2eexample.com\""#), [(1, 7, 25)]);
    }

    #[test]
    fn other_names_and_other_escapes_are_not() {
        for text in [
            r"\u006fld.example.org",
            r"\u0070ld.example.com",
            r"\6fld.example.com",
            "old.example.com",
            r"\u006",
            r#"S:2:"\6"#,
        ] {
            assert_eq!(places(text), [], "{text}");
        }
    }
}
