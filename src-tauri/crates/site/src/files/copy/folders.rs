//! Folders: made open for writing before their contents, given their own modes and times after.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::{Copy, CopyReport, attributes};
use crate::Result;
use crate::files::crew::Gate;
use crate::files::meta::{Meta, Shape};
use crate::files::sys;

/// Folders that this run made: nothing is in them that it did not put there.
#[derive(Default)]
pub(super) struct Made(Vec<bool>);

impl Made {
    fn none(entries: usize) -> Self {
        Self(vec![false; entries])
    }

    fn add(&mut self, folder: u32) {
        self.0[folder as usize] = true;
    }

    pub(super) fn has(&self, folder: u32) -> bool {
        self.0.get(folder as usize).is_some_and(|made| *made)
    }
}

impl Copy {
    /// Makes every folder of the plan that is not there, for its owner alone until it is whole. Answers which it made.
    pub(super) fn make_folders(&self, gate: &Gate) -> Result<Made> {
        let mut made = Made::none(self.index.len());
        let mut last: Option<(u32, OwnedFd)> = None;
        for &number in &self.plan.folders {
            gate.pass()?;
            let path = self.index.entry(number).path;
            let trouble = |error| self.target_trouble(path, error);
            let Some(name) = path.file_name() else {
                self.open_for_writing(&self.target, c".").map_err(trouble)?;
                continue;
            };
            let parent = self.index.parent(number);
            if last.as_ref().is_none_or(|(of, _)| *of != parent) {
                let above = self.index.entry(parent).path;
                let opened =
                    sys::open_folder(self.target.as_fd(), above, OFlags::empty()).map_err(trouble)?;
                last = Some((parent, opened));
            }
            let Some((_, above)) = &last else { continue };
            match rustix::fs::mkdirat(above, name, Mode::RWXU) {
                Ok(()) => made.add(number),
                Err(Errno::EXIST) => self.open_for_writing(above, name).map_err(trouble)?,
                Err(error) => return Err(trouble(error)),
            }
        }
        Ok(made)
    }

    /// Makes sure that `name` is a folder that its owner can fill, as an earlier run may have closed it.
    fn open_for_writing(
        &self,
        above: &OwnedFd,
        name: impl rustix::path::Arg + std::marker::Copy,
    ) -> Result<(), Errno> {
        let stat = rustix::fs::statat(above, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?;
        let meta = Meta::from(stat);
        if meta.shape != Shape::Folder {
            return Err(Errno::EXIST);
        }
        if meta.mode & 0o700 != 0o700 && !self.is_root {
            let mode = Mode::from_raw_mode((meta.mode | 0o700) as _);
            rustix::fs::chmodat(above, name, mode, rustix::fs::AtFlags::empty())?;
        }
        Ok(())
    }

    /// Gives every folder of the plan its owner, attributes, mode and times, the deepest first.
    pub(super) fn finish_folders(&self, gate: &Gate) -> Result<CopyReport> {
        let mut report = CopyReport::default();
        for &number in self.plan.folders.iter().rev() {
            gate.pass()?;
            let entry = self.index.entry(number);
            let trouble = |error| self.target_trouble(entry.path, error);
            let folder =
                sys::open_folder(self.target.as_fd(), entry.path, OFlags::empty()).map_err(trouble)?;
            let now = sys::look_at(folder.as_fd()).map_err(trouble)?;
            // What the index said: the source's folder may have got other files, hence another time, since.
            let wanted = Meta {
                mtime: entry.mtime,
                atime: entry.mtime,
                mode: entry.mode,
                uid: entry.uid,
                gid: entry.gid,
                ..now
            };
            let as_wanted = entry.mtime == now.mtime
                && (wanted.mode, wanted.uid, wanted.gid) == (now.mode, now.uid, now.gid);
            if as_wanted {
                continue;
            }
            let source = sys::open_source_folder(self.source.as_fd(), entry.path).ok();
            let from = source.as_ref().map(AsFd::as_fd);
            let refused =
                attributes::apply(from, folder.as_fd(), &now, &wanted, self.is_root).map_err(trouble)?;
            report.owners_refused += u64::from(refused.owner);
            report.attributes_refused += refused.attributes;
            if self.plan.parts.contains(&entry.part) && entry.path != Path::new("") {
                report.part(entry.part).folders += 1;
            }
        }
        Ok(report)
    }
}
