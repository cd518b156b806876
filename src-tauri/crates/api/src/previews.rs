//! Servers that run on this machine to show what was made: copies of sites, and builds.

use clonedeck_site::process::Family;

use crate::builds::BuildPreview;
use crate::wire::Problem;
use crate::{Clonedeck, convert, problem};

impl Clonedeck {
    /// All of them, copies first.
    pub fn all_previews(&self) -> Result<Vec<BuildPreview>, Problem> {
        let mut all: Vec<BuildPreview> = self
            .previews
            .list()
            .into_iter()
            .map(|record| {
                let usage = Family::known(Some(record.process.clone()), record.mark.clone()).usage();
                BuildPreview {
                    port: record
                        .url
                        .rsplit(':')
                        .next()
                        .and_then(|port| port.trim_end_matches('/').parse().ok())
                        .unwrap_or(80),
                    stays: record.owner.is_none(),
                    job: record.job,
                    url: record.url,
                    folder: record.root.display().to_string(),
                    log: record.log.display().to_string(),
                    memory: usage.memory,
                    cpu_ms: usage.cpu.as_millis() as u64,
                }
            })
            .collect();
        all.extend(self.build_previews()?);
        Ok(all)
    }

    /// Ends the server of a job, by its id or the beginning of it.
    pub async fn stop_preview(&self, job: &str) -> Result<(), Problem> {
        let copies = self.previews.list();
        let mut fitting = copies.iter().filter(|record| !job.is_empty() && record.job.starts_with(job));
        match (fitting.next(), fitting.next()) {
            (Some(record), None) => {
                self.previews.stop(&record.job).await.map(drop).map_err(convert::site_problem)
            }
            (Some(_), Some(_)) => Err(problem(
                "preview.unclear",
                format!("More than one preview begins with {job}."),
                "Give more of the id: `clonedeck previews` lists them.",
            )),
            (None, _) => self.stop_build_preview(job).await,
        }
    }

    /// Ends the previews that this program started and that are not to outlive it.
    pub async fn end_previews(&self) {
        self.previews.end().await;
    }
}
