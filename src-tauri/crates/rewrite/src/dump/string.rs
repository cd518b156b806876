//! The ends of strings, which is where a lexer of dumps spends its time.

use wide::u8x16;

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80 || byte == b'@'
}

/// The length of a string up to its closing quote.
pub(super) fn end_of_string(rest: &[u8], quote: u8, backslash: bool, last: bool) -> Option<usize> {
    let mut at = 0;
    loop {
        at += bare_quote(&rest[at..], quote, backslash)?;
        match rest.get(at + 1) {
            Some(next) if *next == quote => at += 2,
            Some(_) => return Some(at),
            None => return last.then_some(at),
        }
    }
}

/// The first quote that no backslash escapes.
///
/// Text is full of escapes, so they are not gone through one by one: of sixty-four bytes at a time it is worked out at once which of
/// them are escaped.
#[inline]
fn bare_quote(rest: &[u8], quote: u8, backslash: bool) -> Option<usize> {
    let mut escapes = Escapes::default();
    let (chunks, tail) = rest.as_chunks();
    for (index, chunk) in chunks.iter().enumerate() {
        let mut quotes = places(chunk, quote);
        if backslash {
            quotes &= !escapes.escaped(places(chunk, b'\\'));
        }
        if quotes != 0 {
            return Some(index * 64 + quotes.trailing_zeros() as usize);
        }
    }
    let mut escaped = escapes.open;
    let place = tail.iter().position(|&byte| {
        let bare = byte == quote && !escaped;
        escaped = byte == b'\\' && backslash && !escaped;
        bare
    })?;
    Some(chunks.len() * 64 + place)
}

/// A bit for each place at which a byte stands.
#[inline]
fn places(chunk: &[u8; 64], byte: u8) -> u64 {
    let byte = u8x16::splat(byte);
    let (quarters, _) = chunk.as_chunks::<16>();
    quarters
        .iter()
        .rev()
        .fold(0, |places, quarter| places << 16 | u64::from(u8x16::new(*quarter).simd_eq(byte).to_bitmask()))
}

/// Which bytes a backslash escapes, sixty-four at a time.
#[derive(Default)]
struct Escapes {
    /// Whether the last chunk ends with a backslash that escapes what follows.
    open: bool,
}

impl Escapes {
    /// The bytes of the next chunk that are escaped, given its backslashes.
    ///
    /// In a run of backslashes every second one is escaped, and the byte behind a run is if the run is odd. The sum carries a bit
    /// through each run that begins at an odd place, which turns the pattern of even places around from there on.
    #[inline]
    fn escaped(&mut self, backslashes: u64) -> u64 {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        let first = u64::from(self.open);
        if backslashes == 0 {
            self.open = false;
            return first;
        }
        let escaping = backslashes & !first;
        let behind = escaping << 1 | first;
        let odd_starts = escaping & !EVEN & !behind;
        let (sum, open) = odd_starts.overflowing_add(escaping);
        self.open = open;
        (EVEN ^ (sum << 1)) & behind
    }
}

/// How many bytes at the end may be half of an escape.
pub(super) fn tail_to_keep(rest: &[u8], quote: u8, backslash: bool) -> usize {
    let tail = |byte: u8| rest.iter().rev().take_while(|b| **b == byte).count();
    let quotes = tail(quote);
    let before = rest.len() - quotes;
    let slashes =
        if backslash { rest[..before].iter().rev().take_while(|b| **b == b'\\').count() } else { 0 };
    (quotes + slashes).min(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_ends_a_string_unless_it_is_escaped_or_doubled() {
        for (text, end) in
            [(r"a';", Some(1)), (r"\';x", None), (r"\'';", Some(2)), (r"'';", None), (r"a''b',", Some(4))]
        {
            assert_eq!(end_of_string(text.as_bytes(), b'\'', true, false), end, "{text}");
        }
        assert_eq!(end_of_string(b"a'", b'\'', true, false), None, "a second quote may follow");
        assert_eq!(end_of_string(b"a'", b'\'', true, true), Some(1));
        assert_eq!(end_of_string(br"C:\'", b'\'', false, true), Some(3));
    }

    #[test]
    fn escapes_hold_over_every_border_of_the_bytes_that_are_looked_at_together() {
        let byte_by_byte = |text: &[u8]| {
            let mut at = 0;
            while at < text.len() {
                match text[at] {
                    b'\\' => at += 2,
                    b'\'' if text.get(at + 1) == Some(&b'\'') => at += 2,
                    b'\'' => return Some(at),
                    _ => at += 1,
                }
            }
            None
        };
        let mut dice = 7_u32;
        for length in 0..200 {
            for often in [3, 10, 40] {
                let text: Vec<u8> = (0..length)
                    .map(|_| {
                        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        match (dice >> 16) % often {
                            0 => b'\\',
                            1 if dice >> 30 == 0 => b'\'',
                            _ => b'x',
                        }
                    })
                    .collect();
                let shown = String::from_utf8_lossy(&text);
                assert_eq!(end_of_string(&text, b'\'', true, true), byte_by_byte(&text), "{shown}");
            }
        }
    }
}
