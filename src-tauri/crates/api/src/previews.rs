//! Servers that run on this machine to show what was made: copies of sites, and builds.

use clonedeck_site::preview::Served;

use crate::wire::{Preview, Problem};
use crate::{Clonedeck, convert, problem};

impl Clonedeck {
    /// All of them, the oldest first.
    pub async fn all_previews(&self) -> Result<Vec<Preview>, Problem> {
        let all = self.previews.list().map_err(convert::site_problem)?;
        Ok(all.into_iter().map(told).collect())
    }

    /// Ends the server of a job, by its id or the beginning of it.
    pub async fn stop_preview(&self, job: &str) -> Result<(), Problem> {
        let preview = self.preview(job).await?;
        self.previews.stop(&preview.job).await.map(drop).map_err(convert::site_problem)
    }

    /// Ends the server of a job, by its id or the beginning of it, and starts it again; answers when it does.
    pub async fn restart_preview(&self, job: &str) -> Result<Preview, Problem> {
        let preview = self.preview(job).await?;
        self.previews.restart(&preview.job).await.map(told).map_err(convert::site_problem)
    }

    /// Starts the server of a finished job whose server has ended. One that runs goes on.
    pub async fn start_preview(&self, id: &str) -> Result<Preview, Problem> {
        let job = self.job(id).await?;
        if job.kind == "build" {
            return self.serve_build(&job.id).await;
        }
        self.copy_address(&job.id).await?;
        let served = self.previews.running(&job.id).map_err(convert::site_problem)?;
        served.map(told).ok_or_else(|| {
            problem("preview.none", "This copy is not served from here.", "Open it at its own address.")
        })
    }

    /// The file with what the server of a job writes. It stays when the server has ended.
    pub async fn preview_log(&self, job: &str) -> Result<String, Problem> {
        let log = self.previews.log(job);
        if log.is_file() {
            Ok(log.display().to_string())
        } else {
            Err(problem("preview.log", "The server of this job has written nothing.", ""))
        }
    }

    /// Ends the previews that this program started and that are not to outlive it.
    pub async fn end_previews(&self) {
        self.previews.end().await;
    }

    async fn preview(&self, job: &str) -> Result<Preview, Problem> {
        let all = self.all_previews().await?;
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
                "Give more of the id: `clonedeck previews` lists them.",
            )),
        }
    }
}

pub(crate) fn told(served: Served) -> Preview {
    let usage = served.usage();
    Preview {
        job: served.service.job,
        kind: served.service.kind,
        title: served.service.title,
        url: served.url,
        port: served.port,
        folder: served.service.folder.display().to_string(),
        log: served.service.log.display().to_string(),
        memory: usage.memory,
        cpu_ms: usage.cpu.as_millis() as u64,
        stays: served.service.stays,
    }
}
