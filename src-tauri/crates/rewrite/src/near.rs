//! The next of two bytes, where it is mostly near.

/// How many times eight bytes are looked at before a search is started.
const NEAR: usize = 4;

/// The first place of either byte. Escapes stand close together in text, so the next bytes are looked at eight at a time
/// before the search for far places starts, which costs more to begin with.
pub(crate) fn near(rest: &[u8], one: u8, other: u8) -> Option<usize> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_found_near_and_far() {
        for lead in 0..300 {
            let mut text = vec![b'x'; lead];
            assert_eq!(near(&text, b'\'', b'\\'), None);
            text.extend_from_slice(b"\\n'");
            assert_eq!(near(&text, b'\'', b'\\'), Some(lead));
            assert_eq!(near(&text, b'\'', b'\''), Some(lead + 2));
        }
    }
}
