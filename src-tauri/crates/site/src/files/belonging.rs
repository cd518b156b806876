use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

/// Gives what was made at `path` to whom `like` belongs, as far as this user may: who copies as root makes files that the web server's
/// user has to read and write.
pub fn belong_like(path: &Path, like: &Path) {
    let (Ok(now), Ok(due)) = (fs::symlink_metadata(path), fs::metadata(like)) else { return };
    if (now.uid(), now.gid()) != (due.uid(), due.gid()) && !now.is_symlink() {
        // A user who is not root keeps the file, and may at most hand it to a group.
        let _ = chown(path, Some(due.uid()), Some(due.gid())).or_else(|_| chown(path, None, Some(due.gid())));
    }
}
