//! Encodings that lie around a value: read them into plain bytes with a map of places, and carry edits back out.

use crate::edit::Edits;
use crate::letter::{backslashes_before, hex_byte};
use crate::near::near;

/// An encoding that works character by character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    /// The inside of a JSON string, and how to write what is new.
    Json { slash: &'static str, ascii: bool },
    /// The inside of PHP's `S:` strings: `\xx`.
    PhpHex,
    /// The inside of a quoted SQL string; the quote, and whether a backslash escapes.
    Sql { quote: u8, backslash: bool },
    /// Pairs of hex digits.
    Hex { upper: bool },
    /// Entities of HTML; only those that an escaping function writes.
    Html,
    /// `%xx`.
    Percent,
}

/// An escape: how many raw bytes it takes, and what it stands for.
struct Escape {
    width: usize,
    bytes: [u8; 4],
    length: usize,
}

impl Escape {
    fn byte(width: usize, byte: u8) -> Self {
        Self { width, bytes: [byte, 0, 0, 0], length: 1 }
    }

    fn char(width: usize, ch: char) -> Self {
        let mut bytes = [0; 4];
        let length = ch.encode_utf8(&mut bytes).len();
        Self { width, bytes, length }
    }

    fn plain(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Where plain bytes stand among the raw ones, asked in rising order.
struct Map<'r> {
    layer: Layer,
    raw: &'r [u8],
    at: usize,
    plain: usize,
}

impl Map<'_> {
    fn place(&mut self, plain: usize) -> usize {
        while self.plain < plain {
            let ahead = plain - self.plain;
            let rest = &self.raw[self.at..self.raw.len().min(self.at + ahead)];
            let stop = self.layer.stop(rest).unwrap_or(rest.len());
            self.at += stop;
            self.plain += stop;
            if stop == rest.len() {
                break;
            }
            let (width, length) =
                self.layer.escape(self.raw, self.at).map_or((1, 1), |escape| (escape.width, escape.length));
            self.at += width;
            self.plain += length;
        }
        self.at
    }
}

impl Layer {
    /// The plain bytes, or `None` if the raw ones are not of this encoding.
    pub fn read(self, raw: &[u8]) -> Option<Vec<u8>> {
        if let Self::Hex { .. } = self {
            if raw.len() % 2 == 1 {
                return None;
            }
            return raw.chunks_exact(2).map(hex_byte).collect();
        }
        let mut plain = Vec::with_capacity(raw.len());
        let mut at = 0;
        while let Some(stop) = self.stop(&raw[at..]) {
            plain.extend_from_slice(&raw[at..at + stop]);
            at += stop;
            if let Some(escape) = self.escape(raw, at) {
                plain.extend_from_slice(escape.plain());
                at += escape.width;
            } else {
                plain.push(raw[at]);
                at += 1;
            }
        }
        plain.extend_from_slice(&raw[at..]);
        Some(plain)
    }

    /// Carries edits of the plain bytes out to `raw`, which starts at `base` in its own layer. The raw bytes are read once more for
    /// that, so that no map of places has to be kept.
    pub fn carry(self, raw: &[u8], base: usize, inner: &Edits, out: &mut Edits) {
        if let Self::Hex { .. } = self {
            return self.push_all(raw, base, inner, out, |place| place * 2);
        }
        let mut map = Map { layer: self, raw, at: 0, plain: 0 };
        self.push_all(raw, base, inner, out, |place| map.place(place));
    }

    /// The same for raw bytes without any escape.
    pub fn move_out(self, raw: &[u8], base: usize, inner: &Edits, out: &mut Edits) {
        self.push_all(raw, base, inner, out, |place| place);
    }

    fn push_all(
        self,
        raw: &[u8],
        base: usize,
        inner: &Edits,
        out: &mut Edits,
        mut place: impl FnMut(usize) -> usize,
    ) {
        let mut with = Vec::new();
        for edit in inner.iter() {
            let (start, end) = (place(edit.start), place(edit.end));
            with.clear();
            self.as_around(&raw[..end], start).write(edit.with, &mut with);
            out.push(base + start, base + end, &with);
        }
    }

