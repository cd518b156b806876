//! Copies that are served on this machine while they are looked at.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clonedeck_site::Result;
use clonedeck_site::preview::{self, Plan, Preview, Record};
use tokio::sync::Mutex;

/// The previews of a data directory. Those that this program started end with it, unless they are to go on.
#[derive(Debug, Clone, Default)]
pub struct Previews {
    data_dir: PathBuf,
    go_on: bool,
    running: Arc<Mutex<HashMap<String, Preview>>>,
}

impl Previews {
    /// The previews of `data_dir`. With `go_on` they outlive this program: a command that ends leaves its copy reachable.
    pub fn of(data_dir: &Path, go_on: bool) -> Self {
        Self { data_dir: data_dir.to_owned(), go_on, running: Arc::default() }
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Whether the preview of this job runs, whoever started it.
    pub fn is_running(&self, job: &str) -> bool {
        self.list().iter().any(|record| record.job == job && record.is_running())
    }

    /// Serves what `plan` says, unless it is served already.
    pub async fn serve(&self, mut plan: Plan) -> Result<()> {
        let mut running = self.running.lock().await;
        if self.is_running(&plan.job) {
            return Ok(());
        }
        plan.goes_on = self.go_on;
        let job = plan.job.clone();
        running.remove(&job);
        running.insert(job, Preview::start(plan).await?);
        Ok(())
    }

    /// Ends the preview of a job; answers whether one ran.
    pub async fn stop(&self, job: &str) -> Result<bool> {
        let ours = self.running.lock().await.remove(job);
        let ran = preview::stop(&self.data_dir, job).await?;
        drop(ours);
        Ok(ran)
    }

    /// All previews of the data directory that run.
    pub fn list(&self) -> Vec<Record> {
        preview::list(&self.data_dir).into_iter().filter(Record::is_running).collect()
    }

    /// Ends those that this program started, unless they are to go on.
    pub async fn end(&self) {
        self.running.lock().await.clear();
    }

    /// Ends what a program that is gone has left running and did not mean to.
    pub async fn sweep(&self) {
        for record in preview::sweep(&self.data_dir).await {
            tracing::info!(
                job = record.job,
                url = record.url,
                "ended a preview that an earlier start left behind"
            );
        }
    }
}
