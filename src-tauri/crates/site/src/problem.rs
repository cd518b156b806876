use std::collections::BTreeMap;
use std::fmt;

/// What a failure means for whoever tries again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The same thing may well work in a moment: a server that went away, a lock that was held.
    Transient,
    /// Trying again changes nothing.
    Permanent,
    /// Somebody has to do something first: make room, give a right, correct a password.
    NeedsPerson,
    /// Not a failure: the work was asked to stop at a safe point and can go on from its cursor.
    Stopped,
}

/// A failure as an operator meets it: a stable code, a sentence that says what happened to what, and what to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Stable, lower-case, dotted: `target.not-empty`, `database.gone`. Windows and scripts decide by it.
    pub code: &'static str,
    /// Whether trying again can help.
    pub class: Class,
    /// What happened, to what. Never holds a secret.
    pub message: String,
    /// What to do now; empty where nothing can be advised.
    pub help: String,
    /// Named details (path, table, server), never secrets.
    pub context: BTreeMap<String, String>,
}

/// What work on a site answers.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

impl Problem {
    /// A failure that a later try can overcome.
    pub fn transient(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Class::Transient, code, message)
    }

    /// A failure that stays.
    pub fn permanent(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Class::Permanent, code, message)
    }

    /// A failure that waits for a person.
    pub fn needs_person(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Class::NeedsPerson, code, message)
    }

    fn new(class: Class, code: &'static str, message: impl Into<String>) -> Self {
        Self { code, class, message: message.into(), help: String::new(), context: BTreeMap::new() }
    }

    /// Adds what to do now.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Adds a named detail.
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.context.insert(name.to_owned(), value.to_string());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}
