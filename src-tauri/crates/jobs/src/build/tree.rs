//! Trees of files: described, shared with another place, removed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Files, folders and links by their path, and the bytes of all files.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tree {
    pub bytes: u64,
    pub parts: BTreeMap<String, Part>,
}

/// One thing of a tree.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Part {
    Folder,
    Link(String),
    File { size: u64, hash: String, executable: bool },
}

/// Removes a tree that may not be there.
pub(super) fn remove_tree(place: &Path) -> io::Result<()> {
    match fs::remove_dir_all(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Walks a tree in the order of names; the walk stays out of links.
fn walk(root: &Path, visit: &mut dyn FnMut(&Path, &str, fs::FileType) -> io::Result<()>) -> io::Result<()> {
    let mut folders = vec![PathBuf::new()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(root.join(&at))? {
            let entry = entry?;
            let (path, kind) = (at.join(entry.file_name()), entry.file_type()?);
            let name = path.to_str().ok_or_else(|| io::Error::other("a name that is no text"))?;
            visit(&entry.path(), name, kind)?;
            if kind.is_dir() {
                folders.push(path);
            }
        }
    }
    Ok(())
}

/// Everything in a tree, with the hash of each file.
pub(super) fn describe(place: &Path) -> io::Result<Tree> {
    let mut tree = Tree::default();
    walk(place, &mut |place, name, kind| {
        let part = if kind.is_dir() {
            Part::Folder
        } else if kind.is_symlink() {
            Part::Link(fs::read_link(place)?.to_string_lossy().into_owned())
        } else {
            let mut hash = blake3::Hasher::new();
            let file = File::open(place)?;
            let about = file.metadata()?;
            hash.update_reader(file)?;
            tree.bytes += about.len();
            Part::File {
                size: about.len(),
                hash: hash.finalize().to_hex().to_string(),
                executable: is_executable(&about),
            }
        };
        tree.parts.insert(name.to_owned(), part);
        Ok(())
    })?;
    Ok(tree)
}

/// How many things are in a tree.
pub(super) fn count(place: &Path) -> io::Result<usize> {
    let mut count = 0;
    walk(place, &mut |_, _, _| {
        count += 1;
        Ok(())
    })?;
    Ok(count)
}

/// The same tree at another place: files share their blocks where the file system can, else they are the same files, else copies.
pub(super) fn clone_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    walk(from, &mut |place, name, kind| {
        let target = to.join(name);
        if kind.is_dir() {
            fs::create_dir_all(&target)
        } else if kind.is_symlink() {
            symlink(&fs::read_link(place)?, &target)
        } else if kind.is_file() {
            share(place, &target)
        } else {
            Ok(())
        }
    })
}

fn share(from: &Path, to: &Path) -> io::Result<()> {
    if reflink(from, to)? {
        return Ok(());
    }
    match fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) => fs::copy(from, to).map(drop),
    }
}

/// Shares the blocks of a file; says `false` when the file system cannot.
#[cfg(target_os = "linux")]
fn reflink(from: &Path, to: &Path) -> io::Result<bool> {
    use std::sync::atomic::{AtomicBool, Ordering};
    // Asked once and refused, it is not asked for every file again.
    static CANNOT: AtomicBool = AtomicBool::new(false);
    if CANNOT.load(Ordering::Relaxed) {
        return Ok(false);
    }
    let (source, target) = (File::open(from)?, File::options().write(true).create_new(true).open(to)?);
    if rustix::fs::ioctl_ficlone(&target, &source).is_ok() {
        target.set_permissions(source.metadata()?.permissions())?;
        return Ok(true);
    }
    CANNOT.store(true, Ordering::Relaxed);
    fs::remove_file(to)?;
    Ok(false)
}

#[cfg(not(target_os = "linux"))]
fn reflink(_: &Path, _: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg(unix)]
fn is_executable(about: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    about.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}

#[cfg(unix)]
pub(super) fn symlink(to: &Path, place: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, place)
}

#[cfg(not(unix))]
pub(super) fn symlink(to: &Path, place: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(to, place)
}
