//! A few short patterns in one vectorised search.

use aho_corasick::{AhoCorasick, Input, MatchKind, Span, packed};

#[derive(Debug)]
pub(super) enum Engine {
    Packed(Box<packed::Searcher>),
    /// Where the processor has no such instructions, or there are too many patterns.
    Automaton(Box<AhoCorasick>),
}

impl Engine {
    pub fn new<P: AsRef<[u8]>>(patterns: &[P]) -> Self {
        let packed = packed::Config::new()
            .match_kind(packed::MatchKind::LeftmostFirst)
            .builder()
            .extend(patterns)
            .build();
        match packed {
            Some(searcher) => Self::Packed(Box::new(searcher)),
            None => Self::Automaton(Box::new(
                AhoCorasick::builder()
                    .match_kind(MatchKind::LeftmostFirst)
                    .build(patterns)
                    .expect("a few short patterns make an automaton"),
            )),
        }
    }

    /// Calls `found` with the index of a pattern and where it begins, for the first pattern at each place, until it says false.
    /// Answers whether the text was gone through to its end.
    pub fn each(&self, text: &[u8], mut found: impl FnMut(usize, usize) -> bool) -> bool {
        let mut from = 0;
        while let Some((pattern, at)) = self.next(text, from) {
            from = at + 1;
            if !found(pattern, at) {
                return false;
            }
        }
        true
    }

    /// The first pattern at or behind `from`.
    fn next(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        if from >= text.len() {
            return None;
        }
        let span = Span { start: from, end: text.len() };
        match self {
            Self::Packed(searcher) => {
                searcher.find_in(text, span).map(|found| (found.pattern().as_usize(), found.start()))
            }
            Self::Automaton(automaton) => automaton
                .find(Input::new(text).span(span))
                .map(|found| (found.pattern().as_usize(), found.start())),
        }
    }
}
