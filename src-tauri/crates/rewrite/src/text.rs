//! Text of any kind: markup, style sheets, shortcodes, logs. Addresses are found in their forms; serialized data that
//! stands in the midst of text, plain or escaped, and Base64 are taken out first and treated as what they are.

use std::ops::Range;

use crate::edit::{Edits, LONGEST};
use crate::embedded::looks_serialized;
use crate::finder::Hit;
use crate::island::{Run, is_signed};
use crate::occurrence::{self, Occurrence};
use crate::plan::Meaning;
use crate::report::{Container, Form, Reason};
use crate::walk::{Depth, Walk};

/// Something in a text that may be changed.
enum Find {
    Address(Occurrence),
    Base64(Run, Hit, usize),
}

impl Find {
    fn span(&self) -> Range<usize> {
        match self {
            Self::Address(occurrence) => occurrence.start..occurrence.end,
            Self::Base64(run, ..) => run.span.clone(),
        }
    }
}

/// A text in its layer, and how far it is done.
struct Passage<'t> {
    text: &'t [u8],
    base: usize,
    depth: Depth,
    /// Where the last find that was taken ends.
    taken: usize,
}

/// So many finds are gathered before they are taken.
const GATHERED: usize = 1024;

/// An address begins at most this far to the left of its host.
const LONGEST_LEFT: usize = 1024;

impl Walk<'_> {
    /// Adds the edits of a text. `hits` are those that lie in the span.
    pub fn text(&mut self, layer: &[u8], span: Range<usize>, hits: &[Hit], depth: Depth, edits: &mut Edits) {
        let text = &layer[span.clone()];
        let first = edits.len();
        let islands = self.embedded(layer, &span, hits, depth, edits);
        let whole = islands.first().is_some_and(|island| {
            island.start == span.start && layer[island.end..span.end].trim_ascii().is_empty()
        });
        if !whole && looks_serialized(text) {
            self.note(Reason::BrokenSerialized, layer, hits[0]);
        }
        if islands.is_empty() {
            self.outside(layer, &span, &[], hits, depth, edits);
            return;
        }
        let inside = |hit: &Hit| {
            let next = islands.partition_point(|island| island.end <= hit.start);
            islands.get(next).is_some_and(|island| island.start <= hit.start)
        };
        let left: Vec<Hit> = hits.iter().filter(|hit| !inside(hit)).copied().collect();
        self.outside(layer, &span, &islands, &left, depth, edits);
        edits.sort_from(first);
    }

    /// Adds the edits of what is no serialized data in a text.
    fn outside(
        &mut self,
        layer: &[u8],
        span: &Range<usize>,
        islands: &[Range<usize>],
        hits: &[Hit],
        depth: Depth,
        edits: &mut Edits,
    ) {
        let Some(first) = hits.first() else { return };
        let starts = [span.start].into_iter().chain(islands.iter().map(|island| island.end));
        let ends = islands.iter().map(|island| island.start).chain([span.end]);
        let mut gaps = starts.zip(ends).map(|(start, end)| &layer[start..end]);
        if gaps.any(|gap| memchr::memchr(0, gap).is_some()) {
            self.note(Reason::Binary, layer, *first);
            return;
        }
        let mut passage = Passage { text: &layer[span.clone()], base: span.start, depth, taken: 0 };
        let mut finds = Vec::new();
        let mut run_end = 0;
        for hit in hits.iter().filter(|hit| hit.end() <= span.end) {
            let hit = hit.from(span.start);
            if finds.len() >= GATHERED {
                self.take(&mut passage, &mut finds, hit.start.saturating_sub(LONGEST_LEFT), edits);
            }
            self.find(passage.text, hit, &mut run_end, &mut finds);
        }
        self.take(&mut passage, &mut finds, usize::MAX, edits);
    }

    /// What a needle leads to.
    fn find(&self, text: &[u8], hit: Hit, run_end: &mut usize, finds: &mut Vec<Find>) {
        for meaning in &self.plan.meanings[hit.needle as usize] {
            match *meaning {
                Meaning::Host { host, spelling } => {
                    finds.extend(occurrence::host(self.plan, text, hit, host, spelling).map(Find::Address));
                }
                Meaning::Folder(folder) => {
                    let folder = &self.plan.folders[folder];
                    finds.extend(occurrence::folder(text, hit, folder).map(Find::Address));
                }
                Meaning::Base64 { phase } => {
                    // One look at a run is enough, however many hits lie in it.
                    if hit.start >= *run_end {
                        let run = Run::around(text, hit.start..hit.end());
                        *run_end = run.span.end;
                        finds.push(Find::Base64(run, hit, phase));
                    }
                }
                // Outside of serialized data a backslash and two digits are no letter.
                Meaning::PhpHex => {}
            }
        }
    }

    /// Takes the finds that start before a place, leftmost first and then longest.
    fn take(&mut self, passage: &mut Passage, finds: &mut Vec<Find>, before: usize, edits: &mut Edits) {
        finds.sort_by_key(|find| {
            let span = find.span();
            (span.start, std::cmp::Reverse(span.end))
        });
        let ready = finds.partition_point(|find| find.span().start < before);
        let base = passage.base;
        for find in finds.drain(..ready) {
            let span = find.span();
            if span.start < passage.taken {
                continue;
            }
            match find {
                Find::Address(found) => {
                    passage.taken = span.end;
                    if found.is_changed() {
                        self.count(found.form, passage.depth);
                    }
                    for change in found.changes.iter().flatten() {
                        edits.push(base + change.span.start, base + change.span.end, &change.with);
                    }
                }
                Find::Base64(run, hit, phase) => {
                    if let Some((span, with)) = self.base64(passage.text, &run, hit, phase, passage.depth) {
                        passage.taken = span.end;
                        edits.push(base + span.start, base + span.end, &with);
                    }
                }
            }
        }
    }

    /// The new Base64 of an island in a run and where it stands, if what it holds is text that changes.
    fn base64(
        &mut self,
        text: &[u8],
        run: &Run,
        hit: Hit,
        phase: usize,
        depth: Depth,
    ) -> Option<(Range<usize>, Vec<u8>)> {
        let Some(island) = run.islands(hit.start..hit.end(), phase).next() else {
            self.note(Reason::OddBase64, text, hit);
            return None;
        };
        if is_signed(text, &island.span) {
            self.note(Reason::SignedToken, text, hit);
            return None;
        }
        let inner = self.decoded(&island.plain, depth.into(Container::Base64));
        if inner.is_empty() {
            return None;
        }
        let with = island.write(&inner.apply(&island.plain, 0..island.plain.len()));
        if island.span.len() > LONGEST || with.len() > LONGEST {
            self.note(Reason::TooLarge, text, hit);
            return None;
        }
        self.count(Form::Base64, depth);
        Some((island.span, with))
    }
}
