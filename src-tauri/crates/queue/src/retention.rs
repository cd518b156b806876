//! Forgetting finished jobs, and a backup a day.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use clonedeck_store::rusqlite::{Connection, params};

use crate::clock::millis;
use crate::let_go::Kept;
use crate::queue::{Shared, blocking};
use crate::{JobId, Queue, Result};

/// How many jobs, or how many times ten events, go in one transaction.
const CHUNK: usize = 100;
/// Events that are kept whatever their age, so that followers who were away for a while find where they were.
const EVENTS: i64 = 200_000;
/// A backup of the database is made when the newest one is older than this.
const BACKUP_AGE: Duration = Duration::from_hours(24);

impl Queue {
    /// Forgets finished jobs that are older, or more, than the options keep: files first, then rows, in small
    /// transactions. The runner does this by itself from time to time. Answers how many jobs went.
    pub async fn tidy(&self) -> Result<usize> {
        tidy(&self.shared).await
    }
}

/// Forgets old jobs and keeps a backup of today.
pub(crate) async fn keep_house(shared: Arc<Shared>) {
    match tidy(&shared).await {
        Ok(0) => {}
        Ok(jobs) => tracing::info!(jobs, "forgot old jobs"),
        Err(error) => tracing::warn!(%error, "old jobs could not be forgotten"),
    }
    let backup = blocking(move || {
        let file = shared.store.file();
        let newest =
            clonedeck_store::newest_backup(file).and_then(|path| path.metadata().ok()?.modified().ok());
        let fresh = newest.and_then(|made| made.elapsed().ok()).is_some_and(|age| age < BACKUP_AGE);
        let bytes = file.metadata().map_or(0, |found| found.len());
        let room =
            shared.options.meter.disk(&shared.dir).is_none_or(|disk| disk.free > bytes.saturating_mul(4));
        if !fresh && room {
            clonedeck_store::backup_now(file, "daily")?;
        }
        Ok(())
    })
    .await;
    if let Err(error) = backup {
        tracing::warn!(%error, "the daily backup of the queue failed");
    }
}

pub(crate) async fn tidy(shared: &Arc<Shared>) -> Result<usize> {
    let cutoff = shared.now_ms().saturating_sub(millis(shared.options.keep_for));
    let keep = shared.options.keep_jobs as i64;
    let mut gone = 0;
    loop {
        let work = Arc::clone(shared);
        let old = blocking(move || {
            let old = work.store.read(|db| outdated(db, cutoff, keep))?;
            for (_, job) in &old {
                // Files before rows: what a crash leaves in between is found again.
                let _ = fs::remove_dir_all(work.log_dir(job.id));
                let _ = fs::remove_dir_all(work.job_dir(job.id));
                job.let_go(&work);
            }
            Ok(old)
        })
        .await?;
        let count = old.len();
        gone += count;
        let events = shared.store.write(move |db| forget(db, &old, cutoff)).await?;
        if count < CHUNK && events < CHUNK * 10 {
            return Ok(gone);
        }
    }
}

fn outdated(db: &Connection, cutoff: i64, keep: i64) -> Result<Vec<(i64, Kept)>> {
    let total: i64 = db
        .prepare_cached("SELECT count(*) FROM job WHERE finished_at IS NOT NULL")?
        .query_row([], |row| row.get(0))?;
    let surplus = (total - keep).clamp(0, CHUNK as i64);
    let mut query = db.prepare_cached(
        "SELECT seq, id, kind, spec FROM (SELECT seq, id, kind, spec, finished_at, row_number() OVER (ORDER BY finished_at) AS place
                              FROM job WHERE finished_at IS NOT NULL ORDER BY finished_at LIMIT ?3)
         WHERE finished_at < ?1 OR place <= ?2",
    )?;
    let rows = query.query_map(params![cutoff, surplus, CHUNK as i64], |row| {
        let id = JobId::from_bytes(&row.get::<_, Vec<u8>>(1)?);
        Ok((row.get(0)?, Kept { id, kind: row.get(2)?, spec: row.get(3)? }))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn forget(db: &Connection, jobs: &[(i64, Kept)], cutoff: i64) -> Result<usize> {
    for (seq, _) in jobs {
        // A job that was retried since is no longer finished.
        let gone = db
            .prepare_cached("DELETE FROM job WHERE seq = ?1 AND finished_at IS NOT NULL")?
            .execute([seq])?;
        if gone == 1 {
            db.prepare_cached("DELETE FROM step WHERE job = ?1")?.execute([seq])?;
        }
    }
    db.prepare_cached(
        "DELETE FROM batch WHERE created_at < ?1 AND NOT EXISTS (SELECT 1 FROM job WHERE job.batch = batch.seq)",
    )?
    .execute([cutoff])?;
    // The newest event stays, so that numbers are never given twice.
    let events = db
        .prepare_cached(
            "DELETE FROM event WHERE seq IN (SELECT seq FROM event ORDER BY seq LIMIT ?3)
                    AND (at < ?1 OR seq < (SELECT max(seq) FROM event) - ?2) AND seq < (SELECT max(seq) FROM event)",
        )?
        .execute(params![cutoff, EVENTS, CHUNK as i64 * 10])?;
    db.prepare_cached("PRAGMA incremental_vacuum(256)")?.query([])?.next()?;
    Ok(events)
}
