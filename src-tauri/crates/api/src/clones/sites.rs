//! The sites that an operator has had to do with, and where the next copy may go.

use std::path::Path;

use clonedeck_jobs::clone;
use clonedeck_queue::Filter;

use super::request::absolute;
use crate::wire::{CloneDefaults, Problem, SiteSeen};
use crate::{Clonedeck, convert};

/// Ended jobs that are looked through for the sites they had to do with.
const REMEMBERED: usize = 500;

impl Clonedeck {
    /// Sane answers for a new clone of a source.
    pub async fn clone_defaults(&self, source: &Path) -> Result<CloneDefaults, Problem> {
        let target = clone::target_beside(&absolute(source)?);
        Ok(CloneDefaults { target: target.display().to_string(), db: None })
    }

    /// The sites that clones and commands had to do with, the latest first.
    pub async fn recent_sites(&self) -> Result<Vec<SiteSeen>, Problem> {
        let kinds = ["clone", "command", "workflow"].map(str::to_owned).into();
        let filter = Filter { kinds, limit: Some(REMEMBERED), ..Filter::default() };
        let page = self.queue.list(filter).await.map_err(convert::queue_problem)?;
        let mut seen: Vec<SiteSeen> = Vec::new();
        for job in page.jobs {
            let row = convert::row(&job, 0);
            let view = convert::job(job, 0);
            for (path, copy) in [(&view.source, false), (&view.target, true)] {
                let Some(path) = path else { continue };
                if let Some(known) = seen.iter_mut().find(|site| site.path == *path) {
                    known.jobs += 1;
                    known.platform = known.platform.take().or_else(|| view.platform.clone());
                    known.copy |= copy;
                } else {
                    seen.push(SiteSeen {
                        path: path.clone(),
                        address: view.result.as_ref().and_then(|result| result.url.clone()).filter(|_| copy),
                        platform: view.platform.clone(),
                        copy,
                        last_job: view.id.clone(),
                        last_at: row.finished_at.clone().unwrap_or_else(|| view.created_at.clone()),
                        jobs: 1,
                    });
                }
            }
        }
        Ok(seen)
    }
}
