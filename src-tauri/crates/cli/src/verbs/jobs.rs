use clap::Args;
use clonedeck_api::wire::{JobFilter, JobRow, JobState};
use clonedeck_api::{Clonedeck, Open};

use crate::say::{Code, Failure, Say, state_word};

/// List jobs, newest first
#[derive(Debug, Args)]
pub struct Words {
    /// Only jobs in this state: queued, running, waiting, paused, completed, failed or cancelled (can be given more than once)
    #[arg(long, value_name = "STATE", value_parser = parse_state)]
    state: Vec<JobState>,
    /// Only jobs of this kind: clone, command, workflow or build (can be given more than once)
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
}

fn parse_state(word: &str) -> Result<JobState, String> {
    serde_json::from_value(word.into()).map_err(|_| {
        "states are queued, running, waiting, paused, completed, failed and cancelled".to_owned()
    })
}

pub async fn run(words: Words, open: Open, say: Say) -> Result<Code, Failure> {
    let clonedeck = Clonedeck::open(open).await?;
    let filter = JobFilter { states: words.state, kinds: words.kind, ..JobFilter::default() };
    let mut left = words.limit;
    let mut after = None;
    let mut any = false;
    while left > 0 {
        let page = clonedeck.jobs_page(&filter, after.as_deref(), left.min(500)).await?;
        left -= (page.jobs.len() as u32).min(left);
        for job in &page.jobs {
            any = true;
            if say.json {
                say.line(job);
            } else {
                say.text(&line(job));
            }
        }
        match page.next {
            Some(next) if !page.jobs.is_empty() => after = Some(next),
            _ => break,
        }
    }
    if !any {
        say.remark("No jobs.");
    }
    Ok(Code::Done)
}

fn line(job: &JobRow) -> String {
    let now = match job.state {
        JobState::Running => {
            format!("{:>3.0} % {}", job.progress.floor(), job.current_title.as_deref().unwrap_or(""))
        }
        JobState::Failed => job.error.as_ref().map(|error| error.message.clone()).unwrap_or_default(),
        JobState::Queued | JobState::Waiting => {
            job.waiting_for.as_ref().map(|why| why.message.clone()).unwrap_or_default()
        }
        JobState::Paused | JobState::Completed | JobState::Cancelled => String::new(),
    };
    format!("{}  {:<9}  {:<8}  {}  {}", job.id, state_word(job.state), job.kind, job.title, now)
        .trim_end()
        .to_owned()
}
