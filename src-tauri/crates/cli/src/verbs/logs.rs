use clap::Args;
use clonedeck_api::{Clonedeck, Open};

use crate::follow;
use crate::say::{Code, Failure, Say};

/// Print the log of a job
#[derive(Debug, Args)]
pub struct Words {
    /// Id of the job, or the beginning of it
    job: String,
    /// Only the lines of this step, such as copy-database
    #[arg(long, value_name = "NAME")]
    step: Option<String>,
    /// Go on with new lines until the job ends
    #[arg(short, long)]
    follow: bool,
}

pub async fn run(words: Words, open: Open, say: Say) -> Result<Code, Failure> {
    let clonedeck = Clonedeck::open(open).await?;
    let id = clonedeck.find(&words.job).await?;
    if words.follow {
        return follow::log(&clonedeck, &id, words.step.as_deref(), say).await;
    }
    let mut printer = follow::LogPrinter::new(words.step);
    printer.print_new(&clonedeck, &id, say).await?;
    Ok(Code::Done)
}
