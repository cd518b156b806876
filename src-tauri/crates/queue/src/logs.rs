//! Reading and following the logs of jobs.

use std::path::PathBuf;
use std::time::Duration;

use crate::log::{self, LogPage};
use crate::queue::blocking;
use crate::{Error, JobId, Queue, Result};

/// How often a follower looks for new lines.
const LOOK: Duration = Duration::from_millis(50);

/// Follows a log from a line on; without gap and without doubles, because lines have numbers.
pub struct LogTail {
    folder: PathBuf,
    next: u64,
}

impl Queue {
    /// Up to `limit` lines of a job's log from line `from` (1 is the first) on. Finds any page in the time of one seek.
    pub async fn log_page(&self, id: JobId, from: u64, limit: usize) -> Result<LogPage> {
        read(self.shared.log_dir(id), from, limit).await
    }

    /// How many lines a job's log has by now, those that are no longer kept included.
    pub async fn log_lines(&self, id: JobId) -> Result<u64> {
        let folder = self.shared.log_dir(id);
        blocking(move || log::lines(&folder).map_err(|error| Error::file(&folder, &error))).await
    }

    /// Follows a job's log from line `from` on: what is there first, then what comes.
    pub fn follow_log(&self, id: JobId, from: u64) -> LogTail {
        LogTail { folder: self.shared.log_dir(id), next: from.max(1) }
    }
}

impl LogTail {
    /// The next lines, at least one; waits for them.
    pub async fn next(&mut self) -> Result<LogPage> {
        loop {
            let page = self.ready().await?;
            if !page.lines.is_empty() {
                return Ok(page);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The lines that are there by now; may be none.
    pub async fn ready(&mut self) -> Result<LogPage> {
        let page = read(self.folder.clone(), self.next, 1000).await?;
        self.next = page.next;
        Ok(page)
    }
}

async fn read(folder: PathBuf, from: u64, limit: usize) -> Result<LogPage> {
    blocking(move || log::page(&folder, from, limit).map_err(|error| Error::file(&folder, &error))).await
}
