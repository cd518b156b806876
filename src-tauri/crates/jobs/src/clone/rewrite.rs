use clonedeck_queue::{Ctx, Done, Level, Step, StepError};
use clonedeck_site::check::Values;
use clonedeck_site::databases::{self, CONNECTIONS, PASSES, Rewritten, Settled};
use clonedeck_site::{Part, Result};
use serde::{Deserialize, Serialize};

use super::rewrite_files::{self, RewrittenFiles};
use super::{
    AttachPlatform, CloneSite, CopyDatabase, Made, Plan, copy_database, made, plan, rewriting, source,
};
use crate::words::{count, counted};
use crate::{Secrets, Watching};

/// What was rewritten in all.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct AllRewritten {
    /// In the database.
    pub cells: Rewritten,
    /// In files that plugins generate from it.
    pub files: RewrittenFiles,
    /// How the copy was then brought to one moment of the source, where that was not done with the copying.
    pub settled: Settled,
    /// What parses in the source, and whether it does in the copy: before anything of the copy is changed on purpose.
    #[serde(default)]
    pub values: Values,
}

/// The file of the job's folder that names the files of the copy which were rewritten.
pub(super) const CHANGED_FILES: &str = "rewritten-files.json";

/// Rewrites the addresses that the copy of the database still holds, and counts all that was rewritten.
#[derive(Debug)]
pub struct RewriteAddresses {
    /// Where passwords are kept.
    pub secrets: Secrets,
}

impl Step for RewriteAddresses {
    type Job = CloneSite;
    type Cursor = serde_json::Value;
    type Output = AllRewritten;
    const NAME: &'static str = "rewrite-addresses";
    const TITLE: &'static str = "Rewrite addresses";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<AllRewritten>, StepError> {
        let skipped =
            |reason: &str| Ok(Done::Skipped { reason: reason.into(), output: AllRewritten::default() });
        let planned = ctx.output_of::<Plan>()?;
        let watch = Watching::new(ctx.handle());
        let site = planned.whole(ctx.output_of::<AttachPlatform>()?.site);
        let Some(rewriter) = rewriting::rewriter(&site, &planned).map_err(|problem| watch.error(problem))?
        else {
            return skipped("the copy keeps the address");
        };
        let rewriting = rewriting::rewriting(ctx.spec(), &site, &rewriter);
        let (job, folder) = (ctx.job_id().to_string(), ctx.job_dir()?);
        let copied = ctx.output_of::<CopyDatabase>()?;
        let rewrite = async {
            let (cells, settled, values) = match source::both(ctx.spec(), &planned, &self.secrets, &job)
                .await?
            {
                Some((database, target)) => {
                    let cells =
                        databases::rewrite(&database, &target, &rewriting, CONNECTIONS, &watch).await?;
                    if copied.settled.passes > 0 {
                        (cells, Settled::default(), copied.values)
                    } else {
                        let settled =
                            databases::settle(&database, &target, Some(&rewriting), PASSES, &watch).await?;
                        drop((database, target));
                        let values = source::values(ctx.spec(), &planned, &self.secrets, &[], &watch).await?;
                        (cells, settled, values)
                    }
                }
                None => (Rewritten::default(), Settled::default(), Values::default()),
            };
            let files = match Made::standing(&folder)? {
                Some(made) if ctx.spec().copies(Part::Media) => {
                    rewrite_files::rewrite(&made, &plan::indexes(&folder, &site)?, &rewriter, &watch).await?
                }
                _ => RewrittenFiles::default(),
            };
            made::keep(&folder.join(CHANGED_FILES), &files.changed)?;
            Ok(AllRewritten { cells, files, settled, values })
        };
        let all: AllRewritten = rewrite.await.map_err(|problem| watch.error(problem))?;
        let done = &all.cells;
        for cell in &done.unchanged_unsafe {
            ctx.log(
                Level::Warn,
                format!("{}.{} of {} was left: {}", cell.table, cell.column, cell.key, cell.reason),
            );
        }
        copy_database::log_settled(&all.settled, |level, line| ctx.log(level, line));
        if all.values.compared > 0 {
            ctx.log(
                Level::Info,
                format!(
                    "{} parse in the source; {} of them do not in the copy",
                    counted(all.values.compared, "serialized or JSON value"),
                    count(all.values.broken)
                ),
            );
        }
        let mut told =
            format!("{} of {} cells changed", count(done.cells_changed), count(done.cells_scanned));
        if !all.files.changed.is_empty() {
            told.push_str(&format!(" · {} changed", counted(all.files.changed.len() as u64, "file")));
        }
        ctx.log(Level::Info, &told);
        ctx.message(&told);
        Ok(Done::Completed(all))
    }
}
