use clonedeck_queue::{Ctx, Done, Level, Step, StepError};

use super::{CloneSite, Made, made, source};
use crate::{Secrets, Watching};

/// Ends the work: the copy is finished with, and the operator told how to get in.
#[derive(Debug)]
pub struct Ready {
    /// Where passwords are kept.
    pub secrets: Secrets,
}

impl Step for Ready {
    type Job = CloneSite;
    type Cursor = ();
    type Output = ();
    const NAME: &'static str = "ready";
    const TITLE: &'static str = "Ready";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
        let watch = Watching::new(ctx.handle());
        let (folder, job) = (ctx.job_dir()?, ctx.job_id().to_string());
        let ready = async {
            let Some(made) = Made::standing(&folder)? else { return Ok(None) };
            match source::both(ctx.spec(), &made.planned, &self.secrets, &job).await {
                Ok(Some((_, target))) => {
                    // Kept elsewhere first: a stop between this and the note that the job is done must not orphan the copy.
                    match target.marks().await {
                        Ok(marks) => made::keep(&folder.join(made::MARKS), &marks)?,
                        // An earlier run kept them, and was stopped while it took them away.
                        Err(_) if Made::marks(&folder)?.is_some() => {}
                        Err(problem) => return Err(problem),
                    }
                    target.finish().await?;
                }
                Ok(None) => {}
                // An earlier run was stopped right there.
                Err(problem) if problem.code == "target.not-ours" && Made::marks(&folder)?.is_some() => {}
                Err(problem) => return Err(problem),
            }
            Ok(Some(made))
        };
        let made: Option<Made> = ready.await.map_err(|problem| watch.error(problem))?;
        if let Some(made) = made {
            ctx.log(Level::Info, format!("ready at {}", made.planned.url));
            ctx.message(&made.planned.url);
            ctx.set_result(serde_json::json!({
                "url": made.planned.url,
                "folder": made.planned.target,
                "database": made.planned.database.map(|address| address.to_string()),
            }))?;
        }
        Ok(Done::Completed(()))
    }
}
