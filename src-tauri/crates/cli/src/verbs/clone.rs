use std::path::PathBuf;

use clap::Args;
use clonedeck_api::wire::{ClonePlan, CloneRequest};
use clonedeck_api::{Clonedeck, Open};

use super::source::{SourceWords, absolute};
use crate::follow::{self, Then};
use crate::say::{Code, Failure, Say, bytes, count, counted};

/// Clone a site: files, database, addresses, and a check of the copy
#[derive(Debug, Args)]
#[command(
    after_help = "Without --detach the job is followed to its end; where no other program runs the queue, this one does. Ctrl-C leaves \
the job in the queue, and `clonedeck work` goes on with it.\n\n  clonedeck clone --dry-run ~/sites/shop ~/sites/shop-staging\n  \
clonedeck clone ~/sites/shop ~/sites/shop-staging\n  clonedeck show --secrets JOB      the login that was made\n  \
clonedeck lift JOB                let the copy mail and call out\n  clonedeck delete JOB              delete the copy"
)]
pub struct Words {
    /// Folder of the site; it is only read
    source: PathBuf,
    /// Folder of the copy; it must not exist or be empty, unless --replace
    target: PathBuf,
    /// Address of the copy, such as http://localhost:8080; without it, a preview address on 127.0.0.1 with a free port
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Database of the copy: mysql://user@host:port/name (?tls=verify or ?ca=FILE to speak TLS), mysql://user@/name?socket=/path or
    /// sqlite:PATH; its password is read from CLONEDECK_DB_PASSWORD. Without it, a new database beside the source's
    #[arg(long, value_name = "URL")]
    db: Option<String>,
    #[command(flatten)]
    of: SourceWords,
    /// What becomes of folders outside of the source that it has by a link: copied, kept as links, or left out
    #[arg(long, value_name = "WHAT", default_value = "copy", value_parser = ["copy", "keep", "leave-out"])]
    links: String,
    /// Leave a part out: core, modules, themes, media or database (can be given more than once)
    #[arg(long, value_name = "PART")]
    skip: Vec<String>,
    /// Leave out what matches this pattern, written as in .gitignore (can be given more than once)
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Set what the target holds aside first; deleting the copy puts it back
    #[arg(long)]
    replace: bool,
    /// Leave the guid of every post as it is
    #[arg(long)]
    keep_guids: bool,
    /// Let the copy reach other servers, which it is kept from otherwise
    #[arg(long)]
    open_egress: bool,
    /// Leave out what may not be read, and copy the rest
    #[arg(long)]
    allow_unreadable: bool,
    /// Which files are compared byte for byte at the end: one in twenty, or all
    #[arg(long, value_name = "HOW", default_value = "sampled", value_parser = ["sampled", "full"])]
    verify: String,
    /// From -10 (last) to 10 (first)
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-10..=10))]
    priority: i32,
    /// Print the job's id and return at once
    #[arg(long)]
    detach: bool,
    /// Show the plan and write nothing
    #[arg(long, conflicts_with = "detach")]
    dry_run: bool,
}

pub async fn run(words: Words, open: Open, say: Say) -> Result<Code, Failure> {
    let request = CloneRequest {
        target: absolute(&words.target),
        url: words.url,
        db: words.db,
        links: Some(words.links),
        skip: words.skip,
        exclude: words.exclude,
        replace: words.replace,
        keep_guids: words.keep_guids,
        open_egress: words.open_egress,
        neutralise_off: Vec::new(),
        allow_unreadable: words.allow_unreadable,
        verify: words.verify,
        priority: words.priority,
        ..words.of.request(&words.source)
    };
    let given = words.of.given()?;
    let clonedeck = Clonedeck::open(open).await?;
    if words.dry_run {
        let plan = clonedeck.plan_clone(&request, &given).await?;
        return Ok(show_plan(&plan, say));
    }
    let id = clonedeck.launch_clone(&request, &given).await?;
    follow::launched(&clonedeck, &id, if words.detach { Then::Return } else { Then::Follow }, say).await
}

fn show_plan(plan: &ClonePlan, say: Say) -> Code {
    let code = if plan.obstacles.is_empty() { Code::Done } else { Code::Refused };
    if say.json {
        say.line(plan);
        return code;
    }
    super::inspect::show(&plan.source, say);
    say.text(&format!("→ target      {}", plan.target));
    let chosen = if plan.url.ends_with('…') { " (a free port, chosen at the launch)" } else { "" };
    say.text(&format!("  address     {}{chosen}", plan.url));
    if let Some(database) = &plan.database {
        say.text(&format!("  database    {database}"));
    }
    say.text(&format!("  space       {} needed, {} free", bytes(plan.bytes_needed), bytes(plan.bytes_free)));
    for out in plan.excluded.iter().filter(|out| out.files > 0) {
        say.text(&format!(
            "  left out    {}: {}, {}",
            out.pattern,
            counted(out.files, "file"),
            bytes(out.bytes)
        ));
    }
    for switch in &plan.neutralise {
        say.text(&format!("  {}  {}", if switch.on { "neutral   " } else { "NOT neutral" }, switch.message));
    }
    for warning in &plan.warnings {
        say.text(&format!("  mind        {warning}"));
    }
    for obstacle in &plan.obstacles {
        say.problem(obstacle);
    }
    say.remark(&match plan.obstacles.len() {
        0 => "Nothing stands in the way. Nothing was written.".to_owned(),
        1 => "One thing stands in the way. Nothing was written.".to_owned(),
        many => format!("{} things stand in the way. Nothing was written.", count(many as u64)),
    });
    code
}
