use std::path::PathBuf;

use clap::Args;
use clonedeck_api::wire::BuildRequest;
use clonedeck_api::{Clonedeck, Open};

use crate::follow::{self, Then};
use crate::say::{Code, Failure, Say};
use crate::verbs::limits;

/// Build a front-end project: install, type-check, and show it at an address of this machine
#[derive(Debug, Args)]
pub struct Words {
    /// Folder or archive (.zip, .tar.gz, .tar.zst) of the project
    path: PathBuf,
    /// Run its build script too
    #[arg(long)]
    build: bool,
    /// Start a server that shows it; it goes on until `clonedeck previews stop` (this is what happens anyway)
    #[arg(long, overrides_with = "no_preview")]
    preview: bool,
    /// Start no server
    #[arg(long)]
    no_preview: bool,
    /// First and last port that the server may get, such as 4300-4399
    #[arg(long, value_name = "FROM-TO", value_parser = ports)]
    ports: Option<(u16, u16)>,
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
    let request = BuildRequest {
        source: std::path::absolute(&words.path).unwrap_or(words.path).display().to_string(),
        type_check: true,
        build: words.build,
        preview: words.preview || !words.no_preview,
        // This program ends with the job; a preview that ended with it would show nothing.
        stays: true,
        ports: words.ports,
        priority: words.priority,
        limits: Some(words.limits.limits()),
    };
    let clonedeck = Clonedeck::open(open).await?;
    let id = clonedeck.launch_build(&request).await?;
    follow::launched(&clonedeck, &id, if words.detach { Then::Return } else { Then::Follow }, say).await
}

fn ports(text: &str) -> Result<(u16, u16), String> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let both = (from.trim().parse(), to.trim().parse());
    match both {
        (Ok(from), Ok(to)) => Ok((from, to)),
        _ => Err("ports are two numbers such as 4300-4399".to_owned()),
    }
}
