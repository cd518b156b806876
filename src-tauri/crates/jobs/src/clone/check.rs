use std::collections::BTreeSet;
use std::path::Path;

use clonedeck_queue::{Ctx, Done, JobId, Level, Step, StepError};
use clonedeck_site::databases::Known;
use clonedeck_site::defaults::Login;
use clonedeck_site::files::RelPath;
use clonedeck_site::{Problem, Result, Secret, Watch};

use super::copy_files;
use super::look::Look;
use super::receipt::Receipt;
use super::rewrite::AllRewritten;
use super::{
    CloneSite, CloneSpec, CopyCore, CopyDatabase, CopyMedia, CopyModules, CopyThemes, Made, RewriteAddresses,
    UpdateSiteDefaults,
};
use crate::words::counted;
use crate::{Previews, Secrets, Watching};

/// Holds the copy against what was counted before it was made, looks for the old address everywhere, and asks the running copy.
#[derive(Debug)]
pub struct CheckTheCopy {
    /// Where passwords are kept.
    pub secrets: Secrets,
    /// Where copies are served.
    pub previews: Previews,
}

impl Step for CheckTheCopy {
    type Job = CloneSite;
    type Cursor = ();
    type Output = u32;
    const NAME: &'static str = "check-the-copy";
    const TITLE: &'static str = "Check the copy";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<u32>, StepError> {
        let watch = Watching::new(ctx.handle());
        let (folder, id) = (ctx.job_dir()?, ctx.job_id());
        let job = id.to_string();
        let mut receipt = Receipt::default();
        let updated = ctx.output_of::<UpdateSiteDefaults>()?;
        receipt.neutralised =
            updated.neutralised.iter().map(|done| format!("{}: {}", done.name, done.detail)).collect();
        receipt.settings = updated.settings;
        let rewritten = ctx.output_of::<RewriteAddresses>()?;
        note_rewriting(&mut receipt, &rewritten);
        let copied = [
            ctx.output_of::<CopyCore>()?,
            ctx.output_of::<CopyModules>()?,
            ctx.output_of::<CopyThemes>()?,
            ctx.output_of::<CopyMedia>()?,
        ];
        for part in &copied {
            receipt.files.listed.extend(
                copy_files::listed(&part.report).into_iter().map(|(path, why)| format!("{path}: {why}")),
            );
        }
        let copied = ctx.output_of::<CopyDatabase>()?;
        let changes =
            copied.copied.changes.iter().chain(&copied.settled.changes).chain(&rewritten.settled.changes);
        receipt.definitions = changes.map(|change| format!("{}: {}", change.what, change.how)).collect();
        let settled = match &rewritten.settled {
            settled if settled.passes > 0 || !settled.tables.is_empty() => settled,
            _ => &copied.settled,
        };
        receipt.findings.extend(settled.moving.iter().map(|table| {
            format!("The table {table} kept changing while it was copied; its rows are not of the same moment as the others.")
        }));

        // What was read back when it was written need not be read again, unless something was changed on purpose since.
        let written = updated.written.as_ref();
        let mut read_back = copied.copied.read_back;
        read_back.retain(|table| written.is_some_and(|written| !written.contains(&table.table)));
        let known = Known { tables: &settled.tables, read_back: &read_back };

