//! The steps of a build.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clonedeck_queue::{Ctx, Done, Handle, Level, Step, StepError, Undone};
use clonedeck_site::{Problem, Stopped, Unit, Watch};
use serde::{Deserialize, Serialize};

use super::detect::{Framework, Manager, Project};
use super::estimate::Taken;
use super::job::{BuildJob, BuildOrder};
use super::key::{Key, sources};
use super::shelf::Builds;
use super::tool;
use super::tree::remove_tree;
use super::unpack::{Allowance, unpack};
use crate::step_error;

/// A step's view of its job, for work that knows no queue.
struct Reporter(Handle);

#[async_trait::async_trait]
impl Watch for Reporter {
    fn progress(&self, done: u64, total: u64, _: Unit) {
        self.0.progress(done, total);
    }
    fn doing(&self, what: &str) {
        self.0.message(what);
    }
    fn note(&self, _: clonedeck_site::Level, line: &str) {
        self.0.log(Level::Info, line);
    }
    fn stop_requested(&self) -> bool {
        self.0.stop_requested()
    }
    async fn safe_point(&self) -> Result<(), Stopped> {
        if self.0.stop_requested() { Err(Stopped) } else { Ok(()) }
    }
    async fn checkpoint(&self, _: serde_json::Value) -> Result<(), Stopped> {
        self.safe_point().await
    }
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, StepError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome.map_err(step_error),
        Err(why) => Err(step_error(crate::lost_thread(why))),
    }
}

/// Unpacks an archive into a folder of the job's own.
pub(super) struct Unpack(pub Builds);

impl Step for Unpack {
    type Job = BuildJob;
    type Cursor = ();
    type Output = PathBuf;
    const NAME: &'static str = "unpack";
    const TITLE: &'static str = "Unpack";

    fn weight(&self, _: &BuildOrder) -> f64 {
        10.0
    }

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<PathBuf>, StepError> {
        let source = ctx.spec().source.clone();
        if source.is_dir() {
            return Ok(Done::Skipped { reason: "it is a folder".into(), output: source });
        }
        let target = self.0.workspace(ctx.job_id());
        ctx.unit("bytes");
        let (place, reporter) = (target.clone(), Reporter(ctx.handle()));
        let outcome = in_background(move || {
            // What an attempt that was cut off left is no project.
            remove_tree(&place).and_then(|()| std::fs::create_dir_all(&place)).map_err(|error| {
                Problem::permanent("archive.write", format!("{} cannot be made: {error}.", place.display()))
            })?;
            let outcome = unpack(&source, &place, Allowance::default(), &reporter);
            if outcome.is_err() {
                let _ = remove_tree(&place);
            }
            outcome
        })
        .await;
        ctx.safe_point().await?;
        let unpacked = outcome?;
        ctx.log(Level::Info, format!("{} entries, {} bytes", unpacked.entries, unpacked.bytes));
        Ok(Done::Completed(target))
    }

    async fn undo(&self, ctx: &mut Ctx<Self>) -> Result<Undone, StepError> {
        let place = self.0.workspace(ctx.job_id());
        if !place.exists() {
            return Ok(Undone::Nothing);
        }
        remove_tree(&place).map_err(|error| StepError::io(&error, &place))?;
        Ok(Undone::Reverted)
    }
}

/// Finds out what the project is.
pub(super) struct Detect;

impl Step for Detect {
    type Job = BuildJob;
    type Cursor = ();
    type Output = Project;
    const NAME: &'static str = "detect";
    const TITLE: &'static str = "Detect";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<Project>, StepError> {
        let folder = ctx.output_of::<Unpack>()?;
        let project = Project::detect(&folder).map_err(step_error)?;
        for remark in &project.remarks {
            ctx.log(Level::Warn, remark);
        }
        let manager = project.manager.map_or_else(|| "no packages".to_owned(), |manager| manager.to_string());
        ctx.log(Level::Info, format!("{}, {manager}", project.framework));
        Ok(Done::Completed(project))
    }
}

/// Installs the packages.
pub(super) struct Install(pub Builds);

/// How a step with a kept outcome ended.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Made {
    /// The key of the outcome; `None` when it depends on more than can be known.
    key: Option<Key>,
    /// What it took.
    #[serde(default)]
    pub taken: Taken,
}

