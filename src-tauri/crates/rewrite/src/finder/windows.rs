//! Short needles by windows: up to four bytes of each, rare in real data, in every spelling, in one vectorised search.

use crate::base64;

use super::Needle;
use super::engine::Engine;

const WINDOW: usize = 4;

#[derive(Debug)]
pub(super) struct Windows {
    engine: Engine,
    /// For each pattern of the engine: the needles it stands for, and where in them it lies.
    owners: Vec<Vec<(usize, usize)>>,
}

impl Windows {
    pub fn new(needles: &[Needle], short: &[usize]) -> Self {
        let mut patterns: Vec<Vec<u8>> = Vec::new();
        let mut owners: Vec<Vec<(usize, usize)>> = Vec::new();
        for &index in short {
            let (offset, length) = rarest_window(needles[index].bytes());
            for spelling in spellings(&needles[index], offset, length) {
                if let Some(known) = patterns.iter().position(|known| *known == spelling) {
                    owners[known].push((index, offset));
                } else {
                    patterns.push(spelling);
                    owners.push(vec![(index, offset)]);
                }
            }
        }
        Self { engine: Engine::new(&patterns), owners }
    }

    /// Calls `look` with a needle, the place of its window, and the window's place in the needle, until it says false. Answers
    /// whether the text was gone through to its end.
    pub fn each(&self, text: &[u8], look: &mut impl FnMut(usize, usize, usize) -> bool) -> bool {
        self.engine.each(text, |pattern, at| {
            self.owners[pattern].iter().all(|&(needle, offset)| look(needle, at, offset))
        })
    }
}

fn spellings(needle: &Needle, offset: usize, length: usize) -> Vec<Vec<u8>> {
    let window = offset..offset + length;
    match needle {
        Needle::Base64 { text, free } => base64::spellings(&text[window.clone()], &free[window]),
        Needle::AnyCase(bytes) => any_case(&bytes[window]),
        _ => vec![needle.bytes()[window].to_vec()],
    }
}

/// A window in every mix of case.
fn any_case(window: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::with_capacity(window.len())];
    for &byte in window {
        let (lower, upper) = (byte.to_ascii_lowercase(), byte.to_ascii_uppercase());
        let mut more = Vec::new();
        for spelling in &mut all {
            if lower != upper {
                let mut twin = spelling.clone();
                twin.push(upper);
                more.push(twin);
            }
            spelling.push(lower);
        }
        all.append(&mut more);
    }
    all
}

/// Where the rarest window of a needle lies, and its length. Bytes that a format may escape are avoided, so that the
/// window also stands in the escaped form.
fn rarest_window(bytes: &[u8]) -> (usize, usize) {
    let mut best = (0, bytes.len().min(1));
    let mut least = f64::MAX;
    for length in (1..=WINDOW.min(bytes.len())).rev() {
        for offset in 0..=bytes.len() - length {
            let window = &bytes[offset..offset + length];
            if window.iter().any(|b| b"\\\"'/\0".contains(b)) {
                continue;
            }
            let common = COMMON.iter().any(|word| overlap(window, word));
            let weight =
                window.iter().map(|b| frequency(*b)).product::<f64>() * if common { 50.0 } else { 1.0 };
            if weight < least {
                (best, least) = ((offset, length), weight);
            }
        }
        if least < f64::MAX {
            break;
        }
    }
    best
}

/// Pieces that stand all over web data.
const COMMON: [&[u8]; 14] = [
    b".com", b".org", b".net", b"www.", b"http", b"wp-c", b"wp-i", b"/var", b"html", b"cont", b"site",
    b"blog", b"home", b"exam",
];

fn overlap(window: &[u8], word: &[u8]) -> bool {
    window.eq_ignore_ascii_case(word)
        || (window.len() == WINDOW && window[1..].eq_ignore_ascii_case(&word[..3]))
}

/// Roughly how often a byte stands in markup and prose, out of one.
fn frequency(byte: u8) -> f64 {
    match byte.to_ascii_lowercase() {
        b'e' => 0.10,
        b't' | b'a' | b'i' | b'o' | b'n' | b's' => 0.07,
        b'r' | b'l' => 0.05,
        b'd' | b'c' | b'u' | b'm' | b'p' => 0.03,
        b'h' => 0.035,
        b'f' | b'g' | b'w' | b'y' | b'b' | b'v' | b'-' | b'.' => 0.015,
        b'0'..=b'9' => 0.02,
        b'k' => 0.006,
        b'x' | b'j' | b'q' | b'z' => 0.003,
        _ => 0.01,
    }
}
