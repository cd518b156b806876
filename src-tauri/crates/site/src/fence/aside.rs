use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::trouble;
use crate::files::shown;
use crate::{Problem, Result};

/// Names of files may be this long nearly everywhere.
const LONGEST_NAME: usize = 255;

/// What stood where a copy was to go, moved to a name beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    target: PathBuf,
    aside: PathBuf,
    /// Device and inode of what was moved.
    identity: (u64, u64),
}

/// Moves what is at `target` to a name beside it, in one move. `token` tells one job from another: repeated with the same token, the
/// first move is found and not made again. Answers `None` where nothing was there. `target` is a [`super::Ground::path`].
pub fn set_aside(target: &Path, token: &str) -> Result<Option<Aside>> {
    let aside = beside(target, &format!(".set-aside-{token}"));
    if let Some(identity) = identity(&aside)? {
        return Ok(Some(Aside { target: target.to_owned(), aside, identity }));
    }
    let Some(identity) = identity(target)? else { return Ok(None) };
    rename(target, &aside, Move::OntoNothing)?;
    Ok(Some(Aside { target: target.to_owned(), aside, identity }))
}

impl Aside {
    /// Where the copy was to go.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Where the old content is now.
    pub fn path(&self) -> &Path {
        &self.aside
    }

    /// Whether the old content is in its place already.
    pub fn is_back(&self) -> Result<bool> {
        Ok(identity(&self.target)? == Some(self.identity))
    }

    /// Puts the old content back in one move. What stands in its place by then changes places with it and is answered: it is where
    /// the old content was. Harmless to repeat.
    pub fn put_back(&self) -> Result<Option<PathBuf>> {
        let (at_target, at_aside) = (identity(&self.target)?, identity(&self.aside)?);
        if at_target == Some(self.identity) {
            return Ok(at_aside.map(|_| self.aside.clone()));
        }
        if at_aside != Some(self.identity) {
            return Err(Problem::needs_person(
                "aside.missing",
                format!("The old content is no more at {}.", shown(&self.aside)),
            )
            .help("Somebody moved or removed it. Look for it and move it back by hand.")
            .with("target", shown(&self.target)));
        }
        if at_target.is_none() {
            rename(&self.aside, &self.target, Move::OntoNothing)?;
            return Ok(None);
        }
        rename(&self.aside, &self.target, Move::Exchange)?;
        Ok(Some(self.aside.clone()))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Move {
    OntoNothing,
    Exchange,
}

/// Renames, durably: after a power cut it is either as before or as after.
fn rename(from: &Path, to: &Path, how: Move) -> Result<()> {
    let done = kernel_rename(from, to, how);
    done.map_err(|error| match error.kind() {
        io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices => Problem::needs_person(
            "target.is-mounted",
            format!("{} cannot be moved: a file system is mounted there.", shown(from)),
        )
        .help("Choose a folder within it as target, or empty it by hand."),
        io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty => {
            Problem::needs_person("target.in-the-way", format!("Something else is already at {}.", shown(to)))
                .help("Move it away, then try again.")
        }
        _ => trouble(from, &error),
    })?;
    let folder = to.parent().unwrap_or(Path::new("/"));
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| trouble(folder, &error))
}

#[cfg(target_os = "linux")]
fn kernel_rename(from: &Path, to: &Path, how: Move) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    let flags = match how {
        Move::OntoNothing => RenameFlags::NOREPLACE,
        Move::Exchange => RenameFlags::EXCHANGE,
    };
    match renameat_with(CWD, from, CWD, to, flags) {
        // The file system does not know these moves.
        Err(Errno::INVAL | Errno::NOSYS) => plain_rename(from, to, how),
        done => Ok(done?),
    }
}

#[cfg(not(target_os = "linux"))]
fn kernel_rename(from: &Path, to: &Path, how: Move) -> io::Result<()> {
    plain_rename(from, to, how)
}

fn plain_rename(from: &Path, to: &Path, how: Move) -> io::Result<()> {
    let there = fs::symlink_metadata(to).is_ok();
    if how == Move::OntoNothing || !there {
        return if there { Err(io::ErrorKind::AlreadyExists.into()) } else { fs::rename(from, to) };
    }
    let between = beside(to, ".changing-places");
    fs::rename(to, &between)?;
    fs::rename(from, to)?;
    fs::rename(&between, from)
}

fn identity(path: &Path) -> Result<Option<(u64, u64)>> {
    match fs::symlink_metadata(path) {
        Ok(meta) => Ok(Some((meta.dev(), meta.ino()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(trouble(path, &error)),
    }
}

/// A name beside `path` that ends in `suffix`, shortened where it would be too long.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().as_bytes().to_vec();
    name.truncate(LONGEST_NAME.saturating_sub(suffix.len()));
    name.extend_from_slice(suffix.as_bytes());
    path.with_file_name(OsString::from_vec(name))
}
