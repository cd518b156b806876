//! Changes as spans: what is not in a span stays byte for byte as it was.

use std::ops::Range;

/// Replace the bytes from `start` to `end` by `with`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pub start: usize,
    pub end: usize,
    pub with: Vec<u8>,
}

impl Edit {
    /// By how much the text gets longer.
    fn growth(&self) -> isize {
        self.with.len() as isize - (self.end - self.start) as isize
    }
}

/// By how much all of the edits make the text longer.
pub(crate) fn growth(edits: &[Edit]) -> isize {
    edits.iter().map(Edit::growth).sum()
}

/// The bytes of `span` with the edits, which lie in it, are sorted and do not overlap.
pub(crate) fn apply(layer: &[u8], span: Range<usize>, edits: &[Edit]) -> Vec<u8> {
    let mut out = Vec::with_capacity((span.len() as isize + growth(edits)).max(0) as usize);
    apply_into(&mut out, layer, span, edits);
    out
}

/// Like [`apply`], behind what `out` already holds.
pub(crate) fn apply_into(out: &mut Vec<u8>, layer: &[u8], span: Range<usize>, edits: &[Edit]) {
    let mut place = span.start;
    for edit in edits {
        out.extend_from_slice(&layer[place..edit.start]);
        out.extend_from_slice(&edit.with);
        place = edit.end;
    }
    out.extend_from_slice(&layer[place..span.end]);
}
