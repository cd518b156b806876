//! The next of a few bytes, where it is mostly near.

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

/// A few bytes to look for, all at once.
#[derive(Debug)]
pub(crate) struct Stops {
    one: [bool; 256],
    each: Vec<u8x16>,
}

/// How many bytes are looked at one by one before sixteen at a time are.
const NEXT: usize = 6;

impl Stops {
    pub fn new(bytes: &[u8]) -> Self {
        let mut one = [false; 256];
        for byte in bytes {
            one[usize::from(*byte)] = true;
        }
        Self { one, each: bytes.iter().map(|byte| u8x16::splat(*byte)).collect() }
    }

    /// The first place of any of them. Most come at once; between numbers they may be far.
    #[inline]
    pub fn next(&self, rest: &[u8]) -> Option<usize> {
        let is_stop = |byte: &u8| self.one[usize::from(*byte)];
        let next = rest.len().min(NEXT);
        rest[..next].iter().position(is_stop).or_else(|| self.far(rest, next))
    }

    #[inline(never)]
    fn far(&self, rest: &[u8], from: usize) -> Option<usize> {
        let (chunks, tail) = rest[from..].as_chunks::<16>();
        for (index, chunk) in chunks.iter().enumerate() {
            let chunk = u8x16::new(*chunk);
            let found = self.each.iter().fold(u8x16::splat(0), |found, byte| found | chunk.simd_eq(*byte));
            let found = found.to_bitmask();
            if found != 0 {
                return Some(from + index * 16 + found.trailing_zeros() as usize);
            }
        }
        let place = tail.iter().position(|byte| self.one[usize::from(*byte)])?;
        Some(rest.len() - tail.len() + place)
    }
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

    #[test]
    fn any_of_a_few_bytes_is_found_near_and_far() {
        let stops = Stops::new(b"'\";x");
        for lead in 0..100 {
            let mut text = vec![b'1'; lead];
            assert_eq!(stops.next(&text), None);
            text.extend_from_slice(b"x1;");
            assert_eq!(stops.next(&text), Some(lead));
            text[lead] = b'2';
            assert_eq!(stops.next(&text), Some(lead + 2));
        }
    }
}
