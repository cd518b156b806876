//! Hosts some of whose letters are escaped: `\u006fld.example.com`, `%6Fld.example.com`, `&#111;ld.example.com`, and
//! `\6fld.example.com` in PHP's `S:` strings.
//!
//! One vectorised search goes after the beginnings of such escapes, which are rare; only around those letters are read.

use crate::letter::{self, hex_byte};

use super::engine::Engine;

/// How letters are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// As `\u006f`, `%6F`, `&#111;` or `&#x6f;`.
    Letter,
    /// `\6f`
    PhpHex,
}

/// A host to look for.
#[derive(Debug)]
pub(super) struct Spelled {
    needle: usize,
    name: Vec<char>,
    escape: Escape,
}

/// All hosts to look for, and what leads to them.
#[derive(Debug)]
pub(super) struct AllSpelled {
    hosts: Vec<Spelled>,
    marks: Engine,
}

/// A letter that was read, and where it ends (or starts, when read backwards).
struct Read {
    ch: char,
    place: usize,
}

impl Spelled {
    pub fn new(needle: usize, name: &str, escape: Escape) -> Self {
        Self { needle, name: name.to_ascii_lowercase().chars().collect(), escape }
    }

    /// The place of an occurrence that holds this escaped letter.
    fn around(&self, text: &[u8], start: usize, read: &Read) -> Option<(usize, usize)> {
        let is = |read: &Read, wanted: char| read.ch.eq_ignore_ascii_case(&wanted);
        (0..self.name.len()).filter(|place| is(read, self.name[*place])).find_map(|place| {
            let end = self.name[place + 1..].iter().try_fold(read.place, |at, wanted| {
                self.after(text, at).filter(|read| is(read, *wanted)).map(|read| read.place)
            })?;
            let start = self.name[..place].iter().rev().try_fold(start, |at, wanted| {
                self.before(text, at).filter(|read| is(read, *wanted)).map(|read| read.place)
            })?;
            Some((start, end))
        })
    }

    /// Looks around the escape that begins at a place, of a run of backslashes the last. False if `found` has seen enough.
    fn look(&self, text: &[u8], at: usize, found: &mut impl FnMut(usize, usize, usize) -> bool) -> bool {
        let Some(read) = self.after(text, at) else { return true };
        let start = at - letter::backslashes_before(text, at);
        self.around(text, start, &read).is_none_or(|(start, end)| found(self.needle, start, end))
    }

    fn after(&self, text: &[u8], at: usize) -> Option<Read> {
        let byte = *text.get(at)?;
        if self.escape == Escape::PhpHex && byte == b'\\' {
            let digits = at + text[at..].iter().take_while(|b| **b == b'\\').count();
            let byte = hex_byte(text.get(digits..digits + 2)?)?;
            return Some(Read { ch: char::from(byte), place: digits + 2 });
        }
        let letter = letter::after(text, at)?;
        Some(Read { ch: letter.ch, place: letter.end })
    }

    fn before(&self, text: &[u8], at: usize) -> Option<Read> {
        if self.escape == Escape::PhpHex
            && let Some(mark) = at.checked_sub(3).filter(|mark| text[*mark] == b'\\')
            && let Some(byte) = hex_byte(&text[mark + 1..at])
        {
            return Some(Read { ch: char::from(byte), place: mark - letter::backslashes_before(text, mark) });
        }
        let letter = letter::before(text, at)?;
        Some(Read { ch: letter.ch, place: letter.start })
    }
}

/// Where escapes of letters, digits, dots and hyphens begin. The last is of strings in which any backslash may be one.
const MARKS: [&str; 9] = ["\\u00", "%2", "%3", "%4", "%5", "%6", "%7", "&#", STRING];
const STRING: &str = "S:";

impl AllSpelled {
    pub fn new(hosts: Vec<Spelled>) -> Self {
        Self { hosts, marks: Engine::new(&MARKS) }
    }

    /// Calls `found` with each host that has an escaped letter, until it says false. A host may come more than once.
    pub fn each(&self, text: &[u8], mut found: impl FnMut(usize, usize, usize) -> bool) {
        let mut in_strings = false;
        let of = |escape| self.hosts.iter().filter(move |host| host.escape == escape);
        let seen = self.marks.each(text, |mark, at| {
            if MARKS[mark] == STRING {
                in_strings = in_strings || is_head(text, at);
                return true;
            }
            of(Escape::Letter).all(|host| host.look(text, at, &mut found))
        });
        if !seen || !in_strings {
            return;
        }
        // Of a run of backslashes only the last leads to a letter.
        let last = |at: &usize| text.get(at + 1) != Some(&b'\\');
        memchr::memchr_iter(b'\\', text)
            .filter(last)
            .all(|at| of(Escape::PhpHex).all(|host| host.look(text, at, &mut found)));
    }
}

/// Whether this is something like `S:5:"`, however its quote is escaped.
fn is_head(text: &[u8], at: usize) -> bool {
    let rest = &text[at + STRING.len()..];
    let digits = rest.iter().take(12).take_while(|b| b.is_ascii_digit()).count();
    digits > 0 && matches!(rest[digits..], [b':', b'"' | b'\\' | b'&', ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<(usize, usize, usize)> {
        let all = AllSpelled::new(vec![
            Spelled::new(0, "old.example.com", Escape::Letter),
            Spelled::new(1, "old.example.com", Escape::PhpHex),
        ]);
        let mut places = Vec::new();
        all.each(text.as_bytes(), |needle, start, end| {
            places.push((needle, start, end));
            true
        });
        places.dedup();
        places
    }

    #[test]
    fn a_host_is_found_by_any_escaped_letter() {
        assert_eq!(places(r"//\u006fld.example.com/"), [(0, 2, 22)]);
        assert_eq!(places(r"//old\u002Eexample.com/"), [(0, 2, 22)]);
        assert_eq!(places(r"//ol\\u0064.example.c\\u006F\\u004d/"), [(0, 2, 35)]);
        assert_eq!(places("%2F%6Fld.example.com%2F"), [(0, 3, 20)]);
        assert_eq!(places("//old%2eexample.com/"), [(0, 2, 19)]);
        assert_eq!(places("%256Fld.example.com"), [(0, 0, 19)]);
        assert_eq!(places("//&#111;ld.example.com/"), [(0, 2, 22)]);
        assert_eq!(places("//old.example.co&#x6D;/"), [(0, 2, 22)]);
        assert_eq!(places(r"\u006f%6C&#100;.example.com"), [(0, 0, 27)]);
        assert_eq!(places(r#"S:15:"\6fld.example.com""#), [(1, 6, 23)]);
        assert_eq!(places(r#"S:15:\"old\\2eexample.com\""#), [(1, 7, 25)]);
    }

    #[test]
    fn other_names_and_other_escapes_are_not() {
        for text in [
            r"\u006fld.example.org",
            r"\u0070ld.example.com",
            r"\6fld.example.com",
            "%70ld.example.com",
            "&#112;ld.example.com",
            "%6",
            "&#",
            "old.example.com",
            r"\u006",
            r#"S:2:"\6"#,
        ] {
            assert_eq!(places(text), [], "{text}");
        }
    }
}
