//! Finds needles in bytes at memory speed.
//!
//! A whole needle, in either case of its letters, would need an automaton that looks at every byte. Instead each needle
//! gives a window of up to four bytes that is rare in real data; all spellings of all windows go into one vectorised
//! search, and only where a window stands is the needle itself compared.

use aho_corasick::{AhoCorasick, Input, MatchKind, Span, packed};

/// What to look for.
#[derive(Debug, Clone)]
pub(crate) struct Needle {
    pub bytes: Vec<u8>,
    /// Base64 means other bytes in the other case.
    pub exact_case: bool,
}

/// A needle that was found, by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    pub needle: usize,
    pub start: usize,
    pub end: usize,
}

#[derive(Debug)]
pub(crate) struct Finder {
    needles: Vec<Needle>,
    engine: Engine,
    /// For each window pattern of the engine: the needles it stands for, and where in them it lies.
    owners: Vec<Vec<(usize, usize)>>,
    /// Needles with bytes that an encoding around them would escape.
    escapable: Vec<bool>,
}

#[derive(Debug)]
enum Engine {
    Packed(Box<packed::Searcher>),
    Automaton(Box<AhoCorasick>),
}

const WINDOW: usize = 4;

impl Finder {
    pub fn new(needles: Vec<Needle>) -> Self {
        let mut patterns: Vec<Vec<u8>> = Vec::new();
        let mut owners: Vec<Vec<(usize, usize)>> = Vec::new();
        for (index, needle) in needles.iter().enumerate() {
            let (offset, length) = rarest_window(&needle.bytes);
            for spelling in spellings(&needle.bytes[offset..offset + length], needle.exact_case) {
                if let Some(known) = patterns.iter().position(|known| *known == spelling) {
                    owners[known].push((index, offset));
                } else {
                    patterns.push(spelling);
                    owners.push(vec![(index, offset)]);
                }
            }
        }
        let packed = packed::Config::new()
            .match_kind(packed::MatchKind::LeftmostFirst)
            .builder()
            .extend(&patterns)
            .build();
        let engine = match packed {
            Some(searcher) => Engine::Packed(Box::new(searcher)),
            None => Engine::Automaton(Box::new(
                AhoCorasick::builder()
                    .match_kind(MatchKind::LeftmostFirst)
                    .build(&patterns)
                    .expect("a few short patterns make an automaton"),
            )),
        };
        let escapable =
            needles.iter().map(|needle| needle.bytes.iter().any(|b| b"\\\"'\0".contains(b))).collect();
        Self { needles, engine, owners, escapable }
    }

    pub fn needles(&self) -> &[Needle] {
        &self.needles
    }

    /// All needles in the text, by their start; overlapping ones as well.
    pub fn hits(&self, text: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        let mut from = 0;
        while let Some((pattern, at)) = self.window(text, from) {
            from = at + 1;
            for &(needle, offset) in &self.owners[pattern] {
                if let Some(hit) = self.verify(text, needle, at, offset) {
                    hits.push(hit);
                }
            }
        }
        hits.sort_unstable_by_key(|hit| (hit.start, hit.needle));
        hits
    }

    /// Places at which a needle may stand, escaped or not: for text whose encoding is still on it.
    pub fn candidates(&self, text: &[u8]) -> Vec<usize> {
        let mut places = Vec::new();
        let mut from = 0;
        while let Some((pattern, at)) = self.window(text, from) {
            from = at + 1;
            let may_be = |&(needle, offset): &(usize, usize)| {
                self.escapable[needle] || self.verify(text, needle, at, offset).is_some()
            };
            if self.owners[pattern].iter().any(may_be) {
                places.push(at);
            }
        }
        places
    }

    /// Whether there is any needle at all.
    pub fn has_any(&self, text: &[u8]) -> bool {
        let mut from = 0;
        while let Some((pattern, at)) = self.window(text, from) {
            from = at + 1;
            if self.owners[pattern]
                .iter()
                .any(|&(needle, offset)| self.verify(text, needle, at, offset).is_some())
            {
                return true;
            }
        }
        false
    }

    /// The first window at or behind `from`.
    fn window(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        if from >= text.len() {
            return None;
        }
        let span = Span { start: from, end: text.len() };
        match &self.engine {
            Engine::Packed(searcher) => {
                searcher.find_in(text, span).map(|found| (found.pattern().as_usize(), found.start()))
            }
            Engine::Automaton(automaton) => automaton
                .find(Input::new(text).span(span))
                .map(|found| (found.pattern().as_usize(), found.start())),
        }
    }

    fn verify(&self, text: &[u8], needle: usize, at: usize, offset: usize) -> Option<Hit> {
        let Needle { bytes, exact_case } = &self.needles[needle];
        let start = at.checked_sub(offset)?;
        let found = text.get(start..start + bytes.len())?;
        let same = if *exact_case { found == bytes } else { found.eq_ignore_ascii_case(bytes) };
        same.then_some(Hit { needle, start, end: start + bytes.len() })
    }
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

/// A window in every mix of case.
fn spellings(window: &[u8], exact_case: bool) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::with_capacity(window.len())];
    for &byte in window {
        let other =
            if byte.is_ascii_uppercase() { byte.to_ascii_lowercase() } else { byte.to_ascii_uppercase() };
        let mut more = Vec::new();
        for spelling in &mut all {
            if !exact_case && other != byte {
                let mut twin = spelling.clone();
                twin.push(other);
                more.push(twin);
            }
            spelling.push(byte);
        }
        all.append(&mut more);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finder(words: &[&str]) -> Finder {
        Finder::new(
            words.iter().map(|w| Needle { bytes: w.as_bytes().to_vec(), exact_case: false }).collect(),
        )
    }

    #[test]
    fn needles_are_found_in_any_case_at_any_place() {
        let finder = finder(&["old.example.com", "example.com"]);
        for lead in 0..70 {
            let text = format!("{}OLD.example.Com{}", "x".repeat(lead), "y".repeat(lead % 9));
            let hits = finder.hits(text.as_bytes());
            assert_eq!(hits.len(), 2);
            assert_eq!((hits[0].start, hits[1].start), (lead, lead + 4));
            assert!(finder.has_any(text.as_bytes()));
        }
        assert!(!finder.has_any(b"old.exmple.com, example,com"));
    }

    #[test]
    fn many_needles_fall_back_to_an_automaton_with_the_same_answers() {
        let words: Vec<String> = (0..90).map(|n| format!("shop{n:02}.example-{n:02}.test")).collect();
        let finder = finder(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(matches!(finder.engine, Engine::Automaton(_)));
        for word in &words {
            let text = format!("go to {} now", word.to_uppercase());
            assert_eq!(finder.hits(text.as_bytes()).len(), 1, "{word}");
        }
    }

    #[test]
    fn short_needles_work_too() {
        assert_eq!(finder(&["a.b"]).hits(b"xA.Bx a.b").len(), 2);
        assert_eq!(finder(&["q"]).hits(b"QQ").len(), 2);
    }
}
