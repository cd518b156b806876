use clap::Args;
use clonedeck_api::{Clonedeck, Open};

use crate::say::{Code, Failure, Say};

/// Run the queue here, in the foreground, until Ctrl-C
#[derive(Debug, Args)]
pub struct Words {
    /// End when nothing is left to do
    #[arg(long)]
    until_idle: bool,
    /// Jobs that may run at once, 1 to 64; without it, as set in the window
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    slots: Option<u32>,
}

pub async fn run(words: Words, open: Open, say: Say) -> Result<Code, Failure> {
    let clonedeck = Clonedeck::open(open).await?;
    let mut runner = clonedeck.work(words.slots).await?;
    say.remark("Running the queue. Ctrl-C stops at a safe point; every job goes on at the next start.");
    let interrupted =
        async { if words.until_idle { runner.idle().await } else { std::future::pending().await } };
    let code = tokio::select! {
        () = interrupted => Code::Done,
        () = crate::follow::interrupt() => {
            say.remark("Stopping at the next safe point…");
            Code::Interrupted
        }
    };
    runner.stop().await;
    Ok(code)
}
