//! Programs that a build runs.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clonedeck_queue::{Ctx, Handle, Level, Step, StepError};
use clonedeck_site::Class;
use clonedeck_site::process::{Driven, Ending, Line, Listener, Program, Stream};

use super::detect::Manager;
use super::estimate::Taken;
use super::job::BuildJob;
use super::shelf::Builds;
use crate::{Bounds, step_error};

struct Ear(Handle);

impl Listener for Ear {
    fn line(&self, line: &Line) {
        let level = if line.stream == Stream::Out { Level::Info } else { Level::Warn };
        self.0.log(level, &line.text);
    }

    fn showing(&self, _: Stream, text: &str) {
        self.0.message(text);
    }

    fn stalled(&self, silent: Duration) {
        self.0.log(
            Level::Warn,
            format!("It has been silent for {} minutes; it may be stuck.", silent.as_secs() / 60),
        );
    }
}

/// What keeps tools from asking questions and from phoning home.
pub(super) const ENVIRONMENT: &[(&str, &str)] = &[
    ("CI", "1"),
    ("NEXT_TELEMETRY_DISABLED", "1"),
    ("ASTRO_TELEMETRY_DISABLED", "1"),
    ("npm_config_update_notifier", "false"),
    ("BROWSER", "none"),
];

/// A program in the project's folder.
fn program(words: &[String], folder: &Path) -> Program {
    let (first, rest) =
        words.split_first().map_or((String::new(), &[][..]), |(first, rest)| (first.clone(), rest));
    let program = Program::new(first, folder).args(rest);
    ENVIRONMENT.iter().fold(program, |program, (name, value)| program.env(name, value))
}

/// Runs a program to its good end. A pause holds it; stopped otherwise it is ended, and run again when the step is.
pub(super) async fn run<S: Step<Job = BuildJob>>(
    ctx: &Ctx<S>,
    builds: &Builds,
    words: &[String],
    folder: &Path,
    name: &str,
) -> Result<Ending, StepError> {
    let usual =
        Bounds { deadline_seconds: Some(2 * 3600), stall_seconds: Some(10 * 60), ..Bounds::default() };
    let programs = builds.programs();
    let mut running = match programs.take_held(ctx) {
        Some(running) => {
            running.let_go();
            running
        }
        None => {
            let program = program(words, folder);
            programs.start(ctx, program, ctx.spec().bounds, usual).await.map_err(step_error)?
        }
    };
    let ear = Ear(ctx.handle());
    let ending = match running.drive(&ear, ctx.stop_requested()).await {
        Driven::Ended(ending) => ending,
        Driven::Stopped => {
            programs.give_way(ctx, running, &ear).await;
            ctx.safe_point().await?;
            // The pause was taken back in this very moment.
            return Err(StepError::transient("build.stopped", format!("{name} was stopped.")));
        }
    };
    builds.estimates().grow(&ctx.spec().source, Taken::of(&ending));
    match ending.problem(name) {
        None => Ok(ending),
        Some(mut problem) => {
            if problem.code == "process.failed" && is_network(&ending.last_lines) {
                problem.class = Class::Transient;
                problem.help =
                    "The network or the package registry did not answer; it is tried again.".into();
            }
            Err(step_error(problem))
        }
    }
}

fn is_network(lines: &[String]) -> bool {
    const SIGNS: [&str; 7] = [
        "ECONNREFUSED",
        "ECONNRESET",
        "ETIMEDOUT",
        "ENOTFOUND",
        "EAI_AGAIN",
        "ERR_SOCKET_TIMEOUT",
        "network timeout",
    ];
    lines.iter().any(|line| SIGNS.iter().any(|sign| line.contains(sign)))
}

/// The versions of the tools that an outcome depends on.
pub(super) async fn versions(manager: Manager) -> String {
    format!("node {} {manager} {}", version("node").await, version(manager.program()).await)
}

async fn version(program: &'static str) -> String {
    static KNOWN: Mutex<Option<HashMap<&'static str, String>>> = Mutex::new(None);
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(version) = known().as_ref().and_then(|all| all.get(program)) {
        return version.clone();
    }
    let asked = tokio::process::Command::new(program)
        .arg("--version")
        .stdin(std::process::Stdio::null())
        .output()
        .await;
    let version =
        asked.map_or_else(|_| "none".into(), |out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    known().get_or_insert_default().insert(program, version.clone());
    version
}
