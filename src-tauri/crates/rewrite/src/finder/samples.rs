//! Long needles by samples: of every few bytes of the text, four are looked up in a table of all places of all needles.
//!
//! A needle of `n` bytes holds a whole sample wherever it stands if samples are at most `n - 3` bytes apart. The looks do not
//! depend on each other, so that a processor does many of them at once; and more needles make the table fuller, not slower.

use crate::base64::spellings;

use super::Needle;

/// Bytes in a sample.
const WIDTH: usize = 4;

/// Samples further apart than this would not be faster.
const LONGEST_STEP: usize = 8;

/// Needles must leave at least this much between samples.
const SHORTEST_STEP: usize = 3;

#[derive(Debug)]
pub(super) struct Samples {
    step: usize,
    /// A bit for each value of the hash.
    bits: Box<[u64; 1024]>,
    /// Hash, needle, and the place of the sample in it; sorted.
    entries: Vec<(u16, u32, u32)>,
}

/// Whether samples are the way to find a needle.
pub(super) fn is_long(needle: &Needle) -> bool {
    step(needle) >= SHORTEST_STEP
}

/// How far apart samples may be so that none of the needle's occurrences is missed.
fn step(needle: &Needle) -> usize {
    let sure = match needle {
        // Broken over two lines, the longer half is whole.
        Needle::Base64 { text, .. } => text.len().div_ceil(2),
        _ => needle.bytes().len(),
    };
    sure.saturating_sub(WIDTH - 1)
}

impl Samples {
    pub fn new(needles: &[Needle], long: &[usize]) -> Self {
        let step = long.iter().map(|index| step(&needles[*index])).min().unwrap_or(1).min(LONGEST_STEP);
        let mut samples = Self { step, bits: Box::new([0; 1024]), entries: Vec::new() };
        for &index in long {
            match &needles[index] {
                Needle::Base64 { text, free } => {
                    for offset in 0..=text.len() - WIDTH {
                        let window = offset..offset + WIDTH;
                        for spelling in spellings(&text[window.clone()], &free[window]) {
                            samples.add(&spelling, index, offset);
                        }
                    }
                }
                needle => {
                    for offset in 0..step {
                        samples.add(&needle.bytes()[offset..], index, offset);
                    }
                }
            }
        }
        samples.entries.sort_unstable();
        samples.entries.dedup();
        samples
    }

    fn add(&mut self, bytes: &[u8], needle: usize, offset: usize) {
        let Some(sample) = bytes.first_chunk() else { return };
        let hash = hash(*sample);
        self.bits[usize::from(hash >> 6)] |= 1 << (hash & 63);
        self.entries.push((hash, needle as u32, offset as u32));
    }

    /// Calls `look` with a needle, the place of a sample of it, and that sample's place in the needle, until it says false.
    /// Answers whether the text was gone through to its end.
    pub fn each(&self, text: &[u8], look: &mut impl FnMut(usize, usize, usize) -> bool) -> bool {
        let mut at = 0;
        while let Some(sample) = text.get(at..at + WIDTH).and_then(|sample| sample.first_chunk()) {
            let hash = hash(*sample);
            if (self.bits[usize::from(hash >> 6)] >> (hash & 63)) & 1 == 1 && !self.look(hash, at, look) {
                return false;
            }
            at += self.step;
        }
        true
    }

    #[cold]
    fn look(&self, hash: u16, at: usize, look: &mut impl FnMut(usize, usize, usize) -> bool) -> bool {
        let from = self.entries.partition_point(|entry| entry.0 < hash);
        self.entries[from..]
            .iter()
            .take_while(|entry| entry.0 == hash)
            .all(|&(_, needle, offset)| look(needle as usize, at, offset as usize))
    }
}

/// The same for letters that differ only in case.
fn hash(sample: [u8; WIDTH]) -> u16 {
    let folded = u32::from_le_bytes(sample) | 0x2020_2020;
    (folded.wrapping_mul(0x9E37_79B1) >> 16) as u16
}
