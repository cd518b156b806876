use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clonedeck_site::Result;
use clonedeck_site::process::Records;
use tokio::sync::OnceCell;

use super::cache::Cache;
use super::estimate::Estimates;
use super::ports::Ports;
use super::previews::Previews;

/// What the build jobs of one data directory share. Clones are the same.
#[derive(Debug, Clone)]
pub struct Builds {
    data_dir: PathBuf,
    cache: Cache,
    previews: Previews,
    swept: Arc<OnceCell<()>>,
}

/// The ports that previews get, unless the settings say others.
const PORTS: RangeInclusive<u16> = 4300..=4499;

impl Builds {
    /// Those of a data directory. Reads and starts nothing.
    pub fn new(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            cache: Cache::new(data_dir.join("cache").join("builds")),
            previews: Previews::new(data_dir, Ports::new(data_dir.join("ports"), PORTS)),
            swept: Arc::default(),
        }
    }

    /// Sets the ports that previews get.
    pub fn ports(self, range: RangeInclusive<u16>) -> Self {
        self.previews.ports().set_range(range);
        self
    }

    /// Sets how long outcomes are kept after their last use, and how many bytes altogether.
    pub fn cache_limits(self, keep: Duration, bytes: u64) -> Self {
        self.cache.set_limits(keep, bytes);
        self
    }

    /// Bytes of memory that a build of this project is thought to need.
    pub fn estimate(&self, project: &Path) -> u64 {
        self.estimates().of(project)
    }

    /// The cache of outcomes.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The servers that show builds.
    pub fn previews(&self) -> &Previews {
        &self.previews
    }

    pub(super) fn estimates(&self) -> Estimates {
        Estimates::new(self.data_dir.join("cache").join("estimates.json"))
    }

    pub(super) fn records(&self) -> Result<Records> {
        Records::open(self.data_dir.join("processes").join("builds"))
    }

    /// Where archives are unpacked.
    pub(super) fn workspace(&self, job: clonedeck_queue::JobId) -> PathBuf {
        self.data_dir.join("builds").join(job.to_string())
    }

    /// Ends what an earlier start of Clonedeck left running, takes over the previews that are meant to stay, and frees the ports of
    /// those that are gone; once in the life of this value. Only the process that runs the queue calls it; the first build does so too.
    pub async fn sweep(&self) -> Result<()> {
        let sweep = async || {
            self.records()?.sweep(Duration::from_secs(10)).await?;
            self.previews.sweep()
        };
        self.swept.get_or_try_init(sweep).await.copied()
    }
}
