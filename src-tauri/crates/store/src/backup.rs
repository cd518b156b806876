//! Whole copies of the database, taken with `VACUUM INTO`.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::StoreError;

/// How many backups stay.
const KEPT: usize = 5;

fn unusable(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unusable { path: path.into(), why: error.to_string() }
}

fn folder_of(file: &Path) -> PathBuf {
    file.parent().unwrap_or(Path::new(".")).join("backups")
}

fn stem_of(file: &Path) -> String {
    file.file_stem().map_or_else(|| "database".into(), |stem| stem.to_string_lossy().into_owned())
}

/// Backups of `file`, oldest first. The name carries the time, so the order of names is the order of age.
fn all(file: &Path) -> Vec<PathBuf> {
    let start = format!("{}-", stem_of(file));
    let Ok(entries) = fs::read_dir(folder_of(file)) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            name.starts_with(&start) && path.extension().is_some_and(|ending| ending == "db")
        })
        .collect();
    found.sort();
    found
}

/// The newest backup of the database `file`, if there is one.
pub fn newest_backup(file: &Path) -> Option<PathBuf> {
    all(file).pop()
}

/// Writes a backup of the database `file` into `backups/` beside it and forgets all but the newest five.
///
/// It reads through a connection of its own, so writers are not held up.
pub fn backup_now(file: &Path, label: &str) -> Result<PathBuf, StoreError> {
    let db = Connection::open(file)?;
    write(&db, file, label)
}

pub(crate) fn write(db: &Connection, file: &Path, label: &str) -> Result<PathBuf, StoreError> {
    let folder = folder_of(file);
    fs::create_dir_all(&folder).map_err(|error| unusable(&folder, &error))?;
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%.3fZ");
    let target = folder.join(format!("{}-{time}-{label}.db", stem_of(file)));
    let partial = target.with_extension("partial");
    let _ = fs::remove_file(&partial);
    db.execute("VACUUM INTO ?1", [partial.to_string_lossy()])?;
    fs::File::open(&partial)
        .and_then(|copy| copy.sync_all())
        .and_then(|()| fs::rename(&partial, &target))
        .map_err(|error| unusable(&target, &error))?;
    let backups = all(file);
    for old in backups.iter().take(backups.len().saturating_sub(KEPT)) {
        let _ = fs::remove_file(old);
    }
    Ok(target)
}
