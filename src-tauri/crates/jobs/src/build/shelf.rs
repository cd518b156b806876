use std::path::{Path, PathBuf};
use std::time::Duration;

use clonedeck_site::Result;
use clonedeck_site::preview::Served;

use super::cache::Cache;
use super::detect::Project;
use super::estimate::Estimates;
use crate::{Previews, Programs};

/// How long a server may take to answer, where its job does not say.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the build jobs of one data directory share. Clones are the same.
#[derive(Debug, Clone)]
pub struct Builds {
    programs: Programs,
    previews: Previews,
    cache: Cache,
}

impl Builds {
    /// Builds whose programs and previews are among these. Reads and starts nothing.
    pub fn new(programs: &Programs, previews: &Previews) -> Self {
        let cache = Cache::new(programs.data_dir().join("cache").join("builds"));
        Self { programs: programs.clone(), previews: previews.clone(), cache }
    }

    /// Sets how long outcomes are kept after their last use, and how many bytes altogether.
    pub fn cache_limits(self, keep: Duration, bytes: u64) -> Self {
        self.cache.set_limits(keep, bytes);
        self
    }

    /// Bytes of memory that a build of this project is thought to need.
    pub fn estimate(&self, project: &Path) -> u64 {
        self.estimates().of(project).memory
    }

    /// The cache of outcomes.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Shows a built project for a job whose server has ended, unless it runs; when this returns, it answers.
    pub async fn serve(&self, job: &str, folder: &Path, stays: bool) -> Result<Served> {
        let service = Project::detect(folder)?.service(job, self.previews.data_dir(), PATIENCE, stays);
        let served = self.previews.start(service, None).await?;
        self.previews.ready(&served).await?;
        Ok(served)
    }

    /// The servers that show what was made.
    pub fn previews(&self) -> &Previews {
        &self.previews
    }

    pub(super) fn programs(&self) -> &Programs {
        &self.programs
    }

    pub(super) fn estimates(&self) -> Estimates {
        Estimates::new(self.programs.data_dir().join("cache").join("estimates.json"))
    }

    /// Where archives are unpacked.
    pub(super) fn workspace(&self, job: clonedeck_queue::JobId) -> PathBuf {
        self.programs.data_dir().join("builds").join(job.to_string())
    }
}
