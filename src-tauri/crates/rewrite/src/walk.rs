//! The walk through one value: which format it is, which strings in it hold a needle, and the edits that come of it.
//!
//! Each format hands its strings down as values of their own and carries the edits that come back out through its own
//! encoding. Only places with a needle are visited, and what is not in an edit stays byte for byte.

use std::collections::HashSet;
use std::ops::Range;

use crate::custom;
use crate::edit::Edits;
use crate::finder::Hit;
use crate::layer::Layer;
use crate::plan::Plan;
use crate::report::{Container, Form, Note, Reason, Tally, excerpt};
use crate::shape::{self, Shape};
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

/// A serialized string in which a needle stands. It is read again when its turn comes, since there may be millions of them.
struct StringAt {
    start: usize,
    owner: u32,
    key: bool,
}

impl StringAt {
    fn read(&self, layer: &[u8]) -> Option<php::Token> {
        php::Reader::new(layer, self.start).next().ok()?
    }
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
        self.notes.push(Note { reason, excerpt: excerpt(layer, hit.start, hit.end()) });
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

    /// Adds the edits of the value in `span`, whatever it is. `hits` are all of the layer's.
    pub fn value(&mut self, layer: &[u8], span: Range<usize>, hits: &[Hit], depth: Depth, edits: &mut Edits) {
        let hits = inside(hits, &span);
        let Some(&first) = hits.first() else { return };
        if depth.level > DEEPEST {
            self.note(Reason::TooDeep, layer, first);
            return;
        }
        let text = &layer[span.clone()];
        if php::begins_like(text) {
            if self.serialized(layer, span.clone(), hits, depth, edits).is_some() {
                return;
            }
        } else if json::begins_like(text) && self.json(layer, span.clone(), hits, depth, edits).is_some() {
            return;
        }
        self.text(layer, span, hits, depth, edits);
    }

    /// The edits of a plain value that came out of an encoding.
    pub fn decoded(&mut self, plain: &[u8], depth: Depth) -> Edits {
        let hits = self.plan.finder.hits(plain);
        let mut edits = Edits::default();
        self.value(plain, 0..plain.len(), &hits, depth, &mut edits);
        edits
    }

    /// Adds the edits of serialized data that fills the span; `None` if it is not that.
    pub fn serialized(
        &mut self,
        layer: &[u8],
        span: Range<usize>,
        hits: &[Hit],
        depth: Depth,
        edits: &mut Edits,
    ) -> Option<()> {
        let (found, shape) = self.serialized_strings(layer, &span, hits)?;
        let (mark, first) = (self.mark(), edits.len());
        let within = depth.into(Container::Serialized);
        let mut keyed = HashSet::new();
        for string in found {
            let Some(token) = string.read(layer) else { continue };
            let digits = token.digits();
            let length = edits.len();
            // Its text is known when the string is done.
            edits.push(digits.start, digits.end, b"");
            let new_length = match token.what {
                php::What::Text(string) => self.string(layer, &string, hits, within, edits),
                php::What::Custom { class, body, .. } => {
                    self.custom(layer, class, body.clone(), hits, within, edits);
                    body.len() as isize + edits.growth_from(length + 1)
                }
                _ => continue,
            };
            if edits.len() == length + 1 {
                edits.truncate(length);
                continue;
            }
            if string.key {
                keyed.insert(string.owner);
            }
            let written = new_length.to_string();
            if layer[digits] == *written.as_bytes() {
                edits.remove(length);
            } else {
                edits.set(length, written.as_bytes());
            }
        }
        if edits.len() > first {
            let new = edits.apply_from(first, layer, span.clone());
            // Everything outside of the edits is the same byte for byte; the shape says that the new lengths fit.
            let fits = Shape::of(&new) == Some(shape);
            #[cfg(any(test, debug_assertions))]
            let fits = fits && shape::same_but_for_strings(&layer[span], &new);
            let wrong = if !fits {
                Some(Reason::CheckFailed)
            } else if !keyed.is_empty() && shape::has_equal_keys(&new, &keyed) {
                Some(Reason::KeysCollide)
            } else {
                None
            };
            self.take_back(wrong, mark, first, edits, layer, hits[0]);
        }
        Some(())
    }

    /// The strings and bodies of serialized data in which a needle stands; `None` if the span is not serialized data.
    fn serialized_strings(
        &mut self,
        layer: &[u8],
        span: &Range<usize>,
        hits: &[Hit],
    ) -> Option<(Vec<StringAt>, Shape)> {
        let mut found = Vec::new();
        let mut shape = Shape::default();
        let mut reader = php::Reader::new(&layer[..span.end], span.start);
        let mut next = hits;
        loop {
            match reader.next() {
                Ok(Some(token)) => {
                    shape.add(&token);
                    while next.first().is_some_and(|hit| hit.start < token.start) {
                        next = &next[1..];
                    }
                    if next.first().is_some_and(|hit| hit.start < token.end) && token.has_strings() {
                        found.push(StringAt { start: token.start, owner: token.owner, key: token.key });
                    }
                }
                Ok(None) => return (reader.place() == span.end).then_some((found, shape)),
                Err(php::Broken) => {
                    self.afford(reader.place() - span.start);
                    return None;
                }
            }
        }
    }

