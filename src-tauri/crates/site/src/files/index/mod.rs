//! What is in a tree, remembered entry by entry.

mod keep;
mod take;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::exclusions::{Excluded, Tally};
use super::meta::{Meta, Mtime, Shape};
use super::path::{bytes_of, from_bytes, order};
use super::{Changed, RelPath};
use crate::{Part, Problem, Result};

/// Number that says "none" where a number of an entry may stand.
const NONE: u32 = u32::MAX;

/// Everything that a tree held at one time, in the order of its paths: a folder stands before what it holds. Entry 0 is the root.
#[derive(Debug, Clone)]
pub struct Index {
    root: PathBuf,
    /// All paths and link targets, one after the other.
    text: Vec<u8>,
    records: Vec<Record>,
    unreadable: Vec<Unreadable>,
    excluded: Tally,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Record {
    path: Span,
    /// The target of a symbolic link.
    to: Span,
    size: u64,
    allocated: u64,
    mtime: Mtime,
    dev: u64,
    ino: u64,
    mode: u32,
    uid: u32,
    gid: u32,
    /// The folder that holds the entry; the root holds itself.
    parent: u32,
    /// For a further name of a file: its first name.
    first_name: u32,
    shape: Shape,
    part: Part,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Span {
    start: u64,
    len: u32,
}

/// One entry of an [`Index`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its place in the index.
    pub number: u32,
    /// Where it is below the root; empty for the root itself.
    pub path: &'a Path,
    /// What it is.
    pub kind: Kind<'a>,
    /// The part of the site that it belongs to.
    pub part: Part,
    /// Length of a file in bytes; 0 for everything else.
    pub size: u64,
    /// When its contents changed last.
    pub mtime: Mtime,
    /// Permission bits with set-uid, set-gid and sticky.
    pub mode: u32,
    /// Owning user.
    pub uid: u32,
    /// Owning group.
    pub gid: u32,
    /// Whether a file has holes: fewer bytes on the disk than it is long.
    pub sparse: bool,
    /// Device and number of its inode.
    pub identity: (u64, u64),
}

/// What an [`Entry`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// A file (of several names, the first).
    File,
    /// A further name of the file that is entry `of`.
    HardLink {
        /// The file's first name in the index.
        of: u32,
    },
    /// A folder.
    Folder,
    /// A symbolic link.
    Link {
        /// What it says.
        to: &'a Path,
    },
    /// A socket, pipe or device: never copied.
    Special,
}

/// Something in the tree that this user may not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// Where it is.
    pub path: RelPath,
    /// What the system said.
    pub why: String,
}

/// Counts of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Count {
    /// Names of files, further names included.
    pub files: u64,
    /// Bytes of the files, each file once.
    pub bytes: u64,
    /// Folders, the root not counted.
    pub folders: u64,
    /// Symbolic links.
    pub links: u64,
    /// Further names of files that `files` counts.
    pub hard_links: u64,
    /// Sockets, pipes and devices.
    pub special: u64,
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.folders += other.folders;
        self.links += other.links;
        self.hard_links += other.hard_links;
        self.special += other.special;
    }
}

impl Count {
    pub(super) fn of(entry: &Entry<'_>) -> Self {
        let mut count = Self::default();
        match entry.kind {
            Kind::File => (count.files, count.bytes) = (1, entry.size),
            Kind::HardLink { .. } => (count.files, count.hard_links) = (1, 1),
            Kind::Folder => count.folders = u64::from(entry.number != 0),
            Kind::Link { .. } => count.links = 1,
            Kind::Special => count.special = 1,
        }
        count
    }
}

impl Index {
    /// The root of the tree: absolute, without symbolic links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// How many entries there are, the root included.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether nothing but the root is there.
    pub fn is_empty(&self) -> bool {
        self.records.len() <= 1
    }

