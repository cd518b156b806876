//! Programs that a build runs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clonedeck_queue::{Ctx, Handle, Level, Step, StepError};
use clonedeck_site::Class;
use clonedeck_site::process::{Driven, Ending, Line, Listener, Program, Stream};

use super::detect::{Manager, Project};
use super::estimate::Taken;
use super::job::BuildJob;
use super::shelf::Builds;
use crate::command::without_colours;
use crate::{Bounds, step_error};

struct Ear(Handle);

impl Listener for Ear {
    fn line(&self, line: &Line) {
        let level = if line.stream == Stream::Out { Level::Info } else { Level::Warn };
        self.0.log(level, &line.text);
    }

    fn showing(&self, _: Stream, text: &str) {
        self.0.message(without_colours(text));
    }

    fn stalled(&self, silent: Duration) {
        let text = crate::programs::stalled(silent);
        self.0.message(&text);
        self.0.log(Level::Warn, text);
    }
}

/// What keeps tools from asking questions, from phoning home.
pub(super) const ENVIRONMENT: &[(&str, &str)] = &[
    ("CI", "1"),
    ("COREPACK_ENABLE_DOWNLOAD_PROMPT", "0"),
    // Where there is a lock file it is asked for in so many words.
    ("YARN_ENABLE_IMMUTABLE_INSTALLS", "false"),
    ("YARN_ENABLE_TELEMETRY", "0"),
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

/// What the programs of a build may take where nobody says otherwise.
pub const USUAL: Bounds =
    Bounds { deadline_seconds: Some(2 * 3600), stall_seconds: Some(10 * 60), memory: None, cpu: None };

/// Runs a program to its good end. A pause holds it; stopped otherwise it is ended, and run again when the step is.
pub(super) async fn run<S: Step<Job = BuildJob>>(
    ctx: &Ctx<S>,
    builds: &Builds,
    words: &[String],
    folder: &Path,
    name: &str,
) -> Result<Ending, StepError> {
    let programs = builds.programs();
    let mut running = match programs.take_held(ctx) {
        Some(running) => {
            running.let_go();
            running
        }
        None => {
            let program = program(words, folder);
            programs.start(ctx, program, ctx.spec().bounds, USUAL).await.map_err(step_error)?
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

/// How an installer is run. Node's own `corepack` stands in for one that is missing, and for the version of Yarn that a project
/// wants: an older Yarn refuses it.
pub(super) fn manager(manager: Manager, is_pinned: bool) -> Vec<String> {
    manager_among(manager, is_pinned, |program| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

fn manager_among(manager: Manager, is_pinned: bool, is_there: impl Fn(&str) -> bool) -> Vec<String> {
    let program = manager.program().to_owned();
    let is_wanted = match manager {
        Manager::Npm | Manager::Bun => false,
        Manager::Pnpm => !is_there(&program),
        Manager::Yarn => is_pinned || !is_there(&program),
    };
    if is_wanted && is_there("corepack") { vec!["corepack".to_owned(), program] } else { vec![program] }
}

/// The versions of the tools that an outcome depends on.
pub(super) async fn versions(project: &Project, manager: Manager) -> String {
    let node = version(vec!["node".to_owned()], &project.folder).await;
    let words = self::manager(manager, project.pins_manager);
    format!("node {node} {manager} {}", version(words, &project.folder).await)
}

/// A version once asked for in this folder: a project can pin one.
async fn version(words: Vec<String>, folder: &Path) -> String {
    type Known = HashMap<(Vec<String>, PathBuf), String>;
    static KNOWN: Mutex<Option<Known>> = Mutex::new(None);
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    // Node is the same everywhere.
    let folder = if words.len() == 1 && words[0] == "node" { Path::new("/") } else { folder };
    let place = (words, folder.to_owned());
    if let Some(version) = known().as_ref().and_then(|all| all.get(&place)) {
        return version.clone();
    }
    let (words, folder) = &place;
    let asked = tokio::process::Command::new(&words[0])
        .args(&words[1..])
        .arg("--version")
        .current_dir(folder)
        .envs(ENVIRONMENT.iter().copied())
        .stdin(std::process::Stdio::null())
        .output()
        .await;
    let version =
        asked.map_or_else(|_| "none".into(), |out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    known().get_or_insert_default().insert(place, version.clone());
    version
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corepack_stands_in_for_a_missing_installer_and_for_a_yarn_that_a_project_wants() {
        let words = |manager, is_pinned, there: &[&str]| {
            manager_among(manager, is_pinned, |program| there.contains(&program)).join(" ")
        };
        assert_eq!(words(Manager::Pnpm, true, &["pnpm", "corepack"]), "pnpm");
        assert_eq!(words(Manager::Pnpm, false, &["corepack"]), "corepack pnpm");
        assert_eq!(words(Manager::Yarn, false, &["yarn", "corepack"]), "yarn");
        assert_eq!(words(Manager::Yarn, true, &["yarn", "corepack"]), "corepack yarn");
        assert_eq!(words(Manager::Yarn, true, &["yarn"]), "yarn");
        assert_eq!(words(Manager::Bun, false, &["corepack"]), "bun", "it does not know that one");
        assert_eq!(words(Manager::Npm, false, &[]), "npm");
    }
}
