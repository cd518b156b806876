//! From an error number to a sentence for people.

use std::path::Path;

use rustix::io::Errno;

use super::path::shown;
use crate::Problem;

/// An operation on the source failed.
pub(super) fn at_source(root: &Path, path: &Path, error: Errno) -> Problem {
    let whole = shown(&below(root, path));
    let problem = match error {
        Errno::ACCESS | Errno::PERM => {
            Problem::needs_person("source.unreadable", format!("{whole} may not be read."))
                .help("Give the user that runs Clonedeck the right to read it, or allow unreadable files to be left out (--allow-unreadable).")
        }
        Errno::NOENT | Errno::NOTDIR => {
            Problem::needs_person("source.missing", format!("{whole} is not there."))
                .help("Check the path, and that its disk is mounted.")
        }
        Errno::IO => Problem::needs_person("source.read-error", format!("The disk could not read {whole}."))
            .help("Check the disk of the source (its system log tells more), then resume."),
        _ => common(&whole, error)
            .unwrap_or_else(|| Problem::permanent("source.failed", format!("{whole} could not be read: {error}."))),
    };
    problem.with("path", whole)
}

/// An operation on the target at `path` failed, as the standard library tells it.
pub fn of_target(path: &Path, error: &std::io::Error) -> Problem {
    at_target(path, Path::new(""), Errno::from_io_error(error).unwrap_or(Errno::IO))
}

/// An operation on the target failed.
pub(super) fn at_target(root: &Path, path: &Path, error: Errno) -> Problem {
    let whole = shown(&below(root, path));
    let problem = match error {
        Errno::NOSPC | Errno::DQUOT => {
            let what = if error == Errno::DQUOT { "The quota is used up" } else { "There is no room left" };
            Problem::needs_person("disk.full", format!("{what} where {whole} should be written."))
                .help("Make room on the disk of the target; it goes on by itself, and what is already copied stays.")
        }
        Errno::ROFS => Problem::needs_person(
            "target.read-only",
            format!("{whole} is on a file system that is mounted read-only."),
        )
        .help("Mount it writable or choose another target."),
        Errno::ACCESS | Errno::PERM => {
            Problem::needs_person("target.not-writable", format!("{whole} may not be written."))
                .help("Give the user that runs Clonedeck the right to write there, or choose another target.")
        }
        Errno::ISDIR | Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR | Errno::LOOP | Errno::XDEV => {
            Problem::needs_person("target.in-the-way", format!("Something else is already at {whole}."))
                .help("Somebody else writes into the target. Move it away, then resume.")
        }
        Errno::NOENT => Problem::needs_person(
            "target.gone",
            format!("The folder of {whole} was removed while it was written."),
        )
        .help("Make sure that nobody else works in the target, then retry the step."),
        Errno::IO => {
            Problem::needs_person("target.write-error", format!("The disk could not write {whole}."))
                .help("Check the disk of the target (its system log tells more), then resume.")
        }
        Errno::INVAL | Errno::ILSEQ => Problem::permanent(
            "name.not-allowed",
            format!(
                "The file system of the target does not take the name or a property of {whole} ({error})."
            ),
        )
        .help("Choose a target on a file system like the source's, or exclude the file."),
        Errno::FBIG => Problem::permanent(
            "file.too-big",
            format!("{whole} is bigger than the target's file system allows."),
        )
        .help("Choose a target on another file system, or exclude the file."),
        _ => common(&whole, error).unwrap_or_else(|| {
            Problem::permanent("target.failed", format!("{whole} could not be written: {error}."))
        }),
    };
    problem.with("path", whole)
}

fn common(whole: &str, error: Errno) -> Option<Problem> {
    Some(match error {
        Errno::NAMETOOLONG => {
            Problem::permanent("name.too-long", format!("The name of {whole} is too long."))
                .help("Choose a target with a shorter path, or exclude the file.")
        }
        Errno::STALE | Errno::TIMEDOUT | Errno::NOTCONN | Errno::HOSTDOWN | Errno::CONNRESET => {
            Problem::transient(
                "files.server-gone",
                format!("The file server did not answer for {whole}: {error}."),
            )
        }
        Errno::MFILE | Errno::NFILE => {
            Problem::transient("files.too-many-open", format!("Too many files are open to open {whole}."))
        }
        Errno::NOMEM => {
            Problem::transient("memory.short", format!("There was no memory to work on {whole}."))
        }
        _ => return None,
    })
}

/// `join` that leaves no slash at the end.
fn below(root: &Path, path: &Path) -> std::path::PathBuf {
    if path.as_os_str().is_empty() { root.to_owned() } else { root.join(path) }
}
