use clonedeck_queue::{Ctx, Done, Level, Step, StepError};
use clonedeck_site::check::Values;
use clonedeck_site::databases::{self, CONNECTIONS, Copied, PASSES, Settled};
use clonedeck_site::{Part, Result};
use serde::{Deserialize, Serialize};

use super::{AttachPlatform, CloneSite, Made, Plan, rewriting, source};
use crate::words::counted;
use crate::{Secrets, Watching};

/// Copies the database, rewriting addresses on the way where its kind allows it: then nothing of the database waits for the files.
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
    /// How it was brought to one moment; where addresses are rewritten in place, that comes after it.
    pub settled: Settled,
    /// What parses in the source, and whether it does in the copy, where addresses were rewritten on the way.
    #[serde(default)]
    pub values: Values,
}

impl Step for CopyDatabase {
    type Job = CloneSite;
    type Cursor = serde_json::Value;
    type Output = CopiedDatabase;
    const NAME: &'static str = "copy-database";
    const TITLE: &'static str = "Copy database";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<CopiedDatabase>, StepError> {
        let planned = ctx.output_of::<Plan>()?;
        if planned.database.is_none() {
            let reason = if ctx.spec().copies(Part::Database) {
                "the site has none"
            } else {
                "left out: --skip database"
            };
            return Ok(Done::Skipped { reason: reason.into(), output: CopiedDatabase::default() });
        }
        let watch = Watching::new(ctx.handle());
        let site = planned.whole(ctx.output_of::<AttachPlatform>()?.site);
        let job = ctx.job_id().to_string();
        let folder = ctx.job_dir()?;
        let copy = async {
            Made::standing(&folder)?;
            let Some((database, target)) = source::both(ctx.spec(), &planned, &self.secrets, &job).await?
            else {
                return Ok(CopiedDatabase::default());
            };
            let rewriter = rewriting::rewriter(&site, &planned)?;
            let rewriting =
                rewriter.as_ref().map(|rewriter| rewriting::rewriting(ctx.spec(), &site, rewriter));
            let mut copied =
                databases::copy(&database, &target, rewriting.as_ref(), CONNECTIONS, &watch).await?;
            if rewriting.is_some() && !target.rewrites_on_its_way() {
                return Ok(CopiedDatabase { copied, ..CopiedDatabase::default() });
            }
            let settled = databases::settle(&database, &target, rewriting.as_ref(), PASSES, &watch).await?;
            copied.read_back.retain(|table| !settled.renewed.contains(&table.table));
            let values = match rewriting {
                Some(_) => {
                    source::values(ctx.spec(), &planned, &self.secrets, &copied.read_back, &watch).await?
                }
                None => Values::default(),
            };
            Ok(CopiedDatabase { copied, settled, values })
        };
        let done: CopiedDatabase = copy.await.map_err(|problem| watch.error(problem))?;
        for change in &done.copied.changes {
            ctx.log(Level::Warn, format!("{}: {}", change.what, change.how));
        }
        log_settled(&done.settled, |level, line| ctx.log(level, line));
        let told = format!("{} · {}", counted(done.copied.tables, "table"), counted(done.copied.rows, "row"));
        ctx.log(Level::Info, format!("{told}; {}", done.copied.way));
        ctx.message(&told);
        Ok(Done::Completed(done))
    }
}

/// Tells the log how the copy was brought to one moment of the source.
pub(super) fn log_settled(settled: &Settled, log: impl Fn(Level, String)) {
    for change in &settled.changes {
        log(Level::Warn, format!("{}: {}", change.what, change.how));
    }
    for table in &settled.moving {
        log(Level::Warn, format!("{table} kept changing; its rows are not of the same moment as the others"));
    }
    if settled.passes > 0 {
        let passes =
            if settled.passes == 1 { "1 pass".to_owned() } else { format!("{} passes", settled.passes) };
        log(
            Level::Info,
            format!(
                "the copy is of one moment after {passes}; {} brought again",
                counted(settled.brought, "range")
            ),
        );
    }
}
