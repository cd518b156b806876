//! Finds needles in bytes at memory speed.
//!
//! A whole needle, in either case of its letters, would need an automaton that looks at every byte. Long needles are found by
//! [samples](samples): every few bytes four of them are looked up in a small table, which costs the same for one needle and for
//! hundreds. Short ones give a [window](windows) of up to four bytes that goes into one vectorised search. Only where one of these
//! is found is the needle itself compared. Hosts whose letters are escaped are found [by their escapes](spelled).

mod engine;
mod samples;
mod spelled;
mod windows;

use crate::base64::{broken_match, folded_match};
use samples::Samples;
use spelled::{AllSpelled, Escape, Spelled};
use windows::Windows;

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Needle {
    /// These bytes.
    Exact(Vec<u8>),
    /// These bytes, in any case of their ASCII letters.
    AnyCase(Vec<u8>),
    /// Base64 in either alphabet, perhaps broken over lines; of each character some bits may differ.
    Base64 { text: Vec<u8>, free: Vec<u8> },
    /// A host some of whose letters stand as `\u00xx`, `%xx` or entities.
    Spelled(String),
    /// A host some of whose letters stand as `\xx`, as in PHP's `S:` strings.
    PhpHex(String),
}

impl Needle {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Exact(bytes) | Self::AnyCase(bytes) | Self::Base64 { text: bytes, .. } => bytes,
            Self::Spelled(name) | Self::PhpHex(name) => name.as_bytes(),
        }
    }
}

/// A needle that was found, by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    pub start: usize,
    width: u32,
    pub needle: u32,
}

impl Hit {
    fn new(needle: usize, start: usize, end: usize) -> Self {
        // Needles are host names and folders, and there are not many of them.
        Self { start, width: (end - start) as u32, needle: needle as u32 }
    }

    pub fn end(self) -> usize {
        self.start + self.width as usize
    }

    /// The same hit in a text that begins at `base` of this one.
    pub fn from(self, base: usize) -> Self {
        Self { start: self.start - base, ..self }
    }
}

#[derive(Debug)]
pub(crate) struct Finder {
    needles: Vec<Needle>,
    samples: Option<Samples>,
    windows: Option<Windows>,
    spelled: Option<AllSpelled>,
    /// Needles with bytes that an encoding around them would escape.
    escapable: Vec<bool>,
}

impl Finder {
    pub fn new(needles: Vec<Needle>) -> Self {
        let escapable: Vec<bool> =
            needles.iter().map(|needle| needle.bytes().iter().any(|b| b"\\\"'\0".contains(b))).collect();
        let spelled: Vec<Spelled> = needles
            .iter()
            .enumerate()
            .filter_map(|(index, needle)| match needle {
                Needle::Spelled(name) => Some(Spelled::new(index, name, Escape::Letter)),
                Needle::PhpHex(name) => Some(Spelled::new(index, name, Escape::PhpHex)),
                _ => None,
            })
            .collect();
        let spelled = (!spelled.is_empty()).then(|| AllSpelled::new(spelled));
        let whole = |index: usize| !matches!(needles[index], Needle::Spelled(_) | Needle::PhpHex(_));
        let (long, short): (Vec<usize>, Vec<usize>) = (0..needles.len())
            .filter(|index| whole(*index))
            .partition(|index| !escapable[*index] && samples::is_long(&needles[*index]));
        let samples = (!long.is_empty()).then(|| Samples::new(&needles, &long));
        let windows = (!short.is_empty()).then(|| Windows::new(&needles, &short));
        Self { needles, samples, windows, spelled, escapable }
    }

    /// The length of the shortest needle.
    pub fn shortest(&self) -> usize {
        self.needles.iter().map(|needle| needle.bytes().len()).min().unwrap_or(1)
    }

    /// All needles in the text, by their start; overlapping ones as well.
    pub fn hits(&self, text: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.each(text, |_, hit| {
            // Samples of one needle mostly come one after the other.
            hits.extend(hit.filter(|hit| hits.last() != Some(hit)));
            true
        });
        hits.sort_unstable();
        hits.dedup();
        hits
    }

