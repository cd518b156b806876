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

/// So many samples are looked up together, which lie within so many bytes.
const TOGETHER: usize = 8;
const REACH: usize = (TOGETHER - 1) * LONGEST_STEP + WIDTH;

/// The first bits of a hash by which entries are grouped.
const BUCKETS: u32 = 12;

#[derive(Debug)]
pub(super) struct Samples {
    step: usize,
    /// How many bits of a hash are left out, so that the table has room for all entries and still fits the processor's caches.
    shift: u32,
    /// A bit for each value of the hash.
    bits: Vec<u64>,
    /// Hash, needle, and the place of the sample in it; sorted.
    entries: Vec<(u32, u32, u32)>,
    /// Where the entries begin whose hash has the same first bits.
    buckets: Vec<u32>,
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
        let mut samples = Self { step, shift: 0, bits: Vec::new(), entries: Vec::new(), buckets: Vec::new() };
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
        samples.settle();
        samples
    }

    fn add(&mut self, bytes: &[u8], needle: usize, offset: usize) {
        if let Some(sample) = bytes.first_chunk() {
            self.entries.push((hash(*sample), needle as u32, offset as u32));
        }
    }

    /// Builds the tables for the entries there are.
    fn settle(&mut self) {
        let size = (self.entries.len() * 64).next_power_of_two().ilog2().clamp(16, 22);
        self.shift = 32 - size;
        self.bits = vec![0; 1 << (size - 6)];
        for entry in &mut self.entries {
            entry.0 >>= self.shift;
            self.bits[entry.0 as usize >> 6] |= 1 << (entry.0 & 63);
        }
        self.entries.sort_unstable();
        self.entries.dedup();
        self.buckets = (0..=1_u32 << BUCKETS)
            .map(|bucket| self.entries.partition_point(|entry| entry.0 >> (size - BUCKETS) < bucket) as u32)
            .collect();
    }

    /// Calls `look` with a needle, the place of a sample of it, and that sample's place in the needle, until it says false.
    /// Answers whether the text was gone through to its end.
    pub fn each(&self, text: &[u8], look: &mut impl FnMut(usize, usize, usize) -> bool) -> bool {
        match self.step {
            8.. => self.each_by::<8>(text, look),
            7 => self.each_by::<7>(text, look),
            6 => self.each_by::<6>(text, look),
            5 => self.each_by::<5>(text, look),
            4 => self.each_by::<4>(text, look),
            _ => self.each_by::<SHORTEST_STEP>(text, look),
        }
    }

    fn each_by<const STEP: usize>(
        &self,
        text: &[u8],
        look: &mut impl FnMut(usize, usize, usize) -> bool,
    ) -> bool {
        let mut at = 0;
        // Several at a time, with one question for all of them.
        while let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk::<REACH>()) {
            let any = (0..TOGETHER).map(|index| index * STEP).fold(0, |any, place| {
                any | self.known([chunk[place], chunk[place + 1], chunk[place + 2], chunk[place + 3]])
            });
            if any & 1 == 1 && !(0..TOGETHER).all(|index| self.look(text, at + index * STEP, look)) {
                return false;
            }
            at += TOGETHER * STEP;
        }
        while at + WIDTH <= text.len() {
            if !self.look(text, at, look) {
                return false;
            }
            at += STEP;
        }
        true
    }

    /// Whether a sample is in the table, in the lowest bit.
    #[inline]
    fn known(&self, sample: [u8; WIDTH]) -> u64 {
        let hash = hash(sample) >> self.shift;
        self.bits[hash as usize >> 6] >> (hash & 63)
    }

    fn look(&self, text: &[u8], at: usize, look: &mut impl FnMut(usize, usize, usize) -> bool) -> bool {
        let Some(&sample) = text[at..].first_chunk().filter(|sample| self.known(**sample) & 1 == 1) else {
            return true;
        };
        let hash = hash(sample) >> self.shift;
        let bucket = (hash >> (32 - self.shift - BUCKETS)) as usize;
        self.entries[self.buckets[bucket] as usize..self.buckets[bucket + 1] as usize]
            .iter()
            .filter(|entry| entry.0 == hash)
            .all(|&(_, needle, offset)| look(needle as usize, at, offset as usize))
    }
}

/// The same for letters that differ only in case.
#[inline]
fn hash(sample: [u8; WIDTH]) -> u32 {
    (u32::from_le_bytes(sample) | 0x2020_2020).wrapping_mul(0x9E37_79B1)
}