    /// The same encoding, with slashes as the last one is written in what is replaced or just before it: one document may have several
    /// ways.
    fn as_around(self, raw: &[u8], start: usize) -> Self {
        const NEAR: usize = 64;
        let Self::Json { ascii, .. } = self else { return self };
        let from = start.saturating_sub(NEAR);
        let near = &raw[from..];
        let bare = memchr::memrchr(b'/', near).map(|at| {
            let escaped = backslashes_before(raw, from + at) % 2 == 1;
            (at, if escaped { "\\/" } else { "/" })
        });
        let coded = ["\\u002F", "\\u002f"]
            .into_iter()
            .filter_map(|code| Some((memchr::memmem::rfind(near, code.as_bytes())?, code)))
            .max();
        match bare.max(coded) {
            Some((_, slash)) => Self::Json { slash, ascii },
            None => self,
        }
    }

    /// Where the next escape may begin.
    fn stop(self, rest: &[u8]) -> Option<usize> {
        match self {
            Self::Json { .. } | Self::PhpHex => memchr::memchr(b'\\', rest),
            Self::Sql { quote, backslash } => near(rest, if backslash { b'\\' } else { quote }, quote),
            Self::Html => memchr::memchr(b'&', rest),
            Self::Percent => memchr::memchr2(b'%', b'+', rest),
            Self::Hex { .. } => None,
        }
    }

    /// The escape at a place; `None` if the byte there stands for itself. What is valid is read, and the rest is taken as it
    /// stands: text that only looks like an encoding, or is cut off, comes here too.
    fn escape(self, raw: &[u8], at: usize) -> Option<Escape> {
        match self {
            Self::Json { .. } => json_escape(raw, at),
            Self::PhpHex => hex_byte(raw.get(at + 1..at + 3)?).map(|byte| Escape::byte(3, byte)),
            Self::Sql { backslash, .. } => sql_escape(raw, at, backslash),
            Self::Html => crate::letter::after(raw, at)
                .filter(|letter| letter.how == crate::letter::How::Entity)
                .map(|letter| Escape::char(letter.end - at, letter.ch)),
            Self::Percent if raw[at] == b'+' => Some(Escape::byte(1, b' ')),
            Self::Percent => hex_byte(raw.get(at + 1..at + 3)?).map(|byte| Escape::byte(3, byte)),
            Self::Hex { .. } => None,
        }
    }

    /// New bytes, written in this encoding behind what `out` holds.
    fn write(self, bytes: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Json { slash, ascii } => write_json(bytes, slash, ascii, out),
            Self::PhpHex => {
                for &byte in bytes {
                    if byte == b'\\' || !(0x20..0x7F).contains(&byte) {
                        out.extend_from_slice(format!("\\{byte:02x}").as_bytes());
                    } else {
                        out.push(byte);
                    }
                }
            }
            Self::Sql { quote, backslash } => write_sql(bytes, quote, backslash, out),
            Self::Hex { upper } => {
                for &byte in bytes {
                    let hex = if upper { format!("{byte:02X}") } else { format!("{byte:02x}") };
                    out.extend_from_slice(hex.as_bytes());
                }
            }
            Self::Html => {
                for &byte in bytes {
                    match byte {
                        b'&' => out.extend_from_slice(b"&amp;"),
                        b'"' => out.extend_from_slice(b"&quot;"),
                        b'<' => out.extend_from_slice(b"&lt;"),
                        b'>' => out.extend_from_slice(b"&gt;"),
                        _ => out.push(byte),
                    }
                }
            }
            Self::Percent => {
                for &byte in bytes {
                    if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                        out.push(byte);
                    } else {
                        out.extend_from_slice(format!("%{byte:02X}").as_bytes());
                    }
                }
            }
        }
    }
}

fn json_escape(raw: &[u8], at: usize) -> Option<Escape> {
    let byte = match *raw.get(at + 1)? {
        // No JSON has it, but `addslashes` writes it.
        b'0' => 0,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => {
            if let Some((ch, end)) = unicode_escape(raw, at + 2) {
                return Some(Escape::char(end - at, ch));
            }
            b'u'
        }
        other => other,
    };
    Some(Escape::byte(2, byte))
}

