use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use clonedeck_queue::{Ctx, Done, JobId, Level, Step, StepError};
use clonedeck_rewrite::Rewriter;
use clonedeck_site::check::{Pages, Plan as PagesPlan, sample_post};
use clonedeck_site::databases::{self, Access, Checked};
use clonedeck_site::defaults::Login;
use clonedeck_site::files::{self, Difference, Index, RelPath, Verify};
use clonedeck_site::platforms::Address;
use clonedeck_site::{Part, Problem, Result, Secret, Watch};

use super::receipt::Receipt;
use super::rewrite::AllRewritten;
use super::{
    CloneSite, CloneSpec, CopyCore, CopyDatabase, CopyMedia, CopyModules, CopyThemes, Made, RewriteAddresses,
    UpdateSiteDefaults,
};
use super::{copy_files, plan, rewrite_files, rewriting, shared, source, stranger};
use crate::watching::Later;
use crate::words::{count, counted};
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
            look.contents(&rewritten.files.changed, &mut receipt, &watch).await?;
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

fn note_checked(receipt: &mut Receipt, checked: Checked) {
    receipt.tables = checked.tables;
    receipt.rewrite.left_over.extend(checked.left_over.iter().map(|left| {
        format!("{}.{}: {} cells, such as {}", left.table, left.column, count(left.cells), left.example)
    }));
    let cells: u64 = checked.left_over.iter().map(|left| left.cells).sum();
    if cells > 0 {
        receipt
            .findings
            .push(format!("The old address is left in {} of the copy's database.", counted(cells, "cell")));
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
    look.contents(&changed, &mut receipt, watch).await?;
    look.pages(previews, None, &mut receipt, watch).await?;
    Ok(receipt)
}

/// A look at a copy.
struct Look<'a> {
    made: &'a Made,
    spec: &'a CloneSpec,
    secrets: &'a Secrets,
    job_dir: &'a Path,
    job: &'a str,
    /// Whether the job's marks are gone from the copy's database.
    finished: bool,
}

