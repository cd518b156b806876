//! Text of any kind: markup, style sheets, shortcodes, logs. Addresses are found in their forms; serialized data that
//! stands in the midst of text, plain or escaped, and Base64 are taken out first and treated as what they are.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::edit::{Edit, apply};
use crate::finder::Hit;
use crate::layer::{Layer, Plain};
use crate::occurrence::{self, Occurrence};
use crate::php;
use crate::plan::Meaning;
use crate::report::{Container, Form, Reason};
use crate::walk::{Depth, Walk, inside};

/// Something in a text that may be changed.
enum Find {
    Address(Occurrence),
    Base64(Range<usize>, Hit),
}

impl Find {
    fn span(&self) -> Range<usize> {
        match self {
            Self::Address(occurrence) => occurrence.start..occurrence.end,
            Self::Base64(span, _) => span.clone(),
        }
    }
}

impl Walk<'_> {
    /// The edits of a text. `hits` are those that lie in the span.
    pub fn text(&mut self, layer: &[u8], span: Range<usize>, hits: &[Hit], depth: Depth) -> Vec<Edit> {
        let text = &layer[span.clone()];
        let mut edits = Vec::new();
        let mut left: Vec<Hit> = Vec::new();
        let mut place = span.start;
        let mut rest = hits;
        let (mut outside, mut whole) = (false, false);
        for island in self.islands(layer, &span, hits, depth) {
            let before = rest.partition_point(|hit| hit.start < island.span.start);
            left.extend(&rest[..before]);
            outside |= layer[place..island.span.start].contains(&0);
            rest = &rest[before..];
            rest = &rest[rest.partition_point(|hit| hit.start < island.span.end)..];
            place = island.span.end;
            whole |= island.span.start == span.start && layer[place..span.end].trim_ascii().is_empty();
            edits.extend(island.edits);
        }
        left.extend(rest);
        outside |= layer[place..span.end].contains(&0);
        if !whole && looks_serialized(text) {
            self.note(Reason::BrokenSerialized, layer, hits[0]);
        }
        if left.is_empty() {
            return edits;
        }
        if outside {
            self.note(Reason::Binary, layer, left[0]);
            return edits;
        }
        let finds = self.finds(text, span.start, &left);
        self.take(text, span.start, finds, depth, &mut edits);
        edits.sort_unstable_by_key(|edit| edit.start);
        edits
    }

    /// What the needles lead to, leftmost first and then longest; some may overlap.
    fn finds(&self, text: &[u8], base: usize, hits: &[Hit]) -> Vec<Find> {
        let mut finds: Vec<Find> = Vec::new();
        let mut island = 0..0;
        for hit in hits.iter().filter(|hit| hit.end <= base + text.len()) {
            let hit = Hit { start: hit.start - base, end: hit.end - base, ..*hit };
            for meaning in &self.plan.meanings[hit.needle] {
                match *meaning {
                    Meaning::Host { host, spelling } => {
                        finds.extend(
                            occurrence::host(self.plan, text, hit, host, spelling).map(Find::Address),
                        );
                    }
                    Meaning::Folder(folder) => {
                        let folder = &self.plan.folders[folder];
                        finds.extend(occurrence::folder(text, hit, folder).map(Find::Address));
                    }
                    Meaning::Base64 { .. } => {
                        // One look at an island is enough, however many hits lie in it.
                        if hit.start >= island.end {
                            island = base64_around(text, hit);
                            finds.push(Find::Base64(island.clone(), hit));
                        }
                    }
                }
            }
        }
        finds.sort_by_key(|find| {
            let span = find.span();
            (span.start, std::cmp::Reverse(span.end))
        });
        finds
    }

    fn take(&mut self, text: &[u8], base: usize, finds: Vec<Find>, depth: Depth, edits: &mut Vec<Edit>) {
        let mut place = 0;
        for find in finds {
            let span = find.span();
            if span.start < place {
                continue;
            }
            match find {
                Find::Address(found) => {
                    place = span.end;
                    if !found.edits.is_empty() {
                        self.count(found.form, depth);
                    }
                    edits.extend(found.edits.into_iter().map(|edit| Edit {
                        start: edit.start + base,
                        end: edit.end + base,
                        ..edit
                    }));
                }
                Find::Base64(span, hit) => {
                    if let Some(with) = self.base64(text, &span, hit, depth) {
                        place = span.end;
                        edits.push(Edit { start: span.start + base, end: span.end + base, with });
                    }
                }
            }
        }
    }

    /// The new Base64 of an island, if what it holds is text that changes.
    fn base64(&mut self, text: &[u8], span: &Range<usize>, hit: Hit, depth: Depth) -> Option<Vec<u8>> {
        let raw = &text[span.clone()];
        let phase_fits = |meaning: &Meaning| match *meaning {
            Meaning::Base64 { phase } => (hit.start - span.start) % 4 == phase,
            _ => false,
        };
        let mut plain = None;
        if self.plan.meanings[hit.needle].iter().any(phase_fits) {
            plain = ENGINES.iter().find_map(|engine| {
                let decoded = engine.decode(raw).ok()?;
                (engine.encode(&decoded).as_bytes() == raw).then_some((engine, decoded))
            });
        }
        let Some((engine, plain)) = plain else {
            self.note(Reason::OddBase64, text, hit);
            return None;
        };
        if is_signed(text, span) {
            self.note(Reason::SignedToken, text, hit);
            return None;
        }
        let inner = self.decoded(&plain, depth.into(Container::Base64));
        if inner.is_empty() {
            return None;
        }
        self.count(Form::Base64, depth);
        Some(engine.encode(apply(&plain, 0..plain.len(), &inner)).into_bytes())
    }

    /// Serialized data in the text that holds a hit, from left to right, with its edits.
    fn islands(&mut self, layer: &[u8], span: &Range<usize>, hits: &[Hit], depth: Depth) -> Vec<Island> {
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
            let found = match head.layer {
                None => self.plain_island(layer, span, &head, ahead, depth),
                Some(first) => self.escaped_island(layer, span, &head, first, ahead, depth),
            };
            if let Some(island) = found {
                at = island.span.end;
                islands.push(island);
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
    ) -> Option<Island> {
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
        let edits = self.serialized(layer, island.clone(), inside(hits, &island), depth).unwrap_or_default();
        Some(Island { span: island, edits })
    }

    fn escaped_island(
        &mut self,
        layer: &[u8],
        span: &Range<usize>,
        head: &Head,
        first: Layer,
        hits: &[Hit],
        depth: Depth,
    ) -> Option<Island> {
        // An escape takes at most some twelve bytes for one.
        let end = span.end.min(head.start.saturating_add(head.reach(12)));
        if hits.first().is_none_or(|hit| hit.end > end) || !self.afford(end - head.start) {
            return None;
        }
        let mut layers: Vec<(Layer, Plain)> = Vec::new();
        let mut layer_next = Some(first);
        let mut raw = &layer[head.start..end];
        let mut length = None;
        while let (Some(next), None) = (layer_next, length) {
            if layers.len() == 4 || !self.afford(raw.len()) {
                return None;
            }
            layers.push((next, next.read(raw)?));
            raw = &layers[layers.len() - 1].1.bytes;
            length = php::end_of(raw, 0).ok();
            layer_next = Head::at(raw, &(0..raw.len()), 1).and_then(|head| head.layer);
        }
        let length = length?;
        let plain = &layers[layers.len() - 1].1.bytes;
        let hits = self.plan.finder.hits(&plain[..length]);
        let mut edits = self.serialized(plain, 0..length, &hits, depth)?;
        // The end travels outward as an edit of nothing.
        edits.push(Edit { start: length, end: length, with: Vec::new() });
        for (index, (layer, plain)) in layers.iter().enumerate().rev() {
            edits = plain.carry(*layer, edits, if index == 0 { head.start } else { 0 });
        }
        let end = edits.pop()?.end;
        Some(Island { span: head.start..end, edits })
    }
}

