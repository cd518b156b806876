use rustix::fs::{FileType, Stat};
use serde::{Deserialize, Serialize};

/// A moment of last modification, as the file system keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Mtime {
    /// Seconds since 1970-01-01 UTC; may be negative.
    pub seconds: i64,
    /// Nanoseconds within the second.
    pub nanos: u32,
}

impl Mtime {
    /// Whether a copy that carries `self` has the time `source`, as far as the copy's file system can tell: some keep whole seconds.
    pub(super) fn stands_for(self, source: Self) -> bool {
        self == source || (self.nanos == 0 && self.seconds == source.seconds)
    }
}

/// What a kind of entry is, before anything is known about its relations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    File,
    Folder,
    Link,
    Special,
}

/// What `stat` says about an entry, in one set of types on every system.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meta {
    pub shape: Shape,
    pub size: u64,
    /// Bytes that the file system has allocated.
    pub allocated: u64,
    pub atime: Mtime,
    pub mtime: Mtime,
    pub ctime: Mtime,
    /// Permission bits with set-uid, set-gid and sticky.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub dev: u64,
    pub ino: u64,
    pub links: u64,
}

impl From<Stat> for Meta {
    // The integer types of `Stat` differ between systems; some casts are to the same type here.
    #[allow(clippy::unnecessary_cast)]
    fn from(stat: Stat) -> Self {
        let time = |seconds: i64, nanos: u64| Mtime { seconds, nanos: nanos as u32 };
        Self {
            shape: match FileType::from_raw_mode(stat.st_mode as _) {
                FileType::RegularFile => Shape::File,
                FileType::Directory => Shape::Folder,
                FileType::Symlink => Shape::Link,
                _ => Shape::Special,
            },
            size: stat.st_size as u64,
            allocated: stat.st_blocks as u64 * 512,
            atime: time(stat.st_atime as i64, stat.st_atime_nsec as u64),
            mtime: time(stat.st_mtime as i64, stat.st_mtime_nsec as u64),
            ctime: time(stat.st_ctime as i64, stat.st_ctime_nsec as u64),
            mode: stat.st_mode as u32 & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            dev: stat.st_dev as u64,
            ino: stat.st_ino as u64,
            links: stat.st_nlink as u64,
        }
    }
}

impl Meta {
    /// Whether the contents may have been written between two looks at the same open file.
    pub(super) fn same_contents(&self, later: &Self) -> bool {
        self.size == later.size && self.mtime == later.mtime && self.ctime == later.ctime
    }

    /// Whether fewer bytes are allocated than the file is long.
    pub(super) fn has_holes(&self) -> bool {
        self.allocated < self.size
    }
}
