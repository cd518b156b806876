use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Error, ErrorCode, OpenFlags};

use crate::{Problem, Result};

/// How long a lock of somebody else is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection that works on threads that may wait for the disk.
pub(super) struct Link {
    connection: Option<Connection>,
    path: PathBuf,
}

impl Link {
    /// Opens a file that is there for reading alone.
    pub(super) async fn read(path: &Path) -> Result<Self> {
        Self::open(path, reading).await
    }

    /// Opens a file for writing, and makes it where it is missing.
    pub(super) async fn write(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Self::open(path, move |file| Connection::open_with_flags(file, flags)).await
    }

    async fn open(
        path: &Path,
        how: impl FnOnce(&Path) -> rusqlite::Result<Connection> + Send + 'static,
    ) -> Result<Self> {
        let file = path.to_owned();
        let opened = tokio::task::spawn_blocking(move || {
            let connection = how(&file)?;
            connection.busy_timeout(PATIENCE)?;
            // Opening reads nothing; this finds out whether the file is a database.
            connection.query_row("SELECT COUNT(*) FROM sqlite_master", [], |_| Ok(()))?;
            Ok(connection)
        });
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

/// A connection that only reads, and leaves nothing beside the file.
///
/// In WAL mode every reader makes the log and its index where they are missing, and the last one to close takes them away only if it
/// may write. So it may, unless that could change the database: a log or a journal that holds something is somebody else's and stays.
///
/// What is beside the file tells that, never the file: to close it again would end all locks that this process holds on it
/// (`fcntl(2)`), and with them what keeps writers from a page that another connection reads.
pub(in crate::databases) fn reading(path: &Path) -> rusqlite::Result<Connection> {
    let may = if ["-wal", "-journal"].into_iter().any(|end| holds_something(&beside(path, end))) {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    } else {
        OpenFlags::SQLITE_OPEN_READ_WRITE
    };
    let connection = Connection::open_with_flags(path, may | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// The file that SQLite keeps beside a database under the name `end`.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn holds_something(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|file| file.len() > 0)
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
