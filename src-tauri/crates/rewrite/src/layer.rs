//! Encodings that lie around a value: read them into plain bytes with a map of places, and carry edits back out.

use crate::edit::Edit;

/// An encoding that works character by character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    /// The inside of a JSON string, and how to write what is new.
    Json { slashes: bool, ascii: bool },
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

/// Plain bytes, and where each of them came from.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    pub bytes: Vec<u8>,
    /// Plain and raw places; between two marks both advance together.
    marks: Vec<(usize, usize)>,
}

impl Plain {
    fn copy(&mut self, raw: &[u8]) {
        self.bytes.extend_from_slice(raw);
    }

    fn mark(&mut self, raw: usize) {
        self.marks.push((self.bytes.len(), raw));
    }

    /// Carries edits of the plain bytes out to the raw ones; `base` is where the raw ones start in their own layer.
    pub fn carry(&self, layer: Layer, edits: Vec<Edit>, base: usize) -> Vec<Edit> {
        let mut next = 0;
        let mut raw = |plain: usize| {
            while self.marks.get(next).is_some_and(|mark| mark.0 <= plain) {
                next += 1;
            }
            let (from, to) = if next == 0 { (0, 0) } else { self.marks[next - 1] };
            base + to + (plain - from)
        };
        edits
            .into_iter()
            .map(|edit| {
                let (start, end) = (raw(edit.start), raw(edit.end));
                Edit { start, end, with: layer.write(&edit.with) }
            })
            .collect()
    }
}

impl Layer {
    /// The plain bytes, or `None` if the raw ones are not of this encoding.
    pub fn read(self, raw: &[u8]) -> Option<Plain> {
        let mut plain = Plain { bytes: Vec::with_capacity(raw.len()), marks: Vec::new() };
        match self {
            Self::Json { .. } => read_json(raw, &mut plain),
            Self::PhpHex => read_php_hex(raw, &mut plain)?,
            Self::Sql { quote, backslash } => read_sql(raw, quote, backslash, &mut plain),
            Self::Hex { .. } => {
                if raw.len() % 2 == 1 {
                    return None;
                }
                for (index, pair) in raw.chunks_exact(2).enumerate() {
                    plain.mark(index * 2);
                    plain.bytes.push(hex_byte(pair)?);
                }
                plain.mark(raw.len());
            }
            Self::Html => read_html(raw, &mut plain),
            Self::Percent => read_percent(raw, &mut plain),
        }
        Some(plain)
    }

    /// New bytes, written in this encoding.
    pub fn write(self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() + 8);
        match self {
            Self::Json { slashes, ascii } => write_json(bytes, slashes, ascii, &mut out),
            Self::PhpHex => {
                for &byte in bytes {
                    if byte == b'\\' || !(0x20..0x7F).contains(&byte) {
                        out.extend_from_slice(format!("\\{byte:02x}").as_bytes());
                    } else {
                        out.push(byte);
                    }
                }
            }
            Self::Sql { quote, backslash } => write_sql(bytes, quote, backslash, &mut out),
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
        out
    }
}

fn hex_byte(pair: &[u8]) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
    Some(digit(*pair.first()?)? * 16 + digit(*pair.get(1)?)?)
}

