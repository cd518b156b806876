//! SQLite as Clonedeck uses it.
//!
//! Everything that must survive a power cut goes through this crate, which knows nothing about jobs.
//! A [`Store`] is one database file in a data directory, opened with one set of rules:
//!
//! * **One writer.** A thread owns the only connection that may write. Callers hand it closures with
//!   [`Store::write`]; it runs what has gathered in one `BEGIN IMMEDIATE … COMMIT` (group commit), each closure in a
//!   `SAVEPOINT` of its own so that one that fails does not take its neighbours along, and answers only when the
//!   commit is on the disk (`journal_mode=WAL`, `synchronous=FULL`).
//! * **Readers cannot write.** [`Store::read`] lends out a `query_only` connection.
//! * **Nothing is assumed.** Every pragma is read back, the linked SQLite must be 3.51.3 or later, and a database of a
//!   newer program is refused.
//! * **Only the writer checkpoints**, when it is idle or the log has grown long.
//! * **Migrations go forward**, all of them in one transaction, after a backup of what was there.
//! * **A damaged file is set aside**, never overwritten, and the newest backup is named.
//!
//! Beside the database live the [`RunnerLock`], which says which process runs the queue, and the [`Ballast`], a file
//! that is given up when the disk is full so that the database can still say so.
//!
//! ```
//! use clonedeck_store::{Migrations, Store, StoreError};
//!
//! let dir = tempfile::tempdir()?;
//! let migrations = Migrations::new(0x7E57, &["CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"]);
//! let store = Store::open(dir.path(), "notes.db", &migrations)?;
//! let id = store.write_wait(|db| {
//!     db.execute("INSERT INTO note (text) VALUES (?1)", ["kept"])?;
//!     Ok::<_, StoreError>(db.last_insert_rowid())
//! })?;
//! let text: String = store.read(|db| {
//!     Ok::<_, StoreError>(db.query_row("SELECT text FROM note WHERE id = ?1", [id], |row| row.get(0))?)
//! })?;
//! assert_eq!(text, "kept");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![warn(missing_docs)]

mod backup;
mod ballast;
mod connect;
mod damage;
mod error;
mod lock;
mod migrate;
mod store;
mod writer;

pub use backup::{backup_now, newest_backup};
pub use ballast::Ballast;
pub use connect::{MINIMUM_SQLITE, check_sqlite_version};
pub use damage::restore_backup;
pub use error::StoreError;
pub use lock::{Holder, RunnerLock};
pub use migrate::Migrations;
pub use rusqlite;
pub use store::{CommitWatch, Place, Store};
