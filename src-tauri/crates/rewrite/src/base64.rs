//! The characters of Base64: what of a host name is sure to stand in them, and how they are compared over capitals and line breaks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// The characters of Base64 that are sure wherever `bytes` stand in a group of three, and the bits of each that are free because
/// a letter of `bytes` may be a capital. With each comes the place of its first character in a group of four.
pub(crate) fn sure_texts(bytes: &[u8], any_case: bool) -> Vec<(Vec<u8>, Vec<u8>, usize)> {
    let mut all = Vec::new();
    for lead in 0..3 {
        let mut padded = vec![0; lead];
        padded.extend_from_slice(bytes);
        let text = STANDARD_NO_PAD.encode(&padded);
        let mut free = vec![0; text.len()];
        for (index, byte) in padded.iter().enumerate() {
            // 0x20, the third bit of a byte, tells small letters from capitals.
            let bit = index * 8 + 2;
            if any_case && byte.is_ascii_alphabetic() {
                free[bit / 6] |= 0x20 >> (bit % 6);
            }
        }
        let (from, to) = ((lead * 8).div_ceil(6), padded.len() * 8 / 6);
        if to >= from + 3 {
            all.push((text.as_bytes()[from..to].to_vec(), free[from..to].to_vec(), from % 4));
        }
    }
    all
}

/// The standard alphabet.
pub(crate) const CHARACTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The six bits of each character in either alphabet; 0xFF is none.
const SEXTETS: [u8; 256] = {
    let mut sextets = [0xFF; 256];
    let mut value = 0;
    while value < 64 {
        sextets[CHARACTERS[value] as usize] = value as u8;
        value += 1;
    }
    sextets[b'-' as usize] = 62;
    sextets[b'_' as usize] = 63;
    sextets
};

/// The six bits of a character of either alphabet; 0xFF for any other.
pub(crate) fn sextet(character: u8) -> u8 {
    SEXTETS[usize::from(character)]
}

fn same(found: u8, wanted: u8, free: u8) -> bool {
    let value = sextet(found);
    value != 0xFF && (value ^ sextet(wanted)) & !free == 0
}

/// Whether a text is the wanted one in all bits that are not free.
pub(crate) fn folded_match(found: &[u8], wanted: &[u8], free: &[u8]) -> bool {
    found.iter().zip(wanted).zip(free).all(|((found, wanted), free)| same(*found, *wanted, *free))
}

/// The same for a text that is broken over lines: from the place of its character at `offset` in both directions.
pub(crate) fn broken_match(
    text: &[u8],
    at: usize,
    wanted: &[u8],
    free: &[u8],
    offset: usize,
) -> Option<(usize, usize)> {
    let (mut end, mut next) = (at, offset);
    while next < wanted.len() {
        if let Some(length) = line_break_after(text, end) {
            end += length;
        } else if same(*text.get(end)?, wanted[next], free[next]) {
            end += 1;
            next += 1;
        } else {
            return None;
        }
    }
    let (mut start, mut left) = (at, offset);
    while left > 0 {
        if let Some(length) = line_break_before(text, start) {
            start -= length;
        } else if start > 0 && same(text[start - 1], wanted[left - 1], free[left - 1]) {
            start -= 1;
            left -= 1;
        } else {
            return None;
        }
    }
    Some((start, end))
}

/// The length of one part of a line break: `\r`, `\n`, or either in its escaped form.
pub(crate) fn line_break_after(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let slashes = rest.iter().take(9).take_while(|b| **b == b'\\').count();
    match (slashes, rest.get(slashes)?) {
        (0, b'\r' | b'\n') => Some(1),
        (1.., b'r' | b'n') => Some(slashes + 1),
        _ => None,
    }
}

pub(crate) fn line_break_before(text: &[u8], at: usize) -> Option<usize> {
    match *text.get(at.checked_sub(1)?)? {
        b'\r' | b'\n' => Some(1),
        b'r' | b'n' => {
            let slashes = text[..at - 1].iter().rev().take(9).take_while(|b| **b == b'\\').count();
            (slashes > 0).then_some(slashes + 1)
        }
        _ => None,
    }
}

/// All ways to write a piece of Base64: its free bits both ways, its special characters in both alphabets.
pub(crate) fn spellings(window: &[u8], free: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::with_capacity(window.len())];
    for (&character, &free) in window.iter().zip(free) {
        // At most one bit of a character is free: a letter's third bit lies in one of them.
        let value = sextet(character);
        let mut choices = Vec::with_capacity(3);
        for value in [Some(value), (free != 0).then_some(value ^ free)].into_iter().flatten() {
            choices.push(CHARACTERS[usize::from(value)]);
            match value {
                62 => choices.push(b'-'),
                63 => choices.push(b'_'),
                _ => {}
            }
        }
        all = all
            .iter()
            .flat_map(|start| {
                choices.iter().map(move |choice| {
                    let mut longer = start.clone();
                    longer.push(*choice);
                    longer
                })
            })
            .collect();
    }
    all
}
