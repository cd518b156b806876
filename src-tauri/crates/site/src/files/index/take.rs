//! The walk through a tree.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{Access, AtFlags, Dir, FileType};
use rustix::io::Errno;

use super::{Index, Record, Span, Unreadable};
use crate::files::crew::{Crew, Gate};
use crate::files::exclusions::{Exclusions, Tally};
use crate::files::meta::{Meta, Shape};
use crate::files::path::{bytes_of, from_bytes};
use crate::files::{RelPath, sys, trouble};
use crate::{Part, Problem, Result, Unit, Watch};

/// Folders read at a time: on a cold cache each waits for the disk.
const THREADS: usize = 8;

type PartOf = dyn Fn(&Path) -> Part + Send + Sync;

struct Walk {
    root: OwnedFd,
    root_path: PathBuf,
    exclusions: Exclusions,
    part_of: Box<PartOf>,
    folders: Mutex<Folders>,
    found_folder: Condvar,
    seen: AtomicU64,
    /// Whether this user may read whatever it likes, so that nobody needs to ask.
    all_powerful: bool,
}

struct Folders {
    waiting: Vec<Folder>,
    /// Folders waiting or being read.
    open: usize,
}

struct Folder {
    path: PathBuf,
    /// The pattern that keeps back this folder: it is only counted.
    kept_back_by: Option<String>,
}

/// What one thread found.
#[derive(Default)]
struct Findings {
    text: Vec<u8>,
    records: Vec<Record>,
    unreadable: Vec<Unreadable>,
    excluded: Tally,
}

impl Index {
    /// Walks the tree at `root` with several threads and remembers every entry that `exclusions` do not keep back, each with the part
    /// that `part_of` gives its path. What may not be read is collected ([`Index::unreadable`]), not an error.
    pub async fn take(
        root: &Path,
        exclusions: &Exclusions,
        part_of: impl Fn(&Path) -> Part + Send + Sync + 'static,
        watch: &dyn Watch,
    ) -> Result<Self> {
        watch.safe_point().await?;
        let trouble = |error| trouble::at_source(root, Path::new(""), error);
        let root_path = std::fs::canonicalize(root)
            .map_err(|error| trouble(Errno::from_io_error(&error).unwrap_or(Errno::NOENT)))?;
        let root_fd = sys::open_root(&root_path).map_err(trouble)?;
        let root_meta = sys::look_at(root_fd.as_fd()).map_err(trouble)?;

        let walk = Arc::new(Walk {
            root: root_fd,
            root_path: root_path.clone(),
            exclusions: exclusions.clone(),
            part_of: Box::new(part_of),
            folders: Mutex::new(Folders {
                waiting: vec![Folder { path: PathBuf::new(), kept_back_by: None }],
                open: 1,
            }),
            found_folder: Condvar::new(),
            seen: AtomicU64::new(0),
            all_powerful: rustix::process::geteuid().is_root(),
        });
        let crew = {
            let walk = Arc::clone(&walk);
            Crew::start("index", THREADS, move |gate| walk.work(gate))?
        };
        let findings = crew
            .follow(watch, |watch| watch.progress(walk.seen.load(Ordering::Relaxed), 0, Unit::Files))
            .await?;
        Ok(gather(root_path, &root_meta, &walk, findings))
    }
}

/// Puts together what the threads found.
fn gather(root_path: PathBuf, root: &Meta, walk: &Walk, findings: Vec<Findings>) -> Index {
    let mut text = Vec::with_capacity(findings.iter().map(|one| one.text.len()).sum());
    let mut records = Vec::with_capacity(1 + findings.iter().map(|one| one.records.len()).sum::<usize>());
    let mut unreadable = Vec::new();
    let mut excluded = Tally::new();
    records.push(Record::new(Span::default(), Span::default(), root, (walk.part_of)(Path::new(""))));
    for one in findings {
        let offset = text.len() as u64;
        text.extend_from_slice(&one.text);
        records.extend(one.records.into_iter().map(|mut record| {
            record.path.start += offset;
            record.to.start += offset;
            record
        }));
        unreadable.extend(one.unreadable);
        for (pattern, counted) in one.excluded {
            let sum = excluded.entry(pattern).or_default();
            sum.files += counted.files;
            sum.bytes += counted.bytes;
        }
    }
    Index::assemble(root_path, text, records, unreadable, excluded)
}

impl Walk {
    fn work(&self, gate: &Gate) -> Result<Findings> {
        let mut findings = Findings::default();
        loop {
            gate.pass()?;
            match self.next() {
                Next::Folder(folder) => {
                    let read = self.read(&folder, &mut findings);
                    let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
                    folders.open -= 1;
                    if folders.open == 0 {
                        self.found_folder.notify_all();
                    }
                    drop(folders);
                    read?;
                }
                Next::Wait => {}
                Next::Done => return Ok(findings),
            }
        }
    }

    fn next(&self) -> Next {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = folders.waiting.pop() {
            return Next::Folder(folder);
        }
        if folders.open == 0 {
            return Next::Done;
        }
        // A limit, because a thread that waits here has to come by the gate as well.
        let _ = self.found_folder.wait_timeout(folders, Duration::from_millis(20));
        Next::Wait
    }

