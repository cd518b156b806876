//! A copy held against the index that it was made by.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rustix::fs::OFlags;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::crew::{Crew, Gate};
use super::links::{Lead, Trees};
use super::path::{bytes_of, order};
use super::{Count, Entry, Exclusions, Index, Kind, RelPath, sys, trouble};
use crate::{Part, Result, Unit, Watch};

/// Pairs of files read at a time.
const THREADS: usize = 8;
/// Differences and extra entries that are named; all are counted.
const NAMED: usize = 1000;

/// How closely a copy is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Verify {
    /// Kinds, sizes, links and modes.
    Sizes,
    /// Also the BLAKE3 of a share of the files, chosen by the seed: the same seed chooses the same files.
    Sampled {
        /// What chooses.
        seed: u64,
        /// How many of the files, between 0 and 1.
        share: f64,
    },
    /// Also the BLAKE3 of every file.
    Full,
}

/// How an entry of the copy is not what the index says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Difference {
    /// It is not there.
    Missing,
    /// It is something else: a folder for a file, a file for a link.
    OtherKind,
    /// It is longer or shorter.
    OtherSize {
        /// Bytes that it should have.
        expected: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// It has the size but not the bytes.
    OtherContent,
    /// The symbolic link says something else.
    OtherLink,
    /// Its permissions are others.
    OtherMode {
        /// The bits that it should have.
        expected: u32,
        /// The bits that it has.
        found: u32,
    },
}

/// One part of a copy beside what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PartComparison {
    /// What the index has.
    pub expected: Count,
    /// What of it the copy has as it should be, or was changed on purpose.
    pub found: Count,
}

/// The outcome of [`compare`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Comparison {
    /// Part by part.
    pub parts: BTreeMap<Part, PartComparison>,
    /// How many entries are not what they should be.
    pub different: u64,
    /// The first thousand of them, in the order of their paths.
    pub differences: Vec<(RelPath, Difference)>,
    /// How many entries the copy has that the index has not.
    pub extra: u64,
    /// The first thousand of them.
    pub extra_named: Vec<RelPath>,
    /// Entries that the job changed on purpose and that were not looked at.
    pub on_purpose: u64,
    /// Names that share a file in the index and do not in the copy.
    pub names_apart: u64,
    /// Files whose bytes were compared with the source's.
    pub hashed_files: u64,
    /// Bytes of these files.
    pub hashed_bytes: u64,
    /// Files chosen to be compared by their bytes whose source is not any more what the index says, so that it proves nothing.
    pub source_moved_on: u64,
}

impl Comparison {
    /// Whether everything that the index says is there and as it should be. Extra entries do not count against a copy.
    pub fn is_clean(&self) -> bool {
        self.different == 0
    }

    fn differs(&mut self, path: &Path, difference: Difference) {
        self.different += 1;
        self.differences.push((path.into(), difference));
    }
}

/// Holds what is at `target` against `index`, for `parts` of it. Entries in `on_purpose` (what the job itself wrote or removed) are
/// counted and not looked at. Where bytes are compared, the source is read as well; files that changed there since do not count
/// against the copy, so that this can be done again long after.
pub async fn compare(
    index: Arc<Index>,
    target: &Path,
    parts: &[Part],
    verify: Verify,
    on_purpose: &BTreeSet<RelPath>,
    watch: &dyn Watch,
) -> Result<Comparison> {
    let found = Index::take(target, &Exclusions::none(), |_| Part::Core, watch).await?;
    let mut comparison = Comparison::default();
    let chosen = hold_against(&index, &found, parts, verify, on_purpose, &mut comparison);
    if !chosen.is_empty() {
        let hashing = Arc::new(Hashing::open(index, found, chosen)?);
        let crew = {
            let hashing = Arc::clone(&hashing);
            Crew::start("compare", THREADS, move |gate| hashing.work(gate))?
        };
        let done = crew.follow(watch, |watch| {
            watch.progress(hashing.done.load(Ordering::Relaxed), hashing.total, Unit::Bytes);
        });
        for verdict in done.await? {
            verdict.into(&hashing, &mut comparison);
        }
    }
    comparison.differences.sort_by(|(a, _), (b, _)| order(bytes_of(a.as_path()), bytes_of(b.as_path())));
    comparison.differences.truncate(NAMED);
    Ok(comparison)
}

