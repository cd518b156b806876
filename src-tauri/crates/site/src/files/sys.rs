//! The system calls of the copier, with the fallbacks that systems and kernels need.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path};

use rustix::fs::{self, AtFlags, CWD, Mode, OFlags};
use rustix::io::{Errno, Result};

use super::meta::Meta;

/// What every descriptor is opened with.
const QUIET: OFlags = OFlags::CLOEXEC.union(OFlags::NOFOLLOW);

/// Opens the root of a tree. Here, and only here, symbolic links are followed: an operator may name a site by one.
pub(super) fn open_root(path: &Path) -> Result<OwnedFd> {
    fs::openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// Opens the folder `path` below `root` for reading, through no symbolic link at any level. An empty path is the root itself.
pub(super) fn open_folder(root: BorrowedFd<'_>, path: &Path, extra: OFlags) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | QUIET | extra;
    if path.as_os_str().is_empty() {
        return fs::openat(root, c".", flags, Mode::empty());
    }
    if path.components().nth(1).is_none() {
        return fs::openat(root, path, flags, Mode::empty());
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::ResolveFlags;
        match fs::openat2(root, path, flags, Mode::empty(), ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS)
        {
            // Old kernels, strict sandboxes, and paths longer than the kernel takes at once.
            Err(Errno::NOSYS | Errno::PERM | Errno::NAMETOOLONG) => {}
            done => return done,
        }
    }
    let mut folder = None;
    for name in path.components().filter_map(name_of) {
        let below = folder.as_ref().map_or(root, AsFd::as_fd);
        folder = Some(fs::openat(below, name, flags, Mode::empty())?);
    }
    folder.ok_or(Errno::NOENT)
}

fn name_of(component: Component<'_>) -> Option<&OsStr> {
    match component {
        Component::Normal(name) => Some(name),
        _ => None,
    }
}

/// Opens a folder of the source: like [`open_folder`], leaving its access time alone where that is permitted.
pub(super) fn open_source_folder(root: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd> {
    match open_folder(root, path, NOATIME) {
        Err(Errno::PERM) => open_folder(root, path, OFlags::empty()),
        done => done,
    }
}

/// Opens a file of the source for reading only, never waiting (a pipe may have taken its place).
pub(super) fn open_source_file(folder: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | QUIET;
    match fs::openat(folder, name, flags | NOATIME, Mode::empty()) {
        Err(Errno::PERM) => fs::openat(folder, name, flags, Mode::empty()),
        done => done,
    }
}

#[cfg(target_os = "linux")]
const NOATIME: OFlags = OFlags::NOATIME;
#[cfg(not(target_os = "linux"))]
const NOATIME: OFlags = OFlags::empty();

/// Creates `name`, which must not exist: whatever had the name (a leftover of an earlier run) is unlinked, never written into.
pub(super) fn create_new(folder: BorrowedFd<'_>, name: &OsStr, mode: u32) -> Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | QUIET;
    let mode = Mode::from_raw_mode(mode as _);
    match fs::openat(folder, name, flags, mode) {
        Err(Errno::EXIST) => {
            fs::unlinkat(folder, name, AtFlags::empty())?;
            fs::openat(folder, name, flags, mode)
        }
        done => done,
    }
}

/// What is at `name`, itself and not what it may point to; `None` where nothing is.
pub(super) fn look(folder: BorrowedFd<'_>, name: &OsStr) -> Result<Option<Meta>> {
    match fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat.into())),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn look_at(file: BorrowedFd<'_>) -> Result<Meta> {
    fs::fstat(file).map(Meta::from)
}

/// Lets the disk begin to write what was written to `file`, without waiting for it.
pub(super) fn start_writing(file: BorrowedFd<'_>) {
    // Advice that its pages are not needed makes Linux write the dirty ones before it could drop them.
    #[cfg(target_os = "linux")]
    let _ = fs::fadvise(file, 0, None, fs::Advice::DontNeed);
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

/// Brings everything of the file system that holds `folder` to the disk, and tells of writes that failed since it was opened.
pub(super) fn sync_all(folder: BorrowedFd<'_>) -> Result<()> {
    #[cfg(target_os = "linux")]
    return fs::syncfs(folder);
    #[cfg(not(target_os = "linux"))]
    {
        fs::sync();
        fs::fsync(folder)
    }
}
