//! The walk through one value: which format it is, which strings in it hold a needle, and the edits that come of it.
//!
//! Each format hands its strings down as values of their own and carries the edits that come back out through its own
//! encoding. Only places with a needle are visited, and what is not in an edit stays byte for byte.

use std::collections::HashSet;
use std::ops::Range;

use crate::custom;
use crate::edit::{Edit, apply, growth};
use crate::finder::Hit;
use crate::layer::Layer;
use crate::plan::Plan;
use crate::report::{Container, Form, Note, Reason, Tally, excerpt};
use crate::{json, php};

/// Encodings inside encodings: more than any program writes, and few enough for every stack.
pub(crate) const DEEPEST: usize = 24;

/// A run over one value, and what it has seen.
pub(crate) struct Walk<'p> {
    pub plan: &'p Plan,
    pub notes: Vec<Note>,
    counts: Vec<(Form, Container)>,
    /// Bytes that may still be spent on attempts that lead to nothing.
    pub budget: usize,
}

/// A place to come back to when edits turn out to be no good.
#[derive(Clone, Copy)]
struct Mark {
    notes: usize,
    counts: usize,
}

/// Where a walk is: how deep, and in what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Depth {
    pub level: usize,
    pub within: Container,
}

impl Depth {
    pub const TOP: Self = Self { level: 0, within: Container::Text };

    pub fn into(self, within: Container) -> Self {
        Self { level: self.level + 1, within }
    }
}

