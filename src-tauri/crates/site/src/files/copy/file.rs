//! One file, link or group of names.

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use rustix::fs::{AtFlags, OFlags, Uid};
use rustix::io::Errno;

use super::contents::{BUFFER, Fault, Pipe};
use super::folders::Made;
use super::{Copy, CopyReport, attributes};
use crate::files::crew::Gate;
use crate::files::links::Lead;
use crate::files::meta::{Meta, Shape};
use crate::files::path::bytes_of;
use crate::files::{Changed, Entry, Kind, RelPath, sys};
use crate::{Problem, Result};

/// How often a file is read that changes under the reading.
const READINGS: u32 = 3;

/// From this size on the disk is set to write a file at once, while others are still read, instead of all at the end.
const WRITTEN_EARLY: u64 = 64 << 10;

/// One thread's hand: what it holds open, and what it did.
pub(super) struct Hand<'a> {
    copy: &'a Copy,
    made: &'a Made,
    buffer: Vec<u8>,
    /// The folder it worked in last: its number, the source's and the target's.
    folder: Option<(u32, Option<OwnedFd>, OwnedFd)>,
    pub report: CopyReport,
}

/// What became of the contents of a file.
enum Outcome {
    /// The target has it, by this run or before.
    There,
    /// The source has it no more, or it may not be read and is left out.
    Not,
}

impl<'a> Hand<'a> {
    pub(super) fn new(copy: &'a Copy, made: &'a Made) -> Self {
        Self { copy, made, buffer: vec![0; BUFFER], folder: None, report: CopyReport::default() }
    }

