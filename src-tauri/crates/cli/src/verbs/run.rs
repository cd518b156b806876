use std::path::PathBuf;

use clap::Args;
use clonedeck_api::wire::{ArgumentKind, CommandArgument, CommandEffect, SiteCommand};
use clonedeck_api::{Clonedeck, Open};

use crate::follow::{self, Then};
use crate::say::{Code, Failure, Say};
use crate::verbs::limits;

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
    #[command(flatten)]
    limits: limits::Words,
}

pub async fn run(words: Words, open: Open, say: Say) -> Result<Code, Failure> {
    let site = std::path::absolute(&words.site).unwrap_or(words.site);
    let clonedeck = Clonedeck::open(open).await?;
    if words.command.is_empty() {
        let known = clonedeck.command_site(&site).await?;
        for command in &known.commands {
            if say.json {
                say.line(command);
            } else {
                list(command, say);
            }
        }
        say.remark("`reads` only looks; `destroys` asks for --confirm with the name of the site's folder.");
        return Ok(Code::Done);
    }
    let call = clonedeck.understand_command(&site, &words.command)?;
    let id = clonedeck
        .launch_command(&site, &call, words.confirm, Some(words.limits.limits()), words.priority)
        .await?;
    follow::launched(&clonedeck, &id, if words.detach { Then::Return } else { Then::Listen }, say).await
}

/// A command with its arguments, as it is typed, and what it does.
fn list(command: &SiteCommand, say: Say) {
    let effect = match command.effect {
        CommandEffect::Reads => "reads",
        CommandEffect::Changes => "changes",
        CommandEffect::Destroys => "destroys",
    };
    let mut words = vec![command.typed.clone()];
    words.extend(command.arguments.iter().map(shown));
    let mut remarks = vec![command.title.clone()];
    if command.dry_run {
        remarks.push("can show first".to_owned());
    }
    if command.resumable {
        remarks.push("goes on after a stop".to_owned());
    }
    say.text(&format!("{effect:<9} {}", words.join(" ")));
    say.text(&format!("{:<9}     {}", "", remarks.join(" · ")));
}

/// An argument as a manual shows it: `[--batch=INTEGER]`.
fn shown(argument: &CommandArgument) -> String {
    let value = if argument.choices.is_empty() {
        format!("{:?}", argument.holds).to_uppercase()
    } else {
        argument.choices.join("|")
    };
    let word = match argument.kind {
        ArgumentKind::Flag => format!("--{}", argument.name),
        ArgumentKind::Option => format!("--{}={value}", argument.name),
        ArgumentKind::Value => format!("<{}>", argument.name),
    };
    let many = if argument.many { "…" } else { "" };
    if argument.required { format!("{word}{many}") } else { format!("[{word}{many}]") }
}