/// Reads what is valid, and takes the rest as it stands: text that only looks like JSON, or is cut off, comes here too.
fn read_json(raw: &[u8], plain: &mut Plain) {
    let mut at = 0;
    while let Some(stop) = memchr::memchr(b'\\', &raw[at..]) {
        plain.copy(&raw[at..at + stop]);
        at += stop;
        let Some(&escaped) = raw.get(at + 1) else { break };
        plain.mark(at);
        at += 2;
        match escaped {
            // No JSON has it, but `addslashes` writes it.
            b'0' => plain.bytes.push(0),
            b'b' => plain.bytes.push(8),
            b'f' => plain.bytes.push(12),
            b'n' => plain.bytes.push(b'\n'),
            b'r' => plain.bytes.push(b'\r'),
            b't' => plain.bytes.push(b'\t'),
            b'u' => match unicode_escape(raw, at) {
                Some((ch, end)) => {
                    plain.copy(ch.encode_utf8(&mut [0; 4]).as_bytes());
                    at = end;
                }
                None => plain.bytes.push(b'u'),
            },
            other => plain.bytes.push(other),
        }
        plain.mark(at);
    }
    plain.copy(&raw[at..]);
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

fn write_json(bytes: &[u8], slashes: bool, ascii: bool, out: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(bytes);
    for ch in text.chars() {
        match ch {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '/' if slashes => out.extend_from_slice(b"\\/"),
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

fn read_php_hex(raw: &[u8], plain: &mut Plain) -> Option<()> {
    let mut at = 0;
    while let Some(stop) = memchr::memchr(b'\\', &raw[at..]) {
        plain.copy(&raw[at..at + stop]);
        at += stop;
        plain.mark(at);
        plain.bytes.push(hex_byte(raw.get(at + 1..at + 3)?)?);
        at += 3;
        plain.mark(at);
    }
    plain.copy(&raw[at..]);
    Some(())
}

fn read_sql(raw: &[u8], quote: u8, backslash: bool, plain: &mut Plain) {
    let mut at = 0;
    let escape = if backslash { b'\\' } else { quote };
    while let Some(stop) = memchr::memchr2(escape, quote, &raw[at..]) {
        plain.copy(&raw[at..at + stop]);
        at += stop;
        let Some(&next) = raw.get(at + 1) else { break };
        plain.mark(at);
        plain.bytes.push(match (raw[at], next) {
            (b'\\', b'0') if backslash => 0,
            (b'\\', b'b') if backslash => 8,
            (b'\\', b'n') if backslash => b'\n',
            (b'\\', b'r') if backslash => b'\r',
            (b'\\', b't') if backslash => b'\t',
            (b'\\', b'Z') if backslash => 26,
            (_, next) => next,
        });
        at += 2;
        plain.mark(at);
    }
    plain.copy(&raw[at..]);
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

fn read_html(raw: &[u8], plain: &mut Plain) {
    let mut at = 0;
    while let Some(stop) = memchr::memchr(b'&', &raw[at..]) {
        plain.copy(&raw[at..at + stop]);
        at += stop;
        match crate::letter::after(raw, at) {
            Some(letter) if letter.how == crate::letter::How::Entity => {
                plain.mark(at);
                plain.copy(letter.ch.encode_utf8(&mut [0; 4]).as_bytes());
                at = letter.end;
                plain.mark(at);
            }
            _ => {
                plain.bytes.push(b'&');
                at += 1;
            }
        }
    }
    plain.copy(&raw[at..]);
}

fn read_percent(raw: &[u8], plain: &mut Plain) {
    let mut at = 0;
    while let Some(stop) = memchr::memchr2(b'%', b'+', &raw[at..]) {
        plain.copy(&raw[at..at + stop]);
        at += stop;
        let byte = if raw[at] == b'+' {
            Some((b' ', 1))
        } else {
            raw.get(at + 1..at + 3).and_then(hex_byte).map(|b| (b, 3))
        };
        if let Some((byte, width)) = byte {
            plain.mark(at);
            plain.bytes.push(byte);
            at += width;
            plain.mark(at);
        } else {
            plain.bytes.push(b'%');
            at += 1;
        }
    }
    plain.copy(&raw[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::apply;

    fn swap(layer: Layer, raw: &str, old: &str, new: &str) -> String {
        let plain = layer.read(raw.as_bytes()).unwrap();
        let start = memchr::memmem::find(&plain.bytes, old.as_bytes()).expect("it is in the plain text");
        let edit = Edit { start, end: start + old.len(), with: new.as_bytes().to_vec() };
        let edits = plain.carry(layer, vec![edit], 0);
        String::from_utf8(apply(raw.as_bytes(), 0..raw.len(), &edits)).unwrap()
    }

    #[test]
    fn an_edit_goes_out_through_each_encoding_and_touches_nothing_else() {
        let json = Layer::Json { slashes: true, ascii: true };
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
