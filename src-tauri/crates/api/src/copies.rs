//! Finished copies: their receipt, their login, their address, and what can be done with them.

use std::path::PathBuf;

use clonedeck_jobs::clone::{self, CloneSpec, Made, Owner};
use clonedeck_queue::JobId;
use clonedeck_site::platforms::Address;
use clonedeck_site::{Unwatched, preview};

use crate::wire::{JobSecrets, JobState, Problem, Receipt, StepReceipt};
use crate::{Clonedeck, convert, problem, receipt_page};

/// A job that made a copy, with its own notes.
struct Copy {
    id: JobId,
    folder: PathBuf,
    spec: CloneSpec,
}

/// Whether an address that was asked for is one of this machine at which nobody is.
fn is_ours_to_show(url: &str) -> bool {
    Address::parse(url).is_ok_and(|address| {
        address.scheme == "http" && address.is_loopback() && preview::is_free(address.port_or_default())
    })
}

impl Clonedeck {
    async fn copy(&self, id: &str) -> Result<Copy, Problem> {
        let id = convert::job_id(id)?;
        let job = self.queue.job(id).await.map_err(convert::queue_problem)?;
        if job.kind != "clone" {
            return Err(problem(
                "copy.none",
                format!("{} made no copy.", job.title),
                "Only clones make copies.",
            ));
        }
        let spec = serde_json::from_value(job.spec).map_err(|why| {
            problem("job.spec", format!("What this job was asked for cannot be read: {why}."), "")
        })?;
        Ok(Copy { id, folder: self.data_dir.join("jobs").join(id.to_string()), spec })
    }

    async fn made(&self, id: &str) -> Result<(Copy, Made), Problem> {
        let copy = self.copy(id).await?;
        let made = Made::standing(&copy.folder).map_err(convert::site_problem)?;
        let made = made.ok_or_else(|| {
            problem("copy.none", "This job has no copy: it made none yet, or it was deleted.", "")
        })?;
        Ok((copy, made))
    }

    /// What a clone did, and the proof of it.
    pub async fn receipt(&self, id: &str) -> Result<Receipt, Problem> {
        let copy = self.copy(id).await?;
        let receipt = clone::Receipt::read(&copy.folder).map_err(convert::site_problem)?;
        self.whole(id, &receipt).await
    }

    /// Compares the copy with its receipt again.
    pub async fn receipt_check(&self, id: &str) -> Result<Receipt, Problem> {
        let copy = self.copy(id).await?;
        let job = copy.id.to_string();
        let receipt =
            clone::recheck(&job, &copy.folder, &copy.spec, &self.secrets, &self.previews, &Unwatched)
                .await
                .map_err(convert::site_problem)?;
        self.whole(id, &receipt).await
    }

    /// The receipt as it crosses the border: the job's own one has the same words, and the times are the queue's.
    async fn whole(&self, id: &str, receipt: &clone::Receipt) -> Result<Receipt, Problem> {
        let words = serde_json::to_value(receipt).and_then(serde_json::from_value::<Receipt>);
        let mut whole = words
            .map_err(|why| problem("receipt.damaged", format!("The receipt cannot be read: {why}."), ""))?;
        let job = self.job(id).await?;
        whole.steps = job
            .steps
            .into_iter()
            .map(|step| StepReceipt { name: step.name, active_ms: step.active_ms })
            .collect();
        Ok(whole)
    }

    /// Saves a receipt as `json` or `html` beside the copy's job and answers where.
    pub async fn receipt_save(&self, id: &str, format: &str) -> Result<String, Problem> {
        let receipt = self.receipt(id).await?;
        let job = self.job(id).await?;
        let text = match format {
            "html" => receipt_page::render(&job, &receipt),
            "json" => serde_json::to_string_pretty(&receipt).unwrap_or_default(),
            _ => return Err(problem("receipt.format", "A receipt is saved as json or html.", "")),
        };
        let folder = directories::UserDirs::new()
            .and_then(|dirs| dirs.download_dir().or_else(|| dirs.document_dir()).map(PathBuf::from))
            .filter(|folder| folder.is_dir())
            .unwrap_or_else(|| self.data_dir.clone());
        let file = folder.join(format!("clonedeck-receipt-{}.{format}", &job.id[..13]));
        std::fs::write(&file, text).map_err(|why| {
            problem("receipt.save", format!("{} cannot be written: {why}.", file.display()), "")
        })?;
        Ok(file.display().to_string())
    }

    /// The login that was made, on request only.
    pub async fn secrets(&self, id: &str) -> Result<JobSecrets, Problem> {
        let job = convert::job_id(id)?;
        let secrets = self.secrets.clone();
        let kept = tokio::task::spawn_blocking(move || secrets.result(job)).await;
        let kept = kept.map_err(convert::lost_thread)?.map_err(convert::site_problem)?;
        let text = |name: &str| kept.as_ref().and_then(|kept| kept.get(name)?.as_str().map(str::to_owned));
        Ok(JobSecrets { username: text("username"), password: text("password") })
    }