impl Look<'_> {
    fn indexes(&self) -> Result<Vec<Arc<Index>>> {
        plan::indexes(self.job_dir, &self.made.site)
    }

    fn rewriter(&self) -> Result<Option<Rewriter>> {
        rewriting::rewriter(&self.made.site, &self.made.planned)
    }

    /// Files and database, at the same time: one waits for the disk where the other waits for the server.
    async fn contents(
        &self,
        changed: &BTreeSet<RelPath>,
        receipt: &mut Receipt,
        watch: &dyn Watch,
    ) -> Result<()> {
        let later = Later::new(watch);
        let files = async {
            self.files(changed, receipt, watch).await?;
            later.speak();
            Ok(())
        };
        let ((), checked) = tokio::try_join!(files, self.database(&later))?;
        if let Some(checked) = checked {
            note_checked(receipt, checked);
        }
        Ok(())
    }

    /// Files: kind, size and mode of each, the bytes of a sample or of all; and the old address in those that may hold it.
    async fn files(
        &self,
        changed: &BTreeSet<RelPath>,
        receipt: &mut Receipt,
        watch: &dyn Watch,
    ) -> Result<()> {
        let parts: Vec<Part> = self.made.planned.parts.keys().copied().collect();
        let verify: Verify = self.spec.verify();
        let indexes = self.indexes()?;
        receipt.files.count = 0;
        receipt.files.bytes = 0;
        receipt.files.verified = 0;
        for (index, tree) in indexes.iter().zip(&self.made.site.trees) {
            let is_root = tree.place.as_os_str().is_empty();
            let place = if is_root {
                self.made.planned.target.clone()
            } else {
                self.made.planned.target.join(&tree.place)
            };
            let below = |path: &Path| if is_root { path.to_owned() } else { tree.place.join(path) };
            let on_purpose: BTreeSet<RelPath> = index
                .entries()
                .filter(|entry| {
                    let path = below(entry.path);
                    self.made.is_changed_on_purpose(&path) || changed.contains(&RelPath::from(path))
                })
                .map(|entry| RelPath::from(entry.path))
                .collect();
            let compared =
                files::compare(Arc::clone(index), &place, &parts, verify, &on_purpose, watch).await?;
            for part in compared.parts.values() {
                receipt.files.count += part.found.files;
                receipt.files.bytes += part.found.bytes;
            }
            receipt.files.verified += compared.hashed_files;
            let lines = compared.differences.iter().map(|(path, difference)| {
                format!("{}: {}", below(path.as_path()).display(), say(difference))
            });
            receipt.files.differences.extend(lines);
            if compared.different > 0 {
                let differ = counted(compared.different, "file");
                receipt.findings.push(format!("{differ} of the copy differ from what is due."));
            }
        }
        if let Some(rewriter) = self.rewriter()? {
            self.left_over_in_files(&rewriter, &indexes, receipt);
        }
        Ok(())
    }

    fn left_over_in_files(&self, rewriter: &Rewriter, indexes: &[Arc<Index>], receipt: &mut Receipt) {
        let configuration =
            self.made.site.configuration.iter().map(|configuration| configuration.place.clone());
        let fixed = [".htaccess", ".user.ini"].map(|name| self.made.site.web.join(name));
        let mut left = 0;
        for path in configuration.chain(fixed).chain(rewrite_files::generated(self.made, indexes)) {
            let Ok(bytes) = std::fs::read(self.made.planned.target.join(&path)) else { continue };
            for trace in rewriter.scan(&bytes) {
                left += 1;
                receipt.rewrite.left_over.push(format!(
                    "{} at byte {}: {}",
                    path.display(),
                    trace.offset,
                    trace.excerpt
                ));
            }
        }
        if left > 0 {
            receipt
                .findings
                .push(format!("The old address is left in files of the copy, {} times.", count(left)));
        }
    }

    /// The database: rows by table on both sides, the old address in any column of text.
    async fn database(&self, watch: &dyn Watch) -> Result<Option<Checked>> {
        let both = if self.finished {
            source::finished(self.spec, &self.made.planned, self.secrets).await?
        } else {
            source::both(self.spec, &self.made.planned, self.secrets, self.job).await?
        };
        let Some((database, target)) = both else { return Ok(None) };
        let rewriter = self.rewriter()?;
        let rewriting =
            rewriter.as_ref().map(|rewriter| rewriting::rewriting(self.spec, &self.made.site, rewriter));
        databases::check(&database, &target, rewriting.as_ref(), watch).await.map(Some)
    }

    /// The running copy: pages without an error and without the old address, and a login that works.
    async fn pages(
        &self,
        previews: &Previews,
        login: Option<&Login>,
        receipt: &mut Receipt,
        watch: &dyn Watch,
    ) -> Result<()> {
        watch.doing("asking the running copy");
        let password = self.made.password(self.spec, self.secrets).await?;
        let target = self.made.target(&password);
        let address = Address::parse(&self.made.planned.url)?;
        if !address.is_loopback() {
            receipt.pages.push(format!("not asked: {address} is not an address of this machine"));
            return Ok(());
        }
        let planned = &self.made.planned;
        if let Some(index) = self.indexes()?.first()
            && let Some(shares) = shared::sentence(&self.made.site, planned, index, &planned.target)
        {
            receipt.pages.push(format!("not asked: {shares}"));
            let mut finding = format!("The copy was not started: {shares}");
            if planned.database.is_some() {
                finding.push_str(&format!(" Then: clonedeck previews start {}", self.job));
            }
            receipt.findings.push(finding);
            return Ok(());
        }
        if self.made.planned.preview || !answers(&address).await {
            match previews.serve(self.made.preview(&password, previews.data_dir(), self.job)).await {
                Ok(()) => {}
                // A machine without PHP can make a copy that another one serves, a user without the right to a port one for a web server.
                Err(problem)
                    if problem.code.starts_with("php.")
                        || ["preview.https", "port.forbidden"].contains(&problem.code) =>
                {
                    receipt.pages.push(format!("not asked: {} {}", problem.message, problem.help));
                    receipt
                        .findings
                        .push(format!("The copy was not started here: {} {}", problem.message, problem.help));
                    return Ok(());
                }
                Err(problem) => return Err(problem),
            }
        } else if let Some(stranger) = stranger::at(&address, &planned.target.join(&self.made.site.web)).await
        {
            receipt.pages.push(format!("not asked: {stranger}"));
            receipt.findings.push(stranger);
            return Ok(());
        }
        let Some(rewriter) = self.rewriter()? else {
            receipt.pages.push("not asked: the address of the source is not known".to_owned());
            return Ok(());
        };
        let post = match self.made.tables(&password, Access::Read).await? {
            Some(mut tables) => sample_post(&target, &mut *tables).await?,
            None => None,
        };
        let pages = {
            let (made, login) = (self.made.clone(), login.cloned());
            let password = password.clone();
            let look = move || {
                let target = made.target(&password);
                Pages::look(&PagesPlan::of(&target, post, login.as_ref(), &rewriter))
            };
            tokio::task::spawn_blocking(look).await.map_err(crate::lost_thread)?
        };
        match pages {
            Ok(pages) => {
                receipt.pages.extend(pages.pages.iter().map(|page| {
                    format!("{} ({}) answered {} in {} ms", page.name, page.url, page.status, page.ms)
                }));
                for page in &pages.pages {
                    let lacks = page.name == "asset" && page.status == 404 && self.source_lacks(&page.url);
                    if lacks {
                        receipt.files.listed.push(format!(
                            "{}: is asked for by the front page and is not in the source either",
                            page.url
                        ));
                    } else {
                        receipt.findings.extend(
                            page.findings
                                .iter()
                                .map(|finding| format!("{} ({}): {finding}", page.name, page.url)),
                        );
                    }
                }
            }
            Err(problem) => receipt.findings.push(format!("The copy does not answer: {}", problem.message)),
        }
        Ok(())
    }
}

impl Look<'_> {
    /// Whether the source has no file for an address of the copy.
    fn source_lacks(&self, url: &str) -> bool {
        let Some(path) = url.strip_prefix(self.made.planned.url.as_str()) else { return false };
        let path = path.split(['?', '#']).next().unwrap_or_default().trim_start_matches('/');
        !path.contains('%')
            && !path.contains("..")
            && !self.made.site.root.join(&self.made.site.web).join(path).exists()
    }
}

/// Whether somebody serves this address already.
async fn answers(address: &Address) -> bool {
    let host = address.host.trim_matches(['[', ']']).to_owned();
    let connect = tokio::net::TcpStream::connect((host, address.port_or_default()));
    tokio::time::timeout(std::time::Duration::from_secs(2), connect)
        .await
        .is_ok_and(|connected| connected.is_ok())
}

fn say(difference: &Difference) -> String {
    match difference {
        Difference::Missing => "is not there".to_owned(),
        Difference::OtherKind => "is something else than in the source".to_owned(),
        Difference::OtherSize { expected, found } => {
            format!("has {} bytes where {} are due", count(*found), count(*expected))
        }
        Difference::OtherContent => "holds other bytes than the source".to_owned(),
        Difference::OtherLink => "leads elsewhere than in the source".to_owned(),
        Difference::OtherMode { expected, found } => {
            format!("has the mode {found:o} where {expected:o} is due")
        }
    }
}
