use clap::Args;
use clonedeck_api::{Clonedeck, Open};

use crate::follow;
use crate::say::{Code, Failure, Say};

/// Watch a job until it ends, whichever program runs it
#[derive(Debug, Args)]
pub struct Words {
    /// Id of the job, or the beginning of it
    job: String,
}

pub async fn run(words: Words, open: Open, say: Say) -> Result<Code, Failure> {
    let clonedeck = Clonedeck::open(open).await?;
    let id = clonedeck.find(&words.job).await?;
    follow::to_the_end(&clonedeck, &id, say).await
}
