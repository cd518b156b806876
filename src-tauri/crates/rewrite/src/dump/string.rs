//! The ends of strings, which is where a lexer of dumps spends its time.

/// How many times eight bytes are looked at before a search is started.
const NEAR: usize = 4;

/// The first place of either byte. Escapes stand close together in text, so the next bytes are looked at eight at a time
/// before the search for far places starts, which costs more to begin with.
fn stop(rest: &[u8], one: u8, other: u8) -> Option<usize> {
    const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let (ones, others) = (LOW * u64::from(one), LOW * u64::from(other));
    let mut at = 0;
    for _ in 0..NEAR {
        let Some(eight) = rest.get(at..).and_then(|rest| rest.first_chunk::<8>()) else { break };
        let eight = u64::from_le_bytes(*eight);
        let (x, y) = (eight ^ ones, eight ^ others);
        // A byte that became zero has its high bit set here; the lowest one is sure.
        let zeros = ((x.wrapping_sub(LOW) & !x) | (y.wrapping_sub(LOW) & !y)) & HIGH;
        if zeros != 0 {
            return Some(at + zeros.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr::memchr2(one, other, &rest[at..]).map(|found| at + found)
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80 || byte == b'@'
}

/// The length of a string up to its closing quote.
pub(super) fn end_of_string(rest: &[u8], quote: u8, backslash: bool, last: bool) -> Option<usize> {
    let mut at = 0;
    loop {
        at += stop(&rest[at..], quote, if backslash { b'\\' } else { quote })?;
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
    fn stops_are_found_near_and_far() {
        for lead in 0..100 {
            let mut text = vec![b'x'; lead];
            assert_eq!(stop(&text, b'\'', b'\\'), None);
            text.extend_from_slice(b"\\n'");
            assert_eq!(stop(&text, b'\'', b'\\'), Some(lead));
            assert_eq!(stop(&text, b'\'', b'\''), Some(lead + 2));
            assert_eq!(end_of_string(&text, b'\'', true, true), Some(lead + 2));
        }
    }

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
