//! Builds of front-end projects, the servers that show them, and the cache of what they made.

use std::path::Path;

use clonedeck_jobs::build::{BuildJob, BuildOrder, Builds, Preview};
use clonedeck_queue::AddOptions;
use serde::{Deserialize, Serialize};

use crate::wire::Problem;
use crate::{Clonedeck, convert, problem};

pub use clonedeck_jobs::build::CacheUse;

/// What to build, and what of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BuildRequest {
    /// A folder, or an archive of one.
    pub source: String,
    /// Run its build script.
    pub build: bool,
    /// Start a server that shows it.
    pub preview: bool,
    /// The server stays when the program ends.
    pub stays: bool,
    /// From -10 (last) to 10 (first).
    pub priority: i32,
}

/// A server that shows a build.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BuildPreview {
    /// The job that started it.
    pub job: String,
    /// Where it answers.
    pub url: String,
    /// Its port.
    pub port: u16,
    /// The project's folder.
    pub folder: String,
    /// Its output.
    pub log: String,
    /// Bytes of memory that it and what it started use.
    pub memory: u64,
    /// Processor time since its start, milliseconds.
    pub cpu_ms: u64,
    /// Whether it stays when the program ends.
    pub stays: bool,
}

impl From<Preview> for BuildPreview {
    fn from(preview: Preview) -> Self {
        let usage = preview.usage();
        Self {
            job: preview.job,
            url: preview.url,
            port: preview.port,
            folder: preview.folder.display().to_string(),
            log: preview.log.display().to_string(),
            memory: usage.memory,
            cpu_ms: usage.cpu.as_millis() as u64,
            stays: preview.stays,
        }
    }
}

impl Clonedeck {
    /// Adds a build. When this returns, the job is on the disk.
    pub async fn launch_build(&self, request: &BuildRequest) -> Result<String, Problem> {
        let mut order =
            BuildOrder::new(Path::new(&request.source).to_owned()).map_err(convert::site_problem)?;
        order.build = request.build;
        order.preview = request.preview;
        order.stays = request.stays;
        let id = self.queue.add::<BuildJob>(&order, AddOptions::default().priority(request.priority)).await;
        Ok(id.map_err(convert::queue_problem)?.to_string())
    }

    /// The servers that show builds.
    pub fn build_previews(&self) -> Result<Vec<BuildPreview>, Problem> {
        let all = self.build_shelf().previews().list().map_err(convert::site_problem)?;
        Ok(all.into_iter().map(BuildPreview::from).collect())
    }

    /// Ends the server of a job, by its id or the beginning of it.
    pub async fn stop_build_preview(&self, job: &str) -> Result<(), Problem> {
        let preview = self.build_preview(job)?;
        self.build_shelf().previews().stop(&preview.job).await.map(drop).map_err(convert::site_problem)
    }

    /// Ends the server of a job and starts it again.
    pub async fn restart_build_preview(&self, job: &str) -> Result<BuildPreview, Problem> {
        let preview = self.build_preview(job)?;
        let again =
            self.build_shelf().previews().restart(&preview.job).await.map_err(convert::site_problem)?;
        Ok(again.into())
    }

    /// What the cache of builds takes.
    pub fn build_cache(&self) -> Result<CacheUse, Problem> {
        self.build_shelf().cache().used().map_err(convert::site_problem)
    }

    /// Empties the cache of builds. Answers what it took.
    pub fn clear_build_cache(&self) -> Result<CacheUse, Problem> {
        self.build_shelf().cache().clear().map_err(convert::site_problem)
    }

    fn build_preview(&self, job: &str) -> Result<BuildPreview, Problem> {
        let all = self.build_previews()?;
        let mut fitting = all.into_iter().filter(|preview| !job.is_empty() && preview.job.starts_with(job));
        match (fitting.next(), fitting.next()) {
            (Some(preview), None) => Ok(preview),
            (None, _) => Err(problem(
                "preview.unknown",
                format!("No preview of the job {job} runs."),
                "`clonedeck previews` lists those that do.",
            )),
            (Some(_), Some(_)) => Err(problem(
                "preview.unclear",
                format!("More than one preview begins with {job}."),
                "Give more of the id.",
            )),
        }
    }

    fn build_shelf(&self) -> Builds {
        Builds::new(&self.data_dir)
    }
}
