use clap::Args;
use clonedeck_api::{Clonedeck, Open};

use crate::follow::{self, Then};
use crate::say::{Code, Failure, Say};

/// Make a small shop in the data directory and clone it: the whole job, with nothing of yours touched
#[derive(Debug, Args)]
pub struct Words {
    /// Print the job's id and return at once
    #[arg(long)]
    detach: bool,
}

pub async fn run(words: Words, open: Open, say: Say) -> Result<Code, Failure> {
    let clonedeck = Clonedeck::open(open).await?;
    let id = clonedeck.launch_demo().await?;
    follow::launched(&clonedeck, &id, if words.detach { Then::Return } else { Then::Follow }, say).await
}
