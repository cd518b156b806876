//! A database that cannot be read is moved aside whole, so that nothing in it is lost.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{StoreError, backup::newest_backup, lock::RunnerLock};

fn sibling(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Completes a [`StoreError::Damaged`]: moves the file aside when nobody runs a queue on it, and names the newest backup.
pub(crate) fn set_aside(error: StoreError, file: &Path) -> StoreError {
    let StoreError::Damaged { why, .. } = error else { return error };
    let folder = file.parent().unwrap_or(Path::new("."));
    let moved_to = RunnerLock::acquire(folder, "repair").ok().and_then(|_lock| {
        let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let target = sibling(file, &format!(".damaged-{time}"));
        fs::rename(file, &target).ok()?;
        for suffix in ["-wal", "-shm"] {
            let _ = fs::rename(sibling(file, suffix), sibling(&target, suffix));
        }
        Some(target)
    });
    StoreError::Damaged { path: file.into(), why, moved_to, newest_backup: newest_backup(file) }
}

/// Puts `backup` in the place of the database `file`. Refused while there is a database, so that it cannot overwrite one.
pub fn restore_backup(backup: &Path, file: &Path) -> Result<(), StoreError> {
    let unusable = |path: &Path, why: String| StoreError::Unusable { path: path.into(), why };
    if file.exists() {
        return Err(unusable(file, "there is a database already; move it away first".into()));
    }
    let partial = sibling(file, ".partial");
    fs::copy(backup, &partial)
        .and_then(|_| fs::File::open(&partial)?.sync_all())
        .and_then(|()| fs::rename(&partial, file))
        .map_err(|error| unusable(backup, error.to_string()))
}
