use clap::{Args, Subcommand};
use clonedeck_api::wire::Preview;
use clonedeck_api::{Clonedeck, Open};

use crate::say::{Code, Failure, Say, bytes, time};

/// List the servers that show copies and builds; start, stop or restart one
#[derive(Debug, Args)]
pub struct Words {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show a finished copy or build again whose server has ended
    Start {
        /// The job's id, or its beginning
        job: String,
    },
    /// End the server of a job
    Stop {
        /// The job's id, or its beginning
        job: String,
    },
    /// End the server of a job and start it again
    Restart {
        /// The job's id, or its beginning
        job: String,
    },
}

pub async fn run(words: Words, open: Open, say: Say) -> Result<Code, Failure> {
    let clonedeck = Clonedeck::open(open).await?;
    match words.what {
        Some(What::Stop { job }) => {
            clonedeck.stop_preview(&job).await?;
            say.remark("Stopped.");
        }
        Some(What::Start { job }) => tell(&clonedeck.start_preview(&job).await?, say),
        Some(What::Restart { job }) => tell(&clonedeck.restart_preview(&job).await?, say),
        None => {
            let all = clonedeck.all_previews().await?;
            if all.is_empty() {
                say.remark("No preview runs.");
            }
            for preview in all {
                if say.json {
                    say.line(&preview);
                } else {
                    let (memory, cpu) = (bytes(preview.memory), time(preview.cpu_ms));
                    say.text(&format!(
                        "{}  {}  {memory}, {cpu} of processor time  {}",
                        preview.job, preview.url, preview.folder
                    ));
                }
            }
        }
    }
    Ok(Code::Done)
}

fn tell(preview: &Preview, say: Say) {
    if say.json {
        say.line(preview);
    } else {
        say.text(&preview.url);
    }
}
