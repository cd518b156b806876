//! Changes as spans: what is not in a span stays byte for byte as it was.

use std::ops::Range;

/// Changes of one layer. Most say the same as one just before them, so a text that is written again soon is kept once: a value
/// that is full of addresses takes sixteen bytes for each.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    spans: Vec<Span>,
    /// Where each text ends in `bytes`; it starts where the one before it ends.
    ends: Vec<usize>,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    length: u32,
    text: u32,
}

/// One change: the bytes from `start` to `end` become `with`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edit<'e> {
    pub start: usize,
    pub end: usize,
    pub with: &'e [u8],
}

/// How many of the last texts are looked at for one that is written again.
const RECENT: usize = 4;

/// The longest span that one edit can take, and the longest text.
pub(crate) const LONGEST: usize = u32::MAX as usize;

impl Edits {
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Adds a change of at most [`LONGEST`] bytes.
    pub fn push(&mut self, start: usize, end: usize, with: &[u8]) {
        let text = self.keep(with);
        let length = u32::try_from(end - start).expect("spans are limited");
        self.spans.push(Span { start, length, text });
    }

    fn keep(&mut self, with: &[u8]) -> u32 {
        let known = (0..self.ends.len()).rev().take(RECENT).find(|index| self.text(*index) == with);
        let index = known.unwrap_or_else(|| {
            self.bytes.extend_from_slice(with);
            self.ends.push(self.bytes.len());
            self.ends.len() - 1
        });
        u32::try_from(index).expect("fewer texts than bytes")
    }

    fn text(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }

    /// Gives the change at `index` another text.
    pub fn set(&mut self, index: usize, with: &[u8]) {
        self.spans[index].text = self.keep(with);
    }

    pub fn get(&self, index: usize) -> Edit<'_> {
        self.read(self.spans[index])
    }

    fn read(&self, span: Span) -> Edit<'_> {
        Edit {
            start: span.start,
            end: span.start + span.length as usize,
            with: self.text(span.text as usize),
        }
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Edit<'_>> {
        self.from(0)
    }

    /// The changes from `index` on.
    pub fn from(&self, index: usize) -> impl DoubleEndedIterator<Item = Edit<'_>> {
        self.spans[index..].iter().map(|span| self.read(*span))
    }

    /// Forgets all changes from `index` on.
    pub fn truncate(&mut self, index: usize) {
        self.spans.truncate(index);
        if index == 0 {
            self.ends.clear();
            self.bytes.clear();
        }
    }

    /// Forgets the change at `index`.
    pub fn remove(&mut self, index: usize) {
        self.spans.remove(index);
    }

    /// Brings the changes from `index` on into the order of their places.
    pub fn sort_from(&mut self, index: usize) {
        self.spans[index..].sort_by_key(|span| span.start);
    }

    /// By how much the changes from `index` on make the text longer.
    pub fn growth_from(&self, index: usize) -> isize {
        self.from(index).map(|edit| edit.with.len() as isize - (edit.end - edit.start) as isize).sum()
    }

    /// The bytes of `span` with the changes from `index` on, which lie in it, are sorted and do not overlap.
    pub fn apply_from(&self, index: usize, layer: &[u8], span: Range<usize>) -> Vec<u8> {
        let growth = self.growth_from(index);
        let mut out = Vec::with_capacity((span.len() as isize + growth).max(0) as usize);
        let mut place = span.start;
        for edit in self.from(index) {
            out.extend_from_slice(&layer[place..edit.start]);
            out.extend_from_slice(edit.with);
            place = edit.end;
        }
        out.extend_from_slice(&layer[place..span.end]);
        out
    }

    /// The bytes of `span` with all changes.
    pub fn apply(&self, layer: &[u8], span: Range<usize>) -> Vec<u8> {
        self.apply_from(0, layer, span)
    }

    /// The same, behind what `out` already holds.
    pub fn apply_into(&self, out: &mut Vec<u8>, layer: &[u8]) {
        let mut place = 0;
        for edit in self.iter() {
            out.extend_from_slice(&layer[place..edit.start]);
            out.extend_from_slice(edit.with);
            place = edit.end;
        }
        out.extend_from_slice(&layer[place..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_change_and_everything_else_stays() {
        let mut edits = Edits::default();
        edits.push(6, 7, b"YY");
        edits.push(1, 3, b"");
        edits.push(9, 9, b"Z");
        edits.sort_from(0);
        assert_eq!(edits.growth_from(0), 0);
        assert_eq!(edits.apply(b"0123456789", 0..10), b"0345YY78Z9");
        edits.truncate(1);
        assert_eq!(edits.apply(b"0123456789", 1..4), b"3");
    }

    #[test]
    fn a_text_that_is_written_again_is_kept_once() {
        let mut edits = Edits::default();
        for at in 0..100 {
            edits.push(at * 10, at * 10 + 3, b"the same");
        }
        assert_eq!(edits.bytes.len(), 8);
        edits.set(50, b"another");
        assert_eq!(edits.get(50).with, b"another");
        assert_eq!(edits.get(51).with, b"the same");
    }
}
