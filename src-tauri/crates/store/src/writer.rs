//! The one thread that writes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::Connection;

use crate::StoreError;

/// Most operations in one transaction: bounds how long the first has to wait for the last.
const GROUP: usize = 256;
/// The log may grow to this many pages before a busy writer stops to checkpoint.
const LONG_LOG: i32 = 8_192;
/// An idle writer checkpoints a log of at least this many pages.
const SHORT_LOG: i32 = 64;
/// How long without work is idle.
const IDLE: Duration = Duration::from_millis(250);

/// One piece of work for the writer, with its types hidden.
pub(crate) trait Operation: Send {
    /// Runs inside the transaction; `Err` undoes what it wrote.
    fn run(&mut self, db: &Connection) -> Result<(), ()>;
    /// Answers the caller, after the commit or its failure.
    fn settle(self: Box<Self>, commit: Result<(), StoreError>);
}

/// An operation that keeps its own answer until the commit is known.
pub(crate) struct Write<F, R, E, A> {
    work: Option<F>,
    answer: Option<Result<R, E>>,
    after: A,
}

impl<F, R, E, A> Write<F, R, E, A> {
    pub(crate) fn new(work: F, after: A) -> Self {
        Self { work: Some(work), answer: None, after }
    }
}

impl<F, R, E, A> Operation for Write<F, R, E, A>
where
    F: FnOnce(&Connection) -> Result<R, E> + Send,
    R: Send,
    E: From<StoreError> + Send,
    A: FnOnce(Result<R, E>) + Send,
{
    fn run(&mut self, db: &Connection) -> Result<(), ()> {
        let Some(work) = self.work.take() else { return Err(()) };
        let answer = work(db);
        let outcome = if answer.is_ok() { Ok(()) } else { Err(()) };
        self.answer = Some(answer);
        outcome
    }

    fn settle(self: Box<Self>, commit: Result<(), StoreError>) {
        let answer = match (commit, self.answer) {
            // A refusal of its own is more telling than the end of its group.
            (_, Some(Err(own))) => Err(own),
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Ok(()), None) => Err(StoreError::Closed.into()),
            (Err(error), _) => Err(error.into()),
        };
        (self.after)(answer);
    }
}

/// The writer's state; [`Writer::serve`] is its thread.
pub(crate) struct Writer {
    db: Connection,
    file: PathBuf,
    log_pages: Arc<AtomicI32>,
}

impl Writer {
    pub(crate) fn new(mut db: Connection, file: PathBuf) -> Result<Self, StoreError> {
        let log_pages = Arc::new(AtomicI32::new(0));
        let seen = Arc::clone(&log_pages);
        db.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
            seen.store(pages, Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { db, file, log_pages })
    }

    /// Works until every sender is gone.
    pub(crate) fn serve(self, inbox: &Receiver<Box<dyn Operation>>) {
        let mut group = Vec::new();
        loop {
            match inbox.recv_timeout(IDLE) {
                Ok(first) => group.push(first),
                Err(RecvTimeoutError::Timeout) => {
                    self.checkpoint_if(SHORT_LOG);
                    let Ok(first) = inbox.recv() else { break };
                    group.push(first);
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
            while group.len() < GROUP {
                let Ok(next) = inbox.try_recv() else { break };
                group.push(next);
            }
            self.commit_group(&mut group);
            self.checkpoint_if(LONG_LOG);
        }
        self.checkpoint_if(1);
    }

    fn checkpoint_if(&self, at_least: i32) {
        if self.log_pages.load(Ordering::Relaxed) < at_least {
            return;
        }
        self.log_pages.store(0, Ordering::Relaxed);
        fail::fail_point!("store::checkpoint", |_| std::process::abort());
        // Passive: never waits for readers; what it could not copy is left for the next time.
        if let Err(error) = self.db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
            tracing::warn!(%error, "checkpoint failed");
        }
    }

    fn commit_group(&self, group: &mut Vec<Box<dyn Operation>>) {
        let outcome = self.run_group(group).map_err(|error| error.at(&self.file));
        if outcome.is_err() && !self.db.is_autocommit() {
            let _ = self.db.execute_batch("ROLLBACK");
        }
        if let Err(error) = &outcome {
            tracing::warn!(%error, operations = group.len(), "a group of writes was rolled back");
        }
        for operation in group.drain(..) {
            operation.settle(outcome.clone());
        }
    }

    fn run_group(&self, group: &mut [Box<dyn Operation>]) -> Result<(), StoreError> {
        self.execute("BEGIN IMMEDIATE")?;
        let alone = group.len() == 1;
        for operation in group {
            if !alone {
                self.execute("SAVEPOINT operation")?;
            }
            let result = operation.run(&self.db);
            fail::fail_point!("store::operation", |_| std::process::abort());
            if self.db.is_autocommit() {
                // A full disk or a broken page makes SQLite end the whole transaction by itself.
                return Err(StoreError::RolledBack { why: "SQLite ended the transaction".into() });
            }
            match (result, alone) {
                (Ok(()), true) => {}
                (Ok(()), false) => self.execute("RELEASE operation")?,
                (Err(()), true) => return self.execute("ROLLBACK"),
                (Err(()), false) => {
                    self.execute("ROLLBACK TO operation")?;
                    self.execute("RELEASE operation")?;
                }
            }
        }
        fail::fail_point!("store::before-commit", |_| std::process::abort());
        self.execute("COMMIT")?;
        fail::fail_point!("store::after-commit", |_| std::process::abort());
        Ok(())
    }

    fn execute(&self, sql: &str) -> Result<(), StoreError> {
        self.db.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}
