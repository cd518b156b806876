use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Part;
use crate::files::{Changed, RelPath};

/// What a copy did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CopyReport {
    /// Part by part.
    pub parts: BTreeMap<Part, PartReport>,
    /// Files that were not what the index had said; see [`super::super::Index::amend`].
    pub changed: Vec<Changed>,
    /// Files that were gone when their turn came.
    pub vanished: Vec<RelPath>,
    /// Files that could not be read and, as allowed, were left out.
    pub unreadable: Vec<RelPath>,
    /// Sockets, pipes and devices, which are never copied.
    pub special: Vec<RelPath>,
    /// Symbolic links that lead out of the tree and were kept as they are.
    pub links_outside: Vec<RelPath>,
    /// Symbolic links into the source that were turned to the copy.
    pub links_turned: Vec<RelPath>,
    /// Names that share a file in the source and could not in the copy.
    pub names_apart: Vec<RelPath>,
    /// Entries whose owner could not be set (only an administrator may).
    pub owners_refused: u64,
    /// Extended attributes that the target did not take.
    pub attributes_refused: u64,
    /// Files that share their blocks with the source's until one of them is written.
    pub reflinked: u64,
    /// Time it took.
    pub milliseconds: u64,
}

/// What a copy did in one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PartReport {
    /// Files that were copied.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Files, names and links that were whole already.
    pub whole_files: u64,
    /// Bytes of the files that were whole already.
    pub whole_bytes: u64,
    /// Folders that were made.
    pub folders: u64,
    /// Symbolic links that were made.
    pub links: u64,
    /// Further names of files that were made.
    pub hard_links: u64,
}

impl CopyReport {
    /// Adds what another thread, or an earlier or later copy of other parts, did.
    pub fn add(&mut self, other: Self) {
        for (part, other) in other.parts {
            let sum = self.parts.entry(part).or_default();
            sum.files += other.files;
            sum.bytes += other.bytes;
            sum.whole_files += other.whole_files;
            sum.whole_bytes += other.whole_bytes;
            sum.folders += other.folders;
            sum.links += other.links;
            sum.hard_links += other.hard_links;
        }
        self.changed.extend(other.changed);
        self.vanished.extend(other.vanished);
        self.unreadable.extend(other.unreadable);
        self.special.extend(other.special);
        self.links_outside.extend(other.links_outside);
        self.links_turned.extend(other.links_turned);
        self.names_apart.extend(other.names_apart);
        self.owners_refused += other.owners_refused;
        self.attributes_refused += other.attributes_refused;
        self.reflinked += other.reflinked;
        self.milliseconds += other.milliseconds;
    }

    pub(super) fn part(&mut self, part: Part) -> &mut PartReport {
        self.parts.entry(part).or_default()
    }

    /// Lists in the order of paths, whichever thread was first.
    pub(super) fn sort(&mut self) {
        self.changed.sort_by(|a, b| a.path.cmp(&b.path));
        for list in [
            &mut self.vanished,
            &mut self.unreadable,
            &mut self.special,
            &mut self.links_outside,
            &mut self.links_turned,
            &mut self.names_apart,
        ] {
            list.sort();
        }
    }
}