/// Goes through both trees side by side. Answers the files (their numbers in both) whose bytes are to be compared.
fn hold_against(
    index: &Index,
    found: &Index,
    parts: &[Part],
    verify: Verify,
    on_purpose: &BTreeSet<RelPath>,
    comparison: &mut Comparison,
) -> Vec<(u32, u32)> {
    let trees = Trees::new(index.root(), found.root());
    let on_purpose: BTreeSet<&Path> = on_purpose.iter().map(RelPath::as_path).collect();
    let mut chosen = Vec::new();
    let mut there = found.entries().peekable();
    let extra = |comparison: &mut Comparison, entry: Entry<'_>| {
        if on_purpose.contains(entry.path) {
            return;
        }
        comparison.extra += 1;
        if comparison.extra_named.len() < NAMED {
            comparison.extra_named.push(entry.path.into());
        }
    };
    for entry in index.entries() {
        let mut other = None;
        while let Some(next) = there.peek().copied() {
            match order(bytes_of(next.path), bytes_of(entry.path)) {
                std::cmp::Ordering::Less => extra(comparison, next),
                std::cmp::Ordering::Equal => other = Some(next),
                std::cmp::Ordering::Greater => break,
            }
            there.next();
        }
        if !parts.contains(&entry.part) || entry.kind == Kind::Special {
            continue;
        }
        comparison.parts.entry(entry.part).or_default().expected += Count::of(&entry);
        let difference = if on_purpose.contains(entry.path) {
            comparison.on_purpose += 1;
            None
        } else if let Some(other) = other {
            difference(index, &entry, &other, &trees)
        } else {
            Some(Difference::Missing)
        };
        if let Some(difference) = difference {
            comparison.differs(entry.path, difference);
            continue;
        }
        comparison.parts.entry(entry.part).or_default().found += Count::of(&entry);
        let Some(other) = other.filter(|_| !on_purpose.contains(entry.path)) else { continue };
        match entry.kind {
            Kind::HardLink { of } => {
                let first = index.entry(of);
                let shares = found.find(first.path).is_some_and(|first| first.identity == other.identity);
                comparison.names_apart += u64::from(!shares && parts.contains(&first.part));
            }
            Kind::File if verify.chooses(entry.path) => chosen.push((entry.number, other.number)),
            _ => {}
        }
    }
    there.for_each(|entry| extra(comparison, entry));
    chosen
}

fn difference(index: &Index, entry: &Entry<'_>, other: &Entry<'_>, trees: &Trees) -> Option<Difference> {
    let expected = match entry.kind {
        Kind::HardLink { of } => index.entry(of).size,
        _ => entry.size,
    };
    match (entry.kind, other.kind) {
        (Kind::Link { to }, Kind::Link { to: says }) => {
            let right = match trees.lead(entry.path, to) {
                Lead::Turned(turned) => says == turned,
                Lead::Inside | Lead::Outside => says == to,
            };
            return (!right).then_some(Difference::OtherLink);
        }
        (Kind::File | Kind::HardLink { .. }, Kind::File | Kind::HardLink { .. }) => {
            if other.size != expected {
                return Some(Difference::OtherSize { expected, found: other.size });
            }
        }
        (Kind::Folder, Kind::Folder) => {}
        _ => return Some(Difference::OtherKind),
    }
    let bits = 0o777;
    (entry.mode & bits != other.mode & bits)
        .then_some(Difference::OtherMode { expected: entry.mode & bits, found: other.mode & bits })
}

impl Verify {
    fn chooses(self, path: &Path) -> bool {
        match self {
            Self::Sizes => false,
            Self::Full => true,
            Self::Sampled { seed, share } => {
                let hash =
                    blake3::Hasher::new().update(&seed.to_le_bytes()).update(bytes_of(path)).finalize();
                let mut first = [0; 8];
                first.copy_from_slice(&hash.as_bytes()[..8]);
                (u64::from_le_bytes(first) as f64) < share * u64::MAX as f64
            }
        }
    }
}

/// Files of two trees that are read side by side.
struct Hashing {
    index: Arc<Index>,
    found: Index,
    source: Option<OwnedFd>,
    target: OwnedFd,
    chosen: Vec<(u32, u32)>,
    next: AtomicUsize,
    done: AtomicU64,
    total: u64,
}

/// What one thread found by reading.
#[derive(Default)]
struct Verdict {
    different: Vec<u32>,
    vanished: Vec<u32>,
    files: u64,
    bytes: u64,
    moved_on: u64,
}