    /// Places at which a needle may stand, escaped or not, in order: for text whose encoding is still on it.
    pub fn candidates(&self, text: &[u8]) -> Vec<usize> {
        let mut places = Vec::new();
        self.each(text, |(needle, at), hit| {
            if hit.is_some() || self.escapable[needle] {
                let place = hit.map_or(at, |hit| hit.start);
                if places.last() != Some(&place) {
                    places.push(place);
                }
            }
            true
        });
        places.sort_unstable();
        places.dedup();
        places
    }

    /// Whether there is any needle at all.
    pub fn has_any(&self, text: &[u8]) -> bool {
        let mut any = false;
        self.each(text, |_, hit| {
            any |= hit.is_some();
            !any
        });
        any
    }

    /// Calls `found` with each place where a needle may be and with the hit if it is there, until it says false. A hit may come
    /// more than once.
    fn each(&self, text: &[u8], mut found: impl FnMut((usize, usize), Option<Hit>) -> bool) {
        let mut look = |needle: usize, at: usize, offset: usize| {
            found((needle, at), self.verify(text, needle, at, offset))
        };
        if let Some(samples) = &self.samples
            && !samples.each(text, &mut look)
        {
            return;
        }
        if let Some(windows) = &self.windows
            && !windows.each(text, &mut look)
        {
            return;
        }
        if let Some(spelled) = &self.spelled {
            spelled
                .each(text, |needle, start, end| found((needle, start), Some(Hit::new(needle, start, end))));
        }
    }

    /// The hit of a needle whose byte at `offset` stands at `at`.
    fn verify(&self, text: &[u8], needle: usize, at: usize, offset: usize) -> Option<Hit> {
        let whole = |bytes: &[u8]| {
            let start = at.checked_sub(offset)?;
            Some((start, text.get(start..start + bytes.len())?))
        };
        let (start, end) = match &self.needles[needle] {
            Needle::Exact(bytes) => {
                let (start, found) = whole(bytes)?;
                (found == bytes).then_some((start, start + bytes.len()))?
            }
            Needle::AnyCase(bytes) => {
                let (start, found) = whole(bytes)?;
                found.eq_ignore_ascii_case(bytes).then_some((start, start + bytes.len()))?
            }
            Needle::Base64 { text: bytes, free } => match whole(bytes) {
                Some((start, found)) if folded_match(found, bytes, free) => (start, start + bytes.len()),
                _ => broken_match(text, at, bytes, free, offset)?,
            },
            Needle::Spelled(_) | Needle::PhpHex(_) => return None,
        };
        Some(Hit::new(needle, start, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finder(words: &[&str]) -> Finder {
        Finder::new(words.iter().map(|word| Needle::AnyCase(word.as_bytes().to_vec())).collect())
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
            assert!(!finder.candidates(text.as_bytes()).is_empty());
        }
        assert!(!finder.has_any(b"old.exmple.com, example,com"));
    }

    #[test]
    fn hundreds_of_needles_have_the_same_answers() {
        for name in ["shop{}.example-site.test", "s{}.x"] {
            let words: Vec<String> = (10..400).map(|n| name.replace("{}", &n.to_string())).collect();
            let finder = finder(&words.iter().map(String::as_str).collect::<Vec<_>>());
            for word in &words {
                let text = format!("go to {} now", word.to_uppercase());
                assert_eq!(finder.hits(text.as_bytes()).len(), 1, "{word}");
            }
        }
    }

    #[test]
    fn short_needles_work_too() {
        assert_eq!(finder(&["a.b"]).hits(b"xA.Bx a.b").len(), 2);
        assert_eq!(finder(&["q"]).hits(b"QQ").len(), 2);
        assert_eq!(finder(&["a.b", "old.example.com"]).hits(b"a.b old.example.com").len(), 2);
    }
}