    /// All entries in order.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = Entry<'_>> + '_ {
        (0..self.records.len() as u32).map(|number| self.entry(number))
    }

    /// The entry `number`. Panics where there is none.
    pub fn entry(&self, number: u32) -> Entry<'_> {
        let record = &self.records[number as usize];
        let kind = match record.shape {
            Shape::File if record.first_name != NONE => Kind::HardLink { of: record.first_name },
            Shape::File => Kind::File,
            Shape::Folder => Kind::Folder,
            Shape::Link => Kind::Link { to: from_bytes(self.text(record.to)) },
            Shape::Special => Kind::Special,
        };
        Entry {
            number,
            path: from_bytes(self.text(record.path)),
            kind,
            part: record.part,
            size: record.size,
            mtime: record.mtime,
            mode: record.mode,
            uid: record.uid,
            gid: record.gid,
            sparse: record.shape == Shape::File && record.allocated < record.size,
            identity: (record.dev, record.ino),
        }
    }

    /// The entry at `path`, if there is one.
    pub fn find(&self, path: &Path) -> Option<Entry<'_>> {
        let path = bytes_of(path);
        let found = self.records.binary_search_by(|record| order(self.text(record.path), path));
        found.ok().map(|number| self.entry(number as u32))
    }

    /// What is there, part by part.
    pub fn parts(&self) -> BTreeMap<Part, Count> {
        let mut parts = BTreeMap::new();
        for entry in self.entries() {
            *parts.entry(entry.part).or_insert_with(Count::default) += Count::of(&entry);
        }
        parts
    }

    /// What is there in `parts` together.
    pub fn count(&self, parts: &[Part]) -> Count {
        let mut sum = Count::default();
        for (_, count) in self.parts().into_iter().filter(|(part, _)| parts.contains(part)) {
            sum += count;
        }
        sum
    }

    /// Sockets, pipes and devices, which no copy has.
    pub fn special(&self) -> impl Iterator<Item = Entry<'_>> + '_ {
        self.entries().filter(|entry| entry.kind == Kind::Special)
    }

    /// Everything that this user may not read. None of it is an entry.
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }

    /// Refuses with `source.unreadable` where anything may not be read, naming the first of them.
    pub fn require_readable(&self) -> Result<()> {
        let Some(first) = self.unreadable.first() else { return Ok(()) };
        let named: Vec<_> = self.unreadable.iter().take(20).map(|one| one.path.to_string()).collect();
        let message = match self.unreadable.len() {
            1 => format!("{} in the source may not be read ({}).", first.path, first.why),
            more => {
                format!("{} entries of the source may not be read, {} the first of them.", more, first.path)
            }
        };
        Err(Problem::needs_person("source.unreadable", message)
            .help("Give the user that runs Clonedeck the right to read them, or allow unreadable files to be left out (--allow-unreadable).")
            .with("count", self.unreadable.len())
            .with("paths", named.join("\n")))
    }

    /// What was kept back, by pattern.
    pub fn excluded(&self) -> &BTreeMap<String, Excluded> {
        &self.excluded
    }

    /// The index of what was copied: sizes and times of files that had changed meanwhile as the copier found them.
    pub fn amend(&mut self, changed: &[Changed]) {
        for change in changed {
            if let Some(number) = self.find(change.path.as_path()).map(|entry| entry.number as usize) {
                self.records[number].size = change.size;
                self.records[number].mtime = change.mtime;
            }
        }
    }

    /// The number of the folder that holds an entry; the root holds itself.
    pub fn parent(&self, number: u32) -> u32 {
        self.records[number as usize].parent
    }

    fn text(&self, span: Span) -> &[u8] {
        &self.text[span.start as usize..][..span.len as usize]
    }

    /// Brings records that were gathered in any order into the index's order and finds their relations.
    fn assemble(
        root: PathBuf,
        text: Vec<u8>,
        mut records: Vec<Record>,
        mut unreadable: Vec<Unreadable>,
        excluded: Tally,
    ) -> Self {
        let path_of = |record: &Record| &text[record.path.start as usize..][..record.path.len as usize];
        records.sort_unstable_by(|a, b| order(path_of(a), path_of(b)));
        unreadable.sort_by(|a, b| order(bytes_of(a.path.as_path()), bytes_of(b.path.as_path())));
        let mut index = Self { root, text, records, unreadable, excluded };
        index.find_parents();
        index.find_first_names();
        index
    }

    /// The folder of each entry: the last one above it in the order.
    fn find_parents(&mut self) {
        let mut above: Vec<u32> = vec![0];
        for number in 1..self.records.len() {
            let depth = self.text(self.records[number].path).split(|byte| *byte == b'/').count();
            above.truncate(depth);
            self.records[number].parent = above.last().copied().unwrap_or(0);
            above.push(number as u32);
        }
    }

    /// The first name of files with several.
    fn find_first_names(&mut self) {
        let mut first_names: HashMap<(u64, u64), u32> = HashMap::new();
        for (number, record) in self.records.iter_mut().enumerate() {
            if record.first_name == NONE {
                continue;
            }
            let first = *first_names.entry((record.dev, record.ino)).or_insert(number as u32);
            record.first_name = if first == number as u32 { NONE } else { first };
        }
    }
}

impl Record {
    /// A record whose relations are not yet known; `first_name` tells whether further names are to be looked for.
    fn new(path: Span, to: Span, meta: &Meta, part: Part) -> Self {
        let is_file = meta.shape == Shape::File;
        Self {
            path,
            to,
            size: if is_file { meta.size } else { 0 },
            allocated: meta.allocated,
            mtime: meta.mtime,
            dev: meta.dev,
            ino: meta.ino,
            mode: meta.mode,
            uid: meta.uid,
            gid: meta.gid,
            parent: 0,
            first_name: if is_file && meta.links > 1 { 0 } else { NONE },
            shape: meta.shape,
            part,
        }
    }
}
