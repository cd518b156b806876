//! What was done and what was left: counts by form and by container, and notes for people.

use std::collections::BTreeMap;

use serde::Serialize;

/// How an address was written where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Form {
    /// `http://host`.
    Plain,
    /// `//host`.
    SchemeRelative,
    /// The host alone.
    Bare,
    /// `http:\/\/host`.
    JsonSlash,
    /// `http:\\\/\\\/host` and deeper.
    DeepSlash,
    /// `http%3A%2F%2Fhost`.
    Percent,
    /// `http:&#47;&#47;host`.
    Entity,
    /// `http:\u002F\u002Fhost`.
    UnicodeSlash,
    /// A host with letters beyond ASCII, raw or escaped, or with other letters escaped: `\u006fld.example.com`, `%6Fld.example.com`.
    Unicode,
    /// A folder.
    Folder,
    /// Inside Base64; what was found in it is counted as well.
    Base64,
    /// The host of a mail address (only where asked for).
    Mail,
}

/// What an address was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Container {
    /// Text, markup, code.
    Text,
    /// PHP-serialized data.
    Serialized,
    /// A JSON document.
    Json,
    /// Base64.
    Base64,
}

/// Why something was left as it was, or is worth a look.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// It begins like serialized data but does not parse; what it holds was changed as text.
    #[error("looks like PHP-serialized data but does not parse, so it was treated as text")]
    BrokenSerialized,
    /// The body of a class that serializes itself in a way of its own.
    #[error("the class {class} serializes itself in a form of its own, so its data was left as it is")]
    UnknownClass {
        /// The class.
        class: String,
    },
    /// Two keys of one array would become the same, and one entry would be lost.
    #[error("two keys of one array would become the same, so the value was left as it is")]
    KeysCollide,
    /// Encodings inside encodings, or arrays inside arrays, deeper than is followed.
    #[error("it is nested too deeply to be followed, so it was left as it is")]
    TooDeep,
    /// Binary data, whose inner lengths nobody knows.
    #[error("it is binary data of an unknown format, so it was left as it is")]
    Binary,
    /// Base64 that does not decode cleanly.
    #[error("it is Base64 that cannot be written back exactly, so it was left as it is")]
    OddBase64,
    /// A signed token: a change would make it invalid.
    #[error("it is a signed token, which a change would make invalid, so it was left as it is")]
    SignedToken,
    /// The changed value did not pass the check against the old one.
    #[error("the changed value did not parse like the old one, so it was left as it is")]
    CheckFailed,
    /// A value larger than the limit for one value.
    #[error("it is larger than the limit for one value, so it was left as it is")]
    TooLarge,
}

/// One thing that was left or is worth a look.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Note {
    /// Why.
    #[serde(flatten)]
    pub reason: Reason,
    /// The text around the address in question, at most some 120 bytes, anything unreadable replaced.
    pub excerpt: String,
}

/// A trace of an old address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// Where it starts, in bytes from the start of what was scanned.
    pub offset: usize,
    /// How it is written.
    pub form: Form,
    /// The text around it, at most some 120 bytes, anything unreadable replaced.
    pub excerpt: String,
}

/// How many occurrences were changed, by form and by what they were in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// By form.
    pub forms: BTreeMap<Form, u64>,
    /// By the innermost container.
    pub containers: BTreeMap<Container, u64>,
}

impl Tally {
    /// Occurrences changed in all.
    pub fn total(&self) -> u64 {
        self.containers.values().sum()
    }

    /// Adds another tally to this one.
    pub fn add(&mut self, other: &Self) {
        for (form, count) in &other.forms {
            *self.forms.entry(*form).or_default() += count;
        }
        for (container, count) in &other.containers {
            *self.containers.entry(*container).or_default() += count;
        }
    }
}

/// A readable piece of `text` around `start..end`.
pub(crate) fn excerpt(text: &[u8], start: usize, end: usize) -> String {
    const AROUND: usize = 40;
    let from = start.saturating_sub(AROUND);
    let to = text.len().min(end.min(start + AROUND) + AROUND);
    let readable = String::from_utf8_lossy(&text[from..to]);
    readable.chars().map(|ch| if ch.is_control() { ' ' } else { ch }).collect()
}
