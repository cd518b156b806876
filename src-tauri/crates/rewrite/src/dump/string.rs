//! The ends of strings, which is where a lexer of dumps spends its time.

use crate::near::near;

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80 || byte == b'@'
}

/// The length of a string up to its closing quote.
pub(super) fn end_of_string(rest: &[u8], quote: u8, backslash: bool, last: bool) -> Option<usize> {
    let mut at = 0;
    loop {
        at += near(&rest[at..], quote, if backslash { b'\\' } else { quote })?;
        if rest[at] != quote {
            at += 2;
            if at > rest.len() {
                return None;
            }
            continue;
        }
        match rest.get(at + 1) {
            Some(next) if *next == quote => at += 2,
            Some(_) => return Some(at),
            None => return last.then_some(at),
        }
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
}
