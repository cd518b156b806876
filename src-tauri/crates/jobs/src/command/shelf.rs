use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clonedeck_queue::JobId;
use clonedeck_site::Result;
use clonedeck_site::process::{Records, Running};
use tokio::sync::OnceCell;

use super::catalogue::Catalogue;

/// What the command jobs of one data directory share: the list of commands, the records of running programs, and the programs that
/// are held while their job is paused. Clones are the same.
#[derive(Debug, Clone)]
pub struct Commands {
    data_dir: PathBuf,
    held: Arc<Mutex<HashMap<(JobId, String), Running>>>,
    swept: Arc<OnceCell<()>>,
}

impl Commands {
    /// Those of a data directory. Reads and starts nothing.
    pub fn new(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned(), held: Arc::default(), swept: Arc::default() }
    }

    /// The list as it is now: Clonedeck's own and the operator's `commands.toml`.
    pub fn catalogue(&self) -> Result<Catalogue> {
        Catalogue::with_file(&self.data_dir.join("commands.toml"))
    }

    pub(super) fn records(&self) -> Result<Records> {
        Records::open(self.data_dir.join("processes").join("commands"))
    }

    /// Ends the programs that an earlier start of Clonedeck left running; once in the life of this value. Only the process that runs
    /// the queue calls it; the first command to run does so too.
    pub async fn sweep(&self) -> Result<()> {
        let sweep = async || {
            let (ended, _) = self.records()?.sweep(Duration::from_secs(10)).await?;
            if ended > 0 {
                tracing::info!(ended, "ended programs that an earlier start left running");
            }
            Ok(())
        };
        self.swept.get_or_try_init(sweep).await.copied()
    }

    pub(super) fn hold(&self, job: JobId, step: &str, running: Running) {
        running.hold();
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert((job, step.to_owned()), running);
    }

    pub(super) fn take_held(&self, job: JobId, step: &str) -> Option<Running> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&(job, step.to_owned()))
    }
}
