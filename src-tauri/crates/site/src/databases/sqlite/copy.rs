use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::link::{Link, problem, reading};
use super::shape::{rows, shapes};
use super::target::{Account, Source, Target, write_account};
use crate::databases::{Copied, Settled, TableRows};
use crate::files::belong_like;
use crate::{Level, Problem, Result, Unit, Watch};

/// Pages that are copied before the work looks whether it should stop.
const PAGES: i32 = 2048;

/// How often the backup may begin anew because somebody wrote, before it holds writers off for one uninterrupted pass.
const RESTARTS: u32 = 3;

/// Makes the copy beside its place and puts it there whole. A run that was stopped before begins it anew.
pub(crate) async fn copy(source: &Source, target: &Target, watch: &dyn Watch) -> Result<Copied> {
    let account = target.account().await?;
    let way = "SQLite's online backup".to_owned();
    if let Some(rows) = account.copied {
        let mut link = Link::read(&target.path).await?;
        let tables = link.with(|connection| Ok(shapes(connection)?.len() as u64)).await?;
        return Ok(Copied { tables, rows, way, ..Copied::default() });
    }
    let part = target.part();
    let _ = std::fs::remove_file(&part);
    Link::read(&source.path).await?;
    let mut both = Both::open(source, target);
    let run = both.run(watch).await;
    both.end().await;
    run?;
    let mut link = Link::write(&part).await?;
    let job = target.job.clone();
    let (tables, rows) = link
        .with(move |connection| {
            // A copy in one file, whatever the source keeps beside its own.
            connection.pragma_update(None, "journal_mode", "DELETE")?;
            let mut total = 0;
            let tables = shapes(connection)?;
            for table in &tables {
                total += rows(connection, &table.name)?;
            }
            write_account(connection, &Account { job, aside: account.aside, copied: Some(total) })?;
            Ok((tables.len() as u64, total))
        })
        .await?;
    drop(link);
    let place = |error: std::io::Error| {
        Problem::needs_person(
            "rights.missing",
            format!("The copy cannot take its place {}: {error}.", target.path.display()),
        )
    };
    belong_like(&part, &source.path);
    if let Ok(own) = std::fs::metadata(&source.path) {
        // The work on it goes on, also where nobody writes to the source.
        let mode = std::fs::Permissions::from_mode(own.mode() | 0o600);
        std::fs::set_permissions(&part, mode).map_err(place)?;
    }
    std::fs::File::open(&part).and_then(|file| file.sync_all()).map_err(place)?;
    std::fs::rename(&part, &target.path).map_err(place)?;
    if let Some(folder) = target.path.parent() {
        std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(place)?;
    }
    Ok(Copied { tables, rows, way, ..Copied::default() })
}

/// Both ends of a backup. The backup itself lives on a thread of its own, because it borrows both connections.
struct Both {
    orders: std::sync::mpsc::Sender<i32>,
    answers: tokio::sync::mpsc::UnboundedReceiver<rusqlite::Result<(StepResult, i32, i32)>>,
    thread: tokio::task::JoinHandle<()>,
    path: std::path::PathBuf,
}

impl Both {
    fn open(source: &Source, target: &Target) -> Self {
        let (from, to) = (source.path.clone(), target.part());
        let (orders, taken) = std::sync::mpsc::channel::<i32>();
        let (answer, answers) = tokio::sync::mpsc::unbounded_channel();
        let thread = tokio::task::spawn_blocking(move || {
            let run = || -> rusqlite::Result<()> {
                let from = reading(&from)?;
                let mut to = Connection::open(to)?;
                // The part is thrown away unless it becomes whole, and synced before it takes its place.
                to.pragma_update(None, "synchronous", "OFF")?;
                let backup = Backup::new(&from, &mut to)?;
                while let Ok(pages) = taken.recv() {
                    let step = backup.step(pages)?;
                    let progress = backup.progress();
                    if answer.send(Ok((step, progress.remaining, progress.pagecount))).is_err() {
                        break;
                    }
                }
                Ok(())
            };
            if let Err(error) = run() {
                let _ = answer.send(Err(error));
            }
        });
        Self { orders, answers, thread, path: source.path.clone() }
    }

    /// Copies all pages.
    async fn run(&mut self, watch: &dyn Watch) -> Result<()> {
        let mut least_left = i32::MAX;
        let mut restarts = 0;
        loop {
            watch.safe_point().await?;
            let pages = if restarts >= RESTARTS { -1 } else { PAGES };
            let (step, left, all) = self.step(pages).await?;
            watch.progress((all - left).max(0) as u64, all as u64, Unit::Items);
            match step {
                StepResult::Done => return Ok(()),
                StepResult::More => {
                    if left > least_left {
                        restarts += 1;
                        watch.note(Level::Info, "the source was written to, the backup begins anew");
                    }
                    least_left = left;
                }
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn step(&mut self, pages: i32) -> Result<(StepResult, i32, i32)> {
        // A thread that ended has sent why.
        let _ = self.orders.send(pages);
        match self.answers.recv().await {
            Some(step) => step.map_err(|error| problem(&error, &self.path)),
            None => Err(Problem::transient("database.gone", "The backup was cut off.")),
        }
    }

    /// Waits until both files are closed: what comes after wants the part for itself.
    async fn end(self) {
        drop(self.orders);
        let _ = self.thread.await;
    }
}

/// Looks whether the copy is whole. There is nothing to bring over: a backup is one moment of its source.
pub(crate) async fn settle(target: &Target, watch: &dyn Watch) -> Result<Settled> {
    let account = target.account().await?;
    let mut link = Link::read(&target.path).await?;
    watch.doing("looking through the copy");
    let (sound, tables) = link
        .with(|connection| {
            let sound: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            let tables: Vec<TableRows> = shapes(connection)?
                .into_iter()
                .map(|shape| {
                    let rows = rows(connection, &shape.name)?;
                    Ok(TableRows { name: shape.name, rows_source: rows, rows_target: rows })
                })
                .collect::<rusqlite::Result<_>>()?;
            Ok((sound, tables))
        })
        .await?;
    if sound != "ok" {
        return Err(Problem::needs_person(
            "table.crashed",
            format!("The copy of the database is damaged: {sound}."),
        )
        .help("Look whether the source is sound (PRAGMA integrity_check)."));
    }
    let rows: u64 = tables.iter().map(|table| table.rows_target).sum();
    if account.copied != Some(rows) {
        return Err(Problem::transient(
            "copy.differs",
            format!(
                "The copy holds {rows} rows where the source held {}.",
                account.copied.unwrap_or_default()
            ),
        )
        .help("Something else writes to the copy while it is made. Keep it away and try again."));
    }
    Ok(Settled { passes: 1, tables, ..Settled::default() })
}
