use clonedeck_queue::{Ctx, Done, Level, Step, StepError, Undone};
use clonedeck_site::databases::{self, Occupied};
use clonedeck_site::{Result, Watch, fence};

use super::made::Owner;
use super::{AttachPlatform, CloneSite, CloneSpec, Made, Plan, Planned, source, succession};
use crate::{Previews, Secrets, Watching};

/// Makes the folder and the database of the copy; what was there is set aside if that was asked.
#[derive(Debug)]
pub struct PrepareTarget {
    /// Where passwords are kept.
    pub secrets: Secrets,
    /// Where copies are served.
    pub previews: Previews,
}

impl Step for PrepareTarget {
    type Job = CloneSite;
    type Cursor = ();
    type Output = ();
    const NAME: &'static str = "prepare-target";
    const TITLE: &'static str = "Prepare target";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
        let watch = Watching::new(ctx.handle());
        let planned = ctx.output_of::<Plan>()?;
        let site = planned.whole(ctx.output_of::<AttachPlatform>()?.site);
        let (folder, job) = (ctx.job_dir()?, ctx.job_id().to_string());
        let prepare = async {
            let made = if let Some(made) = Made::standing(&folder)? {
                made
            } else {
                let ground = fence::check(&site.root, &planned.target)?;
                if !ctx.spec().replace {
                    ground.require_free()?;
                }
                // A server goes by the name of its folder, and would show what comes into its place.
                let earlier = succession::predecessors(&planned, &folder);
                for ended in self.previews.clear(&job, &planned.target, &earlier).await? {
                    watch.note(
                        clonedeck_site::Level::Info,
                        &format!("the preview of what was there has ended: {ended}"),
                    );
                }
                // Named after the job, so that a kill between the move and the note of it is no loss.
                let aside = if ctx.spec().replace { fence::set_aside(&planned.target, &job)? } else { None };
                let ground = fence::check(&site.root, &planned.target)?;
                ground.require_free()?;
                let turn = succession::next_turn(&folder);
                let made = Made { site, planned: planned.clone(), claim: ground.claim(), aside, turn };
                made.keep(&folder)?;
                made
            };
            made.claim.make()?;
            make_database(ctx.spec(), &planned, &self.secrets, &job, &watch).await?;
            Ok(made)
        };
        let made: Made = prepare.await.map_err(|problem| watch.error(problem))?;
        self.previews.warm_up(&planned.url);
        if let Some(aside) = &made.aside {
            ctx.log(
                Level::Info,
                format!("what was in {} is now in {}", planned.target.display(), aside.path().display()),
            );
        }
        if let Some(address) = &planned.database {
            ctx.log(Level::Info, format!("database {address} is ready"));
        }
        ctx.message(planned.target.display().to_string());
        Ok(Done::Completed(()))
    }

    async fn undo(&self, ctx: &mut Ctx<Self>) -> Result<Undone, StepError> {
        let watch = Watching::new(ctx.handle());
        let (folder, job) = (ctx.job_dir()?, ctx.job_id().to_string());
        let undo = async {
            let Some(made) = Made::read(&folder)? else { return Ok(None) };
            let owner = Owner {
                job: &job,
                job_dir: &folder,
                finished: false,
                spec: ctx.spec(),
                secrets: &self.secrets,
                previews: &self.previews,
            };
            let kept = made.remove(&owner, &watch).await?;
            Made::forget(&folder);
            Ok(Some(kept))
        };
        match undo.await.map_err(|problem| watch.error(problem))? {
            Some(kept) => {
                for path in kept {
                    ctx.log(Level::Warn, format!("{} was not made by this job and stays", path.display()));
                }
                Ok(Undone::Reverted)
            }
            None => Ok(Undone::Nothing),
        }
    }
}

async fn make_database(
    spec: &CloneSpec,
    planned: &Planned,
    secrets: &Secrets,
    job: &str,
    watch: &dyn Watch,
) -> Result<()> {
    let Some(address) = &planned.database else { return Ok(()) };
    let opened = source::open(spec, secrets).await?;
    let password = opened.password_for(address, spec, secrets)?;
    let Some(database) = &opened.database else { return Ok(()) };
    let occupied = if spec.replace { Occupied::SetAside } else { Occupied::Refuse };
    databases::Target::prepare(database, address, &password, job, occupied, watch).await.map(drop)
}
