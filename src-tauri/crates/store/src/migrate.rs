//! Schema versions, forward only.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::{StoreError, backup};

/// The schema of a database as the list of scripts that made it, oldest first. Script *n* (counted from 1) takes the
/// file from version *n − 1* to *n*. A script that was released is never changed.
#[derive(Clone, Copy, Debug)]
pub struct Migrations {
    application: i32,
    scripts: &'static [&'static str],
}

impl Migrations {
    /// `application` marks the file as this program's (SQLite's `application_id`).
    pub const fn new(application: i32, scripts: &'static [&'static str]) -> Self {
        Self { application, scripts }
    }

    /// The newest version that this program knows.
    pub const fn newest(&self) -> u32 {
        self.scripts.len() as u32
    }

    /// Brings the database to the newest version in one transaction, after a backup of what was there.
    pub(crate) fn apply(&self, db: &mut Connection, file: &Path) -> Result<(), StoreError> {
        let from = self.check(db, file)?;
        if from == self.newest() {
            return Ok(());
        }
        if from > 0 {
            let backup = backup::write(db, file, &format!("v{from}"))?;
            tracing::info!(from, to = self.newest(), backup = %backup.display(), "migrating the database");
        }
        let work = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have migrated while this one waited for the lock.
        let from = self.check(&work, file)?;
        for script in &self.scripts[from as usize..] {
            work.execute_batch(script)?;
        }
        work.pragma_update(None, "application_id", self.application)?;
        work.pragma_update(None, "user_version", self.newest())?;
        fail::fail_point!("store::migrate::before-commit", |_| std::process::abort());
        work.commit()?;
        Ok(())
    }

    fn check(&self, db: &Connection, file: &Path) -> Result<u32, StoreError> {
        let version: u32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let application: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let tables: u32 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if application != self.application && (tables > 0 || version > 0) {
            return Err(StoreError::Foreign { path: file.into() });
        }
        if version > self.newest() {
            return Err(StoreError::Newer { path: file.into(), found: version, known: self.newest() });
        }
        Ok(version)
    }
}