/// Serialized data in the midst of a text.
struct Island {
    span: Range<usize>,
    edits: Vec<Edit>,
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
                [b':', b'\\', ..] => Some(Layer::Json { slashes: false, ascii: false }),
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
fn looks_serialized(text: &[u8]) -> bool {
    Head::at(text, &(0..text.len()), 1).is_some_and(|head| head.start == 0 && head.layer.is_none())
}

/// Base64 in both alphabets, each with padding and without.
static ENGINES: [GeneralPurpose; 4] = [
    engine(&alphabet::STANDARD, true),
    engine(&alphabet::STANDARD, false),
    engine(&alphabet::URL_SAFE, true),
    engine(&alphabet::URL_SAFE, false),
];

const fn engine(alphabet: &alphabet::Alphabet, padded: bool) -> GeneralPurpose {
    let mode = if padded { DecodePaddingMode::RequireCanonical } else { DecodePaddingMode::RequireNone };
    let config = GeneralPurposeConfig::new().with_encode_padding(padded).with_decode_padding_mode(mode);
    GeneralPurpose::new(alphabet, config)
}

/// The run of Base64 characters around a hit, with its padding.
pub(crate) fn base64_around(text: &[u8], hit: Hit) -> Range<usize> {
    let of_base64 = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_');
    let start = hit.start - text[..hit.start].iter().rev().take_while(|b| of_base64(b)).count();
    let mut end = hit.end + text[hit.end..].iter().take_while(|b| of_base64(b)).count();
    while end < text.len() && text[end] == b'=' && !(end - start).is_multiple_of(4) {
        end += 1;
    }
    start..end
}

/// Decodes an island for looking only.
pub(crate) fn decode_base64(raw: &[u8]) -> Option<Vec<u8>> {
    ENGINES.iter().find_map(|engine| engine.decode(raw).ok())
}

/// A part of `header.payload.signature`.
fn is_signed(text: &[u8], span: &Range<usize>) -> bool {
    let dot = |at: Option<&u8>| at == Some(&b'.');
    let token = span.start
        - text[..span.start].iter().rev().take_while(|b| !b.is_ascii_whitespace()).take(4096).count();
    (dot(text.get(span.end)) || span.start > 0 && dot(text.get(span.start - 1)))
        && memchr::memmem::find(&text[token..span.end], b"eyJ").is_some()
}
