//! Servers that run on this machine to show what was made: copies of sites, and builds.

use clonedeck_site::preview::Record;
use clonedeck_site::process::Family;

use crate::wire::{Preview, Problem};
use crate::{Clonedeck, convert, problem};

impl Clonedeck {
    /// All of them, copies first.
    pub async fn all_previews(&self) -> Result<Vec<Preview>, Problem> {
        let mut all: Vec<Preview> = self.previews.list().into_iter().map(told).collect();
        let builds = self.build_previews()?;
        all.extend(builds);
        Ok(all)
    }

    /// Ends the server of a job, by its id or the beginning of it.
    pub async fn stop_preview(&self, job: &str) -> Result<(), Problem> {
        match self.served_copy(job)? {
            Some(record) => self.previews.stop(&record.job).await.map(drop).map_err(convert::site_problem),
            None => self.stop_build_preview(job).await,
        }
    }

    /// Ends the server of a job, by its id or the beginning of it, and starts it again.
    pub async fn restart_preview(&self, job: &str) -> Result<Preview, Problem> {
        match self.served_copy(job)? {
            Some(record) => {
                self.previews.stop(&record.job).await.map_err(convert::site_problem)?;
                self.start_preview(&record.job).await
            }
            None => self.restart_build_preview(job).await,
        }
    }

    /// Starts the server of a finished job whose server has ended. One that runs goes on.
    pub async fn start_preview(&self, id: &str) -> Result<Preview, Problem> {
        if self.job(id).await?.kind == "build" {
            return self.serve_build(id).await;
        }
        self.copy_address(id).await?;
        self.served_copy(id)?.map(told).ok_or_else(|| {
            problem("preview.none", "This copy is not served from here.", "Open it at its own address.")
        })
    }

    /// The file with what the server of a job writes.
    pub async fn preview_log(&self, job: &str) -> Result<String, Problem> {
        let all = self.all_previews().await?;
        let known = all.into_iter().find(|preview| preview.job == job).map(|preview| preview.log);
        // What a server that has ended wrote stays.
        let log = known.unwrap_or_else(|| self.builds.previews().log(job).display().to_string());
        if std::path::Path::new(&log).is_file() {
            Ok(log)
        } else {
            Err(problem("preview.log", "The server of this job has written nothing.", ""))
        }
    }

    /// Ends the previews that this program started and that are not to outlive it.
    pub async fn end_previews(&self) {
        self.previews.end().await;
        if let Err(why) = self.builds.previews().close().await {
            tracing::warn!(%why, "a preview of a build does not end");
        }
    }

    fn served_copy(&self, job: &str) -> Result<Option<Record>, Problem> {
        let mut fitting =
            self.previews.list().into_iter().filter(|record| !job.is_empty() && record.job.starts_with(job));
        match (fitting.next(), fitting.next()) {
            (record, None) => Ok(record),
            (_, Some(_)) => Err(problem(
                "preview.unclear",
                format!("More than one preview begins with {job}."),
                "Give more of the id: `clonedeck previews` lists them.",
            )),
        }
    }
}

fn told(record: Record) -> Preview {
    let usage = Family::known(Some(record.process.clone()), record.mark.clone()).usage();
    let port = record.url.rsplit(':').next().and_then(|port| port.trim_end_matches('/').parse().ok());
    Preview {
        kind: "clone".into(),
        port: port.unwrap_or(80),
        stays: record.owner.is_none(),
        job: record.job,
        title: record.title,
        url: record.url,
        folder: record.root.display().to_string(),
        log: record.log.display().to_string(),
        memory: usage.memory,
        cpu_ms: usage.cpu.as_millis() as u64,
    }
}
