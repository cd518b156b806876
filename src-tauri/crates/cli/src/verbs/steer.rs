use clap::Args;
use clonedeck_api::wire::Steer;
use clonedeck_api::{Clonedeck, Open};

use crate::follow;
use crate::say::{Code, Failure, Say, state_word};

/// Steer a job: it takes hold at the job's next safe point
#[derive(Debug, Args)]
pub struct Words {
    /// Id of the job, or the beginning of it
    job: String,
}

/// Try a job again, from the step that failed
#[derive(Debug, Args)]
pub struct RetryWords {
    /// Id of the job, or the beginning of it
    job: String,
    /// From the first step instead: what the job made so far is taken back, and it plans anew
    #[arg(long)]
    from_start: bool,
}

/// Change which job goes first
#[derive(Debug, Args)]
pub struct PriorityWords {
    /// Id of the job, or the beginning of it
    job: String,
    /// From -10 (last) to 10 (first)
    #[arg(allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-10..=10))]
    priority: i32,
}

pub async fn run(words: Words, action: Steer, open: Open, say: Say) -> Result<Code, Failure> {
    steer(&words.job, action, open, say).await
}

pub async fn retry(words: RetryWords, open: Open, say: Say) -> Result<Code, Failure> {
    steer(&words.job, if words.from_start { Steer::RetryFromStart } else { Steer::Retry }, open, say).await
}

pub async fn priority(words: PriorityWords, open: Open, say: Say) -> Result<Code, Failure> {
    steer(&words.job, Steer::Priority { to: words.priority }, open, say).await
}

async fn steer(job: &str, action: Steer, open: Open, say: Say) -> Result<Code, Failure> {
    let clonedeck = Clonedeck::open(open).await?;
    let id = clonedeck.find(job).await?;
    clonedeck.steer(&id, action).await?;
    let job = clonedeck.job(&id).await?;
    if say.json {
        say.line(&job);
    } else {
        say.remark(&format!("{}: {}, priority {}.", job.title, state_word(job.state), job.priority));
        follow::remark_on_runner(&job, say);
    }
    Ok(Code::Done)
}
