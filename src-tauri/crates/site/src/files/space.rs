use std::path::Path;

use rustix::io::Errno;

use super::trouble;
use crate::{Problem, Result, words};

/// The room on a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Space {
    /// Bytes that this user may still write.
    pub bytes: u64,
    /// Files that can still be made; `None` where the file system has no such limit.
    pub files: Option<u64>,
}

/// The room where `path` is or would be made: the nearest folder above it that exists answers.
pub fn free_space(path: &Path) -> Result<Space> {
    for place in path.ancestors() {
        let place = if place.as_os_str().is_empty() { Path::new(".") } else { place };
        match rustix::fs::statvfs(place) {
            Ok(stat) => {
                return Ok(Space {
                    bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
                    files: (stat.f_files > 0).then_some(stat.f_favail),
                });
            }
            Err(Errno::NOENT | Errno::NOTDIR) => {}
            Err(error) => return Err(trouble::at_target(place, Path::new(""), error)),
        }
    }
    Err(trouble::at_target(path, Path::new(""), Errno::NOENT))
}

/// Refuses with `disk.full` where fewer than `bytes` bytes or `files` files can be written at `path`, saying what is needed and free.
pub fn require_space(path: &Path, bytes: u64, files: u64) -> Result<Space> {
    let free = free_space(path)?;
    let place = super::path::shown(path);
    let short = if free.bytes < bytes {
        format!("{} are needed at {place} and {} are free.", words::bytes(bytes), words::bytes(free.bytes))
    } else if let Some(left) = free.files.filter(|left| *left < files) {
        format!(
            "{} files are to be made at {place} and the file system takes {} more.",
            words::count(files),
            words::count(left)
        )
    } else {
        return Ok(free);
    };
    Err(Problem::needs_person("disk.full", short)
        .help("Make room there, or choose a target on another disk.")
        .with("path", place)
        .with("needed", bytes)
        .with("free", free.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_known_where_nothing_is_yet() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            free_space(&folder.path().join("a/b/c")).unwrap().files.is_some(),
            free_space(folder.path()).unwrap().files.is_some()
        );
        require_space(&folder.path().join("a/b"), 1, 1).unwrap();
    }

    #[test]
    fn too_little_room_says_what_is_needed_and_what_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let problem = require_space(folder.path(), u64::MAX, 0).unwrap_err();
        assert_eq!(problem.code, "disk.full");
        assert_eq!(problem.class, crate::Class::NeedsPerson);
        assert_eq!(problem.context["needed"], u64::MAX.to_string());
        assert!(problem.message.contains("are free"), "{problem}");
    }
}