    /// The address of a finished copy or build, which answers once this returns: where it is served from here, it is served now.
    pub async fn copy_address(&self, id: &str) -> Result<String, Problem> {
        if self.job(id).await?.kind == "build" {
            return self.serve_build(id).await.map(|preview| preview.url);
        }
        let (copy, made) = self.made(id).await?;
        let job = copy.id.to_string();
        if self.job(&job).await?.state != JobState::Completed {
            return Err(problem(
                "copy.unfinished",
                "This copy is not finished.",
                "Wait until the job has completed.",
            ));
        }
        if !made.planned.url.starts_with("http://") && !made.planned.url.starts_with("https://") {
            return Err(problem(
                "copy.address",
                format!("{} is no address that a browser opens.", made.planned.url),
                "",
            ));
        }
        if (made.planned.preview || is_ours_to_show(&made.planned.url)) && !self.previews.is_running(&job) {
            self.serve_copy(&copy, &made).await?;
        }
        Ok(made.planned.url)
    }

    /// The folder that a job made or worked in: the copy, the project, the site of a command.
    pub async fn copy_folder(&self, id: &str) -> Result<String, Problem> {
        let job = self.job(id).await?;
        match job.kind.as_str() {
            "build" => Ok(self.build_folder(&job.id).await?.display().to_string()),
            "command" | "workflow" => {
                job.source.ok_or_else(|| problem("job.folder", "This job has no folder.", ""))
            }
            _ => Ok(self.made(id).await?.1.planned.target.display().to_string()),
        }
    }

    /// Writes the log of a job into one file and answers where it is.
    pub async fn log_as_file(&self, id: &str) -> Result<String, Problem> {
        use std::io::Write;
        let job = convert::job_id(id)?;
        let folder = self.data_dir.join("cache");
        let file = folder.join(format!("{job}.log"));
        let failed = |why: std::io::Error| {
            problem("log.save", format!("{} cannot be written: {why}.", file.display()), "")
        };
        std::fs::create_dir_all(&folder).map_err(failed)?;
        let mut out = std::io::BufWriter::new(std::fs::File::create(&file).map_err(failed)?);
        let mut next = 1;
        loop {
            let page = self.queue.log_page(job, next, 5_000).await.map_err(convert::queue_problem)?;
            if page.lines.is_empty() {
                break;
            }
            for line in &page.lines {
                writeln!(out, "{} {:<5} {:<22} {}", line.at, line.level.word(), line.step, line.text)
                    .map_err(failed)?;
            }
            next = page.next;
        }
        out.flush().map_err(failed)?;
        Ok(file.display().to_string())
    }

    /// Lets a copy act in the world as the original does; answers what was lifted.
    pub async fn lift_neutralisation(&self, id: &str) -> Result<Vec<String>, Problem> {
        let (copy, made) = self.made(id).await?;
        if self.job(&copy.id.to_string()).await?.state != JobState::Completed {
            return Err(problem(
                "copy.unfinished",
                "This copy is not finished.",
                "Wait until the job has completed: until then it is not known to be a copy.",
            ));
        }
        let lifted = made.lift(&copy.spec, &self.secrets).await.map_err(convert::site_problem)?;
        // A server that was started for a neutral copy goes on catching its mail and refusing its requests.
        let job = copy.id.to_string();
        if self.previews.is_running(&job) {
            self.previews.stop(&job).await.map_err(convert::site_problem)?;
            self.serve_copy(&copy, &made).await?;
        }
        Ok(lifted)
    }

    async fn serve_copy(&self, copy: &Copy, made: &Made) -> Result<(), Problem> {
        let served = async {
            let password = made.password(&copy.spec, &self.secrets).await?;
            self.previews.serve(made.preview(&password, &self.data_dir, &copy.id.to_string())).await
        };
        served.await.map_err(convert::site_problem)
    }

    /// What deleting a copy removes, a line each.
    pub async fn delete_copy_plan(&self, id: &str) -> Result<Vec<String>, Problem> {
        let (copy, made) = self.made(id).await?;
        Ok(made.what_goes(&copy.spec, &copy.folder))
    }

    /// Deletes a copy: what the job made and nothing else. `confirm` is the name of its folder.
    pub async fn delete_copy(&self, id: &str, confirm: &str) -> Result<(), Problem> {
        let (copy, made) = self.made(id).await?;
        let job = self.job(&copy.id.to_string()).await?;
        if !matches!(job.state, JobState::Completed | JobState::Failed) {
            return Err(problem(
                "copy.unfinished",
                "This job is still at work on its copy.",
                "Cancel it: that removes what it made.",
            ));
        }
        let name = made.planned.target.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if confirm.trim() != name {
            return Err(problem(
                "copy.confirm",
                format!("To delete this copy, type the name of its folder: {name}"),
                "",
            ));
        }
        let id = copy.id.to_string();
        let finished = job.state == JobState::Completed;
        let owner = Owner {
            job: &id,
            job_dir: &copy.folder,
            finished,
            spec: &copy.spec,
            secrets: &self.secrets,
            previews: &self.previews,
        };
        made.remove(&owner, &Unwatched).await.map_err(convert::site_problem)?;
        let known = self.queue.job(copy.id).await.map_err(convert::queue_problem)?.result;
        let platform = known.as_ref().and_then(|result| result.get("platform"));
        let result = serde_json::json!({ "platform": platform, "deleted": true });
        self.queue.correct_result(copy.id, &result).await.map_err(convert::queue_problem)?;
        self.queue.let_go(copy.id).await.map_err(convert::queue_problem)?;
        // Last: until here it can be asked for again.
        Made::forget(&copy.folder);
        Ok(())
    }
}
