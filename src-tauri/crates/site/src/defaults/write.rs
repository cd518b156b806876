use std::fs;
use std::io::Write;
use std::path::Path;

use crate::files::belong_like;
use crate::{Problem, Result};

/// Writes `bytes` to `path` inside `root`, as a new file in the place of the old one: a link at `path` is replaced, never followed.
pub(crate) fn write_inside(root: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(root);
    fence(root, folder, path)?;
    make_folders(folder).map_err(|error| trouble(path, &error))?;
    fence(root, folder, path)?;
    let mode = fs::metadata(path).map(|metadata| metadata.permissions()).ok();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.clonedeck-new"));
    let written = (|| {
        let _ = fs::remove_file(&temporary);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        file.write_all(bytes)?;
        let is_there = fs::symlink_metadata(path).is_ok_and(|there| there.is_file());
        belong_like(&temporary, if is_there { path } else { folder });
        if let Some(mode) = mode {
            file.set_permissions(mode)?;
        }
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    written.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        trouble(path, &error)
    })
}

/// Makes the folders that are missing, each belonging to whom the one above belongs.
fn make_folders(folder: &Path) -> std::io::Result<()> {
    let missing: Vec<_> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    for folder in missing.into_iter().rev() {
        match fs::create_dir(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
            _ => belong_like(folder, folder.parent().unwrap_or(folder)),
        }
    }
    Ok(())
}

/// A folder of the copy that is a link to outside would carry a write to wherever it leads: to the source, at worst.
fn fence(root: &Path, folder: &Path, path: &Path) -> Result<()> {
    let root = fs::canonicalize(root).map_err(|error| trouble(root, &error))?;
    let mut existing = folder;
    let resolved = loop {
        match fs::canonicalize(existing) {
            Ok(resolved) => break resolved,
            Err(_) => existing = existing.parent().unwrap_or(&root),
        }
    };
    let climbs = folder.components().any(|part| part == std::path::Component::ParentDir);
    if resolved.starts_with(&root) && !climbs {
        return Ok(());
    }
    Err(Problem::permanent(
        "config.outside",
        format!(
            "{} is to be written for the copy, but lies in {} outside of it.",
            path.display(),
            resolved.display()
        ),
    )
    .help("A link in the site leads there. Put a folder in its place in the copy, then retry.")
    .with("path", path.display()))
}

fn trouble(path: &Path, error: &std::io::Error) -> Problem {
    use std::io::ErrorKind;
    let message = format!("{} cannot be written: {error}.", path.display());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Problem::needs_person("disk.full", message).help("Make room on the disk; it goes on by itself.")
        }
        ErrorKind::ReadOnlyFilesystem => Problem::needs_person("target.read-only", message)
            .help("Mount the disk for writing, or choose another target."),
        ErrorKind::PermissionDenied => Problem::needs_person("target.not-writable", message)
            .help("Give yourself the right to write there, or choose another target."),
        _ => Problem::permanent("target.unwritable", message),
    }
    .with("path", path.display())
}
