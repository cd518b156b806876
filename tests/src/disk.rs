//! A small disk for tests that fill it or share what is on it, and folders that can only be read.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file system of its own, mounted on a folder until it is dropped.
#[derive(Debug)]
pub struct Disk(PathBuf);

impl Disk {
    /// Mounts one in memory; `None` where this user may not, and then it says so.
    pub fn in_memory(folder: &Path, megabytes: u64) -> Option<Self> {
        let options = format!("size={megabytes}m,mode=755");
        Self::mounted(folder, &["-t", "tmpfs", "-o", &options, "tmpfs"])
    }

    /// Mounts one in a file beside the folder, in which files can share what they hold; `None` where this machine cannot, and then it
    /// says so.
    pub fn sharing(folder: &Path) -> Option<Self> {
        let image = folder.with_extension("image");
        // No smaller one is made.
        fs::File::create(&image).and_then(|file| file.set_len(512 << 20)).expect("a file");
        let made = Command::new("mkfs.xfs").args(["-q", "-m", "reflink=1"]).arg(&image).output();
        match made {
            Ok(made) if made.status.success() => {
                Self::mounted(folder, &["-o", "loop", &image.display().to_string()])
            }
            made => {
                println!("SKIPPED: mkfs.xfs makes no file system here: {made:?}");
                None
            }
        }
    }

    fn mounted(folder: &Path, what: &[&str]) -> Option<Self> {
        fs::create_dir_all(folder).expect("a folder");
        match Command::new("mount").args(what).arg(folder).output() {
            Ok(done) if done.status.success() => Some(Self(folder.to_owned())),
            Ok(done) => {
                println!(
                    "SKIPPED: no file system can be mounted here: {}",
                    String::from_utf8_lossy(&done.stderr).trim()
                );
                None
            }
            Err(why) => {
                println!("SKIPPED: mount cannot be started: {why}");
                None
            }
        }
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Takes all of its room but so much. Removing the file that is answered gives it back.
    pub fn fill(&self, left: u64) -> PathBuf {
        let ballast = self.0.join("filler");
        let stat = rustix::fs::statvfs(&self.0).expect("the room of a file system");
        let free = (stat.f_bavail * stat.f_frsize).saturating_sub(left);
        let file = fs::File::create(&ballast).expect("a file");
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, free)
            .expect("room for the ballast");
        ballast
    }

    /// From now on nothing can be written.
    pub fn make_read_only(&self) {
        self.remount("ro");
    }

    /// From now on it can be written again.
    pub fn make_writable(&self) {
        self.remount("rw");
    }

    fn remount(&self, option: &str) {
        let done = Command::new("mount").arg("-o").arg(format!("remount,{option}")).arg(&self.0).status();
        assert!(done.is_ok_and(|status| status.success()), "remounted");
    }
}

/// A folder that can only be read, until this is dropped: what is open in it already can still be written.
#[derive(Debug)]
pub struct ReadOnly(PathBuf);

impl ReadOnly {
    /// Lays the same folder over itself, for reading only; `None` where this user may not, and then it says so.
    pub fn over(folder: &Path) -> Option<Self> {
        let mount = |words: &[&str]| {
            let done = Command::new("mount").args(words).arg(folder).stderr(Stdio::null()).status();
            done.is_ok_and(|status| status.success())
        };
        let same = folder.display().to_string();
        if !mount(&["--bind", &same]) {
            println!("SKIPPED: no folder can be laid over another here");
            return None;
        }
        let laid = Self(folder.to_owned());
        assert!(mount(&["-o", "remount,bind,ro"]), "made read-only");
        Some(laid)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
