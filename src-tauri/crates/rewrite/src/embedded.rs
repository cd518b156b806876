//! Serialized data in the midst of text, plain or escaped: sessions, cookies, attributes of markup.

use std::ops::Range;

use crate::edit::Edits;
use crate::finder::Hit;
use crate::layer::Layer;
use crate::php;
use crate::walk::{Depth, Walk, inside};

impl Walk<'_> {
    /// Adds the edits of serialized data in the text that holds a hit, and says where it lies, from left to right.
    pub fn embedded(
        &mut self,
        layer: &[u8],
        span: &Range<usize>,
        hits: &[Hit],
        depth: Depth,
        edits: &mut Edits,
    ) -> Vec<Range<usize>> {
        let mut islands = Vec::new();
        let Some(last) = hits.last().map(|hit| hit.start) else { return islands };
        let mut at = span.start;
        while at < last {
            let Some(colon) = memchr::memchr2(b':', b'%', &layer[at..last]).map(|found| at + found) else {
                break;
            };
            at = colon + 1;
            let Some(head) = Head::at(layer, span, colon) else { continue };
            let ahead = &hits[hits.partition_point(|hit| hit.start < head.start)..];
            let end = match head.layer {
                None => self.plain_island(layer, span, &head, ahead, depth, edits),
                Some(first) => {
                    // An escape takes at most some twelve bytes for one.
                    let raw = &layer[head.start..span.end.min(head.start.saturating_add(head.reach(12)))];
                    let holds = ahead.first().is_some_and(|hit| hit.end() <= head.start + raw.len());
                    if holds { self.escaped_island(raw, head.start, first, depth, edits) } else { None }
                }
            };
            if let Some(end) = end {
                at = end;
                islands.push(head.start..end);
            }
        }
        islands
    }

    fn plain_island(
        &mut self,
        layer: &[u8],
        span: &Range<usize>,
        head: &Head,
        hits: &[Hit],
        depth: Depth,
        edits: &mut Edits,
    ) -> Option<usize> {
        if self.budget == 0 {
            return None;
        }
        let text = &layer[..span.end];
        let end = match php::end_of(text, head.start) {
            Ok(end) => end,
            Err(place) => {
                self.afford(place - head.start);
                return None;
            }
        };
        let island = head.start..end;
        self.serialized(layer, island.clone(), inside(hits, &island), depth, edits);
        Some(end)
    }

    fn escaped_island(
        &mut self,
        outer: &[u8],
        start: usize,
        first: Layer,
        depth: Depth,
        edits: &mut Edits,
    ) -> Option<usize> {
        if !self.afford(outer.len()) {
            return None;
        }
        // Each encoding, and what it was read from and into.
        let mut layers: Vec<Layer> = Vec::new();
        let mut texts: Vec<Vec<u8>> = Vec::new();
        let mut raw = outer;
        let mut next = Some(first);
        let length = loop {
            let layer = next?;
            if layers.len() == 4 || !self.afford(raw.len()) {
                return None;
            }
            layers.push(layer);
            texts.push(layer.read(raw)?);
            raw = texts.last()?;
            if let Ok(length) = php::end_of(raw, 0) {
                break length;
            }
            next = Head::at(raw, &(0..raw.len()), 1).and_then(|head| head.layer);
        };
        let hits = self.plan.finder.hits(&raw[..length]);
        let mut inner = Edits::default();
        self.serialized(raw, 0..length, &hits, depth, &mut inner)?;
        // The end travels outward as an edit of nothing.
        inner.push(length, length, b"");
        for (index, layer) in layers.iter().enumerate().rev() {
            let (raw, base) = if index == 0 { (outer, start) } else { (&texts[index - 1][..], 0) };
            let mut carried = Edits::default();
            layer.carry(raw, base, &inner, &mut carried);
            inner = carried;
        }
        let last = inner.len() - 1;
        for edit in inner.iter().take(last) {
            edits.push(edit.start, edit.end, edit.with);
        }
        Some(inner.get(last).end)
    }
}

/// The beginning of serialized data: where, the number after its first colon, and how it is escaped.
struct Head {
    start: usize,
    number: usize,
    layer: Option<Layer>,
}

impl Head {
    /// Reads `s:5:"`, `a:3:{` and alike around the first colon, and strings whose quote or colon is escaped.
    fn at(text: &[u8], span: &Range<usize>, colon: usize) -> Option<Self> {
        let start = colon.checked_sub(1).filter(|start| *start >= span.start && colon < span.end)?;
        if !matches!(text[start], b's' | b'S' | b'a' | b'O' | b'C' | b'E') {
            return None;
        }
        if start > span.start && text[start - 1].is_ascii_alphanumeric() {
            let escaped = crate::letter::before(&text[span.start..start], start - span.start);
            if escaped.is_none_or(|letter| letter.ch.is_ascii_alphanumeric()) {
                return None;
            }
        }
        let percent = text[colon] == b'%';
        let width = if percent { colon_width(&text[colon..span.end])? } else { 1 };
        let digits = colon + width;
        let count = text[digits..span.end].iter().take(12).take_while(|b| b.is_ascii_digit()).count();
        let number = std::str::from_utf8(&text[digits..digits + count]).ok()?.parse().ok()?;
        let rest = text.get(digits + count..span.end)?;
        let layer = if percent {
            colon_width(rest)?;
            Some(Layer::Percent)
        } else {
            match rest {
                [b':', b'"' | b'{', ..] => None,
                [b':', b'\\', ..] => Some(Layer::Json { slash: "/", ascii: false }),
                [b':', b'&', ..] => Some(Layer::Html),
                _ => return None,
            }
        };
        Some(Self { start, number, layer })
    }

    /// How far a string of this length can go when each byte takes `width`.
    fn reach(&self, width: usize) -> usize {
        self.number.saturating_mul(width).saturating_add(64)
    }
}

/// The length of an encoded colon: `%3A`, `%253A`.
fn colon_width(text: &[u8]) -> Option<usize> {
    crate::letter::after(text, 0).filter(|letter| letter.ch == ':').map(|letter| letter.end)
}

/// Whether the whole text looks as if a program had serialized it.
pub(crate) fn looks_serialized(text: &[u8]) -> bool {
    Head::at(text, &(0..text.len()), 1).is_some_and(|head| head.start == 0 && head.layer.is_none())
}