    /// Reads one folder. Only what keeps the whole walk from making sense is an error.
    fn read(&self, folder: &Folder, findings: &mut Findings) -> Result<()> {
        let opened = match sys::open_source_folder(self.root.as_fd(), &folder.path) {
            Ok(opened) => opened,
            // Removed, or replaced by something else, since its own folder was read.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) if !folder.path.as_os_str().is_empty() => {
                return Ok(());
            }
            Err(error) => return self.cannot_read(folder, &folder.path, error, findings),
        };
        let mut names = Vec::new();
        let mut dir = match Dir::new(opened) {
            Ok(dir) => dir,
            Err(error) => return self.cannot_read(folder, &folder.path, error, findings),
        };
        while let Some(entry) = dir.read() {
            match entry {
                Ok(entry) if matches!(entry.file_name().to_bytes(), b"." | b"..") => {}
                Ok(entry) => names.push((entry.ino(), entry.file_name().to_owned(), entry.file_type())),
                Err(error) => return self.cannot_read(folder, &folder.path, error, findings),
            }
        }
        // In the order of their inodes, so that a cold disk is read forwards.
        names.sort_unstable_by_key(|(inode, ..)| *inode);
        let opened = match dir.fd() {
            Ok(opened) => opened,
            Err(error) => return self.cannot_read(folder, &folder.path, error, findings),
        };
        let mut below = Vec::new();
        for (_, name, file_type) in &names {
            let name = from_bytes(name.to_bytes());
            let path = folder.path.join(name);
            self.entry(folder, opened, name, path, *file_type, findings, &mut below)?;
        }
        self.seen.fetch_add(names.len() as u64, Ordering::Relaxed);
        if !below.is_empty() {
            let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
            folders.open += below.len();
            folders.waiting.append(&mut below);
            self.found_folder.notify_all();
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments)]
    fn entry(
        &self,
        folder: &Folder,
        opened: BorrowedFd<'_>,
        name: &Path,
        path: PathBuf,
        file_type: FileType,
        findings: &mut Findings,
        below: &mut Vec<Folder>,
    ) -> Result<()> {
        let meta = match sys::look(opened, name.as_os_str()) {
            Ok(Some(meta)) => meta,
            Ok(None) => return Ok(()),
            Err(error) => return self.cannot_read(folder, &path, error, findings),
        };
        debug_assert!(
            file_type == FileType::Unknown
                || (file_type == FileType::Directory) == (meta.shape == Shape::Folder)
        );
        let kept_back_by = match &folder.kept_back_by {
            Some(pattern) => Some(pattern.clone()),
            None => self.exclusions.pattern_against(&path, meta.shape == Shape::Folder).map(str::to_owned),
        };
        if let Some(pattern) = kept_back_by {
            if meta.shape == Shape::Folder {
                findings.excluded.entry(pattern.clone()).or_default();
                below.push(Folder { path, kept_back_by: Some(pattern) });
            } else {
                let sum = findings.excluded.entry(pattern).or_default();
                sum.files += 1;
                sum.bytes += if meta.shape == Shape::File { meta.size } else { 0 };
            }
            return Ok(());
        }
        let mut to = Span::default();
        match meta.shape {
            Shape::Link => match rustix::fs::readlinkat(opened, name, Vec::new()) {
                Ok(target) => to = findings.keep(target.to_bytes()),
                Err(Errno::NOENT | Errno::INVAL) => return Ok(()),
                Err(error) => return self.cannot_read(folder, &path, error, findings),
            },
            Shape::File if !self.all_powerful => {
                let access = rustix::fs::accessat(opened, name, Access::READ_OK, AtFlags::EACCESS);
                if let Err(error @ (Errno::ACCESS | Errno::PERM)) = access {
                    return self.cannot_read(folder, &path, error, findings);
                }
            }
            Shape::File | Shape::Folder | Shape::Special => {}
        }
        let span = findings.keep(bytes_of(&path));
        findings.records.push(Record::new(span, to, &meta, (self.part_of)(&path)));
        if meta.shape == Shape::Folder {
            below.push(Folder { path, kept_back_by: None });
        }
        Ok(())
    }

    /// What may not be read is collected, as long as it is not kept back anyway; a failing disk ends the walk.
    fn cannot_read(
        &self,
        folder: &Folder,
        path: &Path,
        error: Errno,
        findings: &mut Findings,
    ) -> Result<(), Problem> {
        match error {
            Errno::ACCESS | Errno::PERM if path.as_os_str().is_empty() => {
                Err(trouble::at_source(&self.root_path, path, error))
            }
            Errno::ACCESS | Errno::PERM => {
                if folder.kept_back_by.is_none() {
                    let why = "no right to read".to_owned();
                    findings.unreadable.push(Unreadable { path: RelPath::from(path), why });
                }
                Ok(())
            }
            error => Err(trouble::at_source(&self.root_path, path, error)),
        }
    }
}

enum Next {
    Folder(Folder),
    Wait,
    Done,
}

impl Findings {
    fn keep(&mut self, bytes: &[u8]) -> Span {
        let start = self.text.len() as u64;
        self.text.extend_from_slice(bytes);
        Span { start, len: bytes.len() as u32 }
    }
}