/// The character of `\uXXXX` or of a pair of them whose digits start at `at`, and where it ends.
fn unicode_escape(raw: &[u8], at: usize) -> Option<(char, usize)> {
    let unit = |at: usize| -> Option<u32> {
        let high = hex_byte(raw.get(at..at + 2)?)?;
        let low = hex_byte(raw.get(at + 2..at + 4)?)?;
        Some(u32::from(high) << 8 | u32::from(low))
    };
    let code = unit(at)?;
    let pair = (0xD800..0xDC00).contains(&code) && raw.get(at + 4..at + 6) == Some(b"\\u");
    if let Some(low) = unit(at + 6).filter(|low| pair && (0xDC00..0xE000).contains(low)) {
        let code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        return Some((char::from_u32(code)?, at + 10));
    }
    // Half a pair has no character; any stand-in will do, since it is never written back.
    Some((char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), at + 4))
}

fn write_json(bytes: &[u8], slash: &str, ascii: bool, out: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(bytes);
    for ch in text.chars() {
        match ch {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '/' => out.extend_from_slice(slash.as_bytes()),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            ch if u32::from(ch) < 0x20 || (ascii && !ch.is_ascii()) => {
                for unit in ch.encode_utf16(&mut [0; 2]) {
                    out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
                }
            }
            ch => out.extend_from_slice(ch.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

fn sql_escape(raw: &[u8], at: usize, backslash: bool) -> Option<Escape> {
    let byte = match (raw[at], *raw.get(at + 1)?) {
        (b'\\', b'0') if backslash => 0,
        (b'\\', b'b') if backslash => 8,
        (b'\\', b'n') if backslash => b'\n',
        (b'\\', b'r') if backslash => b'\r',
        (b'\\', b't') if backslash => b'\t',
        (b'\\', b'Z') if backslash => 26,
        (_, next) => next,
    };
    Some(Escape::byte(2, byte))
}

fn write_sql(bytes: &[u8], quote: u8, backslash: bool, out: &mut Vec<u8>) {
    for &byte in bytes {
        match byte {
            _ if byte == quote && backslash => out.extend_from_slice(&[b'\\', quote]),
            _ if byte == quote => out.extend_from_slice(&[quote, quote]),
            b'\\' if backslash => out.extend_from_slice(b"\\\\"),
            0 if backslash => out.extend_from_slice(b"\\0"),
            b'\n' if backslash => out.extend_from_slice(b"\\n"),
            b'\r' if backslash => out.extend_from_slice(b"\\r"),
            26 if backslash => out.extend_from_slice(b"\\Z"),
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swap(layer: Layer, raw: &str, old: &str, new: &str) -> String {
        let plain = layer.read(raw.as_bytes()).unwrap();
        let start = memchr::memmem::find(&plain, old.as_bytes()).expect("it is in the plain text");
        let (mut inner, mut out) = (Edits::default(), Edits::default());
        inner.push(start, start + old.len(), new.as_bytes());
        layer.carry(raw.as_bytes(), 0, &inner, &mut out);
        String::from_utf8(out.apply(raw.as_bytes(), 0..raw.len())).unwrap()
    }

    #[test]
    fn an_edit_goes_out_through_each_encoding_and_touches_nothing_else() {
        let json = Layer::Json { slash: "\\/", ascii: true };
        assert_eq!(
            swap(json, r#"\u00e4\n\"x\/y\" \ud83d\ude00 old"#, "\"x/y\"", "ü/"),
            r"\u00e4\n\u00fc\/ \ud83d\ude00 old"
        );
        assert_eq!(swap(Layer::PhpHex, r"a\62c old \0a", "old", "n\\w"), r"a\62c n\5cw \0a");
        let sql = Layer::Sql { quote: b'\'', backslash: true };
        assert_eq!(
            swap(sql, r#"it''s \'a\' \"\Z\0 \n old\\x"#, "old\\", "n'w"),
            r#"it''s \'a\' \"\Z\0 \n n\'wx"#
        );
        let plain_sql = Layer::Sql { quote: b'\'', backslash: false };
        assert_eq!(swap(plain_sql, r"it''s \old''", "old'", "n'w"), r"it''s \n''w");
        assert_eq!(swap(Layer::Hex { upper: true }, "6F6c64", "l", "zz"), "6F7A7A64");
        assert_eq!(
            swap(Layer::Html, "&amp;&quot;&eacute; s:3:&quot;old&quot;", "\"old\"", "\"n\""),
            "&amp;&quot;&eacute; s:3:&quot;n&quot;"
        );
        assert_eq!(swap(Layer::Percent, "s%3A3%3A%22old%22%3B", "3:\"old", "2:\"nn"), "s%3A2%3A%22nn%22%3B");
    }
}
