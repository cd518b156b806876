//! One character at a time, in whatever escape it is written.
//!
//! An address keeps its host name in every common encoding; what changes is the punctuation around it: `/` may stand as
//! `\/`, `\\\/`, `%2F`, `%252F`, `&#47;`, `&#x2F;` or `\u002F`. [`before`] and [`after`] read the character next to a place
//! and tell how it was written, so that a neighbour can be judged, and written again, in its own form.

/// A character, where it stands, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Letter {
    pub ch: char,
    pub start: usize,
    pub end: usize,
    pub how: How,
}

/// The way a character is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Raw,
    /// `\/` and deeper: the number of backslashes.
    Slashed(usize),
    /// `\u002F`.
    Unicode,
    /// `%2F`, `%252F`…: how many times `25` stands in it.
    Percent(usize),
    /// `&#47;`, `&#x2F;`, `&sol;`.
    Entity,
}

/// The character that ends at `at`, or `None` at the beginning.
pub(crate) fn before(text: &[u8], at: usize) -> Option<Letter> {
    let last = *text.get(at.checked_sub(1)?)?;
    let letter = |ch, start, how| Letter { ch, start, end: at, how };
    match last {
        b';' => {
            if let Some((ch, start)) = entity_before(text, at) {
                return Some(letter(ch, start, How::Entity));
            }
        }
        b'/' => {
            let run = backslashes_before(text, at - 1);
            let how = if run == 0 { How::Raw } else { How::Slashed(run) };
            return Some(letter('/', at - 1 - run, how));
        }
        b'\\' => return Some(letter('\\', at - backslashes_before(text, at), How::Raw)),
        _ => {}
    }
    if last.is_ascii_hexdigit()
        && let Some(found) = unicode_before(text, at).or_else(|| percent_before(text, at))
    {
        return Some(found);
    }
    if matches!(last, b'n' | b'r' | b't' | b'f' | b'b') {
        let run = backslashes_before(text, at - 1);
        if run > 0 {
            return Some(letter(' ', at - 1 - run, How::Slashed(run)));
        }
    }
    let (ch, start) = utf8_before(text, at);
    Some(letter(ch, start, How::Raw))
}

/// The character that starts at `at`, or `None` at the end.
pub(crate) fn after(text: &[u8], at: usize) -> Option<Letter> {
    let first = *text.get(at)?;
    let letter = |ch, end, how| Letter { ch, start: at, end, how };
    match first {
        b'\\' => {
            let run = text[at..].iter().take_while(|b| **b == b'\\').count();
            let next = text.get(at + run).copied();
            match next {
                Some(b'/') => return Some(letter('/', at + run + 1, How::Slashed(run))),
                Some(b'u') => {
                    if let Some(ch) = hex4(text, at + run + 1) {
                        return Some(letter(ch, at + run + 5, How::Unicode));
                    }
                }
                Some(quote @ (b'"' | b'\'')) => {
                    return Some(letter(char::from(quote), at + run + 1, How::Slashed(run)));
                }
                _ => {}
            }
            Some(letter('\\', at + run, How::Raw))
        }
        b'%' => Some(percent_after(text, at).unwrap_or(letter('%', at + 1, How::Raw))),
        b'&' => Some(match entity_after(text, at) {
            Some((ch, end)) => letter(ch, end, How::Entity),
            None => letter('&', at + 1, How::Raw),
        }),
        _ => {
            let (ch, end) = utf8_after(text, at);
            Some(letter(ch, end, How::Raw))
        }
    }
}

/// Matches `wanted` from `at` on, each character in any escape. Gives the place behind it.
///
/// With `either`, a `/` that is wanted may be a `\` as well, as in folders of Windows.
pub(crate) fn match_after(text: &[u8], at: usize, wanted: &str, either: bool) -> Option<usize> {
    let mut place = at;
    for ch in wanted.chars() {
        let one = one_after(text, place, ch);
        place = match one {
            None if either && ch == '/' => one_after(text, place, '\\')?.end,
            one => one?.end,
        };
    }
    Some(place)
}

/// Matches `wanted` so that it ends at `at`, each character in any escape. Gives the place where it starts.
pub(crate) fn match_before(text: &[u8], at: usize, wanted: &str, either: bool) -> Option<usize> {
    let mut place = at;
    for ch in wanted.chars().rev() {
        let one = one_before(text, place, ch);
        place = match one {
            None if either && ch == '/' => before(text, place).filter(|letter| letter.ch == '\\')?.start,
            one => one?.start,
        };
    }
    Some(place)
}

fn one_after(text: &[u8], at: usize, wanted: char) -> Option<Letter> {
    let mut raw = [0; 4];
    let raw = wanted.encode_utf8(&mut raw).as_bytes();
    if wanted != '\\' && text.get(at..)?.starts_with(raw) {
        return Some(Letter { ch: wanted, start: at, end: at + raw.len(), how: How::Raw });
    }
    after(text, at).filter(|letter| letter.ch == wanted)
}

