//! The next of two bytes, where it is mostly near.

use wide::u8x16;

/// How many times sixteen bytes are looked at before a search is started.
const NEAR: usize = 4;

/// The first place of either byte. Escapes stand close together in text, so the next bytes are looked at sixteen at a time
/// before the search for far places starts, which costs more to begin with.
#[inline]
pub(crate) fn near(rest: &[u8], one: u8, other: u8) -> Option<usize> {
    let (ones, others) = (u8x16::splat(one), u8x16::splat(other));
    let (chunks, _) = rest.as_chunks::<16>();
    for (index, chunk) in chunks.iter().take(NEAR).enumerate() {
        let chunk = u8x16::new(*chunk);
        let found = (chunk.simd_eq(ones) | chunk.simd_eq(others)).to_bitmask();
        if found != 0 {
            return Some(index * 16 + found.trailing_zeros() as usize);
        }
    }
    far(rest, chunks.len().min(NEAR) * 16, one, other)
}

#[inline(never)]
fn far(rest: &[u8], from: usize, one: u8, other: u8) -> Option<usize> {
    memchr::memchr2(one, other, &rest[from..]).map(|found| from + found)
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
