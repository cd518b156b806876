//! What can go wrong with the file under the queue.

use std::path::{Path, PathBuf};

use rusqlite::ffi;

use crate::lock::Holder;

/// An error of the database file or its surroundings. It can be cloned, because one failed commit answers every
/// operation that was in it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk has no room for the transaction; nothing of it was kept.
    #[error("no room on the disk for {}", path.display())]
    Full {
        /// The database file.
        path: PathBuf,
    },
    /// Another process held the write lock for longer than half a minute.
    #[error("the database is busy: another process has been writing for half a minute")]
    Busy,
    /// The file was written by a newer version of the program.
    #[error("{} was written by a newer version (its schema is {found}, this program knows {known})", path.display())]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Schema version in the file.
        found: u32,
        /// Newest schema version that this program knows.
        known: u32,
    },
    /// The file is an SQLite database of some other program.
    #[error("{} belongs to another program", path.display())]
    Foreign {
        /// The database file.
        path: PathBuf,
    },
    /// The file is no sound SQLite database.
    #[error("{} is damaged: {why}", path.display())]
    Damaged {
        /// Where the database was.
        path: PathBuf,
        /// What SQLite said.
        why: String,
        /// Where the damaged file was moved, when nobody else had it open.
        moved_to: Option<PathBuf>,
        /// The newest backup beside it.
        newest_backup: Option<PathBuf>,
    },
    /// A folder or file cannot be read or written.
    #[error("{} cannot be used: {why}", path.display())]
    Unusable {
        /// What could not be used.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// A pragma did not take, so the promises of the store would not hold.
    #[error("SQLite did not accept {pragma}: it is {found}, wanted {wanted}")]
    Pragma {
        /// Name of the pragma.
        pragma: &'static str,
        /// What it reads as.
        found: String,
        /// What it must be.
        wanted: String,
    },
    /// The SQLite that is linked has a known bug that can lose commits.
    #[error("SQLite {found} is too old, at least {wanted} is needed")]
    TooOld {
        /// Version in use.
        found: String,
        /// Oldest version that will do.
        wanted: String,
    },
    /// Another process runs the queue in this data directory.
    #[error("the queue is run by {holder}")]
    Held {
        /// Who.
        holder: Holder,
    },
    /// The transaction was rolled back because a neighbour in the same group broke it; nothing of it was kept.
    #[error("the write was rolled back with its group ({why}); nothing was kept")]
    RolledBack {
        /// The neighbour's error.
        why: String,
    },
    /// The store is closed.
    #[error("the database is closed")]
    Closed,
    /// Anything else SQLite said.
    #[error("database: {why}")]
    Sqlite {
        /// SQLite's extended result code, 0 when the error did not come from SQLite itself.
        code: i32,
        /// Its message.
        why: String,
    },
}

