//! The last steps of a build: its server is started, and waited for.

use std::path::Path;
use std::time::Duration;

use clonedeck_queue::{Ctx, Done, Level, Step, StepError, Undone};
use clonedeck_site::preview::Served;

use super::estimate::Taken;
use super::job::{BuildJob, BuildOrder};
use super::shelf::Builds;
use super::steps::{Build, Detect, Install, TypeCheck};
use crate::step_error;

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
