use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::document::Document;
use super::evaluate::Reading;
use super::value::{Value, literal};
use crate::{Problem, Result};

/// Changes to a configuration, gathered first and then applied to all its files together.
pub struct Edit<'a> {
    reading: &'a Reading,
    changes: BTreeMap<PathBuf, Vec<(Range<usize>, String)>>,
    additions: Vec<String>,
}

impl<'a> Edit<'a> {
    /// An edit of the files that `reading` followed.
    pub fn new(reading: &'a Reading) -> Self {
        Self { reading, changes: BTreeMap::new(), additions: Vec::new() }
    }

    /// Gives constant `name` the value wherever it is defined, and defines it where it is not.
    pub fn constant(&mut self, name: &str, value: &Value) {
        let places = self.reading.constants.get(name).map(|found| &found.places[..]).unwrap_or_default();
        if places.is_empty() {
            self.additions.push(format!("define( {}, {} );", literal(name), value.literal()));
        }
        for place in places {
            self.replace(&place.file, place.span.clone(), value.literal());
        }
    }

    /// Gives variable `name` (without the dollar) the value, in the same way.
    pub fn variable(&mut self, name: &str, value: &Value) {
        let places = self.reading.variables.get(name).map(|found| &found.places[..]).unwrap_or_default();
        if places.is_empty() {
            self.additions.push(format!("${name} = {};", value.literal()));
        }
        for place in places {
            self.replace(&place.file, place.span.clone(), value.literal());
        }
    }

    /// Replaces the bytes `span` of `file`.
    pub fn replace(&mut self, file: &Path, span: Range<usize>, by: String) {
        self.changes.entry(file.to_owned()).or_default().push((span, by));
    }

    /// The new content of every file that changes, each checked to be PHP still.
    pub fn finish(self) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        let Some(main) = self.reading.files.first().cloned() else { return Ok(Vec::new()) };
        let mut changes = self.changes;
        if !self.additions.is_empty() {
            let document = Document::read(&main)?;
            let at = addition_point(&document, self.reading);
            let lines = self.additions.join("\n") + "\n";
            changes.entry(main).or_default().push((at..at, lines));
        }
        changes.into_iter().map(|(path, changes)| apply(&path, changes)).collect()
    }
}

fn apply(path: &Path, mut changes: Vec<(Range<usize>, String)>) -> Result<(PathBuf, Vec<u8>)> {
    let document = Document::read(path)?;
    changes.sort_by_key(|(span, _)| span.start);
    let mut bytes = Vec::with_capacity(document.bytes().len() + 256);
    let mut at = 0;
    for (span, text) in changes {
        if span.start < at || span.end > document.bytes().len() {
            return Err(changed(path));
        }
        bytes.extend_from_slice(&document.bytes()[at..span.start]);
        bytes.extend_from_slice(text.as_bytes());
        at = span.end;
    }
    bytes.extend_from_slice(&document.bytes()[at..]);
    if document.is_sound() && !Document::parse(path, bytes.clone())?.is_sound() {
        return Err(changed(path));
    }
    Ok((path.to_owned(), bytes))
}

fn changed(path: &Path) -> Problem {
    Problem::transient("config.changed", format!("{} changed while it was being edited.", path.display()))
        .with("path", path.display())
}

/// Where new definitions go: on a line of their own before the table prefix or before the platform takes over, else after the opening
/// tag.
fn addition_point(document: &Document, reading: &Reading) -> usize {
    let bytes = document.bytes();
    let root = document.tree.root_node();
    let tag = root.named_child(0).filter(|node| node.kind() == "php_tag").map_or(0, |node| node.end_byte());
    let prefix = reading.variables.get("table_prefix").and_then(|found| found.places.first());
    for place in prefix.into_iter().chain(&reading.handover) {
        if place.file == document.path
            && let Some(statement) = top_level(document, place.span.start)
        {
            let line =
                bytes[..statement].iter().rposition(|byte| *byte == b'\n').map_or(0, |found| found + 1);
            return if line < tag { statement } else { line };
        }
    }
    bytes[tag..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |found| tag + found + 1)
}

/// The start of the outermost statement that holds the byte `at`, or of the comment above it.
fn top_level(document: &Document, at: usize) -> Option<usize> {
    let mut cursor = document.tree.root_node().walk();
    let mut node =
        document.tree.root_node().named_children(&mut cursor).find(|node| node.byte_range().contains(&at))?;
    while let Some(above) = node.prev_named_sibling().filter(|above| above.kind() == "comment") {
        node = above;
    }
    Some(node.start_byte())
}
