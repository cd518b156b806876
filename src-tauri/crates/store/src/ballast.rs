//! Room kept back for the moment when the disk is full.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A file of zeros that is given up when the disk is full, so that the queue can still write down that it waits.
#[derive(Clone, Debug)]
pub struct Ballast {
    path: PathBuf,
    bytes: u64,
}

impl Ballast {
    /// The ballast of a data directory; nothing is written yet.
    pub fn new(data_dir: &Path, bytes: u64) -> Self {
        Self { path: data_dir.join("ballast"), bytes }
    }

    /// Whether the room is kept back right now.
    pub fn is_loaded(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|found| found.len() == self.bytes)
    }

    /// Takes the room, if the disk has twice as much free; `true` when the ballast is there afterwards.
    pub fn load(&self) -> bool {
        if self.is_loaded() {
            return true;
        }
        if self.free() < self.bytes * 2 {
            return false;
        }
        let written = File::create(&self.path).and_then(|mut file| {
            // Written, not only sized: a sparse file would keep back nothing.
            let block = [0u8; 16 << 10];
            let mut left = self.bytes;
            while left > 0 {
                let now = left.min(block.len() as u64) as usize;
                file.write_all(&block[..now])?;
                left -= now as u64;
            }
            file.sync_all()
        });
        if written.is_err() {
            self.release();
        }
        written.is_ok()
    }

    /// Gives the room back to the disk; `true` when there was any.
    pub fn release(&self) -> bool {
        fs::remove_file(&self.path).is_ok()
    }

    /// Bytes free for this user on the disk of the data directory; `u64::MAX` when the system does not say.
    pub fn free(&self) -> u64 {
        free_bytes(self.path.parent().unwrap_or(Path::new(".")))
    }
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> u64 {
    rustix::fs::statvfs(folder).map_or(u64::MAX, |found| found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_folder: &Path) -> u64 {
    u64::MAX
}
