//! Looking at jobs and steering them.

use clonedeck_queue::{Filter, Trouble};

use crate::Clonedeck;
use crate::convert;
use crate::wire::{
    JobFilter, JobPage, JobRow, JobView, LogLine, LogPage, Problem, QueueStatus, Snapshot, Steer,
};

/// Lines that one search looks at before it lets others have a turn.
const SEARCH_PAGE: usize = 5_000;

impl Clonedeck {
    /// The id that begins so.
    pub async fn find(&self, prefix: &str) -> Result<String, Problem> {
        Ok(self.queue.find(prefix).await.map_err(convert::queue_problem)?.to_string())
    }

    /// One job whole, by its id or the beginning of it.
    pub async fn job(&self, prefix: &str) -> Result<JobView, Problem> {
        let id = self.queue.find(prefix).await.map_err(convert::queue_problem)?;
        let job = self.queue.job(id).await.map_err(convert::queue_problem)?;
        Ok(convert::job(job, 0))
    }

    /// A page of jobs, newest first.
    pub async fn jobs_page(
        &self,
        filter: &JobFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<JobPage, Problem> {
        let before = after.map(str::parse).transpose().map_err(|_| {
            crate::problem("jobs.page", "There is no such page of jobs.", "Begin with the first page.")
        })?;
        let filter = Filter {
            states: filter.states.iter().copied().map(convert::state_of).collect(),
            kinds: filter.kinds.clone(),
            place: filter.site.clone(),
            batch: filter.batch.as_deref().map(convert::batch_id).transpose()?,
            text: Some(filter.search.trim().to_owned()).filter(|text| !text.is_empty()),
            before,
            limit: Some(limit.clamp(1, 1000) as usize),
        };
        let page = self.queue.list(filter).await.map_err(convert::queue_problem)?;
        let jobs: Vec<JobRow> = page.jobs.iter().map(|job| convert::row(job, 0)).collect();
        Ok(JobPage { jobs, next: page.next.map(|next| next.to_string()) })
    }

    /// All that a window needs to draw itself.
    pub async fn snapshot(&self) -> Result<Snapshot, Problem> {
        let subscription = self.queue.subscribe(None).await.map_err(convert::queue_problem)?;
        let seq = subscription.snapshot.seq;
        let active = subscription.snapshot.jobs.iter().filter(|job| !job.state.is_final());
        let history = JobFilter {
            states: vec![
                crate::wire::JobState::Completed,
                crate::wire::JobState::Failed,
                crate::wire::JobState::Cancelled,
            ],
            ..JobFilter::default()
        };
        Ok(Snapshot {
            seq: seq.max(0) as u64,
            active: active.map(|job| convert::row(job, seq)).collect(),
            history: self.jobs_page(&history, None, 50).await?,
            queue: self.status().await?,
            unread: self.unread().await?,
        })
    }

    fn trouble(&self, trouble: Trouble) -> Problem {
        let until_then = match trouble {
            Trouble::Full => "what needs room waits",
            Trouble::Gone | Trouble::ReadOnly => "nothing new starts",
        };
        let help = format!("{}; {until_then} until then, and nothing is lost.", trouble.remedy());
        crate::problem(trouble.code(), trouble.message(&self.data_dir), help)
    }

    /// The queue as a whole.
    pub async fn status(&self) -> Result<QueueStatus, Problem> {
        let counts = self.queue.counts().await.map_err(convert::queue_problem)?;
        let load = self.queue.load().await.map_err(convert::queue_problem)?;
        Ok(QueueStatus {
            paused: counts.queue_paused,
            slots: self.queue.slots() as u32,
            running: counts.running,
            queued: counts.queued,
            waiting: counts.waiting,
            held: counts.paused,
            cpu_percent: f64::from(load.cpu),
            memory_used: load.memory_used,
            memory_total: load.memory_total,
            trouble: self.queue.trouble().map(|trouble| self.trouble(trouble)),
            runner: self
                .queue
                .runner()
                .filter(|holder| holder.pid != std::process::id())
                .map(|holder| format!("{} (pid {})", holder.name, holder.pid)),
        })
    }

    /// Lines of a job's log from line `from` (0 is the first) on.
    pub async fn log_page(&self, id: &str, from: u64, count: u32) -> Result<LogPage, Problem> {
        let job = convert::job_id(id)?;
        let page = self
            .queue
            .log_page(job, from + 1, count.clamp(1, 5_000) as usize)
            .await
            .map_err(convert::queue_problem)?;
        let total = self.queue.log_lines(job).await.map_err(convert::queue_problem)?;
        let lines = page
            .lines
            .into_iter()
            .map(|line| LogLine {
                n: line.number - 1,
                at: format!("{:.3}", line.at),
                level: line.level.word().to_owned(),
                step: line.step,
                text: line.text,
            })
            .collect();
        Ok(LogPage { lines, total })
    }

    /// The number of the next line (from `from` on, or back from it) that holds `text` in any case.
    pub async fn log_search(
        &self,
        id: &str,
        text: &str,
        from: u64,
        backwards: bool,
    ) -> Result<Option<u64>, Problem> {
        let job = convert::job_id(id)?;
        let wanted = text.to_lowercase();
        let holds = |line: &clonedeck_queue::LogLine| line.text.to_lowercase().contains(&wanted);
        if backwards {
            let mut end = from + 1;
            while end > 0 {
                let begin = end.saturating_sub(SEARCH_PAGE as u64);
                let page = self
                    .queue
                    .log_page(job, begin + 1, (end - begin) as usize)
                    .await
                    .map_err(convert::queue_problem)?;
                let found = page.lines.iter().rev().find(|line| line.number <= end && holds(line));
                if let Some(line) = found {
                    return Ok(Some(line.number - 1));
                }
                end = begin;
            }
            return Ok(None);
        }
        let mut next = from + 1;
        loop {
            let page = self.queue.log_page(job, next, SEARCH_PAGE).await.map_err(convert::queue_problem)?;
            if let Some(line) = page.lines.iter().find(|line| holds(line)) {
                return Ok(Some(line.number - 1));
            }
            if page.lines.is_empty() {
                return Ok(None);
            }
            next = page.next;
        }
    }

    /// Steers one job; takes hold at its next safe point.
    pub async fn steer(&self, id: &str, action: Steer) -> Result<(), Problem> {
        let job = convert::job_id(id)?;
        let queue = &self.queue;
        let done = match action {
            Steer::Pause => queue.pause(job).await,
            Steer::Resume => queue.resume(job).await,
            Steer::Cancel => queue.cancel(job).await,
            Steer::Retry => queue.retry(job).await,
            Steer::RetryFromStart => queue.retry_from_start(job).await,
            Steer::Priority { to } => queue.set_priority(job, to).await,
        };
        done.map_err(convert::queue_problem)
    }

    /// Steers several jobs; answers what was refused.
    pub async fn steer_all(&self, ids: &[String], action: Steer) -> Result<Vec<Problem>, Problem> {
        let mut refused = Vec::new();
        for id in ids {
            if let Err(mut problem) = self.steer(id, action).await {
                problem.context.insert("job".into(), id.clone());
                refused.push(problem);
            }
        }
        Ok(refused)
    }

    /// Holds the whole queue: nothing new starts.
    pub async fn pause_queue(&self) -> Result<(), Problem> {
        self.queue.pause_queue().await.map_err(convert::queue_problem)?;
        self.nudge();
        Ok(())
    }

    /// Lets the queue go on.
    pub async fn resume_queue(&self) -> Result<(), Problem> {
        self.queue.resume_queue().await.map_err(convert::queue_problem)?;
        self.nudge();
        Ok(())
    }

    /// Holds the queue, or lets it go on.
    pub async fn toggle_queue(&self) -> Result<(), Problem> {
        if self.queue.counts().await.map_err(convert::queue_problem)?.queue_paused {
            self.resume_queue().await
        } else {
            self.pause_queue().await
        }
    }
}
