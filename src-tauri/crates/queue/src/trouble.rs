//! What keeps the queue itself from going on: the folder that it lives in.

use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};

use clonedeck_store::Place;

use crate::queue::Shared;
use crate::{Error, Queue};

/// What is wrong with the data directory. The queue goes on by itself when it is put right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It is not where it was.
    Gone,
    /// Nothing can be written into it.
    ReadOnly,
    /// Its disk is full.
    Full,
}

impl Trouble {
    /// A stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Gone => "data-folder",
            Self::ReadOnly => "data-folder-read-only",
            Self::Full => "data-folder-full",
        }
    }

    /// The sentence.
    pub fn message(self, dir: &Path) -> String {
        let dir = dir.display();
        match self {
            Self::Gone => format!("The data folder {dir} is not there any more."),
            Self::ReadOnly => format!("Nothing can be written into the data folder {dir} any more."),
            Self::Full => format!("The disk of the data folder {dir} is full."),
        }
    }

    /// What to do.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Gone => "Put it back, or connect its disk",
            Self::ReadOnly => "Make it writable again",
            Self::Full => "Free some space on that disk",
        }
    }
}

/// What a refused write last said of the disk.
#[derive(Debug, Default)]
pub(crate) struct Refused(AtomicU8);

impl Refused {
    pub fn set(&self, trouble: Option<Trouble>) {
        let word = match trouble {
            None | Some(Trouble::Gone) => 0,
            Some(Trouble::ReadOnly) => 1,
            Some(Trouble::Full) => 2,
        };
        self.0.store(word, Ordering::Relaxed);
    }

    /// Takes note of a write that was refused, if it says something of the disk.
    pub fn note(&self, error: &Error) {
        if error.is_disk_full() {
            self.set(Some(Trouble::Full));
        } else if error.is_read_only() {
            self.set(Some(Trouble::ReadOnly));
        }
    }

    pub fn get(&self) -> Option<Trouble> {
        match self.0.load(Ordering::Relaxed) {
            1 => Some(Trouble::ReadOnly),
            2 => Some(Trouble::Full),
            _ => None,
        }
    }
}

impl Shared {
    /// What is wrong with the place of the data directory.
    pub fn misplaced(&self) -> Option<Trouble> {
        match self.store.place() {
            Place::Here => None,
            Place::Gone => Some(Trouble::Gone),
            Place::ReadOnly => Some(Trouble::ReadOnly),
        }
    }
}

impl Queue {
    /// What is wrong with the data directory; nothing is started until it is put right. A full disk is known to the process that
    /// runs the queue.
    pub fn trouble(&self) -> Option<Trouble> {
        self.shared.misplaced().or_else(|| self.shared.refused.get())
    }
}