    /// Edits that turn out wrong are taken back, and the value stays as it was.
    fn take_back(
        &mut self,
        wrong: Option<Reason>,
        mark: Mark,
        first: usize,
        edits: &mut Edits,
        layer: &[u8],
        hit: Hit,
    ) {
        let Some(reason) = wrong else { return };
        debug_assert!(reason != Reason::CheckFailed, "{}", String::from_utf8_lossy(layer));
        self.back_to(mark);
        edits.truncate(first);
        self.note(reason, layer, hit);
    }

    /// Adds the edits of one serialized string, and says its new length: of plain bytes, which an escaped string has fewer of.
    fn string(
        &mut self,
        layer: &[u8],
        string: &php::Text,
        hits: &[Hit],
        depth: Depth,
        edits: &mut Edits,
    ) -> isize {
        let body = string.body.clone();
        let raw = &layer[body.clone()];
        // The name of a private or protected property: class, NUL, name.
        if raw.first() == Some(&0) {
            return 0;
        }
        if !string.escaped {
            let first = edits.len();
            self.value(layer, body.clone(), hits, depth, edits);
            return body.len() as isize + edits.growth_from(first);
        }
        let Some(plain) = Layer::PhpHex.read(raw) else { return 0 };
        let inner = self.decoded(&plain, depth);
        Layer::PhpHex.carry(raw, body.start, &inner, edits);
        plain.len() as isize + inner.growth_from(0)
    }

    /// Adds the edits of the body of a class that serializes itself.
    fn custom(
        &mut self,
        layer: &[u8],
        class: Range<usize>,
        body: Range<usize>,
        hits: &[Hit],
        depth: Depth,
        edits: &mut Edits,
    ) {
        let hits = inside(hits, &body);
        let Some(&first) = hits.first() else { return };
        if depth.level > DEEPEST {
            self.note(Reason::TooDeep, layer, first);
            return;
        }
        let Some(parts) = custom::parts(&layer[class.clone()], &layer[body.clone()]) else {
            let class = String::from_utf8_lossy(&layer[class]).into_owned();
            self.note(Reason::UnknownClass { class }, layer, first);
            return;
        };
        for part in parts {
            let span = body.start + part.start..body.start + part.end;
            let hits = inside(hits, &span);
            if !hits.is_empty() {
                self.serialized(layer, span, hits, depth, edits);
            }
        }
    }

    /// Adds the edits of a JSON document that fills the span; `None` if it is not that.
    fn json(
        &mut self,
        layer: &[u8],
        span: Range<usize>,
        hits: &[Hit],
        depth: Depth,
        edits: &mut Edits,
    ) -> Option<()> {
        let text = &layer[span.clone()];
        let found = json_strings(text, span.start, hits)?;
        let (mark, first) = (self.mark(), edits.len());
        let within = depth.into(Container::Json);
        let slash = if json::escapes_slashes(text) { "\\/" } else { "/" };
        let style = Layer::Json { slash, ascii: text.is_ascii() };
        let mut keyed = HashSet::new();
        for (place, owner) in found {
            let raw = &text[place.clone()];
            let base = span.start + place.start;
            let before = edits.len();
            if memchr::memchr(b'\\', raw).is_some() {
                let inner = self.decoded(&style.read(raw)?, within);
                style.carry(raw, base, &inner, edits);
            } else {
                let mut inner = Edits::default();
                self.value(layer, base..base + raw.len(), hits, within, &mut inner);
                style.move_out(layer, 0, &inner, edits);
            }
            if owner != 0 && edits.len() > before {
                keyed.insert(owner);
            }
        }
        if edits.len() > first {
            let new = edits.apply_from(first, layer, span.clone());
            let wrong = if !json::same_but_for_strings(text, &new) {
                Some(Reason::CheckFailed)
            } else if !keyed.is_empty() && json::has_equal_keys(&new, &keyed) {
                Some(Reason::KeysCollide)
            } else {
                None
            };
            self.take_back(wrong, mark, first, edits, layer, hits[0]);
        }
        Some(())
    }
}

/// The places of the strings of a JSON document in which a needle stands, and the objects they are keys of; `None` if the text is
/// not JSON.
fn json_strings(text: &[u8], base: usize, hits: &[Hit]) -> Option<Vec<(Range<usize>, u32)>> {
    let mut found = Vec::new();
    let mut reader = json::Reader::new(text);
    let mut next = hits;
    while let Some(token) = reader.next().ok()? {
        while next.first().is_some_and(|hit| hit.start < base + token.start) {
            next = &next[1..];
        }
        if next.first().is_some_and(|hit| hit.start < base + token.end)
            && let json::What::Text { owner } = token.what
        {
            found.push((json::inside(&token), owner));
        }
    }
    Some(found)
}

/// The hits that lie in the span as a whole.
pub(crate) fn inside<'h>(hits: &'h [Hit], span: &Range<usize>) -> &'h [Hit] {
    let from = hits.partition_point(|hit| hit.start < span.start);
    let mut to = from + hits[from..].partition_point(|hit| hit.start < span.end);
    // Needles are short: at most a few of the last ones reach out of the span.
    while to > from && hits[to - 1].end() > span.end {
        to -= 1;
    }
    &hits[from..to]
}
