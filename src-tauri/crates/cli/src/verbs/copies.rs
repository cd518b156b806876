use std::io::{BufRead, IsTerminal, Write};

use clap::Args;
use clonedeck_api::{Clonedeck, Open};

use crate::say::{Code, Failure, Say};

/// Let a copy act in the world as the original does: mail, cron, requests, search engines
#[derive(Debug, Args)]
pub struct LiftWords {
    /// Id of the job that made the copy, or the beginning of it
    job: String,
}

/// Delete a copy: what its job made and nothing else, after you typed its name
#[derive(Debug, Args)]
pub struct DeleteWords {
    /// Id of the job that made the copy, or the beginning of it
    job: String,
    /// The name of the copy's folder, instead of being asked for it
    #[arg(long, value_name = "NAME")]
    yes: Option<String>,
}

pub async fn lift(words: LiftWords, open: Open, say: Say) -> Result<Code, Failure> {
    let clonedeck = Clonedeck::open(open).await?;
    let id = clonedeck.find(&words.job).await?;
    let lifted = clonedeck.lift_neutralisation(&id).await?;
    if say.json {
        say.line(&serde_json::json!({ "id": id, "lifted": lifted }));
    } else if lifted.is_empty() {
        say.remark("Nothing was held back any more.");
    } else {
        for name in &lifted {
            say.text(&format!("lifted      {name}"));
        }
        say.remark("Live keys that were blanked stay blank: enter them in the copy where it needs them.");
    }
    Ok(Code::Done)
}

pub async fn delete(words: DeleteWords, open: Open, say: Say) -> Result<Code, Failure> {
    let clonedeck = Clonedeck::open(open).await?;
    let id = clonedeck.find(&words.job).await?;
    let plan = clonedeck.delete_copy_plan(&id).await?;
    if !say.json {
        for line in &plan {
            say.text(&format!("goes        {line}"));
        }
    }
    // Without a name it is refused, in the words that tell which name.
    let name = words.yes.or_else(|| ask(say)).unwrap_or_default();
    clonedeck.delete_copy(&id, &name).await?;
    if say.json {
        say.line(&serde_json::json!({ "id": id, "deleted": plan }));
    } else {
        say.remark("Deleted.");
    }
    Ok(Code::Done)
}

/// Asks for the name of the folder where somebody is there to answer.
fn ask(say: Say) -> Option<String> {
    if say.json || !std::io::stdin().is_terminal() {
        return None;
    }
    eprint!("Type the name of the copy's folder to delete it: ");
    std::io::stderr().flush().ok()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).ok()?;
    Some(line.trim().to_owned()).filter(|name| !name.is_empty())
}
