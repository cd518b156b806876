use clap::Args;
use clonedeck_api::{Clonedeck, Open};

use crate::say::{Code, Failure, Say, amount, bytes};

/// Say what the cache of builds takes, or empty it
#[derive(Debug, Args)]
pub struct Words {
    /// Empty it
    #[arg(long)]
    clear: bool,
}

pub async fn run(words: Words, open: Open, say: Say) -> Result<Code, Failure> {
    let clonedeck = Clonedeck::open(open).await?;
    let used =
        if words.clear { clonedeck.clear_build_cache().await? } else { clonedeck.build_cache().await? };
    if say.json {
        say.line(&used);
    } else {
        let done = if words.clear { "Emptied: " } else { "" };
        say.text(&format!("{done}{}, {}", amount(used.entries, "entries"), bytes(used.bytes)));
    }
    Ok(Code::Done)
}
