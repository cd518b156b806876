use std::path::PathBuf;

use clap::Args;
use clonedeck_api::{Clonedeck, Effect, Open};

use crate::follow::{self, Then};
use crate::say::{Code, Failure, Say};

/// Run an allowed console command of a site: `clonedeck run SITE -- wp cache flush`. Without a command, list what may be run
#[derive(Debug, Args)]
pub struct Words {
    /// Folder of the site
    site: PathBuf,
    /// The program and its words, after --
    #[arg(last = true, value_name = "PROGRAM")]
    command: Vec<String>,
    /// The name of the site, for a command that removes what cannot be brought back
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
    /// From -10 (last) to 10 (first)
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-10..=10))]
    priority: i32,
    /// Print the job's id and return at once
    #[arg(long)]
    detach: bool,
}

pub async fn run(words: Words, open: Open, say: Say) -> Result<Code, Failure> {
    let site = std::path::absolute(&words.site).unwrap_or(words.site);
    let clonedeck = Clonedeck::open(open).await?;
    if words.command.is_empty() {
        for command in clonedeck.commands(&site)? {
            if say.json {
                say.line(&command);
                continue;
            }
            let effect = match command.effect {
                Effect::Reads => "reads",
                Effect::Changes => "changes",
                Effect::Destroys => "destroys",
            };
            say.text(&format!(
                "{:<9} {:<34} {}",
                effect,
                format!("{} {}", command.program, command.words.join(" ")),
                command.title
            ));
        }
        return Ok(Code::Done);
    }
    let call = clonedeck.understand_command(&site, &words.command)?;
    let id = clonedeck.launch_command(&site, &call, words.confirm, words.priority).await?;
    follow::launched(&clonedeck, &id, if words.detach { Then::Return } else { Then::Follow }, say).await
}
