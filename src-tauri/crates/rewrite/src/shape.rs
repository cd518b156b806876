//! The law for serialized data: the new value parses, and is the old one in everything but its strings.

use std::collections::HashSet;

use crate::php::{Reader, Token, What};

/// What must stay as it is when strings change: how many pieces a value has, how many arrays and objects, and how many strings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pieces: usize,
    opened: u32,
    strings: usize,
}

impl Shape {
    /// Counts one more piece of a value.
    pub fn add(&mut self, token: &Token) {
        self.pieces += 1;
        match token.what {
            What::Open => self.opened += 1,
            What::Text(_) | What::Custom { .. } => self.strings += 1,
            _ => {}
        }
    }

    /// The shape of a whole value; `None` if it does not parse.
    pub fn of(text: &[u8]) -> Option<Self> {
        let mut shape = Self::default();
        let mut reader = Reader::new(text, 0);
        while let Some(token) = reader.next().ok()? {
            shape.add(&token);
        }
        (reader.place() == text.len()).then_some(shape)
    }
}

/// The law in full, for tests: the new value parses, and it is the old one in everything but the bytes of strings and custom bodies.
#[cfg(any(test, debug_assertions))]
pub(crate) fn same_but_for_strings(old: &[u8], new: &[u8]) -> bool {
    let (mut a, mut b) = (Reader::new(old, 0), Reader::new(new, 0));
    loop {
        let (Ok(left), Ok(right)) = (a.next(), b.next()) else { return false };
        let (left, right) = match (left, right) {
            (Some(left), Some(right)) => (left, right),
            (None, None) => return a.place() == old.len() && b.place() == new.len(),
            _ => return false,
        };
        let same = left.owner == right.owner
            && left.key == right.key
            && match (&left.what, &right.what) {
                (What::Text(x), What::Text(y)) => x.escaped == y.escaped,
                (What::Custom { class: x, .. }, What::Custom { class: y, .. }) => {
                    old[x.clone()] == new[y.clone()]
                }
                _ => old[left.start..left.end] == new[right.start..right.end],
            };
        if !same {
            return false;
        }
    }
}

/// Whether an array of the value has two equal string keys.
pub(crate) fn has_equal_keys(text: &[u8], owners: &HashSet<u32>) -> bool {
    let mut reader = Reader::new(text, 0);
    let mut seen = HashSet::new();
    while let Ok(Some(token)) = reader.next() {
        if let (true, What::Text(key)) = (token.key && owners.contains(&token.owner), &token.what)
            && !seen.insert((token.owner, &text[key.body.clone()]))
        {
            return true;
        }
    }
    false
}
