use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags};

use crate::defaults::{Cell, Tables};
use crate::{Problem, Result};

/// How long a lock of somebody else is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection that works on threads that may wait for the disk.
pub(super) struct Link {
    connection: Option<Open>,
    path: PathBuf,
}

impl Link {
    /// Opens a file that is there for reading alone.
    pub(super) async fn read(path: &Path) -> Result<Self> {
        Self::open(path, reading).await
    }

    /// Opens a file for writing, and makes it where it is missing.
    pub(super) async fn write(path: &Path) -> Result<Self> {
        let write = |file: &Path| {
            let open = writing(file, OpenFlags::SQLITE_OPEN_CREATE)?;
            // Opening reads nothing; this finds out whether the file is a database.
            open.query_row("SELECT COUNT(*) FROM sqlite_master", [], |_| Ok(()))?;
            Ok(open)
        };
        Self::open(path, write).await
    }

    async fn open(
        path: &Path,
        how: impl FnOnce(&Path) -> rusqlite::Result<Open> + Send + 'static,
    ) -> Result<Self> {
        let file = path.to_owned();
        let opened = tokio::task::spawn_blocking(move || how(&file));
        let connection =
            opened.await.expect("opening does not panic").map_err(|error| problem(&error, path))?;
        Ok(Self { connection: Some(connection), path: path.to_owned() })
    }

    /// Does something with the connection.
    pub(super) async fn with<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let Some(mut connection) = self.connection.take() else {
            return Err(Problem::transient(
                "database.gone",
                format!("The work on {} was cut off.", self.path.display()),
            ));
        };
        let work = move || {
            let done = work(&mut connection);
            (connection, done)
        };
        let (connection, done) = tokio::task::spawn_blocking(work).await.expect("the work does not panic");
        self.connection = Some(connection);
        done.map_err(|error| problem(&error, &self.path))
    }
}

/// An open file.
pub(in crate::databases) struct Open {
    connection: Connection,
    /// Where the file is, when it is only read.
    read: Option<PathBuf>,
}

impl Deref for Open {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Open {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // The last one to close a file in WAL mode writes into it what the log holds: that of a reader is somebody else's.
        if self.read.as_deref().is_some_and(holds_log) {
            let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
    }
}

#[async_trait]
impl Tables for Open {
    async fn execute(&mut self, sql: &str, parameters: &[Cell]) -> Result<u64> {
        Tables::execute(&mut self.connection, sql, parameters).await
    }

    async fn query(&mut self, sql: &str, parameters: &[Cell]) -> Result<Vec<Vec<Cell>>> {
        Tables::query(&mut self.connection, sql, parameters).await
    }

    async fn names(&mut self) -> Result<Vec<String>> {
        Tables::names(&mut self.connection).await
    }
}

/// Opens a file that is only read. Nothing stays beside it and nothing in it changes.
///
/// In WAL mode every reader makes the log and its index where they are missing, and the last one to close takes them away only if it
/// may write. So it may, where the log is empty; the database stays as it is. How a file is written is asked by SQLite and never read
/// from it by hand: to close the file again would end all locks that this process holds on it (`fcntl(2)`), and with them what keeps
/// writers from a page that another connection reads.
pub(in crate::databases) fn reading(path: &Path) -> rusqlite::Result<Open> {
    let open = |may: OpenFlags| -> rusqlite::Result<(Open, String)> {
        let connection = Connection::open_with_flags(path, may | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "query_only", true)?;
        let open = Open { connection, read: Some(path.to_owned()) };
        let mode = open.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
        Ok((open, mode))
    };
    let (reader, mode) = open(OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    if mode != "wal" || holds_log(path) {
        return Ok(reader);
    }
    Ok(open(OpenFlags::SQLITE_OPEN_READ_WRITE)?.0)
}

/// Opens a file for writing.
pub(in crate::databases) fn writing(path: &Path, more: OpenFlags) -> rusqlite::Result<Open> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(Open { connection, read: None })
}

/// The file that SQLite keeps beside a database under the name `end`.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Whether there is something in the log of a file.
fn holds_log(path: &Path) -> bool {
    std::fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0)
}

/// A failure of SQLite as a person meets it.
pub(super) fn problem(error: &Error, path: &Path) -> Problem {
    let file = path.display();
    let problem = match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen) => {
            Problem::permanent("database.unknown", format!("The database {file} cannot be opened."))
                .help("Look whether the file and its folder are there and this user may use them.")
        }
        Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => Problem::needs_person(
            "rights.missing",
            format!("The database {file} may not be written: {error}."),
        )
        .help("Give this user the right to write the file and its folder."),
        Some(ErrorCode::NotADatabase) => {
            Problem::permanent("database.unknown", format!("{file} is not a SQLite database."))
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            Problem::needs_person("table.crashed", format!("The database {file} is damaged: {error}.")).help(
                "Restore it from a backup, or save what can be read with the sqlite3 program's .recover.",
            )
        }
        Some(ErrorCode::DiskFull) => {
            Problem::needs_person("disk.full", format!("There is no room left for the database {file}."))
                .help("Make room on that disk; it goes on by itself.")
                .with("path", &file)
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Problem::transient("database.busy", format!("The database {file} is held by another program."))
                .help("Trying again in a moment helps.")
        }
        Some(ErrorCode::SystemIoFailure) => {
            Problem::transient("database.gone", format!("The disk failed while {file} was used: {error}."))
        }
        _ => Problem::permanent(
            "database.refused",
            format!("The database {file} refused a statement: {error}."),
        ),
    };
    problem.with("database", file)
}