impl StoreError {
    /// A stable name of the error for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Full { .. } => "disk-full",
            Self::Busy => "database-busy",
            Self::Newer { .. } => "database-newer",
            Self::Foreign { .. } => "database-foreign",
            Self::Damaged { .. } => "database-damaged",
            Self::Unusable { .. } => "data-dir-unusable",
            Self::Pragma { .. } | Self::TooOld { .. } => "sqlite-unfit",
            Self::Held { .. } => "queue-held",
            Self::RolledBack { .. } => "write-rolled-back",
            Self::Closed => "database-closed",
            Self::Sqlite { .. } => "database-error",
        }
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Full { .. } => "Free some space on that disk; the queue goes on by itself.".into(),
            Self::Busy => "Try again; if it stays, look for a program that keeps the database open.".into(),
            Self::Newer { .. } => "Update Clonedeck, or use another data directory.".into(),
            Self::Foreign { .. } => "Use another data directory.".into(),
            Self::Damaged { moved_to, newest_backup, .. } => {
                let mut text = match moved_to {
                    Some(to) => format!(
                        "The damaged file is kept at {}. The next start begins with an empty queue",
                        to.display()
                    ),
                    None => "Stop every Clonedeck program and start again to have it set aside".into(),
                };
                match newest_backup {
                    Some(backup) => text.push_str(&format!(
                        "; to go back to the newest backup, copy {} to that place first.",
                        backup.display()
                    )),
                    None => text.push_str("; there is no backup yet."),
                }
                text
            }
            Self::Unusable { .. } => {
                "Make it writable again; the queue goes on by itself. Or choose another data directory."
                    .into()
            }
            Self::Pragma { .. } => {
                "Put the data directory on a local disk: network file systems cannot keep a queue safe."
                    .into()
            }
            Self::TooOld { .. } => "Build Clonedeck with its bundled SQLite.".into(),
            Self::Held { .. } => "Jobs that are added here will be run by that program.".into(),
            Self::RolledBack { .. } => "Try again.".into(),
            Self::Closed => "Start the program again.".into(),
            Self::Sqlite { .. } => "Try again; the log file has the details.".into(),
        }
    }

    /// Whether the same call can succeed later without anyone changing anything but room or load.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Busy | Self::RolledBack { .. })
    }

    /// A folder or file that the system refuses, in words for people.
    pub(crate) fn unusable(path: impl Into<PathBuf>, error: &std::io::Error) -> Self {
        use std::io::ErrorKind as K;
        if is_full(error) {
            return Self::Full { path: path.into() };
        }
        let why = match error.kind() {
            K::ReadOnlyFilesystem => "its disk can only be read".to_owned(),
            K::PermissionDenied => "this user may not write there".to_owned(),
            _ => {
                let told = error.to_string();
                told.split(" (os error").next().unwrap_or_default().to_lowercase()
            }
        };
        Self::Unusable { path: path.into(), why }
    }

    /// Fills in what an SQLite error cannot know: the path, and why that cannot be written.
    pub(crate) fn at(self, file: &Path) -> Self {
        match self {
            Self::Full { .. } | Self::Unusable { .. } => {
                let folder = file.parent().unwrap_or(Path::new("."));
                match refusal(folder) {
                    Some(error) => Self::unusable(folder, &error),
                    None if matches!(self, Self::Full { .. }) => Self::Full { path: file.into() },
                    None => Self::Unusable { path: file.into(), why: "it cannot be written".into() },
                }
            }
            Self::Damaged { why, moved_to, newest_backup, .. } => {
                Self::Damaged { path: file.into(), why, moved_to, newest_backup }
            }
            other => other,
        }
    }
}

/// Why nothing can be written into a folder, found out by writing something; `None` when it can.
fn refusal(folder: &Path) -> Option<std::io::Error> {
    let probe = folder.join(format!(".probe-{}", std::process::id()));
    // A page's worth: an empty file fits on a full disk.
    let written = std::fs::write(&probe, [0; 4096]);
    let _ = std::fs::remove_file(&probe);
    written.err()
}

fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as K;
    matches!(error.kind(), K::StorageFull | K::QuotaExceeded)
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let Some(code) = error.sqlite_error().map(|inner| inner.extended_code) else {
            return Self::Sqlite { code: 0, why: error.to_string() };
        };
        match code & 0xff {
            ffi::SQLITE_FULL => Self::Full { path: PathBuf::new() },
            ffi::SQLITE_IOERR if code == ffi::SQLITE_IOERR_SHMSIZE || code == ffi::SQLITE_IOERR_WRITE => {
                Self::Full { path: PathBuf::new() }
            }
            ffi::SQLITE_READONLY | ffi::SQLITE_CANTOPEN | ffi::SQLITE_PERM => {
                Self::Unusable { path: PathBuf::new(), why: error.to_string() }
            }
            ffi::SQLITE_BUSY => Self::Busy,
            ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => Self::Damaged {
                path: PathBuf::new(),
                why: error.to_string(),
                moved_to: None,
                newest_backup: None,
            },
            _ => Self::Sqlite { code, why: error.to_string() },
        }
    }
}
