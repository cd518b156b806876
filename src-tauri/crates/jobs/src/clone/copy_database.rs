use clonedeck_queue::{Ctx, Done, Level, Step, StepError};
use clonedeck_site::databases::{self, Copied, Settled};
use clonedeck_site::{Part, Result};
use serde::{Deserialize, Serialize};

use super::{AttachPlatform, CloneSite, Plan, rewriting, source};
use crate::words::count;
use crate::{Secrets, Watching};

/// Copies the database and brings the copy to one moment of the source, rewriting addresses on the way.
#[derive(Debug)]
pub struct CopyDatabase {
    /// Where passwords are kept.
    pub secrets: Secrets,
}

/// What was copied.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CopiedDatabase {
    /// How it went.
    pub copied: Copied,
    /// How it was brought to one moment.
    pub settled: Settled,
}

/// Connections that copy at a time: as many as the machine has processors to serve them, and never a crowd.
pub(super) fn connections() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get).clamp(2, 4)
}

/// Passes over the source before what still moves is listed.
const PASSES: u32 = 4;

impl Step for CopyDatabase {
    type Job = CloneSite;
    type Cursor = serde_json::Value;
    type Output = CopiedDatabase;
    const NAME: &'static str = "copy-database";
    const TITLE: &'static str = "Copy database";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<CopiedDatabase>, StepError> {
        let planned = ctx.output_of::<Plan>()?;
        if planned.database.is_none() {
            let reason = if ctx.spec().copies(Part::Database) { "the site has none" } else { "left out: --skip database" };
            return Ok(Done::Skipped { reason: reason.into(), output: CopiedDatabase::default() });
        }
        let watch = Watching::new(ctx.handle());
        let site = ctx.output_of::<AttachPlatform>()?.site;
        let job = ctx.job_id().to_string();
        let copy = async {
            let Some((database, target)) = source::both(ctx.spec(), &planned, &self.secrets, &job).await? else {
                return Ok(CopiedDatabase::default());
            };
            let rewriter = rewriting::rewriter(&site, &planned)?;
            let rewriting = rewriter.as_ref().map(|rewriter| rewriting::rewriting(ctx.spec(), &site, rewriter));
            let copied = databases::copy(&database, &target, rewriting.as_ref(), connections(), &watch).await?;
            let settled = databases::settle(&database, &target, rewriting.as_ref(), PASSES, &watch).await?;
            Ok(CopiedDatabase { copied, settled })
        };
        let done: CopiedDatabase = copy.await.map_err(|problem| watch.error(problem))?;
        for change in done.copied.changes.iter().chain(&done.settled.changes) {
            ctx.log(Level::Warn, format!("{}: {}", change.what, change.how));
        }
        for table in &done.settled.moving {
            ctx.log(Level::Warn, format!("{table} kept changing; its rows are not of the same moment as the others"));
        }
        let told = format!("{} tables · {} rows · {}", count(done.copied.tables), count(done.copied.rows), done.copied.way);
        ctx.log(
            Level::Info,
            format!("{told}; settled in {} passes, {} ranges brought again", done.settled.passes, done.settled.brought),
        );
        ctx.message(&told);
        Ok(Done::Completed(done))
    }
}