        let check = async {
            let made = Made::standing(&folder)?.ok_or_else(|| {
                Problem::permanent("job.folder", "The job's own notes of what it made are gone.")
            })?;
            receipt.files.excluded.clone_from(&made.planned.left_out);
            let look = Look {
                made: &made,
                spec: ctx.spec(),
                secrets: &self.secrets,
                job_dir: &folder,
                job: &job,
                finished: false,
            };
            look.contents(&rewritten.files.changed, known, &mut receipt, &watch).await?;
            let login = self.login(id, updated.username.as_deref())?;
            look.pages(&self.previews, login.as_ref(), &mut receipt, &watch).await?;
            // Rows are compared with what the copy held when it was brought to one moment; the source has moved on since.
            if !settled.tables.is_empty() {
                receipt.tables.clone_from(&settled.tables);
            }
            receipt.keep(&folder)
        };
        check.await.map_err(|problem| watch.error(problem))?;
        for finding in &receipt.findings {
            ctx.log(Level::Warn, finding);
        }
        let findings = receipt.findings.len() as u32;
        let told = match findings {
            0 if receipt.tables.is_empty() => {
                format!("{} as they should be", counted(receipt.files.count, "file"))
            }
            0 => format!(
                "{} and {} as they should be",
                counted(receipt.files.count, "file"),
                counted(receipt.tables.len() as u64, "table")
            ),
            many => counted(u64::from(many), "finding"),
        };
        ctx.log(Level::Info, &told);
        ctx.message(&told);
        ctx.set_result(serde_json::json!({ "findings": findings }))?;
        Ok(Done::Completed(findings))
    }
}

impl CheckTheCopy {
    /// The login that was made, as it is kept for the operator.
    fn login(&self, job: JobId, username: Option<&str>) -> Result<Option<Login>> {
        let kept = self.secrets.result(job)?;
        let password = kept.as_ref().and_then(|kept| kept.get("password")?.as_str());
        Ok(username
            .zip(password)
            .map(|(user, password)| Login { user: user.to_owned(), password: Secret::new(password) }))
    }
}

fn note_rewriting(receipt: &mut Receipt, rewritten: &AllRewritten) {
    let cells = &rewritten.cells;
    let rewrite = &mut receipt.rewrite;
    rewrite.cells_scanned = cells.cells_scanned;
    rewrite.cells_changed = cells.cells_changed;
    rewrite.by_kind.clone_from(&cells.by_kind);
    if !rewritten.files.changed.is_empty() {
        rewrite.by_kind.insert("files".into(), rewritten.files.changed.len() as u64);
    }
    rewrite.newly_broken = rewritten.values.broken;
    rewrite.parsed = rewritten.values.compared;
    rewrite.unchanged_unsafe = cells
        .unchanged_unsafe
        .iter()
        .map(|cell| format!("{}.{} of {}: {}", cell.table, cell.column, cell.key, cell.reason))
        .collect();
    let values = &rewritten.values;
    if values.broken > 0 {
        let examples = values.named.iter().take(3).cloned().collect::<Vec<_>>().join("; ");
        receipt.findings.push(format!(
            "{} of the source cannot be read in the copy, such as {examples}.",
            counted(values.broken, "structured value")
        ));
    }
    if cells.unsafe_count > 0 {
        receipt.findings.push(format!(
            "{} with the old address left as found, because changing it is not safe.",
            counted(cells.unsafe_count, "value")
        ));
    }
}

/// Checks a finished copy again, long after: files against the index, rows and leftovers, and what the running copy answers. The parts
/// of the receipt that tell what was done are taken over from `before`.
pub async fn recheck(
    job: &str,
    job_dir: &Path,
    spec: &CloneSpec,
    secrets: &Secrets,
    previews: &Previews,
    watch: &dyn Watch,
) -> Result<Receipt> {
    let before = Receipt::read(job_dir)?;
    let made = Made::standing(job_dir)?
        .ok_or_else(|| Problem::permanent("copy.gone", "The copy of this job was deleted."))?;
    let changed: BTreeSet<RelPath> = {
        let file = job_dir.join(super::rewrite::CHANGED_FILES);
        std::fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    };
    let mut receipt = Receipt {
        files: before.files.clone(),
        findings: Vec::new(),
        pages: Vec::new(),
        tables: Vec::new(),
        ..before
    };
    receipt.files.differences = Vec::new();
    receipt.rewrite.left_over = Vec::new();
    let look = Look { made: &made, spec, secrets, job_dir, job, finished: true };
    look.contents(&changed, Known::default(), &mut receipt, watch).await?;
    look.pages(previews, None, &mut receipt, watch).await?;
    Ok(receipt)
}
