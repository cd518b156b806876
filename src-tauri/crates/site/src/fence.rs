//! The fence around a source: a copy never touches the place it is made from, and never lands on something.
//!
//! Places are compared by what they are, not by how they are spelled: by device and inode along the way up, and by where a mount shows
//! the same folder a second time. [`check`] answers with the [`Ground`] that a copy may stand on; [`Ground::claim`] remembers which
//! folders the job will make, so that it can take back just these; [`set_aside`] and [`Aside::put_back`] move old content out of the
//! way and back in one move each.

mod aside;
mod mounts;

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use aside::{Aside, set_aside};
use mounts::Mounts;

use crate::files::shown;
use crate::{Problem, Result};

/// A place that a copy may be written to, as far as its relation to the source goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// Absolute, without symbolic links and `..`.
    path: PathBuf,
    /// What is there.
    state: State,
    /// Folders that are not there, the outermost first; the last is the place itself.
    missing: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Missing,
    Empty,
    Holds,
    File,
}

/// Which folders a job makes for its target. Written down before [`Claim::make`], so that a killed job still knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    target: PathBuf,
    /// The outermost first.
    makes: Vec<PathBuf>,
}

/// Compares the places of `source` and `target`, neither of which is changed. The target and folders above it need not exist.
///
/// Refuses with `target.is-source`, `target.in-source` and `source.in-target`, however the paths are spelled and whatever links and
/// bind mounts lie between; with `source.missing` and `target.unreachable` where a path leads nowhere.
pub fn check(source: &Path, target: &Path) -> Result<Ground> {
    let said = |path: &Path| shown(path);
    let real_source = fs::canonicalize(source).map_err(|error| {
        Problem::needs_person("source.missing", format!("{} cannot be reached: {error}.", said(source)))
            .help("Check the path, and that its disk is mounted.")
    })?;
    let ground = Ground::find(target)?;
    let mounts = Mounts::read();
    let refuse = |code, sentence: &str, help: &str| {
        Err(Problem::permanent(code, sentence)
            .help(help)
            .with("source", said(&real_source))
            .with("target", said(&ground.path)))
    };
    let elsewhere = "Choose a folder beside the site, not within it.";
    if same(&real_source, &ground.path) || mounts.same(&real_source, &ground.path) {
        return refuse("target.is-source", "Source and target are the same folder.", elsewhere);
    }
    if above(&ground.path).any(|folder| same(folder, &real_source))
        || mounts.holds(&real_source, &ground.path)
    {
        return refuse("target.in-source", "The target lies inside the source.", elsewhere);
    }
    if above(&real_source).any(|folder| same(folder, &ground.path))
        || mounts.holds(&ground.path, &real_source)
        || mounts.holds_some_of(&ground.path, &real_source)
    {
        let help = "Choose a target that does not hold the source.";
        return refuse("source.in-target", "The source lies inside the target.", help);
    }
    Ok(ground)
}

/// The folders above `path`.
fn above(path: &Path) -> impl Iterator<Item = &Path> {
    path.ancestors().skip(1)
}

/// Whether both exist and are one folder, by device and inode.
fn same(a: &Path, b: &Path) -> bool {
    let identity = |path: &Path| fs::metadata(path).map(|meta| (meta.dev(), meta.ino())).ok();
    identity(a).is_some_and(|a| identity(b) == Some(a))
}

impl Ground {
    /// Where the copy will be: absolute, without symbolic links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether nothing is there that a copy could land on.
    pub fn is_free(&self) -> bool {
        matches!(self.state, State::Missing | State::Empty)
    }

    /// Refuses with `target.not-empty` a place that holds anything.
    pub fn require_free(&self) -> Result<()> {
        let path = shown(&self.path);
        let sentence = match self.state {
            State::Missing | State::Empty => return Ok(()),
            State::Holds => format!("{path} already holds something."),
            State::File => format!("{path} is a file, not a folder."),
        };
        Err(Problem::permanent("target.not-empty", sentence)
            .help("Empty it, or clone again: into another folder, or with what is there put aside (--replace), whence it can be put back.")
            .with("target", path))
    }

    /// Refuses a place that this user may not write to: `target.not-writable`, or `target.read-only` for a whole file system.
    pub fn require_writable(&self) -> Result<()> {
        use rustix::fs::{Access, AtFlags, CWD, accessat};
        // A folder that is to be made needs the one above it; so does one that is set aside.
        let folder = match (self.missing.first(), self.state) {
            (Some(first), _) => first.parent(),
            (None, State::Empty) => Some(&*self.path),
            (None, _) => self.path.parent(),
        };
        let Some(folder) = folder else { return Ok(()) };
        accessat(CWD, folder, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)
            .map_err(|error| trouble(&self.path, &error.into()))
    }

    /// What the job will make here.
    pub fn claim(&self) -> Claim {
        Claim { target: self.path.clone(), makes: self.missing.clone() }
    }

    /// Follows `path` as far as it exists and takes the rest as it is written.
    fn find(path: &Path) -> Result<Self> {
        let unreachable = |path: &Path, error: &io::Error| {
            if error.kind() == io::ErrorKind::InvalidFilename {
                return trouble(path, error);
            }
            Problem::needs_person(
                "target.unreachable",
                format!("{} cannot be reached: {error}.", shown(path)),
            )
            .help("Check the path of the target and the rights on the folders above it.")
        };
        let whole = std::path::absolute(path).map_err(|error| unreachable(path, &error))?;
        let mut real = PathBuf::new();
        let mut missing: Vec<PathBuf> = Vec::new();
        for component in whole.components() {
            match component {
                Component::ParentDir => {
                    if missing.last() == Some(&real) {
                        missing.pop();
                    }
                    real.pop();
                }
                Component::Normal(name) => {
                    real.push(name);
                    match fs::symlink_metadata(&real) {
                        // A link that leads nowhere fails here: where it would lead to is not for us to make.
                        Ok(_) => {
                            real = fs::canonicalize(&real).map_err(|error| unreachable(&real, &error))?;
                        }
                        Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push(real.clone()),
                        Err(error) => return Err(unreachable(&real, &error)),
                    }
                }
                Component::RootDir | Component::Prefix(_) => real.push(component),
                Component::CurDir => {}
            }
        }
        let state = if !missing.is_empty() {
            State::Missing
        } else if real.is_dir() {
            let mut entries = fs::read_dir(&real).map_err(|error| unreachable(&real, &error))?;
            if entries.next().is_none() { State::Empty } else { State::Holds }
        } else {
            State::File
        };
        Ok(Self { path: real, state, missing })
    }
}

impl Claim {
    /// The folder that the job writes to.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Makes the folders. Harmless to repeat.
    pub fn make(&self) -> Result<()> {
        for folder in &self.makes {
            match fs::create_dir(folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
                done => done.map_err(|error| trouble(folder, &error))?,
            }
        }
        Ok(())
    }

    /// Removes the folders that the job made, as far as they are empty again; answers whether all are gone. Harmless to repeat.
    pub fn unmake(&self) -> Result<bool> {
        for folder in self.makes.iter().rev() {
            match fs::remove_dir(folder) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => return Ok(false),
                Err(error) => return Err(trouble(folder, &error)),
            }
        }
        Ok(true)
    }
}

fn trouble(path: &Path, error: &io::Error) -> Problem {
    crate::files::target_trouble(path, error)
}

#[cfg(test)]
mod tests;