    /// Copies the file or symbolic link `number`.
    pub(super) fn copy_one(&mut self, number: u32, gate: &Gate) -> Result<()> {
        let entry = self.copy.index.entry(number);
        match entry.kind {
            Kind::Link { to } => self.copy_link(&entry, to)?,
            _ => {
                self.copy_file(&entry, gate)?;
            }
        }
        self.copy.done.files.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Copies a file of several names: its contents once, by whichever name the target has already or gets first.
    pub(super) fn copy_names(&mut self, names: &[u32], gate: &Gate) -> Result<()> {
        let copy = self.copy;
        let mut first: Option<(u32, Meta)> = None;
        for &number in names {
            let entry = copy.index.entry(number);
            if let Some(meta) = self.whole_in_target(&entry)? {
                first = Some((number, meta));
                break;
            }
        }
        for &number in names {
            let entry = copy.index.entry(number);
            if !copy.plan.parts.contains(&entry.part) {
                continue;
            }
            gate.pass()?;
            copy.doing(number);
            match first {
                Some((of, meta)) if of != number => self.give_name(&entry, of, &meta, gate)?,
                Some(_) => {
                    let part = self.report.part(entry.part);
                    part.whole_files += 1;
                    part.whole_bytes += entry.size;
                    copy.done.bytes.fetch_add(entry.size, Ordering::Relaxed);
                }
                None => {
                    if matches!(self.copy_file(&entry, gate)?, Outcome::There) {
                        first = self.look_in_target(&entry)?.map(|meta| (number, meta));
                    }
                }
            }
            copy.done.files.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Makes `entry` a further name of the file that the target has as entry `of`.
    fn give_name(&mut self, entry: &Entry<'_>, of: u32, meta: &Meta, gate: &Gate) -> Result<()> {
        let copy = self.copy;
        let trouble = |error| copy.target_trouble(entry.path, error);
        let there = self.look_in_target(entry)?;
        if there.is_some_and(|there| (there.dev, there.ino) == (meta.dev, meta.ino)) {
            self.report.part(entry.part).whole_files += 1;
            return Ok(());
        }
        let of = copy.index.entry(of);
        let of_folder =
            sys::open_folder(copy.target.as_fd(), parent(of.path), OFlags::empty()).map_err(trouble)?;
        let (_, folder) = self.folder_of(entry)?;
        let name = name(entry.path);
        let temporary = temporary_name(name);
        let link =
            |to: &OsStr| rustix::fs::linkat(&of_folder, self::name(of.path), folder, to, AtFlags::empty());
        let linked = match link(&temporary) {
            Err(Errno::EXIST) => {
                rustix::fs::unlinkat(folder, &temporary, AtFlags::empty()).and_then(|()| link(&temporary))
            }
            done => done,
        };
        match linked {
            Ok(()) => {
                rustix::fs::renameat(folder, &temporary, folder, name).map_err(trouble)?;
                self.report.part(entry.part).hard_links += 1;
                Ok(())
            }
            // Too many names, two file systems, or one without further names: a copy of its own then.
            Err(Errno::MLINK | Errno::XDEV | Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS) => {
                self.report.names_apart.push(entry.path.into());
                self.copy_file(entry, gate)?;
                Ok(())
            }
            Err(error) => Err(trouble(error)),
        }
    }

    fn copy_link(&mut self, entry: &Entry<'_>, to: &Path) -> Result<()> {
        let copy = self.copy;
        let trouble = |error| copy.target_trouble(entry.path, error);
        let turned: PathBuf;
        let to = match copy.trees.lead(entry.path, to) {
            Lead::Inside => to,
            Lead::Turned(other) => {
                self.report.links_turned.push(entry.path.into());
                turned = other;
                &turned
            }
            Lead::Outside => {
                self.report.links_outside.push(entry.path.into());
                to
            }
        };
        let is_root = copy.is_root;
        let (_, folder) = self.folder_of(entry)?;
        let name = name(entry.path);
        if sys::look(folder.as_fd(), name).map_err(trouble)?.is_some_and(|meta| meta.shape == Shape::Link) {
            let said = rustix::fs::readlinkat(folder, name, Vec::new()).map_err(trouble)?;
            if said.to_bytes() == bytes_of(to) {
                self.report.part(entry.part).whole_files += 1;
                return Ok(());
            }
        }
        let temporary = temporary_name(name);
        match rustix::fs::symlinkat(to, folder, &temporary) {
            Err(Errno::EXIST) => {
                rustix::fs::unlinkat(folder, &temporary, AtFlags::empty()).map_err(trouble)?;
                rustix::fs::symlinkat(to, folder, &temporary).map_err(trouble)?;
            }
            done => done.map_err(trouble)?,
        }
        if is_root {
            let (uid, gid) = (Uid::from_raw(entry.uid), rustix::fs::Gid::from_raw(entry.gid));
            let _ = rustix::fs::chownat(folder, &temporary, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW);
        }
        let time = rustix::fs::Timespec { tv_sec: entry.mtime.seconds, tv_nsec: entry.mtime.nanos.into() };
        let times = rustix::fs::Timestamps { last_access: time, last_modification: time };
        let _ = rustix::fs::utimensat(folder, &temporary, &times, AtFlags::SYMLINK_NOFOLLOW);
        rustix::fs::renameat(folder, &temporary, folder, name).map_err(trouble)?;
        self.report.part(entry.part).links += 1;
        Ok(())
    }

    fn copy_file(&mut self, entry: &Entry<'_>, gate: &Gate) -> Result<Outcome> {
        let copy = self.copy;
        let there =
            if self.made.has(copy.index.parent(entry.number)) { None } else { self.look_in_target(entry)? };
        if there.is_some_and(|there| is_whole(&there, entry.size, entry.mtime)) {
            self.already_whole(entry, entry.size);
            return Ok(Outcome::There);
        }
        let name = name(entry.path);
        let (source, _) = self.folder_of(entry)?;
        let opened =
            source.ok_or(Errno::NOENT).and_then(|source| sys::open_source_file(source.as_fd(), name));
        let from = match opened {
            Ok(from) => from,
            Err(error) => return self.not_opened(entry, error),
        };
        let at_source = |error| copy.source_trouble(entry.path, error);
        let meta = sys::look_at(from.as_fd()).map_err(at_source)?;
        if meta.shape != Shape::File {
            return self.not_opened(entry, Errno::NOENT);
        }
        let as_indexed = (meta.size, meta.mtime) == (entry.size, entry.mtime);
        if !as_indexed && there.is_some_and(|there| is_whole(&there, meta.size, meta.mtime)) {
            self.report.changed.push(changed(entry, &meta, true));
            self.already_whole(entry, meta.size);
            return Ok(Outcome::There);
        }
        let (meta, settled) = self.write(entry, &from, meta, gate)?;
        if !settled || (meta.size, meta.mtime) != (entry.size, entry.mtime) {
            self.report.changed.push(changed(entry, &meta, settled));
        }
        let part = self.report.part(entry.part);
        part.files += 1;
        part.bytes += meta.size;
        Ok(Outcome::There)
    }

    /// Writes the file under a temporary name and renames it when it is whole. Answers what was copied and whether it held still.
    fn write(
        &mut self,
        entry: &Entry<'_>,
        from: &OwnedFd,
        mut meta: Meta,
        gate: &Gate,
    ) -> Result<(Meta, bool)> {
        let copy = self.copy;
        let name = name(entry.path);
        let temporary = temporary_name(name);
        let at_source = |error| copy.source_trouble(entry.path, error);
        let at_target = |error| copy.target_trouble(entry.path, error);
        let (_, folder) = Self::folders(copy, &mut self.folder, entry)?;
        // A file of another owner is nobody's business until it has that owner.
        let mode = if (meta.uid, meta.gid) == copy.user { meta.mode & 0o777 } else { 0o600 };
        let to = sys::create_new(folder.as_fd(), &temporary, mode).map_err(at_target)?;
        let unfinished = Unfinished { folder, name: &temporary };
        let now = sys::look_at(to.as_fd()).map_err(at_target)?;
        let told = Cell::new(0);
        let tell = |bytes: u64| {
            told.set(told.get() + bytes);
            copy.done.bytes.fetch_add(bytes, Ordering::Relaxed);
        };
        let mut readings = 0;
        let settled = loop {
            readings += 1;
            let copied = Pipe {
                ways: &copy.ways,
                from: from.as_fd(),
                to: to.as_fd(),
                gate,
                buffer: &mut self.buffer,
                tell: &tell,
            }
            .copy(&meta)
            .map_err(|fault| match fault {
                Fault::Source(error) => at_source(error),
                Fault::Target(error) => at_target(error),
                Fault::Stopped => crate::Stopped.into(),
            })?;
            let after = sys::look_at(from.as_fd()).map_err(at_source)?;
            let held_still = after.same_contents(&meta) && copied.bytes == meta.size;
            if held_still || readings == READINGS {
                self.report.reflinked += u64::from(copied.reflinked);
                meta.size = copied.bytes;
                break held_still;
            }
            copy.done.bytes.fetch_sub(told.replace(0), Ordering::Relaxed);
            rustix::fs::ftruncate(&to, 0).map_err(at_target)?;
            meta = after;
        };
        if meta.has_holes() {
            // Its length is there before its data: without this a power cut could leave a whole name without them.
            rustix::fs::fdatasync(&to).map_err(at_target)?;
        }
        if copy.options.sync && meta.size >= WRITTEN_EARLY {
            sys::start_writing(to.as_fd());
        }
        let refused = attributes::apply(Some(from.as_fd()), to.as_fd(), &now, &meta, copy.is_root)
            .map_err(at_target)?;
        self.report.owners_refused += u64::from(refused.owner);
        self.report.attributes_refused += refused.attributes;
        rustix::fs::renameat(folder, &temporary, folder, name).map_err(at_target)?;
        std::mem::forget(unfinished);
        Ok((meta, settled))
    }

    fn not_opened(&mut self, entry: &Entry<'_>, error: Errno) -> Result<Outcome> {
        match error {
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO => {
                self.report.vanished.push(entry.path.into());
            }
            Errno::ACCESS | Errno::PERM if self.copy.options.allow_unreadable => {
                self.report.unreadable.push(entry.path.into());
            }
            error => return Err(self.copy.source_trouble(entry.path, error)),
        }
        self.copy.done.bytes.fetch_add(entry.size, Ordering::Relaxed);
        Ok(Outcome::Not)
    }

    fn already_whole(&mut self, entry: &Entry<'_>, size: u64) {
        let part = self.report.part(entry.part);
        part.whole_files += 1;
        part.whole_bytes += size;
        self.copy.done.bytes.fetch_add(size, Ordering::Relaxed);
    }

    fn look_in_target(&mut self, entry: &Entry<'_>) -> Result<Option<Meta>> {
        let copy = self.copy;
        let (_, folder) = self.folder_of(entry)?;
        sys::look(folder.as_fd(), name(entry.path)).map_err(|error| copy.target_trouble(entry.path, error))
    }

    /// The target's file at `entry` if it is whole; also for parts whose folders are not there.
    fn whole_in_target(&mut self, entry: &Entry<'_>) -> Result<Option<Meta>> {
        let copy = self.copy;
        let trouble = |error| copy.target_trouble(entry.path, error);
        let folder = match sys::open_folder(copy.target.as_fd(), parent(entry.path), OFlags::empty()) {
            Ok(folder) => folder,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(error) => return Err(trouble(error)),
        };
        let meta = sys::look(folder.as_fd(), name(entry.path)).map_err(trouble)?;
        Ok(meta.filter(|meta| is_whole(meta, entry.size, entry.mtime)))
    }

    fn folder_of(&mut self, entry: &Entry<'_>) -> Result<(Option<&OwnedFd>, &OwnedFd), Problem> {
        Self::folders(self.copy, &mut self.folder, entry)
    }

    /// The folder of `entry` in the source (`None` where it is gone) and in the target.
    fn folders<'h>(
        copy: &Copy,
        held: &'h mut Option<(u32, Option<OwnedFd>, OwnedFd)>,
        entry: &Entry<'_>,
    ) -> Result<(Option<&'h OwnedFd>, &'h OwnedFd), Problem> {
        let number = copy.index.parent(entry.number);
        let (_, source, target) = match held.take() {
            Some(held_now) if held_now.0 == number => held.insert(held_now),
            _ => {
                let path = parent(entry.path);
                let source = match sys::open_source_folder(copy.source.as_fd(), path) {
                    Ok(source) => Some(source),
                    Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => None,
                    Err(error) => return Err(copy.source_trouble(path, error)),
                };
                let target = sys::open_folder(copy.target.as_fd(), path, OFlags::empty())
                    .map_err(|error| copy.target_trouble(path, error))?;
                held.insert((number, source, target))
            }
        };
        Ok((source.as_ref(), target))
    }
}

/// A temporary file that is removed unless it got its name.
struct Unfinished<'a> {
    folder: &'a OwnedFd,
    name: &'a OsStr,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        let _ = rustix::fs::unlinkat(self.folder, self.name, AtFlags::empty());
    }
}

fn is_whole(there: &Meta, size: u64, mtime: crate::files::Mtime) -> bool {
    there.shape == Shape::File && there.size == size && there.mtime.stands_for(mtime)
}

fn changed(entry: &Entry<'_>, meta: &Meta, settled: bool) -> Changed {
    Changed { path: RelPath::from(entry.path), size: meta.size, mtime: meta.mtime, settled }
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn name(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}

/// The name that a file has until it is whole: the same in every run, so that a leftover is found and replaced.
pub(in crate::files) fn temporary_name(name: &OsStr) -> OsString {
    let hash = blake3::hash(name.as_encoded_bytes());
    format!(".clonedeck-{}.part", &hash.to_hex()[..16]).into()
}