impl<'p> Walk<'p> {
    pub fn new(plan: &'p Plan, length: usize) -> Self {
        Self { plan, notes: Vec::new(), counts: Vec::new(), budget: length.saturating_mul(16) + 65536 }
    }

    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for (form, container) in &self.counts {
            *tally.forms.entry(*form).or_default() += 1;
            *tally.containers.entry(*container).or_default() += 1;
        }
        tally
    }

    pub fn count(&mut self, form: Form, depth: Depth) {
        self.counts.push((form, depth.within));
    }

    pub fn note(&mut self, reason: Reason, layer: &[u8], hit: Hit) {
        self.notes.push(Note { reason, excerpt: excerpt(layer, hit.start, hit.end) });
    }

    /// Spends from the budget; false when it is used up.
    pub fn afford(&mut self, bytes: usize) -> bool {
        let enough = self.budget >= bytes;
        self.budget = self.budget.saturating_sub(bytes);
        enough
    }

    /// What was noted. Broken data in which nothing changed is none of ours.
    pub fn take_notes(&mut self, changed: bool) -> Vec<Note> {
        let mut notes = std::mem::take(&mut self.notes);
        if !changed {
            notes.retain(|note| note.reason != Reason::BrokenSerialized);
        }
        notes
    }

    fn mark(&self) -> Mark {
        Mark { notes: self.notes.len(), counts: self.counts.len() }
    }

    fn back_to(&mut self, mark: Mark) {
        self.notes.truncate(mark.notes);
        self.counts.truncate(mark.counts);
    }

    /// The edits of the value in `span`, whatever it is. `hits` are all of the layer's.
    pub fn value(&mut self, layer: &[u8], span: Range<usize>, hits: &[Hit], depth: Depth) -> Vec<Edit> {
        let hits = inside(hits, &span);
        let Some(&first) = hits.first() else { return Vec::new() };
        if depth.level > DEEPEST {
            self.note(Reason::TooDeep, layer, first);
            return Vec::new();
        }
        let text = &layer[span.clone()];
        if php::begins_like(text) {
            if let Some(edits) = self.serialized(layer, span.clone(), hits, depth) {
                return edits;
            }
        } else if json::begins_like(text)
            && let Some(edits) = self.json(layer, span.clone(), hits, depth)
        {
            return edits;
        }
        self.text(layer, span, hits, depth)
    }

    /// The edits of a plain value that came out of an encoding.
    pub fn decoded(&mut self, plain: &[u8], depth: Depth) -> Vec<Edit> {
        let hits = self.plan.finder.hits(plain);
        self.value(plain, 0..plain.len(), &hits, depth)
    }

    /// The edits of serialized data that fills the span; `None` if it is not that.
    pub fn serialized(
        &mut self,
        layer: &[u8],
        span: Range<usize>,
        hits: &[Hit],
        depth: Depth,
    ) -> Option<Vec<Edit>> {
        let mut found = Vec::new();
        let mut reader = php::Reader::new(&layer[..span.end], span.start);
        let mut next = hits;
        loop {
            match reader.next() {
                Ok(Some(token)) => {
                    while next.first().is_some_and(|hit| hit.start < token.start) {
                        next = &next[1..];
                    }
                    if next.first().is_some_and(|hit| hit.start < token.end) {
                        found.push(token);
                    }
                }
                Ok(None) if reader.place() == span.end => break,
                Ok(None) => return None,
                Err(php::Broken) => {
                    self.afford(reader.place() - span.start);
                    return None;
                }
            }
        }
        let mark = self.mark();
        let within = depth.into(Container::Serialized);
        let mut edits = Vec::new();
        let mut keyed = HashSet::new();
        for token in found {
            let (digits, body, inner) = match token.what {
                php::What::Text(string) => {
                    let inner = self.string(layer, &string, hits, within);
                    // Lengths count plain bytes, which an escaped string has fewer of.
                    (string.digits, string.body, inner)
                }
                php::What::Custom { class, digits, body } => {
                    let inner = self.custom(layer, class, body.clone(), hits, within);
                    let length = body.len() as isize + growth(&inner);
                    (digits, body, (inner, length))
                }
                _ => continue,
            };
            let (inner, length) = inner;
            if inner.is_empty() {
                continue;
            }
            debug_assert!(inner.iter().all(|edit| edit.start >= body.start && edit.end <= body.end));
            if token.key {
                keyed.insert(token.owner);
            }
            let written = length.to_string().into_bytes();
            if layer[digits.clone()] != written[..] {
                edits.push(Edit { start: digits.start, end: digits.end, with: written });
            }
            edits.extend(inner);
        }
        if edits.is_empty() {
            return Some(edits);
        }
        let old = &layer[span.clone()];
        let new = apply(layer, span, &edits);
        let wrong = if !php::same_but_for_strings(old, &new) {
            Some(Reason::CheckFailed)
        } else if !keyed.is_empty() && php::has_equal_keys(&new, &keyed) {
            Some(Reason::KeysCollide)
        } else {
            None
        };
        if let Some(reason) = wrong {
            debug_assert!(reason != Reason::CheckFailed, "{}", String::from_utf8_lossy(old));
            self.back_to(mark);
            self.note(reason, layer, hits[0]);
            return Some(Vec::new());
        }
        Some(edits)
    }

    /// The edits of one serialized string, and its new length.
    fn string(&mut self, layer: &[u8], string: &php::Text, hits: &[Hit], depth: Depth) -> (Vec<Edit>, isize) {
        let body = string.body.clone();
        let raw = &layer[body.clone()];
        // The name of a private or protected property: class, NUL, name.
        if raw.first() == Some(&0) {
            return (Vec::new(), 0);
        }
        if !string.escaped {
            let edits = self.value(layer, body.clone(), hits, depth);
            let length = body.len() as isize + growth(&edits);
            return (edits, length);
        }
        let Some(plain) = Layer::PhpHex.read(raw) else { return (Vec::new(), 0) };
        let edits = self.decoded(&plain.bytes, depth);
        let length = plain.bytes.len() as isize + growth(&edits);
        (plain.carry(Layer::PhpHex, edits, body.start), length)
    }

    /// The edits of the body of a class that serializes itself.
    fn custom(
        &mut self,
        layer: &[u8],
        class: Range<usize>,
        body: Range<usize>,
        hits: &[Hit],
        depth: Depth,
    ) -> Vec<Edit> {
        let hits = inside(hits, &body);
        let Some(&first) = hits.first() else { return Vec::new() };
        if depth.level > DEEPEST {
            self.note(Reason::TooDeep, layer, first);
            return Vec::new();
        }
        let Some(parts) = custom::parts(&layer[class.clone()], &layer[body.clone()]) else {
            let class = String::from_utf8_lossy(&layer[class]).into_owned();
            self.note(Reason::UnknownClass { class }, layer, first);
            return Vec::new();
        };
        let mut edits = Vec::new();
        for part in parts {
            let span = body.start + part.start..body.start + part.end;
            edits
                .extend(self.serialized(layer, span.clone(), inside(hits, &span), depth).unwrap_or_default());
        }
        edits
    }

    /// The edits of a JSON document that fills the span; `None` if it is not that.
    fn json(&mut self, layer: &[u8], span: Range<usize>, hits: &[Hit], depth: Depth) -> Option<Vec<Edit>> {
        let text = &layer[span.clone()];
        let mut found = Vec::new();
        let mut reader = json::Reader::new(text);
        let mut next = hits;
        loop {
            match reader.next() {
                Ok(Some(token)) => {
                    while next.first().is_some_and(|hit| hit.start < span.start + token.start) {
                        next = &next[1..];
                    }
                    if next.first().is_some_and(|hit| hit.start < span.start + token.end)
                        && let json::What::Text { owner } = token.what
                    {
                        found.push((json::inside(&token), owner));
                    }
                }
                Ok(None) => break,
                Err(json::Broken) => return None,
            }
        }
        let mark = self.mark();
        let within = depth.into(Container::Json);
        let slashes = json::escapes_slashes(text);
        let ascii = text.is_ascii();
        let style = Layer::Json { slashes, ascii };
        let mut edits = Vec::new();
        let mut keyed = HashSet::new();
        for (place, owner) in found {
            let raw = &text[place.clone()];
            let base = span.start + place.start;
            let plain = style.read(raw)?;
            let inner = self.decoded(&plain.bytes, within);
            if inner.is_empty() {
                continue;
            }
            if owner != 0 {
                keyed.insert(owner);
            }
            edits.extend(plain.carry(style, inner, base));
        }
        if edits.is_empty() {
            return Some(edits);
        }
        let first = hits[0];
        let new = apply(layer, span.clone(), &edits);
        let wrong = if !json::same_but_for_strings(text, &new) {
            Some(Reason::CheckFailed)
        } else if !keyed.is_empty() && json::has_equal_keys(&new, &keyed) {
            Some(Reason::KeysCollide)
        } else {
            None
        };
        if let Some(reason) = wrong {
            debug_assert!(reason != Reason::CheckFailed, "{}", String::from_utf8_lossy(text));
            self.back_to(mark);
            self.note(reason, layer, first);
            return Some(Vec::new());
        }
        Some(edits)
    }
}

/// The hits that lie in the span as a whole.
pub(crate) fn inside<'h>(hits: &'h [Hit], span: &Range<usize>) -> &'h [Hit] {
    let from = hits.partition_point(|hit| hit.start < span.start);
    let mut to = from + hits[from..].partition_point(|hit| hit.start < span.end);
    // Needles are short: at most a few of the last ones reach out of the span.
    while to > from && hits[to - 1].end > span.end {
        to -= 1;
    }
    &hits[from..to]
}