/// Removes what an earlier run has made.
async fn clear(place: &Path) -> Result<(), StepError> {
    let old = place.to_owned();
    in_background(move || {
        remove_tree(&old)
            .map_err(|error| Problem::permanent("project.write", format!("{}: {error}.", old.display())))
    })
    .await
}

/// What installing fills.
const MODULES: &[&str] = &["node_modules"];

/// Why a step is skipped whose outcome was kept.
pub const FROM_CACHE: &str = "from cache";

impl Install {
    /// The key of what is installed now. `None` when it cannot be kept.
    async fn key(project: &Project, manager: Manager) -> Result<Option<Key>, StepError> {
        let Some(lock) = project.lock.clone().filter(|_| !project.has_install_scripts) else {
            return Ok(None);
        };
        let tools = tool::versions(project, manager).await;
        let mut inputs = BTreeMap::from([
            ("step".to_owned(), b"install".to_vec()),
            ("tools".to_owned(), tools.into_bytes()),
            (
                "platform".to_owned(),
                format!("{} {}", std::env::consts::OS, std::env::consts::ARCH).into_bytes(),
            ),
        ]);
        let manifest = project.folder.join("package.json");
        for file in [&lock, &manifest] {
            let text = std::fs::read(file).map_err(|error| StepError::io(&error, file))?;
            inputs.insert(format!("file {}", file.file_name().unwrap_or_default().to_string_lossy()), text);
        }
        for settings in [".npmrc", ".yarnrc", ".yarnrc.yml", "pnpm-workspace.yaml", "bunfig.toml"] {
            if let Ok(text) = std::fs::read(project.folder.join(settings)) {
                inputs.insert(format!("file {settings}"), text);
            }
        }
        Ok(Some(Key::of(&inputs)))
    }
}

impl Step for Install {
    type Job = BuildJob;
    type Cursor = ();
    type Output = Made;
    const NAME: &'static str = "install";
    const TITLE: &'static str = "Install dependencies";

    fn weight(&self, _: &BuildOrder) -> f64 {
        20.0
    }

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<Made>, StepError> {
        let mut project = ctx.output_of::<Detect>()?;
        let Some(manager) = project.manager else {
            return Ok(Done::Skipped { reason: "it needs no packages".into(), output: Made::default() });
        };
        let modules = project.folder.join(MODULES[0]);
        let is_held = self.0.programs().holds(ctx);
        let key = Self::key(&project, manager).await?;
        if let Some(key) = key.filter(|_| !is_held) {
            let (cache, folder, wanted) = (self.0.cache().clone(), project.folder.clone(), key.clone());
            if in_background(move || cache.bring(&wanted, &folder, MODULES)).await? {
                ctx.log(Level::Info, format!("The packages are taken from the cache ({key})."));
                let output = Made { key: Some(key), taken: Taken::default() };
                return Ok(Done::Skipped { reason: FROM_CACHE.into(), output });
            }
        }
        let mut words = tool::manager(manager, project.pins_manager);
        words.extend(manager.install(project.lock.as_deref()).iter().map(|word| (*word).to_owned()));
        // What is linked with the cache must not be written to, so the installer begins with nothing.
        if !is_held {
            clear(&modules).await?;
        }
        let ending = tool::run(ctx, &self.0, &words, &project.folder, "Installing the packages").await?;
        if project.lock.is_none() {
            // The installer may have written one.
            project = Project::detect(&project.folder).map_err(step_error)?;
        }
        let key = Self::key(&project, manager).await?;
        if let Some(key) = key.clone().filter(|_| modules.is_dir()) {
            let (cache, folder) = (self.0.cache().clone(), project.folder.clone());
            if let Err(error) = in_background(move || cache.keep(&key, &folder, MODULES)).await {
                ctx.log(Level::Warn, format!("The packages are not kept for the next build: {error}"));
            }
        }
        Ok(Done::Completed(Made { key, taken: Taken::of(&ending) }))
    }
}

