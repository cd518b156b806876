//! Opening a connection and making sure that it is what was asked for.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::StoreError;

/// The oldest SQLite that will do, as `major * 1_000_000 + minor * 1_000 + patch`: 3.51.3 has the repair of a race that
/// could reset the write-ahead log under a commit.
pub const MINIMUM_SQLITE: i32 = 3_051_003;

/// The way of `auto_vacuum` in which pages are given back when asked.
const INCREMENTAL: i64 = 2;

/// Refuses an SQLite library older than [`MINIMUM_SQLITE`].
///
/// ```
/// use clonedeck_store::{StoreError, check_sqlite_version};
/// assert!(check_sqlite_version(3_051_003).is_ok());
/// assert!(matches!(check_sqlite_version(3_051_002), Err(StoreError::TooOld { .. })));
/// ```
pub fn check_sqlite_version(number: i32) -> Result<(), StoreError> {
    if number >= MINIMUM_SQLITE {
        return Ok(());
    }
    let text = |n: i32| format!("{}.{}.{}", n / 1_000_000, n / 1_000 % 1_000, n % 1_000);
    Err(StoreError::TooOld { found: text(number), wanted: text(MINIMUM_SQLITE) })
}

/// Waits for another process to finish its transaction: short naps, because transactions are short.
fn wait_for_writer(tries: i32) -> bool {
    const NAP: Duration = Duration::from_micros(500);
    const LIMIT: i32 = 60_000;
    std::thread::sleep(NAP);
    tries < LIMIT
}

fn expect(db: &Connection, pragma: &'static str, wanted: &str) -> Result<(), StoreError> {
    let value: rusqlite::types::Value = db.pragma_query_value(None, pragma, |row| row.get(0))?;
    let found = match value {
        rusqlite::types::Value::Integer(n) => n.to_string(),
        rusqlite::types::Value::Text(text) => text,
        other => format!("{other:?}"),
    };
    if found == wanted {
        return Ok(());
    }
    Err(StoreError::Pragma { pragma, found, wanted: wanted.into() })
}

/// Opens the connection that may write. The file is made when it is not there.
pub(crate) fn writer(path: &Path) -> Result<Connection, StoreError> {
    check_sqlite_version(rusqlite::version_number())?;
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)?;
    db.busy_handler(Some(wait_for_writer))?;
    // Only takes on an empty file, which is why it comes first. Even where it changes nothing it would wait for whoever writes.
    if db.pragma_query_value(None, "auto_vacuum", |row| row.get::<_, i64>(0))? != INCREMENTAL {
        db.pragma_update(None, "auto_vacuum", INCREMENTAL)?;
    }
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "fullfsync", true)?;
    db.pragma_update(None, "checkpoint_fullfsync", true)?;
    db.pragma_update(None, "wal_autocheckpoint", 0)?;
    db.pragma_update(None, "journal_size_limit", 16 << 20)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.pragma_update(None, "cache_size", -8_000)?;
    db.set_prepared_statement_cache_capacity(128);
    expect(&db, "auto_vacuum", "2")?;
    expect(&db, "journal_mode", "wal")?;
    expect(&db, "synchronous", "2")?;
    expect(&db, "wal_autocheckpoint", "0")?;
    expect(&db, "temp_store", "2")?;
    Ok(db)
}

/// Opens a connection that cannot change anything.
pub(crate) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)?;
    db.busy_handler(Some(wait_for_writer))?;
    db.pragma_update(None, "wal_autocheckpoint", 0)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.pragma_update(None, "query_only", true)?;
    db.set_prepared_statement_cache_capacity(64);
    expect(&db, "journal_mode", "wal")?;
    expect(&db, "query_only", "1")?;
    expect(&db, "wal_autocheckpoint", "0")?;
    Ok(db)
}
