//! Builds of front-end projects, and the cache of what they made.

use std::path::{Path, PathBuf};

use clonedeck_jobs::build::{self, BuildJob, BuildOrder, Project};
use clonedeck_queue::AddOptions;

use crate::wire::{BuildReport, BuildRequest, CacheUse, JobState, Preview, Problem};
use crate::{Clonedeck, convert, limits, problem};

impl Clonedeck {
    /// What is known of a project before it is built. Writes nothing.
    pub async fn inspect_build(&self, source: &Path) -> Result<BuildReport, Problem> {
        let order = BuildOrder::new(source.to_owned()).map_err(convert::site_problem)?;
        let memory = self.builds.estimate(&order.source);
        let source = order.source;
        if source.is_dir() {
            return Ok(report(&source, Project::detect(&source).map_err(convert::site_problem)?, memory));
        }
        if !build::is_archive(&source) {
            return Err(problem(
                "build.archive",
                format!("{} is no archive that can be built.", source.display()),
                "Give a folder, a .zip, a .tar.gz or a .tar.zst.",
            ));
        }
        Ok(BuildReport {
            path: source.display().to_string(),
            archive: true,
            bytes: source.metadata().map_or(0, |about| about.len()),
            folder: String::new(),
            framework: String::new(),
            manager: None,
            lock: None,
            has_types: false,
            can_build: false,
            remarks: Vec::new(),
            memory,
            usual: limits::told(build::USUAL),
        })
    }

    /// Adds a build. When this returns, the job is on the disk.
    pub async fn launch_build(&self, request: &BuildRequest) -> Result<String, Problem> {
        let mut order =
            BuildOrder::new(Path::new(&request.source).to_owned()).map_err(convert::site_problem)?;
        if let Some((from, to)) = request.ports
            && (from < 1024 || from > to)
        {
            return Err(problem(
                "build.ports",
                "Ports are two numbers from 1024 to 65535, the smaller one first.",
                "",
            ));
        }
        order.type_check = request.type_check;
        order.build = request.build;
        order.preview = request.preview;
        order.stays = request.stays;
        order.ports = request.ports;
        order.bounds = limits::bounds(request.limits)?;
        let id = self.queue.add::<BuildJob>(&order, AddOptions::default().priority(request.priority)).await;
        Ok(id.map_err(convert::queue_problem)?.to_string())
    }

    /// The server that shows what a finished job built, started anew where it has ended.
    pub(crate) async fn serve_build(&self, id: &str) -> Result<Preview, Problem> {
        let folder = self.build_folder(id).await?;
        let job = self.job(id).await?;
        if job.state != JobState::Completed {
            return Err(problem("build.unfinished", "This build is not finished.", "Wait until it is."));
        }
        let stays = job.spec.get("stays").and_then(serde_json::Value::as_bool).unwrap_or(false);
        let served = self.builds.serve(&job.id, &folder, stays).await.map_err(convert::site_problem)?;
        Ok(crate::previews::told(served))
    }

    /// The folder of the project that a job has built.
    pub(crate) async fn build_folder(&self, id: &str) -> Result<PathBuf, Problem> {
        let id = convert::job_id(id)?;
        let job = self.queue.job(id).await.map_err(convert::queue_problem)?;
        let folder = job.result.as_ref().and_then(|result| result.get("folder")?.as_str().map(PathBuf::from));
        folder.filter(|folder| folder.is_dir()).ok_or_else(|| {
            problem("build.folder", "The folder of this build is not there.", "Build it again.")
        })
    }

    /// What the cache of builds takes.
    pub async fn build_cache(&self) -> Result<CacheUse, Problem> {
        self.builds.cache().used().map(used).map_err(convert::site_problem)
    }

    /// Empties the cache of builds. Answers what it took.
    pub async fn clear_build_cache(&self) -> Result<CacheUse, Problem> {
        self.builds.cache().clear().map(used).map_err(convert::site_problem)
    }
}

fn used(used: build::CacheUse) -> CacheUse {
    CacheUse { entries: used.entries, bytes: used.bytes }
}

fn report(source: &Path, project: Project, memory: u64) -> BuildReport {
    let name = |path: PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    BuildReport {
        path: source.display().to_string(),
        archive: false,
        bytes: 0,
        folder: project.folder.display().to_string(),
        framework: project.framework.to_string(),
        manager: project.manager.map(|manager| manager.to_string()),
        lock: project.lock.and_then(name),
        has_types: project.has_types,
        can_build: project.can_build,
        remarks: project.remarks,
        memory,
        usual: limits::told(build::USUAL),
    }
}
