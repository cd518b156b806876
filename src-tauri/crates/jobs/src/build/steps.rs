//! The steps of a build.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clonedeck_queue::{Ctx, Done, Handle, Level, Step, StepError, Undone};
use clonedeck_site::preview::Served;
use clonedeck_site::{Problem, Stopped, Unit, Watch};
use serde::{Deserialize, Serialize};

use super::cache::remove_tree;
use super::detect::{Manager, Project};
use super::estimate::Taken;
use super::job::{BuildJob, BuildOrder};
use super::key::{Key, sources};
use super::shelf::Builds;
use super::tool;
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
    taken: Taken,
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

/// Why a step is skipped whose outcome was kept.
pub const FROM_CACHE: &str = "from cache";

impl Install {
    /// The key of what is installed now. `None` when it cannot be kept.
    async fn key(project: &Project, manager: Manager) -> Result<Option<Key>, StepError> {
        let Some(lock) = project.lock.clone().filter(|_| !project.has_install_scripts) else {
            return Ok(None);
        };
        let tools = tool::versions(manager).await;
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
        let modules = project.folder.join("node_modules");
        let is_held = self.0.programs().holds(ctx);
        let key = Self::key(&project, manager).await?;
        if let Some(key) = key.filter(|_| !is_held) {
            let (cache, place, wanted) = (self.0.cache().clone(), modules.clone(), key.clone());
            if in_background(move || cache.bring(&wanted, &place)).await? {
                ctx.log(Level::Info, format!("The packages are taken from the cache ({key})."));
                let output = Made { key: Some(key), taken: Taken::default() };
                return Ok(Done::Skipped { reason: FROM_CACHE.into(), output });
            }
        }
        let mut words = vec![manager.program().to_owned()];
        words.extend(manager.install(project.lock.is_some()).iter().map(|word| (*word).to_owned()));
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
            let cache = self.0.cache().clone();
            if let Err(error) = in_background(move || cache.keep(&key, &modules)).await {
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
    let (folder, made) = (project.folder.clone(), project.output());
    let mut inputs = in_background(move || sources(&folder, made)).await?;
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
        let references = std::fs::read_to_string(project.folder.join("tsconfig.json"))
            .is_ok_and(|text| text.contains("\"references\""));
        let tsc = project.folder.join("node_modules/.bin/tsc").to_string_lossy().into_owned();
        let words: Vec<String> = if references {
            [&tsc, "--build", "--noEmit", "--pretty", "false"].map(str::to_owned).into()
        } else {
            [&tsc, "--noEmit", "--pretty", "false"].map(str::to_owned).into()
        };
        let ending = tool::run(ctx, &self.0, &words, &project.folder, "The type-check").await?;
        if let Some(key) = key {
            let cache = self.0.cache().clone();
            in_background(move || cache.keep_mark(&key)).await?;
        }
        Ok(Done::Completed(Taken::of(&ending)))
    }
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
        let place = project.folder.join(project.output());
        let is_held = self.0.programs().holds(ctx);
        if let Some(key) = key.clone().filter(|_| !is_held) {
            let (cache, place) = (self.0.cache().clone(), place.clone());
            if in_background(move || cache.bring(&key, &place)).await? {
                return Ok(Done::Skipped { reason: FROM_CACHE.into(), output: Taken::default() });
            }
        }
        if !is_held {
            // What is there may be linked with the cache.
            clear(&place).await?;
        }
        let manager = project.manager.unwrap_or(Manager::Npm).program();
        let words = [manager, "run", "build"].map(str::to_owned);
        let ending = tool::run(ctx, &self.0, &words, &project.folder, "The build").await?;
        if let Some(key) = key.filter(|_| place.is_dir()) {
            let cache = self.0.cache().clone();
            in_background(move || cache.keep(&key, &place)).await?;
        }
        Ok(Done::Completed(Taken::of(&ending)))
    }
}

/// Starts the server that shows the project.
pub(super) struct StartPreview(pub Builds);

impl StartPreview {
    /// The server of the job: the one that runs, or a new one.
    async fn server<S: Step<Job = BuildJob>>(builds: &Builds, ctx: &Ctx<S>) -> Result<Served, StepError> {
        let (project, order) = (ctx.output_of::<Detect>()?, ctx.spec());
        let patience = Duration::from_secs(order.ready_seconds.max(1));
        let job = ctx.job_id().to_string();
        let service = project.service(&job, builds.previews().data_dir(), patience, order.stays);
        let ports = order.ports.map(|(first, last)| first..=last);
        builds.previews().start(service, ports).await.map_err(step_error)
    }
}

impl Step for StartPreview {
    type Job = BuildJob;
    type Cursor = ();
    type Output = ();
    const NAME: &'static str = "start-preview";
    const TITLE: &'static str = "Start preview";

    fn weight(&self, _: &BuildOrder) -> f64 {
        19.0
    }

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
        let served = Self::server(&self.0, ctx).await?;
        ctx.log(Level::Info, format!("The preview server starts on port {}.", served.port));
        Ok(Done::Completed(()))
    }

    async fn undo(&self, ctx: &mut Ctx<Self>) -> Result<Undone, StepError> {
        let ran = self.0.previews().stop(&ctx.job_id().to_string()).await.map_err(step_error)?;
        Ok(if ran { Undone::Reverted } else { Undone::Nothing })
    }
}

/// Waits until the preview answers.
pub(super) struct Ready(pub Builds);

impl Step for Ready {
    type Job = BuildJob;
    type Cursor = ();
    type Output = ();
    const NAME: &'static str = "ready";
    const TITLE: &'static str = "Ready";

    fn weight(&self, _: &BuildOrder) -> f64 {
        20.0
    }

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
        self.settle_estimate(ctx)?;
        let project = ctx.output_of::<Detect>()?;
        ctx.set_result(serde_json::json!({ "folder": shown(&project.folder) }))?;
        if !ctx.spec().preview {
            return Ok(Done::Completed(()));
        }
        // It may have gone with an earlier start of Clonedeck.
        let served = StartPreview::server(&self.0, ctx).await?;
        let answer = tokio::select! {
            answer = self.0.previews().ready(&served) => answer,
            () = ctx.stop_requested() => {
                ctx.safe_point().await?;
                return Err(StepError::transient("build.stopped", "The wait for the preview was stopped."));
            }
        };
        let status = answer.map_err(step_error)?;
        if status >= 500 {
            ctx.log(Level::Warn, format!("The preview answers with an error of its own: HTTP {status}."));
        }
        let log = shown(&served.service.log);
        ctx.set_result(serde_json::json!({ "url": served.url, "port": served.port, "log": log }))?;
        Ok(Done::Completed(()))
    }
}

impl Ready {
    fn settle_estimate(&self, ctx: &Ctx<Self>) -> Result<(), StepError> {
        let mut most = ctx.output_of::<Install>()?.taken;
        if ctx.spec().type_check {
            most = most.max(ctx.output_of::<TypeCheck>()?);
        }
        if ctx.spec().build {
            most = most.max(ctx.output_of::<Build>()?);
        }
        // What came from the cache took nothing and says nothing.
        if most != Taken::default() {
            self.0.estimates().settle(&ctx.spec().source, most);
        }
        Ok(())
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