fn one_before(text: &[u8], at: usize, wanted: char) -> Option<Letter> {
    if wanted != '/' {
        let mut raw = [0; 4];
        let raw = wanted.encode_utf8(&mut raw).as_bytes();
        if text.get(..at)?.ends_with(raw) {
            return Some(Letter { ch: wanted, start: at - raw.len(), end: at, how: How::Raw });
        }
    }
    before(text, at).filter(|letter| letter.ch == wanted)
}

pub(crate) fn backslashes_before(text: &[u8], at: usize) -> usize {
    text[..at].iter().rev().take_while(|b| **b == b'\\').count()
}

fn hex4(text: &[u8], at: usize) -> Option<char> {
    let digits = text.get(at..at + 4)?;
    let value = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    // Half of a surrogate pair stands for a character outside the plane where host names live.
    digits
        .iter()
        .all(u8::is_ascii_hexdigit)
        .then(|| char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER))
}

fn unicode_before(text: &[u8], at: usize) -> Option<Letter> {
    let digits = at.checked_sub(4)?;
    let mark = digits.checked_sub(2)?;
    if &text[mark..digits] != b"\\u" {
        return None;
    }
    let ch = hex4(text, digits)?;
    Some(Letter { ch, start: mark - backslashes_before(text, mark), end: at, how: How::Unicode })
}

fn hex2(text: &[u8], at: usize) -> Option<u8> {
    hex_byte(text.get(at..at + 2)?)
}

/// The byte of two hex digits.
pub(crate) fn hex_byte(pair: &[u8]) -> Option<u8> {
    let digit = |b: &u8| char::from(*b).to_digit(16).map(|digit| digit as u8);
    Some(digit(pair.first()?)? * 16 + digit(pair.get(1)?)?)
}

/// One `%xx` that ends at `at`, with the `25`s of repeated encoding: its byte, start and depth.
fn percent_byte_before(text: &[u8], at: usize) -> Option<(u8, usize, usize)> {
    let digits = at.checked_sub(2)?;
    let byte = hex2(text, digits)?;
    let (mut place, mut depth) = (digits, 0);
    while place >= 2 && &text[place - 2..place] == b"25" {
        place -= 2;
        depth += 1;
    }
    (place > 0 && text[place - 1] == b'%').then(|| (byte, place - 1, depth))
}

fn percent_before(text: &[u8], at: usize) -> Option<Letter> {
    let (byte, mut start, depth) = percent_byte_before(text, at)?;
    let how = How::Percent(depth);
    if byte < 0x80 {
        // `%5C%2F` is `\/` once more encoded: one slash.
        if byte == b'/' {
            while let Some((b'\\', place, _)) = percent_byte_before(text, start) {
                start = place;
            }
        }
        return Some(Letter { ch: char::from(byte), start, end: at, how });
    }
    let mut bytes = vec![byte];
    while bytes[0] & 0xC0 == 0x80 && bytes.len() < 4 {
        let Some((byte, place, _)) = percent_byte_before(text, start) else { break };
        bytes.insert(0, byte);
        start = place;
    }
    Some(Letter { ch: only_char(&bytes), start, end: at, how })
}

fn percent_byte_after(text: &[u8], at: usize) -> Option<(u8, usize, usize)> {
    if *text.get(at)? != b'%' {
        return None;
    }
    let (mut place, mut depth) = (at + 1, 0);
    while text.get(place..place + 2) == Some(b"25") && hex2(text, place + 2).is_some() {
        place += 2;
        depth += 1;
    }
    Some((hex2(text, place)?, place + 2, depth))
}

fn percent_after(text: &[u8], at: usize) -> Option<Letter> {
    let (byte, mut end, depth) = percent_byte_after(text, at)?;
    let how = How::Percent(depth);
    if byte == b'\\' {
        let mut place = end;
        while let Some((next, further, _)) = percent_byte_after(text, place) {
            match next {
                b'/' => return Some(Letter { ch: '/', start: at, end: further, how }),
                b'\\' => place = further,
                _ => break,
            }
        }
    }
    let width = match byte {
        0x00..=0x7F => return Some(Letter { ch: char::from(byte), start: at, end, how }),
        0xF0..=0xFF => 4,
        0xE0..=0xEF => 3,
        _ => 2,
    };
    let mut bytes = vec![byte];
    while bytes.len() < width {
        let Some((byte, place, _)) = percent_byte_after(text, end) else { break };
        bytes.push(byte);
        end = place;
    }
    Some(Letter { ch: only_char(&bytes), start: at, end, how })
}

fn only_char(bytes: &[u8]) -> char {
    std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.chars().next())
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Longest entity that is looked for: `&#0000047;` and the few names.
const LONGEST_ENTITY: usize = 12;

