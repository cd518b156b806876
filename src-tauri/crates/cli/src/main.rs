//! `clonedeck`: the queue of the desktop program without a window, for terminals, cron and servers.
//!
//! One file in [`verbs`] for each verb; [`say`] is everything that is printed; [`follow`] watches one job to its end.

mod follow;
mod say;
mod verbs;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgAction, Parser, Subcommand};

use say::{Failure, Say};

/// Over the options that every verb has.
const EVERYWHERE: &str = "For every command";

const CODES: &str = "Ends with 0 when all is done, 1 when the job failed or a check found a difference, 2 when the words were wrong or \
what was asked was refused (nothing was added then), 3 when the job was cancelled, 4 when it waits for a person, 130 when \
interrupted: the job goes on or stays queued.";

/// Clone web sites in the background, and prove that the copy is right.
#[derive(Debug, Parser)]
#[command(
    name = "clonedeck",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    max_term_width = 110,
    after_help = CODES
)]
struct Words {
    /// Folder of the queue, its logs and its secrets
    #[arg(long, global = true, value_name = "DIR", env = "CLONEDECK_DATA_DIR", help_heading = EVERYWHERE)]
    data_dir: Option<PathBuf>,

    /// Print JSON for scripts
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    json: bool,

    /// Print nothing but what was asked for
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = EVERYWHERE)]
    quiet: bool,

    /// Say more about what happens inside (-vv: everything)
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = EVERYWHERE)]
    verbose: u8,

    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Clone(Box<verbs::clone::Words>),
    Demo(verbs::demo::Words),
    Inspect(verbs::inspect::Words),
    #[command(aliases = ["list", "ls"])]
    Jobs(verbs::jobs::Words),
    #[command(alias = "status")]
    Show(verbs::show::Words),
    Logs(verbs::logs::Words),
    Watch(verbs::watch::Words),
    Receipt(verbs::receipt::Words),
    Lift(verbs::copies::LiftWords),
    #[command(alias = "rm")]
    Delete(verbs::copies::DeleteWords),
    Rewrite(verbs::rewrite::Words),
    /// Hold a job at its next safe point
    Pause(verbs::steer::Words),
    /// Let a held or waiting job go on
    Resume(verbs::steer::Words),
    /// End a job and take back what it made
    Cancel(verbs::steer::Words),
    Retry(verbs::steer::RetryWords),
    Priority(verbs::steer::PriorityWords),
    Work(verbs::work::Words),
    Run(verbs::run::Words),
    Build(verbs::build::Words),
    Previews(verbs::previews::Words),
    Cache(verbs::cache::Words),
    Doctor(verbs::doctor::Words),
}

fn main() -> ExitCode {
    let words = match Words::try_parse() {
        Ok(words) => words,
        Err(why) => return refused(&why),
    };
    let say = Say { json: words.json, quiet: words.quiet };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(why) => {
            eprintln!("error[program.start]: The program cannot start its threads: {why}.");
            return ExitCode::from(1);
        }
    };
    let outcome = runtime.block_on(run(words, say));
    // A step that is deep in a system call must not hold the terminal: its work is durable and goes on at the next start.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    match outcome {
        Ok(code) => code.into(),
        Err(failure) => say.failure(&failure).into(),
    }
}

/// Words that are none of ours: for people as clap says it, for scripts as every other error.
fn refused(why: &clap::Error) -> ExitCode {
    let for_scripts = std::env::args().skip(1).take_while(|word| word != "--").any(|word| word == "--json");
    if !why.use_stderr() || !for_scripts {
        why.exit();
    }
    let text = why.to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let message = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let problem = clonedeck_api::wire::Problem {
        code: "words".to_owned(),
        message,
        help: lines.collect::<Vec<_>>().join(" "),
        context: std::collections::BTreeMap::new(),
        retryable: false,
    };
    Say { json: true, quiet: false }.failure(&Failure::from(problem)).into()
}

async fn run(words: Words, say: Say) -> Result<say::Code, Failure> {
    let open = clonedeck_api::Open {
        data_dir: words.data_dir,
        holder: "clonedeck".into(),
        previews_go_on: true,
        verbose: words.verbose,
    };
    match words.verb {
        Verb::Clone(words) => verbs::clone::run(*words, open, say).await,
        Verb::Demo(words) => verbs::demo::run(words, open, say).await,
        Verb::Inspect(words) => verbs::inspect::run(words, say).await,
        Verb::Jobs(words) => verbs::jobs::run(words, open, say).await,
        Verb::Show(words) => verbs::show::run(words, open, say).await,
        Verb::Logs(words) => verbs::logs::run(words, open, say).await,
        Verb::Watch(words) => verbs::watch::run(words, open, say).await,
        Verb::Receipt(words) => verbs::receipt::run(words, open, say).await,
        Verb::Lift(words) => verbs::copies::lift(words, open, say).await,
        Verb::Delete(words) => verbs::copies::delete(words, open, say).await,
        Verb::Rewrite(words) => verbs::rewrite::run(words, say).await,
        Verb::Pause(words) => verbs::steer::run(words, clonedeck_api::wire::Steer::Pause, open, say).await,
        Verb::Resume(words) => verbs::steer::run(words, clonedeck_api::wire::Steer::Resume, open, say).await,
        Verb::Cancel(words) => verbs::steer::run(words, clonedeck_api::wire::Steer::Cancel, open, say).await,
        Verb::Retry(words) => verbs::steer::retry(words, open, say).await,
        Verb::Priority(words) => verbs::steer::priority(words, open, say).await,
        Verb::Work(words) => verbs::work::run(words, open, say).await,
        Verb::Run(words) => verbs::run::run(words, open, say).await,
        Verb::Build(words) => verbs::build::run(words, open, say).await,
        Verb::Previews(words) => verbs::previews::run(words, open, say).await,
        Verb::Cache(words) => verbs::cache::run(words, open, say).await,
        Verb::Doctor(words) => verbs::doctor::run(words, open, say).await,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_words_of_every_verb_fit_together() {
        <super::Words as clap::CommandFactory>::command().debug_assert();
    }
}
