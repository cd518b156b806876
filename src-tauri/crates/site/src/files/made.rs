//! Taking back what a copy made.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::crew::{Crew, Gate};
use super::path::from_bytes;
use super::{Index, Kind, RelPath, sys, trouble};
use crate::{Problem, Result, Unit, Watch};

/// What [`remove_made`] did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Removed {
    /// Files and links that were removed.
    pub files: u64,
    /// Folders that were removed.
    pub folders: u64,
    /// What is still there because no copy made it, below the target. What it holds is not listed.
    pub kept: Vec<RelPath>,
}

/// Removes from `target` what a copy by `index` made there, and `also` what the job wrote besides (paths below the target; a folder
/// with everything in it). The folder `target` itself stays. Anything else stays and is listed. Nothing is ever removed through a
/// symbolic link. Harmless to repeat, and where nothing is there.
pub async fn remove_made(
    index: Arc<Index>,
    target: &Path,
    also: &[RelPath],
    watch: &dyn Watch,
) -> Result<Removed> {
    let trouble = |error| trouble::at_target(target, Path::new(""), error);
    let root = match sys::open_root(target) {
        Ok(root) => root,
        Err(Errno::NOENT) => return Ok(Removed::default()),
        Err(error) => return Err(trouble(error)),
    };
    let meta = sys::look_at(root.as_fd()).map_err(trouble)?;
    if (meta.dev, meta.ino) == index.entry(0).identity {
        return Err(Problem::permanent("target.is-source", "The target is the source; nothing was removed."));
    }
    let total = index.len() as u64;
    let removal = Arc::new(Removal {
        index,
        root,
        target: target.to_owned(),
        also: also.to_vec(),
        done: AtomicU64::new(0),
    });
    let crew = {
        let removal = Arc::clone(&removal);
        Crew::start("remove", 1, move |gate| removal.work(gate))?
    };
    let done = crew.follow(watch, |watch| {
        watch.progress(removal.done.load(Ordering::Relaxed), total, Unit::Files);
    });
    Ok(done.await?.pop().unwrap_or_default())
}

struct Removal {
    index: Arc<Index>,
    root: OwnedFd,
    target: std::path::PathBuf,
    also: Vec<RelPath>,
    done: AtomicU64,
}

impl Removal {
    fn work(&self, gate: &Gate) -> Result<Removed> {
        let mut removed = Removed::default();
        for path in &self.also {
            gate.pass()?;
            self.remove_also(path.as_path(), &mut removed)?;
        }
        // Backwards: what a folder holds before the folder.
        let mut held: Option<(u32, Option<OwnedFd>)> = None;
        for number in (0..self.index.len() as u32).rev() {
            gate.pass()?;
            self.done.fetch_add(1, Ordering::Relaxed);
            let entry = self.index.entry(number);
            let trouble = |error| trouble::at_target(&self.target, entry.path, error);
            let Some(name) = entry.path.file_name() else {
                self.sweep(&self.root, Path::new(""), &mut removed).map_err(trouble)?;
                continue;
            };
            let parent = self.index.parent(number);
            if held.as_ref().is_none_or(|(of, _)| *of != parent) {
                held = Some((parent, self.folder(self.index.entry(parent).path).map_err(trouble)?));
            }
            let Some((_, Some(folder))) = &held else { continue };
            if entry.kind == Kind::Folder {
                let opened = self.folder(entry.path).map_err(trouble)?;
                let Some(opened) = opened else { continue };
                if self.sweep(&opened, entry.path, &mut removed).map_err(trouble)? {
                    unlink(folder, name.as_encoded_bytes(), AtFlags::REMOVEDIR).map_err(trouble)?;
                    removed.folders += 1;
                }
            } else if unlink(folder, name.as_encoded_bytes(), AtFlags::empty()).map_err(trouble)? {
                removed.files += 1;
            }
        }
        removed.kept.sort();
        Ok(removed)
    }

    fn folder(&self, path: &Path) -> Result<Option<OwnedFd>, Errno> {
        match sys::open_folder(self.root.as_fd(), path, OFlags::empty()) {
            Ok(folder) => Ok(Some(folder)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes unfinished files from a folder and lists what else it holds; answers whether it is empty.
    fn sweep(&self, folder: &OwnedFd, path: &Path, removed: &mut Removed) -> Result<bool, Errno> {
        let mut empty = true;
        let mut names = Vec::new();
        for entry in Dir::read_from(folder)? {
            names.push(entry?.file_name().to_owned());
        }
        for name in names {
            match name.to_bytes() {
                b"." | b".." => {}
                unfinished if unfinished.starts_with(b".clonedeck-") && unfinished.ends_with(b".part") => {
                    unlink(folder, unfinished, AtFlags::empty())?;
                }
                other => {
                    empty = false;
                    let other = path.join(from_bytes(other));
                    let listed_below =
                        self.index.find(&other).is_some_and(|entry| entry.kind == Kind::Folder);
                    if !listed_below {
                        removed.kept.push(other.into());
                    }
                }
            }
        }
        Ok(empty)
    }

    fn remove_also(&self, path: &Path, removed: &mut Removed) -> Result<()> {
        let trouble = |error| trouble::at_target(&self.target, path, error);
        let below = path.components().all(|component| matches!(component, std::path::Component::Normal(_)));
        let (true, Some(name)) = (below, path.file_name()) else { return Ok(()) };
        let parent = path.parent().unwrap_or(Path::new(""));
        let Some(folder) = self.folder(parent).map_err(trouble)? else { return Ok(()) };
        remove_whole(&folder, name.as_encoded_bytes(), removed).map_err(trouble)
    }
}

/// Removes a file, or a folder with everything in it.
fn remove_whole(folder: &OwnedFd, name: &[u8], removed: &mut Removed) -> Result<(), Errno> {
    match unlink(folder, name, AtFlags::empty()) {
        Ok(was_there) => {
            removed.files += u64::from(was_there);
            return Ok(());
        }
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(error) => return Err(error),
    }
    let below = sys::open_folder(folder.as_fd(), from_bytes(name), OFlags::empty())?;
    let mut names = Vec::new();
    for entry in Dir::read_from(&below)? {
        names.push(entry?.file_name().to_owned());
    }
    for name in names.iter().map(|name| name.to_bytes()).filter(|name| !matches!(*name, b"." | b"..")) {
        remove_whole(&below, name, removed)?;
    }
    removed.folders += u64::from(unlink(folder, name, AtFlags::REMOVEDIR)?);
    Ok(())
}

/// Whether something was there to be removed. A folder that its owner may not write is opened first.
fn unlink(folder: &OwnedFd, name: &[u8], flags: AtFlags) -> Result<bool, Errno> {
    let mut done = rustix::fs::unlinkat(folder, from_bytes(name), flags);
    if done == Err(Errno::ACCESS) {
        rustix::fs::fchmod(folder, Mode::RWXU)?;
        done = rustix::fs::unlinkat(folder, from_bytes(name), flags);
    }
    match done {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error),
    }
}