fn entity_before(text: &[u8], at: usize) -> Option<(char, usize)> {
    let from = at.saturating_sub(LONGEST_ENTITY);
    let start = from + text[from..at].iter().rposition(|b| *b == b'&')?;
    let (ch, end) = entity_after(text, start)?;
    (end == at).then_some((ch, start))
}

fn entity_after(text: &[u8], at: usize) -> Option<(char, usize)> {
    let window = text.get(at + 1..text.len().min(at + LONGEST_ENTITY))?;
    let length = window.iter().position(|b| *b == b';')?;
    let name = std::str::from_utf8(&window[..length]).ok()?;
    let ch = if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        char::from_u32(code.ok()?)?
    } else {
        match name {
            "sol" => '/',
            "colon" => ':',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            "lt" => '<',
            "gt" => '>',
            "nbsp" => ' ',
            "commat" => '@',
            "period" => '.',
            _ => return None,
        }
    };
    Some((ch, at + length + 2))
}

fn utf8_before(text: &[u8], at: usize) -> (char, usize) {
    let mut start = at - 1;
    while start > 0 && at - start < 4 && text[start] & 0xC0 == 0x80 {
        start -= 1;
    }
    match std::str::from_utf8(&text[start..at]).ok().and_then(|s| s.chars().next()) {
        Some(ch) => (ch, start),
        None => (char::REPLACEMENT_CHARACTER, at - 1),
    }
}

fn utf8_after(text: &[u8], at: usize) -> (char, usize) {
    let width = match text[at] {
        0x00..=0x7F => return (char::from(text[at]), at + 1),
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return (char::REPLACEMENT_CHARACTER, at + 1),
    };
    match text
        .get(at..at + width)
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .and_then(|s| s.chars().next())
    {
        Some(ch) => (ch, at + width),
        None => (char::REPLACEMENT_CHARACTER, at + 1),
    }
}

/// Whether a character next to a host name makes it part of a longer name.
///
/// Letters of alphabets that host names mix with ASCII count; those of scripts written without spaces do not, since an
/// address stands right among them in running text.
pub(crate) fn continues_a_name(ch: char) -> bool {
    match ch {
        '-' | '_' => true,
        _ if ch.is_ascii() => ch.is_ascii_alphanumeric(),
        '\u{00AA}'..='\u{052F}' => ch.is_alphanumeric(),
        _ => false,
    }
}

/// Whether something ends at `at`, or the text goes on with the same name. A dot goes on only when a name follows it.
pub(crate) fn ends_a_name(text: &[u8], at: usize) -> bool {
    let Some(next) = after(text, at) else { return true };
    if next.ch == '.' {
        return after(text, next.end).is_none_or(|letter| !continues_a_name(letter.ch));
    }
    // The end of an HTML comment may touch the name.
    !continues_a_name(next.ch) || text[at..].starts_with(b"-->")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_is_read_in_every_form_from_both_sides() {
        for (form, how) in [
            ("/", How::Raw),
            (r"\/", How::Slashed(1)),
            (r"\\/", How::Slashed(2)),
            (r"\\\/", How::Slashed(3)),
            ("%2F", How::Percent(0)),
            ("%2f", How::Percent(0)),
            ("%252F", How::Percent(1)),
            ("%5C%2F", How::Percent(0)),
            ("%5C%5C%5c%2f", How::Percent(0)),
            ("&#47;", How::Entity),
            ("&#x2F;", How::Entity),
            ("&sol;", How::Entity),
            (r"\u002F", How::Unicode),
            (r"\\u002f", How::Unicode),
        ] {
            let text = format!(":{form}x");
            let behind = before(text.as_bytes(), text.len() - 1).unwrap();
            assert_eq!((behind.ch, behind.start, behind.how), ('/', 1, how), "before, {form}");
            let ahead = after(text.as_bytes(), 1).unwrap();
            assert_eq!((ahead.ch, ahead.end, ahead.how), ('/', text.len() - 1, how), "after, {form}");
        }
    }

    #[test]
    fn a_letter_behind_a_backslash_is_an_escape_and_not_a_name() {
        assert_eq!(before(br"a\nold", 3).unwrap().ch, ' ');
        assert_eq!(before(b"anold", 2).unwrap().ch, 'n');
    }

    #[test]
    fn names_end_where_hosts_end() {
        for text in ["", ".", ". Next", "/", "\\\"", "%2F", "\u{201D}", "。", ":", "-->", ".\""] {
            assert!(ends_a_name(text.as_bytes(), 0), "{text}");
        }
        for text in [".au", "munity", "-x", "_x", "ü", "%2Dx", "2", ".é"] {
            assert!(!ends_a_name(text.as_bytes(), 0), "{text}");
        }
    }
}