impl Verdict {
    fn into(self, hashing: &Hashing, comparison: &mut Comparison) {
        comparison.hashed_files += self.files;
        comparison.hashed_bytes += self.bytes;
        comparison.source_moved_on += self.moved_on;
        let different = self.different.into_iter().map(|number| (number, Difference::OtherContent));
        let vanished = self.vanished.into_iter().map(|number| (number, Difference::Missing));
        for (number, difference) in different.chain(vanished) {
            let entry = hashing.index.entry(number);
            comparison.differs(entry.path, difference);
            let found = &mut comparison.parts.entry(entry.part).or_default().found;
            found.files -= 1;
            found.bytes -= entry.size;
        }
    }
}

impl Hashing {
    fn open(index: Arc<Index>, found: Index, mut chosen: Vec<(u32, u32)>) -> Result<Self> {
        let target = sys::open_root(found.root())
            .map_err(|error| trouble::at_source(found.root(), Path::new(""), error))?;
        // A source that is gone altogether has moved on with every file.
        let source = sys::open_root(index.root()).ok();
        chosen.sort_by_key(|(number, _)| index.entry(*number).identity.1);
        let total = chosen.iter().map(|(number, _)| index.entry(*number).size).sum();
        let (next, done) = (AtomicUsize::new(0), AtomicU64::new(0));
        Ok(Self { index, found, source, target, chosen, next, done, total })
    }

    fn work(&self, gate: &Gate) -> Result<Verdict> {
        let mut verdict = Verdict::default();
        let mut buffer = vec![0; 256 << 10];
        while let Some((number, _)) = self.chosen.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            gate.pass()?;
            let entry = self.index.entry(*number);
            let Some(before) = self.source_hash(&entry, &mut buffer, gate)? else {
                verdict.moved_on += 1;
                continue;
            };
            let copied = hash(&self.target, entry.path, &mut buffer, gate);
            match copied.map_err(|fault| fault.into_problem(self.found.root(), entry.path))? {
                None => verdict.vanished.push(*number),
                Some((hash, _)) if hash != before => verdict.different.push(*number),
                Some(_) => {}
            }
            verdict.files += 1;
            verdict.bytes += entry.size;
            self.done.fetch_add(entry.size, Ordering::Relaxed);
        }
        Ok(verdict)
    }

    /// The hash of the source's file, if it is still the one that the index speaks of.
    fn source_hash(&self, entry: &Entry<'_>, buffer: &mut [u8], gate: &Gate) -> Result<Option<blake3::Hash>> {
        let Some(source) = &self.source else { return Ok(None) };
        match hash(source, entry.path, buffer, gate) {
            Ok(Some((hash, meta))) if (meta.size, meta.mtime) == (entry.size, entry.mtime) => Ok(Some(hash)),
            Ok(_) | Err(Fault::System(Errno::ACCESS | Errno::PERM)) => Ok(None),
            Err(fault) => Err(fault.into_problem(self.index.root(), entry.path)),
        }
    }
}

enum Fault {
    System(Errno),
    Stopped(crate::Stopped),
}

impl Fault {
    fn into_problem(self, root: &Path, path: &Path) -> crate::Problem {
        match self {
            Self::System(error) => trouble::at_source(root, path, error),
            Self::Stopped(stopped) => stopped.into(),
        }
    }
}

/// The BLAKE3 of a file and what it was after the last byte; `None` where no file is there.
fn hash(
    root: &OwnedFd,
    path: &Path,
    buffer: &mut [u8],
    gate: &Gate,
) -> Result<Option<(blake3::Hash, super::meta::Meta)>, Fault> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let opened = sys::open_folder(root.as_fd(), folder, OFlags::empty())
        .and_then(|folder| sys::open_source_file(folder.as_fd(), path.file_name().unwrap_or_default()));
    let file = match opened {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO) => return Ok(None),
        Err(error) => return Err(Fault::System(error)),
    };
    let mut hasher = blake3::Hasher::new();
    loop {
        gate.pass().map_err(Fault::Stopped)?;
        match rustix::io::read(&file, &mut *buffer) {
            Ok(0) => break,
            Ok(read) => {
                hasher.update(&buffer[..read]);
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(Fault::System(error)),
        }
    }
    let meta = sys::look_at(file.as_fd()).map_err(Fault::System)?;
    Ok(Some((hasher.finalize(), meta)))
}