/// The key of a step that depends on the packages and all sources.
async fn key_of_sources(
    project: &Project,
    step: &'static str,
    installed: &Made,
) -> Result<Option<Key>, StepError> {
    let packages = match (&installed.key, project.manager) {
        (Some(key), _) => key.name().to_owned(),
        (None, None) => "none".to_owned(),
        (None, Some(_)) => return Ok(None),
    };
    let (folder, made) = (project.folder.clone(), project.made());
    let mut inputs = in_background(move || sources(&folder, &made)).await?;
    inputs.insert("step".into(), step.into());
    inputs.insert("packages".into(), packages.into_bytes());
    Ok(Some(Key::of(&inputs)))
}

/// Checks the types.
pub(super) struct TypeCheck(pub Builds);

impl Step for TypeCheck {
    type Job = BuildJob;
    type Cursor = ();
    type Output = Taken;
    const NAME: &'static str = "type-check";
    const TITLE: &'static str = "Type-check";

    fn weight(&self, _: &BuildOrder) -> f64 {
        30.0
    }

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<Taken>, StepError> {
        let project = ctx.output_of::<Detect>()?;
        if !project.has_types {
            return Ok(Done::Skipped { reason: "it has no TypeScript".into(), output: Taken::default() });
        }
        let installed = ctx.output_of::<Install>()?;
        let key = key_of_sources(&project, Self::NAME, &installed).await?;
        if let Some(key) = key.clone() {
            let cache = self.0.cache().clone();
            if in_background(move || cache.holds(&key)).await? {
                return Ok(Done::Skipped { reason: FROM_CACHE.into(), output: Taken::default() });
            }
        }
        add_next_types(&project).map_err(step_error)?;
        let mut taken = Taken::default();
        // One that was held is taken up by the first; all go by the same name, and each has to end well.
        for words in project.checks() {
            let ending = tool::run(ctx, &self.0, &words, &project.folder, "The type-check").await?;
            taken = taken.max(Taken::of(&ending));
        }
        if let Some(key) = key {
            let cache = self.0.cache().clone();
            in_background(move || cache.keep(&key, Path::new(""), &[])).await?;
        }
        Ok(Done::Completed(taken))
    }
}

/// The compiler knows pictures and styles as modules only by a file that Next.js writes when it first runs; here the check comes
/// before that.
fn add_next_types(project: &Project) -> Result<(), Problem> {
    let file = project.folder.join("next-env.d.ts");
    if project.framework != Framework::Next || file.exists() {
        return Ok(());
    }
    let text = "/// <reference types=\"next\" />\n/// <reference types=\"next/image-types/global\" />\n";
    std::fs::write(&file, text).map_err(|error| {
        Problem::permanent("project.write", format!("{} cannot be written: {error}.", file.display()))
    })
}

/// Builds the project, if that is asked for.
pub(super) struct Build(pub Builds);

impl Step for Build {
    type Job = BuildJob;
    type Cursor = ();
    type Output = Taken;
    const NAME: &'static str = "build";
    const TITLE: &'static str = "Build";

    fn weight(&self, _: &BuildOrder) -> f64 {
        20.0
    }

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<Taken>, StepError> {
        let project = ctx.output_of::<Detect>()?;
        if !project.can_build {
            return Ok(Done::Skipped { reason: "it has no build script".into(), output: Taken::default() });
        }
        let installed = ctx.output_of::<Install>()?;
        let key = key_of_sources(&project, Self::NAME, &installed).await?;
        let (folder, outputs) = (project.folder.clone(), project.outputs());
        let is_held = self.0.programs().holds(ctx);
        if let Some(key) = key.clone().filter(|_| !is_held) {
            let (cache, folder) = (self.0.cache().clone(), folder.clone());
            if in_background(move || cache.bring(&key, &folder, outputs)).await? {
                return Ok(Done::Skipped { reason: FROM_CACHE.into(), output: Taken::default() });
            }
        }
        if !is_held {
            // What is there may be linked with the cache.
            for name in outputs {
                clear(&folder.join(name)).await?;
            }
        }
        let mut words = tool::manager(project.manager.unwrap_or(Manager::Npm), project.pins_manager);
        words.extend(["run", "build"].map(str::to_owned));
        let ending = tool::run(ctx, &self.0, &words, &project.folder, "The build").await?;
        if let Some(key) = key.filter(|_| outputs.iter().any(|name| folder.join(name).is_dir())) {
            let cache = self.0.cache().clone();
            in_background(move || cache.keep(&key, &folder, outputs)).await?;
        }
        Ok(Done::Completed(Taken::of(&ending)))
    }
}
